"""The verdict and its parts: plain values, whose dict form exists at a file's edge only (verdict.json, the ledger)."""

from dataclasses import KW_ONLY, asdict, dataclass, field
from typing import Any, Literal, TypedDict

from mlgate.root import Action, Metric

Decision = Literal["PROMOTE", "HOLD", "REJECT"]
Status = Literal["pass", "fail", "undecided", "skipped"]
Code = Literal[
    "usable",
    "identical",
    "difference",
    "units",
    "repeats",
    "labelled_checks",
    "contract",
    "brittleness",
    "speed",
    "size",
    "accuracy_floor",
    "floor",
    "one_answer",
    "one_class",
    "slice",
    "class",
    "negative_flips",
    "brier",
    "calibration",
    "too_good",
    "card",
    "asked",
    "saved_by",
    "leakage",
    "production_leakage",
    "reproducible",
    "looks",
    "rolled_back",
    "prospect",
]

PROMOTE: Decision = "PROMOTE"
HOLD: Decision = "HOLD"
REJECT: Decision = "REJECT"
SCHEMA = "mlgate/verdict/1"


@dataclass(frozen=True)
class Check:
    """One demand of the policy and how it stands.

    code: which check it is, for programs. action: what follows where it fails. reason: why, in plain words. name: for
    people, by default the code in words. observed, required: the figures compared, where there are such. uses_labels:
    whether labels were read.
    """

    code: Code
    status: Status
    action: Action
    reason: str
    _: KW_ONLY
    name: str = ""
    observed: float | None = None
    required: float | None = None
    uses_labels: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", self.code.replace("_", " "))

    @property
    def blocks(self) -> bool:
        """Whether a candidate with this check cannot be promoted."""
        return self.action != "report" and self.status in ("fail", "undecided")

    def as_dict(self) -> dict[str, Any]:
        """Return the check as verdict.json holds it."""
        return {
            "code": self.code,
            "name": self.name,
            "status": self.status,
            "action": self.action,
            "observed": self.observed,
            "required": self.required,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Difference:
    """By how much the candidate is better in this metric, the interval, and the one-sided p for "it is better".

    The candidate's metric minus production's; of a loss or a cost, production's minus the candidate's.
    """

    estimate: float
    low: float
    high: float
    confidence: float
    p_value: float
    metric: Metric = "accuracy"
    method: str = "tango"


@dataclass(frozen=True)
class Slice:
    """The paired difference in one slice, as it is drawn. guard_low, guard_high: at the guards' stricter level."""

    name: str
    rows: int
    estimate: float
    low: float
    high: float
    guard_low: float | None = None
    guard_high: float | None = None


@dataclass(frozen=True)
class Side:
    """One of the two models. accuracy: None where it could not answer, or answers are no classes.

    value: of the metric that decides, where that is not accuracy.
    """

    digest: str | None
    accuracy: float | None
    value: float | None = None


@dataclass(frozen=True)
class RowSet:
    """The rows that both models were judged on. clusters: how many they make, where they stand in such."""

    name: str
    count: int
    digest: str
    clusters: int | None = None


@dataclass(frozen=True)
class Look:
    """What the verdict cost. left: looks that remain, None where no ledger counts them.

    different: rows answered differently, known before a label was read; needed: how many of them the candidate had to
    win. repeated: whether the ledger's verdict is given once more.
    """

    spent: bool = False
    left: int | None = None
    why: str = ""
    different: int | None = None
    needed: int | None = None
    repeated: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return what is known of the look, as verdict.json holds it."""
        value = {"spent": self.spent, "left": self.left, "why": self.why, "different": self.different}
        value["needed"] = self.needed
        value["repeated"] = self.repeated or None
        return {key: each for key, each in value.items() if each not in (None, "")}


class Discordant(TypedDict):
    """Rows that one model alone gets right, as verdict.json holds them."""

    candidate_only_right: int
    production_only_right: int


@dataclass(frozen=True)
class Verdict:
    """What the gate says of one pair of models on one set of rows, with the evidence for each check.

    discordant: rows that only the candidate gets right, and rows that only production gets right. fragility: how many
    labels would have to be wrong for the difference to stand otherwise; None where it is undecided, or where no number
    of them would do. policy: the demands, and their digest. versions: of the packages that judged. labels: those bought
    for it, where there are such: count, wins, losses, ties, unsure, agreement, horizon.
    """

    decision: Decision
    reason: str
    production: Side
    candidate: Side
    rows: RowSet
    difference: Difference | None
    discordant: tuple[int, int] | None
    checks: tuple[Check, ...]
    slices: tuple[Slice, ...] = ()
    look: Look = field(default_factory=Look)
    policy: dict[str, Any] = field(default_factory=dict)
    fragility: int | None = None
    versions: dict[str, str] = field(default_factory=dict)
    labels: dict[str, Any] | None = None

    def check(self, name: str) -> Check:
        """Return the check of this name. Raises KeyError where it was not made."""
        for check in self.checks:
            if check.name == name:
                return check
        raise KeyError(name)

    def checks_with(self, code: Code) -> list[Check]:
        """Return the checks with this code: several for slices and classes, else one or none."""
        return [check for check in self.checks if check.code == code]

    @property
    def unusable(self) -> str | None:
        """Why the candidate could not be judged at all, which is not to be worse; None where it could."""
        return next((check.reason for check in self.checks if check.code == "usable" and check.status == "fail"), None)

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as verdict.json holds it."""
        value: dict[str, Any] = {
            "schema": SCHEMA,
            "decision": self.decision,
            "reason": self.reason,
            "production": _told(self.production, "value"),
            "candidate": _told(self.candidate, "value"),
            "rows": _told(self.rows, "clusters"),
            "difference": None,
            "discordant": None,
            "checks": [check.as_dict() for check in self.checks],
            "slices": [asdict(part) for part in self.slices],
            "fragility": self.fragility,
            "look": self.look.as_dict(),
            "policy": self.policy,
            "versions": self.versions,
        }
        if self.difference:
            value["difference"] = asdict(self.difference)
        if self.discordant:
            wins, losses = self.discordant
            value["discordant"] = {"candidate_only_right": wins, "production_only_right": losses}
        if self.labels:
            value["labels"] = self.labels
        if self.unusable:
            value["unusable"] = self.unusable
        return value


def _told(part: Side | RowSet, late: str) -> dict[str, Any]:
    """Return a part as verdict.json holds it: without the field that came later, where it says nothing."""
    return {name: value for name, value in asdict(part).items() if value is not None or name != late}
