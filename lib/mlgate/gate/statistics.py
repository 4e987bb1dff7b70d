"""Is the candidate better? Tests, intervals and power on paired counts.

Both models answer the same n rows. b rows only the candidate gets right, c rows only production gets right;
difference = (b - c) / n, discordance = (b + c) / n. Differences and limits are fractions: 0.016 is 1.6 points.
Every function raises ValueError for counts that are not whole numbers, or are negative, or do not fit together.
"""

import math
from collections.abc import Callable
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from scipy.special import betainc, betainccinv, betaincinv, ndtri  # scipy.stats takes longer to import than a verdict

Array = np.ndarray | int


class Interval(NamedTuple):
    """A confidence interval: low <= high, as fractions."""

    low: float
    high: float


def midp(b: int, c: int) -> float:
    """One-sided McNemar mid-p for "the candidate is better": P(X > b) + P(X = b) / 2 where X ~ Binomial(b + c, 1/2).

    0.5 where b = c; midp(b, c) + midp(c, b) = 1. Source: Fagerland, Lydersen & Laake 2013, doi 10.1186/1471-2288-13-91.
    """
    b, c = _counts(b=b, c=c)
    return float(_midp(b, b + c))


def exact(b: int, c: int) -> float:
    """One-sided exact McNemar p-value: P(X >= b) where X ~ Binomial(b + c, 1/2).

    Keeps its level at every b + c, and pays for it: it promotes fewer of the better models than mid-p.
    """
    b, c = _counts(b=b, c=c)
    return float(binomial_tail(b - 1, b + c, 0.5))


def exact_loss(b: int, c: int, excess: float) -> float:
    """One-sided exact p-value for "production gets more rows right, by more than `excess`".

    P(X >= c) where X ~ Binomial(b + c, 1/2 + excess / (2 (b + c))): the share of losses among the disagreements, if
    `excess` rows more were lost than won. At excess 0 it is the exact McNemar test, which keeps its level at any size.
    """
    b, c = _counts(b=b, c=c)
    if b + c <= excess:
        return 1.0
    return float(binomial_tail(c - 1, b + c, (1 + excess / (b + c)) / 2))


def tango_z(b: int, c: int, n: int, d: float) -> float:
    """Tango's score statistic for "the true difference is d": large and positive where the data say it is more.

    Falls as d grows, and is 0 at (b - c) / n. At a negative d it is the test of non-inferiority within that margin.
    Source: Tango 1998, Statistics in Medicine 17:891; his q is eliminated here, which leaves b and c symmetric.
    """
    b, c, n = _paired(b, c, n)
    if not -1 <= d <= 1:
        raise ValueError(f"A difference lies between -1 and 1; got d = {d!r}.")
    return _tango_z(b, c, n, d)


def _tango_z(b: int, c: int, n: int, d: float) -> float:
    """tango_z of counts that fit together."""
    root = math.hypot(b - c - (2 * n - b - c) * d, 2 * math.sqrt(b * c * ((1 - d) * (1 + d))))
    variance = (root + (b + c) + (b - c) * d - 2 * n * d * d) / 2
    excess = b - c - n * d
    if variance > 0:
        return excess / math.sqrt(variance)
    return math.copysign(math.inf, excess) if excess else 0.0  # d = -1 or 1, or no row on which they differ


def tango(b: int, c: int, n: int, confidence: float) -> Interval:
    """Tango's score interval (low, high) for the true difference: all d with tango_z from -z to z.

    `confidence` is two-sided: 1 - 2 alpha for a one-sided test at alpha. -1 <= low <= (b - c) / n <= high <= 1.
    """
    b, c, n = _paired(b, c, n)
    z = _z(confidence)
    return Interval(_tango_low(b, c, n, z), -_tango_low(c, b, n, z))


def wilson(k: int, n: int, confidence: float) -> Interval:
    """Wilson's score interval (low, high) for a share: k of n rows. Source: Wilson 1927, JASA 22:209."""
    k, n = _share(k, n)
    z = _z(confidence)

    def low(k: int) -> float:  # the textbook's low, multiplied out so that nothing cancels: 0 where k = 0
        return k * k / n / (k + z * z / 2 + z * math.sqrt(k * (n - k) / n + z * z / 4))

    return Interval(low(k), 1 - low(n - k))


def clopper_pearson(k: int, n: int, confidence: float) -> Interval:
    """Clopper and Pearson's exact interval (low, high) for a share: covers at least at its level.

    Source: Clopper & Pearson 1934, Biometrika 26:404.
    """
    k, n = _share(k, n)
    tail = (1 - _probability(confidence=confidence)) / 2
    low = 0.0
    if k > 0:
        low = float(betaincinv(k, n - k + 1, tail))
    high = 1.0
    if k < n:
        high = float(betainccinv(k + 1, n - k, tail))
    return Interval(low, high)


def normal_quantile(tail: float) -> float:
    """Return the z that a standard normal variable exceeds with this probability."""
    return -float(ndtri(tail))


