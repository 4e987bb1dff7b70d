"""The exam on the holdout: when a look is spent, what is written down, and the first promotion."""

from mlgate.exam.exam import CandidateRejected, bootstrap, enforce, load_pair, policy_of, preview, settle, sit

__all__ = ["CandidateRejected", "bootstrap", "enforce", "load_pair", "policy_of", "preview", "settle", "sit"]
