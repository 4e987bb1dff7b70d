"""Guards that compare answers with labels: floors, flips, probabilities, and gains too good to be true."""

from mlgate.gate import statistics
from mlgate.gate.comparison import against_one_class, compared, own_interval, share_interval, values
from mlgate.gate.difference import points
from mlgate.gate.label_free import skipped, status_of
from mlgate.gate.metrics import WORDS, reading
from mlgate.gate.verdict import Check, Code, Status
from mlgate.root import LOSSES, Action, Policy
from mlgate.scorecard import Scorecard

import numpy as np

ONE_LABEL = "all rows have one label, to pass: to give that answer to each is no fault"


def accuracy_floor(scorecard: Scorecard, policy: Policy, action: Action, level: float) -> Check:
    """Compare the candidate's accuracy with an absolute floor: it fails only where it is shown to be below."""
    floor = policy.accuracy or 0.0
    observed = scorecard.accuracy[1]
    _, truth, _, candidate = scorecard.cells.T
    high = share_interval(scorecard, candidate == truth, level).high
    status: Status = "undecided"
    words = "below (perhaps by chance)"
    if observed >= floor:
        status = "pass"
        words = "not below"
    elif high < floor:
        status = "fail"
        words = "below"
    reason = f"accuracy {observed:.2%} is {words} the floor of {floor:.0%}"
    return _check("accuracy_floor", status, action, reason, (observed, floor))


def metric_floor(scorecard: Scorecard, policy: Policy, action: Action, level: float) -> Check:
    """Compare the candidate's own metric with an absolute floor (of a loss: a ceiling)."""
    floor = policy.floor or 0.0
    sign = -1 if policy.metric in LOSSES else 1
    observed = values(scorecard, policy)[1]
    interval = own_interval(scorecard, policy, level)
    status: Status = "undecided"
    words = "beyond (perhaps by chance)"
    if sign * (observed - floor) >= 0:
        status = "pass"
        words = "within"
    elif max(sign * (end - floor) for end in interval) < 0:
        status = "fail"
        words = "beyond"
    metric = f"{WORDS[policy.metric]} {reading(observed, policy.metric)}"
    reason = f"{metric} is {words} the limit of {reading(floor, policy.metric, 0)}"
    return _check("floor", status, action, reason, (observed, floor))


def one_answer(scorecard: Scorecard, policy: Policy, action: Action, level: float) -> Check:
    """Fail a candidate that gives one and the same answer to every row, though a model that reads them hardly would.

    Shown where answers that are as frequent as the labels would all be the same at most at the level.
    """
    if _one_label(scorecard):
        return skipped("one_answer", action, ONE_LABEL)
    answers = int((scorecard.confusion("candidate").sum(axis=0) > 0).sum())
    shares = scorecard.confusion("candidate").sum(axis=1) / scorecard.count
    by_chance = float((shares**scorecard.units).sum())
    violated = answers == 1 and by_chance <= level
    reason = f"gives {answers:,} different answers"
    if violated:
        reason = f"gives one and the same answer to each of the {scorecard.count:,} rows"
    elif answers == 1:
        reason = f"gives one answer only, which is no wonder on these {scorecard.count:,} rows"
    return _check("one_answer", status_of(violated), action, reason, (answers, 2.0))


def one_class(scorecard: Scorecard, policy: Policy, action: Action, level: float) -> Check:
    """Compare the candidate with a model that reads nothing and always answers the most frequent label."""
    if _one_label(scorecard):
        return skipped("one_class", action, ONE_LABEL)
    both, usual = against_one_class(scorecard, policy)
    found = both.difference(level)
    status: Status = "undecided"
    what = "is not shown to be better than"
    if found.low > 0:
        status = "pass"
        what = "is better than"
    elif found.high < 0:
        status = "fail"
        what = "is worse than"
    reason = f"the candidate {what} {_always(scorecard, policy, usual, found.estimate)}"
    return _check("one_class", status, action, reason, (found.estimate, 0.0))


