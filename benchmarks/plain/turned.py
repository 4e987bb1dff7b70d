"""The service of a root, which keeps rows as its gate.toml says, and then not, and so on: SIGUSR1 turns it.

Its process id stands in ROOT/pid. Usage: turned.py ROOT PORT
"""

import os
import signal
import sys
from pathlib import Path

from mlgate.root import Root
from mlgate.service.application import serve
from mlgate.watch.keeper import Keeper

keeps = True
offer = Keeper.offer


def offered(self, *request):
    return offer(self, *request) if keeps else None


def turn(*_) -> None:
    global keeps
    keeps = not keeps


Keeper.offer = offered
root = Path(sys.argv[1])
signal.signal(signal.SIGUSR1, turn)
(root / "pid").write_text(str(os.getpid()))
sys.exit(serve(Root(root), port=int(sys.argv[2])))
