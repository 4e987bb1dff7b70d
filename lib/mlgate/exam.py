"""The exam: what has to hold before the sealed rows are read, one look at them, and the verdict written down.

A look is spent only where something can be learnt or won. The sealed rows' texts are put to both models; the labels
come in only where the answers differ, and what comes out is a decision and totals, never a row.
"""

from mlgate import artifacts, corpus, ledger, promotion, scoring
from mlgate.artifacts import Model, to_json
from mlgate.checks import Check
from mlgate.gate import PROMOTE, REJECT, Verdict, judge, judge_first, verdict_from
from mlgate.policy import Policy, policy_from
from mlgate.root import MlgateError, Root, write_atomically
from mlgate.scorecard import Scorecard

from sklearn.pipeline import Pipeline


class CandidateRejected(MlgateError):
    """Ends a notebook whose candidate was rejected. The message carries the numbers."""


def policy_of(root: Root) -> Policy:
    """The policy in the root's gate.toml."""
    if not root.policy.is_file():
        raise MlgateError(f"There is no {root.policy}. It says what the gate demands: copy the project's own.")
    return policy_from(root.settings())


def load_pair(root: Root) -> tuple[Model, Model]:
    """The production and the candidate model of a root. What a killed command left is tidied up first."""
    with root.locked():
        return _load_pair(root)


def _load_pair(root: Root) -> tuple[Model, Model]:
    promotion.tidy(root)
    promotion.require_known(root, ledger.read(root))
    return artifacts.load_production(root), artifacts.load_candidate(root)


def preview(root: Root, scorecard: Scorecard) -> Verdict:
    """The verdict on validation rows, written to artifacts_candidate/preview.json. No look is spent, nothing moves."""
    verdict = judge(scorecard, policy_of(root), look=_look(root, "validation rows: explore freely"))
    write_atomically(root.preview, to_json(verdict.as_dict()))
    return verdict


def sit(root: Root) -> Verdict:
    """The candidate's exam: the verdict, written to verdict.json and, where it counts, into the ledger.

    No look is spent on a candidate that validation rows already reject, on one that answers as production does, or on
    a pair already judged. Raises MlgateError, with nothing spent, where rows, policy, ledger or production are at fault.
    """
    with root.locked():
        verdict = _sit(root, *_load_pair(root))
        write_atomically(root.verdict, to_json(verdict.as_dict()))
    return verdict


def _sit(root: Root, production: Model, candidate: Model) -> Verdict:
    policy, entries = policy_of(root), ledger.read(root)
    known = (entries, production.digest, candidate.digest)
    open_rows, sealed_rows = corpus.rows_of("validation", root), corpus.rows_of("holdout", root)
    before = ledger.verdict_on(*known, open_rows.digest, policy.digest)
    if before and before["decision"] == REJECT:
        return verdict_from(before)
    scorecard = scoring.score(production, candidate, open_rows)
    first = judge(scorecard, policy, look=_look(root, "none spent: decided on validation rows"))
    if first.decision == REJECT:
        _record(root, "rejection", first)
        return first

    def hold(name: str, reason: str) -> Verdict:
        check = Check(name, "undecided", "hold", None, None, reason)
        return judge(scorecard, policy, (check,), _look(root, f"none spent: {reason}"))

    if candidate.digest == production.digest:
        return first
    if candidate.digest in ledger.rolled_back(entries):
        return hold("rolled back", "this model was rolled back; to promote it again: mlgate promote --after-rollback")
    before = ledger.verdict_on(*known, sealed_rows.digest, policy.digest)
    if before:
        return verdict_from(before)
    sealed = scoring.score(production, candidate, sealed_rows)
    if not sealed.candidate.fault and not sealed.answered_differently:
        return hold("identical", f"identical to production: the same answer to each of {sealed.count:,} holdout rows")
    left = ledger.looks_left(entries, policy)
    if not left:
        return hold("looks", "no look is left on these holdout rows: bring rows that nobody has read")
    verdict = judge(sealed, policy, look={"spent": True, "left": left - 1, "why": "one look at the holdout"})
    _record(root, "look", verdict, alpha=policy.alpha_look)
    return verdict


def settle(root: Root, verdict: Verdict) -> str:
    """Do what the verdict says, and say it in one line: PROMOTE moves production, everything else leaves it alone."""
    if verdict.decision != PROMOTE:
        return f"{verdict.decision}: production stays {verdict.production['digest'][:12]}."
    moved = promotion.promote(root)
    new = verdict.candidate["digest"][:12]
    return f"Production is now {new}." if moved else f"Production is {new} already."


def enforce(verdict: Verdict) -> None:
    """Raises CandidateRejected, with the numbers, where the verdict is REJECT."""
    if verdict.decision == REJECT:
        shown = [
            "n/a" if side["accuracy"] is None else f"{side['accuracy']:.2%}"
            for side in (verdict.production, verdict.candidate)
        ]
        raise CandidateRejected(
            f"production {shown[0]}, candidate {shown[1]} on {verdict.rows['name']}: {verdict.reason}"
        )


def bootstrap(root: Root, pipeline: Pipeline, facts: dict) -> Verdict:
    """Make this pipeline the first production model, if it keeps the absolute floors on validation rows.

    Raises MlgateError where there is a production model already, or the floors are not kept.
    """
    with root.locked():
        promotion.tidy(root)
        if root.production.exists():
            raise MlgateError("There is a production model already. A new one has to win: run notebooks 02 to 04.")
        data = artifacts.dump(pipeline)
        model = artifacts.load(data, artifacts.limits_of(root.settings()))
        if model.fault:
            raise MlgateError(f"This pipeline cannot be production: {model.fault}.")
        verdict = judge_first(scoring.score(model, model, corpus.rows_of("validation", root)), policy_of(root))
        if verdict.decision != PROMOTE:
            raise MlgateError(f"This pipeline cannot be the first production model: {verdict.reason}.")
        promotion.switch(root, data, artifacts.card_of(pipeline, data, facts), "bootstrap", verdict=verdict.as_dict())
        return verdict


def _record(root: Root, kind: str, verdict: Verdict, **facts) -> None:
    value = verdict.as_dict()
    ledger.append(root, kind, **facts, verdict_sha256=artifacts.digest(to_json(value)), verdict=value)


def _look(root: Root, why: str) -> dict:
    return {"spent": False, "left": ledger.looks_left(ledger.read(root), policy_of(root)), "why": why}
