"""pipeline.pkl and its card: write, verify by digest, then load through an allow-list of types."""

from mlgate.artifacts.artifacts import (
    TooLarge,
    card_of,
    load_candidate,
    load_file,
    load_production,
    read_bytes,
    read_candidate,
    read_production,
    write_candidate,
)
from mlgate.artifacts.cards import Card, TrainingRows, card_from, read_card, to_json
from mlgate.artifacts.lock import locked
from mlgate.artifacts.model import MEGABYTE, Limits, Model, digest, dump, limits_of, load
from mlgate.root import versions

__all__ = [
    "MEGABYTE",
    "Card",
    "Limits",
    "Model",
    "TooLarge",
    "TrainingRows",
    "card_from",
    "card_of",
    "digest",
    "dump",
    "limits_of",
    "load",
    "load_candidate",
    "load_file",
    "load_production",
    "locked",
    "read_bytes",
    "read_candidate",
    "read_card",
    "read_production",
    "to_json",
    "versions",
    "write_candidate",
]
