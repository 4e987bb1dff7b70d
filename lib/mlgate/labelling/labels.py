"""The labels of a session: one file, only ever added to, each line chained to the one before.

A line is written whole and synced before it counts: whoever is killed loses at most the label being typed.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from mlgate.errors import MlgateError
from mlgate.root import read_file, reason_of
from mlgate.root.shapes import misfit

UNSURE = "unsure"
NONE = "none of these"
NAME = re.compile(r"[^\x00-\x1f\x7f]{1,80}")


class Line(TypedDict):
    """A label: of which row, by whom. mark: "class" where the label names one, or "unsure", "none of these", "undo"."""

    id: str
    label: str
    mark: str
    annotator: str
    time: str
    seconds: float | None
    before: str


@dataclass(frozen=True)
class Label:
    """What somebody said of a row. name: the class, or None where they were unsure or no class fits (none)."""

    id: str
    annotator: str
    name: str | None
    none: bool = False


def read(path: Path, start: str) -> list[Line]:
    """Return the lines of a file, the chain verified. start: what the first follows.

    A last line that is not complete was being written when somebody was killed: it does not count. Raises MlgateError
    naming a line that was changed, put in or taken out.
    """
    try:
        data = read_file(path)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise MlgateError(f"{path} cannot be read: {reason_of(error)}.") from error
    lines: list[Line] = []
    before = start
    for number, text in enumerate(data.split(b"\n")[:-1], 1):
        line, before = _verified(text, before, f"{path}, line {number}")
        lines.append(line)
    return lines


def _verified(text: bytes, before: str, where: str) -> tuple[Line, str]:
    """Return a line and its digest. Raises MlgateError where it is not the one that was written there."""
    advice = "Labels are only ever added: bring the file back."
    try:
        line = json.loads(text)
        digest = line.pop("sha256")
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
        raise MlgateError(f"{where}: it cannot be read. {advice}") from error
    if line.get("before") != before:
        raise MlgateError(f"{where}: it does not follow the line before it. {advice}")
    if _digest(line) != digest:
        raise MlgateError(f"{where}: it was changed after it was written. {advice}")
    if wrong := misfit(line, Line):
        raise MlgateError(f"{where}: {wrong}. {advice}")
    return line, digest


def add(path: Path, start: str, facts: Sequence[dict[str, Any]]) -> None:
    """Add lines, all or none of them. The caller holds the lock, and has made sure that they may be added."""
    before = start
    size = 0
    if path.is_file():
        data = read_file(path)
        size = data.rfind(b"\n") + 1  # what follows was being written when somebody was killed
        if size:
            before = json.loads(data[:size].splitlines()[-1])["sha256"]
    block = b""
    for each in facts:
        line = {**each, "before": before}
        before = _digest(line)
        block += json.dumps({**line, "sha256": before}).encode() + b"\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(path, "r+b" if path.is_file() else "wb") as file:
            file.truncate(size)
            file.seek(size)
            file.write(block)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise MlgateError(f"{path} cannot be written: {reason_of(error)}. Fix that, and label on.") from error


def standing(lines: Iterable[Line]) -> dict[str, list[Label]]:
    """Return the labels that stand, of each row in the order in which they came: undone ones are gone."""
    found: dict[str, list[Label]] = {}
    for line in lines:
        own = found.setdefault(line["id"], [])
        if line["mark"] == "undo":
            own[:] = [label for label in own if label.annotator != line["annotator"]]
            continue
        name = line["label"] if line["mark"] == "class" else None
        own.append(Label(line["id"], line["annotator"], name, line["mark"] == NONE))
    return {id: own for id, own in found.items() if own}


def require_name(annotator: str) -> str:
    """Return the name of an annotator. Raises MlgateError where it is none."""
    if not NAME.fullmatch(annotator):
        raise MlgateError(
            f"{annotator!r:.60} is no name for an annotator: letters, digits, . @ - _, at most 40 of them."
        )
    return annotator


def _digest(line: Any) -> str:
    return hashlib.sha256(json.dumps(line, sort_keys=True).encode()).hexdigest()
