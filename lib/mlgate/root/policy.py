"""The policy: what the gate demands, read from gate.toml and checked."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields

from mlgate.errors import MlgateError
from mlgate.root.settings import section

ACTIONS = ("reject", "hold", "report")


def demand(part: str, key: str, default, low: float | None = None, high: float | None = None):
    """A value of the policy: where it stands in gate.toml, what it is where gate.toml is silent, and its range."""
    return field(default=default, metadata={"part": part, "key": key, "low": low, "high": high})


@dataclass(frozen=True)
class Policy:
    """What the gate demands. gate.toml says what each line means; these are the values where it is silent."""

    alpha: float = demand("decision", "alpha", 0.05, 1e-6, 0.5)
    looks: int = demand("decision", "looks", 20, 1, 100_000)
    margin: float = demand("decision", "margin", 0.0, -0.5, 0.5)
    guards_alpha: float = demand("guards", "alpha", 0.05, 1e-6, 0.5)
    accuracy: float | None = demand("floors", "accuracy", None, 0, 1)
    accuracy_action: str = demand("floors", "accuracy_action", "reject")
    one_class_action: str = demand("floors", "one_class_action", "report")
    required: tuple[str, ...] = demand("slices", "required", ())
    tolerance: float = demand("slices", "tolerance", 0.0, 0, 0.5)
    minimum_rows: int = demand("slices", "minimum_rows", 100, 1, 1_000_000_000)
    slices_action: str = demand("slices", "action", "reject")
    flips: float = demand("flips", "most", 0.05, 0, 1)
    flips_action: str = demand("flips", "action", "report")
    brier_tolerance: float = demand("probabilities", "brier_tolerance", 0.01, 0, 1)
    brier_action: str = demand("probabilities", "brier_action", "reject")
    calibration_tolerance: float = demand("probabilities", "calibration_tolerance", 0.05, 0, 1)
    calibration_action: str = demand("probabilities", "calibration_action", "report")
    too_good: float = demand("suspicion", "better_by", 0.1, 0, 1)
    too_good_action: str = demand("suspicion", "action", "report")
    brittle_tolerance: float = demand("robustness", "tolerance", 0.1, 0, 1)
    brittle_action: str = demand("robustness", "action", "hold")
    contract_action: str = demand("robustness", "contract_action", "reject")
    leakage_action: str = demand("leakage", "action", "reject")
    slower: float = demand("cost", "slower", 3.0, 1, 1_000_000)
    slower_action: str = demand("cost", "slower_action", "report")
    megabytes: float = demand("cost", "megabytes", 3.0, 0.001, 1_000_000)
    megabytes_action: str = demand("cost", "megabytes_action", "report")
    reproduce: str = demand("provenance", "reproduce", "card")
    reproduce_action: str = demand("provenance", "action", "hold")

    def __post_init__(self):
        for item in fields(self):
            value, low, high = getattr(self, item.name), item.metadata["low"], item.metadata["high"]
            if low is not None and value is not None and not low <= value <= high:
                raise MlgateError(f"gate.toml: {_place(item)} must be from {low:g} to {high:g}, not {value:g}.")
            words = ACTIONS if item.name.endswith("action") else REPRODUCE if item.name == "reproduce" else None
            if words and value not in words:
                raise MlgateError(
                    f"gate.toml: {_place(item)} must be one of {', '.join(map(repr, words))}, not {value!r}."
                )

    @property
    def alpha_look(self) -> float:
        """The level of one look at the holdout: alpha, shared among all looks."""
        return self.alpha / self.looks

    @property
    def digest(self) -> str:
        """A sha256 of the demands themselves: comments and layout of gate.toml do not change it."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


REPRODUCE = ("card", "retrain")
SECTIONS = tuple(dict.fromkeys(item.metadata["part"] for item in fields(Policy)))


def policy_from(settings: dict) -> Policy:
    """The policy that a gate.toml's sections make. Raises MlgateError naming a wrong key, type or range."""
    values = {}
    for part in SECTIONS:
        mine = {item.metadata["key"]: item for item in fields(Policy) if item.metadata["part"] == part}
        found = section(settings, part, {key: _type(item) for key, item in mine.items()})
        values |= {mine[key].name: tuple(value) if isinstance(value, list) else value for key, value in found.items()}
    return Policy(**values)


def _type(item) -> type:
    return {"required": list, "accuracy": float}.get(item.name, item.type)


def _place(item) -> str:
    return f"[{item.metadata['part']}] {item.metadata['key']}"
