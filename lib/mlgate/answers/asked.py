"""Models that are never loaded: each is asked where it is, by a command, over HTTP, or by a column of the rows."""

import contextlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from mlgate.corpus import files
from mlgate.errors import MlgateError

Row = dict[str, Any]  # the number of the row as "id", and its columns: texts, numbers, truth values, None where missing

ID = "id"


class Faulty(MlgateError):
    """A model did not answer as it should. The message is one line that says how."""


@dataclass
class Counters:
    """What asking took: requests, how many were made once more, and what the other side calls its model."""

    requests: int = 0
    retries: int = 0
    versions: set[str] = field(default_factory=set)


class Asked(Protocol):
    """A model that answers rows."""

    counters: Counters

    @property
    def place(self) -> str:
        """Where it is, in words for people."""

    def answer(self, rows: Sequence[Row]) -> list[str]:
        """Return one answer for each row. Raises Faulty where there is none."""


@dataclass
class Column:
    """Answers that stand in the rows already."""

    name: str
    counters: Counters = field(default_factory=Counters)

    @property
    def place(self) -> str:
        return f"column {self.name}"

    def answer(self, rows: Sequence[Row]) -> list[str]:
        """Return what stands in the column. Raises Faulty where it is empty."""
        return [word(row[self.name]) for row in rows]


def plain(text: str, most: int = 200) -> str:
    """Return what a stranger wrote, fit for one line of a terminal."""
    return re.sub(r"[^ -~]+", " ", text).strip()[:most]


def word(value: object) -> str:
    """Return an answer as text. Raises Faulty where it is no class, but a list, nothing, or not a number."""
    if isinstance(value, float) and not math.isfinite(value):
        raise Faulty("an answer is no number (NaN or infinite)")
    if not isinstance(value, str | bool | int | float):
        raise Faulty(f"an answer is neither text nor a number: {plain(_shown(value), 60)}")
    text = str(value).encode(errors="replace").decode().strip()  # JSON may hold halves of letters
    if not text:
        raise Faulty("an answer is empty")
    return text[: files.MOST_NAME + 1]


def _shown(value: object) -> str:
    with contextlib.suppress(RecursionError):
        return json.dumps(value, default=str)
    return type(value).__name__
