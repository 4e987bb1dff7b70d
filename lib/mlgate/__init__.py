"""A CI/CD gate for machine-learning models: judge a retrained model, promote only the better one."""

import importlib
import os
import platform
from typing import Any

__version__ = "0.1.0"

# The same arithmetic everywhere, so that training twice gives the same bytes. OpenBLAS reads these once, when
# numpy is first imported: import mlgate before numpy.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
if platform.machine().lower() in ("x86_64", "amd64"):
    os.environ.setdefault("OPENBLAS_CORETYPE", "HASWELL")

from mlgate import moved  # noqa: E402, F401  after the arithmetic is pinned


def __getattr__(name: str) -> Any:
    """Import `mlgate.judge` when it is wanted: `mlgate record` runs where nothing is installed."""
    if name != "judge":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module("mlgate.judge_files").judge_arrays
