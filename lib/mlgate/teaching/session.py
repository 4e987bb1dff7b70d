"""A classroom, a real service on it and a stream of requests: what the lessons about production play with."""

import pickle
from pathlib import Path
from typing import Any

from mlgate import artifacts, corpus
from mlgate.root import write_atomically
from mlgate.teaching.classroom import classroom
from mlgate.teaching.closing import Closing
from mlgate.teaching.service_process import Server, Stream

MEANWHILE = 30  # answers that we wait for while a broken file lies there


class Session(Closing):
    """A classroom, a real service on it, and a stream of its live rows: until `close`, or until this process ends.

    Opening another closes this one, so that a cell may be run twice. old, sizes, home: as for `classroom`.
    """

    def __init__(self, pause: float = 0.005, **furniture: Any) -> None:
        super().__init__()
        self.marks: list[tuple[float, str]] = []
        try:
            self.root = self.stack.enter_context(classroom(**furniture))
            self.server = self.stack.enter_context(Server(self.root))
            texts = corpus.split("live", self.root)["text"].tolist()
            self.stream = self.stack.enter_context(Stream(self.server, texts, pause))
            self.stream.wait()
        except BaseException:
            self.close()
            raise

    def mark(self, what: str) -> None:
        """Remember that this happens now."""
        self.marks.append((self.stream.mark(), what))

    def plant(self, data: bytes, what: str) -> str:
        """Put any bytes where production's belong, past every rule. Returns why the service refuses them."""
        self.mark(what)
        write_atomically(self.root.production, data)
        reason = self.server.wait_for_refusal(artifacts.digest(data))
        self.stream.wait(MEANWHILE)
        return reason

    def restore(self, data: bytes) -> None:
        """Put the right bytes back, as `git checkout -- artifacts_prod` does."""
        write_atomically(self.root.production, data)
        self.server.wait_for_peace()
        self.mark("restored")


class _Foreign:
    """Pickled, it is a file that creates another one when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self.path, "w")


def broken_files(data: bytes, trap: Path) -> dict[str, bytes]:
    """Return three files that are no model: garbage, a torn copy of `data`, and a pickle that creates `trap`."""
    return {"garbage": b"\x00 this is no model " * 99, "torn": data[: len(data) // 2], "foreign": trapped(trap)}


def trapped(trap: Path) -> bytes:
    """Return a pickle that creates `trap` when it is opened."""
    return pickle.dumps(_Foreign(trap))
