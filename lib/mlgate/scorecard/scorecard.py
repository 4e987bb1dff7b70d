"""Both models on the same rows, in one call, reduced to counts: all that the gate and the figures need to know.

A scorecard counts how often each combination of slice, truth, production's answer and candidate's answer occurred. So
the gate's cost does not grow with the rows, and scorecards of several files or machines add up.
"""

import hashlib
from dataclasses import dataclass, field, replace

from mlgate.errors import MlgateError
from mlgate.scorecard.clusters import Clusters
from mlgate.scorecard.losses import Losses
from mlgate.scorecard.probes import Probes

import numpy as np

CHUNK = 1 << 20
BINS = 15  # ranges of confidence from 0 to 1


@dataclass(frozen=True)
class Facts:
    """What was measured of one model. `fault`: why it could not answer, in words; None where it answered every row."""

    digest: str | None = None
    bytes: int | None = None
    load_seconds: float | None = None
    predict_seconds: float | None = None
    fault: str | None = None


@dataclass(frozen=True)
class Scorecard:
    """What two models did on the same rows.

    cells: integers (m, 4), a line for each combination that occurred: position of the slice in `slices`, then of the
    truth, production's answer and candidate's answer in `classes`; a candidate's answer of len(classes) means none.
    counts: (m,) rows in each. scores: (slices, 4): rows for which both models gave probabilities, and over those the
    sums of production's Brier score, of the candidate's, and of their squared difference. reliability: (2, BINS, 3),
    for each model and range of confidence: rows, sum of confidence, rows right. parts: (name, rows, digest) of each
    file that went in. probes: what was found out without labels. clusters: which rows belong together, where they do.
    repeats: rows whose id or text occurred before, None where that is not known. measured: where answers are numbers,
    the metric that they were measured by. Then the classes are bins of scores, and truth 1 the label that they are of;
    or, where there are losses, cells say only whether both answers are the same.
    """

    classes: tuple[str, ...]
    slices: tuple[str, ...]
    cells: np.ndarray
    counts: np.ndarray
    scores: np.ndarray
    parts: tuple[tuple[str, int, str], ...]
    reliability: np.ndarray = field(default_factory=lambda: np.zeros((2, BINS, 3)))
    production: Facts = field(default_factory=Facts)
    candidate: Facts = field(default_factory=Facts)
    sealed: bool = False
    probes: Probes | None = None
    whole: bool = True
    clusters: Clusters | None = None
    repeats: int | None = None
    measured: str | None = None
    losses: Losses | None = None

    def __post_init__(self):
        if not self.count:
            raise MlgateError(f"There are no rows in {self.name}. Give it rows.")
        if self.whole and len(set(self.cells[:, 1].tolist())) < 2:
            raise MlgateError(
                f"All rows of {self.name} have one label. Nothing can be compared: add the others; or, where each row"
                " has to pass, judge by the pass_rate."
            )

    @property
    def name(self) -> str:
        return " + ".join(name for name, _, _ in self.parts)

    @property
    def digest(self) -> str:
        """The rows' digest: the file's own, or one over those of all parts, whatever their order."""
        digests = sorted(part[2] for part in self.parts)
        if len(digests) == 1:
            return digests[0]
        return hashlib.sha256("".join(digests).encode()).hexdigest()

    @property
    def count(self) -> int:
        """How many rows."""
        return int(self.counts.sum())

    @property
    def rows_of_rarer_label(self) -> int:
        """How many rows the rarer of the first two labels has."""
        return int(np.bincount(self.cells[:, 1], self.counts, minlength=2)[:2].min())

    @property
    def units(self) -> int:
        """How many independent units: rows, or clusters of them."""
        return self.clusters.number if self.clusters else self.count

    @property
    def accuracy(self) -> tuple[float, float]:
        """The share of right answers of production and of the candidate."""
        _, truth, production, candidate = self.cells.T
        production_right = int(self.counts[production == truth].sum())
        candidate_right = int(self.counts[candidate == truth].sum())
        return production_right / self.count, candidate_right / self.count

    @property
    def discordant(self) -> tuple[int, int]:
        """(b, c): rows that only the candidate gets right, rows that only production gets right."""
        _, truth, production, candidate = self.cells.T
        only_candidate = (candidate == truth) & (production != truth)
        only_production = (production == truth) & (candidate != truth)
        return int(self.counts[only_candidate].sum()), int(self.counts[only_production].sum())

    @property
    def against_one_class(self) -> tuple[int, int]:
        """(b, c) of the candidate against always answering the most frequent label."""
        _, truth, _, candidate = self.cells.T
        right = candidate == truth
        usual = truth == np.bincount(truth, self.counts).argmax()
        return int(self.counts[right & ~usual].sum()), int(self.counts[~right & usual].sum())

    @property
    def same_model(self) -> bool:
        """Whether the candidate is the production model, byte for byte."""
        return self.production.digest is not None and self.production.digest == self.candidate.digest

    @property
    def answered_differently(self) -> int:
        """How many rows the two models answered differently. Needs no labels."""
        return int(self.counts[self.cells[:, 2] != self.cells[:, 3]].sum())

    @property
    def brier(self) -> tuple[float, float] | None:
        """The mean Brier scores (0 is best) of production and candidate, or None without probabilities of both."""
        scored, production, candidate, _ = self.scores.sum(axis=0)
        if not scored:
            return None
        return production / scored, candidate / scored

    @property
    def calibration_error(self) -> tuple[float, float] | None:
        """The expected calibration error of both: how far confidence is from the share that is right, on average."""
        rows, confidence, right = np.moveaxis(self.reliability, 2, 0)
        if not rows.sum():
            return None
        production, candidate = (np.abs(confidence - right).sum(axis=1) / rows.sum(axis=1)).tolist()
        return production, candidate

    def confusion(self, model: str) -> np.ndarray:
        """Return the confusion matrix of "production" or "candidate", truth x answer; the last column: no answer."""
        labels = 2 if self.measured else len(self.classes)
        matrix = np.zeros((labels, len(self.classes) + 1), dtype=np.int64)
        column = {"production": 2, "candidate": 3}[model]
        np.add.at(matrix, (self.cells[:, 1], self.cells[:, column]), self.counts)
        return matrix

    def of_slices(self, *names: str) -> "Scorecard | None":
        """Return the scorecard of these slices alone, or None where they have no rows."""
        places = [self.slices.index(name) for name in names if name in self.slices]
        mine = np.isin(self.cells[:, 0], places)
        return self.where(mine) if mine.any() else None

    def where(self, mine: np.ndarray) -> "Scorecard":
        """Return the scorecard of these cells alone: booleans (m,), of which one at least is true."""
        cells = self.cells[mine]
        clusters = self.clusters and self.clusters.where(mine)
        losses = self.losses and self.losses.where(cells[:, 0])
        return replace(self, cells=cells, counts=self.counts[mine], whole=False, clusters=clusters, losses=losses)

    @property
    def slice_counts(self) -> np.ndarray:
        """Integers (slices, 3): rows only the candidate gets right, rows only production gets right, all rows."""
        return self._paired_by(0, len(self.slices))

    @property
    def class_counts(self) -> np.ndarray:
        """The same for the rows of each true class: integers (classes, 3)."""
        return self._paired_by(1, len(self.classes))

    def _paired_by(self, column: int, groups: int) -> np.ndarray:
        """Return the paired counts for each position in a column of the cells."""
        truth = self.cells[:, 1]
        production = self.cells[:, 2] == truth
        candidate = self.cells[:, 3] == truth
        places = self.cells[:, column]
        table = np.zeros((groups, 3), dtype=np.int64)
        np.add.at(table[:, 0], places, self.counts * (candidate & ~production))
        np.add.at(table[:, 1], places, self.counts * (production & ~candidate))
        np.add.at(table[:, 2], places, self.counts)
        return table

    def rows_of_slice(self, name: str) -> int:
        """How many rows a slice has."""
        if name not in self.slices:
            return 0
        return int(self.counts[self.cells[:, 0] == self.slices.index(name)].sum())

    def __add__(self, other: "Scorecard") -> "Scorecard":
        """Both scorecards' rows together. Raises ValueError where they are not about the same two models.

        Or where rows stand in clusters or are measured: those are added up before, as cards are.
        """
        if any(card.clusters or card.measured for card in (self, other)):
            raise ValueError("Clusters may lie in both scorecards, and sums are rounded: count them as one.")
        if any(getattr(self, key).digest != getattr(other, key).digest for key in ("production", "candidate")):
            raise ValueError("These scorecards are about different models; they do not add up.")
        classes = self.classes
        if other.classes != classes:
            classes = tuple(sorted({*classes, *other.classes}))
        slices = tuple(sorted({*self.slices, *other.slices}))
        moved = [card._moved(classes, slices) for card in (self, other)]
        cells, counts = merge(np.concatenate(moved), np.concatenate([self.counts, other.counts]))
        scores = np.zeros((len(slices), 4))
        for card in (self, other):
            scores[[slices.index(name) for name in card.slices]] += card.scores
        return Scorecard(
            classes=classes,
            slices=slices,
            cells=cells,
            counts=counts,
            scores=scores,
            parts=self.parts + other.parts,
            reliability=self.reliability + other.reliability,
            production=_both(self.production, other.production),
            candidate=_both(self.candidate, other.candidate),
            sealed=self.sealed or other.sealed,
            probes=self.probes or other.probes,
            whole=self.whole and other.whole,
        )

    def _moved(self, classes: tuple[str, ...], slices: tuple[str, ...]) -> np.ndarray:
        """Return the cells as positions in these classes and slices, which hold those of the scorecard."""
        answers = np.array([*(classes.index(name) for name in self.classes), len(classes)])
        places = np.array([slices.index(name) for name in self.slices])
        return np.column_stack([places[self.cells[:, 0]], answers[self.cells[:, 1:]]])


