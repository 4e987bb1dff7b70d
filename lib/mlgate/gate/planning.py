"""What to expect of labels before they are there, and what they say of the share of wins: see sequential.py."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlgate.gate.sequential import Rule, Walk, step
from mlgate.gate.statistics import Interval

import numpy as np

POWER = 0.8
GRID = 64  # shares tried at once, where an interval ends
ROUNDS = 4


@dataclass(frozen=True)
class Outlook:
    """What is to be expected: the chances of PROMOTE and of REJECT, and after how many labels it ends.

    labels: in the middle of all cases, by a decision or by the budget; most: in nine of ten.
    """

    promoted: float
    rejected: float
    labels: int
    most: int


def outlook(rule: Rule, share: float, wins: int = 0, losses: int = 0) -> Outlook:
    """Return what is to be expected if the candidate wins this share of the disagreements. Exact, but for ties.

    wins, losses: what the labels that are there already said, undecided.
    """
    if rule.win_share <= 0:
        return Outlook(1.0, 0.0, 0, 0)
    for_wins, for_losses = rule.needed()
    alive = np.zeros(rule.horizon + 1)
    alive[wins] = 1.0
    promoted = 0.0
    rejected = 0.0
    ended = np.zeros(rule.horizon + 1)
    for label in range(wins + losses + 1, rule.horizon + 1):
        step(alive, share)
        better = alive[for_wins[label - 1] :]
        worse = alive[: max(0, label - for_losses[label - 1] + 1)]
        ended[label] = better.sum() + worse.sum()
        promoted += float(better.sum())
        rejected += float(worse.sum())
        better[:] = 0.0
        worse[:] = 0.0
    ended[rule.horizon] += alive.sum()
    labels, most = np.searchsorted(np.cumsum(ended), np.array([0.5, 0.9]) - 1e-12).tolist()
    return Outlook(promoted, rejected, labels, most)


def chance_to_leave(needed: Sequence[int], share: float = 0.5) -> float:
    """Return how often a coin that wins this share ever has as many wins as are needed after one of the labels."""
    alive = np.zeros(len(needed) + 1)
    alive[0] = 1.0
    left = 0.0
    for wins in needed:
        step(alive, share)
        left += float(alive[wins:].sum())
        alive[wins:] = 0.0
    return left


def budget_for(share: float, alpha: float, power: float = POWER) -> int:
    """Return how large a budget promotes a candidate that wins this share of the disagreements with this chance.

    The smallest one for which that holds, up to a few labels: the chance does not grow with each single one.
    """
    if not 0.5 < share <= 1:
        raise ValueError(f"A better candidate wins more than half of the disagreements; got a share of {share!r}.")
    low = 0
    high = 1
    while outlook(Rule(high, alpha), share).promoted < power:
        low = high
        high *= 2
    while high - low > 1:
        middle = (low + high) // 2
        if outlook(Rule(middle, alpha), share).promoted < power:
            low = middle
        else:
            high = middle
    return high


def share_interval(walk: Walk, rule: Rule) -> Interval:
    """Return the shares of wins that labels leave possible, each end at the rule's level, whenever one stops.

    A share is out where the corridor that takes it for granted is left; the outermost shares that are in are the ends.
    What was decided stands: a share that the rule's own corridor excludes is out, and so are those beyond it.
    """
    if walk.label == 0:
        return Interval(0.0, 1.0)
    above = rule.win_share if walk.status == "pass" else 0.0
    below = rule.loss_share if walk.status == "fail" else 0.0
    low = _lowest(walk.wins, walk, rule, above)
    return Interval(low, 1 - _lowest(walk.losses, walk, rule, below))


def _lowest(wins: int, walk: Walk, rule: Rule, above: float) -> float:
    """Return the lowest share above another of which so many wins do not leave the corridor."""
    low = above
    high = 1.0
    for _ in range(ROUNDS):
        shares = np.linspace(low, high, GRID)
        inside = wins < _needed_at(walk.label, rule.horizon, rule.alpha, shares, walk.ties)
        if inside[0]:
            return float(shares[0])
        first = int(np.argmax(inside))
        low = float(shares[first - 1])
        high = float(shares[first])
    return high


def _needed_at(label: int, horizon: int, alpha: float, shares: np.ndarray, ties: tuple[int, ...]) -> np.ndarray:
    """Return the wins needed after one label, for several shares at once: see sequential.corridor."""
    skipped = set(ties)
    alive = np.zeros((len(shares), label + 1))
    alive[:, 0] = 1.0
    spent = np.zeros((len(shares), 1))
    wins = np.zeros(0, dtype=np.int64)
    for number in range(1, label + 1):
        if number not in skipped:
            step(alive, shares[:, None])
        tail = np.cumsum(alive[:, ::-1], axis=1)[:, ::-1]
        tail = np.concatenate([tail, np.zeros_like(spent)], axis=1)
        wins = np.argmax(tail <= alpha * number / horizon - spent, axis=1)
        spent += np.take_along_axis(tail, wins[:, None], axis=1)
        alive[np.arange(label + 1) >= wins[:, None]] = 0.0
    return wins


def wealth(wins: int, losses: int) -> float:
    """Return what a gambler who began with 1 has by now, who bets on the candidate before each label.

    If it is no better, the chance of ever having 1 / alpha is at most alpha (Ville 1939), and no budget has to be
    named: so 1 / wealth is a p-value, whenever one stops. The bets are a uniform mixture over the shares above a half.
    """
    labels = wins + losses
    from scipy.stats import binom  # here: it takes longer to import than to plan

    return float(2 * binom.cdf(wins, labels + 1, 0.5) / ((labels + 1) * binom.pmf(wins, labels, 0.5)))
