"""When no look is spent: the rules, tried one by one.

A look is spent only where something can be learnt or won (promise 9). RULES stand in the order of what they need: the
names of the two models; the validation rows; the ledger; the texts of the sealed rows. None of them compares an answer
with a label of a sealed row. The first rule that applies gives the verdict; where none does, the exam takes a look.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlgate import ledger
from mlgate.exam.attempt import Attempt
from mlgate.gate import PROMOTE, REJECT, Check, Verdict, decide, smallest_win


@dataclass(frozen=True)
class Outcome:
    """A verdict that costs no look, as verdict.json holds it. rejection: it is new, and the ledger has to take it."""

    verdict: dict[str, Any]
    rejection: bool = False


def same_model(attempt: Attempt) -> Outcome | None:
    """HOLD production itself. Needs both digests. There is nothing to win."""
    if attempt.candidate.digest != attempt.production.digest:
        return None
    return _free(attempt.preview)


def rejected_before(attempt: Attempt) -> Outcome | None:
    """Repeat a rejection on validation rows. Needs the ledger. So a class can reject the same bad model all day.

    Judge again where the candidate could not answer then, or cannot now: its card, the allow-list or the versions may
    have changed.
    """
    before = attempt.judged_on(attempt.validation_rows)
    if before is None or before["decision"] != REJECT:
        return None
    if attempt.candidate.fault or before["candidate"]["accuracy"] is None:
        return None
    return Outcome(before)


def rejected_on_validation(attempt: Attempt) -> Outcome | None:
    """REJECT what validation rows already reject. Needs both models' answers to them. Sealed rows could add nothing."""
    if attempt.preview.decision != REJECT:
        return None
    before = attempt.judged_on(attempt.validation_rows)
    if before is not None and before["reason"] == attempt.preview.reason:
        return Outcome(before)
    return Outcome(attempt.preview.as_dict(), rejection=True)


def rolled_back(attempt: Attempt) -> Outcome | None:
    """HOLD what people took out of production. Needs the ledger. Figures alone must not bring it back."""
    if attempt.candidate.digest not in ledger.rolled_back(attempt.entries):
        return None
    reason = "this model was rolled back; to promote it again: mlgate promote --after-rollback"
    return _free(attempt.hold("rolled_back", reason))


def judged_before(attempt: Attempt) -> Outcome | None:
    """Repeat the ledger's verdict on the same pair, sealed rows and demands. Asking again would teach nothing."""
    before = attempt.judged_on(attempt.holdout_rows)
    if before is None:
        return None
    look = attempt.unspent("this pair was judged before: the ledger's verdict is repeated")
    return Outcome({**before, "look": {**look.as_dict(), "repeated": True}})


def blocked_without_labels(attempt: Attempt) -> Outcome | None:
    """HOLD where a check that reads no label stands in the way. Needs validation rows. No label could change that."""
    decision, why = decide(tuple(check for check in attempt.preview.checks if _holds_anywhere(check)))
    if decision == PROMOTE:
        return None
    return _nothing_to_win(attempt, why)


def no_look_left(attempt: Attempt) -> Outcome | None:
    """HOLD where the budget is spent. Needs the generation of the sealed rows. They are worn out: bring new ones."""
    if attempt.looks_left_on_holdout():
        return None
    reason = "no look is left on these holdout rows: bring new ones with `mlgate holdout new rows.csv`"
    return _free(attempt.hold("looks", reason))


def same_answers(attempt: Attempt) -> Outcome | None:
    """HOLD what answers every sealed row as production does. Needs the sealed texts. There is nothing to win."""
    sealed = attempt.on_holdout
    if sealed.answered_differently:
        return None
    reason = f"identical to production: the same answer to each of {sealed.count:,} holdout rows"
    return _free(attempt.hold("identical", reason))


def too_few_differences(attempt: Attempt) -> Outcome | None:
    """HOLD where being right on every disagreement would not be enough. Needs the sealed texts."""
    sealed = attempt.on_holdout
    if sealed.candidate.fault or wins_needed(attempt) is not None:
        return None
    return _nothing_to_win(attempt, f"only {sealed.answered_differently:,} holdout rows are answered differently")


def slice_too_small(attempt: Attempt) -> Outcome | None:
    """HOLD where a required slice has too few sealed rows to show that it comes to no harm. Needs their slices."""
    sealed = attempt.on_holdout
    small = [name for name in attempt.policy.required if not attempt.policy.large_enough(sealed.rows_of_slice(name))]
    if sealed.candidate.fault or not small:
        return None
    return _nothing_to_win(attempt, f"too few holdout rows of the slice {small[0]}")


RULES: tuple[Callable[[Attempt], Outcome | None], ...] = (
    same_model,
    rejected_before,
    rejected_on_validation,
    rolled_back,
    judged_before,
    blocked_without_labels,
    no_look_left,
    same_answers,
    too_few_differences,
    slice_too_small,
)


def wins_needed(attempt: Attempt) -> int | None:
    """Return how many of the disagreements on sealed rows the candidate has to win; None where all are not enough."""
    sealed = attempt.on_holdout
    demands = attempt.policy
    return smallest_win(sealed.answered_differently, sealed.count, demands.margin, demands.alpha_look)


def _holds_anywhere(check: Check) -> bool:
    """Whether a check on validation rows says the same of the sealed rows."""
    return not check.uses_labels and check.code != "identical"


def _nothing_to_win(attempt: Attempt, why: str) -> Outcome:
    return _free(attempt.hold("prospect", f"nothing could be won: {why}"))


def _free(verdict: Verdict) -> Outcome:
    return Outcome(verdict.as_dict())
