"""A CI/CD gate for machine-learning models: judge a retrained model, promote only the better one."""

import os
import platform

__version__ = "0.1.0"

# The same arithmetic everywhere, so that training twice gives the same bytes. OpenBLAS reads these once, when
# numpy is first imported: import mlgate before numpy.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
if platform.machine().lower() in ("x86_64", "amd64"):
    os.environ.setdefault("OPENBLAS_CORETYPE", "HASWELL")

from mlgate import moved  # noqa: E402, F401  after the arithmetic is pinned
