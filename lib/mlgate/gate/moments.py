"""Is a mean of gains above 0? From sums that add up, by two tests that both have to say so.

A gain is what the candidate does better than production on one independent unit: a row, or a cluster of rows.
Student's t keeps its level for gains of any symmetric shape, Hall's transformation for skewed ones, and each fails
where the other holds: so an interval is as wide as the wider of the two. Source: Hall 1992, JRSS B 54:221.
"""

import math
from dataclasses import dataclass
from typing import Any

from mlgate.gate import statistics
from mlgate.gate.statistics import Interval
from mlgate.gate.verdict import Difference, Status
from mlgate.root import Metric

import numpy as np
from scipy.special import ndtr, stdtr, stdtrit

FEWEST = 30  # units below which no mean is judged
TINY = 1e-12  # of a spread beside the mean's square, below which it is rounding
NEAR_ZERO = 1e-6  # of a skewness, below which Hall's transformation is a shift


@dataclass(frozen=True)
class Moments:
    """The mean gain of `units` independent units, and the sums of their gains, of the squares and of the cubes.

    rows: how many rows they hold. won, lost: units on which the candidate does better, and worse. metric: whose gains
    they are. swing: the most that one row can change, 0 where there is no such bound. what: the units, in a word.
    """

    units: int
    estimate: float
    total: float
    squares: float
    cubes: float
    rows: int
    won: int
    lost: int
    metric: Metric
    swing: float = 0.0
    what: str = "rows"

    @property
    def _mean(self) -> float:
        return self.total / self._n

    @property
    def _n(self) -> int:
        """Where a row can swing by so much and no more, one that does so each way counts as seen.

        Without these two, few rows that happen to agree would look certain. Source: Bonett & Price 2012, for shares.
        """
        return self.units + 2 * (self.swing > 0)

    @property
    def _error(self) -> float:
        """The standard error of the mean gain."""
        n = self._n
        spread = self.squares + 2 * self.swing**2 - n * self._mean**2
        return math.sqrt(max(spread, 0.0) / max(n - 1, 1) / n)

    @property
    def _skewness(self) -> float:
        """The skewness of the mean gain, from what was seen: of one gain, divided by the root of their number."""
        n = self.units
        mean = self.total / n
        spread = self.squares - n * mean**2
        third = self.cubes - 3 * mean * self.squares + 2 * n * mean**3
        return third / spread**1.5 if spread > n * TINY * mean**2 else 0.0

    def interval(self, confidence: float) -> Interval:
        """Return the interval for the mean gain: the wider of Student's and Hall's on either side."""
        tail = (1 - confidence) / 2
        reach = -float(stdtrit(self._n - 1, tail)) if self._n > 1 else 0.0
        z = statistics.normal_quantile(tail)
        low = self._mean - self._error * max(reach, self._straight(z))
        high = self._mean + self._error * max(reach, -self._straight(-z))
        return Interval(min(low, self.estimate), max(high, self.estimate))

    def _straight(self, z: float) -> float:
        """Return the t that Hall's transformation takes to z."""
        skew = self._skewness
        shifted = z - skew / 6
        if abs(skew) < NEAR_ZERO:
            return shifted
        return float(3 / skew * (np.cbrt(1 + skew * shifted) - 1))

    def p_value(self) -> float:
        """Return the one-sided p-value for "the candidate is better": the larger of both tests'."""
        if not self._error:
            return (1 - float(np.sign(self.total))) / 2
        t = self._mean / self._error
        skew = self._skewness
        z = t + skew * t**2 / 3 + skew**2 * t**3 / 27 + skew / 6
        return max(float(stdtr(self._n - 1, -t)), float(ndtr(-z)))

    def difference(self, alpha: float) -> Difference:
        """Return the mean gain with its interval at confidence 1 - 2 alpha."""
        confidence = 1 - 2 * alpha
        interval = self.interval(confidence)
        method = "t and Hall" if self.what == "rows" else f"t and Hall on {self.what}"
        return Difference(self.estimate, *interval, confidence, self.p_value(), self.metric, method)

    def standing(self, margin: float, alpha: float) -> Status:
        """How the gain stands: "pass" (above the margin), "fail" (below it, and below 0) or "undecided"."""
        interval = self.interval(1 - 2 * alpha)
        if interval.low > margin:
            return "pass"
        if interval.high < min(margin, 0):
            return "fail"
        return "undecided"

    def is_worse(self, tolerance: float, level: float, large: bool) -> bool:
        """Whether a loss of more than the tolerance is shown. Few units have to show it by the sign test, too."""
        few = not large or self.units < FEWEST
        if few and statistics.exact_loss(self.won, self.lost, 0) > level:
            return False
        return self.interval(1 - 2 * level).high < -tolerance


def moments(gains: np.ndarray, counts: np.ndarray, signs: np.ndarray, **facts: Any) -> Moments:
    """Return the sums of these gains (m,), each of which so many units have (m,).

    signs: whether the candidate did better (above 0) or worse on them. A gain says so only of a mean of rows: to first
    order, each row's depends on all others.
    """
    units = int(counts.sum())
    total = math.fsum(counts * gains)
    return Moments(
        units=units,
        total=total,
        squares=math.fsum(counts * gains**2),
        cubes=math.fsum(counts * gains**3),
        won=int(counts[signs > 0].sum()),
        lost=int(counts[signs < 0].sum()),
        **{"estimate": total / units, **facts},
    )
