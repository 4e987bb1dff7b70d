"""What two models answered on the same rows, from pipelines or from files."""

from typing import Any

from mlgate.answers.arrays import score_arrays
from mlgate.answers.columns import Columns
from mlgate.answers.counts import count, score_cards, score_counts
from mlgate.answers.joined import Pair, score_joined
from mlgate.answers.reading import score_answers, score_files
from mlgate.answers.right import LABEL as RIGHT

__all__ = [
    "RIGHT",
    "Columns",
    "Pair",
    "ask",
    "count",
    "probe",
    "score",
    "score_answers",
    "score_arrays",
    "score_cards",
    "score_counts",
    "score_files",
    "score_joined",
]


def __getattr__(name: str) -> Any:
    """Import what asks pipelines when it is wanted: with scikit-learn, which a file of answers does without."""
    if name not in ("ask", "probe", "score"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mlgate.answers import scoring

    return getattr(scoring, name)
