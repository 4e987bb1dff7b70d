"""Answers that are numbers: estimates beside a number, or scores, the probability of one of two labels."""

from collections import Counter
from collections.abc import Callable
from typing import Any, NotRequired, TypedDict

from mlgate.answers.columns import Columns, place_of
from mlgate.answers.spelling import is_numeral, number
from mlgate.answers.tally import require_few_slices
from mlgate.errors import MlgateError
from mlgate.root import SCORED, Metric
from mlgate.scorecard import ExactSums, Facts, Losses, Scorecard, entries, placed

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MOST = 1e15  # of a number: the cube of its square is still one
BINS = 1_000  # of scores, evenly spaced in log odds
FAR = 18.0  # log odds beyond which scores share a bin: 1.5e-8 from 0 and 1
SURE = 1e-15  # scores nearer to 0 and 1 than that lose no more
YES = ("1", "true")  # labels of which a score is the probability, unless another one is named
NO = ("0", "false")

Loss = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _log_loss(truth: np.ndarray, score: np.ndarray) -> np.ndarray:
    right = np.where(truth == 1, score, 1 - score)
    return -np.log(np.clip(right, SURE, 1))


def _squared(truth: np.ndarray, answer: np.ndarray) -> np.ndarray:
    return (answer - truth) ** 2


LOSS: dict[str, Loss] = {
    "mae": lambda truth, answer: np.abs(answer - truth),
    "mse": _squared,
    "log_loss": _log_loss,
    "brier": _squared,
}


class SumsLine(TypedDict):
    """The sums of a slice, or of a cluster in it: whole numbers, in hexadecimal."""

    slice: str
    sums: list[str]
    cluster: NotRequired[str]


class MeasuredCard(TypedDict):
    """What a card holds besides counts, where answers are numbers."""

    metric: str
    positive: str | None
    labels: list[str]
    fault: str | None
    sums: list[SumsLine]


