"""The exam on the holdout: when a look is spent, what is written down, and the first promotion."""

from mlgate import pinned  # noqa: F401  (before numpy)
from mlgate.exam.attempt import policy_of
from mlgate.exam.bootstrap import bootstrap
from mlgate.exam.exam import CandidateRejected, act_on, load_pair, preview, raise_if_rejected, take

__all__ = [
    "CandidateRejected",
    "act_on",
    "bootstrap",
    "load_pair",
    "policy_of",
    "preview",
    "raise_if_rejected",
    "take",
]
