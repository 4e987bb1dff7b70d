"""Read and write a model's card: what it is, and how it came to be. A dict at the file's edge, a Card elsewhere."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlgate import root
from mlgate.errors import MlgateError
from mlgate.root import read_file


@dataclass(frozen=True)
class TrainingRows:
    """The rows that a model was trained on: how many, and their fingerprint."""

    count: int
    digest: str


@dataclass(frozen=True)
class Card:
    """What there is to know of a model, beginning with the sha256 of its bytes. Only that is never missing.

    keys: the sha256 of the fingerprints of its training rows, which stand in a file beside the card.
    """

    digest: str
    bytes: int | None = None
    classes: tuple[str, ...] | None = None
    recipe: str | None = None
    severity: float | None = None
    rows: TrainingRows | None = None
    keys: str | None = None
    versions: dict[str, str] = field(default_factory=dict)
    machine: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return what is known, as a card.json holds it."""
        known = {name: value for name, value in vars(self).items() if value is not None and value != {}}
        if self.classes is not None:
            known["classes"] = list(self.classes)
        if self.rows is not None:
            known["rows"] = vars(self.rows).copy()
        return known


def card_from(found: object) -> Card:
    """Return the card that a card.json holds. Raises MlgateError, in one line, where a field is of another type."""
    if not isinstance(found, dict):
        raise MlgateError(f"A card must be an object with a digest, not {_kind(found)}. Train the model again.")
    if "digest" not in found:
        raise MlgateError("The card has no digest. Train the model again.")
    for name, value in found.items():
        if name in FIELDS and not FIELDS[name][0](value):
            raise MlgateError(
                f"The card's {name} must be {FIELDS[name][1]}, not {_kind(value)}. Train the model again."
            )
    known = {name: value for name, value in found.items() if name in FIELDS}
    if "classes" in known:
        known["classes"] = tuple(known["classes"])
    if "rows" in known:
        known["rows"] = TrainingRows(known["rows"]["count"], known["rows"]["digest"])
    return Card(**known)


def read_card(path: Path, name: str) -> Card | None:
    """Return the card at `path` if it is there and describes the bytes with the digest `name`, else None.

    Raises MlgateError, in one line, where it does but a field is of another type.
    """
    try:
        found = json.loads(read_file(path).decode())
        to_json(found)  # it will have to be written again: no NaN
    except (OSError, ValueError, RecursionError):
        return None
    return card_from(found) if isinstance(found, dict) and found.get("digest") == name else None


def to_json(value: object) -> bytes:
    """Return a value, or a card, as the bytes of a JSON file that people can read."""
    if isinstance(value, Card):
        value = value.as_dict()
    return root.to_json(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _is_rows(value: object) -> bool:
    return isinstance(value, dict) and _is_count(value.get("count")) and _is_text(value.get("digest"))


def _are_texts(values: object) -> bool:
    return isinstance(values, list) and all(map(_is_text, values))


def _are_versions(values: object) -> bool:
    return isinstance(values, dict) and all(map(_is_text, values.values()))


def _kind(value: object) -> str:
    return f"{value!a:.60}"


FIELDS: dict[str, tuple[Callable[[object], bool], str]] = {
    "digest": (_is_text, "a text"),
    "bytes": (_is_count, "a whole number"),
    "classes": (_are_texts, "a list of texts"),
    "recipe": (_is_text, "a text"),
    "severity": (_is_share, "a number from 0 to 1"),
    "rows": (_is_rows, "an object with a count and a digest"),
    "keys": (_is_text, "a text"),
    "versions": (_are_versions, "an object of texts"),
    "machine": (_is_text, "a text"),
}
