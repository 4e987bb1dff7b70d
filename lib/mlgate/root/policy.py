# ruff: noqa: RUF009  (demand() makes a dataclass field)
"""The policy: what the gate demands, read from gate.toml and checked.

A dataclass, not pydantic: the job that records a verdict reads the policy with nothing installed.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from mlgate.errors import MlgateError
from mlgate.root.settings import KEYS, read_toml, section

Action = Literal["reject", "hold", "report"]
Reproduce = Literal["card", "retrain"]
Metric = Literal[
    "accuracy", "pass_rate", "balanced_accuracy", "macro_f1", "cost", "mae", "mse", "auc", "log_loss", "brier"
]
PYPROJECT = "pyproject.toml"
ACTIONS: tuple[Action, ...] = get_args(Action)
REPRODUCE: tuple[Reproduce, ...] = get_args(Reproduce)


METRICS: tuple[Metric, ...] = get_args(Metric)
# Metrics that no share bounds: less is better, and margin, tolerances and floor are in their own unit.
LOSSES: tuple[Metric, ...] = ("cost", "mae", "mse", "log_loss", "brier")
SCORED: tuple[Metric, ...] = ("auc", "log_loss", "brier")  # answers are scores, the probability of one of two labels
MEASURED: tuple[Metric, ...] = ("mae", "mse", *SCORED)  # answers are numbers
MOST_LOSS = 1e9
# A metric that weighs the classes itself decides what may be traded: the classes' guard reports, unless told otherwise.
WEIGHING: tuple[Metric, ...] = ("balanced_accuracy", "macro_f1", "cost")


def demand(
    part: str, key: str, default: Any, low: float | None = None, high: float | None = None, kind: type | None = None
) -> Any:
    """Declare a value of the policy: its section and key in gate.toml, its default, its range or its words.

    kind: the type in gate.toml, by default that of the default value.
    """
    metadata = {"part": part, "key": key, "low": low, "high": high, "kind": kind or type(default)}
    return field(default=default, metadata=metadata)


def in_unit(part: str, key: str, default: Any, low: float, high: float) -> Any:
    """Declare a number in the unit of the metric that decides: the range is that of shares."""
    metadata = {"part": part, "key": key, "low": low, "high": high, "kind": float, "unit": True}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Policy:
    """Defaults for keys missing from gate.toml, which documents each key."""

    alpha: float = demand("decision", "alpha", 0.05, 1e-6, 0.5)
    looks: int = demand("decision", "looks", 20, 1, 100_000)
    margin: float = in_unit("decision", "margin", 0.0, -0.5, 0.5)
    metric: Metric = demand("decision", "metric", "accuracy")
    costs: tuple[str, ...] = demand("decision", "costs", (), kind=list)
    positive: str | None = demand("decision", "positive", None, kind=str)
    guards_alpha: float = demand("guards", "alpha", 0.05, 1e-6, 0.5)
    accuracy: float | None = demand("floors", "accuracy", None, 0, 1, float)
    accuracy_action: Action = demand("floors", "accuracy_action", "reject")
    floor: float | None = in_unit("floors", "value", None, 0, 1)
    floor_action: Action = demand("floors", "value_action", "reject")
    one_answer_action: Action = demand("floors", "one_answer_action", "reject")
    one_class_action: Action = demand("floors", "one_class_action", "report")
    required: tuple[str, ...] = demand("slices", "required", (), kind=list)
    tolerance: float = in_unit("slices", "tolerance", 0.0, 0, 0.5)
    minimum_rows: int = demand("slices", "minimum_rows", 100, 1, 1_000_000_000)
    slices_action: Action = demand("slices", "action", "reject")
    classes_tolerance: float = in_unit("classes", "tolerance", 0.05, 0, 1)
    classes_action: Action = demand("classes", "action", "reject")
    flips: float = demand("flips", "most", 0.05, 0, 1)
    flips_action: Action = demand("flips", "action", "report")
    brier_tolerance: float = demand("probabilities", "brier_tolerance", 0.01, 0, 1)
    brier_action: Action = demand("probabilities", "brier_action", "reject")
    calibration_tolerance: float = demand("probabilities", "calibration_tolerance", 0.05, 0, 1)
    calibration_action: Action = demand("probabilities", "calibration_action", "report")
    too_good: float = demand("suspicion", "better_by", 0.1, 0, 1)
    too_good_action: Action = demand("suspicion", "action", "hold")
    brittle_tolerance: float = demand("robustness", "tolerance", 0.1, 0, 1)
    brittle_action: Action = demand("robustness", "action", "hold")
    contract_action: Action = demand("robustness", "contract_action", "reject")
    leakage_action: Action = demand("leakage", "action", "reject")
    slower: float = demand("cost", "slower", 3.0, 1, 1_000_000)
    slower_action: Action = demand("cost", "slower_action", "report")
    megabytes: float = demand("cost", "megabytes", 3.0, 0.001, 1_000_000)
    megabytes_action: Action = demand("cost", "megabytes_action", "report")
    reproduce: Reproduce = demand("provenance", "reproduce", "retrain")
    reproduce_action: Action = demand("provenance", "action", "hold")

    def __post_init__(self) -> None:
        for item in fields(self):
            _check_range(item, getattr(self, item.name), self.metric in LOSSES)
            _check_words(item, getattr(self, item.name))
        if self.metric == "cost" and not self.priced:
            raise MlgateError('gate.toml: [decision] metric = "cost" needs costs, such as ["fraud -> fine = 50"].')

    @property
    def alpha_look(self) -> float:
        """The level of one look at the holdout: alpha, shared among all looks."""
        return self.alpha / self.looks

    @property
    def priced(self) -> dict[tuple[str, str], float]:
        """What an answer to a label costs, by (label, answer): of those that [decision] costs names."""
        return dict(map(_price, self.costs))

    def large_enough(self, rows: int) -> bool:
        """Whether so many rows of a slice or class are enough to say that they show no harm."""
        return rows >= self.minimum_rows

    @property
    def demands(self) -> dict[str, Any]:
        """The demands by name, without those that came later where they ask for nothing: so old verdicts still hold."""
        return {name: value for name, value in asdict(self).items() if name not in LATER or value != LATER[name]}

    @property
    def digest(self) -> str:
        """A sha256 of the demands themselves: comments and layout of gate.toml do not change it."""
        return hashlib.sha256(json.dumps(self.demands, sort_keys=True).encode()).hexdigest()

    def as_dict(self) -> dict[str, Any]:
        """Return the demands and their digest, as a verdict holds them."""
        return {**self.demands, "digest": self.digest}


LATER = {name: getattr(Policy, name) for name in ("metric", "costs", "positive", "floor", "floor_action")}
DEMANDED = tuple(dict.fromkeys(item.metadata["part"] for item in fields(Policy)))
SECTIONS = (*KEYS, *DEMANDED)


def has_settings(path: Path) -> bool:
    """Whether a pyproject.toml has a table [tool.mlgate]. One that is torn has, where it speaks of mlgate.

    Its demands would be dropped without a word else.
    """
    try:
        return path.is_file() and "mlgate" in read_toml(path).get("tool", {})
    except TypeError:
        return False
    except MlgateError:
        return os.access(path, os.R_OK) and b"mlgate" in path.read_bytes()


def _table(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return [tool.mlgate] of a pyproject.toml: gate.toml's sections, such as [tool.mlgate.decision]."""
    tools = found.get("tool", {})
    table = tools.get("mlgate") if isinstance(tools, dict) else None
    if not isinstance(table, dict):
        raise MlgateError(f"{PYPROJECT} has no table [tool.mlgate]. Write gate.toml's sections there, or name another.")
    return table


