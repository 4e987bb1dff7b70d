"""Promote, roll back and refresh: one atomic rename is the commit point."""

from mlgate.promotion.promotion import MEND, promote, require_known, rollback, switch, tidy

__all__ = ["MEND", "promote", "require_known", "rollback", "switch", "tidy"]
