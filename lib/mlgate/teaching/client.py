"""A client in a process of its own, so that what it measures is the service and not whatever else the notebook does.

`python -m mlgate.teaching.client` reads one line of JSON (port, texts, pause), sends one text after the other to the
service at that port of this machine, and prints a line of JSON for each answer, until its standard input ends.
"""

import http.client
import json
import os
import sys
import threading
import time

HEADERS = {"Content-Type": "application/json"}


def main() -> None:
    """Call until standard input ends. Each line printed: when the answer came, milliseconds, status, digest, label."""
    job = json.loads(_line())
    stopping = threading.Event()
    threading.Thread(target=_watch, args=(stopping,), daemon=True).start()
    connection = http.client.HTTPConnection("127.0.0.1", job["port"], timeout=10)
    number = 0
    while not stopping.is_set():
        begun = time.monotonic()
        status, name, label = call(connection, job["texts"][number % len(job["texts"])])
        now = time.monotonic()
        print(json.dumps([now, 1000 * (now - begun), status, name, label]), flush=True)
        number += 1
        stopping.wait(job["pause"])


def call(connection: http.client.HTTPConnection, text: str) -> tuple[int, str, str]:
    """Status, digest of the model, and label. Status 0 where nothing came back; then the error is the label."""
    try:
        connection.request("POST", "/predict", json.dumps({"texts": [text]}), HEADERS)
        answer = connection.getresponse()
        status = answer.status
        body = json.loads(answer.read())
        return status, body["model"]["digest"], str(body["predictions"][0]["label"])
    except KeyError:  # the service says what is wrong
        return status, "", str(body.get("detail"))[:200]
    except (OSError, http.client.HTTPException, ValueError) as error:
        connection.close()
        return 0, "", type(error).__name__


def _line() -> bytes:
    """Return the first line of standard input, and nothing after it."""
    found = b""
    while not found.endswith(b"\n") and (piece := os.read(0, 1 << 16)):
        found += piece
    return found


def _watch(stopping: threading.Event) -> None:
    while os.read(0, 1):
        pass
    stopping.set()


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:  # nobody listens any more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
