"""The same arithmetic everywhere, so that training twice gives the same bytes: one thread of BLAS, one kind of core.

What trains or opens models imports this before numpy, which reads these once; `import mlgate` and `mlgate.judge` do
not: they change nothing in a process that is not ours. Where numpy is loaded already it would come too late, and does
nothing.
"""

import os
import platform
import sys

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
CORE = "OPENBLAS_CORETYPE"


def arithmetic() -> dict[str, str]:
    """Return the environment that pins it."""
    pinned = dict.fromkeys(THREADS, "1")
    if platform.machine().lower() in ("x86_64", "amd64"):
        pinned[CORE] = "HASWELL"
    return pinned


def pin() -> None:
    """Pin the arithmetic of this process and of those it starts, where nobody has chosen otherwise."""
    if "numpy" in sys.modules:
        return
    for name, value in arithmetic().items():
        os.environ.setdefault(name, value)


pin()