def read_settings(path: Path) -> dict[str, Any]:
    """Return a gate.toml, or the table [tool.mlgate] of a pyproject.toml, section by section.

    Raises MlgateError for a file or a section that cannot be used.
    """
    settings = read_toml(path)
    if path.name == PYPROJECT:
        settings = _table(settings)
    for name, value in settings.items():
        if name not in SECTIONS or not isinstance(value, dict):
            raise MlgateError(f"{path.name}: there is no section [{name:.80}]; there are {', '.join(SECTIONS)}.")
    return settings


def policy_from(settings: Mapping[str, Any]) -> Policy:
    """Return the policy that a gate.toml's sections make. Raises MlgateError naming a wrong key, type or range."""
    values: dict[str, Any] = {}
    for part in DEMANDED:
        own = {item.metadata["key"]: item for item in fields(Policy) if item.metadata["part"] == part}
        found = section(settings, part, {key: item.metadata["kind"] for key, item in own.items()})
        for key, value in found.items():
            values[own[key].name] = tuple(value) if isinstance(value, list) else value
    if values.get("metric") in WEIGHING:
        values.setdefault("classes_action", "report")
    return Policy(**values)


def with_decision(settings: Mapping[str, Any], **said: str | None) -> dict[str, Any]:
    """Return the settings of gate.toml with these under [decision] in the place of theirs; None leaves theirs."""
    named = {name: value for name, value in said.items() if value is not None}
    decision = settings.get("decision", {})
    if not named or not isinstance(decision, dict):
        return dict(settings)
    return {**settings, "decision": {**decision, **named}}


def _price(line: str) -> tuple[tuple[str, str], float]:
    names, _, price = line.rpartition("=")
    label, arrow, answer = names.partition("->")
    try:
        cost = float(price)
    except ValueError:
        cost = MOST_LOSS
    if not arrow or not abs(cost) < MOST_LOSS:
        raise MlgateError(f'gate.toml: [decision] costs says {line!r:.80}; write it as "label -> answer = 50".')
    return (label.strip(), answer.strip()), cost


def _check_range(item: Field[Any], value: Any, loss: bool) -> None:
    low = item.metadata["low"]
    high = item.metadata["high"]
    if loss and item.metadata.get("unit"):
        high = MOST_LOSS
        low = max(low * MOST_LOSS, -MOST_LOSS)
    if low is not None and value is not None and not low <= value <= high:
        raise MlgateError(f"gate.toml: {_place(item)} must be from {low:g} to {high:g}, not {value:g}.")


def _check_words(item: Field[Any], value: Any) -> None:
    words = get_args(item.type)
    if item.metadata["kind"] is str and str not in words and value not in words:
        listed = ", ".join(repr(word) for word in words)
        raise MlgateError(f"gate.toml: {_place(item)} must be one of {listed}, not {value!r:.80}.")


def _place(item: Field[Any]) -> str:
    return f"[{item.metadata['part']}] {item.metadata['key']}"
