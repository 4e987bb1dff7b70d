"""The alarm comes back to the gate: each starts one retraining, at most one a day, and promotes nothing by itself."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

from mlgate import cli, ledger
from mlgate.ci import alarms
from mlgate.errors import MlgateError

import pytest
import yaml
from conftest import REPOSITORY

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def report(root, light="proven_harm", at=NOW - timedelta(hours=1), believed=True, digest=None):
    lights = {name: {"on": False, "tables": []} for name in ("moved", "estimated_harm", "proven_harm")}
    if light:
        lights[light] = {"on": True, "tables": [{"on": True, "time": at and at.timestamp()}]}
    model = {"digest": digest or ledger.head(ledger.read(root))}
    return {"lights": lights, "model": model, "accuracy": {"believed": believed}}


def test_harm_calls_for_a_retraining_by_the_recipe_of_gate_toml(root_with_production):
    found = alarms.due(root_with_production, report(root_with_production), None, NOW, DAY)
    assert found.due
    assert found.output() == "due=true\nrecipe=baseline\n"


@pytest.mark.parametrize(
    "change",
    [{"light": None}, {"light": "moved"}, {"light": "estimated_harm", "believed": False}, {"digest": "f" * 64}],
    ids=str,
)
def test_what_is_no_harm_of_this_model_calls_for_none(root_with_production, change):
    assert not alarms.due(root_with_production, report(root_with_production, **change), None, NOW, DAY).due


def test_an_estimate_that_can_be_believed_calls_for_one(root_with_production):
    found = report(root_with_production, light="estimated_harm")
    assert alarms.due(root_with_production, found, None, NOW, DAY).due


@pytest.mark.slow
@pytest.mark.parametrize("new", [False, True])
def test_a_thousand_hours_of_alarm_start_one_retraining_or_where_each_is_a_new_one_one_a_day(root_with_production, new):
    last = None
    started = 0
    for hour in range(1_000):
        now = NOW + timedelta(hours=hour)
        found = report(root_with_production, at=now - timedelta(minutes=5) if new else NOW - timedelta(hours=1))
        if alarms.due(root_with_production, found, last, now, DAY).due:
            started += 1
            last = now
    assert started == (42 if new else 1)


def test_where_no_time_is_known_the_pause_alone_decides(root_with_production):
    found = report(root_with_production, at=None)
    assert not alarms.due(root_with_production, found, NOW - timedelta(hours=23), NOW, DAY).due
    assert alarms.due(root_with_production, found, NOW - timedelta(hours=25), NOW, DAY).due


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"lights": 7}', b'{"lights": {}}'])
def test_what_is_no_watch_json_is_one_sentence(root_with_production, data):
    root = root_with_production
    (root.path / "alarm.json").write_bytes(data)
    with pytest.raises(MlgateError, match="watch JSON"):
        alarms.due(root, alarms.ask(root), None, NOW, DAY)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x", "http://127.0.0.1:9"])
def test_an_address_that_does_not_answer_is_one_sentence(root_with_production, url, capsys):
    assert cli.main(["--root", str(root_with_production.path), "watch", "due", "--url", url]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_without_a_service_or_a_file_nothing_is_due(root_with_production, capsys, tmp_path):
    path = tmp_path / "output"
    assert cli.main(["--root", str(root_with_production.path), "watch", "due", "--output", str(path)]) == 0
    assert path.read_text() == "due=false\nrecipe=baseline\n"
    assert "Nothing to go by" in capsys.readouterr().out


def test_it_runs_where_nothing_is_installed(root_with_production):
    root = root_with_production
    (root.path / "alarm.json").write_text(json.dumps(report(root)))
    command = ["-I", "-S", "-c", "import sys; sys.path.insert(0, sys.argv.pop(1)); from mlgate.cli import main; main()"]
    done = subprocess.run(
        [sys.executable, *command, str(REPOSITORY / "lib"), "--root", str(root.path), "watch", "due"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "a retraining is due" in done.stdout, done.stderr


def test_the_workflow_asks_with_what_there_is_and_writes_nothing_to_the_repository():
    text = (REPOSITORY / ".github/workflows/watch.yaml").read_text()
    [job] = yaml.safe_load(text)["jobs"].values()
    assert job["permissions"] == {"contents": "read", "actions": "write"}
    assert "secrets." not in text
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert not any("${{" in command for command in commands)
    assert "mlgate watch due" in commands[1]
    started = yaml.safe_load((REPOSITORY / ".github/workflows/mlops-cicd.yaml").read_text().replace("\non:", '\n"on":'))
    assert {"what", "recipe", "submit"} <= set(started["on"]["workflow_dispatch"]["inputs"])
    assert all(f"-f {name}=" in commands[2] for name in ("what", "recipe", "submit"))
