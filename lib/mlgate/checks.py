"""The checks: each looks at a scorecard, and says in plain words how one demand of the policy stands."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from mlgate import statistics
from mlgate.policy import Policy
from mlgate.scorecard import Scorecard


@dataclass(frozen=True)
class Check:
    """One demand and how it stands: status "pass", "fail", "undecided" or "skipped", and why, in plain words."""

    name: str
    status: str
    action: str
    observed: float | None
    required: float | None
    reason: str


@dataclass(frozen=True)
class Difference:
    """Candidate's accuracy minus production's, its interval, and the one-sided mid-p for "the candidate is better"."""

    estimate: float
    low: float
    high: float
    confidence: float
    p_value: float


def compare(scorecard: Scorecard, alpha: float) -> Difference:
    """The paired difference in accuracy on a scorecard, with Tango's interval at confidence 1 - 2 alpha."""
    (b, c), n = scorecard.discordant, scorecard.count
    low, high = statistics.tango(b, c, n, 1 - 2 * alpha)
    return Difference((b - c) / n, low, high, 1 - 2 * alpha, statistics.midp(b, c))


def points(difference: Difference) -> str:
    """The difference and its interval in words, in percentage points."""
    estimate, low, high = (f"{100 * value:+.2f}" for value in (difference.estimate, difference.low, difference.high))
    return f"{estimate} points ({low} to {high})"


def usable(scorecard: Scorecard) -> Check:
    """The candidate did not answer: it would not load, raised, or speaks of other classes."""
    return Check("usable", "fail", "reject", None, None, f"the candidate cannot be used: {scorecard.candidate.fault}")


def identical(scorecard: Scorecard) -> Check:
    """The candidate answers every row as production does: there is nothing to win."""
    same = scorecard.production.digest is not None and scorecard.production.digest == scorecard.candidate.digest
    what = "the same model" if same else f"the same answer to each of the {scorecard.count:,} rows"
    return Check("identical", "undecided", "hold", 0.0, None, f"identical to production: {what}")


def better(scorecard: Scorecard, policy: Policy, alpha: float, difference: Difference) -> Check:
    """The candidate is shown to be better than production by more than the margin (below 0: not that much worse)."""
    b, c = scorecard.discordant
    margin, size = policy.margin, f"{100 * abs(policy.margin):.2f} points"
    if difference.low > margin and (margin != 0 or difference.p_value <= alpha):
        status = "pass"
        what = {0: "better than production", 1: f"better than production by more than {size}"}.get(
            (margin > 0) - (margin < 0), f"not worse than production by more than {size}"
        )
    elif difference.high < min(margin, 0):
        status, what = "fail", "worse than production" + (f" by more than {size}" if margin < 0 else "")
    elif margin >= 0 and statistics.smallest_win(b + c, alpha) is None:
        status, what = "undecided", "too few rows tell the two models apart"
    else:
        status, what = "undecided", "neither shown to be better than production nor to be worse"
    reason = f"{what}: {points(difference)}; {b:,} rows only the candidate gets right, {c:,} only production"
    return Check("difference", status, "reject", difference.estimate, margin, reason)


def guards(scorecard: Scorecard, policy: Policy) -> tuple[Check, ...]:
    """The floors and the slices. They share one level, so that together they seldom turn an honest model away."""
    made: list[tuple[str, Callable[[float], Check]]] = [
        (policy.one_class_action, lambda level: one_class(scorecard, policy.one_class_action, level))
    ]
    if policy.accuracy is not None:
        made.insert(0, (policy.accuracy_action, lambda level: accuracy_floor(scorecard, policy, level)))
    for name, members in _groups(scorecard, policy).items():
        made.append((policy.slices_action, partial(_slice, scorecard, policy, name, members)))
    level = policy.guards_alpha / max(1, sum(action != "report" for action, _ in made))
    return tuple(make(level) for _, make in made)


def accuracy_floor(scorecard: Scorecard, policy: Policy, level: float) -> Check:
    """The candidate's accuracy against an absolute floor: it fails only where it is shown to be below."""
    floor, n = policy.accuracy or 0.0, scorecard.count
    observed = scorecard.accuracy[1]
    _, high = statistics.wilson(round(observed * n), n, 1 - 2 * level)
    status = "pass" if observed >= floor else "fail" if high < floor else "undecided"
    words = {"pass": "not below", "fail": "below", "undecided": "below (perhaps by chance)"}[status]
    reason = f"accuracy {observed:.2%} is {words} the floor of {floor:.0%}"
    return Check("accuracy floor", status, policy.accuracy_action, observed, floor, reason)


def one_class(scorecard: Scorecard, action: str, level: float) -> Check:
    """The candidate against a model that reads nothing and always answers the most frequent label."""
    (b, c), n = scorecard.against_one_class, scorecard.count
    low, high = statistics.tango(b, c, n, 1 - 2 * level)
    usual = "always answering the most frequent label"
    if (scorecard.confusion("candidate").sum(axis=0) > 0).sum() == 1:
        status, what = "fail", "gives one and the same answer to every row"
    elif low > 0:
        status, what = "pass", f"is better than {usual}"
    elif high < 0:
        status, what = "fail", f"is worse than {usual}"
    else:
        status, what = "undecided", f"is not shown to be better than {usual}"
    right = scorecard.accuracy[1]
    reason = f"the candidate {what}: {right:.2%} right, against {right - (b - c) / n:.2%}"
    return Check("one class", status, action, (b - c) / n, 0.0, reason)


def _groups(scorecard: Scorecard, policy: Policy) -> dict[str, tuple[str, ...]]:
    """The slices to guard: each required one, each that is large enough, and the small ones pooled into one."""
    names = sorted(set(scorecard.slices) | set(policy.required)) if len(scorecard.slices) > 1 or policy.required else []
    small = [
        name for name in names if name not in policy.required and scorecard.rows_of_slice(name) < policy.minimum_rows
    ]
    groups = {f"slice {name}": (name,) for name in names if name not in small}
    if small:
        groups["small slices pooled"] = tuple(small)
    return groups


def _slice(scorecard: Scorecard, policy: Policy, name: str, members: tuple[str, ...], level: float) -> Check:
    check = partial(Check, name, action=policy.slices_action, required=-policy.tolerance)
    rows, part = sum(map(scorecard.rows_of_slice, members)), scorecard.of_slices(*members)
    if rows < policy.minimum_rows or part is None:
        needed = f"{name} has {rows:,} rows; at least {policy.minimum_rows:,}, of more than one label, are needed"
        blocks = members[0] in policy.required
        return check(status="undecided" if blocks else "skipped", observed=None, reason=f"{needed} to judge it")
    found, (b, c) = compare(part, level), part.discordant
    shown = found.high < -policy.tolerance and (policy.tolerance > 0 or statistics.midp(c, b) <= level)
    what = "worse" if shown else "not shown to be worse"
    reason = f"{what} on {name.removeprefix('slice ')}: {points(found)} on {rows:,} rows"
    return check(status="fail" if shown else "pass", observed=found.estimate, reason=reason)
