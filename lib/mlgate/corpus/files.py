"""Read columns of a CSV or Parquet file as text, a batch at a time, so that memory does not grow with the file."""

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

from mlgate.errors import MlgateError

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

BLOCK = 2 << 20  # bytes of CSV a batch: no single row may be longer, and Arrow reads up to 32 of them ahead
MOST_HEADER = 1 << 16


def digest(path: Path) -> str:
    """Return the sha256 of the file's bytes in hexadecimal, as `sha256sum` prints it."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise MlgateError(f"There is no file {path}. Check the path.") from error
    except OSError as error:
        raise MlgateError(f"{path} cannot be read: {error.strerror}.") from error


def read(path: Path, columns: Iterable[str]) -> Iterator[pa.RecordBatch]:
    """Return the named columns, all as text, in batches of some thousand rows.

    Integers become "1", booleans "True"; a missing value is null in Parquet and "" in CSV. Raises MlgateError with one
    line that says what to do: no such file or column, not CSV or Parquet, not UTF-8, rows of unequal length.
    """
    path, columns = Path(path), list(dict.fromkeys(columns))
    reader = {".csv": _csv, ".parquet": _parquet}.get(path.suffix.lower())
    if reader is None:
        raise MlgateError(f"{path} is neither .csv nor .parquet. Convert it to one of the two.")
    if not path.is_file():
        raise MlgateError(f"There is no file {path}. Check the path.")
    try:
        yield from reader(path, columns)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise MlgateError(f"{path} cannot be read: {_reason(error)}") from error


def _csv(path: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    _require(path, _csv_header(path), columns)
    yield from pa.csv.open_csv(
        path,
        read_options=pa.csv.ReadOptions(block_size=BLOCK),
        parse_options=pa.csv.ParseOptions(newlines_in_values=True),
        convert_options=pa.csv.ConvertOptions(
            include_columns=columns, column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False
        ),
    )


def _csv_header(path: Path) -> list[str]:
    """Return the column names: from the first rows alone, so that a wrong name is answered at once.

    With csv, not Arrow: Arrow's reader threads can crash a process that exits at once.
    """
    with open(path, "rb") as file:
        head = next((line for line in file if line.strip()), b"")
        while head.count(b'"') % 2 and len(head) < MOST_HEADER and (more := file.readline()):
            head += more  # a line break in a quoted name
    if not head.strip():
        raise MlgateError(f"{path} is empty. Give it a header and rows.")
    return next(csv.reader(io.StringIO(head.decode("utf-8-sig"), newline="")))


def _parquet(path: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    with pa.parquet.ParquetFile(path) as file:
        _require(path, file.schema_arrow.names, columns)
        for batch in file.iter_batches(batch_size=8192, columns=columns):
            arrays = [_text(batch.column(name)) for name in columns]
            yield pa.RecordBatch.from_arrays(arrays, names=columns)


def _text(values: pa.Array) -> pa.Array:
    if pa.types.is_boolean(values.type):  # as pandas writes them into a CSV, and as a model's classes read
        return pc.if_else(values, "True", "False")
    if pa.types.is_floating(values.type):  # not a number is what pandas makes of a missing value
        values = pc.if_else(pc.is_nan(values), None, values)
    return pc.cast(values, pa.string())


def _require(path: Path, found: list[str], columns: list[str]) -> None:
    missing = [name for name in columns if name not in found]
    if not missing:
        if twice := [name for name in columns if found.count(name) > 1]:
            raise MlgateError(f"{path} has more than one column {twice[0]!r}. Rename all but the right one.")
        return
    hint = ""
    if len(found) == 1 and any(mark in found[0] for mark in ";\t|"):
        hint = " (are its columns separated by commas?)"
    raise MlgateError(
        f"{path} has no column {missing[0]!r}; it has {', '.join(map(repr, found))}{hint}."
        " Name the right one, for example with --text-column or --label-column."
    )


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    if "UTF8" in text or "UTF-8" in text or isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text. Save it as UTF-8."
    if "Empty CSV" in text:
        return "it has a header but no rows. Give it rows."
    if "straddl" in text:
        return f"one row is longer than {BLOCK >> 20} MB; perhaps a quotation mark is never closed."
    if "Expected" in text and "columns" in text:
        return f"a row has more or fewer columns than the header ({text.split(': ', 1)[-1][:80]}). Mend that row."
    return text[:200]
