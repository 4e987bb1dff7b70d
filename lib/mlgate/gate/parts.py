"""Guards for parts of the rows, slices and classes: harm in one that the whole would hide.

Each required slice, and each part that is large enough, has a guard of its own. The small ones share a guard, which
judges them pooled and one by one: so harm that the rows show counts at any size, and many small parts together turn
an honest model away no more often than one guard may.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from mlgate.gate import statistics
from mlgate.gate.difference import compare_counts, points
from mlgate.gate.label_free import status_of
from mlgate.gate.verdict import Check, Code
from mlgate.root import Action, Policy
from mlgate.scorecard import Scorecard


@dataclass(frozen=True)
class Part:
    """The rows of one slice or class. b: only the candidate gets right, c: only production gets right."""

    name: str
    b: int
    c: int
    rows: int

    def is_worse(self, tolerance: float, level: float, large: bool) -> bool:
        """Whether the candidate is shown to be worse here by more than the tolerance.

        Few rows are judged by the exact test, which keeps its level at any size.
        """
        if not large:
            return statistics.exact_loss(self.b, self.c, tolerance * self.rows) <= level
        high = statistics.tango(self.b, self.c, self.rows, 1 - 2 * level).high
        return high < -tolerance and (tolerance > 0 or statistics.midp(self.c, self.b) <= level)


@dataclass(frozen=True)
class Demand:
    """What is demanded of parts of one kind ("slice" or "class")."""

    code: Code
    tolerance: float
    action: Action
    required: tuple[str, ...]
    policy: Policy

    def named(self, name: str) -> str:
        """Return the name of a part's check."""
        return f"{self.code} {name}"

    def check(self, name: str) -> "partial[Check]":
        """Return a check of this demand, whose outcome is still to come."""
        return partial(Check, self.code, name=name, action=self.action, required=0 - self.tolerance, uses_labels=True)


def slice_guards(scorecard: Scorecard, policy: Policy) -> list[Callable[[float], Check]]:
    """Return the guards of the slices: functions of the level. Rows without a slice column have none."""
    demand = Demand("slice", policy.tolerance, policy.slices_action, policy.required, policy)
    counted = dict(zip(scorecard.slices, scorecard.slice_counts.tolist(), strict=True))
    named = {name for name in counted if name}
    if len(named) < 2 and not policy.required:
        return []
    names = sorted(named.union(policy.required))
    return _guards(demand, [Part(name, *counted.get(name, (0, 0, 0))) for name in names])


def class_guards(scorecard: Scorecard, policy: Policy) -> list[Callable[[float], Check]]:
    """Return the guards of the classes that occur: each one's recall, as functions of the level."""
    demand = Demand("class", policy.classes_tolerance, policy.classes_action, (), policy)
    counts = scorecard.class_counts.tolist()
    parts = [Part(name, *each) for name, each in zip(scorecard.classes, counts, strict=True)]
    occurring = [part for part in parts if part.rows]
    if len(occurring) < 2:
        return []
    return _guards(demand, occurring)


def _guards(demand: Demand, parts: Sequence[Part]) -> list[Callable[[float], Check]]:
    own: list[Callable[[float], Check]] = []
    small = []
    for part in parts:
        if part.name in demand.required or demand.policy.large_enough(part.rows):
            own.append(partial(_check_part, demand, part))
        else:
            small.append(part)
    if small:
        own.append(partial(_check_small_parts, demand, tuple(small)))
    return own


def _check_part(demand: Demand, part: Part, level: float) -> Check:
    """Judge one part. Where it is too small and nothing is shown: undecided, if it is required."""
    name = demand.named(part.name)
    check = demand.check(name)
    large = demand.policy.large_enough(part.rows)
    worse = part.is_worse(demand.tolerance, level, large)
    if not worse and not large:
        return check(status="undecided", observed=None, reason=_too_small(demand, name, part.rows))
    found = compare_counts(part.b, part.c, part.rows, level)
    reason = f"{_shown(worse)} on {name}: {points(found)} on {part.rows:,} rows"
    return check(status=status_of(worse), observed=found.estimate, reason=reason)


def _check_small_parts(demand: Demand, parts: tuple[Part, ...], level: float) -> Check:
    """Judge small parts: pooled at half of the level, and one by one at their shares of the other half."""
    plural = {"slice": "slices", "class": "classes"}[demand.code]
    name = f"small {plural} pooled"
    check = demand.check(name)
    pool = Part(
        name,
        sum(part.b for part in parts),
        sum(part.c for part in parts),
        sum(part.rows for part in parts),
    )
    large = demand.policy.large_enough(pool.rows)
    share = level / (2 * len(parts))
    harmed = [part for part in parts if part.is_worse(demand.tolerance, share, large=False)]
    worse = pool.is_worse(demand.tolerance, level / 2, large)
    if not worse and not harmed and not large:
        return check(status="skipped", observed=None, reason=_too_small(demand, name, pool.rows))
    found = compare_counts(pool.b, pool.c, pool.rows, level / 2)
    reason = f"{_shown(worse)} on {name}: {points(found)} on {pool.rows:,} rows"
    if harmed:
        most = max(harmed, key=lambda part: (part.c - part.b) / part.rows)
        reason = (
            f"worse on {demand.named(most.name)}, though it has {most.rows:,} rows only:"
            f" {most.b:,} only the candidate gets right, {most.c:,} only production"
        )
    return check(status=status_of(worse or bool(harmed)), observed=found.estimate, reason=reason)


def _shown(worse: bool) -> str:
    return "worse" if worse else "not shown to be worse"


def _too_small(demand: Demand, name: str, rows: int) -> str:
    return f"{name} has {rows:,} rows; at least {demand.policy.minimum_rows:,} are needed to judge it"
