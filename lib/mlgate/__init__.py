"""A CI/CD gate for machine-learning models: judge a retrained model, promote only the better one."""

import importlib
from typing import Any

from mlgate import moved  # noqa: F401

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import `mlgate.judge` when it is wanted: `mlgate record` runs where nothing is installed."""
    if name != "judge":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module("mlgate.judge_files").judge_arrays
