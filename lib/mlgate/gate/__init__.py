"""The gate: judge(), a pure function scorecard x policy -> verdict."""

from mlgate.gate.difference import compare, points, smallest_win, standing
from mlgate.gate.judging import decide, judge, judge_first
from mlgate.gate.sequential import corridor
from mlgate.gate.verdict import (
    HOLD,
    PROMOTE,
    REJECT,
    Check,
    Code,
    Decision,
    Difference,
    Look,
    RowSet,
    Side,
    Slice,
    Status,
    Verdict,
)
from mlgate.gate.written import verdict_from
from mlgate.root import Policy, policy_from

__all__ = [
    "HOLD",
    "PROMOTE",
    "REJECT",
    "Check",
    "Code",
    "Decision",
    "Difference",
    "Look",
    "Policy",
    "RowSet",
    "Side",
    "Slice",
    "Status",
    "Verdict",
    "compare",
    "corridor",
    "decide",
    "judge",
    "judge_first",
    "points",
    "policy_from",
    "smallest_win",
    "standing",
    "verdict_from",
]
