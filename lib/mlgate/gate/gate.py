"""The gate: judge(), a pure function scorecard x policy -> verdict."""

from dataclasses import asdict, dataclass, field

from mlgate.artifacts import versions
from mlgate.gate import difference as checks
from mlgate.gate import guards
from mlgate.gate.difference import Check, Difference, compare
from mlgate.root import Policy, policy_from
from mlgate.scorecard import Scorecard

PROMOTE, HOLD, REJECT = "PROMOTE", "HOLD", "REJECT"
__all__ = ["HOLD", "PROMOTE", "REJECT", "Check", "Difference", "Policy", "Slice", "Verdict", "decide", "judge"]
__all__ += ["judge_first", "policy_from", "verdict_from"]


@dataclass(frozen=True)
class Slice:
    """The paired difference in one slice, as it is drawn."""

    name: str
    rows: int
    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Verdict:
    """What the gate says of one pair of models on one set of rows, with the evidence for each check.

    fragility: how many labels would have to be wrong for the difference to stand otherwise; None where it is undecided,
    or where no number of them would do.
    """

    decision: str
    reason: str
    production: dict
    candidate: dict
    rows: dict
    difference: Difference | None
    discordant: tuple[int, int] | None
    checks: tuple[Check, ...]
    slices: tuple[Slice, ...] = ()
    look: dict = field(default_factory=dict)
    policy: dict = field(default_factory=dict)
    fragility: int | None = None

    def check(self, name: str) -> Check:
        return next(check for check in self.checks if check.name == name)

    def as_dict(self) -> dict:
        """The verdict as verdict.json holds it."""
        b_c = (
            dict(zip(("candidate_only_right", "production_only_right"), self.discordant, strict=True))
            if self.discordant
            else None
        )
        return {
            "decision": self.decision,
            "reason": self.reason,
            "production": self.production,
            "candidate": self.candidate,
            "rows": self.rows,
            "difference": asdict(self.difference) if self.difference else None,
            "discordant": b_c,
            "checks": [asdict(check) for check in self.checks],
            "slices": [asdict(part) for part in self.slices],
            "fragility": self.fragility,
            "look": self.look,
            "policy": self.policy,
            "versions": versions(),
        }


def verdict_from(value: dict) -> Verdict:
    """The Verdict that `as_dict` made this of."""
    pair = value["discordant"]
    return Verdict(
        *(value[key] for key in ("decision", "reason", "production", "candidate", "rows")),
        Difference(**value["difference"]) if value["difference"] else None,
        (pair["candidate_only_right"], pair["production_only_right"]) if pair else None,
        tuple(Check(**check) for check in value["checks"]),
        tuple(Slice(**part) for part in value["slices"]),
        value["look"],
        value["policy"],
        value["fragility"],
    )


def judge(scorecard: Scorecard, policy: Policy, extra: tuple[Check, ...] = (), look: dict | None = None) -> Verdict:
    """The verdict on a scorecard. On sealed rows the level is alpha / looks, on others alpha.

    extra: checks made elsewhere (the card, the ledger), which stand beside the gate's own. look: what to say of looks.
    Checks that read no label come first; where one of them rejects, those that do are skipped.
    """
    alpha = policy.alpha_look if scorecard.sealed else policy.alpha
    if scorecard.candidate.fault:
        return _verdict(scorecard, policy, (*extra, checks.usable(scorecard)), look=look)
    if scorecard.same_model:
        return _verdict(scorecard, policy, (*extra, checks.identical(scorecard)), compare(scorecard, alpha), look=look)
    level = guards.level(scorecard, policy)
    first = (*extra, *guards.unlabelled(scorecard, policy, level))
    difference, parts = compare(scorecard, alpha), _slices(scorecard, alpha)
    if decide(first)[0] == REJECT:
        return _verdict(scorecard, policy, (*first, checks.SKIPPED), difference, parts, look)
    alike = () if scorecard.answered_differently else (checks.identical(scorecard),)
    made = (*first, *alike, checks.better(scorecard, policy, alpha, difference))
    made = (*made, *guards.labelled(scorecard, policy, level))
    wrong_labels = checks.fragility(scorecard, policy, alpha)
    return _verdict(scorecard, policy, made, difference, parts, look, wrong_labels)


def judge_first(scorecard: Scorecard, policy: Policy) -> Verdict:
    """The verdict on a first production model, from its scorecard against itself: absolute floors, no comparison."""
    if scorecard.candidate.fault:
        return _verdict(scorecard, policy, (checks.usable(scorecard),))
    floors = (guards.accuracy_floor, guards.one_class)
    return _verdict(
        scorecard, policy, tuple(floor(scorecard, policy, "reject", policy.guards_alpha) for floor in floors)
    )


def _verdict(scorecard, policy, made, difference=None, slices=(), look=None, fragility=None) -> Verdict:
    decision, reason = decide(made)
    ours, theirs = scorecard.accuracy
    theirs = None if scorecard.candidate.fault else theirs
    return Verdict(
        decision,
        reason,
        {"digest": scorecard.production.digest, "accuracy": ours},
        {"digest": scorecard.candidate.digest, "accuracy": theirs},
        {"name": scorecard.name, "count": scorecard.count, "digest": scorecard.digest},
        difference,
        scorecard.discordant if difference else None,
        tuple(made),
        slices,
        look or {"spent": False},
        {**asdict(policy), "digest": policy.digest},
        fragility,
    )


def decide(made: tuple[Check, ...]) -> tuple[str, str]:
    """REJECT if a rejecting check fails; HOLD if another fails or one that counts is undecided; else PROMOTE."""
    counting = [check for check in made if check.action != "report" and check.status != "skipped"]
    for decision, blocks in (
        (REJECT, lambda check: check.status == "fail" and check.action == "reject"),
        (HOLD, lambda check: check.status == "fail"),
        (HOLD, lambda check: check.status != "pass"),
    ):
        found = [check for check in counting if blocks(check)]
        if found:
            return decision, found[0].reason
    if not counting:
        return HOLD, "no check was made"
    return PROMOTE, next((check for check in counting if check.name == "difference"), counting[0]).reason


def _slices(scorecard: Scorecard, alpha: float) -> tuple[Slice, ...]:
    """The paired difference of each slice large enough to have one, for figures and reports."""
    parts = [(name, scorecard.of_slices(name)) for name in scorecard.slices] if len(scorecard.slices) > 1 else []
    return tuple(
        Slice(name, part.count, found.estimate, found.low, found.high)
        for name, part in parts
        if part is not None
        for found in [compare(part, alpha)]
    )
