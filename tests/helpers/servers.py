"""What the tests of the service share: tiny models, roots, a real server on a real port, and clients that load it."""

import contextlib
import http.client
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from multiprocessing.connection import Connection
from pathlib import Path

from mlgate import artifacts, cli, ledger, promotion
from mlgate.artifacts import locked
from mlgate.root import Root

from chromium import wait_until
from conftest import GATE
from crashes import verdict_on
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

GOOD, BAD = ("a wonderful film", "full of life", "great fun"), ("dull and long", "an awful ending", "a waste")
PATIENCE = 30  # seconds that nothing here takes, unless it is broken


def tiny(C: float = 1.0) -> Pipeline:
    """A pipeline that takes milliseconds to train. Another C, another digest."""
    model = Pipeline([("tfidf", TfidfVectorizer()), ("classifier", LogisticRegression(C=C))])
    return model.fit([*GOOD, *BAD], ["positive"] * 3 + ["negative"] * 3)


def make_root(folder: Path) -> Root:
    """A root with the shipped gate.toml and nothing else."""
    folder.mkdir(parents=True)
    shutil.copy(GATE, folder)
    return Root(folder)


def put(root: Root, pipeline: Pipeline, kind: str = "promotion") -> str:
    """Move a model into production as the gate does, without an exam. Its digest."""
    data = artifacts.dump(pipeline)
    name, facts = artifacts.digest(data), {}
    with locked(root):
        promotion.tidy(root)
        if kind == "promotion":  # not served, at the instant before its line is written, without a look that won it
            verdict = verdict_on(ledger.head(ledger.read(root)), name)
            facts = {"verdict_sha256": artifacts.digest(artifacts.to_json(verdict))}
            ledger.append(root, "look", alpha=0.0025, verdict=verdict, **facts)
        promotion.switch(root, data, artifacts.card_of(pipeline, data, {"recipe": "tiny"}), kind, **facts)
    return name


def moved(root: Root) -> set[str]:
    """The digests that the ledger ever moved into production."""
    return {entry["to"] for entry in ledger.read(root) if entry["kind"] in ledger.MOVES}


FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["mlgate.cli.commands", "mlgate.service", "mlgate.recipes"])


class Forked:
    """A command in a fork of a process that has imported mlgate already, which takes seconds each time."""

    def __init__(self, arguments: list[str], environment: dict[str, str], log: Path):
        out, told = FORKS.Pipe(duplex=False)
        self.child = FORKS.Process(target=_run, args=(arguments, os.getcwd(), environment, told, log), daemon=True)
        self.child.start()
        told.close()
        self.stdout = os.fdopen(os.dup(out.fileno()), encoding="utf-8")
        out.close()

    def terminate(self) -> None:
        self.child.terminate()

    def wait(self, timeout: float) -> None:
        self.child.join(timeout)
        if self.child.is_alive():
            raise subprocess.TimeoutExpired("mlgate", timeout)


def _run(arguments: list[str], folder: str, environment: dict[str, str], told: Connection, log: Path) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(told.fileno(), 1)
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1, closefd=False) for number in (1, 2))
    sys.exit(cli.main(arguments))


def started(root: Root) -> tuple[str, ...]:
    """The command that people start; `served` without it is the same without a start of its own."""
    return sys.executable, "-m", "mlgate", "--root", str(root.path), "serve", "--port", "0"


class Server:
    """A running `mlgate serve`, or another command that serves."""

    def __init__(self, process: subprocess.Popen | Forked, url: str):
        self.process, self.url = process, url
        self.port = int(url.rstrip("/").rpartition(":")[2])

    def ask(self, path: str, body: object = None, headers: dict | None = None) -> tuple[int, object]:
        """Status and answer: JSON where it is JSON, else text. A body that is not bytes is sent as JSON."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers or {})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                status, kind, text = answer.status, answer.headers["content-type"], answer.read().decode()
        except urllib.error.HTTPError as error:
            status, kind, text = error.code, error.headers["content-type"], error.read().decode()
        return status, json.loads(text) if kind == "application/json" else text

    def health(self) -> dict:
        return self.ask("/health")[1]

    def serving(self) -> str | None:
        """The digest of the model that answers now."""
        return (self.health()["model"] or {}).get("digest")

    def until_serving(self, digest: str) -> None:
        wait_until(lambda: self.serving() == digest, PATIENCE, f"{digest[:12]} is served")

    def until_refused(self, words: str) -> str:
        """Wait until a file is refused for a reason with these words; the reason."""
        wait_until(lambda: words in ((self.health()["refused"] or {}).get("reason") or ""), PATIENCE, words)
        return self.health()["refused"]["reason"]

    def metric(self, name: str) -> float:
        lines = self.ask("/metrics")[1].splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.split("{")[0].split()[0] == name)


@contextlib.contextmanager
def served(root: Root, *command: str):
    """A server for this root, ready to answer; stopped at the end."""
    environment = {**os.environ, "MLGATE_ROOT": str(root.path)}
    if command:
        with open(root.path / "service.log", "ab") as log:
            process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
    else:
        process = Forked(list(started(root))[3:], environment, root.path / "service.log")
    try:
        url = next(word for word in process.stdout.readline().split() if word.startswith("http")).rstrip("/")
        server = Server(process, url)
        wait_until(lambda: answers(server), PATIENCE, "the service answers")
        yield server
    finally:
        process.terminate()  # and not kill: it may have workers
        process.wait(timeout=PATIENCE)
        process.stdout.close()


def answers(server: Server) -> bool:
    with contextlib.suppress(OSError):
        return bool(server.ask("/health"))
    return False


class Load:
    """Clients that ask without a pause. `failed`: what should not have happened.

    Each keeps its connection, or with keep=False opens a new one each time. Once `closing` is set, a client goes home
    when the service has told it that the connection ends, or takes no new one any more: neither is a failure then.
    """

    def __init__(self, server: Server, clients: int = 6, keep: bool = True):
        self.server, self.keep = server, keep
        self.stopping, self.closing = threading.Event(), threading.Event()
        self.seen: list[tuple[float, str]] = []  # when, and the digest of the model that answered
        self.failed: list[str] = []
        self.threads = [threading.Thread(target=self._run, args=(number,)) for number in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def _run(self, number: int) -> None:
        body = json.dumps({"texts": ["A wonderful film.", "Dull."] * (1 if number else 100)})
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)
        at_home = False
        while not (at_home or self.stopping.is_set()):
            try:
                at_home = self._ask(connection, body) and self.closing.is_set() and self.keep
            except ConnectionRefusedError as error:
                at_home = self.closing.is_set()
                self.failed += [] if at_home else [repr(error)]
            except Exception as error:
                self.failed.append(repr(error))
                connection.close()
                time.sleep(0.05)
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection, body: str) -> bool:
        """One request. True where the service said that the connection ends."""
        connection.request("POST", "/predict", body)
        answer = connection.getresponse()
        text, status = answer.read(), answer.status
        if status != 200:
            self.failed.append(f"{status} {text[:200]!r}")
        else:
            self.seen.append((time.monotonic(), json.loads(text)["model"]["digest"]))
        if not self.keep:
            connection.close()
        return answer.will_close


def keep_every_row(root: Root) -> None:
    """Make the service of this root keep a row of each request, however many there are."""
    text = root.policy.read_text(encoding="utf-8")
    text = re.sub(r"(?m)^keep_every = \d+", "keep_every = 1", text)
    text = re.sub(r"(?m)^keep_a_second = \d+", "keep_a_second = 0", text)
    root.policy.write_text(text, encoding="utf-8")
