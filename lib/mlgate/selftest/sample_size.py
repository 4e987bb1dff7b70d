"""What labels cost: how many rows a gate needs, by the formulas of ease.ml/ci and by the gate's own.

Source: Renggli et al., "Continuous Integration of Machine Learning Models with ease.ml/ci", MLSys 2019. A team judges
`steps` candidates on one set of rows. With probability 1 - delta, no verdict is wrong: a candidate that passes is truly
better, and one that is better by 2 tolerances passes. adaptivity "none": no candidate was made with earlier results at
hand; "full": each one was, so that each of the 2^steps possible histories has to be covered.
"""

import math

from mlgate.gate import statistics

import pandas as pd
from scipy.optimize import brentq

NONE, FULL = "none", "full"


def log_histories(steps: int, adaptivity: str) -> float:
    """Return the natural logarithm of how many events the union bound has to cover."""
    return steps * math.log(2) if adaptivity == FULL else math.log(steps)


def hoeffding(tolerance: float, delta: float, steps: int, adaptivity: str = NONE, models: int = 2) -> int:
    """Rows for a difference of `models` accuracies, each estimated by itself: ease.ml/ci's baseline.

    The tolerance and delta are shared between the two accuracies. models=1: a single accuracy against a fixed value.
    """
    rows = models**2 * (log_histories(steps, adaptivity) + math.log(models / delta)) / (2 * tolerance**2)
    return math.ceil(rows)


def bennett(tolerance: float, delta: float, steps: int, churn: float, adaptivity: str = NONE) -> int:
    """Rows for the paired difference, where at most a share `churn` of the answers changes: their optimised estimator.

    Half of delta goes to showing, without labels, that no more than `churn` changes.
    """
    ratio = tolerance / churn
    h = (1 + ratio) * math.log1p(ratio) - ratio
    return math.ceil((log_histories(steps, adaptivity) + math.log(4 / delta)) / (churn * h))


def active(tolerance: float, delta: float, churn: float) -> int:
    """Labels for one step where only rows that the two models answer differently are labelled, on fresh rows."""
    return math.ceil(churn * bennett(tolerance, delta, 1, churn))


def mcnemar(
    tolerance: float, delta: float, steps: int, churn: float, adaptivity: str = NONE, power: float = 0.8
) -> int:
    """Rows with which this gate promotes a candidate that is better by 2 tolerances, with probability `power`.

    Its alpha is delta, shared among the steps (or the histories); exact, where `rows_needed` is an approximation.
    """
    alpha = math.exp(math.log(delta) - log_histories(steps, adaptivity))
    close = statistics.rows_needed(2 * tolerance, churn, alpha, power)

    def short(rows: float) -> float:
        return statistics.power(round(rows), 2 * tolerance, churn, alpha) - power

    return math.ceil(brentq(short, close / 3, close * 3, xtol=1))


def table(tolerance: float, delta: float, steps: int, churn: float) -> pd.DataFrame:
    """Every way to size the rows, side by side. labels a look: where only disagreements need one, churn x rows."""
    lines = []

    def add(way: str, adaptivity: str, rows: int, labels: float) -> None:
        lines.append({"estimator": way, "adaptivity": adaptivity, "rows": rows, "labels a look": round(labels)})

    for adaptivity in (NONE, FULL):
        rows = hoeffding(tolerance, delta, steps, adaptivity)
        add("Hoeffding, each model by itself", adaptivity, rows, rows)
    for adaptivity in (NONE, FULL):
        rows = bennett(tolerance, delta, steps, churn, adaptivity)
        add(f"Bennett, at most {churn:.0%} of answers change", adaptivity, rows, rows)
    rows = bennett(tolerance, delta / steps, 1, churn)
    add("the same, fresh rows each step, active labelling", FULL, rows * steps, rows * churn)
    for power in (1 - delta, 0.8):
        for adaptivity in (NONE, FULL):
            rows = mcnemar(tolerance, delta, steps, churn, adaptivity, power)
            add(f"this gate, power {power:.4g}", adaptivity, rows, rows * churn)
    return pd.DataFrame(lines)
