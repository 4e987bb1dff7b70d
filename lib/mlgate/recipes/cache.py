"""A cache for trainings, switched on by MLGATE_CACHE=FOLDER: the same training is not done twice. CI does without.

What is the same: the rows in their order, the recipe with its source code, the severity, the versions, the arithmetic.
A cached model is read as any other: bytes against their digest, through the allow-list.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mlgate import artifacts
from mlgate.pinned import CORE, THREADS
from mlgate.root import write_atomically

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline


SHARED = "mlgate.recipes.recipes"
ARITHMETIC = (*THREADS, CORE)


def remember(train: Callable[[], Pipeline], function: Callable, rows: pd.DataFrame, severity: float) -> Pipeline:
    """Return train(), cached under its inputs."""
    folder, source = os.environ.get("MLGATE_CACHE"), _source(function)
    if not folder or not source:
        return train()
    path = Path(folder) / f"{key_of(function, source, rows, severity)}.pkl"
    if (cached := _read(path)) is not None:
        return cached
    pipeline = train()
    data = artifacts.dump(pipeline)
    write_atomically(path, data + artifacts.digest(data).encode())
    return pipeline


def key_of(function: Callable, source: str, rows: pd.DataFrame, severity: float) -> str:
    """Return a sha256 of all that decides what training gives."""
    facts = {
        "recipe": function.__qualname__,
        "source": source,
        "rows": digest_of(rows),
        "severity": severity,
        "versions": artifacts.versions(),
        "arithmetic": [platform.machine(), *map(os.environ.get, ARITHMETIC)],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def digest_of(rows: pd.DataFrame) -> str:
    """Return a sha256 of rows in their order, with all their columns."""
    table = hashlib.sha256()
    for column in rows.columns:
        table.update(json.dumps([column, rows[column].tolist()], default=str).encode())
    return table.hexdigest()


def _source(function: Callable) -> str | None:
    """Return the code of the recipe's whole module, and of this package's recipes: they share functions.

    None without a file, as in a notebook.
    """
    names = dict.fromkeys((function.__module__, SHARED))
    try:
        return "".join(inspect.getsource(sys.modules[name]) for name in names)
    except (KeyError, OSError, TypeError):
        return None


def _read(path: Path) -> Pipeline | None:
    """Return the pipeline in a file of the cache, or None where there is none, or it is not whole."""
    try:
        stored = path.read_bytes()
    except OSError:
        return None
    data = stored[:-64]
    if artifacts.digest(data).encode() != stored[-64:]:
        return None
    return artifacts.load(data).pipeline
