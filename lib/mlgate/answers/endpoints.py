"""A model behind a URL: asked in batches, some at a time, and once more where the network or the service stumbles."""

import contextlib
import http.client
import json
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Timer
from urllib.parse import SplitResult, urlsplit

from mlgate.answers.asked import Counters, Faulty, Row, plain
from mlgate.answers.protocols import PROTOCOLS, Manner, answers_in
from mlgate.errors import MlgateError

PAUSES = (0.1, 0.5, 2.0)  # seconds before each further attempt
PASSING = (429, 502, 503, 504)  # a status that may pass
MOST_REPLY = 64_000_000  # bytes


@dataclass(frozen=True)
class Manners:
    """How a service is asked. seconds: for each request. token: sent as "Authorization: Bearer"."""

    batch: int = 100
    at_a_time: int = 4
    seconds: float = 60.0
    token: str = ""


class Endpoint:
    """A service that answers rows. A name behind # in its URL is that of the model there."""

    def __init__(self, url: str, protocol: str, manner: Manner = Manner(), manners: Manners = Manners()):  # noqa: B008
        parts = _parts(url)
        self.place = url
        self.secure = parts.scheme == "https"
        self.host = str(parts.hostname)
        self.port = parts.port
        self.protocol = PROTOCOLS[protocol]
        self.path = parts.path.rstrip("/") + self.protocol.path
        self.manner = Manner(parts.fragment, manner.text, manner.prompt)
        self.manners = manners
        self.counters = Counters()

    def answer(self, rows: Sequence[Row]) -> list[str]:
        """Return one answer for each row. Raises Faulty where the service gives none."""
        size = min(self.manners.batch, self.protocol.rows or self.manners.batch)
        parts = [rows[start : start + size] for start in range(0, len(rows), size)]
        with ThreadPoolExecutor(self.manners.at_a_time) as threads:
            asked = [threads.submit(self._ask, part) for part in parts]
            try:
                replies = [future.result() for future in asked]
            except BaseException:
                threads.shutdown(wait=False, cancel_futures=True)
                raise
        for _, retries, version in replies:
            self.counters.requests += 1
            self.counters.retries += retries
            self.counters.versions.add(version)
        return [answer for answers, *_ in replies for answer in answers]

    def _ask(self, rows: Sequence[Row]) -> tuple[list[str], int, str]:
        """Return the answers to one request, how often it was made again, and what the service calls its model."""
        body = json.dumps(self.protocol.request(rows, self.manner)).encode()
        for retries, pause in enumerate((*PAUSES, None)):
            try:
                status, reply = self._post(body)
                why = f"with status {status}: {plain(reply[:400].decode(errors='replace'))}"
            except (OSError, http.client.HTTPException) as error:
                status, why = 0, f"it cannot be reached: {plain(str(error)) or type(error).__name__}"
            if status == http.client.OK:
                answers, version = answers_in(self.protocol, _json(reply), len(rows))
                return answers, retries, plain(version, 80)
            if status and status not in PASSING:
                break
            if pause is not None:
                time.sleep(pause)
        raise Faulty(why)

    def _post(self, body: bytes) -> tuple[int, bytes]:
        kind = http.client.HTTPSConnection if self.secure else http.client.HTTPConnection
        headers = {"Content-Type": "application/json"}
        if self.manners.token:
            headers["Authorization"] = f"Bearer {self.manners.token}"
        deadline = time.monotonic() + self.manners.seconds
        sockets: list[socket.socket] = []
        connection = kind(self.host, self.port, timeout=self.manners.seconds)
        clock = Timer(self.manners.seconds, lambda: _hang_up(sockets))
        try:
            connection.connect()
            sockets.append(connection.sock)
            clock.start()
            connection.request("POST", self.path, body, headers)
            response = connection.getresponse()  # a redirection is not followed: it would take the token along
            reply = response.read(MOST_REPLY + 1)
            if time.monotonic() >= deadline:
                raise TimeoutError
        except (OSError, http.client.HTTPException) as error:
            if time.monotonic() < deadline:
                raise
            raise Faulty(f"it did not answer within {self.manners.seconds:g} s") from error
        finally:
            clock.cancel()
            connection.close()
        if len(reply) > MOST_REPLY:
            raise Faulty(f"its reply is longer than {MOST_REPLY:,} bytes")
        return response.status, reply


def _parts(url: str) -> SplitResult:
    """Return the parts of a URL. Raises MlgateError where it is none, or would show a secret in the verdict."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        named = parts.scheme in ("http", "https") and parts.hostname and url.isascii() and url.isprintable()
        if named and " " not in url and not (parts.query or "@" in parts.netloc):
            parts.port  # noqa: B018  (raises where it is none)
            str(parts.hostname).encode("idna")  # raises where no address could have that name
            return parts
    shown = repr(plain(url, 80))
    if "@" in url or "?" in url:  # there a secret may stand
        shown = "The URL"
    raise MlgateError(f"{shown} is no http://host:port/path. Name one, without ? and password.")


def _hang_up(sockets: list[socket.socket]) -> None:
    """End a connection, however slowly bytes still come."""
    for open_one in sockets:
        with contextlib.suppress(OSError):
            open_one.shutdown(socket.SHUT_RDWR)


def _json(reply: bytes) -> object:
    try:
        return json.loads(reply)
    except (ValueError, RecursionError) as error:
        raise Faulty(f"its reply is no JSON: {plain(reply[:60].decode(errors='replace'))!r}") from error
