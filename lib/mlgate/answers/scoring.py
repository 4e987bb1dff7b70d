"""Ask two models, or read the answers of two, on the same rows in one call, and reduce them to a scorecard."""

import time
from collections import Counter
from pathlib import Path

from mlgate.answers.probing import probe
from mlgate.artifacts import Model
from mlgate.corpus import NO_SLICE, Batch, Rows, files, require_filled
from mlgate.errors import MlgateError
from mlgate.scorecard import BINS, Facts, Probes, Scorecard, count_answers, merge

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MOST_SLICES = MOST_CLASSES = 1_000


def score(production: Model, candidate: Model, rows: Rows, probing: bool = True) -> Scorecard:
    """Ask both models the same rows, a batch at a time; and probe both, without labels, with some of the texts.

    A candidate at fault (would not load, other classes, raises, NaN) is written into its facts, and the rows it did not
    answer count as such. Raises MlgateError where the rows or production are at fault.
    """
    classes = tuple(str(name) for name in production.classes)
    fault = candidate.fault or _other_classes(production, candidate)
    tally, spent, probes = _Tally(classes), [0.0, 0.0], None
    for batch in rows.batches():
        truth = _truth(batch, classes, rows.name)
        started = time.perf_counter()
        try:
            ours, our_scores = ask(production, batch.texts, classes)
        except Exception as error:
            raise MlgateError(
                f"Production cannot answer {rows.name}: {_said(error)}. Mend the model or the rows."
            ) from error
        answered = time.perf_counter()
        theirs, their_scores = np.full(len(truth), len(classes)), None
        if not fault:
            try:
                theirs, their_scores = ask(candidate, batch.texts, classes)
            except Exception as error:
                fault = f"it cannot answer {rows.name}: {_said(error)}"
        spent = [spent[0] + answered - started, spent[1] + time.perf_counter() - answered]
        tally.add(batch.slices, truth, ours, theirs, our_scores, their_scores)
        if probing and not probes and not fault and production.digest != candidate.digest:
            probes = probe(production, candidate, batch.texts)
    facts = Facts(production.digest, production.size, production.load_seconds, spent[0])
    others = Facts(candidate.digest, candidate.size, candidate.load_seconds, spent[1], fault)
    return tally.scorecard(rows, facts, others, probes)


def ask(model: Model, texts: list[str], classes: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray | None]:
    """The model's answers as positions in `classes` (n,), and its probabilities in that order (n, classes) or None."""
    labels, scores = model.answer(texts)
    place = {name: position for position, name in enumerate(classes)}
    answers = np.array([place.get(str(label), -1) for label in labels.tolist()], dtype=np.int64)
    if (answers < 0).any():
        raise ValueError(f"answers {labels[answers < 0][0]!r}, which is none of its classes")
    own = [str(name) for name in model.classes]
    return answers, None if scores is None else scores[:, [own.index(name) for name in classes]]


def score_answers(
    path: Path, label: str, production: str, candidate: str, slice_column: str | None = None
) -> Scorecard:
    """The scorecard of two columns of answers beside a column of labels: any two models, of any framework.

    The file is read a batch at a time. Raises MlgateError where labels or production's answers are missing; a missing
    or unknown answer of the candidate is its fault.
    """
    names = {"truth": label, "production": production, "candidate": candidate, "slice": slice_column}
    columns = [name for name in names.values() if name]
    seen, count = Counter(), 0
    for batch in files.read(path, columns):
        for name in (label, production):
            values = batch.column(name)
            if values.null_count or pc.any(pc.equal(pc.utf8_trim_whitespace(values), "")).as_py():
                require_filled(path, name, values.to_pylist(), count)
        count += batch.num_rows
        grouped = pa.Table.from_batches([batch]).group_by(columns).aggregate([([], "count_all")]).to_pylist()
        for line in grouped:
            place = (line[slice_column] or "(empty)") if slice_column else NO_SLICE
            seen[place, line[label], line[production], line[candidate] or ""] += line["count_all"]
        if len({key[0] for key in seen}) > MOST_SLICES:
            raise _too_many_slices()
        for name, place in ((label, 1), (production, 2)):
            if len({key[place] for key in seen}) > MOST_CLASSES:
                raise MlgateError(
                    f"Column {name!r} has more than {MOST_CLASSES:,} values: it holds no classes. Name another column."
                )
    return _from_names(seen, path)


