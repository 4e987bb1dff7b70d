"""Ask two models that are never loaded the same rows, and reduce their answers to a scorecard."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from mlgate.answers.asked import ID, Asked, Column, Faulty, Row, plain
from mlgate.answers.columns import MAX_CLASSES, Columns
from mlgate.answers.reading import counting
from mlgate.corpus import Source, Table, table_in
from mlgate.errors import MlgateError
from mlgate.root import MEASURED, Metric
from mlgate.scorecard import Facts, Scorecard

import pyarrow as pa

AGAIN = 100  # rows that are asked twice
NAMES = ("production's answers", "the candidate's answers")


@dataclass
class Report:
    """What asking a model was like. changed: of `again` rows, how many it answered otherwise when asked once more."""

    place: str
    requests: int
    retries: int
    versions: str
    again: int
    changed: int

    @property
    def words(self) -> str:
        """All of it in one line."""
        if not self.requests:
            return f"{self.place}: these answers stand in the rows"
        said = f"{self.place}: {self.requests:,} requests, {self.retries:,} of them made again"
        if self.versions:
            said += f", answered by {self.versions}"
        return f"{said}; {self.changed:,} of {self.again:,} rows answered otherwise when asked once more"


def score_asked(
    production: Asked,
    candidate: Asked,
    source: Source,
    metric: Metric = "accuracy",
    positive: str | None = None,
) -> tuple[Scorecard, Report, Report]:
    """Ask both models the same rows, a batch at a time; and some of them once more.

    A candidate that crashes, hangs or says something else is at fault, and is not asked any further. Raises MlgateError
    where the rows or production are at fault, or are not what the metric needs. positive: where answers are scores, the
    label whose probability they are.
    """
    numbers = metric in MEASURED
    of_production = _Side(production, numbers)
    of_candidate = _Side(candidate, numbers)
    slice_column = "slice" if source.slice_column else None
    counted = counting(Columns("label", *NAMES, slice_column), metric, positive)
    given = {asked.name for asked in (production, candidate) if isinstance(asked, Column)}
    rows = table_in(source, answers=given)
    for batch, inputs in _numbered(rows.batches()):
        answers = of_production.answer(inputs, given)
        if of_production.fault:
            raise MlgateError(f"Production is at fault: {of_production.fault}. Mend it, or the rows.")
        columns = {"label": batch.labels, NAMES[0]: answers, NAMES[1]: of_candidate.answer(inputs, given)}
        if slice_column:
            columns[slice_column] = batch.slices
        counted.add(pa.RecordBatch.from_pydict({name: pa.array(column) for name, column in columns.items()}), rows.name)
    counted.parts.append((rows.name, counted.seen.total(), rows.digest))
    card = counted.scorecard()
    facts = replace(of_candidate.facts, fault=of_candidate.fault or card.candidate.fault)
    return replace(card, production=of_production.facts, candidate=facts), of_production.report, of_candidate.report


class _Side:
    """A model that is being asked, why it can give no more answers, and which of them changed."""

    def __init__(self, asked: Asked, numbers: bool):
        self.asked = asked
        self.numbers = numbers
        self.fault: str | None = None
        self.seconds = 0.0
        self.known: set[str] = set()
        self.again: tuple[int, int] | None = None  # rows asked twice, and how many changed

    def answer(self, rows: list[Row], given: set[str]) -> list[str]:
        """Return the answers to some rows: none from the first fault on. given: columns of answers, not to be shown."""
        if not isinstance(self.asked, Column):
            rows = [{name: value for name, value in row.items() if name not in given} for row in rows]
        started = time.perf_counter()
        try:
            if self.fault:
                return [""] * len(rows)
            answers = self.asked.answer(rows)
            self.seconds += time.perf_counter() - started
            if self.again is None:
                few = rows[:AGAIN]
                changed = sum(one != two for one, two in zip(answers, self.asked.answer(few), strict=False))
                self.again = (len(few), changed)
            self.known.update(answers)
            if len(self.known) > MAX_CLASSES and not self.numbers:
                raise Faulty(f"it gave more than {MAX_CLASSES:,} different answers: they are no classes")
        except Faulty as error:
            self.fault = f"{plain(self.asked.place, 80)}: {error}"
            return [""] * len(rows)
        return answers

    @property
    def facts(self) -> Facts:
        return Facts(predict_seconds=self.seconds, fault=self.fault)

    @property
    def report(self) -> Report:
        counters = self.asked.counters
        versions = ", ".join(sorted(filter(None, counters.versions)))
        again, changed = self.again or (0, 0)
        return Report(plain(self.asked.place, 80), counters.requests, counters.retries, plain(versions), again, changed)


def _numbered(batches: Iterator[Any]) -> Iterator[tuple[Any, list[Row]]]:
    """Yield each batch with its rows as a model is given them: numbered from 1 over all batches."""
    before = 0
    for batch in batches:
        columns = {name: _plain_values(values) for name, values in _columns(batch.table).items()}
        names = list(columns)
        yield (
            batch,
            [
                {ID: number, **dict(zip(names, values, strict=True))}
                for number, values in enumerate(zip(*columns.values(), strict=True), before + 1)
            ],
        )
        before += len(batch.labels)


def _columns(table: Table) -> dict[str, Any]:
    return {name: values for name, values in table.columns.items() if name != ID}  # each row has a number of its own


def _plain_values(values: Any) -> list[Any]:
    return [None if isinstance(value, float) and math.isnan(value) else value for value in values.tolist()]
