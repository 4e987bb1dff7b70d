"""Counts in the place of rows: cards of parts that add up, and what any SQL engine counted.

A verdict needs to know how often each combination of slice, label and answers occurred, and nothing else. So parts may
be counted where they are, on as many machines as there are, and be judged as one.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict

from mlgate.answers.columns import Columns, place_of, require_no_gaps
from mlgate.answers.measured import Measured, MeasuredCard
from mlgate.answers.reading import count_files, counting
from mlgate.corpus import files
from mlgate.errors import MlgateError
from mlgate.root import DIALECT, MEASURED, Metric, read_file, reason_of, schema_of, to_json
from mlgate.root.shapes import misfit
from mlgate.scorecard import Scorecard

SCHEMA = "mlgate/card/1"
KEY = re.compile("[0-9a-f]{16}")


class Line(TypedDict):
    """How many rows have this combination. candidate: "" where it gave no answer. cluster: its key, if any."""

    slice: str
    label: str
    production: str
    candidate: str
    rows: int
    cluster: NotRequired[str]


class Part(TypedDict):
    """A file that was counted."""

    name: str
    rows: int
    digest: str


class CountCard(TypedDict):
    """What card.json holds. columns: the names of labels, production's and the candidate's answers, and slices."""

    schema: Literal["mlgate/card/1"]
    columns: list[str]
    counts: list[Line]
    parts: list[Part]
    cluster: NotRequired[str]
    measured: NotRequired[MeasuredCard]


def count(
    paths: Path | Iterable[Path], columns: Columns, metric: Metric = "accuracy", positive: str | None = None
) -> bytes:
    """Return the card of these files of answers, as JSON. Raises MlgateError as `score_answers` does.

    metric, positive: where answers are numbers, what they are to be judged by, and the label that scores are of.
    """
    counted = count_files(paths, columns, metric, positive)
    lines = [_line(key, rows, columns) for key, rows in sorted(counted.seen.items())]
    parts = [{"name": name, "rows": rows, "digest": digest} for name, rows, digest in counted.parts]
    card: dict[str, Any] = {"schema": SCHEMA, "columns": columns.counted, "counts": lines, "parts": parts}
    if columns.cluster:
        card["cluster"] = columns.cluster
    if isinstance(counted, Measured):
        card["measured"] = counted.card()
    return to_json(card)


def _line(key: Any, rows: int, columns: Columns) -> dict[str, Any]:
    where, *cell = key
    label, production, candidate = map(str, cell)
    line = {"slice": where, "label": label, "production": production, "candidate": candidate, "rows": rows}
    if columns.cluster:
        line["slice"], line["cluster"] = where
    return line


def score_cards(paths: Path | Iterable[Path], metric: Metric = "accuracy") -> Scorecard:
    """Return the scorecard of all the parts that these cards count.

    Raises MlgateError where one is no such card, or two of them count one file, or columns of other names, or something
    else than the metric needs.
    """
    names = files.listed([paths] if isinstance(paths, str | Path) else paths)
    cards = [_read(path) for path in names]
    columns = _columns(cards[0])
    measured = cards[0].get("measured")
    counted = counting(columns, metric, measured["positive"] if measured else None)
    for path, card in zip(names, cards, strict=True):
        if _columns(card) != columns:
            raise MlgateError(f"{path} counts other columns than {names[0]}. Count all parts in the same way.")
        _require_for(metric, path, card)
        try:
            counted.add_counts(_seen(card), card.get("measured"))
        except ValueError as error:
            raise MlgateError(f"{path} is no card of `mlgate count`: {error!s:.200}. Count its part again.") from error
        for part in card["parts"]:
            if part["digest"] in {digest for _, _, digest in counted.parts}:
                raise MlgateError(f"{path} counts {part['name']} once more: its rows would count twice.")
            counted.parts.append((part["name"], part["rows"], part["digest"]))
    return counted.scorecard()


def _seen(card: CountCard) -> Counter:
    seen: Counter = Counter()
    for line in card["counts"]:
        where: Any = line["slice"]
        if card.get("cluster"):
            where = (where, line["cluster"])
        seen[where, line["label"], line["production"], line["candidate"]] += line["rows"]
    return seen


def _require_for(metric: Metric, path: Path, card: CountCard) -> None:
    """Raise MlgateError where a card does not count what the metric needs."""
    measured = card.get("measured")
    if measured and measured["metric"] != metric:
        raise MlgateError(f"{path} was counted for {measured['metric']}. Judge it so: --metric {measured['metric']}.")
    if not measured and metric in MEASURED:
        raise MlgateError(
            f"{path} counts classes, and {metric} is of numbers. Count them so: mlgate count --metric {metric}."
        )


def _columns(card: CountCard) -> Columns:
    return replace(Columns(*card["columns"]), cluster=card.get("cluster"))


def _read(path: Path) -> CountCard:
    """Return a card. Raises MlgateError where it is none."""
    try:
        found: CountCard = json.loads(read_file(path))
        wrong = misfit(found, CountCard, "the card")
        if wrong or not 3 <= len(found["columns"]) <= 4 or any(line["rows"] < 1 for line in found["counts"]):
            raise ValueError(wrong or "its columns or counts are not those of a card")
        if found.get("cluster") and not all(KEY.fullmatch(line.get("cluster", "")) for line in found["counts"]):
            raise ValueError("a line has no cluster")
    except OSError as error:
        raise MlgateError(f"{path} cannot be read: {reason_of(error)}.") from error
    except (ValueError, RecursionError) as error:
        raise MlgateError(f"{path} is no card of `mlgate count`: {error!s:.200}. Count its part again.") from error
    return found


def score_counts(path: Path, columns: Columns, rows_column: str = "n", metric: Metric = "accuracy") -> Scorecard:
    """Return the scorecard of a file with a line for each combination that occurs, and how many rows have it.

    Raises MlgateError where a number of rows is none.
    """
    if metric in MEASURED:
        raise MlgateError(
            f"Lines with numbers of rows count classes, and {metric} is of numbers. Give the rows: --answers."
        )
    counted = counting(columns, metric)
    before = 0
    for batch in files.read(path, [*columns.names, rows_column], cut=[columns.candidate]):
        require_no_gaps(path, batch, columns.filled, before)
        seen: Counter = Counter()
        for number, row in enumerate(batch.to_pylist(), before + 1):
            key = (place_of(row, columns), row[columns.label], row[columns.production], row[columns.candidate] or "")
            seen[key] += _rows(path, number, row[rows_column])
        counted.add_counts(seen)
        before += batch.num_rows
    counted.parts.append((path.name, counted.seen.total(), files.digest(path)))
    return counted.scorecard()


def _rows(path: Path, number: int, words: str | None) -> int:
    whole = (words or "").removesuffix(".0")
    if not (whole.isascii() and whole.isdigit() and len(whole) < 19 and int(whole)):
        raise MlgateError(f"{path}, row {number}: {words!r:.40} is no number of rows. Write how many rows there are.")
    return int(whole)


def schema() -> dict[str, object]:
    """Return the JSON schema of card.json."""
    return {
        "$schema": DIALECT,
        "$id": "urn:mlgate:card:1",
        "title": "card.json of mlgate count",
        **schema_of(CountCard),
    }
