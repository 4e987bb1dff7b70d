"""Tiny models in a root of their own, snapshots of its bytes, and children that are killed at a chosen instant."""

import functools
import gc
import os
import pickle
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import mlgate  # noqa: F401 (before numpy)
from mlgate import artifacts, ledger, promotion
from mlgate.artifacts import locked
from mlgate.root import Policy, Root

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

TEXTS = [f"{word} film number {number}" for number in range(25) for word in ("good", "bad")]
LABELS = ["positive", "negative"] * 25


@functools.cache
def tiny(C: float = 1.0) -> Pipeline:
    """A pipeline of a few kilobytes, fitted on 50 texts; another C is another model."""
    return make_pipeline(TfidfVectorizer(), LogisticRegression(C=C)).fit(TEXTS, LABELS)


@functools.cache
def tiny_bytes(C: float = 1.0) -> bytes:
    return artifacts.dump(tiny(C))


def name_of(C: float) -> str:
    return artifacts.digest(tiny_bytes(C))


def tiny_root(path: Path, C: float = 1.0) -> Root:
    """A root whose production is tiny(C), put there as a bootstrap puts it."""
    path.mkdir(parents=True)
    root = Root(path)
    root.policy.write_text("[corpus]\npath = 'rows.csv'\n")
    rows = [f"{side} film {number},{side}" for number in range(40) for side in ("positive", "negative")]
    (path / "rows.csv").write_text("\n".join(["text,label", *rows]))  # for the profile of what is promoted
    with locked(root):
        promotion.switch(root, tiny_bytes(C), artifacts.card_of(tiny(C), tiny_bytes(C), {}), "bootstrap")
        rows = {"count": 10, "digest": "rows"}
        ledger.append(root, "holdout", generation=1, alpha=0.05, looks=20, rows=rows, keys="0" * 64)
    return root


def verdict_on(production: str, candidate: str, decision: str = "PROMOTE", policy: str = Policy().digest) -> dict:
    sides = {"production": {"digest": production}, "candidate": {"digest": candidate, "accuracy": 0.9}}
    rows = {"name": "holdout", "count": 10, "digest": "rows"}
    return {"decision": decision, "reason": "so it is", **sides, "rows": rows, "policy": {"digest": policy}}


def judged(root: Root, C: float, decision: str = "PROMOTE", kind: str = "look", against: str | None = None) -> dict:
    """Make tiny(C) the candidate and write a verdict on it where the exam would write it."""
    artifacts.write_candidate(root, tiny(C), {"keys": b"8 bytes." * 3})
    verdict = verdict_on(against or artifacts.digest(root.production.read_bytes()), name_of(C), decision)
    data = artifacts.to_json(verdict)
    with locked(root):
        ledger.append(
            root,
            kind,
            alpha=0.0025,
            corpus=root.settings().get("corpus", {}),
            verdict_sha256=artifacts.digest(data),
            verdict=verdict,
        )
    root.verdict.write_bytes(data)
    return verdict


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder with its bytes, every folder with None."""
    return {str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes() for path in folder.rglob("*")}


def next_command(root: Root) -> None:
    """What every command does first."""
    with locked(root, 5):
        promotion.tidy(root)


def moves(root: Root) -> list[tuple]:
    return [(entry["kind"], entry["from"], entry["to"]) for entry in ledger.read(root) if "to" in entry]


def in_a_child(work: Callable[[], object]) -> int:
    """Start `work` in a forked child and return its process id. The child never comes back into pytest."""
    child = os.fork()
    if child:
        return child
    gc.disable()  # it would touch, and so copy, all of pytest's memory for a life of milliseconds
    status = 1
    try:
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def ended(child: int) -> str:
    """Wait for a child: "done", "failed" or "killed"."""
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return "killed"
    return "failed" if os.WEXITSTATUS(status) else "done"


def killed_at(step: int, work: Callable[[], object]) -> str:
    """Run `work` in a child that is killed just before its step-th system call on files (Python's audit events)."""

    def dying() -> None:
        left = step

        def count(event: str, arguments: tuple) -> None:
            nonlocal left
            if event == "open" or event.startswith("os."):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        os.fsync = lambda handle: None  # a killed process loses nothing that it wrote; only a power cut does
        sys.addaudithook(count)
        work()

    return ended(in_a_child(dying))


def killed_after(seconds: float, work: Callable[[], object]) -> str:
    """Run `work` in a child that is killed so long after it has begun."""
    ready, tell = os.pipe()

    def telling() -> None:
        os.write(tell, b"!")
        work()

    child = in_a_child(telling)
    os.close(tell)
    os.read(ready, 1)
    os.close(ready)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return ended(child)


class Evil:
    """A pickle that writes a marker file when it is loaded."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return (Path.write_text, (self.marker, "it ran"))

    def __bytes__(self) -> bytes:
        return pickle.dumps(self, protocol=4)
