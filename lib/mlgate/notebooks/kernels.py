"""Start Jupyter kernels ahead of time. An optimisation only: skip this module unless you debug start-up.

It uses private parts of jupyter_client and nbclient, so pyproject.toml bounds their versions, tests/notebooks names the
parts, and runner.py does without this module where anything in it raises.

A kernel needs two to three seconds until it has started and imported scikit-learn, pandas and matplotlib. So one
process imports them for all, and kernels are forked from it where that can be done (forkserver.py). And while one
notebook runs, the kernels of the next two get ready, so that papermill is handed a kernel that can answer at once.
Whatever happens to us (an exception, Ctrl-C, SIGTERM), the kernels are ended; if we are killed outright, they notice
within a second or two that their parent is gone and end by themselves (ipykernel's parent poller).
"""

import asyncio
import contextlib
import itertools
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty
from types import FrameType
from typing import IO, Any

from mlgate.errors import MlgateError
from mlgate.notebooks.forkserver import SUPPORTED, Forked, ForkServer

from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning import LocalProvisioner
from jupyter_core.utils import ensure_event_loop

AHEAD = 2  # how many kernels wait for their notebook at any time: each holds about 200 MB
AT_ONCE = 2  # how many get ready at the same time
GOODBYE = 2.0  # seconds a kernel that has done its work gets to clean up after itself
# What it does with them: it runs what was registered for its exit, and leaves without tidying its memory, which takes
# longer than all the rest.
FAREWELL = "import atexit, os\ntry:\n    atexit._run_exitfuncs()\nfinally:\n    os._exit(0)"
SILENT = logging.getLogger("mlgate.kernels")
SILENT.setLevel(logging.CRITICAL + 1)
Fork = Callable[[list[str], dict[str, str]], Forked]  # what a command and an environment are handed to


@dataclass(frozen=True)
class Warm:
    """Code to run before a notebook's turn: `shared` where its kernel is forked from, `own` in the kernel."""

    shared: str = ""
    own: str = ""


class Client(AsyncKernelClient):
    """What nbclient talks to a kernel through."""

    def start_channels(self, *arguments: Any, **options: Any) -> None:
        """Start all channels but the one for heartbeats: whether the kernel lives, its process says."""
        super().start_channels(*arguments, **{**options, "hb": False})

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until both channels answer. (The inherited method goes on to wait 0.2 s for nothing.)"""
        end = time.monotonic() + (timeout or 60)
        while time.monotonic() < end and await self.is_alive():
            request = self.kernel_info()
            with contextlib.suppress(Empty):
                while True:
                    message = await self.get_iopub_msg(timeout=0.2)
                    answered = message["parent_header"].get("msg_id") == request
                    if answered and message["content"].get("execution_state") == "idle":
                        return
        raise RuntimeError("the kernel does not answer")


class Forking(LocalProvisioner):
    """What has a kernel's process forked."""

    fork: Fork

    async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
        """Return how to reach the kernel, once it is there. Raises OSError where it cannot be forked."""
        kernel = self.fork(cmd, options["env"])
        self.process = kernel  # type: ignore[assignment]  # it can do what a Popen can
        self.pid = kernel.pid
        self.pgid = kernel.pid
        return self.connection_info


