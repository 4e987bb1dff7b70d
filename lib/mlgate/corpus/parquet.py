"""Read columns of a Parquet file as text, in memory that its size pays for, whatever it says of itself."""

from collections.abc import Iterator
from pathlib import Path

from mlgate.errors import MlgateError

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

ROWS = 1 << 20  # read at a time: a row group has no more by default, and its texts are folded once for each reading
PART = 16 << 20  # bytes a batch, once its values are unfolded
MOST_ROWS = 8192  # a batch
MOST_VALUE = 2 << 20  # bytes: as long as a row of CSV may be
# A kilobyte of Parquet may say one value of a megabyte a million times. Honest files fold to a hundredth at most.
UNFOLDED = 1_000
SURELY = 64 << 20  # bytes that any file may unfold to


class Allowance:
    """The bytes that a file may unfold to, by its size."""

    def __init__(self, path: Path):
        self.path = path
        self.left = SURELY + UNFOLDED * path.stat().st_size

    def take(self, count: int) -> None:
        """Use some of it. Raises MlgateError where it is not enough."""
        self.left -= count
        if self.left < 0:
            raise MlgateError(
                f"{self.path} unfolds to more than {UNFOLDED:,} times its size: it repeats too much to be honest."
                " Write its rows into a CSV."
            )


def batches(path: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Return the named columns, which the file has, as text: at most PART bytes and one row a batch.

    Text is read folded (each value once, and where it stands), because a page of it may unfold to gigabytes. Raises
    MlgateError for columns that are neither text nor numbers, for a value or a file that is too large unfolded.
    """
    allowance = Allowance(path)
    for batch in _read(path, columns):
        for part in _parts(path, batch):
            unfolded = pa.RecordBatch.from_arrays([_text(column) for column in part.columns], names=columns)
            allowance.take(unfolded.nbytes)
            unfolded.validate(full=True)  # Arrow believes a file whose column says that it is UTF-8
            yield unfolded


def _read(path: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Return these columns as the file holds them, text folded."""
    with pa.parquet.ParquetFile(path) as file:
        kinds = [_kind(path, file.schema_arrow.field(name)) for name in columns]
        Allowance(path).take(_declared(file.metadata, columns))
    texts = [name for name, kind in zip(columns, kinds, strict=True) if _is_text(kind)]
    with pa.parquet.ParquetFile(path, read_dictionary=texts) as file:
        for batch in file.iter_batches(batch_size=ROWS, columns=columns):
            yield batch.select(columns)


def folded(path: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Return the named columns as text in up to ROWS rows a batch, each value once, and where it stands.

    Raises MlgateError as `batches` does.
    """
    allowance = Allowance(path)
    for batch in _read(path, columns):
        arrays = [_folded(path, name, column) for name, column in zip(columns, batch.columns, strict=True)]
        found = pa.RecordBatch.from_arrays(arrays, names=columns)
        allowance.take(found.nbytes)
        yield found


def _folded(path: Path, name: str, column: pa.Array) -> pa.DictionaryArray:
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    if _is_text(column.type.value_type):
        _lengths(path, name, column)
    words = _text(column.dictionary)
    words.validate(full=True)  # Arrow believes a file whose column says that it is UTF-8
    return pa.DictionaryArray.from_arrays(column.indices, words)


def names(path: Path) -> list[str]:
    """Return the names of all columns."""
    with pa.parquet.ParquetFile(path) as file:
        return file.schema_arrow.names


def kinds(path: Path, columns: list[str]) -> dict[str, pa.DataType]:
    """Return what these columns hold. Raises MlgateError where one holds neither text nor numbers."""
    with pa.parquet.ParquetFile(path) as file:
        return {name: _kind(path, file.schema_arrow.field(name)) for name in columns}


def _kind(path: Path, column: pa.Field) -> pa.DataType:
    """Return the type of a column's values. Raises MlgateError where they are neither text nor numbers."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_nested(kind) or pa.types.is_fixed_size_binary(kind) or isinstance(kind, pa.BaseExtensionType):
        raise MlgateError(
            f"{path}: column {column.name!r} holds {kind!s:.80}, neither text nor numbers. Name another column, or"
            " write its values as text."
        )
    return kind


def _is_text(kind: pa.DataType) -> bool:
    return any(is_kind(kind) for is_kind in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary))


def _declared(metadata: pa.parquet.FileMetaData, columns: list[str]) -> int:
    """Return the bytes that these columns say they have, before a page of them is decompressed."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    chunks = [group.column(place) for group in groups for place in range(group.num_columns)]
    return sum(chunk.total_uncompressed_size for chunk in chunks if chunk.path_in_schema in columns)


def _parts(path: Path, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Cut a batch whose values are folded into parts that fit into memory unfolded."""
    sizes = np.full(batch.num_rows, PART // MOST_ROWS, dtype=np.int64)
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if pa.types.is_dictionary(column.type) and _is_text(column.type.value_type):
            sizes += _sizes(path, name, column)
    starts = np.flatnonzero(np.diff(np.cumsum(sizes) // PART, prepend=-1)).tolist()
    for start, end in zip(starts, [*starts[1:], batch.num_rows], strict=True):
        yield batch.slice(start, end - start)


def _lengths(path: Path, name: str, column: pa.DictionaryArray) -> pa.Array:
    """Return the bytes of each value. Raises MlgateError where one is longer than a row of CSV may be."""
    sizes = pc.fill_null(pc.binary_length(column.dictionary), 0)
    if (pc.max(sizes).as_py() or 0) > MOST_VALUE:
        raise MlgateError(f"{path}: a value in column {name!r} is longer than {MOST_VALUE >> 20} MB. Shorten it.")
    return sizes


def _sizes(path: Path, name: str, column: pa.DictionaryArray) -> np.ndarray:
    """Return the bytes of each row's value (n,). Raises MlgateError as `_lengths` does."""
    sizes = _lengths(path, name, column)
    return pc.fill_null(sizes.take(column.indices), 0).to_numpy(zero_copy_only=False)


def _text(values: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(values.type):
        return _text(values.dictionary.take(values.indices))
    if pa.types.is_boolean(values.type):  # as pandas writes them into a CSV, and as a model's classes read
        return pc.if_else(values, "True", "False")
    if pa.types.is_floating(values.type):  # not a number is what pandas makes of a missing value
        values = pc.if_else(pc.is_nan(values), None, values)
    return pc.cast(values, pa.string())
