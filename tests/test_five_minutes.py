"""docs/FIVE_MINUTES.md: what it tells people to save and to type works, and prints what it says."""

import csv
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from mlgate.root import policy_from

import pytest
from conftest import REPOSITORY

TEXT = (REPOSITORY / "docs/FIVE_MINUTES.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def say(command: str, folder: Path) -> subprocess.CompletedProcess:
    """As on a path where `python` and `mlgate` are this environment's."""
    mlgate = f"{sys.executable} -m mlgate"
    command = command.replace("\\\n", " ").replace("mlgate", mlgate, 1).replace("python answers", "PY answers")
    command = command.replace("PY", sys.executable)
    surroundings = {**os.environ, "PYTHONPATH": str(REPOSITORY / "lib")}
    return subprocess.run(
        command, shell=True, cwd=folder, env=surroundings, capture_output=True, text=True, check=False
    )


def write_a_file_for_each_model(folder: Path) -> None:
    with open(folder / "answers.csv", newline="") as file:
        rows = [{"id": number, **row} for number, row in enumerate(csv.DictReader(file))]
    for name, model in (("a", "production"), ("b", "candidate")):
        lines = [json.dumps({"id": row["id"], "label": row["label"], "answer": row[model]}) for row in rows]
        (folder / f"{name}.jsonl").write_text("\n".join(lines))


@pytest.mark.slow
def test_the_page_does_what_it_says(tmp_path):
    make, judge, joined, with_policy, init = blocks("sh")
    (tmp_path / "answers.py").write_text(blocks("python")[0])
    assert say(make, tmp_path).returncode == 0
    done = say(judge, tmp_path)
    assert done.returncode == 0, done.stderr
    [expected] = blocks("text")
    assert [line for line in expected.splitlines() if line not in done.stdout] == []
    write_a_file_for_each_model(tmp_path)
    done = say(joined, tmp_path)
    assert done.returncode == 0, done.stderr
    (tmp_path / "gate.toml").write_text(blocks("toml")[0])
    assert say(with_policy, tmp_path).returncode == 0
    assert '"PROMOTE"' in (tmp_path / "verdict.json").read_text()
    assert say(init, tmp_path).returncode == 0


@pytest.mark.slow
def test_exchanged_columns_are_rejected_and_few_rows_hold(tmp_path):
    make, judge, *_ = blocks("sh")
    (tmp_path / "answers.py").write_text(blocks("python")[0])
    say(make, tmp_path)
    exchanged = judge.replace("column production", "column X").replace("column candidate", "column production")
    assert say(exchanged.replace("column X", "column candidate"), tmp_path).returncode == 4
    rows = (tmp_path / "answers.csv").read_text().splitlines(keepends=True)
    (tmp_path / "answers.csv").write_text("".join(rows[:201]))
    assert say(judge, tmp_path).returncode == 3


def test_what_the_page_demands_by_cost_is_a_policy():
    policy = policy_from(tomllib.loads(blocks("toml")[1]))
    assert (policy.metric, policy.floor, len(policy.priced)) == ("cost", 0.4, 2)
