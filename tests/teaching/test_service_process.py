"""A real service under a real client: swaps and broken files cost no answer, and nothing outlives who started it."""

import contextlib
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

from mlgate import artifacts, exam, notebooks, promotion
from mlgate.errors import MlgateError
from mlgate.root import Root
from mlgate.teaching import child_service, classroom
from mlgate.teaching.service_process import Server, Stream, ask
from mlgate.teaching.session import Session, broken_files

import nbformat
import pytest
from conftest import GATE

HOME = Root(GATE.parent)
SMALL = {"train": 2_500, "validation": 1_200, "holdout": 2_000, "live": 100}
TINY = {"train": 1_500, "validation": 400, "holdout": 400, "live": 100}  # enough for a first model
OPEN = (
    "import sys, time; from pathlib import Path\n"
    "from mlgate.root import Root; from mlgate.teaching.session import Session\n"
    f"s = Session(home=Root(Path({str(HOME.path)!r})), sizes={TINY})\n"
    "print(s.server.process.pid, s.stream.process.pid, s.root.path, flush=True)\n"
)


def until(true, seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
    return bool(true())


def ended(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return not state.strip() or state.startswith("Z")


@pytest.fixture(scope="module")
def story():
    """What notebook 05 does, once: promote under load, three broken files, restore, roll back, close."""
    with Session(old=800, home=HOME, sizes=SMALL) as session:
        root, server, found = session.root, session.server, SimpleNamespace(said={}, health={})
        found.old = server.model()
        found.new = classroom.submit(root, "baseline").digest
        session.mark("promoted")
        exam.act_on(root, exam.take(root))
        found.waited = server.wait_for(found.new)
        good, found.trap = artifacts.read_production(root), root.path / "trap"
        for name, data in broken_files(good, found.trap).items():
            found.said[name], found.health[name] = session.plant(data, name), ask(server.port, "GET", "/health")
        found.sprung = found.trap.exists()
        session.restore(good)
        promotion.rollback(root)
        found.back = server.wait_for(found.old)
        session.stream.wait(20)
        found.answers, found.marks, found.session = session.stream.answers(), session.marks, session
        found.pids = [server.process.pid, session.stream.process.pid]
    return found


@pytest.mark.slow
def test_no_request_fails_while_models_are_swapped(story):
    assert set(story.answers["status"]) == {200}
    names = story.answers["digest"]
    runs = names[names != names.shift()].tolist()
    assert runs == [story.old, story.new, story.old]
    assert story.answers["second"].is_monotonic_increasing
    assert story.answers["second"].iloc[0] == 0


@pytest.mark.slow
def test_broken_files_are_refused_with_a_reason_and_change_nothing(story):
    assert set(story.said) == {"garbage", "torn", "foreign"}
    for name, reason in story.said.items():
        assert "ledger does not say" in reason
        status, health = story.health[name]
        assert (status, health["status"], health["model"]["digest"]) == (200, "ok", story.new)
        assert health["refused"]["reason"] == reason
    assert not story.sprung
    marked = {what: second for second, what in story.marks}
    during = story.answers[story.answers["second"].between(marked["garbage"], marked["restored"])]
    assert len(during) >= 90
    assert set(during["digest"]) == {story.new}


@pytest.mark.slow
def test_a_closed_session_leaves_nothing_and_may_be_closed_again(story):
    assert all(map(ended, story.pids))
    assert not story.session.root.path.exists()
    story.session.close()


def test_the_foreign_file_runs_code_where_nobody_looks_and_none_here(tmp_path):
    trap = tmp_path / "trap"
    foreign = broken_files(b"x" * 100, trap)["foreign"]
    assert "foreign code" in artifacts.load(foreign).fault
    assert not trap.exists()
    subprocess.run(
        [sys.executable, "-c", "import pickle, sys; pickle.load(sys.stdin.buffer)"], input=foreign, check=True
    )
    assert trap.exists()


@pytest.mark.slow
@pytest.mark.parametrize("end", ["time.sleep(60)", "1 / 0"])
def test_nothing_outlives_the_process_that_opened_a_session(end):
    """Killed outright, or ended by an error and without closing."""
    starter = subprocess.Popen(
        [sys.executable, "-c", OPEN + end], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    service, client, folder = starter.stdout.readline().split()
    if "sleep" in end:
        starter.send_signal(signal.SIGKILL)
    starter.wait(20)
    assert until(lambda: ended(int(service)) and ended(int(client)))
    assert until(lambda: not Path(folder).exists())


@pytest.mark.slow
def test_an_abandoned_service_sweeps_a_classroom_and_nothing_else(root_with_production):
    root = root_with_production
    with Server(root) as server:
        status, answer = ask(server.port, "POST", "/predict", {"texts": ["a film"]})
        assert (status, answer["model"]["digest"]) == (200, classroom.production_digest(root))
        server.process.stdin.close()  # as if we had died
        assert until(lambda: server.process.poll() is not None)
    assert root.production.is_file()


def test_only_a_classrooms_folder_counts_as_temporary(tmp_path):
    with contextlib.suppress(FileExistsError):
        (tmp_path / f"{child_service.PREFIX}x").mkdir()
    assert not child_service.is_temporary(tmp_path)
    assert not child_service.is_temporary(tmp_path / f"{child_service.PREFIX}x")  # not where classrooms are
    assert not child_service.is_temporary(Path("/tmp/elsewhere"))


@pytest.mark.slow
def test_a_service_that_does_not_start_says_so_and_is_gone(tmp_path):
    shutil.copy(GATE, tmp_path)
    server = Server(Root(tmp_path))
    started = time.monotonic()
    Server._wait, wait = _impatient(server), Server._wait
    try:
        with pytest.raises(MlgateError, match="mlgate serve"):
            server.__enter__()
    finally:
        Server._wait = wait
    assert ended(server.process.pid)
    assert time.monotonic() - started < 50


def _impatient(server):
    def wait(self):
        raise MlgateError("The service does not answer. `mlgate serve`, in a terminal, says why.")

    return wait


@pytest.mark.slow
def test_a_stream_writes_down_what_goes_wrong_and_goes_on(root_with_production):
    with Server(root_with_production) as server, Stream(server, ["fine", "x" * 3_000_000]) as stream:
        stream.wait(4)
        answers = stream.answers()
        assert set(answers["status"][::2]) == {200}
        assert set(answers["status"][1::2]) <= {413, 422}
        server.stop()
        stream.wait(3)
        after = stream.answers()
        assert after["status"].iloc[-1] == 0
        assert after["label"].iloc[-1] == "ConnectionRefusedError"


@pytest.mark.slow
def test_notebook_05_runs_headless_and_leaves_nothing(tmp_path, monkeypatch):
    """The same cells as in JupyterLab."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    shutil.copy(GATE, tmp_path)
    path = notebooks.pick(notebooks.find(HOME), "05")
    [result] = notebooks.run(Root(tmp_path), [(path, {})], progress=False)
    assert result.error is None
    cells = nbformat.read(result.executed, as_version=4).cells
    outputs = {cell.id: "".join(out.get("text", "") or out.data["text/plain"] for out in cell.outputs)
               for cell in cells if cell.cell_type == "code" and cell.outputs}  # fmt: skip
    assert "Requests that failed: 0" in outputs["answer-guess"]
    assert ", 0 failures" in outputs["story"]
    assert "/health says: ok" in outputs["answer-health"]
    assert "the trap was not sprung" in outputs["trap"]
    assert outputs["close"] == "service ended: True   folder removed: True\n"
    assert not list((tmp_path / "tmp").glob(f"{child_service.PREFIX}*"))
    assert not (tmp_path / "artifacts_prod").exists()
