"""A service that stops when the process that started it ends, however that ends, and leaves nothing behind.

`python -m mlgate.teaching.child_service FOLDER` serves that root at a free port of this machine, as `mlgate serve`
does, for as long as its standard input stays open. Then it stops, and removes the folder if it is a classroom's.
"""

import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

from mlgate.root import Root

PREFIX = "mlgate-classroom-"


def main(folder: str) -> int:
    """Serve, and clear up behind a starter that could not do so itself. Returns the exit status."""
    from mlgate import service  # here, because a classroom only asks for its folder's PREFIX

    root = Root(Path(folder))
    abandoned = threading.Event()
    threading.Thread(target=_watch, args=(abandoned,), daemon=True).start()
    try:
        return service.serve(root, "127.0.0.1", 0)
    finally:
        if abandoned.is_set() and is_temporary(root.path):
            shutil.rmtree(root.path, ignore_errors=True)


def is_temporary(folder: Path) -> bool:
    """Say whether this is the folder of a classroom."""
    return folder.name.startswith(PREFIX) and folder.parent == Path(tempfile.gettempdir()).resolve()


def _watch(abandoned: threading.Event) -> None:
    """Wait until nobody holds the other end of standard input any more, then have the service stop."""
    while os.read(0, 1):  # not sys.stdin: a thread that holds its lock would keep Python from ending
        pass
    abandoned.set()
    while True:  # until it has got that far that it listens to this
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
