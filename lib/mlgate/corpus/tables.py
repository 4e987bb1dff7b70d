"""Labelled rows of a table: columns of numbers and words, for models that were fitted on such."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from mlgate.corpus import files, parquet
from mlgate.corpus.corpus import NO_SLICE, Batch, Rows, Source, require_filled
from mlgate.corpus.table import Table
from mlgate.errors import MlgateError

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MISSING = (  # what pandas.read_csv takes for a missing value
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>"),
    *("N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
)


def table_in(source: Source, fitted_on: list[str] | None = None, answers: Iterable[str] = ()) -> Rows:
    """Return a file's rows to judge on, with a table in the place of texts.

    fitted_on: the columns that the models name, of which those are read that the file has; None where a model names
    none: then all but the labels and slices. source.features names others. answers: further columns.
    Columns of numbers are handed over as numbers: as the file says where it is Parquet, else where all values are, as
    pandas reads them. Raises MlgateError as `rows_in` does.
    """
    found = files.names(source.file)
    features = list(source.features or [name for name in found if name in _others(source, found, fitted_on)])
    if not features:
        raise MlgateError(
            f"{source.path} has no columns beside the labels that a model could read. Name the right file."
        )
    if source.label_column in features:
        raise MlgateError(f"The column {source.label_column!r} holds the labels: no model may read it. Leave it out.")
    features = list(dict.fromkeys([*features, *answers]))
    names = [source.label_column, *([source.slice_column] if source.slice_column else [])]

    def batches() -> Iterator[Batch]:
        kinds = _kinds(source.file, features)
        count = 0
        for batch in _read(source.file, features, names):
            labels = batch.column(source.label_column).to_pylist()
            require_filled(source.file, source.label_column, labels, count)
            slices = [NO_SLICE] * len(labels)
            if source.slice_column:
                slices = [value or "(empty)" for value in batch.column(source.slice_column).to_pylist()]
            count += len(labels)
            table = Table({name: _array(batch.column(name), kinds[name]) for name in features})
            yield Batch([], labels, slices, table)
        if not count:
            raise MlgateError(f"{source.path} has a header but no rows. Give it rows.")

    return Rows(source.file.name, files.digest(source.file), batches)


def _others(source: Source, found: list[str], fitted_on: list[str] | None) -> set[str]:
    if fitted_on is None:
        return set(found) - {source.label_column, source.slice_column}
    return set(fitted_on) - {source.label_column}


def _read(path: Path, features: list[str], others: Iterable[str] = ()) -> Iterator[pa.RecordBatch]:
    """Return these columns as text, in batches, what is missing as null."""
    written = files.kind_of(path) in (".csv", ".tsv")
    missing = pa.array(MISSING)
    for batch in files.read(path, [*features, *others], texts=features):
        if written:  # no other kind of file has to write something for nothing
            for name in features:
                column = batch.column(name)
                filled = pc.if_else(pc.is_in(pc.utf8_trim_whitespace(column), missing), None, column)
                batch = batch.set_column(batch.schema.get_field_index(name), name, filled)
        yield batch


def _kinds(path: Path, features: list[str]) -> dict[str, pa.DataType]:
    """Return what each column holds: as Parquet says, else found out by reading the file once."""
    if files.kind_of(path) == ".parquet":
        return parquet.kinds(path, features)
    left = {name: [pa.bool_(), pa.int64(), pa.float64()] for name in features}
    for batch in _read(path, features):
        for name in features:
            left[name] = [kind for kind in left[name] if _fits(batch.column(name), kind)]
    return {name: next(iter(kinds), pa.string()) for name, kinds in left.items()}


def _fits(words: pa.Array, kind: pa.DataType) -> bool:
    """Return whether all values of a column are of a kind. Where one is missing, whole numbers are not: it is NaN."""
    if kind == pa.bool_():
        return pc.all(pc.is_in(words, pa.array(["True", "False"]))).as_py()
    if kind == pa.int64() and words.null_count:
        return False
    try:
        pc.cast(pc.utf8_trim_whitespace(words), kind)
    except pa.ArrowInvalid:
        return False
    return True


def _array(words: pa.Array, kind: pa.DataType) -> np.ndarray:
    """Return a column (n,) of texts as an array of what it holds."""
    if pa.types.is_integer(kind) and words.null_count:
        kind = pa.float64()
    if pa.types.is_decimal(kind) or kind == pa.float16():
        kind = pa.float64()
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return pc.cast(pc.utf8_trim_whitespace(words), kind).to_numpy(zero_copy_only=False)
    values = words.to_pylist()
    if kind == pa.bool_():
        values = [None if value is None else value == "True" for value in values]
    if kind == pa.bool_() and not words.null_count:
        return np.array(values)
    filled = np.array(values, dtype=object)
    filled[words.is_null().to_numpy(zero_copy_only=False)] = np.nan
    return filled