def count_answers(
    truth: np.ndarray, production: np.ndarray, candidate: np.ndarray, classes: int, slices: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the cells (m, 4) and counts (m,) of n paired answers given as positions; memory does not grow with n."""
    codes = np.zeros(0, dtype=np.int64)
    counts = np.zeros(0, dtype=np.int64)
    for start in range(0, len(truth), CHUNK):
        part = slice(start, start + CHUNK)
        # One number for each combination: slice, truth, production's answer and candidate's answer, like digits.
        code = np.zeros(1, dtype=np.int64)
        if slices is not None:
            code = slices[part].astype(np.int64)
        code = code * classes + truth[part]
        code = code * classes + production[part]
        code = code * (classes + 1) + candidate[part]
        new, rows = occurring(code)
        codes = np.concatenate([codes, new])
        counts = np.concatenate([counts, rows])
    cells = np.empty((len(codes), 4), dtype=np.int64)
    for column, base in ((3, classes + 1), (2, classes), (1, classes)):
        codes, cells[:, column] = np.divmod(codes, base)
    cells[:, 0] = codes
    return merge(cells, counts)


def occurring(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the different codes and how often each occurs: small ones counted in place, faster than by sorting."""
    if codes.max() >= CHUNK:
        return np.unique(codes, return_counts=True)
    counts = np.bincount(codes)
    new = np.flatnonzero(counts)
    return new, counts[new]


def merge(cells: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Equal cells put together and sorted, their counts added."""
    unique, counts, _ = placed(cells, counts)
    return unique, counts


def placed(cells: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the same, and where each of the cells went."""
    unique, place = np.unique(cells, axis=0, return_inverse=True)
    place = place.ravel()
    return unique, np.bincount(place, counts, minlength=len(unique)).astype(np.int64), place


def _both(one: Facts, other: Facts) -> Facts:
    seconds = [facts.predict_seconds for facts in (one, other) if facts.predict_seconds is not None]
    total = sum(seconds) if seconds else None
    return replace(one, predict_seconds=total, fault=one.fault or other.fault)
