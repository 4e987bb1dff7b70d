"""A real service in the background and a stream of requests to it, for the notebooks that show production at work."""

import contextlib
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from mlgate.errors import MlgateError
from mlgate.pinned import arithmetic
from mlgate.root import Root

import pandas as pd

PATIENCE = 60  # seconds for a service to start, on a busy machine


class Answer(NamedTuple):
    """One answer of the service, as a client saw it. Where nothing came back: status 0, and the error for a label."""

    second: float  # when it came
    milliseconds: float
    status: int
    digest: str
    label: str


class Server:
    """The service for a root, in a process of its own, on a free port of this machine. Use it with `with`.

    It ends with the process that started it, even with one that is killed (mlgate.teaching.child_service).
    """

    process: "subprocess.Popen[str]"  # within the `with` block

    def __init__(self, root: Root) -> None:
        self.root = root
        self.port = 0

    def __enter__(self) -> "Server":
        self.process = _start("mlgate.teaching.child_service", str(self.root.path))
        assert self.process.stdout is not None
        try:
            line = self.process.stdout.readline()  # "mlgate serves at http://127.0.0.1:40123/ …"
            if "://" not in line:
                raise MlgateError("The service did not start. `mlgate serve`, in a terminal, says why.")
            self.port = int(line.split("://")[1].split("/")[0].rsplit(":", 1)[1])
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def _wait(self) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError):
                if ask(self.port, "GET", "/health")[0] == 200:
                    return
            time.sleep(0.05)
        raise MlgateError("The service does not answer. `mlgate serve`, in a terminal, says why.")

    def stop(self) -> None:
        """Stop the service. It answers what is under way first."""
        end = time.monotonic() + 10
        while self.process.poll() is None and time.monotonic() < end:  # it may not have come that far yet to listen
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.5)
        _end(self.process)

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def get(self, path: str) -> dict[str, Any]:
        """Return what the service answers to a GET."""
        return ask(self.port, "GET", path)[1]

    def predict(self, text: str) -> dict[str, Any]:
        """Return the service's answer to one text, as a client gets it."""
        return ask(self.port, "POST", "/predict", {"texts": [text]})[1]

    def model(self) -> str:
        """Return the digest of the model that answers now."""
        return str(self.get("/model")["model"]["digest"])

    def wait_for(self, digest: str, seconds: float = 20) -> float:
        """Wait until the service answers with this model. Returns the seconds it took. Raises MlgateError."""
        return self._until(lambda: self.model() == digest, f"does not serve {digest[:12]}", seconds)

    def wait_for_refusal(self, digest: str, seconds: float = 20) -> str:
        """Wait until the service says that it refuses these bytes. Returns its reason. Raises MlgateError."""
        self._until(lambda: self._refused().get("digest") == digest, f"does not refuse {digest[:12]}", seconds)
        return str(self._refused()["reason"])

    def wait_for_peace(self, seconds: float = 20) -> float:
        """Wait until the service refuses nothing. Raises MlgateError where it does."""
        return self._until(lambda: not self._refused(), "still refuses a file", seconds)

    def _refused(self) -> dict[str, Any]:
        return self.get("/health")["refused"] or {}

    def _until(self, true: Callable[[], bool], what: str, seconds: float) -> float:
        begun = time.monotonic()
        while not true():
            if time.monotonic() > begun + seconds:
                raise MlgateError(f"After {seconds:g} s the service {what}. It says: {self.get('/health')}")
            time.sleep(0.02)
        return time.monotonic() - begun


class Stream:
    """One client that sends one text after the other, as long as the `with` block lasts (mlgate.teaching.client)."""

    process: "subprocess.Popen[str]"  # within the `with` block

    def __init__(self, server: Server, texts: list[str], pause: float = 0.005) -> None:
        self.server = server
        self.texts = texts
        self.pause = pause
        self.begun = time.monotonic()
        self.received: list[Answer] = []

    def __enter__(self) -> "Stream":
        self.process = _start("mlgate.teaching.client")
        job = {"port": self.server.port, "texts": self.texts, "pause": self.pause}
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.reader.join(15)
        _end(self.process)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            came, *answer = json.loads(line)
            if not self.received:
                self.begun = came  # so that the first answer is at second 0
            self.received.append(Answer(came - self.begun, *answer))

    def mark(self) -> float:
        """Return the seconds since the first answer."""
        return time.monotonic() - self.begun

    def answers(self) -> pd.DataFrame:
        """Return every answer so far, with the columns of `Answer`."""
        return pd.DataFrame(list(self.received), columns=list(Answer._fields))

    def wait(self, more: int = 1, seconds: float = 20) -> None:
        """Wait for so many more answers. Raises MlgateError where they do not come."""
        wanted = len(self.received) + more
        end = time.monotonic() + seconds
        while len(self.received) < wanted:
            if time.monotonic() > end:
                raise MlgateError(f"No {more} answers within {seconds:g} s.")
            time.sleep(0.02)


def _start(module: str, *arguments: str) -> "subprocess.Popen[str]":
    """Start a module of this package in a process that Ctrl-C does not reach, with pipes."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**arithmetic(), **os.environ, "PYTHONUNBUFFERED": "1"},
        text=True,
        start_new_session=True,
    )


def _end(process: "subprocess.Popen[str]") -> None:
    """See to it that a process that was told to end has ended."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)
    process.kill()  # does nothing to one that has ended
    process.wait()
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        with contextlib.suppress(OSError):
            pipe.close()


def ask(port: int, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    """Send one request to a service on this machine. Returns status and decoded answer."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        if body is None:
            client.request(method, path)
        else:
            client.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
        answer = client.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        client.close()