class Kernel(KernelManager):
    """One kernel, running the Python that runs us: not whatever a `python3` kernel in the home directory points to."""

    process: subprocess.Popen[bytes] | Forked  # once it is started

    def __init__(self, connection: Path) -> None:
        """Talk through sockets in the folder of `connection`; where there are none (Windows), through encrypted TCP."""
        transport = {"transport_encryption": "auto"}
        if os.name == "posix":
            transport = {"transport": "ipc", "ip": str(connection.with_suffix(""))}
        super().__init__(connection_file=str(connection), log=SILENT, **transport)
        self.client_factory = Client
        self._kernel_spec = KernelSpec(resource_dir="", **get_kernel_dict())
        self.handed: Client | None = None
        self.last: BlockingKernelClient | None = None
        self.retired = False
        self.refused: str | None = None

    def client(self, **options: Any) -> Client:  # type: ignore[override]  # nbclient wants an asynchronous one
        """Return what nbclient talks through, and remember it."""
        client = super().client(**options)
        assert isinstance(client, Client)
        self.handed = client
        return client

    def start(self, folder: Path, environment: dict[str, str], log: IO[bytes], fork: Fork | None = None) -> None:
        """Start the kernel's process in `folder`, or have it forked. Raises OSError where it cannot be forked."""
        if fork:
            self.provisioner = Forking(kernel_spec=self._kernel_spec, parent=self)
            self.provisioner.fork = fork
        history = "--HistoryManager.hist_file=:memory:"
        self.start_kernel(cwd=str(folder), env=environment, stdout=log, stderr=log, extra_arguments=[history])
        self.process = self.provisioner.process  # type: ignore[union-attr]  # a LocalProvisioner has one

    def warm_up(self, code: str) -> None:
        """Run `code` in a namespace of its own: no notebook finds names in its kernel that it did not import.

        What it refuses, with an MlgateError, is in `refused` then.
        """
        client = self.blocking_client()
        try:
            client.start_channels(iopub=False, stdin=False, hb=False, control=False)
            code = f"import faulthandler\nfaulthandler.enable()\n{code}"  # a crash leaves a trace in the log
            request = client.execute(f"exec({code!r}, {{}})", silent=True, store_history=False)
            while self.process.poll() is None:
                with contextlib.suppress(Empty):
                    reply = client.shell_channel.get_msg(timeout=0.2)
                    if reply["parent_header"].get("msg_id") == request:
                        self._read(reply["content"])
                        return
        finally:
            client.stop_channels()

    def _read(self, reply: dict[str, Any]) -> None:
        if reply.get("ename") == MlgateError.__name__:
            self.refused = str(reply["evalue"])

    def retire(self) -> None:
        """Ask the kernel to end by itself, and do not wait for it: its notebook is done."""
        self.retired = True
        if self.process.poll() is None:
            self.last = self.blocking_client()
            self.last.start_channels(iopub=False, stdin=False, hb=False, control=False)
            self.last.execute(f"exec({FAREWELL!r}, {{}})", silent=True, store_history=False)

    def end(self) -> None:
        """End the kernel and every process that its cells started in its process group."""
        if self.retired:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(GOODBYE)
        with contextlib.suppress(OSError, AttributeError):
            os.killpg(self.provisioner.pgid, signal.SIGKILL)  # type: ignore[union-attr]
        self.process.kill()
        self.process.wait()

    def clean_up(self) -> None:
        """Close what talked to the kernel. Only once no thread waits for it any more: sockets belong to one thread."""
        for client in (self.handed, self.last):
            if client:
                client.stop_channels()
        self.cleanup_resources()


class Kernels:
    """A kernel for each of `warm`, which runs beforehand. Use as a context: at its end, no kernel is left."""

    def __init__(self, warm: list[Warm], folder: Path, environment: dict[str, str], log: Path) -> None:
        """Kernels work in `folder`; what they write past their notebooks, such as a crash, ends up in `log`."""
        self.warm = deque(warm)
        self.folder = folder
        self.environment = environment
        self.log = log
        self.waiting: deque[Future[Kernel]] = deque()
        self.started: list[Kernel] = []  # all of them
        self.futures: list[Future[Kernel]] = []  # one for each notebook
        self.numbers = itertools.count()
        self.closing = False
        self.lock = threading.Lock()
        self.starter = ThreadPoolExecutor(AT_ONCE, "kernels")

    def __enter__(self) -> "Kernels":
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
        """See to it that `number` kernels are ready or getting ready. Returns at once."""
        while self.warm and len(self.waiting) < number:
            future = self.starter.submit(self._start, self.warm.popleft())
            self.waiting.append(future)
            self.futures.append(future)

    def tell(self, number: int, code: str) -> None:
        """Have kernel `number` (0: the first) run `code` before its notebook begins, if it waits. Returns at once."""

        def run() -> None:
            kernel = self.futures[number].result()
            if not kernel.handed:
                kernel.warm_up(code)

        if number < len(self.futures):
            self.starter.submit(run)

    def next(self) -> Kernel:
        """Return the next kernel, as soon as it is ready."""
        self.prepare(1)
        return self.waiting.popleft().result()

    def _start(self, warm: Warm) -> Kernel:
        for early in (warm, Warm()):  # what ends a kernel here will end it in its notebook too, where one can see it
            kernel, left = self._launch(early)
            kernel.warm_up(left)
            if kernel.process.poll() is None:
                return kernel
        raise MlgateError(f"No kernel starts. {self.log} may say why.")

    def _launch(self, warm: Warm) -> tuple[Kernel, str]:
        """Return a kernel, and what it has yet to run beforehand."""
        if self.server:
            with contextlib.suppress(OSError):
                return self._started(partial(self.server.fork, warm.shared)), warm.own
        return self._started(None), f"{warm.shared}\n{warm.own}"

    def _started(self, fork: Fork | None) -> Kernel:
        if self.closing:
            raise MlgateError("The run is over.")
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
