"""Simulations and formulas behind notebook 08: how often rules are wrong, how a holdout wears out, what labels cost.

Candidates are drawn, not trained: a candidate is a true difference and a discordance, and an exam gives it counts b and
c, as two models on n rows would. Pure functions; the same seed gives the same numbers.
"""

import math

from mlgate.gate import HOLD, PROMOTE, REJECT, statistics

import numpy as np
import pandas as pd
from scipy.stats import norm

PLAIN = "accuracy >"


def exams(
    n: int, difference: float, discordance: float, times: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return counts (b, c) of `times` exams on n rows: only the candidate or only production right. Shapes (times,)."""
    drawn = random.multinomial(n, chances(difference, discordance), size=times)
    return drawn[:, 0], drawn[:, 1]


def chances(difference: float, discordance: float) -> tuple[float, float, float]:
    """Return the chances that on one row only the candidate is right, only production, or neither alone."""
    return (discordance + difference) / 2, (discordance - difference) / 2, 1 - discordance


def decide(b: np.ndarray, c: np.ndarray, alpha: float) -> np.ndarray:
    """Return what the gate decides from the paired counts alone, at margin 0: an array of PROMOTE, HOLD and REJECT.

    At a difference of 0, Tango's statistic is (b - c) / sqrt(b + c): where it is beyond z, the interval excludes 0.
    """
    z = (b - c) / np.sqrt(np.maximum(b + c, 1))
    promoted = (z > norm.isf(alpha)) & wins(b, c, alpha)
    return np.where(promoted, PROMOTE, np.where(z < -norm.isf(alpha), REJECT, HOLD))


def operating_curve(
    n: int, differences: np.ndarray, discordance: float, alpha: float, times: int = 2_000, seed: int = 0
) -> pd.DataFrame:
    """For each true difference, the share of exams that end in each decision, and in which `accuracy >` promotes."""
    random = np.random.default_rng(seed)
    lines = []
    for difference in differences:
        b, c = exams(n, difference, discordance, times, random)
        made = decide(b, c, alpha)
        line: dict[str, float] = {"difference": difference}
        for name in (PROMOTE, HOLD, REJECT):
            line[name] = float((made == name).mean())
        lines.append({**line, PLAIN: float((b > c).mean())})
    return pd.DataFrame(lines)


def wear_out(
    looks: int, n: int = 2_000, discordance: float = 0.1, alpha: float = 0.05, times: int = 300, seed: int = 0
) -> pd.DataFrame:
    """Return the chance that an equally good candidate was promoted at least once after 1, 2, ... looks at one holdout.

    Columns: `accuracy >`; alpha at each look; alpha / looks at each look (the budget); and the budget again, against
    somebody who tunes each candidate on what the looks before gave away. Candidates are otherwise independent.
    """
    random = np.random.default_rng(seed)
    b, c = exams(n, 0.0, discordance, times * looks, random)
    b = b.reshape(times, looks)
    c = c.reshape(times, looks)
    wins_when_tuned = wins(*tuned(looks, n, discordance, times, random), alpha / looks)
    rules = {
        PLAIN: b > c,
        "alpha at each look": wins(b, c, alpha),
        "alpha / looks (the budget)": wins(b, c, alpha / looks),
        "the budget, but tuned on what leaked": wins_when_tuned,
    }
    shares = {name: np.maximum.accumulate(won, axis=1).mean(axis=0) for name, won in rules.items()}
    return pd.DataFrame({"looks": np.arange(1, looks + 1), **shares})


def tuned(
    looks: int, n: int, discordance: float, times: int, random: np.random.Generator, leak: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """Return counts (times, looks) for somebody who sees each net result and keeps the changes that seemed to help.

    Each new candidate keeps the best one so far on a share `leak` of the rows on which it differed from production, and
    draws the rest anew. None is truly better than production; only the holdout says so.
    """
    b = np.zeros((times, looks), dtype=int)
    c = np.zeros((times, looks), dtype=int)
    best_b, best_c = exams(n, 0.0, discordance, times, random)
    b[:, 0] = best_b
    c[:, 0] = best_c
    for look in range(1, looks):
        kept_b = random.binomial(best_b, leak)
        kept_c = random.binomial(best_c, leak)
        fresh = random.binomial(best_b + best_c - kept_b - kept_c, 0.5)
        b[:, look] = kept_b + fresh
        c[:, look] = best_b + best_c - b[:, look]
        better = b[:, look] - c[:, look] > best_b - best_c
        best_b = np.where(better, b[:, look], best_b)
        best_c = np.where(better, c[:, look], best_c)
    return b, c


def wins(b: np.ndarray, c: np.ndarray, alpha: float) -> np.ndarray:
    """Where mid-p <= alpha."""
    totals, place = np.unique(b + c, return_inverse=True)
    needed = np.array([statistics.smallest_win(int(m), alpha) or math.inf for m in totals])
    return b >= needed[place].reshape(b.shape)
