"""Kernels are forked from one process: what it imported is there in each, and what one does is not there in another."""

import os
import signal
import subprocess
import sys
import time

from mlgate.notebooks.forkserver import SUPPORTED, ForkServer
from mlgate.notebooks.kernels import Kernels, Warm

import pytest

pytestmark = pytest.mark.skipif(not SUPPORTED, reason="kernels are forked on Linux alone")


@pytest.fixture
def kernels(tmp_path):
    """What starts kernels in tmp_path, where each runs the codes of its own."""

    def start(*warm: Warm) -> Kernels:
        return Kernels(list(warm), tmp_path, dict(os.environ), tmp_path / "kernels.log")

    return start


def note(expression: str) -> str:
    """Code that adds the value of an expression to the file `noted`."""
    return f"import os, sys\nwith open('noted', 'a') as noted: print({expression}, file=noted)"


def parent_of(pid: int) -> int:
    return int(subprocess.check_output(["ps", "-o", "ppid=", "-p", str(pid)], text=True))


@pytest.fixture
def server(tmp_path):
    """What forks kernels in tmp_path."""
    with (tmp_path / "log").open("wb") as log:
        yield ForkServer(tmp_path, dict(os.environ), log)


def command(tmp_path) -> list[str]:
    """What starts a kernel."""
    return [sys.executable, "-m", "ipykernel_launcher", "-f", str(tmp_path / "connection.json")]


@pytest.mark.slow
def test_what_was_imported_once_is_there_in_every_kernel(kernels, tmp_path):
    imports = "import os, shelve; os.environ['IMPORTED_BY'] = str(os.getpid())"
    own = note("'shelve' in sys.modules, os.environ['IMPORTED_BY'] == str(os.getppid())")
    with kernels(Warm(imports, own), Warm("", own)) as started:
        both = started.next(), started.next()
        assert {parent_of(kernel.process.pid) for kernel in both} == {started.server.process.pid}
    assert (tmp_path / "noted").read_text() == "True True\n" * 2


@pytest.mark.slow
def test_what_one_kernel_does_no_other_sees(kernels, tmp_path):
    with kernels(Warm("import shelve", "import shelve; shelve.changed = 1")) as started:
        started.next()
        started.warm.append(Warm("", note("hasattr(sys.modules['shelve'], 'changed')")))
        started.next()
    assert (tmp_path / "noted").read_text() == "False\n"


@pytest.mark.slow
@pytest.mark.parametrize("spoils", ["import threading\nthreading.Timer(60, print).start()", "import os\nos.abort()"])
def test_where_nothing_can_be_forked_each_kernel_starts_by_itself(kernels, tmp_path, spoils):
    only_once = f"import os\nif not os.path.exists('spoilt'):\n    open('spoilt', 'w').close()\n    exec({spoils!r})"
    with kernels(Warm(only_once, note("os.getpid()"))) as started:
        kernel = started.next()
        assert parent_of(kernel.process.pid) == os.getpid()
        assert (tmp_path / "noted").read_text() == f"{kernel.process.pid}\n"


@pytest.mark.slow
def test_an_import_that_ends_the_server_ends_no_kernel_that_runs(kernels, tmp_path):
    with kernels(Warm("import sys\nsys.exit()")) as started:
        first = started.next()
        assert parent_of(first.process.pid) == started.server.process.pid
        started.warm.append(Warm("import os\nos.abort()"))
        started.next()
        assert started.server.process.wait(10) == -signal.SIGABRT
        time.sleep(2)  # ipykernel looks after its parent once a second
        assert first.process.poll() is None
    assert first.process.wait(10) == 0


@pytest.mark.slow
def test_what_an_import_prints_is_no_answer_and_what_reads_gets_nothing(kernels, tmp_path):
    with kernels(Warm("print(1)\n__import__('os').system('echo 2')", note("sys.stdin.read()"))) as started:
        assert parent_of(started.next().process.pid) == started.server.process.pid
    assert (tmp_path / "noted").read_text() == "\n"
    assert (tmp_path / "kernels.log").read_text().split() == ["1", "2"]


@pytest.mark.slow
def test_no_file_of_the_folder_stands_in_for_a_library_where_kernels_are_forked(kernels, tmp_path):
    for name in ("json", "ipykernel", "shelve"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit")
    with kernels(Warm("import shelve", "import sys")) as started:
        assert parent_of(started.next().process.pid) == started.server.process.pid


@pytest.mark.slow
def test_a_forked_process_is_waited_for_and_ended_like_any_other(server, tmp_path):
    kernel = server.fork("", command(tmp_path), {})
    assert kernel.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        kernel.wait(0)
    kernel.send_signal(signal.SIGTERM)
    assert kernel.wait(10) == 0
    assert kernel.poll() == 0
    kernel.kill()  # it is gone: nobody else is hit
    other = server.fork("", command(tmp_path), {})
    server.end()
    assert other.wait(10) == 0


@pytest.mark.slow
def test_it_ends_though_it_hears_no_signal_and_forks_no_more(server, tmp_path):
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    kernel = server.fork(deaf, command(tmp_path), {})
    server.end()
    assert kernel.wait(5) == 0
    with pytest.raises(OSError, match=r"is over|is gone"):
        server.fork("", command(tmp_path), {})
