"""What a model may cost is bounded where it cannot be read off its file: in a child process, within limits."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from mlgate import artifacts
from mlgate.artifacts import Crossed, Limits, asking, fenced
from mlgate.artifacts.fence import FORKS, Fence
from mlgate.artifacts.limits import MEGABYTE

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

pytestmark = pytest.mark.skipif(not FORKS, reason="there are forks on Linux only")

TEXTS = ["good film great", "bad film awful", "great fun good", "awful boring bad"] * 8
LABELS = ["positive", "negative"] * 16
LITTLE = Limits(memory=150 * MEGABYTE, objects=10**9)
SOON = Limits(seconds=1, objects=10**9)
ENDLESS = r"zq(?:x+x+)+y|\b\w\w+\b"  # at "zqxxxx…": twice as long for each x


def loaded(pipeline, limits=SOON):
    return artifacts.load(artifacts.dump(pipeline.fit(TEXTS, LABELS)), limits)


def greedy():
    """Letters in twenties: a long text becomes twenty times as many strings."""
    return loaded(make_pipeline(CountVectorizer(analyzer="char", ngram_range=(1, 20)), MultinomialNB()), LITTLE)


def endless():
    """A token pattern that somebody allowed."""
    limits = replace(SOON, allow=(f"token_pattern={ENDLESS}",))
    return loaded(make_pipeline(CountVectorizer(token_pattern=ENDLESS), MultinomialNB()), limits)


def children():
    return {int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


# ---- limits ----


@pytest.mark.slow
def test_a_model_that_takes_too_much_memory_is_stopped():
    with fenced(greedy()) as model:
        assert model.answer(["good"])[0].tolist() == ["positive"]
        for _ in range(2):
            with pytest.raises(Crossed, match=r"it asked for more than 150 MB of memory \(memory_megabytes under"):
                model.answer([" ".join(map(str, range(100_000)))])


@pytest.mark.slow
def test_a_model_that_never_answers_is_stopped_and_not_asked_again():
    started = time.process_time()
    with fenced(endless()) as model:
        assert model.answer(["good"])[0].tolist() == ["positive"]
        for _ in range(5):
            with pytest.raises(Crossed, match=r"it did not answer within 1 s \(seconds under \[artifacts\]"):
                model.answer(["zq" + "x" * 60])
    assert time.process_time() - started < 1  # the child's time is its own


@pytest.mark.slow
@pytest.mark.parametrize(
    ("opcode", "limits", "said"),
    [(b"]", LITTLE, "asked for more than 150 MB"), (b"q\0", SOON, "did not answer within 1 s")],
    ids=["memory", "time"],
)
def test_a_file_that_takes_too_much_to_open_is_a_fault(opcode, limits, said):
    data = b"\x80\x04N" + opcode * (18_000_000 // len(opcode)) + b"."
    assert said in artifacts.load(data, limits).fault


def test_a_fault_in_compiled_code_is_a_fault_of_the_model():
    with (
        Fence(lambda _: os.kill(os.getpid(), signal.SIGSEGV), SOON) as child,
        pytest.raises(Crossed, match=r"its process ended \(-11\)"),
    ):
        child.ask(b"")


# ---- what the child may do ----


def test_the_child_has_no_secrets_no_files_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("MLGATE_TEST_TOKEN", "secret")
    path = tmp_path / "written"

    def look(question):
        try:
            path.write_bytes(bytes(10_000))
            said = "written"
        except OSError as error:
            said = str(error)
        return json.dumps([sorted(os.environ), len(os.listdir("/proc/self/fd")), os.getsid(0), said]).encode()

    with open(__file__, "rb"), Fence(look, SOON) as child:
        names, files, session, said = json.loads(child.ask(b""))
    assert "MLGATE_TEST_TOKEN" not in names
    assert "OMP_NUM_THREADS" in names
    assert files <= 6  # standard input, output and error, the words' way out, the pipe, and the folder that was read
    assert session != os.getsid(0)
    assert "too large" in said
    assert path.stat().st_size <= 4_096


def test_what_the_child_sends_is_never_unpickled():
    class Evil:
        def __reduce__(self):
            return (os.putenv, ("MLGATE_TEST_RAN", "1"))

    with Fence(lambda _: pickle.dumps(Evil()), SOON) as child:
        assert child.ask(b"")[:1] == pickle.PROTO


@pytest.mark.parametrize("reply", [b"", b"\0" * 7, b"\0" * 25, b"\0" * 24, b"\xff" * 16, b"\0" * 8 + b"\2" + b"\0" * 7])
def test_a_reply_that_is_no_answer_to_two_texts_is_refused(reply, monkeypatch):
    model = loaded(make_pipeline(CountVectorizer(), MultinomialNB()))
    monkeypatch.setattr(asking, "_reply", lambda model, question: reply)
    with fenced(model) as child, pytest.raises(ValueError):  # noqa: PT011
        child.answer(["good", "bad"])


@pytest.mark.slow
def test_no_child_is_left_behind():
    before = children()

    def interrupted():
        with fenced(greedy()):
            assert len(children() - before) == 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with fenced(endless()) as model, pytest.raises(Crossed):
        model.answer(["zq" + "x" * 60])
    assert children() == before


@pytest.mark.slow
def test_children_end_with_their_parent():
    """Even where that is killed, and they are busy."""
    code = (
        "import os; from mlgate.artifacts.fence import Fence; from mlgate.artifacts.limits import Limits\n"
        "work = lambda question: b'' if not question else all(iter(int, 1))\n"
        "idle, busy = (Fence(work, Limits(seconds=0.1)) for _ in range(2))\n"
        "idle.ask(b''); busy.near.send_bytes(b'for ever')\n"
        "print(idle.child, busy.child, flush=True); os.kill(os.getpid(), 9)"
    )
    said = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=False).stdout
    for child in said.split():
        status = Path(f"/proc/{int(child)}/status")
        while status.exists() and "Z (zombie)" not in status.read_text():
            time.sleep(0.05)


# ---- honest models ----


@pytest.mark.slow
@pytest.mark.parametrize(
    "pipeline",
    [
        make_pipeline(CountVectorizer(), LogisticRegression()),
        make_pipeline(HashingVectorizer(n_features=2**10), RandomForestClassifier(20, random_state=0, n_jobs=64)),
    ],
    ids=["words", "threads"],
)
def test_behind_the_fence_a_model_answers_what_it_answers_before_it(pipeline, monkeypatch):
    monkeypatch.setattr(asking, "MAX_CHARACTERS", 10_000)
    model = loaded(pipeline, Limits())
    texts = [*TEXTS, "", "\ud800", "é\x00", "long " * 3_000, "short"] * 2
    wanted = model.answer(texts)
    with fenced(model) as child:
        labels, scores = child.answer(texts)
    assert labels.dtype == wanted[0].dtype
    assert np.array_equal(labels, wanted[0])
    np.testing.assert_allclose(scores, wanted[1], rtol=0, atol=1e-12)


def test_labels_come_back_as_the_type_they_were():
    for labels in ([3, 7] * 16, [True, False] * 16):
        pipeline = make_pipeline(CountVectorizer(), LogisticRegression()).fit(TEXTS, labels)
        with fenced(artifacts.load(artifacts.dump(pipeline))) as model:
            assert model.answer(TEXTS[:2])[0].tolist() == labels[:2]


def test_production_is_asked_in_this_process():
    before = children()
    data = artifacts.dump(make_pipeline(CountVectorizer(), MultinomialNB()).fit(TEXTS, LABELS))
    with fenced(artifacts.load(data, known=True)):
        assert children() == before
