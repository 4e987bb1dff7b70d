"""Read columns of a file of rows as text, a batch at a time, so that memory does not grow with the file."""

import codecs
import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from mlgate.corpus import json_lines, parquet
from mlgate.errors import MlgateError

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

BLOCK = 2 << 20  # bytes of CSV a batch: no single row may be longer, and Arrow reads up to 32 of them ahead
MOST_HEADER = 1 << 16
MOST_NAME = 1_000  # characters of a label, an answer or a slice
MOST_NAMES_SHOWN = 20
FAULTS = (pa.ArrowException, OSError, EOFError, zlib.error, UnicodeError, csv.Error)  # of whatever reads a file


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
    path: Path, columns: Iterable[str], texts: Iterable[str] = (), cut: Iterable[str] = (), folded: bool = False
) -> Iterator[pa.RecordBatch]:
    """Return the named columns, all as text, in batches of some thousand rows.

    Integers become "1", booleans "True"; a missing value is null in Parquet and "" in CSV. Columns hold names, of at
    most MOST_NAME characters, but for those in `texts`. A longer one in `cut` is cut, to one character more than a name
    has. folded: each value once in a batch, and where it stands. Raises MlgateError with one line that says what to do:
    no such file or column, of no such kind, not UTF-8, rows of unequal length, a longer name, a value or a file that is
    too large unfolded.
    """
    path, columns = Path(path), list(dict.fromkeys(columns))
    reader = READERS.get(kind_of(path))
    if folded and reader is _parquet:
        reader = parquet.folded
    if reader is None:
        raise MlgateError(f"{path} is none of .csv, .tsv, .jsonl and .parquet. Convert it to one of them.")
    if not path.is_file():
        raise MlgateError(f"There is no file {path}. Check the path.")
    allowance = parquet.Allowance(path)
    before = 0
    try:
        for batch in reader(path, columns):
            allowance.take(batch.nbytes)
            names = [name for name in columns if name not in texts]
            if folded and reader is not parquet.folded:
                arrays = [pc.dictionary_encode(column) for column in batch.columns]
                batch = pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)
            yield _with_short_names(path, batch, names, cut, before)
            before += batch.num_rows
    except FAULTS as error:
        raise MlgateError(f"{path} cannot be read: {_reason(error)}") from error


def listed(names: Iterable[Path]) -> list[Path]:
    """Return the files that people name: themselves, or all in a folder, or all that a pattern fits, in their order.

    Raises MlgateError where there is none, or one is named twice.
    """
    found = [path for name in names for path in _listed(Path(name))]
    for path in found:
        if found.count(path) > 1:
            raise MlgateError(f"{path} is named twice: its rows would count twice. Name it once.")
    return found


def _listed(name: Path) -> list[Path]:
    if name.is_dir():
        paths = sorted(path for path in name.iterdir() if kind_of(path) in READERS)
    elif any(sign in str(name) for sign in "*?[") and not name.exists():
        paths = sorted(Path(name.anchor).glob(str(name.relative_to(name.anchor))))
    else:
        return [name]
    if not paths:
        raise MlgateError(f"There is no file of rows in {name}. Check the path.")
    return paths


def kind_of(path: Path) -> str:
    """Return the suffix that says what a file is: ".csv" of rows.csv and of rows.csv.gz."""
    suffixes = path.suffixes
    if suffixes and suffixes[-1].lower() == ".gz" and kind_of(path.with_suffix("")) != ".parquet":
        return kind_of(path.with_suffix(""))
    return path.suffix.lower()


def _open(path: Path) -> BinaryIO:
    """Open a file, and unfold it on the way if it is folded by gzip."""
    if path.suffix.lower() == ".gz":
        return cast(BinaryIO, gzip.open(path))
    return open(path, "rb")


def names(path: Path) -> list[str]:
    """Return the names of a file's columns. Raises MlgateError, as `read` does, where it cannot be used."""
    reader = HEADERS.get(kind_of(path))
    if reader is None or not path.is_file():
        next(read(path, []), None)  # says why
        return []
    try:
        return reader(path)
    except FAULTS as error:
        raise MlgateError(f"{path} cannot be read: {_reason(error)}") from error


def _with_short_names(
    path: Path, batch: pa.RecordBatch, names: list[str], cut: Iterable[str], before: int
) -> pa.RecordBatch:
    """Return the batch with what is in `cut` cut. Raises MlgateError naming the first other name that is too long."""
    for place, name in enumerate(batch.schema.names):
        column = batch.column(place)
        folded = pa.types.is_dictionary(column.type)
        values = column.dictionary if folded else column
        if name not in names or (pc.max(pc.utf8_length(values)).as_py() or 0) <= MOST_NAME:
            continue
        if name not in cut:
            whole = values.take(column.indices) if folded else values
            long = pc.index(pc.greater(pc.utf8_length(whole), MOST_NAME), True).as_py()
            raise MlgateError(
                f"{path}, row {before + long + 1}: column {name!r} has more than {MOST_NAME:,} characters, too many for"
                " a label, an answer or a slice. Name another column, or shorten the value."
            )
        short = pc.utf8_slice_codeunits(values, 0, MOST_NAME + 1)
        if folded:
            short = pa.DictionaryArray.from_arrays(column.indices, short)
        batch = batch.set_column(place, name, short)
    return batch


def _csv(delimiter: str, path: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    _require(path, _csv_header(path, delimiter), columns)
    with _open(path) as file:
        yield from pa.csv.open_csv(
            file,
            read_options=pa.csv.ReadOptions(block_size=BLOCK),
            parse_options=pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pa.csv.ConvertOptions(
                include_columns=columns, column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False
            ),
        )


def _csv_header(path: Path, delimiter: str) -> list[str]:
    """Return the column names: from the first rows alone, so that a wrong name is answered at once.

    With csv, not Arrow: Arrow's reader threads can crash a process that exits at once.
    """
    with _open(path) as file:
        head = file.read(MOST_HEADER)
        more = bool(file.read(1))
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    rows = csv.reader(io.StringIO(decoder.decode(head, final=not more), newline=""), delimiter=delimiter)
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


def _json_lines(path: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    _require(path, _json_names(path), columns)
    with _open(path) as file:
        yield from json_lines.batches(path, file, columns)


def _json_names(path: Path) -> list[str]:
    with _open(path) as file:
        return json_lines.names(path, file)


HEADERS: dict[str, Callable[[Path], list[str]]] = {
    ".csv": partial(_csv_header, delimiter=","),
    ".jsonl": _json_names,
    ".ndjson": _json_names,
    ".parquet": parquet.names,
    ".tsv": partial(_csv_header, delimiter="\t"),
}
Reader = Callable[[Path, list[str]], Iterator[pa.RecordBatch]]
READERS: dict[str, Reader] = {
    ".csv": partial(_csv, ","),
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".parquet": _parquet,
    ".tsv": partial(_csv, "\t"),
}


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
    if "UTF8" in text or "UTF-8" in text or isinstance(error, UnicodeError):
        return "it is not UTF-8 text. Save it as UTF-8."
    if "Empty CSV" in text:
        return "it has a header but no rows. Give it rows."
    if "straddl" in text:
        return f"one row is longer than {BLOCK >> 20} MB; perhaps a quotation mark is never closed."
    if "Expected" in text and "columns" in text:
        return f"a row has more or fewer columns than the header ({text.split(': ', 1)[-1][:80]}). Mend that row."
    return text[:200]
