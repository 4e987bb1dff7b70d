"""Read the answers of two models, of any framework, from columns of a file, and reduce them to a scorecard."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlgate.answers import right, spelling
from mlgate.answers.tally import require_few_slices
from mlgate.corpus import NO_SLICE, files, require_filled
from mlgate.errors import MlgateError
from mlgate.scorecard import Facts, Scorecard, entries, key_of, occurring, placed

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MAX_CLASSES = 1_000


@dataclass(frozen=True)
class Columns:
    """Which column of a file plays which part. label: right.LABEL where the answers say only whether they are right."""

    label: str
    production: str
    candidate: str
    slice: str | None = None
    cluster: str | None = None
    id: str | None = None
    pass_from: float | None = field(default=None, kw_only=True)  # answers are grades, and this one passes

    def __post_init__(self):
        answers = (self.label, self.production, self.candidate)
        others = [name for name in (self.slice, self.cluster) if name and name != self.label]
        named = (*answers, *dict.fromkeys(others))
        for name in named:
            if named.count(name) > 1:
                raise MlgateError(f"Column {name!r} is named twice. Name a column each for labels and answers.")

    @property
    def names(self) -> list[str]:
        """The columns to read."""
        others = [name for name in (self.cluster, self.id) if name]
        return [name for name in dict.fromkeys((*self.counted, *others)) if name != right.LABEL]

    @property
    def counted(self) -> list[str]:
        """Those whose values are counted: labels, answers, slices."""
        answers = [self.label, self.production, self.candidate]
        return [*answers, self.slice] if self.slice else answers

    @property
    def filled(self) -> list[str]:
        """Those in which no value may be missing."""
        named = (self.label, self.production, self.cluster, self.id)
        return [name for name in named if name and name != right.LABEL]


class Counted:
    """Counts rows by (slice, label, production's answer, candidate's answer), a batch at a time.

    whole: whether one label for all rows is too few. Where it is not, each row has to pass, and an answer that says
    anything else fails. A missing answer is "". Where rows stand in clusters, (slice, key of the cluster) is in the
    slice's place. parts: (name, rows, digest) of each file that went in.
    """

    def __init__(self, columns: Columns, whole: bool = True):
        self.columns = columns
        self.whole = whole
        self.seen: Counter = Counter()
        self.values: dict[str, set[str | None]] = {name: set() for name in columns.counted}
        self.parts: list[tuple[str, int, str]] = []
        self.ids: set[str | None] = set()

    def add(self, batch: pa.RecordBatch, name: str = "", before: int = 0) -> None:
        """Add a batch of these columns, as text. Raises MlgateError where one has too many values for what it is."""
        if not batch.num_rows:
            return
        columns = self.columns
        if columns.label == right.LABEL and right.LABEL not in batch.schema.names:
            batch = right.labelled(batch, (columns.production, columns.candidate), columns.pass_from)
        words: dict[str, list[str | None]] = {}
        codes = []
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            places, values = _folded(column)
            if name == columns.id:
                self.ids.update(values)
            if name in self.values:
                self.values[name].update(values)
            if name in self.values or name == columns.cluster:
                codes.append(places)
                words[name] = values
        self._require_few()
        for row, rows in _combinations(codes, words):
            where = place_of(row, columns)
            self.seen[where, row[columns.label], row[columns.production], row[columns.candidate] or ""] += rows

    def add_counts(self, seen: Counter, measured: Any = None) -> None:
        """Add what was counted elsewhere. Raises MlgateError as `add` does."""
        self.seen.update(seen)
        for place, name in enumerate((self.columns.label, self.columns.production, self.columns.candidate), 1):
            self.values[name] = {key[place] for key in self.seen}
        if self.columns.slice:
            self.values[self.columns.slice] = {self._slice_of(key[0]) for key in self.seen}
        self._require_few()

    def _slice_of(self, where: Any) -> str:
        return where[0] if self.columns.cluster else where

    def _require_few(self) -> None:
        for name in (self.columns.label, self.columns.production, self.columns.candidate):
            if len(self.values[name]) > MAX_CLASSES:
                raise MlgateError(
                    f"Column {name!r} has more than {MAX_CLASSES:,} values: it holds no classes. Name another column;"
                    " or, if it holds numbers, a metric of those (--metric mae, or auc of scores)."
                )
        if self.columns.slice:
            require_few_slices(len(self.values[self.columns.slice]))

    def scorecard(self) -> Scorecard:
        """Return the scorecard of what was counted. Raises MlgateError where the columns do not fit together."""
        columns = self.columns
        seen = spelling.unify(self.seen, (columns.label, columns.production, columns.candidate))
        known = {name for _, label, production, _ in seen for name in (label, production)}
        if not self.whole:
            known |= {key[3] for key in seen} - {""}
        classes = tuple(sorted(known))
        slices = tuple(sorted({self._slice_of(key[0]) for key in seen}))
        place = {name: position for position, name in enumerate(classes)}
        slice_place = {name: position for position, name in enumerate(slices)}
        rows = [
            (slice_place[self._slice_of(where)], place[label], place[production], place.get(candidate, len(classes)))
            for where, label, production, candidate in seen
        ]
        found = np.array(list(seen.values()), dtype=np.int64)
        cells, counts, places = placed(np.array(rows, dtype=np.int64).reshape(-1, 4), found)
        clusters = None
        if columns.cluster:
            clusters = entries([key[0][1] for key in seen], places, found)
        return Scorecard(
            classes=classes,
            slices=slices,
            cells=cells,
            counts=counts,
            scores=np.zeros((len(slices), 4)),
            parts=tuple(self.parts),
            production=Facts(),
            candidate=Facts(fault=_fault({key[3] for key in seen} - set(classes))),
            whole=self.whole,
            clusters=clusters,
            repeats=self.seen.total() - len(self.ids) if columns.id else None,
        )


def place_of(row: Mapping[str, str | None], columns: Columns) -> Any:
    """Return what a row counts for: its slice, and its cluster where rows stand in such."""
    where = NO_SLICE
    if columns.slice:
        where = row[columns.slice] or "(empty)"
    return (where, key_of(row[columns.cluster] or "")) if columns.cluster else where


def _folded(column: pa.Array) -> tuple[np.ndarray, list[str | None]]:
    """Return where each row's value stands (n,) in a list of the values; a missing one is None."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    words = column.dictionary.to_pylist()
    places = column.indices
    if places.null_count:
        places = places.fill_null(len(words))
        words.append(None)
    return np.from_dlpack(places), words  # to_numpy would import pandas


