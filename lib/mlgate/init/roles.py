"""Look at the columns of a file: which holds the labels, which each model's answers, which are parts of the traffic."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from mlgate.corpus import files
from mlgate.errors import MlgateError

LOOKED_AT = 50_000  # rows, from the first on
MOST_SLICES = 12
ENOUGH = 100  # rows of each, or a guard could show nothing
NAMES = {  # what people call these columns, as a whole or as a word of the name: the first that is there is taken
    "label": ("label", "labels", "truth", "target", "expected", "gold", "actual", "y_true", "true", "y"),
    "production": ("production", "prod", "champion", "baseline", "current", "old", "a"),
    "candidate": ("candidate", "cand", "challenger", "proposed", "new", "b"),
    "text": ("text", "texts", "body", "message", "review", "sentence", "content", "document"),
}
HOLDS = {
    "label": "the labels",
    "production": "production's answers",
    "candidate": "the candidate's answers",
    "text": "the texts",
}
Named = dict[str, str | None]  # which column somebody said plays which part, None for one that is to be found


@dataclass(frozen=True)
class Roles:
    """Which column plays which part, and the values of the labels and of the slices that have rows enough."""

    columns: dict[str, str]
    slice: str | None
    classes: tuple[str, ...]
    slices: tuple[str, ...]


def roles_in(path: Path, parts: Iterable[str], named: Named, enough: int = ENOUGH) -> Roles:
    """Return which columns of a file play these parts (of NAMES), by what is named, else by what they are called.

    enough: so many rows of each of its values make a column a slice. Labels may also be found by their values: those of
    the answers. Raises MlgateError where a part is not clear, or the labels are none.
    """
    found = files.names(path)
    _require_there(path, found, named)
    taken = _taken(found, parts, named)
    counts = {name: _count(path, name) for name in [*taken.values(), *found]}
    if "label" not in taken and (name := _label(counts, set(taken.values()))):
        taken["label"] = name
    _require_clear(path, found, parts, taken)
    classes = counts[taken["label"]]
    if classes is None or len(classes) < 2:
        raise MlgateError(
            f"{path}: column {taken['label']!r} holds no classes: it has one value, or more than a thousand."
            " Name the right one with --label-column; numbers are judged without a policy: mlgate judge --metric mae."
        )
    where = named.get("slice") or _slice(counts, set(taken.values()), enough)
    slices: Counter = Counter()
    if where:
        slices = Counter({value: rows for value, rows in (_count(path, where) or {}).items() if rows >= enough})
    columns = {part: taken[part] for part in parts}
    return Roles(columns, where, tuple(_ordered(classes)), tuple(sorted(slices)))


def _require_there(path: Path, found: list[str], named: Named) -> None:
    for part, name in named.items():
        if name is not None and name not in found:
            shown = ", ".join(f"{each!r:.80}" for each in found[: files.MOST_NAMES_SHOWN])
            raise MlgateError(f"{path} has no column {name!r:.80}; it has {shown}. Name one with --{part}-column.")


def _taken(found: list[str], parts: Iterable[str], named: Named) -> dict[str, str]:
    """Return the column of each part that is named, or that says so by its own name."""
    taken: dict[str, str] = {}
    for part in parts:
        free = [name for name in found if name not in taken.values()]
        if name := named.get(part) or _called(part, free):
            taken[part] = name
    return taken


def _require_clear(path: Path, found: list[str], parts: Iterable[str], taken: dict[str, str]) -> None:
    """Raise MlgateError naming the first part that no column plays for sure."""
    for part in parts:
        if part not in taken:
            shown = ", ".join(f"{name!r:.80}" for name in found[: files.MOST_NAMES_SHOWN])
            raise MlgateError(
                f"{path}: which column holds {HOLDS[part]} does not follow from their names: {shown}. Say it with"
                f" --{part}-column."
            )


def _called(part: str, free: list[str]) -> str | None:
    """Return the column whose name says that it plays this part, if there is one."""
    for word in NAMES[part]:
        for name in free:
            if name.casefold() == word:
                return name
    for word in NAMES[part]:
        matching = [name for name in free if word in re.split(r"[^a-z0-9]+", name.casefold())]
        if len(matching) == 1:
            return matching[0]
    return None


def _label(counts: dict[str, Counter | None], answers: set[str]) -> str | None:
    """Return the one column that holds the same values as the answers, if there is one."""
    said = {value for name in answers for value in counts[name] or ()}
    alike = [name for name, values in counts.items() if name not in answers and values and set(values) == said]
    return alike[0] if len(alike) == 1 else None


def _count(path: Path, name: str) -> Counter | None:
    """Return how often each value of a column occurs in the first rows; None where they are too many, or no names."""
    values: Counter = Counter()
    try:
        for value in islice(_values(path, name), LOOKED_AT):
            values[value or ""] += 1
            if len(values) > 1_000:
                return None
    except MlgateError:  # lists, or longer than a name
        return None
    return values


def _values(path: Path, name: str) -> Iterator[str | None]:
    for batch in files.read(path, [name]):
        yield from batch.column(name).to_pylist()


def _slice(counts: dict[str, Counter | None], taken: set[str], enough: int) -> str | None:
    """Return the first other column that has a few values, each of them often."""
    for name, values in counts.items():
        if name not in taken and values and 2 <= len(values) <= MOST_SLICES and min(values.values()) >= enough:
            return name
    return None


def _ordered(values: Counter) -> list[str]:
    return [value or "(empty)" for value, _ in sorted(values.items(), key=lambda item: (-item[1], item[0]))]
