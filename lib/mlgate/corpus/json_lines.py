"""Read columns of JSON lines as text: an object a line, as most tools around language models write them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from mlgate.errors import MlgateError

import pyarrow as pa

MOST_LINE = 2 << 20  # bytes, as of a row of CSV
PART = 2 << 20  # bytes of lines a batch
Row = dict[str, Any]


def names(path: Path, file: BinaryIO) -> list[str]:
    """Return the keys of the first line. Raises MlgateError where there is none."""
    for _, row in _rows(path, file):
        return list(row)
    raise MlgateError(f"{path} is empty. Give it rows.")


def batches(path: Path, file: BinaryIO, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Return these keys of all lines, as text; a missing one is null. Raises MlgateError where a value is a list."""
    rows: list[list[str | None]] = []
    start = 0
    for number, row in _rows(path, file):
        rows.append([_text(path, number, name, row.get(name)) for name in columns])
        if file.tell() - start > PART:
            yield _batch(rows, columns)
            rows = []
            start = file.tell()
    if rows:
        yield _batch(rows, columns)


def _rows(path: Path, file: BinaryIO) -> Iterator[tuple[int, Row]]:
    number = 0
    while line := file.readline(MOST_LINE + 1):
        number += 1
        if len(line) > MOST_LINE:
            raise MlgateError(f"{path}, line {number}: it is longer than {MOST_LINE >> 20} MB. Shorten it.")
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            if isinstance(error, UnicodeError):
                raise
            raise MlgateError(f"{path}, line {number}: it is not JSON. Mend that line.") from error
        if not isinstance(row, dict):
            raise MlgateError(f'{path}, line {number}: it is no object. Write {{"label": …}} for each row.')
        yield number, row


def _text(path: Path, number: int, name: str, value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):  # as Python writes them, and as a model's classes read
        return None if value != value else str(value)
    raise MlgateError(f"{path}, line {number}: {name!r} holds neither text nor a number. Name another key.")


def _batch(rows: list[list[str | None]], columns: list[str]) -> pa.RecordBatch:
    arrays = [pa.array(values, pa.string()) for values in zip(*rows, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, names=columns)
