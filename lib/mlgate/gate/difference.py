"""The checks: each looks at a scorecard, and says in plain words how one demand of the policy stands."""

from bisect import bisect_left
from dataclasses import dataclass

from mlgate.gate import statistics
from mlgate.root import Policy
from mlgate.scorecard import Scorecard


@dataclass(frozen=True)
class Check:
    """One demand and how it stands: status "pass", "fail", "undecided" or "skipped", and why, in plain words."""

    name: str
    status: str
    action: str
    observed: float | None
    required: float | None
    reason: str


@dataclass(frozen=True)
class Difference:
    """Candidate's accuracy minus production's, its interval, and the one-sided mid-p for "the candidate is better"."""

    estimate: float
    low: float
    high: float
    confidence: float
    p_value: float


def compare(scorecard: Scorecard, alpha: float) -> Difference:
    """The paired difference in accuracy on a scorecard, with Tango's interval at confidence 1 - 2 alpha."""
    (b, c), n = scorecard.discordant, scorecard.count
    low, high = statistics.tango(b, c, n, 1 - 2 * alpha)
    return Difference((b - c) / n, low, high, 1 - 2 * alpha, statistics.midp(b, c))


def points(difference: Difference) -> str:
    """The difference and its interval in words, in percentage points."""
    estimate, low, high = (f"{100 * value:+.2f}" for value in (difference.estimate, difference.low, difference.high))
    return f"{estimate} points ({low} to {high})"


def usable(scorecard: Scorecard) -> Check:
    """The candidate did not answer: it would not load, raised, or speaks of other classes."""
    return Check("usable", "fail", "reject", None, None, f"the candidate cannot be used: {scorecard.candidate.fault}")


# stands for all checks that read labels, where one that reads none rejects already
SKIPPED = Check(
    "labelled checks", "skipped", "report", None, None, "no label was read: the candidate is rejected already"
)


def identical(scorecard: Scorecard) -> Check:
    """The candidate answers every row as production does: there is nothing to win."""
    what = "the same model" if scorecard.same_model else f"the same answer to each of the {scorecard.count:,} rows"
    return Check("identical", "undecided", "hold", 0.0, None, f"identical to production: {what}")


def standing(b: int, c: int, n: int, margin: float, alpha: float) -> str:
    """How the difference stands, from the paired counts alone: "pass" (better), "fail" (worse) or "undecided"."""
    low, high = statistics.tango(b, c, n, 1 - 2 * alpha)
    if low > margin and (margin != 0 or statistics.midp(b, c) <= alpha):
        return "pass"
    return "fail" if high < min(margin, 0) else "undecided"


def smallest_win(different: int, n: int, margin: float, alpha: float) -> int | None:
    """Of `different` rows that tell the models apart, how many the candidate has to win; None where all do not do."""
    if standing(different, 0, n, margin, alpha) != "pass":
        return None
    return bisect_left(range(different), True, key=lambda b: standing(b, different - b, n, margin, alpha) == "pass")


def fragility(scorecard: Scorecard, policy: Policy, alpha: float) -> int | None:
    """How many labels would have to be wrong, all in one model's favour, for the difference to stand otherwise.

    None where it is undecided, or where even all of them would not do. A wrong label turns a row that only one model
    gets right into one for the other.
    """
    (b, c), n = scorecard.discordant, scorecard.count
    now = standing(b, c, n, policy.margin, alpha)
    if now == "undecided":
        return None
    from_side, step = (b, -1) if now == "pass" else (c, 1)

    def otherwise(k: int) -> bool:
        return standing(b + step * k, c - step * k, n, policy.margin, alpha) != now

    found = bisect_left(range(from_side + 1), True, key=otherwise)
    return found if found <= from_side else None


def better(scorecard: Scorecard, policy: Policy, alpha: float, difference: Difference) -> Check:
    """The candidate is shown to be better than production by more than the margin (below 0: not that much worse)."""
    (b, c), n, margin = scorecard.discordant, scorecard.count, policy.margin
    size = f" by more than {100 * abs(margin):.2f} points" if margin else ""
    status = standing(b, c, n, margin, alpha)
    if status == "pass":
        what = f"{'not worse' if margin < 0 else 'better'} than production{size}"
    elif status == "fail":
        what = f"worse than production{size if margin < 0 else ''}"
    elif standing(b + c, 0, n, margin, alpha) != "pass":
        what = "too few rows tell the two models apart"
    elif margin:
        what = f"{'may be worse' if margin < 0 else 'not shown to be better'} than production{size}"
    else:
        what = "neither shown to be better than production nor to be worse"
    reason = f"{what}: {points(difference)}; {b:,} rows only the candidate gets right, {c:,} only production"
    return Check("difference", status, "reject", difference.estimate, margin, reason)
