"""A registry of MLflow's: the alias moves on the verdict alone, and only from the champion that was judged."""

import json
import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from conftest import REPOSITORY

PYTHON = Path(os.environ.get("MLGATE_BESIDE", REPOSITORY / ".venv-beside")) / "bin" / "python"
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not PYTHON.exists(), reason="MLflow has an environment of its own: run `make mlflow` first"),
]
STATE = """
import json
from mlflow import MlflowClient
client = MlflowClient()
model = client.get_registered_model("tumours")
tags = {number: client.get_model_version("tumours", str(number)).tags for number in (1, 2)}
run = client.get_run(client.get_model_version("tumours", "2").run_id)
names = [found.name for found in client.search_registered_models()]
aliases = {name: str(number) for name, number in model.aliases.items()}
print(json.dumps({"aliases": aliases, "tags": tags, "metrics": run.data.metrics, "names": names,
                  "files": [file.path for file in client.list_artifacts(run.info.run_id, "gate")]}))
"""


CALL = """
import json, sys
from mlflow import MlflowClient
client = MlflowClient()
for name in client.get_registered_model("tumours").aliases:
    client.delete_registered_model_alias("tumours", name)
for name, number in json.loads(sys.argv[1]).items():
    client.set_registered_model_alias("tumours", name, str(number))
"""


class Store:
    """A tracking store in a file, with a champion and a challenger, and rows."""

    def __init__(self, folder: Path):
        self.folder = folder
        found = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW")}
        path = f"{PYTHON.parent}{os.pathsep}{os.environ['PATH']}"
        quiet = {
            "PATH": path,
            "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        self.environment = {**found, **quiet, "PYTHONPATH": str(REPOSITORY / "lib")}

    def start(self, *words: object) -> subprocess.Popen:
        words = [PYTHON, *map(str, words)]
        pipe = subprocess.PIPE
        return subprocess.Popen(words, cwd=self.folder, env=self.environment, stdout=pipe, stderr=pipe, text=True)

    def run(self, *words: object) -> tuple[int, str, str]:
        process = self.start(*words)
        out, err = process.communicate()
        return process.returncode, out, err

    def judge(self, *options: str) -> list[str]:
        return ["-m", "mlgate", "mlflow", "judge", "tumours", "--data", "rows.csv", *options]

    def call(self, **names: int) -> None:
        """Give the versions these names, and no others."""
        code, _, err = self.run("-c", CALL, json.dumps(names))
        assert code == 0, err

    def state(self) -> dict:
        code, out, err = self.run("-c", STATE)
        assert code == 0, err
        return json.loads(out.splitlines()[-1])


@pytest.fixture(scope="module")
def filled(tmp_path_factory) -> Store:
    """A store takes half a minute to make: it is made once."""
    store = Store(tmp_path_factory.mktemp("mlflow"))
    code, out, err = store.run(REPOSITORY / "examples/mlflow/train.py")
    assert code == 0, err + out
    return store


@pytest.fixture
def store(filled) -> Store:
    """The same, its versions called as at the beginning."""
    filled.call(champion=1, challenger=2)
    return filled


def test_a_better_challenger_becomes_the_champion_and_the_registry_says_why(store):
    code, out, err = store.run(*store.judge("--json", "verdict.json"))
    assert code == 0, err + out
    assert "Version 2 of tumours is the champion now." in out
    assert out.rstrip().endswith("Promote new model")
    state = store.state()
    assert state["aliases"] == {"champion": "2", "previous": "1"}
    assert state["tags"]["2"]["gate.decision"] == "PROMOTE"
    assert state["tags"]["2"]["gate.against"] == "1"
    verdict = json.loads((store.folder / "verdict.json").read_text())
    assert state["tags"]["2"]["gate.rows"] == verdict["rows"]["digest"]
    assert state["metrics"]["gate.low"] == verdict["difference"]["low"] > 0
    assert state["files"] == ["gate/verdict.json"]
    assert state["names"] == ["tumours"]
    code, out, err = store.run(*store.judge())
    assert code == 1
    assert "no model 'tumours' with the alias 'challenger'" in err


def test_a_worse_challenger_moves_nothing_and_is_marked(store):
    store.call(champion=2, challenger=1)
    code, out, err = store.run(*store.judge())
    assert code == 4, err + out
    assert "Version 2 of tumours stays the champion." in out
    state = store.state()
    assert state["aliases"] == {"champion": "2", "challenger": "1"}
    assert state["tags"]["1"]["gate.decision"] == "REJECT"


def test_of_two_promotions_that_race_one_wins_and_the_other_is_told(store):
    copy = "from mlflow import MlflowClient\nclient = MlflowClient()\nold = client.get_model_version('tumours', '2')\n"
    copy += "new = client.create_model_version('tumours', old.source, old.run_id)\n"
    code, _, err = store.run("-c", copy + "client.set_registered_model_alias('tumours', 'rival', new.version)")
    assert code == 0, err
    racers = [store.start(*store.judge("--challenger", alias)) for alias in ("challenger", "rival")]
    said = [racer.communicate() for racer in racers]
    codes = [racer.returncode for racer in racers]
    assert sorted(codes) == [0, 5], said
    assert "became champion meanwhile" in said[codes.index(5)][0]
    state = store.state()
    assert state["aliases"]["champion"] == ("2", "3")[codes.index(0)]
    assert state["names"] == ["tumours"]


def test_what_mlflow_serves_is_judged_over_http(store):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    model = ("-m", "models:/tumours/1", "--env-manager", "local", "--host", "127.0.0.1", "--port", port)
    server = store.start("-m", "mlflow", "models", "serve", *model)
    try:
        _until_up(f"http://127.0.0.1:{port}/ping", server)
        answer = "for line in sys.stdin: print(json.dumps({'id': json.loads(line)['id'], 'answer': 'benign'}))"
        (store.folder / "predict.py").write_text(f"import json, sys\n{answer}")
        sides = ("--production-http", f"http://127.0.0.1:{port}", "--protocol", "mlflow")
        sides += ("--candidate-command", "python predict.py")
        code, out, err = store.run("-m", "mlgate", "judge", "--data", "rows.csv", *sides, "--batch", "50")
        assert code == 4, err + out
        assert re.search(r"asked production: http://127.0.0.1:\d+: \d+ requests, 0 of them made again", out)
    finally:
        server.terminate()
        server.communicate()


def _until_up(url: str, server: subprocess.Popen) -> None:
    for _ in range(600):
        assert server.poll() is None, server.communicate()
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    raise AssertionError("MLflow does not serve")
