"""Replay: any file of rows through the watch, in its order, as if each were kept and each label came at once."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlgate import artifacts
from mlgate.artifacts import Model
from mlgate.corpus import files
from mlgate.errors import MlgateError
from mlgate.root import Root
from mlgate.watch import profile, tables
from mlgate.watch.lights import Lights
from mlgate.watch.settings import settings_of

import numpy as np


def replay(root: Root, path: Path, text_column: str = "text", label_column: str | None = None) -> dict[str, Any]:
    """Return watch JSON about the production model and the rows of a file. A light that went on stays on.

    label_column: by default "label", where the file has one. Raises MlgateError where there is no profile, or the file
    cannot be used.
    """
    model = artifacts.load_production(root)
    lights = Lights(profile.read(root, model.digest), settings_of(root), stays=math.inf)
    if label_column is None and "label" in files.names(path):
        label_column = "label"
    count = 0
    for texts, labels in _batches(path, text_column, label_column):
        found = _answered(model, texts, path)
        lights.add(found)
        count += len(texts)
        if labels:
            known = np.array([label != "" for label in labels])
            lights.label((found.labels != np.array(labels))[known])
    if not count:
        raise MlgateError(f"{path} has a header but no rows. Give it rows.")
    return lights.report()


def _batches(path: Path, text_column: str, label_column: str | None) -> Iterator[tuple[list[str], list[str]]]:
    columns = [text_column] if label_column is None else [text_column, label_column]
    for batch in files.read(path, columns, texts=[text_column]):
        texts = [text or "" for text in batch.column(text_column).to_pylist()]
        labels = []
        if label_column is not None:
            labels = [label or "" for label in batch.column(label_column).to_pylist()]
        yield texts, labels


def _answered(model: Model, texts: list[str], path: Path) -> tables.Answered:
    try:
        return tables.answered(model, texts)
    except Exception as error:
        raise MlgateError(f"Production cannot answer the rows of {path}: {artifacts.described(error)}") from error
