"""pipeline.pkl and its card: write, verify by digest, then load through an allow-list of types."""

from mlgate import pinned  # noqa: F401  (before numpy)
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
from mlgate.artifacts.asking import fenced, places_of
from mlgate.artifacts.cards import Card, TrainingRows, card_from, read_card, to_json
from mlgate.artifacts.fence import Crossed, Fence, described
from mlgate.artifacts.limits import MEGABYTE, Limits, limits_of
from mlgate.artifacts.lock import locked
from mlgate.artifacts.memory import answer_once
from mlgate.artifacts.model import Answer, Model, digest, dump, load
from mlgate.root import versions

__all__ = [
    "MEGABYTE",
    "Answer",
    "Card",
    "Crossed",
    "Fence",
    "Limits",
    "Model",
    "TooLarge",
    "TrainingRows",
    "answer_once",
    "card_from",
    "card_of",
    "described",
    "digest",
    "dump",
    "fenced",
    "limits_of",
    "load",
    "load_candidate",
    "load_file",
    "load_production",
    "locked",
    "places_of",
    "read_bytes",
    "read_candidate",
    "read_card",
    "read_production",
    "to_json",
    "versions",
    "write_candidate",
]
