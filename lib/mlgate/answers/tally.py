"""Add up two models' answers, a batch at a time, into a scorecard."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlgate.corpus import Rows
from mlgate.errors import MlgateError
from mlgate.scorecard import BINS, Facts, Probes, Scorecard, count_answers, merge

import numpy as np

MAX_SLICES = 1_000


@dataclass(frozen=True)
class Answers:
    """One model's answers to a batch: positions in the classes (n,), and probabilities (n, classes) if it has them.

    An answer of len(classes) means none.
    """

    places: np.ndarray
    scores: np.ndarray | None = None


class Tally:
    """Adds up batches into a scorecard, learning the names of the slices on the way."""

    def __init__(self, classes: tuple[str, ...]):
        self.classes = classes
        self.whole = True  # whether one label is too few
        self.slices: dict[str, int] = {}
        self.cells = np.zeros((0, 4), dtype=np.int64)
        self.counts = np.zeros(0, dtype=np.int64)
        self.scores = np.zeros((MAX_SLICES, 4))
        self.reliability = np.zeros((2, BINS, 3))
        self.texts: set[int] = set()

    def add(self, slices: Sequence[str], truth: np.ndarray, production: Answers, candidate: Answers) -> None:
        """Add a batch: the slice and the position of the label of each row, and what both models answered."""
        places = np.array([self.slices.setdefault(name, len(self.slices)) for name in slices], dtype=np.int64)
        require_few_slices(len(self.slices))
        cells, counts = count_answers(truth, production.places, candidate.places, len(self.classes), places)
        self.cells, self.counts = merge(np.concatenate([self.cells, cells]), np.concatenate([self.counts, counts]))
        if production.scores is not None and candidate.scores is not None:
            self._add_brier(places, truth, production.scores, candidate.scores)
            self._add_reliability(0, truth, production.places, production.scores)
            self._add_reliability(1, truth, candidate.places, candidate.scores)

    def add_texts(self, texts: Sequence[str]) -> None:
        """Remember which texts there were, to count those that are repeated."""
        self.texts.update(map(hash, texts))

    def _add_brier(self, slices: np.ndarray, truth: np.ndarray, production: np.ndarray, candidate: np.ndarray) -> None:
        right = np.eye(len(self.classes))[truth]
        of_production = ((production - right) ** 2).sum(axis=1)
        of_candidate = ((candidate - right) ** 2).sum(axis=1)
        sums = (np.ones(len(truth)), of_production, of_candidate, (of_candidate - of_production) ** 2)
        for column, weights in enumerate(sums):
            self.scores[:, column] += np.bincount(slices, weights, minlength=MAX_SLICES)

    def _add_reliability(self, model: int, truth: np.ndarray, places: np.ndarray, scores: np.ndarray) -> None:
        confidence = scores[np.arange(len(truth)), places]
        bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
        for column, weights in enumerate((np.ones(len(truth)), confidence, places == truth)):
            self.reliability[model, :, column] += np.bincount(bins, weights, minlength=BINS)

    def scorecard(self, rows: Rows, production: Facts, candidate: Facts, probes: Probes | None) -> Scorecard:
        """Return the scorecard of all that was added, the slices in the order of their names."""
        slices = tuple(sorted(self.slices))
        order = np.array([self.slices[name] for name in slices], dtype=np.int64)
        cells = self.cells.copy()
        cells[:, 0] = np.argsort(order)[cells[:, 0]]
        cells, counts = merge(cells, self.counts)
        return Scorecard(
            classes=self.classes,
            slices=slices,
            cells=cells,
            counts=counts,
            scores=self.scores[order],
            parts=((rows.name, int(counts.sum()), rows.digest),),
            reliability=self.reliability,
            production=production,
            candidate=candidate,
            sealed=rows.sealed,
            probes=probes,
            whole=self.whole,
            repeats=int(counts.sum()) - len(self.texts) if self.texts else None,
        )


def require_few_slices(count: int) -> None:
    """Raise MlgateError where there are more slices than anybody could watch."""
    if count > MAX_SLICES:
        raise MlgateError(f"The slice column has more than {MAX_SLICES:,} values. Choose a coarser one.")
