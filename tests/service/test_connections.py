"""Whoever is slow, silent or greedy costs the others nothing, and is closed, counted and logged once."""

import contextlib
import signal
import socket
import sys
import time

import pytest
from chromium import wait_until
from servers import PATIENCE, Server, make_root, put, served, tiny

pytestmark = pytest.mark.slow
QUICKLY = """
import sys
from mlgate import cli
from mlgate.service import connections
connections.MAX_WAIT = 1.0
sys.exit(cli.main(sys.argv[1:]))
"""


@contextlib.contextmanager
def impatient(folder):
    """A service whose clients have a second, and which may open 200 files."""
    root = make_root(folder / "root")
    put(root, tiny(), "bootstrap")
    serve = [sys.executable, "-c", QUICKLY, "--root", str(root.path), "serve", "--port", "0"]
    with served(root, "sh", "-c", 'ulimit -n 200; exec "$@"', "sh", *serve) as server:
        server.log = root.path / "service.log"
        yield server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with impatient(tmp_path_factory.mktemp("server")) as server:
        yield server


def connect(server: Server, data: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
    connection.sendall(data)
    return connection


def is_closed(connection: socket.socket) -> bool:
    """Whether the service has closed it. Whatever it had to say is read."""
    try:
        while connection.recv(65_536):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def closed(server: Server, reason: str) -> float:
    lines = server.ask("/metrics")[1].splitlines()
    return sum(float(line.split()[-1]) for line in lines if f'connections_closed_total{{reason="{reason}"}}' in line)


def test_more_silent_connections_than_files_do_not_keep_others_from_an_answer(server):
    with contextlib.ExitStack() as stack:
        for _ in range(400):
            stack.enter_context(connect(server))
        assert server.ask("/predict", {"texts": ["dull"]})[0] == 200
        assert closed(server, "full") > 100
        assert len(server.log.read_text().splitlines()) < 10, server.log.read_text()


BEGUN = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n"


@pytest.mark.parametrize("begun", [b"", b"GET /hea", BEGUN, BEGUN + b"{", b"\r\n"])
def test_a_request_that_does_not_come_is_not_waited_for(server, begun):
    before = closed(server, "late")
    with connect(server, begun) as connection:
        assert is_closed(connection)
        assert closed(server, "late") == before + 1


WHOLE = b"GET /model HTTP/1.1\r\nHost: a\r\n\r\n"
HEAD = b"GET /health HTTP/1.1\r\nHost: "  # goes on with any letters


@pytest.mark.parametrize(("first", "drop"), [(b"", b"\r\n"), (WHOLE, b"\r\n"), (HEAD, b"a"), (WHOLE + HEAD, b"a")])
def test_a_byte_now_and_then_does_not_keep_a_connection(server, first, drop):
    before = closed(server, "late")
    with connect(server, first) as connection:
        end = time.monotonic() + PATIENCE
        with contextlib.suppress(OSError):
            while time.monotonic() < end:
                connection.sendall(drop)
                time.sleep(0.1)
        assert time.monotonic() < end
    assert closed(server, "late") == before + 1


def test_an_answer_that_nobody_reads_is_not_kept(server):
    asked = b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n"
    before = closed(server, "late")
    with connect(server) as connection:
        connection.setblocking(False)
        with contextlib.suppress(OSError):  # both directions are full
            while True:
                connection.send(asked * 100)
        wait_until(lambda: closed(server, "late") > before, PATIENCE, "closed")


@pytest.mark.parametrize("line", [b"GET /health HTTP/1.1\r\nX: ", b"GET /"], ids=["header", "path"])
def test_a_head_without_an_end_is_refused(server, line):
    before = closed(server, "head")
    with connect(server, line) as connection:
        sent = 0
        with contextlib.suppress(OSError):
            while sent < 50_000_000:
                connection.sendall(b"a" * 100_000)
                sent += 100_000
        assert sent < 10_000_000
        assert closed(server, "head") == before + 1


def test_a_head_that_is_too_long_gets_an_answer_that_says_so(server):
    with connect(server, b"GET /health HTTP/1.1\r\n") as connection:
        for _ in range(2):
            time.sleep(0.1)  # or else both parts may come as one packet
            connection.sendall(b"X: " + b"a" * 40_000 + b"\r\n")
        answer = connection.recv(1_000)
        assert answer.startswith(b"HTTP/1.1 431 ")
        assert answer.endswith(b'{"detail": "The request\'s line and headers exceed 64,000 bytes."}')


def test_stopping_does_not_wait_for_the_silent(tmp_path):
    with impatient(tmp_path) as server, contextlib.ExitStack() as stack:
        for begun in (b"", b"GET /hea", BEGUN, b"GET /model HTTP/1.1\r\nHost: a\r\n\r\n"):
            stack.enter_context(connect(server, begun))
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=PATIENCE / 2) == 0


def test_honest_requests_of_any_size_are_answered(server):
    before = [closed(server, reason) for reason in ("head", "late", "full")]
    texts = {"texts": ["a wonderful film " * 100] * 1_000}
    for _ in range(3):
        assert server.ask("/predict", texts)[0] == 200
    assert server.ask("/health", headers={"Cookie": "a" * 30_000})[0] == 200
    assert [closed(server, reason) for reason in ("head", "late", "full")] == before


def test_plain_uvicorn_closes_them_too(tmp_path):
    root = make_root(tmp_path / "root")
    put(root, tiny(), "bootstrap")
    kind = "mlgate.service.connections:Connection"
    start = f"""
import socket, uvicorn
from mlgate.service import connections
connections.MAX_WAIT = 1.0
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
print(f"http://127.0.0.1:{{port}}/", flush=True)
uvicorn.run("mlgate.service:app", port=port, http="{kind}")
"""
    with served(root, sys.executable, "-c", start) as server, connect(server, b"GET /hea") as connection:
        assert is_closed(connection)
        assert closed(server, "late") == 1