def _always(scorecard: Scorecard, policy: Policy, usual: str, gain: float) -> str:
    """Say what always answering the same is worth, beside the candidate."""
    if policy.metric == "accuracy":
        right = scorecard.accuracy[1]
        return f"always answering the most frequent label: {right:.2%} right, against {right - gain:.2%}"
    value = values(scorecard, policy)[1]
    other = value + gain if policy.metric in LOSSES else value - gain
    figures = f"{reading(value, policy.metric)} against {reading(other, policy.metric)}"
    if scorecard.measured:
        return f"the same score for every row: {WORDS[policy.metric]} {figures}"
    return f"always answering {usual!r:.80}: {WORDS[policy.metric]} {figures}"


def negative_flips(scorecard: Scorecard, policy: Policy, action: Action, level: float) -> Check:
    """Count answers that used to be right and now are wrong: users notice those, even where the net is fine."""
    lost = scorecard.discordant[1]
    _, truth, production, candidate = scorecard.cells.T
    low = share_interval(scorecard, (production == truth) & (candidate != truth), level).low
    share = lost / scorecard.count
    reason = (
        f"{lost:,} of {scorecard.count:,} answers ({share:.1%}) were right and would be wrong;"
        f" {policy.flips:.0%} is the most allowed"
    )
    status = status_of(low > policy.flips)
    return _check("negative_flips", status, action, reason, (share, policy.flips))


def brier(scorecard: Scorecard, policy: Policy, action: Action, level: float) -> Check:
    """Compare Brier scores (mean squared errors of the probabilities): is the candidate's worse, beyond a tolerance?"""
    if scorecard.brier is None:
        return skipped("brier", action, "one of the models gives no probabilities")
    rows, production, candidate, squares = scorecard.scores.sum(axis=0)
    mean = (candidate - production) / rows
    error = np.sqrt(max(squares / rows - mean**2, 0) / rows)
    shown = mean - statistics.normal_quantile(level) * error > policy.brier_tolerance
    what = "not shown to be less accurate than production's"
    if shown:
        what = "less accurate than production's"
    reason = (
        f"its probabilities are {what}: Brier score {candidate / rows:.3f} against {production / rows:.3f} (0 is best)"
    )
    tolerance = policy.brier_tolerance
    return _check("brier", status_of(shown), action, reason, (float(mean), tolerance))


def calibration(scorecard: Scorecard, policy: Policy, action: Action, level: float) -> Check:
    """Compare expected calibration errors: how far confidence is from the share that is right."""
    if scorecard.calibration_error is None:
        return skipped("calibration", action, "one of the models gives no probabilities")
    production, candidate = scorecard.calibration_error
    worse = candidate - production
    # By chance, each of the two moves by at most a standard deviation of 1 / (2 sqrt(rows)).
    rows = scorecard.reliability.sum(axis=(0, 1))[0] / 2
    shown = worse - statistics.normal_quantile(level) / np.sqrt(rows) > policy.calibration_tolerance
    reason = f"confidence is off by {candidate:.1%} on average, production's by {production:.1%}"
    tolerance = policy.calibration_tolerance
    return _check("calibration", status_of(shown), action, reason, (worse, tolerance))


def too_good(scorecard: Scorecard, policy: Policy, action: Action, level: float) -> Check:
    """Flag a jump in accuracy so large that it is more often a leak than a discovery: somebody should look first.

    In accuracy whatever decides: a model that finds fraud where production found none jumps in other metrics, rightly.
    """
    gain = compared(scorecard, policy, "accuracy").difference(level)
    shown = gain.low > policy.too_good
    what = "too good to be true: look for labels that leaked" if shown else "not too good to be true"
    reason = f"{what} ({points(gain)}; {100 * policy.too_good:g} points are plausible)"
    status = status_of(shown)
    return _check("too_good", status, action, reason, (gain.estimate, policy.too_good))


def _one_label(scorecard: Scorecard) -> bool:
    return len(set(scorecard.cells[:, 1].tolist())) < 2


def _check(code: Code, status: Status, action: Action, reason: str, figures: tuple[float, float]) -> Check:
    """Return a check that reads labels. figures: what was observed, and what is required."""
    observed, required = figures
    return Check(code, status, action, reason, observed=observed, required=required, uses_labels=True)
