"""[watch] in gate.toml, checked. Keys and types are declared in root/settings.py, ranges and defaults here."""

from dataclasses import Field, dataclass, field, fields
from typing import Any

from mlgate.errors import MlgateError
from mlgate.root import Root, section

REPORT, ROLLBACK = "report", "rollback"


def setting(default: Any, low: float, high: float) -> Any:
    """Declare a number with its default and its range."""
    return field(default=default, metadata={"low": low, "high": high})


@dataclass(frozen=True)
class Settings:
    """What [watch] says; gate.toml documents each key."""

    rows_per_false_alarm: int = setting(1_000_000, 100, 10**12)
    tolerance: float = setting(0.02, 0.001, 0.5)
    harm_tolerance: float = setting(0.0, 0.0, 0.5)
    keep_every: int = setting(0, 0, 1_000_000_000)
    keep_a_second: float = setting(0.0, 0.0, 1_000_000)
    keep_texts: bool = False
    keep_days: float = setting(30.0, 0.001, 100_000)
    keep_megabytes: float = setting(100.0, 1, 1_000_000)
    on_harm: str = REPORT

    def __post_init__(self) -> None:
        for item in fields(self):
            _check_range(item, getattr(self, item.name))
        if self.on_harm not in (REPORT, ROLLBACK):
            raise MlgateError(f"gate.toml: [watch] on_harm must be 'report' or 'rollback', not {self.on_harm!r:.80}.")

    @property
    def promise(self) -> tuple[float, float, float]:
        """What the lights depend on: another value, and they begin anew."""
        return self.rows_per_false_alarm, self.tolerance, self.harm_tolerance


def _check_range(item: Field[Any], value: Any) -> None:
    if not item.metadata:
        return
    low = item.metadata["low"]
    high = item.metadata["high"]
    if not low <= value <= high:
        raise MlgateError(f"gate.toml: [watch] {item.name} must be from {low:g} to {high:g}, not {value:g}.")


def settings_of(root: Root) -> Settings:
    """Return what [watch] in the root's gate.toml says. Raises MlgateError naming a wrong key, type or range."""
    return Settings(**section(root.settings(), "watch"))
