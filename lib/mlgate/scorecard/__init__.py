"""Both models' answers on the same rows reduced to counts and sums that add up."""

from mlgate.scorecard.clusters import Clusters, entries, key_of
from mlgate.scorecard.losses import SUMS, ExactSums, Losses
from mlgate.scorecard.probes import Probes
from mlgate.scorecard.scorecard import BINS, CHUNK, Facts, Scorecard, count_answers, merge, occurring, placed

__all__ = [
    "BINS",
    "CHUNK",
    "SUMS",
    "Clusters",
    "ExactSums",
    "Facts",
    "Losses",
    "Probes",
    "Scorecard",
    "count_answers",
    "entries",
    "key_of",
    "merge",
    "occurring",
    "placed",
]
