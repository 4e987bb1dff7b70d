"""What the record asks of a run before it believes it: the line that the event lets it bring, and nothing beside it."""

from collections.abc import Sequence

from mlgate import ledger
from mlgate.errors import MlgateError
from mlgate.ledger import Entry

# What a run may bring that was started to judge a candidate, to roll back, to refresh, or to take new holdout rows.
EXPECTED: dict[str, tuple[str, ...]] = {
    "promotion": ("look", "rejection", "holdout", "promotion", "bootstrap"),
    "rollback": ("rollback",),
    "refresh": ("refresh",),
    "holdout": ("holdout",),
}


def require_expected(lines: Sequence[Entry], expected: str) -> None:
    """Raise MlgateError where a run brings a line that it was not started for, or moves production more than once."""
    for line in lines:
        if line["kind"] not in EXPECTED[expected]:
            raise MlgateError(
                f"This run was started for a {expected}, and its ledger brings a {line['kind']}: nothing was recorded."
                f" A {expected} brings no other line than {', '.join(EXPECTED[expected])}."
            )
    moves = ledger.moves(lines)
    if len(moves) > 1:
        raise MlgateError(f"This run moves production {len(moves)} times: nothing was recorded. One run, one move.")
