"""Whatever bytes come in, the service answers them with no error of its own, or closes, and answers the next client."""

import contextlib
import json
import socket

import pytest
from hypothesis import given
from mutations import changed_bytes, changed_value, fuzzed
from servers import PATIENCE, make_root, put, served, tiny

BODY = b'{"texts": ["A wonderful film.", "Dull."]}'
HEAD = b"Host: a\r\nContent-Type: application/json\r\nConnection: close\r\n"
REQUESTS = [
    b"POST /predict HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n%b" % (HEAD, len(BODY), BODY),
    b"POST /predict HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (HEAD, len(BODY), BODY),
    b'POST /explain HTTP/1.1\r\n%bContent-Length: 16\r\n\r\n{"text": "Dull"}' % HEAD,
    *(b"GET /%b HTTP/1.1\r\n%b\r\n" % (path, HEAD) for path in (b"", b"model", b"health", b"metrics", b"docs")),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    root = make_root(tmp_path_factory.mktemp("requests") / "root")
    put(root, tiny(), "bootstrap")
    with served(root) as server:
        server.until_serving(server.serving())
        yield server


def sent(server, data: bytes, patience: float) -> bytes:
    """What comes back to these bytes, until the connection closes or nothing comes for a while."""
    parts = []
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
    with connection, contextlib.suppress(ConnectionResetError, BrokenPipeError, TimeoutError):
        connection.sendall(data)
        connection.settimeout(patience)
        while part := connection.recv(65_536):
            parts.append(part)
    return b"".join(parts)


def require_no_error(answer: bytes) -> None:
    assert not answer or answer.startswith(b"HTTP/1.1 ")
    assert b"HTTP/1.1 5" not in answer
    assert b"Traceback" not in answer


@pytest.mark.slow
@fuzzed(60, slower=2)
@given(data=changed_bytes(REQUESTS))
def test_changed_bytes_of_requests(server, data):
    require_no_error(sent(server, data, 0.2))
    assert server.ask("/health")[0] == 200


@pytest.mark.slow
@fuzzed(60)
@given(value=changed_value([{"texts": ["A wonderful film.", "Dull."]}, {"text": "Dull."}]))
def test_odd_questions(server, value):
    body = json.dumps(value).encode()
    for path in (b"predict", b"explain"):
        request = b"POST /%b HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n%b" % (path, HEAD, len(body), body)
        answer = sent(server, request, PATIENCE)
        require_no_error(answer)
        assert answer
