"""The policy: what the gate demands, read from gate.toml and checked."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields

from mlgate.root import MlgateError, section

ACTIONS = ("reject", "hold", "report")


@dataclass(frozen=True)
class Policy:
    """What the gate demands. gate.toml says what each line means; these are the values where it is silent."""

    alpha: float = 0.05
    looks: int = 20
    margin: float = 0.0
    guards_alpha: float = 0.05
    accuracy: float | None = None
    accuracy_action: str = "reject"
    one_class_action: str = "report"
    required: tuple[str, ...] = ()
    tolerance: float = 0.0
    minimum_rows: int = 100
    slices_action: str = "reject"

    def __post_init__(self):
        for name, low, high in RANGES:
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise MlgateError(f"gate.toml: {_key(name)} must be from {low:g} to {high:g}, not {value:g}.")
        for name in ("accuracy_action", "one_class_action", "slices_action"):
            if getattr(self, name) not in ACTIONS:
                words = ", ".join(map(repr, ACTIONS))
                raise MlgateError(f"gate.toml: {_key(name)} must be one of {words}, not {getattr(self, name)!r}.")

    @property
    def alpha_look(self) -> float:
        """The level of one look at the holdout: alpha, shared among all looks."""
        return self.alpha / self.looks

    @property
    def digest(self) -> str:
        """A sha256 of the demands themselves: comments and layout of gate.toml do not change it."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


# where each value of the policy stands in gate.toml, and its range
KEYS = {
    "decision": {"alpha": "alpha", "looks": "looks", "margin": "margin"},
    "guards": {"alpha": "guards_alpha"},
    "floors": {
        "accuracy": "accuracy",
        "accuracy_action": "accuracy_action",
        "one_class_action": "one_class_action",
    },
    "slices": {
        "required": "required",
        "tolerance": "tolerance",
        "minimum_rows": "minimum_rows",
        "action": "slices_action",
    },
}
RANGES = (
    ("alpha", 1e-6, 0.5),
    ("looks", 1, 100_000),
    ("margin", -0.5, 0.5),
    ("guards_alpha", 1e-6, 0.5),
    ("accuracy", 0, 1),
    ("tolerance", 0, 0.5),
    ("minimum_rows", 1, 1_000_000_000),
)
TYPES = {"looks": int, "minimum_rows": int, "required": list, **dict.fromkeys(("alpha", "guards_alpha"), float)}


def _key(name: str) -> str:
    return next(f"[{part}] {key}" for part, keys in KEYS.items() for key, mine in keys.items() if mine == name)


def policy_from(settings: dict) -> Policy:
    """The policy that a gate.toml's sections make. Raises MlgateError naming a wrong key, type or range."""
    kinds = {name: str if name.endswith("action") else TYPES.get(name, float) for name in _names()}
    values = {}
    for part, keys in KEYS.items():
        found = section(settings, part, {key: kinds[name] for key, name in keys.items()})
        values |= {keys[key]: value for key, value in found.items()}
    if "required" in values:
        values["required"] = tuple(values["required"])
    return Policy(**values)


def _names() -> list[str]:
    return [item.name for item in fields(Policy)]