def _from_names(seen: Counter, path: Path) -> Scorecard:
    classes = tuple(sorted({name for _, truth, ours, _ in seen for name in (truth, ours)}))
    slices = tuple(sorted({key[0] for key in seen}))
    place = {name: position for position, name in enumerate(classes)}
    strange = sorted({theirs for *_, theirs in seen} - set(classes))
    fault = None
    if "" in strange:
        fault = "some of its answers are empty"
    elif strange:
        fault = f"it answers {strange[0]!r}, which is neither a label nor an answer of production's"
    cells = np.array(
        [
            (slices.index(where), place[truth], place[ours], place.get(theirs, len(classes)))
            for where, truth, ours, theirs in seen
        ],
        dtype=np.int64,
    ).reshape(-1, 4)
    counts = np.array(list(seen.values()), dtype=np.int64)
    parts = ((path.name, int(counts.sum()), files.digest(path)),)
    return Scorecard(
        classes,
        slices,
        *merge(cells, counts),
        np.zeros((len(slices), 4)),
        parts,
        production=Facts(),
        candidate=Facts(fault=fault),
    )


class _Tally:
    """Adds up batches into a scorecard, learning the names of the slices on the way."""

    def __init__(self, classes: tuple[str, ...]):
        self.classes, self.places = classes, {}
        self.cells, self.counts = np.zeros((0, 4), dtype=np.int64), np.zeros(0, dtype=np.int64)
        self.scores, self.reliability = np.zeros((MOST_SLICES, 4)), np.zeros((2, BINS, 3))

    def add(self, slices: list[str], truth, ours, theirs, our_scores, their_scores) -> None:
        places = np.array([self.places.setdefault(name, len(self.places)) for name in slices], dtype=np.int64)
        if len(self.places) > MOST_SLICES:
            raise _too_many_slices()
        cells, counts = count_answers(truth, ours, theirs, len(self.classes), places)
        self.cells, self.counts = merge(np.concatenate([self.cells, cells]), np.concatenate([self.counts, counts]))
        if our_scores is None or their_scores is None:
            return
        right = np.eye(len(self.classes))[truth]
        squared = [((given - right) ** 2).sum(axis=1) for given in (our_scores, their_scores)]
        for column, weights in enumerate((np.ones(len(truth)), *squared, (squared[1] - squared[0]) ** 2)):
            self.scores[:, column] += np.bincount(places, weights, minlength=MOST_SLICES)
        for side, (answers, given) in enumerate(((ours, our_scores), (theirs, their_scores))):
            sure = given[np.arange(len(truth)), answers]
            place = np.minimum((sure * BINS).astype(int), BINS - 1)
            for column, weights in enumerate((np.ones(len(truth)), sure, answers == truth)):
                self.reliability[side, :, column] += np.bincount(place, weights, minlength=BINS)

    def scorecard(self, rows: Rows, production: Facts, candidate: Facts, probes: Probes | None) -> Scorecard:
        parts, slices = ((rows.name, int(self.counts.sum()), rows.digest),), tuple(sorted(self.places))
        order = np.array([self.places[name] for name in slices], dtype=np.int64)
        cells = self.cells.copy()
        cells[:, 0] = np.argsort(order)[cells[:, 0]]
        sums = (*merge(cells, self.counts), self.scores[order], parts, self.reliability)
        return Scorecard(self.classes, slices, *sums, production, candidate, rows.sealed, probes)


def _truth(batch: Batch, classes: tuple[str, ...], name: str) -> np.ndarray:
    place = {label: position for position, label in enumerate(classes)}
    strange = next((label for label in batch.labels if label not in place), None)
    if strange is not None:
        known = ", ".join(map(repr, classes[:10]))
        raise MlgateError(
            f"{name} has the label {strange!r}, which the production model does not know: its classes are {known}."
            " Check the label column, or leave these rows out."
        )
    return np.array([place[label] for label in batch.labels], dtype=np.int64)


def _other_classes(production: Model, candidate: Model) -> str | None:
    """Why the candidate's classes are not production's, or None. Their order does not matter."""
    ours, theirs = (sorted(map(str, model.classes)) for model in (production, candidate))
    if ours != theirs:
        return f"its classes are {', '.join(theirs[:10])}; production's are {', '.join(ours[:10])}"
    ours, theirs = ({_kind(name) for name in model.classes.tolist()} for model in (production, candidate))
    if ours != theirs:
        kinds = [" and ".join(sorted(kinds)) for kinds in (theirs, ours)]
        return f"its answers are {kinds[0]}, production's are {kinds[1]}: clients would get another type"
    return None


def _kind(name: object) -> str:
    return "booleans" if isinstance(name, bool) else "integers" if isinstance(name, int) else "texts"


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _too_many_slices() -> MlgateError:
    return MlgateError(f"The slice column has more than {MOST_SLICES:,} values. Choose a coarser one.")
