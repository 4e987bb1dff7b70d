"""Guards that read no label: what the candidate does to texts, time and disk."""

from mlgate.gate import statistics
from mlgate.gate.verdict import Check, Code, Status
from mlgate.root import Action, Policy
from mlgate.scorecard import Scorecard


def contract(scorecard: Scorecard, policy: Policy, action: Action, level: float) -> Check:
    """Check that the candidate answers whatever production can answer."""
    if not scorecard.probes:
        return skipped("contract", action, "no model here to put edge-case texts to")
    status: Status = "pass"
    reason = "it answers every edge-case text that production answers"
    if scorecard.probes.cannot_answer:
        status = "fail"
        reason = f"production answers what the candidate cannot: {scorecard.probes.cannot_answer}"
    return Check("contract", status, action, reason)


def brittleness(scorecard: Scorecard, policy: Policy, action: Action, level: float) -> Check:
    """Check that what should not matter changes the candidate's answers no more often than production's.

    Each kind of change is judged by itself, at its share of the level: summed, four harmless perturbations would hide
    one that matters.
    """
    probes = scorecard.probes
    if not probes or not probes.brittle:
        return skipped("brittleness", action, "no model here to put changed texts to")
    confidence = 1 - 2 * level / len(probes.brittle)
    lows = [statistics.tango(b, c, probes.texts, confidence)[0] for b, c in probes.brittle.values()]
    shown = max(lows) > policy.brittle_tolerance
    worst = max(probes.brittle, key=lambda change: probes.brittle[change][0] - probes.brittle[change][1])
    b, c = probes.brittle[worst]
    what = "more brittle than production" if shown else "not shown to be more brittle than production"
    alone = f"the candidate's answer alone in {b} of {probes.texts} texts, production's alone in {c}"
    reason = f"{what}: {worst} changes {alone}"
    observed = (b - c) / probes.texts
    return Check("brittleness", status_of(shown), action, reason, observed=observed, required=policy.brittle_tolerance)


def speed(scorecard: Scorecard, policy: Policy, action: Action, level: float) -> Check:
    """Compare how long both take in turn, as medians."""
    if not scorecard.probes:
        return skipped("speed", action, "no model here to time")
    ratio = scorecard.probes.slower
    reason = f"takes {ratio:.1f} times as long as production; {policy.slower:g} times is the budget"
    return Check("speed", status_of(ratio > policy.slower), action, reason, observed=ratio, required=policy.slower)


def size(scorecard: Scorecard, policy: Policy, action: Action, level: float) -> Check:
    """Compare how large the candidate's file is with the budget."""
    if scorecard.candidate.bytes is None:
        return skipped("size", action, "no file here to measure")
    megabytes = scorecard.candidate.bytes / 1e6
    reason = f"{megabytes:.1f} MB; {policy.megabytes:g} MB is the budget"
    status = status_of(megabytes > policy.megabytes)
    return Check("size", status, action, reason, observed=megabytes, required=policy.megabytes)


def status_of(violated: bool) -> Status:
    """Return how a guard stands: it fails where the violation is shown."""
    return "fail" if violated else "pass"


def skipped(code: Code, action: Action, why: str) -> Check:
    """Return a check that could not be made here, and why."""
    return Check(code, "skipped", action, why)
