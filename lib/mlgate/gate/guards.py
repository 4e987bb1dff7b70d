"""The guards: what must not go wrong, however good the whole. Each looks at a scorecard and the policy.

They share one level, alpha / (number of guards that can stop a candidate), and fail only where the violation is shown
at it: so a dozen guards together turn an honest model away at most alpha of the time.
"""

from collections.abc import Callable
from functools import partial

from mlgate.gate import statistics
from mlgate.gate.difference import Check, compare, points
from mlgate.root import Policy
from mlgate.scorecard import Scorecard

import numpy as np
from scipy.stats import norm

Guard = Callable[[Scorecard, Policy, str, float], Check]


def unlabelled(scorecard: Scorecard, policy: Policy, level: float) -> tuple[Check, ...]:
    """The guards that read no label."""
    return tuple(guard(scorecard, policy, action, level) for guard, action in _unlabelled(policy))


def labelled(scorecard: Scorecard, policy: Policy, level: float) -> tuple[Check, ...]:
    """The guards that compare answers with labels."""
    return tuple(guard(scorecard, policy, action, level) for guard, action in _labelled(scorecard, policy))


def level(scorecard: Scorecard, policy: Policy) -> float:
    """The level of each guard."""
    actions = [action for _, action in (*_unlabelled(policy), *_labelled(scorecard, policy))]
    actions.append(policy.leakage_action)  # made elsewhere, where the training rows are known
    return policy.guards_alpha / max(1, sum(action != "report" for action in actions))


def _unlabelled(policy: Policy) -> list[tuple[Guard, str]]:
    return [
        (contract, policy.contract_action),
        (brittleness, policy.brittle_action),
        (speed, policy.slower_action),
        (size, policy.megabytes_action),
    ]


def _labelled(scorecard: Scorecard, policy: Policy) -> list[tuple[Guard, str]]:
    groups = _groups(scorecard, policy).items()
    return [
        *([(accuracy_floor, policy.accuracy_action)] if policy.accuracy is not None else []),
        (one_class, policy.one_class_action),
        *((partial(_slice, name=name, members=members), policy.slices_action) for name, members in groups),
        (negative_flips, policy.flips_action),
        (brier, policy.brier_action),
        (calibration, policy.calibration_action),
        (too_good, policy.too_good_action),
    ]


def contract(scorecard: Scorecard, policy: Policy, action: str, level: float) -> Check:
    """What production can answer, the candidate has to answer, too."""
    if not scorecard.probes:
        return _skipped("contract", action, "no model here to put odd texts to")
    if why := scorecard.probes.cannot_answer:
        return Check("contract", "fail", action, None, None, f"production answers what the candidate cannot: {why}")
    return Check("contract", "pass", action, None, None, "it answers all the odd texts that production answers")


def brittleness(scorecard: Scorecard, policy: Policy, action: str, level: float) -> Check:
    """A change to a text that should not matter changes the candidate's answer more often than production's.

    Each kind of change is judged by itself, at its share of the level: in a sum, one that matters is hidden by four
    that do not.
    """
    probes = scorecard.probes
    if not probes or not probes.brittle:
        return _skipped("brittleness", action, "no model here to put changed texts to")
    confidence, n = 1 - 2 * level / len(probes.brittle), probes.texts
    worst, (b, c) = max(probes.brittle.items(), key=lambda item: item[1][0] - item[1][1])
    shown = any(
        statistics.tango(*pair, n, confidence)[0] > policy.brittle_tolerance for pair in probes.brittle.values()
    )
    what = "more brittle than production" if shown else "not shown to be more brittle than production"
    reason = f"{what}: {worst} changes only its answer to {b} of {n} texts, only production's to {c}"
    return Check("brittleness", _status(shown), action, (b - c) / n, policy.brittle_tolerance, reason)


def speed(scorecard: Scorecard, policy: Policy, action: str, level: float) -> Check:
    """How long it takes, in turn with production, as medians."""
    if not scorecard.probes:
        return _skipped("speed", action, "no model here to time")
    ratio = scorecard.probes.slower
    reason = f"takes {ratio:.1f} times as long as production; {policy.slower:g} times is the budget"
    return Check("speed", _status(ratio > policy.slower), action, ratio, policy.slower, reason)


def size(scorecard: Scorecard, policy: Policy, action: str, level: float) -> Check:
    """How large its file is."""
    if scorecard.candidate.bytes is None:
        return _skipped("size", action, "no file here to measure")
    megabytes = scorecard.candidate.bytes / 1e6
    reason = f"{megabytes:.1f} MB; {policy.megabytes:g} MB is the budget"
    return Check("size", _status(megabytes > policy.megabytes), action, megabytes, policy.megabytes, reason)


