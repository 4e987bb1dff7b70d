"""templates/judge.yml, as a GitLab pipeline that includes it runs it: what is decided, and what stays a word."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from action import GAINS, write_answers

pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).parents[2]
SPEC, BODY = (REPOSITORY / "templates/judge.yml").read_text(encoding="utf-8").split("\n---\n")
INPUTS = yaml.safe_load(SPEC)["spec"]["inputs"]


def run(folder: Path, **given: str) -> int:
    """Run the job's script as a runner does, where the package is installed."""
    inputs = {name: spec.get("default") for name, spec in INPUTS.items()} | {"package": "mlgate"} | given
    body = BODY
    for name, value in inputs.items():
        body = body.replace(f"$[[ inputs.{name} ]]", value)
    assert "$[[" not in body
    job = yaml.safe_load(body)["judge"]
    assert all(variable["expand"] is False for variable in job["variables"].values())
    variables = {name: variable["value"] for name, variable in job["variables"].items()}
    (folder / ".gate-venv/bin").mkdir(parents=True, exist_ok=True)
    mlgate = folder / ".gate-venv/bin/mlgate"
    mlgate.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mlgate "$@"\n')
    mlgate.chmod(0o755)
    environment = {**os.environ, **variables, "PYTHONPATH": str(REPOSITORY / "lib")}
    done = subprocess.run(["bash", "-eo", "pipefail", "-c", "\n".join(job["script"])], cwd=folder, env=environment)
    return done.returncode


@pytest.mark.parametrize(("decision", "code"), [("PROMOTE", 0), ("HOLD", 3), ("REJECT", 4)])
def test_a_verdict_fails_or_passes_the_job_and_leaves_its_reports(tmp_path, decision, code):
    write_answers(tmp_path / "answers.csv", *GAINS[decision])
    assert run(tmp_path, answers="answers.csv") == code
    assert decision in (tmp_path / "verdict.json").read_text()
    assert ElementTree.parse(tmp_path / "verdict.xml").getroot().tag == "testsuite"
    assert (tmp_path / "metrics.txt").read_text().endswith("# EOF\n")


def test_an_input_is_a_word_whatever_stands_in_it(tmp_path):
    write_answers(tmp_path / "answers.csv", *GAINS["REJECT"])
    for name in ("$(touch here)", "`touch here`", "--fail-on=never", "x; touch here"):
        assert run(tmp_path, answers="answers.csv", **{"candidate-column": name}) == 1
    assert not (tmp_path / "here").exists()
