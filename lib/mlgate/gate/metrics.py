"""The metrics that the cells of a scorecard determine: what each model's answers are worth, and what a row adds to it.

Each is a table, label x answer: what a row of this kind adds to its model's metric, to first order (the influence
value of the delta method). Its mean over the rows is the metric, and the difference of two of them is what the
candidate gains on a row. In every table more is better; the value that people read is the metric's own.
"""

from collections.abc import Callable, Mapping
from typing import Any

from mlgate.errors import MlgateError
from mlgate.root import LOSSES, Metric

import numpy as np

Costs = Mapping[tuple[str, str], float]
Table = Callable[[np.ndarray], Any]

WORDS: dict[str, str] = {
    "accuracy": "accuracy",
    "pass_rate": "pass rate",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "cost": "cost a row",
    "mae": "mean absolute error",
    "mse": "mean squared error",
    "auc": "AUC",
    "log_loss": "log loss",
    "brier": "Brier score",
}
UNNAMED = 1.0  # what a wrong answer costs that [decision] costs does not name


def in_units(value: float, metric: str, sign: str = "+") -> str:
    """Return a difference as people read it: in points where the metric is a share, else a number in its own unit."""
    if metric in LOSSES:
        return f"{value:{sign}.4g}"
    return f"{100 * value:{sign}.2f}"


def unit_of(metric: str) -> str:
    """Return what a difference is measured in; of a loss, how much less of it there is."""
    if metric in LOSSES:
        return f"less {WORDS[metric]}"
    return "points" if metric == "accuracy" else f"points of {WORDS[metric]}"


def reading(value: float, metric: str, digits: int = 2) -> str:
    """Return the metric of one model as people read it."""
    return f"{value:.4g}" if metric in LOSSES else f"{value:.{digits}%}"


def table_of(metric: Metric, classes: tuple[str, ...], costs: Costs) -> Table:
    """Return the function from a confusion matrix (truth, answer; last column: none) to the table of its shape."""
    if metric == "cost":
        prices = price_table(classes, costs)
        return lambda confusion: -prices
    tables: dict[str, Table] = {"balanced_accuracy": _balanced_accuracy, "macro_f1": _macro_f1, "auc": _auc}
    return tables.get(metric, _accuracy)


def _accuracy(confusion: np.ndarray) -> np.ndarray:
    return np.eye(*confusion.shape)


def _balanced_accuracy(confusion: np.ndarray) -> Any:
    """Return the table of the mean recall of the classes that occur among the labels."""
    labels = confusion.sum(axis=1)
    there = labels > 0
    recall = np.diag(confusion) / np.maximum(labels, 1)
    weight = np.where(there, labels.sum() / np.maximum(labels, 1), 0) / there.sum()
    return recall[there].mean() + weight[:, None] * (np.eye(*confusion.shape) - recall[:, None])


def _macro_f1(confusion: np.ndarray) -> Any:
    """Return the table of the mean F1 of the classes that occur among the labels.

    F1 is twice the hits over labels and answers together.
    """
    labels = confusion.sum(axis=1)
    both = labels + confusion.sum(axis=0)[:-1]
    there = labels > 0
    f1 = 2 * np.diag(confusion) / np.maximum(both, 1)
    weight = np.where(there, labels.sum() / np.maximum(both, 1), 0) / there.sum()
    of_label = weight * f1
    of_answer = np.append(of_label, 0)
    hits = np.eye(*confusion.shape) * 2 * weight[:, None]
    return f1[there].mean() + hits - of_label[:, None] - of_answer


def _auc(confusion: np.ndarray) -> Any:
    """Return the table of the AUC: how often a row of label 1 scores more than one of label 0, ties counting half.

    confusion: two labels by bins of scores. A row's part is the share of the other label's rows that it is on the right
    side of: its structural component in DeLong's variance. Source: DeLong et al. 1988, Biometrics 44:837.
    """
    negative, positive = confusion[:, :-1] / confusion[:, :-1].sum(axis=1, keepdims=True)
    above = 1 - np.cumsum(positive) + positive / 2
    below = np.cumsum(negative) - negative / 2
    auc = float(positive @ below)
    labels = confusion.sum(axis=1).astype(float)
    weights = labels.sum() / np.sqrt(labels * np.maximum(labels - 1, 1))  # the variance of few rows is one too small
    table = np.zeros(confusion.shape)
    table[0, :-1] = auc + weights[0] * (above - auc)
    table[1, :-1] = auc + weights[1] * (below - auc)
    return table


def price_table(classes: tuple[str, ...], costs: Costs) -> np.ndarray:
    """Return what each answer to each label costs, label x answer; no answer costs what the worst one does.

    Raises MlgateError where costs name a class that there is none of.
    """
    prices = UNNAMED - np.eye(len(classes))
    for names, cost in costs.items():
        for name in names:
            if name not in classes:
                known = ", ".join(map(repr, classes[:10]))
                raise MlgateError(f"[decision] costs names the class {name!r:.80}; there are {known}. Mend that line.")
        label, answer = map(classes.index, names)
        prices[label, answer] = cost
    return np.column_stack([prices, prices.max(axis=1)])
