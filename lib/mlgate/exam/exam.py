"""The exam: at most one look at the sealed rows, and the verdict written down.

The rules in looks.py say when no look is spent. Otherwise the sealed rows' labels come in, and what comes out is a
decision and totals, never a row.
"""

from dataclasses import replace
from typing import Any

from mlgate import artifacts, ledger, promotion
from mlgate.artifacts import Model, locked, to_json
from mlgate.errors import MlgateError
from mlgate.exam import holdout, looks
from mlgate.exam.attempt import Attempt
from mlgate.gate import PROMOTE, REJECT, Look, Side, Verdict, verdict_from
from mlgate.ledger import commits
from mlgate.root import Root, section, write_atomically
from mlgate.scorecard import Scorecard


class CandidateRejected(MlgateError):
    """Ends a notebook whose candidate was rejected. The message carries the numbers."""


def load_pair(root: Root) -> tuple[Model, Model]:
    """Return the production and the candidate model of a root. What a killed command left is tidied up first."""
    with locked(root):
        return _load_pair(root)


def _load_pair(root: Root) -> tuple[Model, Model]:
    promotion.tidy(root)
    promotion.require_known(root, ledger.read(root))
    return artifacts.load_production(root), artifacts.load_candidate(root)


def preview(
    root: Root, scorecard: Scorecard, pair: tuple[Model, Model] | None = None, trained: str | None = None
) -> Verdict:
    """Judge on validation rows and write artifacts_candidate/preview.json. No look is spent, nothing moves.

    pair: production and candidate, where they are loaded already. trained: as for `take`.
    """
    attempt = Attempt(root, *(pair or load_pair(root)), trained=trained)
    verdict = attempt.judge(scorecard, attempt.unspent("validation rows: explore freely"))
    with locked(root):
        write_atomically(root.preview, to_json(verdict.as_dict()))
    return verdict


def take(root: Root, trained: str | None = None) -> Verdict:
    """Judge the candidate on the holdout. Write verdict.json; add a look or a rejection to the ledger where it is one.

    trained: the digest of the candidate that this very run trained, as whoever runs it says. One that came otherwise is
    trained again from its card, and its bytes are compared ([provenance] in gate.toml).

    Raises MlgateError, with nothing spent, where rows, policy, ledger or production are at fault: a ledger, too, that
    is shorter than in the last commit.
    """
    with locked(root):
        commits.require_remembered(root)
        attempt = Attempt(root, *_load_pair(root), trained=trained)
        verdict = _decide(attempt)
        write_atomically(root.verdict, to_json(verdict))
    return verdict_from(verdict)


def _decide(attempt: Attempt) -> dict[str, Any]:
    """Return the verdict as verdict.json holds it: the first rule's that applies, else what a look shows."""
    for rule in looks.RULES:
        outcome = rule(attempt)
        if outcome is None:
            continue
        if outcome.rejection:
            _record(attempt.root, "rejection", outcome.verdict)
        return outcome.verdict
    return _look(attempt)


def _look(attempt: Attempt) -> dict[str, Any]:
    """Spend a look. It stands in the ledger before anybody sees what it shows. PROMOTE gives it back."""
    look = Look(
        spent=True,
        why="one look at the holdout",
        different=attempt.on_holdout.answered_differently,
        needed=looks.wins_needed(attempt),
    )
    facts = {
        "alpha": attempt.policy.alpha_look,
        "generation": holdout.generation(attempt.root, attempt.policy),
        "corpus": section(attempt.root.settings(), "corpus"),
    }
    verdict = attempt.judge(attempt.on_holdout, look)
    look = replace(look, left=_left_after(attempt, {**facts, "verdict": {"decision": verdict.decision}}))
    if verdict.decision == PROMOTE:
        look = replace(look, why=f"{look.why}; PROMOTE gives it back")
    value = replace(verdict, look=look).as_dict()
    _record(attempt.root, "look", value, **facts)
    return value


def _left_after(attempt: Attempt, facts: dict[str, Any]) -> int:
    """Return how many looks are left after one of which the ledger will say this."""
    line: Any = {"kind": "look", **facts}
    return ledger.looks_left([*ledger.read(attempt.root), line], attempt.policy)


def _record(root: Root, kind: ledger.Kind, verdict: dict[str, Any], **facts: Any) -> None:
    ledger.append(root, kind, **facts, verdict_sha256=artifacts.digest(to_json(verdict)), verdict=verdict)


def act_on(root: Root, verdict: Verdict) -> str:
    """Do what the verdict says, and say it in one line: PROMOTE moves production, everything else leaves it alone."""
    if verdict.decision != PROMOTE:
        return f"{verdict.decision}: production stays {_short(verdict.production)}."
    if promotion.promote(root):
        return f"Production is now {_short(verdict.candidate)}."
    return f"Production is {_short(verdict.candidate)} already."


def raise_if_rejected(verdict: Verdict) -> None:
    """Raise CandidateRejected, with the numbers, where the verdict is REJECT."""
    if verdict.decision == REJECT:
        figures = f"production {_accuracy(verdict.production)}, candidate {_accuracy(verdict.candidate)}"
        raise CandidateRejected(f"{figures} on {verdict.rows.name}: {verdict.reason}")


def _short(side: Side) -> str:
    return (side.digest or "")[:12]


def _accuracy(side: Side) -> str:
    if side.accuracy is None:
        return "n/a"
    return f"{side.accuracy:.2%}"