class Measured:
    """Adds up what two models lose, or how often which scores occur, a batch at a time.

    metric: one of those in LOSS, or auc. positive: the label whose probability the scores are. Raises MlgateError where
    labels or production's answers are no numbers, or no probabilities; where the candidate's are not, it is at fault.
    """

    def __init__(self, columns: Columns, metric: Metric, positive: str | None = None):
        self.columns = columns
        self.metric = metric
        self.positive = positive
        if positive is not None and is_numeral(positive):
            self.positive = number(positive)
        self.parts: list[tuple[str, int, str]] = []
        self.sums = ExactSums()
        self.seen: Counter = Counter()
        self.labels: set[str] = set()
        self.ids: set[str] = set()
        self.fault: str | None = None

    def add(self, batch: pa.RecordBatch, name: str, before: int = 0) -> None:
        """Add a batch of these columns, as text, of a file of this name; `before` rows came in earlier batches."""
        if not batch.num_rows:
            return
        columns = self.columns
        production = _numbers(batch.column(columns.production))
        candidate = _numbers(batch.column(columns.candidate))
        truth = self._truth(name, batch, before)
        self._require(name, batch, columns.production, self._usable(production), before)
        usable = self._usable(candidate)
        if not usable.all() and self.fault is None:
            said = batch.column(columns.candidate)[int(np.argmin(usable))].as_py()
            self.fault = f"it answers {said!r:.80}, which is no {self._kind}"
        candidate = np.where(usable, candidate, production)
        if columns.id:
            self.ids.update(batch.column(columns.id).to_pylist())
        groups, of = _groups(batch, columns)
        if self.metric == "auc":
            rows = np.column_stack([of, truth, bins(production), bins(candidate)]).astype(np.int64)
            cells, counts, _ = placed(rows, np.ones(len(rows)))
            for (group, *cell), count in zip(cells.tolist(), counts.tolist(), strict=True):
                self.seen[groups[group], *cell] += count
            return
        loss = LOSS[self.metric]
        self.sums.add(groups, of, loss(truth, production), loss(truth, candidate))
        differs, count = np.unique(np.column_stack([of, production != candidate]), axis=0, return_counts=True)
        for (group, other), rows in zip(differs.tolist(), count.tolist(), strict=True):
            self.seen[groups[group], 0, 0, other] += rows

    @property
    def _kind(self) -> str:
        return "probability from 0 to 1" if self.metric in SCORED else "number that can be measured"

    def _usable(self, values: np.ndarray) -> np.ndarray:
        if self.metric in SCORED:
            return (values >= 0) & (values <= 1)
        return np.abs(values) <= MOST  # false of what is no number

    def _truth(self, name: str, batch: pa.RecordBatch, before: int) -> np.ndarray:
        column = batch.column(self.columns.label)
        if self.metric not in SCORED:
            truth = _numbers(column)
            self._require(name, batch, self.columns.label, self._usable(truth), before)
            return truth
        folded = column.dictionary_encode()
        words = [number(word) if is_numeral(word) else word for word in folded.dictionary.to_pylist()]
        self.labels.update(words)
        if self.positive is None and any(label.casefold() not in YES + NO for label in self.labels):
            raise MlgateError(
                f"Which label are the scores the probability of? Column {self.columns.label!r} says"
                f" {', '.join(map(repr, sorted(self.labels)[:3]))}: name one with --positive."
            )
        return np.array(list(map(self._is_positive, words)))[np.from_dlpack(folded.indices)]

    def _require(self, name: str, batch: pa.RecordBatch, column: str, usable: np.ndarray, before: int) -> None:
        if not usable.all():
            place = int(np.argmin(usable))
            said = batch.column(column)[place].as_py()
            raise MlgateError(
                f"{name}, row {before + place + 1}: column {column!r} says {said!r:.80}, which is no {self._kind}."
                f" {self.metric} needs such: mend the row, or name another column or --metric."
            )

    def scorecard(self) -> Scorecard:
        """Return the scorecard of what was added. Raises MlgateError where the labels are not two."""
        if self.metric in SCORED:
            self._require_two()
        slices = tuple(sorted({self._slice_of(key[0]) for key in self.seen}))
        place = {name: position for position, name in enumerate(slices)}
        rows = [(place[self._slice_of(where)], *cell) for where, *cell in self.seen]
        found = np.array(list(self.seen.values()), dtype=np.int64)
        cells, counts, places = placed(np.array(rows, dtype=np.int64).reshape(-1, 4), found)
        clusters = None
        if self.columns.cluster:
            clusters = entries([key[0][1] for key in self.seen], places, found)
        return Scorecard(
            classes=tuple(map(str, range(BINS))),
            slices=slices,
            cells=cells,
            counts=counts,
            scores=np.zeros((len(slices), 4)),
            parts=tuple(self.parts),
            candidate=Facts(fault=self.fault),
            whole=False,
            clusters=clusters,
            repeats=self.seen.total() - len(self.ids) if self.columns.id else None,
            measured=self.metric,
            losses=self._losses(place) if self.metric in LOSS else None,
        )

    def card(self) -> MeasuredCard:
        """Return what a card holds besides the counts."""
        lines = [self._line(where) for where in sorted(self.sums.sums)]
        return {
            "metric": self.metric,
            "positive": self.positive,
            "labels": sorted(self.labels),
            "fault": self.fault,
            "sums": lines,
        }

    def _line(self, where: Any) -> SumsLine:
        line: SumsLine = {"slice": self._slice_of(where), "sums": [f"{total:x}" for total in self.sums.sums[where]]}
        if self.columns.cluster:
            line["cluster"] = where[1]
        return line

    def add_counts(self, seen: Counter, measured: Any = None) -> None:
        """Add what a card holds. Raises ValueError where its counts or sums are none of a card's."""
        for (where, *cell), rows in seen.items():
            label, production, candidate = map(int, cell)
            if not (0 <= label <= 1 and 0 <= production < BINS and 0 <= candidate < BINS):
                raise ValueError("its counts are not those of scores")
            self.seen[where, label, production, candidate] += rows
        for line in measured["sums"]:
            group = (line["slice"], line.get("cluster")) if self.columns.cluster else line["slice"]
            self.sums.add_totals(group, [int(total, 16) for total in line["sums"]])
        self.labels.update(measured["labels"])
        self.fault = self.fault or measured["fault"]
        if measured["positive"] != self.positive:
            raise ValueError("its scores are of another label")
        if self.metric in LOSS:
            self._require_rows()

    def _require_rows(self) -> None:
        """Raise ValueError where the sums are not of as many rows as were counted."""
        rows: Counter = Counter()
        for (where, *_), count in self.seen.items():
            rows[where] += count
        if rows != {where: int(self.sums.floats(where)[0]) for where in self.sums.sums}:
            raise ValueError("its sums are not of its counts")

    def _is_positive(self, label: str) -> bool:
        return label == self.positive or (self.positive is None and label.casefold() in YES)

    def _require_two(self) -> None:
        if not self.labels:
            return  # no rows: the scorecard says so
        known = ", ".join(map(repr, sorted(self.labels)[:5]))
        column = self.columns.label
        if self.positive is not None and self.positive not in self.labels:
            raise MlgateError(f"Column {column!r} never says {self.positive!r:.80}, but {known}. Name one of them.")
        sides = {self._is_positive(label) for label in self.labels}
        counted = {key[1] for key in self.seen}
        if len(self.labels) != 2 or len(sides) != 2 or (self.metric == "auc" and len(counted) != 2):
            raise MlgateError(f"Scores are of two labels; column {column!r} says {known}. Leave other rows out.")

    def _losses(self, place: dict[str, int]) -> Losses:
        groups = sorted(self.sums.sums)
        of = None
        if self.columns.cluster:
            of = np.array([int(key, 16) for _, key in groups], dtype=np.uint64)
        places = np.array([place[self._slice_of(where)] for where in groups])
        return Losses(places, np.array([self.sums.floats(where) for where in groups]), of)

    def _slice_of(self, where: Any) -> str:
        return where[0] if self.columns.cluster else where


def bins(scores: np.ndarray) -> np.ndarray:
    """Return the bin of each score, evenly spaced in log odds: there, where positives are rare, the differences are."""
    with np.errstate(divide="ignore"):
        odds = np.log(scores) - np.log1p(-scores)
    return np.clip(np.floor((odds + FAR) * (BINS / (2 * FAR))), 0, BINS - 1).astype(np.int64)


def _groups(batch: pa.RecordBatch, columns: Columns) -> tuple[list, np.ndarray]:
    """Return the different places of rows (slice, or slice and cluster), and which of them each row is in."""
    named = [name for name in (columns.slice, columns.cluster) if name]
    if not named:
        return [place_of({}, columns)], np.zeros(batch.num_rows, dtype=np.int64)
    words = [batch.column(name).to_pylist() for name in named]
    known: dict = {}
    of = np.array([known.setdefault(key, len(known)) for key in zip(*words, strict=True)])
    require_few_slices(len({key[0] for key in known}) if columns.slice else 1)
    return [place_of(dict(zip(named, key, strict=True)), columns) for key in known], of


def _numbers(column: pa.Array) -> np.ndarray:
    """Return a column of texts as numbers; not a number where one is none."""
    trimmed = pc.utf8_trim_whitespace(column.fill_null(""))
    try:
        return np.from_dlpack(pc.cast(trimmed, pa.float64()))
    except pa.ArrowInvalid:
        return np.array([_number(word) for word in trimmed.to_pylist()])


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return float("nan")
