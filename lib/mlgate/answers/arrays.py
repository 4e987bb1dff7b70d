"""Answers in memory: lists, numpy arrays or columns of a data frame."""

import hashlib
from collections.abc import Iterable

from mlgate.answers import right
from mlgate.answers.columns import Columns
from mlgate.answers.reading import counting
from mlgate.corpus import files
from mlgate.errors import MlgateError
from mlgate.root import Metric
from mlgate.scorecard import Scorecard

import pyarrow as pa

NAMES = ("production", "candidate")


def score_arrays(
    labels: Iterable[object] | None,
    production: Iterable[object],
    candidate: Iterable[object],
    slices: Iterable[object] | None = None,
    clusters: Iterable[object] | None = None,
    metric: Metric = "accuracy",
    positive: str | None = None,
) -> Scorecard:
    """Return the scorecard of two models' answers beside the labels: (n,) each, texts, numbers or booleans.

    labels: None where the answers say only whether they are right. None and NaN are missing: the candidate's fault.
    Raises MlgateError where they are of unequal length, or a label or an answer of production's is missing.
    """
    named = {"production": production, "candidate": candidate}
    if labels is not None:
        named = {"labels": labels, **named}
    others = {name: values for name, values in (("slices", slices), ("clusters", clusters)) if values is not None}
    named |= others
    for name, values in named.items():
        dimensions = getattr(values, "ndim", 1)
        if dimensions != 1:
            raise MlgateError(f"{name} must be (n,), one value for each row, not an array of {dimensions} dimensions.")
    texts = {name: [_text(value) for value in values] for name, values in named.items()}
    _require_whole(texts)
    label = "labels" if labels is not None else right.LABEL
    parts = [name if name in others else None for name in ("slices", "clusters")]
    columns = Columns(label, *NAMES, *parts)
    counted = counting(columns, metric, positive)
    batch = pa.RecordBatch.from_pydict({name: pa.array(values, pa.string()) for name, values in texts.items()})
    counted.add(batch.select(columns.names), "the given arrays")
    rows = zip(*texts.values(), strict=True)
    digest = hashlib.sha256("\n".join("\x00".join(value or "" for value in row) for row in rows).encode()).hexdigest()
    counted.parts.append(("the given arrays", batch.num_rows, digest))
    return counted.scorecard()


def _text(value: object) -> str | None:
    """Return a value as a file would hold it, None where it is missing."""
    if value is None or value != value:  # not a number is not equal to itself
        return None
    return str(value)[: files.MOST_NAME + 1]


def _require_whole(texts: dict[str, list[str | None]]) -> None:
    counts = {name: len(values) for name, values in texts.items()}
    if len(set(counts.values())) > 1:
        said = ", ".join(f"{count:,} {name}" for name, count in counts.items())
        raise MlgateError(f"Labels and answers are of unequal length: {said}. Give one of each for each row.")
    for name in ("labels", "production", "clusters"):
        for number, value in enumerate(texts.get(name, [])):
            if value is None or not value.strip():
                raise MlgateError(f"{name}[{number}] is missing. Fill it in, or leave the row out.")
