"""The fence: a child process that works for this one, within limits of memory and time.

What can be bounded by reading a pipeline.pkl is refused when it is read (bounds.py, inspection.py). The rest shows only
once the file is opened and the model asked, so that happens in a child first. It is a fork of this process, which takes
milliseconds, and has what it needs in memory already; of all else it has little: no open file, no secret in its
environment, and it can write no file to speak of. Only bytes come back, and they are never unpickled.

Forks are made on Linux alone. Elsewhere the work is done in this process, without limits.
"""

import contextlib
import gc
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import NoReturn

from mlgate.artifacts.limits import MEGABYTE, Limits
from mlgate.errors import MlgateError
from mlgate.pinned import CORE, THREADS

FORKS = sys.platform == "linux"
if FORKS:
    import resource

Work = Callable[[bytes], bytes]

DONE = b"="  # the first byte of a reply: the answer follows, or why there is none
FAILED = b"!"
SMALL = 4_096  # bytes: no file that it writes is larger (threads want semaphores, which are files)
OUT_OF_MEMORY = 3  # the child's exit status
# All that a child keeps of the environment: libraries that it loads late read these.
KEPT = frozenset({*THREADS, CORE})


class Crossed(MlgateError):
    """The work raised, or went over a limit. The message is one line that says which."""


class Fence:
    """A child process that does one kind of work, as often as it is asked. Use it in a `with`: it ends with that."""

    def __init__(self, work: Work, limits: Limits):
        self.work = work
        self.limits = limits
        self.ended: str | None = None  # why there is no child any more
        if not FORKS:
            return
        self.near, far = Pipe()
        self.child = _fork()
        if self.child == 0:
            _serve(work, far, limits)
        far.close()

    def ask(self, question: bytes) -> bytes:
        """Return what the work makes of the question. Raises Crossed, and does so ever after a limit was crossed."""
        try:
            reply = self._asked(question) if FORKS else _reply(self.work, question)
        except MemoryError as error:
            raise Crossed(self._reason_of(OUT_OF_MEMORY)) from error
        if reply[:1] != DONE:
            raise Crossed(reply[1:].decode(errors="replace"))
        return reply[1:]

    def _asked(self, question: bytes) -> bytes:
        if self.ended:
            raise Crossed(self.ended)
        try:
            self.near.send_bytes(question)
            if self.near.poll(self.limits.seconds):
                return self.near.recv_bytes()
            self._end(f"it did not answer within {self.limits.seconds:g} s ({_place('seconds')})")
        except (EOFError, OSError):
            self._end()
        raise Crossed(str(self.ended))

    def _end(self, why: str | None = None) -> None:
        """End the child, and what it may have started. `why` is found out where it ended by itself."""
        self.near.close()
        for kill in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError):
                kill(self.child, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])
        self.ended = why or self._reason_of(status)

    def _reason_of(self, status: int) -> str:
        if status == OUT_OF_MEMORY:
            most = self.limits.memory // MEGABYTE
            return f"it asked for more than {most:,} MB of memory ({_place('memory_megabytes')})"
        return f"its process ended ({status}): too little memory, or a fault in compiled code"

    def __enter__(self) -> "Fence":
        return self

    def __exit__(self, *exception: object) -> None:
        if FORKS and not self.ended:
            self._end("it was asked after the end")


def described(error: Exception) -> str:
    """Return what went wrong, in one line."""
    if isinstance(error, MlgateError):
        return str(error)
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _place(key: str) -> str:
    return f"{key} under [artifacts] in gate.toml"


def _fork() -> int:
    with warnings.catch_warnings():  # about threads: the child asks nothing that another thread may hold
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _serve(work: Work, far: Connection, limits: Limits) -> NoReturn:
    """Answer questions until there are no more. Runs in the child, which leaves by this way only."""
    status = 1
    try:
        _confine(far.fileno(), limits)
        while True:
            question = far.recv_bytes()
            _allow_time(limits)
            far.send_bytes(_reply(work, question))
    except EOFError:
        status = 0
    except MemoryError:
        status = OUT_OF_MEMORY
    finally:
        os._exit(status)


def _reply(work: Work, question: bytes) -> bytes:
    try:
        return DONE + work(question)
    except MemoryError:
        raise
    except Exception as error:
        return FAILED + described(error).encode(errors="backslashreplace")


def _confine(kept: int, limits: Limits) -> None:
    """Take from this process all that it does not need: its session, files, environment, and most of the memory.

    kept: the descriptor that stays open.
    """
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    for name in os.listdir("/proc/self/fd"):
        if int(name) != kept:
            with contextlib.suppress(OSError):
                os.close(int(name))
    for _ in range(3):  # takes the place of standard input, output and error
        os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (for good)
    for name in os.environ.keys() - KEPT:
        del os.environ[name]
    gc.freeze()  # what this process got from the other one is not its to clean up
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _lower(resource.RLIMIT_AS, in_use + limits.memory)
    _lower(resource.RLIMIT_FSIZE, SMALL)
    _lower(resource.RLIMIT_CORE, 0)


def _allow_time(limits: Limits) -> None:
    """Set the clock for one question. It ends this process where the other one, which watches the time, is gone."""
    most = time.process_time() + limits.seconds * (os.cpu_count() or 1) + 1
    _lower(resource.RLIMIT_CPU, int(most), for_good=False)


def _lower(kind: int, most: int, for_good: bool = True) -> None:
    highest = resource.getrlimit(kind)[1]
    if highest != resource.RLIM_INFINITY:
        most = min(most, highest)
    resource.setrlimit(kind, (most, most if for_good else highest))
