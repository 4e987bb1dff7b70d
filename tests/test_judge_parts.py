"""Parts of a whole, judged here or on a cluster: the same verdict, to the bit; a killed worker changes nothing."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from mlgate import cli

import joblib
import numpy as np
import pandas as pd
import pytest
from conftest import REPOSITORY
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

PYTHON = Path(os.environ.get("MLGATE_BESIDE", REPOSITORY / ".venv-beside")) / "bin" / "python"
MODELS = ("--production", "old.pkl", "--candidate", "new.pkl")
COLUMNS = ("--production-column", "old", "--candidate-column", "new")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two pipelines, and six parts of a table with both models' answers, the last with one label alone."""
    folder = tmp_path_factory.mktemp("parts")
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({name: rng.normal(0, 1, 6_000) for name in "abc"})
    rows["label"] = np.where(rows["a"] + 0.4 * rows["b"] + rng.normal(0, 0.5, len(rows)) > 0, "up", "down")
    for name, columns in (("old", ["a", "c"]), ("new", ["a", "b"])):
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(
            rows.loc[:999, columns], rows.loc[:999, "label"]
        )
        joblib.dump(model, folder / f"{name}.pkl")
        rows[name] = model.predict(rows[columns])
    (folder / "parts").mkdir()
    rows = rows[1_000:]
    alone = (rows["label"] == "up") & (rows.index > 5_500)
    others = rows[~alone]
    for number, part in enumerate([*(others[start::5] for start in range(5)), rows[alone]]):
        part.to_csv(folder / f"parts/{number}.csv", index=False)
    rows.to_csv(folder / "whole.csv", index=False)
    return folder


def judged(folder, python, *options) -> dict:
    """The verdict of a process, without the time that things took."""
    path = folder / "verdict.json"
    words = [python, "-m", "mlgate", "judge", *options, "--json", path]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "lib")}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 3, 4), done.stderr
    return timeless(path)


def judged_here(folder, *options) -> dict:
    """The same without a process: one that opens models starts for seconds."""
    path = folder / "verdict.json"
    with contextlib.chdir(folder):
        assert cli.main(["judge", *options, "--json", str(path)]) in (0, 3, 4)
    return timeless(path)


def timeless(path) -> dict:
    verdict = json.loads(path.read_text())
    verdict["checks"] = [check for check in verdict["checks"] if check["code"] not in ("speed", "size")]
    return verdict


@pytest.mark.slow
def test_a_folder_of_parts_is_judged_as_one_file(folder):
    whole = judged_here(folder, *MODELS, "--data", "whole.csv")
    parts = judged(folder, sys.executable, *MODELS, "--data", "parts")
    for name in ("decision", "difference", "discordant", "production", "candidate"):
        assert parts[name] == whole[name]
    assert parts["rows"]["count"] == whole["rows"]["count"] == 5_000
    assert judged_here(folder, *MODELS, "--data", "parts/[0-4].csv")["rows"]["count"] < 5_000


def test_parts_that_all_have_one_label_are_refused(folder, capsys):
    models = [str(folder / word) if word.endswith("pkl") else word for word in MODELS]
    assert cli.main(["judge", *models, "--data", str(folder / "parts/5.csv")]) == 1
    assert "have one label" in capsys.readouterr().err


@pytest.mark.slow
def test_dask_that_is_not_there_is_said(folder):
    words = [sys.executable, "-m", "mlgate", "judge", *MODELS, "--data", "parts", "--dask", "tcp://127.0.0.1:9"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "lib")}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "Dask is not installed here" in done.stderr or "does not do it" in done.stderr


# ---- a real scheduler, and real workers ----

beside = pytest.mark.skipif(not PYTHON.exists(), reason="Dask has an environment of its own: run `make mlflow` first")


@pytest.fixture(scope="module")
def cluster(folder):
    """The address of a scheduler with two worker processes, and those."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "lib")}
    options = {"cwd": folder, "env": environment, "text": True, "stderr": subprocess.PIPE}
    dashboard = ("--no-dashboard", "--host", "127.0.0.1")
    scheduler = subprocess.Popen([PYTHON, "-m", "distributed.cli.dask_scheduler", "--port", "0", *dashboard], **options)
    address = None
    while not address:
        line = scheduler.stderr.readline()
        assert line, "the scheduler ended"
        address = (re.search(r"Scheduler at:\s+(tcp://\S+)", line) or [None, None])[1]
    kind = ("--no-nanny", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1")
    start = [PYTHON, "-m", "distributed.cli.dask_worker", address, *kind]
    workers = [subprocess.Popen(start, **{**options, "stderr": subprocess.DEVNULL}) for _ in range(2)]
    yield address, workers
    for process in (*workers, scheduler):
        process.terminate()
        process.wait(timeout=30)


@beside
@pytest.mark.long
def test_a_cluster_gives_the_same_verdict_to_the_bit(folder, cluster):
    address, _ = cluster
    for options in ((*MODELS, "--data", "parts"), ("--answers", "parts", *COLUMNS)):
        alone = judged(folder, PYTHON, *options)
        assert judged(folder, PYTHON, *options, "--dask", address) == alone
        assert alone["decision"] == "PROMOTE"


@beside
@pytest.mark.long
def test_a_worker_that_is_killed_changes_nothing(folder, cluster):
    address, workers = cluster
    alone = judged(folder, PYTHON, *MODELS, "--data", "parts")
    words = [PYTHON, "-m", "mlgate", "judge", *MODELS, "--data", "parts", "--dask", address, "--json", "killed.json"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "lib")}
    judge = subprocess.Popen(
        words, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while not _busy(workers[0]):
        assert judge.poll() is None, "nothing was asked of the worker"
        time.sleep(0.01)
    workers[0].send_signal(signal.SIGKILL)
    _, err = judge.communicate()
    assert judge.returncode == 0, err
    verdict = json.loads((folder / "killed.json").read_text())
    assert verdict["difference"] == alone["difference"]
    assert verdict["rows"] == alone["rows"]


def _busy(worker: subprocess.Popen) -> bool:
    """Whether it has a child: a model that is asked behind the fence."""
    words = ["ps", "-o", "pid=", "--ppid", str(worker.pid)]
    return bool(subprocess.run(words, capture_output=True, text=True, check=False).stdout.split())