def accuracy_floor(scorecard: Scorecard, policy: Policy, action: str, level: float) -> Check:
    """The candidate's accuracy against an absolute floor: it fails only where it is shown to be below."""
    floor, n = policy.accuracy or 0.0, scorecard.count
    observed = scorecard.accuracy[1]
    _, high = statistics.wilson(round(observed * n), n, 1 - 2 * level)
    status = "pass" if observed >= floor else "fail" if high < floor else "undecided"
    words = {"pass": "not below", "fail": "below", "undecided": "below (perhaps by chance)"}[status]
    reason = f"accuracy {observed:.2%} is {words} the floor of {floor:.0%}"
    return Check("accuracy floor", status, action, observed, floor, reason)


def one_class(scorecard: Scorecard, policy: Policy, action: str, level: float) -> Check:
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


def negative_flips(scorecard: Scorecard, policy: Policy, action: str, level: float) -> Check:
    """Answers that used to be right and now are wrong: users notice those, even where the net is fine."""
    (_, c), n = scorecard.discordant, scorecard.count
    low, _ = statistics.wilson(c, n, 1 - 2 * level)
    reason = (
        f"{c:,} of {n:,} answers ({c / n:.1%}) were right and would be wrong; {policy.flips:.0%} is the most allowed"
    )
    return Check("negative flips", _status(low > policy.flips), action, c / n, policy.flips, reason)


def brier(scorecard: Scorecard, policy: Policy, action: str, level: float) -> Check:
    """The Brier score (mean squared error of the probabilities): worse than production's by more than a tolerance?"""
    if scorecard.brier is None:
        return _skipped("brier", action, "one of the models gives no probabilities")
    n, ours, theirs, squares = scorecard.scores.sum(axis=0)
    mean = (theirs - ours) / n
    error = np.sqrt(max(squares / n - mean**2, 0) / n)
    shown = mean - norm.isf(level) * error > policy.brier_tolerance
    what = "its probabilities mean less than production's" if shown else "probabilities not shown to mean less"
    reason = f"{what}: Brier score {theirs / n:.3f} against {ours / n:.3f} (0 is best)"
    return Check("brier", _status(shown), action, float(mean), policy.brier_tolerance, reason)


def calibration(scorecard: Scorecard, policy: Policy, action: str, level: float) -> Check:
    """The expected calibration error: how far confidence is from the share that is right, against production's."""
    found = scorecard.calibration_error
    if found is None:
        return _skipped("calibration", action, "one of the models gives no probabilities")
    ours, theirs = found
    # by chance, each of the two moves by at most a standard deviation of 1 / (2 sqrt(rows))
    rows = scorecard.reliability.sum(axis=(0, 1))[0] / 2
    shown = theirs - ours - norm.isf(level) / np.sqrt(rows) > policy.calibration_tolerance
    reason = f"confidence is off by {theirs:.1%} on average, production's by {ours:.1%}"
    return Check("calibration", _status(shown), action, theirs - ours, policy.calibration_tolerance, reason)


def too_good(scorecard: Scorecard, policy: Policy, action: str, level: float) -> Check:
    """A jump in accuracy that large is more often a leak than a discovery: somebody should look first."""
    found = compare(scorecard, level)
    shown = found.low > policy.too_good
    what = "too good to be true: look for labels that leaked" if shown else "not too good to be true"
    reason = f"{what} ({points(found)}; {100 * policy.too_good:g} points are plausible)"
    return Check("too good", _status(shown), action, found.estimate, policy.too_good, reason)


def _groups(scorecard: Scorecard, policy: Policy) -> dict[str, tuple[str, ...]]:
    """The slices to guard: each required one, each that is large enough, and the small ones pooled into one."""
    named = [name for name in scorecard.slices if name]  # rows without a slice column are one slice without a name
    names = sorted({*named, *policy.required}) if len(named) > 1 or policy.required else []
    small = [
        name for name in names if name not in policy.required and scorecard.rows_of_slice(name) < policy.minimum_rows
    ]
    groups = {f"slice {name}": (name,) for name in names if name not in small}
    if small:
        groups["small slices pooled"] = tuple(small)
    return groups


def _slice(
    scorecard: Scorecard, policy: Policy, action: str, level: float, name: str, members: tuple[str, ...]
) -> Check:
    check = partial(Check, name, action=action, required=0 - policy.tolerance)
    rows, part = sum(map(scorecard.rows_of_slice, members)), scorecard.of_slices(*members)
    if rows < policy.minimum_rows or part is None:
        blocks = members[0] in policy.required
        reason = f"{name} has {rows:,} rows; at least {policy.minimum_rows:,} are needed to judge it"
        return check(status="undecided" if blocks else "skipped", observed=None, reason=reason)
    found, (b, c) = compare(part, level), part.discordant
    shown = found.high < -policy.tolerance and (policy.tolerance > 0 or statistics.midp(c, b) <= level)
    what = "worse" if shown else "not shown to be worse"
    reason = f"{what} on {name.removeprefix('slice ')}: {points(found)} on {rows:,} rows"
    return check(status=_status(shown), observed=found.estimate, reason=reason)


def _status(violated: bool) -> str:
    return "fail" if violated else "pass"


def _skipped(name: str, action: str, why: str) -> Check:
    return Check(name, "skipped", action, None, None, why)
