"""What two models answered on the same rows, from pipelines or from files."""

from typing import Any

from mlgate.answers.arrays import score_arrays
from mlgate.answers.columns import score_answers
from mlgate.answers.joined import Pair, score_joined

__all__ = ["Pair", "ask", "probe", "score", "score_answers", "score_arrays", "score_joined"]


def __getattr__(name: str) -> Any:
    """Import what asks pipelines when it is wanted: with scikit-learn, which a file of answers does without."""
    if name not in ("ask", "probe", "score"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mlgate.answers import scoring

    return getattr(scoring, name)
