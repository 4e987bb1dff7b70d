"""The difference between the two models, and the checks that rest on it alone."""

from bisect import bisect_left

from mlgate.gate.comparison import COUNTED, Comparison, Paired
from mlgate.gate.metrics import WORDS, in_units, unit_of
from mlgate.gate.moments import FEWEST, Moments
from mlgate.gate.verdict import Check, Difference, Status
from mlgate.root import Policy
from mlgate.scorecard import Scorecard

MOST_REPEATED = 0.01  # of the rows, without a word


def compare(scorecard: Scorecard, alpha: float) -> Difference:
    """Return the paired difference in accuracy on a scorecard, with Tango's interval at confidence 1 - 2 alpha."""
    return Paired(*scorecard.discordant, scorecard.count).difference(alpha)


def points(difference: Difference) -> str:
    """Return the difference and its interval in words: in percentage points, or the metric's own unit."""
    metric = difference.metric
    low = in_units(difference.low, metric)
    high = in_units(difference.high, metric)
    return f"{in_units(difference.estimate, metric)} {unit_of(metric)} ({low} to {high})"


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
    return Paired(b, c, n).standing(margin, alpha)


def smallest_win(different: int, n: int, margin: float, alpha: float) -> int | None:
    """Return how many of `different` disagreements the candidate must be right on; None where all are not enough."""
    if standing(different, 0, n, margin, alpha) != "pass":
        return None
    return bisect_left(range(different), True, key=lambda b: standing(b, different - b, n, margin, alpha) == "pass")


def fragility(scorecard: Scorecard, policy: Policy, alpha: float) -> int | None:
    """Return the smallest number of mislabelled rows, all favouring one model, that would change how it stands.

    None where it is undecided, or where even all of them would not do, or labels weigh unequally. A wrong label turns a
    row that only one model gets right into one for the other.
    """
    if policy.metric not in COUNTED or scorecard.clusters or scorecard.measured:
        return None
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


def better(compared: Comparison, policy: Policy, alpha: float, enough: bool = True) -> Check:
    """Check that the candidate is shown to be better by more than the margin (below 0: not worse by that much).

    enough: whether there are units enough for a mean; of fewer, none is shown to be worse.
    """
    difference = compared.difference(alpha)
    status = compared.standing(policy.margin, alpha)
    if status == "fail" and not enough:
        status = "undecided"
    what = _in_words(status, policy.margin, policy.metric)
    if status == "undecided" and not _enough(compared, policy.margin, alpha):
        what = "the models disagree on too few rows to decide"
    return Check(
        code="difference",
        status=status,
        action="reject",
        observed=difference.estimate,
        required=policy.margin,
        reason=f"{what}: {points(difference)}{counted(compared, '; ', ' rows')}",
        uses_labels=True,
    )


def few_units(compared: Comparison, scorecard: Scorecard) -> list[Check]:
    """Hold a candidate where fewer than FEWEST rows or clusters are there to take a mean of; [] else."""
    if not isinstance(compared, Moments):
        return []
    units = compared.units
    what = compared.what
    if compared.metric == "auc" and (rarer := scorecard.rows_of_rarer_label) < units:
        units = rarer
        what = "rows of the rarer label"
    if units >= FEWEST:
        return []
    reason = f"{units:,} {what} are too few to judge {WORDS[compared.metric]} by: {FEWEST} are needed"
    return [Check("units", "undecided", "hold", reason, observed=units, required=FEWEST)]


def repeats(scorecard: Scorecard) -> list[Check]:
    """Report rows that repeat an id or a text, where they are many; [] where they are few, or stand in clusters."""
    if not scorecard.repeats or scorecard.clusters or scorecard.repeats <= MOST_REPEATED * scorecard.count:
        return []
    share = scorecard.repeats / scorecard.count
    reason = (
        f"{scorecard.repeats:,} of {scorecard.count:,} rows ({share:.1%}) repeat an id or a text: they are no evidence"
        " of their own, and the interval is too narrow; say with --cluster-column which belong together"
    )
    return [Check("repeats", "fail", "report", reason, observed=share, required=MOST_REPEATED)]


def counted(compared: Comparison, before: str = "", rows: str = "") -> str:
    """Return the counts behind a comparison in words; "" where it rests on none."""
    if not isinstance(compared, Paired):
        return ""
    return f"{before}{compared.b:,}{rows} only the candidate gets right, {compared.c:,} only production"


def _enough(compared: Comparison, margin: float, alpha: float) -> bool:
    """Whether winning every disagreement would have shown it; with other metrics, that is not asked."""
    if not isinstance(compared, Paired):
        return True
    return Paired(compared.b + compared.c, 0, compared.rows).standing(margin, alpha) == "pass"


def _in_words(status: Status, margin: float, metric: str) -> str:
    """How the difference stands."""
    by = f"{in_units(abs(margin), metric, '')} {unit_of(metric)}"
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
