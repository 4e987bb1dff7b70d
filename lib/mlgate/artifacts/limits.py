"""What a pipeline.pkl may hold, and what it may cost: [artifacts] in gate.toml."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlgate.errors import MlgateError
from mlgate.root import section

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Limits:
    """What may be unpickled, and what that, and each answer, may cost.

    allow: types and token patterns beside the usual ones. bytes: of the file, once decompressed. objects: in the file;
    by default, as many as so many bytes need. memory: bytes on top of what this process uses. seconds: to open the
    model, and to answer some thousand texts.
    """

    allow: tuple[str, ...] = ()
    bytes: int = 20 * MEGABYTE
    objects: int | None = None
    memory: int = 2_048 * MEGABYTE
    seconds: float = 60.0


STANDARD = Limits()


def limits_of(settings: Mapping[str, Any]) -> Limits:
    """Return what [artifacts] in gate.toml allows. Raises MlgateError naming a value that is out of range."""
    found = section(settings, "artifacts")
    for key, lowest, highest in RANGES:
        if key in found and not lowest <= found[key] <= highest:  # nor what is no number
            raise MlgateError(
                f"gate.toml: [artifacts] {key} must be from {lowest:g} to {highest:,}, not {found[key]:g}."
            )
    return Limits(
        allow=tuple(found.get("allow", STANDARD.allow)),
        bytes=int(found.get("max_megabytes", STANDARD.bytes / MEGABYTE) * MEGABYTE),
        objects=found.get("max_objects", STANDARD.objects),
        memory=int(found.get("memory_megabytes", STANDARD.memory / MEGABYTE) * MEGABYTE),
        seconds=found.get("seconds", STANDARD.seconds),
    )


RANGES = (
    ("max_megabytes", 0.001, 1_000_000),
    ("max_objects", 1_000, 1_000_000_000),
    ("memory_megabytes", 100, 1_000_000),
    ("seconds", 1, 1_000_000),
)
