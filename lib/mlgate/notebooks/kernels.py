"""Start Jupyter kernels ahead of time. An optimisation only: skip this module unless you debug start-up.

Where anything in here or in kernel.py raises, runner.py does without both.

A kernel needs two to three seconds until it has started and imported scikit-learn, pandas and matplotlib. So one
process imports them for all, and kernels are forked from it where that can be done (forkserver.py). And while one
notebook runs, the kernels of the next two get ready, so that papermill is handed a kernel that can answer at once.
Whatever happens to us (an exception, Ctrl-C, SIGTERM), the kernels are ended; if we are killed outright, they notice
within a second or two that their parent is gone and end by themselves (ipykernel's parent poller).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shutil
import signal
import tempfile
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from mlgate.errors import MlgateError
from mlgate.notebooks.forkserver import SUPPORTED, ForkServer

from jupyter_core.utils import ensure_event_loop

if TYPE_CHECKING:  # else imported once what forks kernels has begun
    from mlgate.notebooks.kernel import Fork, Kernel

AHEAD = 2  # how many kernels wait for their notebook at any time: each holds about 200 MB
AT_ONCE = 2  # how many get ready at the same time


@dataclass(frozen=True)
class Warm:
    """Code to run before a notebook's turn: `shared` where its kernel is forked from, `own` and `then` in the kernel.

    then: once the awaited file has been written.
    """

    shared: str = ""
    own: str = ""
    then: str = ""


class Kernels:
    """A kernel for each of `warm`, which runs beforehand. Use as a context: at its end, no kernel is left."""

    def __init__(
        self, warm: list[Warm], folder: Path, environment: dict[str, str], log: Path, awaited: Path | None = None
    ) -> None:
        """Kernels work in `folder`; what they write past their notebooks, such as a crash, ends up in `log`.

        awaited: a file that a notebook will write.
        """
        self.warm = deque(warm)
        self.folder = folder
        self.environment = environment
        self.log = log
        self.awaited = awaited
        self.before = _written(awaited)
        self.waiting: deque[tuple[Future[Kernel], Warm]] = deque()
        self.started: list[Kernel] = []  # all of them
        self.numbers = itertools.count()
        self.closing = False
        self.lock = threading.Lock()
        self.starter = ThreadPoolExecutor(AT_ONCE, "kernels")

    def __enter__(self) -> Kernels:
        self.sockets = Path(_short_folder())
        self.log_file = (self.sockets / "log").open("wb")
        self.server = self._serve() if SUPPORTED else None
        self.handlers: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            self.handlers = {signal.SIGTERM: signal.signal(signal.SIGTERM, _terminated)}
        self.prepare(1)
        return self

    def _serve(self) -> ForkServer | None:
        with contextlib.suppress(OSError):
            return ForkServer(self.folder, self.environment, self.log_file)
        return None

    def prepare(self, number: int = AHEAD) -> None:
        """See to it that `number` kernels are ready or getting ready, and know of the awaited file. Returns at once."""
        while self.warm and len(self.waiting) < number:
            warm = self.warm.popleft()
            self.waiting.append((self.starter.submit(self._start, warm), warm))
        now = _written(self.awaited)
        if now != self.before:
            self.before = now
            going = [(self.starter.submit(self._go_on, future, warm.then), warm) for future, warm in self.waiting]
            self.waiting = deque(going)

    def next(self) -> Kernel:
        """Return the next kernel, as soon as it is ready."""
        self.prepare(1)
        return self.waiting.popleft()[0].result()

    def _start(self, warm: Warm) -> Kernel:
        for early in (warm, Warm()):  # what ends a kernel here will end it in its notebook too, where one can see it
            kernel, left = self._launch(early)
            kernel.warm_up(left)
            if kernel.process.poll() is None:
                return kernel
        raise MlgateError(f"No kernel starts. {self.log} may say why.")

    def _go_on(self, future: Future[Kernel], code: str) -> Kernel:
        """Return the kernel, once it has run `code` too; a new one where that ended it."""
        kernel = future.result()
        kernel.warm_up(code)
        if kernel.process.poll() is None:
            return kernel
        return self._start(Warm())

    def _launch(self, warm: Warm) -> tuple[Kernel, str]:
        """Return a kernel, and what it has yet to run beforehand."""
        if self.server:
            with contextlib.suppress(OSError):
                return self._started(partial(self.server.fork, warm.shared)), warm.own
        return self._started(None), f"{warm.shared}\n{warm.own}"

    def _started(self, fork: Fork | None) -> Kernel:
        if self.closing:
            raise MlgateError("The run is over.")
        from mlgate.notebooks.kernel import Kernel

        kernel = Kernel(self.sockets / f"{next(self.numbers)}.json")
        kernel.start(self.folder, self.environment, self.log_file, fork)
        with self.lock:
            self.started.append(kernel)
            if self.closing:
                kernel.end()
        return kernel

    def __exit__(self, *_: object) -> None:
        if self.handlers:  # a second Ctrl-C would leave kernels behind
            self.handlers[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        try:
            with self.lock:
                self.closing = True
            _cancel_tasks()
            for kernel in self.started:
                kernel.end()
            if self.server:
                self.server.end()
            self.starter.shutdown(cancel_futures=True)  # whoever warms a kernel up sees that it is gone
            for kernel in self.started:
                kernel.clean_up()
            if self.log_file.tell():
                shutil.copyfile(self.log_file.name, self.log)
            self.log_file.close()
            shutil.rmtree(self.sockets, ignore_errors=True)
        finally:
            for number, handler in self.handlers.items():
                signal.signal(number, handler)


def _written(path: Path | None) -> tuple[int, int] | None:
    """Return what changes when a file is written; None where there is none."""
    if path is None or not path.is_file():
        return None
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


def _terminated(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _short_folder() -> str:
    """Make a temporary folder whose name leaves room for a socket's: their paths may have about 100 characters."""
    folder = tempfile.gettempdir()
    return tempfile.mkdtemp(prefix="mlgate-", dir="/tmp" if os.name == "posix" and len(folder) > 70 else folder)


def _cancel_tasks() -> None:
    """After an interrupt, nbclient's tasks still wait for messages; asyncio would complain about them at exit."""
    loop = ensure_event_loop()
    if not loop.is_running():
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
