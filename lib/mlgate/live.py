"""A real service in the background and a stream of requests to it, for the notebooks that show production at work."""

import http.client
import json
import os
import subprocess
import sys
import threading
import time

from mlgate.root import MlgateError, Root

import pandas as pd

PATIENCE = 60  # seconds for a service to start, on a busy machine


class Server:
    """`mlgate serve` for a root, in a process of its own, on a free port of this machine. Use it with `with`."""

    def __init__(self, root: Root):
        self.root, self.port, self.process = root, 0, None

    def __enter__(self) -> "Server":
        command = [sys.executable, "-m", "mlgate", "--root", str(self.root.path), "serve", "--port", "0"]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True
        )
        line = self.process.stdout.readline()  # "mlgate serves at http://127.0.0.1:40123/ …"
        try:
            self.port = int(line.split("://")[1].split("/")[0].rsplit(":", 1)[1])
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def _wait(self) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if ask(self.port, "GET", "/health")[0] == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise MlgateError("The service did not start. Try `mlgate serve` in a terminal: it says why.")

    def stop(self) -> None:
        """Stop the service: it answers what is under way first."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def __exit__(self, *_) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def get(self, path: str) -> dict:
        """What the service answers to a GET, as a dict."""
        return ask(self.port, "GET", path)[1]

    def model(self) -> str:
        """The digest of the model that answers now."""
        return self.get("/model")["model"]["digest"]

    def wait_for(self, digest: str, seconds: float = 20) -> float:
        """Wait until the service answers with this model; the seconds it took. Raises MlgateError where it does not."""
        begun = time.perf_counter()
        while time.perf_counter() < begun + seconds:
            if self.model() == digest:
                return time.perf_counter() - begun
            time.sleep(0.02)
        raise MlgateError(f"The service did not pick {digest[:12]} up within {seconds:g} s: {self.get('/health')}")


class Stream:
    """One client that sends one text after the other, as long as the `with` block lasts."""

    def __init__(self, server: Server, texts: list[str], pause: float = 0.005):
        self.server, self.texts, self.pause = server, texts, pause
        self.begun, self.received = time.perf_counter(), []
        self.stopping, self.thread = threading.Event(), threading.Thread(target=self._send, daemon=True)

    def __enter__(self) -> "Stream":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stopping.set()
        self.thread.join()

    def mark(self) -> float:
        """Seconds since the stream began."""
        return time.perf_counter() - self.begun

    def answers(self) -> pd.DataFrame:
        """Every answer so far: second (when it came), status, digest, label, milliseconds."""
        return pd.DataFrame(list(self.received), columns=["second", "status", "digest", "label", "milliseconds"])

    def _send(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        number = 0
        while not self.stopping.is_set():
            sent = time.perf_counter()
            text = self.texts[number % len(self.texts)]
            number += 1
            try:
                status, body = ask(self.server.port, "POST", "/predict", {"texts": [text]}, connection)
                answer = (status, body["model"]["digest"], body["predictions"][0]["label"])
            except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
                connection.close()
                answer = (0, type(error).__name__, None)
            now = time.perf_counter()
            self.received.append((now - self.begun, *answer, 1000 * (now - sent)))
            self.stopping.wait(self.pause)
        connection.close()


def ask(port: int, method: str, path: str, body: dict | None = None, connection=None) -> tuple[int, dict]:
    """One request to a service on this machine: status and the decoded answer."""
    client = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        client.request(
            method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"} if body else {}
        )
        answer = client.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        if connection is None:
            client.close()