def require_no_gaps(path: Path, batch: pa.RecordBatch, columns: Iterable[str], before: int) -> None:
    """Raise MlgateError naming the first empty value of these columns; `before` rows came in earlier batches."""
    for name in columns:
        column = batch.column(name)
        values = column.dictionary if pa.types.is_dictionary(column.type) else column
        shortest = pc.min(pc.utf8_length(pc.utf8_trim_whitespace(values))).as_py()
        if column.null_count or values.null_count or shortest == 0:
            require_filled(path, name, column.to_pylist(), before)


def _combinations(
    codes: list[np.ndarray], words: dict[str, list[str | None]]
) -> Iterator[tuple[dict[str, str | None], int]]:
    """Return each combination of values that occurs, by column, and in how many rows. codes: places in `words`."""
    sizes = [len(known) for known in words.values()]
    numbers, counts = occurring(np.ravel_multi_index(codes, sizes))
    places = np.transpose(np.unravel_index(numbers, sizes)).tolist()
    for row, rows in zip(places, counts.tolist(), strict=True):
        yield {name: words[name][place] for name, place in zip(words, row, strict=True)}, rows


def _fault(strange: set[str]) -> str | None:
    """Return what is wrong with a candidate that gives these answers, which are no classes."""
    if not strange:
        return None
    if "" in strange:
        return "some of its answers are empty"
    if any(len(name) > files.MOST_NAME for name in strange):
        return f"some of its answers are longer than {files.MOST_NAME:,} characters"
    return f"it answers {min(strange)!r:.80}, which is neither a label nor an answer of production's"
