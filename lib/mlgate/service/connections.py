"""Connections with limits: whoever is slow, silent or greedy is closed, counted, and logged once a minute.

uvicorn waits as long as a client likes, for any number of clients, and keeps a request's head of any size in memory.
"""

import asyncio
import logging
import time
from collections.abc import Iterable
from typing import Any, Literal

from mlgate.service.messages import problem

from prometheus_client import Counter
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

try:
    import resource
except ImportError:  # Windows has no limit of this kind
    resource = None  # type: ignore[assignment]

MAX_HEAD = 64_000  # bytes of a request's line and headers
MAX_WAIT = 20.0  # seconds that a client has for a whole request, or to read an answer
MAX_CONNECTIONS = 8_000
SPARE_FILES = 64  # descriptors for what are no connections
Reason = Literal["head", "late", "full"]
MESSAGES: dict[Reason, str] = {
    "head": f"a request's line and headers have more than {MAX_HEAD:,} bytes",
    "late": f"a request was not sent, or an answer not read, within {MAX_WAIT:g} seconds",
    "full": "there are as many connections as there may be: those that waited longest go",
}
DETAIL = problem(f"The request's line and headers exceed {MAX_HEAD:,} bytes.")
TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(DETAIL), DETAIL)
)
closed = Counter("mlgate_connections_closed", "Connections closed on a client, by reason", ["reason"], registry=None)
_said: dict[str, float] = {}  # when each message was logged last


class Connection(HttpToolsProtocol):
    """uvicorn's side of a connection, which also knows since when it is the client's turn."""

    room = MAX_CONNECTIONS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.turn: float | None = None  # since when the client has to act; None while the service works
        self.idle = False  # nothing has come since the last answer
        self.in_head = True
        self.head = 0  # bytes of the head so far, from the second packet on

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection in, and make room for it."""
        super().connection_made(transport)
        self.turn = self.loop.time()
        self.clock = self.loop.call_later(MAX_WAIT / 4, self._look_at_clock)
        if len(self.connections) > self.room:
            make_room(self.connections)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self.clock.cancel()
        super().connection_lost(exc)

    def _look_at_clock(self) -> None:
        if self.turn is not None and self.loop.time() - self.turn > MAX_WAIT:
            close([self], "late")
        else:
            self.clock = self.loop.call_later(MAX_WAIT / 4, self._look_at_clock)

    def data_received(self, data: bytes) -> None:
        """Take in a part of a request. The client's time runs from the first byte, not from the latest."""
        if self.idle:
            self.idle = False
            self.turn = self.loop.time()
        if self.in_head:
            self.head += len(data)
        super().data_received(data)
        if self.in_head and self.head > MAX_HEAD and not self.transport.is_closing():
            self.transport.write(TOO_LARGE)
            close([self], "head")

    def on_message_begin(self) -> None:
        """Begin to count the head."""
        super().on_message_begin()
        self.in_head = True

    def on_headers_complete(self) -> None:
        """End to count the head."""
        super().on_headers_complete()
        self.in_head = False
        self.head = 0

    def on_message_complete(self) -> None:
        """Take note that it is our turn."""
        super().on_message_complete()
        self.turn = None

    def on_response_complete(self) -> None:
        """Take note that it is the client's turn."""
        self.idle = True
        self.turn = self.loop.time()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Take note that the client has to read before we can write on."""
        super().pause_writing()
        self.turn = self.loop.time()

    def resume_writing(self) -> None:
        """Take note that it is our turn again."""
        super().resume_writing()
        self.turn = None


def waiting(connections: Iterable[Any]) -> list[Connection]:
    """Return the connections whose client has to act, the one that waited longest first."""
    found = [it for it in connections if isinstance(it, Connection) and it.turn is not None]
    return sorted(found, key=lambda it: it.turn or 0.0)


def make_room(connections: Iterable[Any]) -> None:
    """Close a quarter of those that wait for their client, the oldest: a quick client is not among them."""
    found = waiting(connections)
    close(found[: len(found) // 4 + 1], "full")


def close(connections: list[Connection], reason: Reason) -> None:
    """Close connections, whatever is still to be said, count them, and say why."""
    for connection in connections:
        if reason == "head":
            connection.transport.close()
        else:
            connection.transport.abort()
        connection.turn = None
    if connections:
        closed.labels(reason).inc(len(connections))
        say_seldom(f"A connection was closed: {MESSAGES[reason]}.")


def say_seldom(message: str) -> None:
    """Log a message, at most once a minute."""
    now = time.monotonic()
    if now - _said.get(message, -60.0) >= 60:
        _said[message] = now
        logging.getLogger(__name__).warning("%s (Said at most once a minute; /metrics counts them.)", message)


def log_seldom(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Handle what asyncio cannot: no descriptor for a connection is said once a minute, the rest as ever."""
    if context.get("message") == "socket.accept() out of system resource":
        say_seldom(f"No connection could be taken in for a second: {context['exception']}.")
    else:
        loop.default_exception_handler(context)


def raise_limits() -> None:
    """Allow this process as many open files as it may have, and no more connections than fit."""
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else max(soft, 2 * MAX_CONNECTIONS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    Connection.room = max(1, min(MAX_CONNECTIONS, wanted - SPARE_FILES))
