"""The process around the service: it listens, says where, and stops without losing a request.

uvicorn alone answers what it is working on when it is told to stop, but it resets connections that it has not read from
yet: requests that were on their way. Here they are answered, and told that the connection ends with that.
"""

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any

from mlgate.errors import MlgateError
from mlgate.service import connections

import uvicorn
from starlette.types import ASGIApp

LONGEST = 30  # seconds that requests under way may take once the service is told to stop
QUIET: dict[str, Any] = {"log_level": "warning", "access_log": False, "server_header": False}
SO_ATTACH_FILTER = 26  # of Linux; Python's socket does not name it
FAREWELL = 1.0  # seconds, at most, that clients have for a last request on a connection that they keep open


class Server(uvicorn.Server):
    """uvicorn's server with limits for its connections, and a farewell."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen."""
        asyncio.get_running_loop().set_exception_handler(connections.log_seldom)
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take in who is waiting at the door, close it, answer everything once more, then stop."""
        state = self.server_state
        state.default_headers = [*state.default_headers, (b"connection", b"close")]
        for sock in sockets or []:
            _lock_door(sock)
        callers = _callers(sockets or [])
        for server in self.servers:
            server.close()
        await asyncio.gather(*[self._accept(sock) for sock in callers])
        deadline = asyncio.get_running_loop().time() + FAREWELL
        while state.connections and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.02)
        connections.close(connections.waiting(state.connections), "late")
        await super().shutdown(sockets)

    async def _accept(self, sock: socket.socket) -> None:
        kind: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            await loop.connect_accepted_socket(
                lambda: kind(config=self.config, server_state=self.server_state, app_state=self.lifespan.state), sock
            )


def _lock_door(sock: socket.socket) -> None:
    """Let the system drop calls from now on: who knocks again in a second is refused, and may call another server.

    Otherwise a connection accepted by the system after the last `_callers` is reset, with its request. Linux only; a
    filter of one instruction, "keep 0 bytes": https://docs.kernel.org/networking/filter.html
    """
    if sys.platform == "linux":
        instruction = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
        with contextlib.suppress(OSError):  # where filters are forbidden, the window is some microseconds
            sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(instruction)))


def _callers(listening: list[socket.socket]) -> list[socket.socket]:
    """Return the connections that the system has accepted and we have not."""
    found = []
    for sock in listening:
        with contextlib.suppress(OSError):  # BlockingIOError: nobody is left
            while True:
                connection, _ = sock.accept()
                connection.setblocking(False)
                found.append(connection)
    return found


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises MlgateError where the address is taken or is none."""
    # IPPROTO_TCP, and not 0: only then does asyncio switch Nagle's algorithm off, which delays answers by 40 ms.
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, os.name == "posix")
    try:
        sock.bind((host, port))
        sock.listen(2048)
    except (OSError, OverflowError) as error:
        sock.close()
        reason = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise MlgateError(f"Cannot listen at {host}, port {port}: {reason}. Choose another with --port.") from error
    sock.setblocking(False)
    return sock


def _in_address(host: str) -> str:
    if ":" in host:
        return f"[{host}]"
    return host


def run(app: ASGIApp, host: str, port: int) -> int:
    """Serve until SIGTERM or Ctrl-C, then answer what is still under way. 0, or 1 where the service did not start."""
    with listen(host, port) as sock:
        port = sock.getsockname()[1]
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
        connections.raise_limits()
        server = Server(uvicorn.Config(app, http=connections.Connection, timeout_graceful_shutdown=LONGEST, **QUIET))
        for number in (signal.SIGINT, signal.SIGTERM):  # uvicorn raises them once more when it is done
            signal.signal(number, lambda *_: None)
        print(f"mlgate serves at http://{_in_address(host)}:{port}/ (Ctrl-C stops it).", flush=True)
        server.run(sockets=[sock])
    return 0 if server.started else 1