def rows_needed(difference: float, discordance: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """How many rows show a true `difference` > 0 with probability `power`, testing one-sided at `alpha`.

    An approximation for planning; `power` (the function) is exact. Source: Connor 1987, Biometrics 43:207.
    """
    _check_rates(difference, discordance)
    if not difference > 0 or not _probability(alpha=alpha) < _probability(power=power):
        raise ValueError("rows_needed plans for a difference above 0, and a power above alpha.")
    z_alpha = normal_quantile(alpha)
    z_power = float(ndtri(power))
    root = z_alpha * math.sqrt(discordance) + z_power * math.sqrt(discordance - difference**2)
    return math.ceil((root / difference) ** 2)


def power(n: int, difference: float, discordance: float, alpha: float) -> float:
    """Probability that mid-p <= alpha on n rows; at difference 0, how often an equally good candidate wins.

    `difference` and `discordance` are the true ones, as fractions. Exact: a sum over every likely b + c.
    """
    _probability(alpha=alpha)
    return _rate_of_winning(n, difference, discordance, lambda m: _smallest_win(m, alpha))


def plain_rule_rate(n: int, difference: float, discordance: float) -> float:
    """Probability that the plain rule "candidate > production", that is b > c, promotes on n rows."""
    return _rate_of_winning(n, difference, discordance, lambda m: m // 2 + 1)


def smallest_win(m: int, alpha: float) -> int | None:
    """Return the smallest b for which mid-p <= alpha, given m = b + c; None where even b = m does not win."""
    _counts(m=m)
    b = int(_smallest_win(int(m), _probability(alpha=alpha)))
    return b if b <= m else None


def _midp(b: Array, m: Array) -> Any:
    """midp, given m = b + c, for arrays: the mean of P(X >= b) and P(X > b), so that nothing cancels in the tail."""
    return (binomial_tail(b - 1, m, 0.5) + binomial_tail(b, m, 0.5)) / 2


def binomial_tail(k: Array, n: Array, share: float) -> Any:
    """P(X > k) where X ~ Binomial(n, share), for arrays: what scipy.stats.binom.sf says, to the last bit."""
    inside = betainc(np.clip(k, 0, None) + 1, np.clip(n - k, 1, None), share)
    return np.where(np.less(k, 0), 1.0, np.where(np.less(k, n), inside, 0.0))


def _smallest_win(m: Array, alpha: float) -> Any:
    """smallest_win for arrays; m + 1 where nothing wins. P(X > b) <= alpha finds it, or stops one short of it."""
    from scipy.stats import binom

    b = binom.isf(alpha, m, 0.5)
    return b + (_midp(b, m) > alpha)


def _rate_of_winning(n: int, difference: float, discordance: float, first_win: Callable[[np.ndarray], Any]) -> float:
    """P(b >= first_win(b + c)): b + c ~ Binomial(n, discordance), and given that, b is binomial too."""
    _counts(n=n)
    _check_rates(difference, discordance)
    if discordance == 0:
        return 0.0
    from scipy.stats import binom

    m = np.arange(binom.ppf(1e-15, n, discordance), binom.isf(1e-15, n, discordance) + 1)
    share = (discordance + difference) / (2 * discordance)
    return float(binom.pmf(m, n, discordance) @ binomial_tail(first_win(m) - 1, m, share))


def _tango_low(b: int, c: int, n: int, z: float) -> float:
    """Where tango_z falls to z, between -1 and the estimate; through atan, which keeps an infinite tango_z finite."""
    estimate = (b - c) / n
    if c == n or _tango_z(b, c, n, estimate) >= z:  # nothing below the estimate; or a z that rounds to 0
        return estimate

    wanted = math.atan(z)

    def excess(d: float) -> float:
        return math.atan(_tango_z(b, c, n, d)) - wanted

    return _root(excess, -1, estimate)


def _root(falling: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling function passes 0 between `low` and `high`: by bisection, until no number lies between."""
    while low < (middle := (low + high) / 2) < high:
        if falling(middle) > 0:
            low = middle
        else:
            high = middle
    return high


def _z(confidence: float) -> float:
    return normal_quantile((1 - _probability(confidence=confidence)) / 2)


def _counts(**counts: int) -> list[int]:
    for name, value in counts.items():
        if not isinstance(value, Integral) or value < 0:
            raise ValueError(f"{name} must be a whole number, 0 or more; got {value!r}.")
    return [int(value) for value in counts.values()]  # Python's own: they do not overflow


def _paired(b: int, c: int, n: int) -> tuple[int, int, int]:
    b, c, n = _counts(b=b, c=c, n=n)
    if n == 0 or b + c > n:
        raise ValueError(f"b + c rows out of n cannot be {b} + {c} out of {n}.")
    return b, c, n


def _share(k: int, n: int) -> tuple[int, int]:
    k, n = _counts(k=k, n=n)
    if n == 0 or k > n:
        raise ValueError(f"k rows out of n cannot be {k} out of {n}.")
    return k, n


def _probability(**named: float) -> float:
    for name, value in named.items():
        if not 0 < value < 1:
            raise ValueError(f"{name} must lie between 0 and 1; got {value!r}.")
    return value


def _check_rates(difference: float, discordance: float) -> None:
    if not abs(difference) <= discordance <= 1:
        raise ValueError(f"|difference| <= discordance <= 1 does not hold for {difference!r} and {discordance!r}.")
