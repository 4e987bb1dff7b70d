"""The corridor: stop labelling when the verdict is certain, and look after every label without paying for it.

Of rows that two models answer differently, a label says which of them wins. If the candidate is no better, its lead
walks like a fair coin's. The corridor is as wide as such walks need: after t of `horizon` labels, at most
alpha t / horizon of them have ever left it. So whoever stops when they like is fooled at most alpha of the time.
Source: Lan & DeMets 1983, Biometrika 70:659 (spending), with exact binomial chances and a look after every label.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from mlgate.gate.statistics import clopper_pearson
from mlgate.gate.verdict import Status

import numpy as np

FOR_DISCORDANCE = 0.1  # of alpha, with a margin: what it may cost that the share of disagreements is not known exactly


def corridor(horizon: int, alpha: float, share: float = 0.5, ties: Iterable[int] = ()) -> list[int]:
    """Return how many wins are needed after each of `horizon` labels. More than there are labels: out of reach.

    share: the chance of a win of a candidate that is just not better. ties: the labels, counted from 1, at which both
    models were wrong, or nobody could say: they move nothing.
    """
    if horizon < 1 or not 0 < alpha < 1 or not 0 <= share <= 1:
        raise ValueError(f"No corridor has horizon {horizon!r}, alpha {alpha!r} and share {share!r}.")
    return list(_corridor(horizon, alpha, share, tuple(sorted(set(ties)))))


@lru_cache(maxsize=64)
def _corridor(horizon: int, alpha: float, share: float, ties: tuple[int, ...]) -> tuple[int, ...]:
    skipped = set(ties)
    alive = np.zeros(horizon + 1)  # alive[w]: the chance of being inside still, with w wins
    alive[0] = 1.0
    spent = 0.0
    needed = []
    for label in range(1, horizon + 1):
        if label not in skipped:
            step(alive, share)
        tail = np.append(np.cumsum(alive[::-1])[::-1], 0.0)  # the chance of w wins or more
        wins = int(np.argmax(tail <= alpha * label / horizon - spent))
        spent += float(tail[wins])
        alive[wins:] = 0.0
        needed.append(wins)
    return tuple(needed)


def step(alive: np.ndarray, share: float | np.ndarray) -> None:
    """Let a coin fall that wins with this chance: move the chances of w wins, (..., w), on by one label, in place."""
    won = alive[..., :-1] * share
    alive *= 1 - share
    alive[..., 1:] += won


@dataclass(frozen=True)
class Rule:
    """Two corridors: PROMOTE where the wins leave the one, REJECT where the losses leave the other.

    Each has its level, and the share of wins (or losses) that it has to be shown to be wrong. A win_share of 0: nothing
    has to be shown.
    """

    horizon: int
    alpha: float
    win_share: float = 0.5
    loss_share: float = 0.5

    def needed(self, ties: Iterable[int] = ()) -> tuple[list[int], list[int]]:
        """Return the wins and the losses that are needed after each label."""
        ties = tuple(ties)
        for_wins = corridor(self.horizon, self.alpha, self.win_share, ties)
        for_losses = corridor(self.horizon, self.alpha, self.loss_share, ties)
        return for_wins, for_losses


def rule_for(different: int, rows: int, horizon: int, alpha: float, margin: float = 0.0) -> Rule:
    """Return the rule for so many disagreements in so many rows of traffic.

    PROMOTE shows a difference above the margin; REJECT one below it and below 0. With a margin it matters how often
    the models disagree in the traffic: its worst end takes a tenth of alpha.
    """
    if margin == 0:
        return Rule(horizon, alpha)
    ends = clopper_pearson(different, rows, 1 - 2 * FOR_DISCORDANCE * alpha)
    rest = (1 - FOR_DISCORDANCE) * alpha
    if margin > 0:
        return Rule(horizon, rest, null_share(ends.low, margin))
    return Rule(horizon, rest, null_share(ends.high, margin), null_share(ends.low, -margin))


def null_share(discordance: float, difference: float) -> float:
    """Return the share of wins among the disagreements at which the difference is just this: from 0 to 1."""
    if discordance <= 0:
        return float(difference > 0)
    return min(1.0, max(0.0, 0.5 + difference / (2 * discordance)))


@dataclass(frozen=True)
class Walk:
    """Where labels led: "pass" (better), "fail" (worse) or "undecided".

    label: after which one that was decided, else how many there are. wins, losses: up to there. ties: which of those
    labels, counted from 1, moved nothing.
    """

    status: Status
    label: int
    wins: int
    losses: int
    ties: tuple[int, ...] = ()


def follow(outcomes: Sequence[int], rule: Rule) -> Walk:
    """Follow outcomes in order (1 a win, -1 a loss, 0 a tie) until one of the corridors is left, or the budget ends."""
    if rule.win_share <= 0:
        return Walk("pass", 0, 0, 0)
    outcomes = outcomes[: rule.horizon]
    ties = tuple(label for label, outcome in enumerate(outcomes, 1) if outcome == 0)
    for_wins, for_losses = rule.needed(ties)
    wins = 0
    losses = 0
    for label, outcome in enumerate(outcomes, 1):
        wins += outcome == 1
        losses += outcome == -1
        before = tuple(tie for tie in ties if tie <= label)
        if wins >= for_wins[label - 1]:
            return Walk("pass", label, wins, losses, before)
        if losses >= for_losses[label - 1]:
            return Walk("fail", label, wins, losses, before)
    return Walk("undecided", len(outcomes), wins, losses, ties)


def least_labels(rule: Rule) -> int:
    """Return how many labels it takes at least: the first at which one side can win. Beyond the horizon: none can."""
    if rule.win_share <= 0:
        return 0
    for_wins, for_losses = rule.needed()
    pairs = enumerate(zip(for_wins, for_losses, strict=True), 1)
    return next((label for label, pair in pairs if min(pair) <= label), rule.horizon + 1)
