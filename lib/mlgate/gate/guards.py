"""The guards: each blocks a candidate for one kind of harm, even if it is more accurate overall.

They share one level, alpha / (number of guards that can stop a candidate), and fail only where the violation is shown
at it: so a dozen guards together reject an honest model at most alpha of the time. To add a guard, write a function in
label_free.py or with_labels.py, give it its action in the policy, and list it here.
"""

from collections.abc import Callable
from dataclasses import dataclass

from mlgate.gate.label_free import brittleness, contract, size, speed
from mlgate.gate.parts import class_guards, slice_guards
from mlgate.gate.verdict import Check
from mlgate.gate.with_labels import (
    accuracy_floor,
    brier,
    calibration,
    metric_floor,
    negative_flips,
    one_answer,
    one_class,
    too_good,
)
from mlgate.root import Action, Policy
from mlgate.scorecard import Scorecard

CheckOf = Callable[[Scorecard, Policy, Action, float], Check]


@dataclass(frozen=True)
class Guard:
    """What follows where it fails, and the function from the level to its check."""

    action: Action
    check: Callable[[float], Check]


def label_free(scorecard: Scorecard, policy: Policy) -> list[Guard]:
    """Return the guards that read no label."""
    listed = [
        (contract, policy.contract_action),
        (brittleness, policy.brittle_action),
        (speed, policy.slower_action),
        (size, policy.megabytes_action),
    ]
    return [_guard(function, scorecard, policy, action) for function, action in listed]


def with_labels(scorecard: Scorecard, policy: Policy) -> list[Guard]:
    """Return the guards that compare answers with labels."""
    if scorecard.measured:
        return _measured(scorecard, policy)
    before = [(one_answer, policy.one_answer_action), (one_class, policy.one_class_action)]
    if policy.floor is not None:
        before.insert(0, (metric_floor, policy.floor_action))
    if policy.accuracy is not None:
        before.insert(0, (accuracy_floor, policy.accuracy_action))
    after = [
        (negative_flips, policy.flips_action),
        (brier, policy.brier_action),
        (calibration, policy.calibration_action),
        (too_good, policy.too_good_action),
    ]
    guards = [_guard(function, scorecard, policy, action) for function, action in before]
    guards += [Guard(policy.slices_action, check) for check in slice_guards(scorecard, policy)]
    guards += [Guard(policy.classes_action, check) for check in class_guards(scorecard, policy)]
    guards += [_guard(function, scorecard, policy, action) for function, action in after]
    return guards


def _measured(scorecard: Scorecard, policy: Policy) -> list[Guard]:
    """Return the guards of models whose answers are numbers: they name no class, and flip none."""
    guards = [Guard(policy.slices_action, check) for check in slice_guards(scorecard, policy)]
    if not scorecard.losses:
        guards.insert(0, _guard(one_class, scorecard, policy, policy.one_class_action))
    if policy.floor is not None:
        guards.insert(0, _guard(metric_floor, scorecard, policy, policy.floor_action))
    return guards


def level(scorecard: Scorecard, policy: Policy) -> float:
    """Return the level of each guard: their alpha, shared among those that can stop a candidate."""
    guards = label_free(scorecard, policy) + with_labels(scorecard, policy)
    actions = [guard.action for guard in guards]
    actions.append(policy.leakage_action)  # checked elsewhere, where the training rows are known
    blocking = [action for action in actions if action != "report"]
    return policy.guards_alpha / max(1, len(blocking))


def first_model(scorecard: Scorecard, policy: Policy) -> list[Guard]:
    """Return the floors of a first production model, which has nothing to be compared with."""
    return [_guard(floor, scorecard, policy, "reject") for floor in (accuracy_floor, one_answer, one_class)]


def _guard(function: CheckOf, scorecard: Scorecard, policy: Policy, action: Action) -> Guard:
    return Guard(action, lambda level: function(scorecard, policy, action, level))
