"""What two models answered on the same rows, from pipelines or from files."""

from mlgate.answers.columns import score_answers
from mlgate.answers.probing import probe
from mlgate.answers.scoring import ask, score

__all__ = ["ask", "probe", "score", "score_answers"]
