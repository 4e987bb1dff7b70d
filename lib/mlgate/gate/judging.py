"""The gate: judge(), a pure function scorecard x policy -> verdict."""

from mlgate.gate import difference, guards
from mlgate.gate.comparison import compared, values
from mlgate.gate.parts import slices_compared
from mlgate.gate.verdict import HOLD, PROMOTE, REJECT, Check, Decision, Difference, Look, RowSet, Side, Slice, Verdict
from mlgate.root import Policy, versions
from mlgate.scorecard import Scorecard


def judge(scorecard: Scorecard, policy: Policy, extra: tuple[Check, ...] = (), look: Look | None = None) -> Verdict:
    """Return the verdict on a scorecard. On sealed rows the level is alpha / looks, on others alpha.

    extra: checks made elsewhere (the card, the ledger), which stand beside the gate's own. look: what to say of looks.
    Checks that read no label come first; where one of them rejects, those that do are skipped.
    """
    alpha = policy.alpha_look if scorecard.sealed else policy.alpha
    if scorecard.candidate.fault:
        return _verdict(scorecard, policy, (*extra, difference.usable(scorecard)), look=look)
    both = compared(scorecard, policy)
    found = both.difference(alpha)
    if scorecard.same_model:
        return _verdict(scorecard, policy, (*extra, difference.identical(scorecard)), found, look=look)
    level = guards.level(scorecard, policy)
    slices = _slices(scorecard, policy, alpha, level)

    # Without a label: a rejection here spends nothing.
    checks = [*extra]
    checks += [guard.check(level) for guard in guards.label_free(scorecard, policy)]
    if decide(tuple(checks))[0] == REJECT:
        return _verdict(scorecard, policy, (*checks, difference.SKIPPED), found, slices, look)

    # With labels.
    if not scorecard.answered_differently:
        checks.append(difference.identical(scorecard))
    few = difference.few_units(both, scorecard)
    checks += difference.repeats(scorecard) + few
    checks.append(difference.better(both, policy, alpha, enough=not few))
    checks += [guard.check(level) for guard in guards.with_labels(scorecard, policy)]
    fragility = difference.fragility(scorecard, policy, alpha)
    return _verdict(scorecard, policy, tuple(checks), found, slices, look, fragility)


def judge_first(scorecard: Scorecard, policy: Policy) -> Verdict:
    """Return the verdict on a first production model, from its scorecard against itself: floors, no comparison."""
    if scorecard.candidate.fault:
        return _verdict(scorecard, policy, (difference.usable(scorecard),))
    floors = guards.first_model(scorecard, policy)
    return _verdict(scorecard, policy, tuple(floor.check(policy.guards_alpha) for floor in floors))


def decide(checks: tuple[Check, ...]) -> tuple[Decision, str]:
    """REJECT if a rejecting check fails; HOLD if another fails or one that counts is undecided; else PROMOTE."""
    blocking = [check for check in checks if check.blocks]
    rejecting = [check for check in blocking if check.status == "fail" and check.action == "reject"]
    if rejecting:
        return REJECT, rejecting[0].reason
    if blocking:
        failed = [check for check in blocking if check.status == "fail"]
        return HOLD, (failed or blocking)[0].reason
    counting = [check for check in checks if check.action != "report" and check.status != "skipped"]
    if not counting:
        return HOLD, "no check was made"
    decisive = [check for check in counting if check.code == "difference"]
    return PROMOTE, (decisive or counting)[0].reason


def _verdict(
    scorecard: Scorecard,
    policy: Policy,
    checks: tuple[Check, ...],
    found: Difference | None = None,
    slices: tuple[Slice, ...] = (),
    look: Look | None = None,
    fragility: int | None = None,
) -> Verdict:
    decision, reason = decide(checks)
    production, candidate = _sides(scorecard, policy)
    return Verdict(
        decision=decision,
        reason=reason,
        production=production,
        candidate=candidate,
        rows=_rows(scorecard),
        difference=found,
        discordant=scorecard.discordant if found and not scorecard.measured else None,
        checks=checks,
        slices=slices,
        look=look or Look(),
        policy=policy.as_dict(),
        fragility=fragility,
        versions=versions(),
    )


def _rows(scorecard: Scorecard) -> RowSet:
    clusters = scorecard.clusters.number if scorecard.clusters else None
    return RowSet(scorecard.name, scorecard.count, scorecard.digest, clusters)


def _sides(scorecard: Scorecard, policy: Policy) -> tuple[Side, Side]:
    """Return both models with their accuracy, and with the metric that decides where that is another one."""
    right: tuple[float | None, ...] = (None, None)
    worth: tuple[float | None, ...] = (None, None)
    if not scorecard.measured:
        right = scorecard.accuracy
    if policy.metric != "accuracy":
        worth = values(scorecard, policy)
    production = Side(scorecard.production.digest, right[0], worth[0])
    if scorecard.candidate.fault:
        return production, Side(scorecard.candidate.digest, None)
    return production, Side(scorecard.candidate.digest, right[1], worth[1])


def _slices(scorecard: Scorecard, policy: Policy, alpha: float, guards_level: float) -> tuple[Slice, ...]:
    """Return the paired difference of each slice that has rows, for figures and reports."""
    if len(scorecard.slices) < 2:
        return ()
    slices = []
    for name, each in slices_compared(scorecard, policy):
        found = each.difference(alpha)
        guard = each.difference(guards_level)
        slices.append(Slice(name, each.rows, found.estimate, found.low, found.high, guard.low, guard.high))
    return tuple(slices)
