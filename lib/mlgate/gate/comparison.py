"""The two models on some rows, compared by a metric: how large the difference is, and what is shown of it."""

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

from mlgate.gate import statistics
from mlgate.gate.metrics import Table, price_table, table_of
from mlgate.gate.moments import Moments, moments
from mlgate.gate.statistics import Interval
from mlgate.gate.verdict import Difference, Status
from mlgate.root import LOSSES, Metric, Policy
from mlgate.scorecard import Losses, Scorecard

import numpy as np

COUNTED: tuple[Metric, ...] = ("accuracy", "pass_rate")  # by rows that one model alone gets right


class Comparison(Protocol):
    """What the checks ask of a comparison: `Paired` counts, or `Moments`."""

    @property
    def rows(self) -> int:
        """How many rows were compared."""

    def difference(self, alpha: float) -> Difference:
        """Return the difference, with its interval at confidence 1 - 2 alpha."""

    def standing(self, margin: float, alpha: float) -> Status:
        """How it stands: "pass" (better by more than the margin), "fail" (worse) or "undecided"."""

    def is_worse(self, tolerance: float, level: float, large: bool) -> bool:
        """Whether the candidate is shown to be worse by more than the tolerance. large: whether these are many rows."""


@dataclass(frozen=True)
class Paired:
    """Rows that are right or wrong. b: only the candidate gets right, c: only production gets right."""

    b: int
    c: int
    rows: int
    metric: Metric = "accuracy"

    def difference(self, alpha: float) -> Difference:
        """Return (b - c) / rows, with Tango's interval at confidence 1 - 2 alpha."""
        confidence = 1 - 2 * alpha
        interval = statistics.tango(self.b, self.c, self.rows, confidence)
        p_value = statistics.midp(self.b, self.c)
        return Difference((self.b - self.c) / self.rows, *interval, confidence, p_value, self.metric)

    def standing(self, margin: float, alpha: float) -> Status:
        """How the difference stands, by Tango's interval and, where the margin is 0, McNemar's mid-p."""
        interval = statistics.tango(self.b, self.c, self.rows, 1 - 2 * alpha)
        if interval.low > margin and (margin != 0 or statistics.midp(self.b, self.c) <= alpha):
            return "pass"
        if interval.high < min(margin, 0):
            return "fail"
        return "undecided"

    def is_worse(self, tolerance: float, level: float, large: bool) -> bool:
        """Whether a loss is shown: on few rows by the exact test, which keeps its level at any size."""
        if not large:
            return statistics.exact_loss(self.b, self.c, tolerance * self.rows) <= level
        high = statistics.tango(self.b, self.c, self.rows, 1 - 2 * level).high
        return high < -tolerance and (tolerance > 0 or statistics.midp(self.c, self.b) <= level)


def compared(scorecard: Scorecard, policy: Policy, metric: Metric | None = None) -> Comparison:
    """Return the comparison of the two models by the metric that decides, or by another one."""
    metric = metric or policy.metric
    if metric in COUNTED and not scorecard.clusters:
        return Paired(*scorecard.discordant, scorecard.count, metric)
    if scorecard.losses:
        return _mean_gain(scorecard.losses, metric, "gain", scorecard.count)
    worth = _worth(scorecard, table_of(metric, scorecard.classes, policy.priced))
    return _mean_of(scorecard, worth.candidate - worth.production, worth.better, metric=metric, swing=worth.swing)


def values(scorecard: Scorecard, policy: Policy) -> tuple[float, float]:
    """Return the metric that decides, of production and of the candidate, as people read it: a cost is not negative."""
    if scorecard.losses:
        total = scorecard.losses.total
        return total("production") / scorecard.count, total("candidate") / scorecard.count
    worth = _worth(scorecard, table_of(policy.metric, scorecard.classes, policy.priced))
    sign = -1 if policy.metric in LOSSES else 1
    production, candidate = (sign * math.fsum(gains * scorecard.counts) / scorecard.count for gains in worth[:2])
    return production, candidate


def own_interval(scorecard: Scorecard, policy: Policy, level: float) -> Interval:
    """Return the interval, at 1 - 2 level, of the candidate's own value of the metric that decides."""
    if scorecard.losses:
        return _mean_gain(scorecard.losses, policy.metric, "candidate", scorecard.count).interval(1 - 2 * level)
    worth = _worth(scorecard, table_of(policy.metric, scorecard.classes, policy.priced))
    if policy.metric in COUNTED:
        return share_interval(scorecard, worth.candidate > 0, level)
    found = _mean_of(scorecard, worth.candidate, worth.candidate, metric=policy.metric, swing=worth.swing)
    low, high = found.interval(1 - 2 * level)
    return Interval(-high, -low) if policy.metric in LOSSES else Interval(low, high)


