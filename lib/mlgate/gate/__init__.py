"""The gate: judge(), a pure function scorecard x policy -> verdict."""

from mlgate.gate.difference import Check, Difference, compare, points, smallest_win, standing
from mlgate.gate.gate import HOLD, PROMOTE, REJECT, Slice, Verdict, decide, judge, judge_first, verdict_from
from mlgate.root import Policy, policy_from

__all__ = [
    "HOLD",
    "PROMOTE",
    "REJECT",
    "Check",
    "Difference",
    "Policy",
    "Slice",
    "Verdict",
    "compare",
    "decide",
    "judge",
    "judge_first",
    "points",
    "policy_from",
    "smallest_win",
    "standing",
    "verdict_from",
]
