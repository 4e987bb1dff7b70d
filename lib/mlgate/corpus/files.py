"""Read columns of a CSV or Parquet file as text, a batch at a time, so that memory does not grow with the file."""

import codecs
import csv
import hashlib
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

from mlgate.corpus import parquet
from mlgate.errors import MlgateError

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

BLOCK = 2 << 20  # bytes of CSV a batch: no single row may be longer, and Arrow reads up to 32 of them ahead
MOST_HEADER = 1 << 16
MOST_NAME = 1_000  # characters of a label, an answer or a slice
MOST_NAMES_SHOWN = 20


def digest(path: Path) -> str:
    """Return the sha256 of the file's bytes in hexadecimal, as `sha256sum` prints it."""
    if path.exists() and not path.is_file() and not path.is_dir():  # a pipe or a device may have no end
        raise MlgateError(f"{path} is no file, but a pipe or a device. Put a file there.")
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise MlgateError(f"There is no file {path}. Check the path.") from error
    except OSError as error:
        raise MlgateError(f"{path} cannot be read: {error.strerror}.") from error


def read(
    path: Path, columns: Iterable[str], texts: Iterable[str] = (), cut: Iterable[str] = ()
) -> Iterator[pa.RecordBatch]:
    """Return the named columns, all as text, in batches of some thousand rows.

    Integers become "1", booleans "True"; a missing value is null in Parquet and "" in CSV. Columns hold names, of at
    most MOST_NAME characters, but for those in `texts`. A longer one in `cut` is cut, to one character more than a name
    has. Raises MlgateError with one line that says what to do: no such file or column, not CSV or Parquet, not UTF-8,
    rows of unequal length, a longer name, a value or a file that is too large unfolded.
    """
    path, columns = Path(path), list(dict.fromkeys(columns))
    reader = {".csv": _csv, ".parquet": _parquet}.get(path.suffix.lower())
    if reader is None:
        raise MlgateError(f"{path} is neither .csv nor .parquet. Convert it to one of the two.")
    if not path.is_file():
        raise MlgateError(f"There is no file {path}. Check the path.")
    before = 0
    try:
        for batch in reader(path, columns):
            names = [name for name in columns if name not in texts]
            yield _with_short_names(path, batch, names, cut, before)
            before += batch.num_rows
    except (pa.ArrowException, OSError, UnicodeDecodeError, csv.Error) as error:
        raise MlgateError(f"{path} cannot be read: {_reason(error)}") from error


def names(path: Path) -> list[str]:
    """Return the names of a file's columns. Raises MlgateError, as `read` does, where it cannot be used."""
    reader = {".csv": _csv_header, ".parquet": parquet.names}.get(path.suffix.lower())
    if reader is None or not path.is_file():
        next(read(path, []), None)  # says why
        return []
    try:
        return reader(path)
    except (pa.ArrowException, OSError, UnicodeDecodeError, csv.Error) as error:
        raise MlgateError(f"{path} cannot be read: {_reason(error)}") from error


def _with_short_names(
    path: Path, batch: pa.RecordBatch, names: list[str], cut: Iterable[str], before: int
) -> pa.RecordBatch:
    """Return the batch with what is in `cut` cut. Raises MlgateError naming the first other name that is too long."""
    for place, name in enumerate(batch.schema.names):
        values = batch.column(place)
        lengths = pc.utf8_length(values)
        if name not in names or (pc.max(lengths).as_py() or 0) <= MOST_NAME:
            continue
        if name not in cut:
            long = pc.index(pc.greater(lengths, MOST_NAME), True).as_py()
            raise MlgateError(
                f"{path}, row {before + long + 1}: column {name!r} has more than {MOST_NAME:,} characters, too many for"
                " a label, an answer or a slice. Name another column, or shorten the value."
            )
        batch = batch.set_column(place, name, pc.utf8_slice_codeunits(values, 0, MOST_NAME + 1))
    return batch


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
        head = file.read(MOST_HEADER)
        more = bool(file.read(1))
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    rows = csv.reader(io.StringIO(decoder.decode(head, final=not more), newline=""))
    header = next((row for row in rows if len(row) > 1 or any(name.strip() for name in row)), [])
    if more and next(rows, None) is None:
        raise MlgateError(
            f"{path} has a header longer than {MOST_HEADER >> 10} kB; perhaps a quotation mark is never closed."
        )
    if not header:
        raise MlgateError(f"{path} is empty. Give it a header and rows.")
    return header


def _parquet(path: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    _require(path, parquet.names(path), columns)
    yield from parquet.batches(path, columns)


def _require(path: Path, found: list[str], columns: list[str]) -> None:
    missing = [name for name in columns if name not in found]
    if not missing:
        if twice := [name for name in columns if found.count(name) > 1]:
            raise MlgateError(f"{path} has more than one column {twice[0]!r}. Rename all but the right one.")
        return
    hint = ""
    if len(found) == 1 and any(mark in found[0] for mark in ";\t|"):
        hint = " (are its columns separated by commas?)"
    shown = ", ".join(f"{name!r:.80}" for name in found[:MOST_NAMES_SHOWN])
    if found[MOST_NAMES_SHOWN:]:
        shown += f" and {len(found) - MOST_NAMES_SHOWN:,} more"
    raise MlgateError(
        f"{path} has no column {missing[0]!r}; it has {shown}{hint}."
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
