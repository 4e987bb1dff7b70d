"""The history of looks, promotions and rollbacks, and its integrity. Standard library and git only."""

from mlgate.ledger.ledger import (
    MOVES,
    START,
    append,
    chained,
    current_holdout,
    head,
    looks_left,
    now,
    previous,
    read,
    repeated,
    rolled_back,
    since,
    verdict_on,
)

__all__ = [
    "MOVES",
    "START",
    "append",
    "chained",
    "current_holdout",
    "head",
    "looks_left",
    "now",
    "previous",
    "read",
    "repeated",
    "rolled_back",
    "since",
    "verdict_on",
]