def share_interval(scorecard: Scorecard, which: np.ndarray, level: float) -> Interval:
    """Return the interval, at 1 - 2 level, of the share of rows in these cells: booleans (m,)."""
    if scorecard.clusters:
        found = _mean_of(scorecard, which.astype(float), which.astype(float), metric="accuracy", swing=1.0)
        return found.interval(1 - 2 * level)
    return statistics.wilson(int(scorecard.counts[which].sum()), scorecard.count, 1 - 2 * level)


def against_one_class(scorecard: Scorecard, policy: Policy) -> tuple[Comparison, str]:
    """Return the candidate compared with a model that gives one answer to every row, and that answer.

    It is the answer that reads best by the metric: the most frequent label, or the one that costs least.
    """
    if policy.metric == "accuracy" and not scorecard.clusters:
        return Paired(*scorecard.against_one_class, scorecard.count), "the most frequent label"
    labels = scorecard.confusion("candidate").sum(axis=1)
    place = int(labels.argmax())
    if policy.metric == "cost":
        prices = price_table(scorecard.classes, policy.priced)
        place = int((labels @ prices)[:-1].argmin())
    cells = scorecard.cells.copy()
    cells[:, 2] = place
    return compared(replace(scorecard, cells=cells), policy), scorecard.classes[place]


class _Worth(NamedTuple):
    """What each model's answer is worth in each cell.

    better: above 0 where the candidate's answer is worth more, below 0 where it is worth less, 0 where both answer the
    same. swing: by how much one row's answer can change its worth at most.
    """

    production: np.ndarray
    candidate: np.ndarray
    better: np.ndarray
    swing: float


def _worth(scorecard: Scorecard, table: Table) -> _Worth:
    _, truth, production, candidate = scorecard.cells.T
    of_production = table(scorecard.confusion("production"))
    of_candidate = table(scorecard.confusion("candidate"))
    both = of_production + of_candidate
    swing = 0.0
    if not scorecard.measured:
        swing = max(float(np.ptp(each[truth, :-1], axis=1).max()) for each in (of_production, of_candidate))
    better = both[truth, candidate] - both[truth, production]
    return _Worth(of_production[truth, production], of_candidate[truth, candidate], better, swing)


def _mean_of(scorecard: Scorecard, gains: np.ndarray, better: np.ndarray, *, metric: Metric, swing: float) -> Moments:
    """Return the mean of what each cell's rows gain (m,), over rows or, where they stand in clusters, over those.

    A cluster's gain is what its rows gain beyond the mean, scaled to the mean: so clusters may be of any size. The
    variance is G / (G - 1) sum (d_k - D n_k)^2 / N^2, as in inspect. Source: Liang & Zeger 1986, Biometrika 73:13.
    """
    facts: dict[str, Any] = {"metric": metric, "rows": scorecard.count}
    if not scorecard.clusters:
        return moments(gains, scorecard.counts, better, swing=swing, **facts)
    sums, rows = scorecard.clusters.sums(gains)
    signs, _ = scorecard.clusters.sums(better)
    facts["estimate"] = math.fsum(gains * scorecard.counts) / scorecard.count
    return _over_clusters(sums, rows, signs, swing=swing, **facts)


def _over_clusters(sums: np.ndarray, sizes: np.ndarray, signs: np.ndarray, *, swing: float, **facts: Any) -> Moments:
    """Return the mean gain over clusters (k,), from what their rows gain, how many they are, and who did better.

    swing: of one row. A cluster can change by more: by the most that one of them was seen to. Else rows that repeat
    one another, in few clusters, would look certain.
    """
    scale = len(sizes) / facts["rows"]
    each = facts["estimate"] + (sums - facts["estimate"] * sizes) * scale
    seen = min(float(np.abs(sums).max()), swing * float(sizes.max()))
    swing = max(swing, seen) * scale
    return moments(each, np.ones(len(sizes), dtype=int), signs, swing=swing, what="clusters", **facts)


def _mean_gain(losses: Losses, metric: Metric, name: str, rows: int) -> Moments:
    """Return the mean of one of the sums of losses, "gain" or "candidate", over rows or clusters."""
    facts: dict[str, Any] = {"metric": metric, "rows": rows, "estimate": losses.total(name) / rows}
    if losses.of is not None:
        sums, sizes = losses.by_cluster(name)
        return _over_clusters(sums, sizes, sums, swing=0.0, **facts)
    return Moments(
        units=rows,
        total=losses.total(name),
        squares=losses.total(f"{name}2"),
        cubes=losses.total(f"{name}3"),
        won=int(losses.total("won")),
        lost=int(losses.total("lost")),
        **facts,
    )
