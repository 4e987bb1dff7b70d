"""Guards for parts of the rows, slices and classes: harm in one that the whole would hide.

Each required slice, and each part that is large enough, has a guard of its own. The small ones share a guard, which
judges them pooled and one by one: so harm that the rows show counts at any size, and many small parts together turn
an honest model away no more often than one guard may.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from mlgate.gate.comparison import COUNTED, Comparison, Paired, compared
from mlgate.gate.difference import counted, points
from mlgate.gate.label_free import status_of
from mlgate.gate.metrics import in_units
from mlgate.gate.moments import FEWEST, Moments
from mlgate.gate.verdict import Check, Code, Difference
from mlgate.root import Action, Metric, Policy
from mlgate.scorecard import Scorecard

import numpy as np


@dataclass(frozen=True)
class Part:
    """One slice or class: its rows, and what they say of the two models; None where it has no rows."""

    name: str
    found: Comparison | None

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return self.found.rows if self.found else 0

    def is_large(self, policy: Policy) -> bool:
        """Whether it has rows, and clusters where they stand in such, enough to say that they show no harm."""
        few_units = isinstance(self.found, Moments) and self.found.units < FEWEST
        return policy.large_enough(self.rows) and not few_units

    def is_worse(self, tolerance: float, level: float, large: bool) -> bool:
        """Whether the candidate is shown to be worse here by more than the tolerance."""
        return self.found is not None and self.found.is_worse(tolerance, level, large)


@dataclass(frozen=True)
class Demand:
    """What is demanded of parts of one kind ("slice" or "class"). compare: the models on the rows of some of them."""

    code: Code
    tolerance: float
    action: Action
    required: tuple[str, ...]
    policy: Policy
    compare: Callable[[Sequence[str]], Comparison | None]

    def named(self, name: str) -> str:
        """Return the name of a part's check."""
        return f"{self.code} {name}"

    def check(self, name: str) -> "partial[Check]":
        """Return a check of this demand, whose outcome is still to come."""
        return partial(Check, self.code, name=name, action=self.action, required=0 - self.tolerance, uses_labels=True)


def slice_guards(scorecard: Scorecard, policy: Policy) -> list[Callable[[float], Check]]:
    """Return the guards of the slices: functions of the level. Rows without a slice column have none."""
    compare = _comparing(scorecard, policy, 0, policy.metric)
    demand = Demand("slice", policy.tolerance, policy.slices_action, policy.required, policy, compare)
    named = {name for name in scorecard.slices if name}
    if len(named) < 2 and not policy.required:
        return []
    names = sorted(named.union(policy.required))
    return _guards(demand, [Part(name, compare([name])) for name in names])


def slices_compared(scorecard: Scorecard, policy: Policy) -> Iterator[tuple[str, Comparison]]:
    """Return the comparison on each slice that has rows, by name."""
    compare = _comparing(scorecard, policy, 0, policy.metric)
    for name in scorecard.slices:
        found = compare([name])
        if found is not None:
            yield name, found


def class_guards(scorecard: Scorecard, policy: Policy) -> list[Callable[[float], Check]]:
    """Return the guards of the classes that occur: each one's recall, or its cost, as functions of the level."""
    metric: Metric = "cost" if policy.metric == "cost" else "accuracy"
    compare = _comparing(scorecard, policy, 1, metric)
    demand = Demand("class", policy.classes_tolerance, policy.classes_action, (), policy, compare)
    parts = [Part(name, compare([name])) for name in scorecard.classes]
    occurring = [part for part in parts if part.rows]
    if len(occurring) < 2:
        return []
    return _guards(demand, occurring)


def _comparing(
    scorecard: Scorecard, policy: Policy, column: int, metric: Metric
) -> Callable[[Sequence[str]], Comparison | None]:
    """Return what compares the models on some slices (column 0 of the cells) or classes (1), by name."""
    names = (scorecard.slices, scorecard.classes)[column]
    counts = (scorecard.slice_counts, scorecard.class_counts)[column]
    place = {name: position for position, name in enumerate(names)}

    def compare(chosen: Sequence[str]) -> Comparison | None:
        places = [place[name] for name in chosen if name in place]
        b, c, rows = counts[places].sum(axis=0).tolist()
        if not rows:
            return None
        if metric in COUNTED and not scorecard.clusters:
            return Paired(b, c, rows, metric)
        part = scorecard.where(np.isin(scorecard.cells[:, column], places))
        if metric == "auc" and not part.rows_of_rarer_label:
            return None
        return compared(part, policy, metric)

    return compare


def _guards(demand: Demand, parts: Sequence[Part]) -> list[Callable[[float], Check]]:
    own: list[Callable[[float], Check]] = []
    small = []
    for part in parts:
        if part.name in demand.required or part.is_large(demand.policy):
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
    large = part.is_large(demand.policy)
    worse = part.is_worse(demand.tolerance, level, large)
    if part.found is None or (not worse and not large):
        return check(status="undecided", observed=None, reason=_too_small(demand, name, part))
    found = part.found.difference(level)
    reason = f"{_shown(worse, found, demand.tolerance)} on {name}: {points(found)} on {part.rows:,} rows"
    return check(status=status_of(worse), observed=found.estimate, reason=reason)


def _check_small_parts(demand: Demand, parts: tuple[Part, ...], level: float) -> Check:
    """Judge small parts: pooled at half of the level, and one by one at their shares of the other half."""
    plural = {"slice": "slices", "class": "classes"}[demand.code]
    name = f"small {plural} pooled"
    check = demand.check(name)
    pool = Part(name, demand.compare([part.name for part in parts]))
    large = pool.is_large(demand.policy)
    share = level / (2 * len(parts))
    harmed = [part for part in parts if part.is_worse(demand.tolerance, share, large=False)]
    worse = pool.is_worse(demand.tolerance, level / 2, large)
    if pool.found is None or (not worse and not harmed and not large):
        return check(status="skipped", observed=None, reason=_too_small(demand, name, pool))
    found = pool.found.difference(level / 2)
    reason = f"{_shown(worse, found, demand.tolerance)} on {name}: {points(found)} on {pool.rows:,} rows"
    if harmed:
        reason = _most_harmed(demand, harmed, share)
    return check(status=status_of(worse or bool(harmed)), observed=found.estimate, reason=reason)


def _most_harmed(demand: Demand, harmed: Sequence[Part], level: float) -> str:
    worst = min((part.found.difference(level).estimate, place) for place, part in enumerate(harmed) if part.found)
    most = harmed[worst[1]]
    assert most.found is not None
    evidence = counted(most.found) or points(most.found.difference(level))
    return f"worse on {demand.named(most.name)}, though it has {most.rows:,} rows only: {evidence}"


def _shown(worse: bool, found: Difference, tolerance: float) -> str:
    """Return what is shown. Worse by less than is tolerated is worse, too: the interval stands beside it."""
    if worse:
        return "worse"
    if found.high < 0 < tolerance:
        return f"worse, but not shown to be so by more than the tolerated {in_units(tolerance, found.metric, '')},"
    return "not shown to be worse"


def _too_small(demand: Demand, name: str, part: Part) -> str:
    if part.found is None and demand.policy.metric == "auc":
        return f"{name} has no rows of both labels, and so no AUC"
    if isinstance(part.found, Moments) and demand.policy.large_enough(part.rows):
        return f"{name} has {part.found.units:,} {part.found.what}; at least {FEWEST} are needed to judge it"
    return f"{name} has {part.rows:,} rows; at least {demand.policy.minimum_rows:,} are needed to judge it"
