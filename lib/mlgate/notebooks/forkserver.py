"""Fork kernels from one process that imported, once for all of them, what notebooks import. An optimisation only.

Linux only: elsewhere some libraries do not survive a fork. Nor do threads, so where an import leaves one that runs
Python, no kernel is forked, and each starts by itself (kernels.py). Modules of the root's own are never imported here,
and no recipe: what runs before the fork, every later kernel would share.
"""

import atexit
import contextlib
import gc
import json
import os
import select
import signal
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import IO, Any

SUPPORTED = sys.platform == "linux"
NO = "0"  # the answer to a request that cannot be fulfilled
BY_ITSELF = "import sys; sys.path[:] = filter(None, sys.path)"  # no file of the folder stands in for a library
LAUNCHER = "ipykernel_launcher"  # what a kernel's command runs; its arguments follow


class Forked:
    """A process that the server forked: it can be waited for and ended as a subprocess.Popen can."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.handle = os.pidfd_open(pid)  # stays with this process, whoever gets its number later
        weakref.finalize(self, os.close, self.handle)

    def poll(self) -> int | None:
        """Return None while it runs. (How it ended, only its parent knows.)"""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended. Raises subprocess.TimeoutExpired where it runs on."""
        if self._ended(timeout) is None:
            raise subprocess.TimeoutExpired(LAUNCHER, timeout or 0)
        return 0

    def _ended(self, seconds: float | None) -> int | None:
        readable, _, _ = select.select([self.handle], [], [], seconds)
        return 0 if readable else None

    def send_signal(self, number: int) -> None:
        """Send it a signal, where it is still there."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.handle, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


class ForkServer:
    """The process that forks: this is its other end."""

    def __init__(self, folder: Path, environment: dict[str, str], log: IO[bytes]) -> None:
        """Start it in `folder`; what its kernels write past their notebooks goes to `log`."""
        command = [sys.executable, "-c", f"{BY_ITSELF}; from {__name__} import serve; serve()"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=log, cwd=folder, env=environment, start_new_session=True
        )
        self.lock = threading.Lock()

    def fork(self, code: str, command: list[str], environment: dict[str, str]) -> Forked:
        """Have it run `code`, and fork a kernel for this command. Raises OSError where it cannot."""
        request = {"code": code, "arguments": command[command.index(LAUNCHER) + 1 :], "environment": environment}
        assert self.process.stdin
        assert self.process.stdout
        with self.lock:
            if self.process.poll() is not None:
                raise OSError("what forks kernels is gone")
            try:
                self.process.stdin.write(json.dumps(request).encode() + b"\n")
                self.process.stdin.flush()
            except ValueError as error:
                raise OSError("what forks kernels is over") from error
            answer = self.process.stdout.readline().decode().strip()
        if answer in ("", NO):
            raise OSError("no kernel can be forked")
        return Forked(int(answer))

    def end(self) -> None:
        """End it, and every kernel that it forked."""
        self.process.terminate()
        # A signal that comes just before it waits for the next request is heard after that: so there is none.
        with contextlib.suppress(OSError):
            self.process.stdin.close()  # type: ignore[union-attr]
        self.process.wait()
        with self.lock:  # whoever waited for an answer has none now
            self.process.stdout.close()  # type: ignore[union-attr]


def serve() -> None:
    """Answer each line on standard input with the number of a kernel's process; end them all when it closes."""
    kernels: list[int] = []
    signal.signal(signal.SIGTERM, lambda *_: _end(kernels))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what an import prints is no answer
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")  # as a kernel does at its start
    gc.disable()  # imports leave nothing to collect
    from ipykernel import kernelapp

    for line in sys.stdin:
        request = json.loads(line)
        with contextlib.suppress(SystemExit):
            exec(request["code"], {})
        if threading.active_count() > 1:
            print(NO, file=answers, flush=True)
            continue
        gc.freeze()  # what is here stays: no kernel need look at it, and its memory stays shared
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # until it is clear whom it would end
        pid = os.fork()
        if pid == 0:
            answers.close()
            _be_a_kernel(kernelapp, request)
        kernels.append(pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        print(pid, file=answers, flush=True)
    _end(kernels)


def _end(kernels: list[int]) -> None:
    for pid in kernels:
        for kill in (os.kill, os.killpg):  # one that was just forked leads no group yet
            with contextlib.suppress(OSError):
                kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    os._exit(0)


def _be_a_kernel(kernelapp: Any, request: dict[str, Any]) -> None:
    """Become the kernel, and never return."""
    try:
        gc.enable()
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        signal.signal(signal.SIGINT, signal.default_int_handler)
        threading.Thread(target=_end_with_whoever_asked, args=[os.dup(0)], daemon=True).start()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.update(request["environment"])
        # 1: it has no parent to look after, for it looks after whoever asked
        kernelapp.launch_new_instance([*request["arguments"], "--IPKernelApp.parent_handle=1"])
    finally:
        atexit._run_exitfuncs()
        os._exit(0)


def _end_with_whoever_asked(requests: int) -> None:
    """End this kernel once nobody holds the other end of the pipe: whether the server lives then or not."""
    pipe = select.poll()
    pipe.register(requests, 0)  # nothing is read: only that it was closed is heard
    pipe.poll()
    os._exit(1)
