"""One Jupyter kernel that is started, or forked, before its notebook's turn. See kernels.py for when, and for how many.

It uses private parts of jupyter_client and nbclient, so pyproject.toml bounds their versions, and tests/notebooks names
the parts.
"""

import contextlib
import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty
from typing import IO, Any

from mlgate.errors import MlgateError
from mlgate.notebooks.forkserver import Forked

from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning import LocalProvisioner

GOODBYE = 2.0  # seconds a kernel that has done its work gets to clean up after itself
# What it does with them: it runs what was registered for its exit, and leaves without tidying its memory, which takes
# longer than all the rest.
FAREWELL = "import atexit, os\ntry:\n    atexit._run_exitfuncs()\nfinally:\n    os._exit(0)"
SILENT = logging.getLogger("mlgate.kernels")
SILENT.setLevel(logging.CRITICAL + 1)
Fork = Callable[[list[str], dict[str, str]], Forked]  # what a command and an environment are handed to


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
