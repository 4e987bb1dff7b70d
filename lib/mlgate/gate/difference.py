"""The difference between the two models, and the checks that rest on it alone."""

from bisect import bisect_left

from mlgate.gate import statistics
from mlgate.gate.verdict import Check, Difference, Status
from mlgate.root import Policy
from mlgate.scorecard import Scorecard


def compare(scorecard: Scorecard, alpha: float) -> Difference:
    """Return the paired difference in accuracy on a scorecard, with Tango's interval at confidence 1 - 2 alpha."""
    b, c = scorecard.discordant
    return compare_counts(b, c, scorecard.count, alpha)


def compare_counts(b: int, c: int, n: int, alpha: float) -> Difference:
    """Return the paired difference of b wins and c losses in n rows, with Tango's interval at 1 - 2 alpha."""
    confidence = 1 - 2 * alpha
    interval = statistics.tango(b, c, n, confidence)
    return Difference((b - c) / n, *interval, confidence, statistics.midp(b, c))


def points(difference: Difference) -> str:
    """Return the difference and its interval in words, in percentage points."""
    low = f"{100 * difference.low:+.2f}"
    high = f"{100 * difference.high:+.2f}"
    return f"{100 * difference.estimate:+.2f} points ({low} to {high})"


def usable(scorecard: Scorecard) -> Check:
    """Fail a candidate that did not answer: it would not load, raised, or speaks of other classes."""
    reason = f"the candidate cannot be used: {scorecard.candidate.fault}"
    return Check("usable", "fail", "reject", reason)


# stands for all checks that read labels, where one that reads none rejects already
SKIPPED = Check(
    code="labelled_checks",
    status="skipped",
    action="report",
    reason="no label was read: the candidate is rejected already",
)


def identical(scorecard: Scorecard) -> Check:
    """Hold a candidate that answers every row as production does: there is nothing to win."""
    what = f"the same answer to each of the {scorecard.count:,} rows"
    if scorecard.same_model:
        what = "the same model"
    return Check("identical", "undecided", "hold", f"identical to production: {what}", observed=0.0)


def standing(b: int, c: int, n: int, margin: float, alpha: float) -> Status:
    """How the difference stands, from the paired counts alone: "pass" (better), "fail" (worse) or "undecided"."""
    interval = statistics.tango(b, c, n, 1 - 2 * alpha)
    if interval.low > margin and (margin != 0 or statistics.midp(b, c) <= alpha):
        return "pass"
    if interval.high < min(margin, 0):
        return "fail"
    return "undecided"


def smallest_win(different: int, n: int, margin: float, alpha: float) -> int | None:
    """Return how many of `different` disagreements the candidate must be right on; None where all are not enough."""
    if standing(different, 0, n, margin, alpha) != "pass":
        return None
    return bisect_left(range(different), True, key=lambda b: standing(b, different - b, n, margin, alpha) == "pass")


def fragility(scorecard: Scorecard, policy: Policy, alpha: float) -> int | None:
    """Return the smallest number of mislabelled rows, all favouring one model, that would change how it stands.

    None where it is undecided, or where even all of them would not do. A wrong label turns a row that only one model
    gets right into one for the other.
    """
    b, c = scorecard.discordant
    now = standing(b, c, scorecard.count, policy.margin, alpha)
    if now == "undecided":
        return None
    favoured = c
    step = 1
    if now == "pass":
        favoured = b
        step = -1

    def otherwise(k: int) -> bool:
        return standing(b + step * k, c - step * k, scorecard.count, policy.margin, alpha) != now

    smallest = bisect_left(range(favoured + 1), True, key=otherwise)
    return smallest if smallest <= favoured else None


def better(scorecard: Scorecard, policy: Policy, alpha: float, difference: Difference) -> Check:
    """Check that the candidate is shown to be better by more than the margin (below 0: not worse by that much)."""
    b, c = scorecard.discordant
    status = standing(b, c, scorecard.count, policy.margin, alpha)
    enough = standing(b + c, 0, scorecard.count, policy.margin, alpha) == "pass"
    what = _in_words(status, policy.margin, enough)
    reason = f"{what}: {points(difference)}; {b:,} rows only the candidate gets right, {c:,} only production"
    return Check(
        code="difference",
        status=status,
        action="reject",
        observed=difference.estimate,
        required=policy.margin,
        reason=reason,
        uses_labels=True,
    )


def _in_words(status: Status, margin: float, enough: bool) -> str:
    """How the difference stands. enough: whether winning every disagreement would have shown it."""
    by = f"{100 * abs(margin):.2f} points"
    if status == "undecided" and not enough:
        return "the models disagree on too few rows to decide"
    if margin == 0:
        words = {
            "pass": "better than production",
            "fail": "worse than production",
            "undecided": "neither shown to be better than production nor to be worse",
        }
    elif margin > 0:
        words = {
            "pass": f"better than production by more than {by}",
            "fail": "worse than production",
            "undecided": f"not shown to be better than production by more than {by}",
        }
    else:
        words = {
            "pass": f"not worse than production by more than {by}",
            "fail": f"worse than production by more than {by}",
            "undecided": f"may be worse than production by more than {by}",
        }
    return words[status]
