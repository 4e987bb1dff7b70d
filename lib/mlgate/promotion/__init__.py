"""Promote, roll back and refresh: one atomic rename is the commit point."""

from mlgate.promotion.promotion import (
    BRING_BACK,
    begun_move,
    profile_of,
    promote,
    require_known,
    rollback,
    stage_of,
    switch,
    tidy,
)

__all__ = [
    "BRING_BACK",
    "begun_move",
    "profile_of",
    "promote",
    "require_known",
    "rollback",
    "stage_of",
    "switch",
    "tidy",
]
