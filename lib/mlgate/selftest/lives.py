"""Whole lives of a holdout, simulated: how often is a baseless promotion ever made, and how many true ones are?

A look that ends in PROMOTE is given back. So nobody knows beforehand how many looks a life has, and the chance of a
baseless promotion is counted over all of it.
"""

from typing import Any

from mlgate.gate import statistics
from mlgate.ledger.ledger import READINGS
from mlgate.reporting.markdown import table
from mlgate.root import Policy
from mlgate.selftest.simulate import exams, wins

import numpy as np

ROWS = 6_722
DISCORDANCE = 0.06
GAIN = 0.0127  # of a truly better candidate: it wins .606 of the disagreements. All others are as good as production
SHARES = (0.0, 0.2, 0.5)  # of all candidates, truly better
TIMES = 4_000
SURE = 0.999  # a simulation may be off by chance, but seldom


def live(
    policy: Policy, better: float, give_back: bool = True, times: int = TIMES, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return how many baseless and how many true promotions each of `times` lives saw: two arrays (times,).

    better: the share of candidates that are truly better. A life ends when no look is left, or when the rows were read
    READINGS times as often as there are looks.
    """
    random = np.random.default_rng(seed)
    shape = (times, READINGS * policy.looks)
    good = random.random(shape) < better
    won = np.zeros(shape, dtype=bool)
    for mine, gain in ((good, GAIN), (~good, 0.0)):
        b, c = exams(ROWS, gain, DISCORDANCE, int(mine.sum()), random)
        won[mine] = wins(b, c, policy.alpha_look)
    paid = ~won if give_back else np.ones(shape, dtype=bool)
    promoted = won & (np.cumsum(paid, axis=1) - paid < policy.looks)
    return (promoted & ~good).sum(axis=1), (promoted & good).sum(axis=1)


def count(policy: Policy, times: int = TIMES) -> dict[str, Any]:
    """Return, for each share of truly better candidates, how many lives saw a baseless promotion, and the true ones."""
    lines = []
    for share in SHARES:
        baseless, true = live(policy, share, times=times)
        closed = live(policy, share, give_back=False, times=times)[1]
        wrong = int((baseless > 0).sum())
        lines.append({"share": share, "wrong": wrong, "true": float(true.mean()), "closed": float(closed.mean())})
    return {"times": times, "looks": policy.looks, "alpha": policy.alpha, "lines": lines}


def problems(found: dict[str, Any]) -> list[str]:
    """Return each share at which more lives saw a baseless promotion than alpha promises, beyond chance."""
    lives = found["times"]
    return [
        f"a baseless promotion in {line['wrong'] / lives:.2%} of {lives:,} lives, promised {found['alpha']:.2%}"
        for line in found["lines"]
        if statistics.clopper_pearson(line["wrong"], lives, SURE).low > found["alpha"]
    ]


def markdown(found: dict[str, Any]) -> list[str]:
    """Return the same as lines of Markdown."""
    looks = found["looks"]
    head = ("truly better", "lives with a baseless promotion", "true promotions", "if no look were given back")
    rows = [
        (
            f"{line['share']:.0%}",
            f"{line['wrong'] / found['times']:.2%} (promised {found['alpha']:.2%})",
            f"{line['true']:.1f}",
            f"{line['closed']:.1f}",
        )
        for line in found["lines"]
    ]
    title = f"## {found['times']:,} lives of a holdout with {looks} looks and {READINGS * looks} candidates"
    return [title, "", *table(head, rows)]
