"""Both models' answers on the same rows reduced to counts and sums that add up."""

from mlgate.scorecard.probes import Probes
from mlgate.scorecard.scorecard import BINS, CHUNK, Facts, Scorecard, count_answers, merge, occurring

__all__ = ["BINS", "CHUNK", "Facts", "Probes", "Scorecard", "count_answers", "merge", "occurring"]
