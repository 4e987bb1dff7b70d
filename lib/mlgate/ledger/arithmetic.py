"""What a verdict follows from: its own checks and counts. Whoever does not believe a verdict works it out again here.

A second way to the gate's own arithmetic, with Python's standard library alone. Tests hold the two equal.
"""

import math
from collections.abc import Container, Iterable, Mapping
from statistics import NormalDist
from typing import Any

NEGLIGIBLE = 1e-18  # of a sum whose terms fall: what is left of them changes no digit


def decision(checks: Iterable[Mapping[str, Any]]) -> str:
    """Return what these checks, as verdict.json holds them, make: "PROMOTE", "HOLD" or "REJECT" (see gate.decide)."""
    counting = [check for check in checks if check["action"] != "report" and check["status"] != "skipped"]
    if any(check["status"] == "fail" and check["action"] == "reject" for check in counting):
        return "REJECT"
    if counting and all(check["status"] == "pass" for check in counting):
        return "PROMOTE"
    return "HOLD"


def standing(counts: tuple[int, int, int], margin: float, alpha: float) -> str:
    """Return how b wins and c losses in n rows stand: "pass" (better), "fail" (worse) or "undecided".

    Tango's interval need not be found for that: its limit lies beyond a difference where the score there lies beyond z.
    See gate.standing.
    """
    b, c, _ = counts
    z = -NormalDist().inv_cdf(alpha)
    if score(counts, margin) > z and (margin != 0 or midp(b, c) <= alpha):
        return "pass"
    if score(counts, min(margin, 0)) < -z:
        return "fail"
    return "undecided"


def midp(b: int, c: int) -> float:
    """Return the one-sided McNemar mid-p: P(X > b) + P(X = b) / 2 where X ~ Binomial(b + c, 1/2)."""
    if b < c:
        return 1 - midp(c, b)
    m = b + c
    term: float = math.comb(m, b) / 2**m
    total = term / 2
    for wins in range(b + 1, m + 1):
        term *= (m - wins + 1) / wins
        total += term
        if term < NEGLIGIBLE * total:
            break
    return total


def walked(labels: Mapping[str, Any], horizon: int, alpha: float) -> str:
    """Return how the counts of labels stand, after which labelling was ended: "pass", "fail" or "undecided".

    See gate.sequential.follow: an end lies where a corridor is left, or where the budget is spent.
    """
    needed = corridor(horizon, alpha, set(labels["tied"]))[labels["count"] - 1]
    if labels["wins"] >= needed:
        return "pass"
    if labels["losses"] >= needed:
        return "fail"
    return "undecided"


def corridor(horizon: int, alpha: float, ties: Container[int] = ()) -> list[int]:
    """Return the wins that are needed after each label. See gate.corridor."""
    alive = [1.0]
    spent = 0.0
    needed = []
    for label in range(1, horizon + 1):
        if label not in ties:
            alive = [(one + other) / 2 for one, other in zip([*alive, 0.0], [0.0, *alive], strict=True)]
        wins = len(alive)
        outside = 0.0
        while wins and outside + alive[wins - 1] <= alpha * label / horizon - spent:
            wins -= 1
            outside += alive[wins]
        spent += outside
        del alive[wins:]
        needed.append(wins)
    return needed


def score(counts: tuple[int, int, int], d: float) -> float:
    """Return Tango's score statistic for "the true difference is d" of b wins and c losses in n rows.

    See gate.statistics.tango_z.
    """
    b, c, n = counts
    root = math.hypot(b - c - (2 * n - b - c) * d, 2 * math.sqrt(b * c * ((1 - d) * (1 + d))))
    variance = (root + (b + c) + (b - c) * d - 2 * n * d * d) / 2
    excess = b - c - n * d
    if variance > 0:
        return excess / math.sqrt(variance)
    if excess == 0:
        return 0.0
    return math.copysign(math.inf, excess)
