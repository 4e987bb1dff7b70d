"""The exam: what has to hold before the sealed rows are read, one look at them, and the verdict written down.

A look is spent only where something can be learnt or won. The sealed rows' texts are put to both models; the labels
come in only where the answers differ, and what comes out is a decision and totals, never a row.
"""

from dataclasses import replace

from mlgate import artifacts, corpus, ledger, promotion
from mlgate.answers import scoring
from mlgate.artifacts import Model, locked, to_json
from mlgate.errors import MlgateError
from mlgate.exam import holdout, provenance
from mlgate.gate import (
    PROMOTE,
    REJECT,
    Check,
    Code,
    Look,
    Verdict,
    decide,
    guards,
    judge,
    judge_first,
    smallest_win,
    verdict_from,
)
from mlgate.root import Policy, Root, policy_from, write_atomically
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
    with locked(root):
        return _load_pair(root)


def _load_pair(root: Root) -> tuple[Model, Model]:
    promotion.tidy(root)
    promotion.require_known(root, ledger.read(root))
    return artifacts.load_production(root), artifacts.load_candidate(root)


def preview(root: Root, scorecard: Scorecard, pair: tuple[Model, Model] | None = None) -> Verdict:
    """The verdict on validation rows, written to artifacts_candidate/preview.json. No look is spent, nothing moves.

    pair: production and candidate, where they are loaded already.
    """
    pair = pair or load_pair(root)
    verdict = _judge(root, policy_of(root), *pair, scorecard, _look(root, "validation rows: explore freely"))
    with locked(root):
        write_atomically(root.preview, to_json(verdict.as_dict()))
    return verdict


def sit(root: Root) -> Verdict:
    """The candidate's exam: the verdict, written to verdict.json and, where it counts, into the ledger.

    No look is spent on a candidate that validation rows already reject, on one that answers as production does, or on
    a pair already judged. Where rows, policy, ledger or production are at fault: MlgateError, and nothing is spent.
    """
    with locked(root):
        pair, before = _load_pair(root), ledger.read(root)
        verdict = _sit(root, *pair)
        write_atomically(root.verdict, to_json(verdict))
        after = ledger.read(root)
    made = verdict_from(verdict)
    if made.look.spent and after == before:
        made = replace(made, look=Look(**ledger.repeated(after, policy_of(root))))
    return made


def _sit(root: Root, production: Model, candidate: Model) -> dict:
    """The verdict as verdict.json holds it; one that is repeated, exactly as it stands in the ledger."""
    policy, entries = policy_of(root), ledger.read(root)
    known = (entries, production.digest, candidate.digest)
    open_rows, sealed_rows = corpus.rows_of("validation", root), corpus.rows_of("holdout", root)
    before = ledger.verdict_on(*known, open_rows.digest, policy.digest)
    answered = before is not None and before["candidate"]["accuracy"] is not None
    if answered and before["decision"] == REJECT and not candidate.fault:
        return before  # not where it could not answer: card, allow-list or versions may have been mended since
    scorecard = scoring.score(production, candidate, open_rows)
    first = _judge(root, policy, production, candidate, scorecard, _look(root, "decided on validation rows"))
    if first.decision == REJECT:
        repeated = before is not None and before["reason"] == first.reason
        return before if repeated else _record(root, "rejection", first)

    def hold(code: Code, reason: str) -> dict:
        check = Check(code, code.replace("_", " "), "undecided", "hold", None, None, reason)
        return _judge(root, policy, production, candidate, scorecard, _look(root, reason), check).as_dict()

    if candidate.digest == production.digest:
        return first.as_dict()
    if candidate.digest in ledger.rolled_back(entries):
        return hold("rolled_back", "this model was rolled back; to promote it again: mlgate promote --after-rollback")
    before = ledger.verdict_on(*known, sealed_rows.digest, policy.digest)
    if before:
        return before
    stands, why = decide(tuple(check for check in first.checks if _is_label_free(check)))
    if stands != PROMOTE:  # the sealed rows' labels could not change that
        return hold("prospect", f"nothing could be won: {why}")
    generation = holdout.generation(root, policy)
    left = ledger.looks_left(ledger.read(root), policy)
    if not left:
        return hold("looks", "no look is left on these holdout rows: bring new ones with `mlgate holdout new rows.csv`")
    sealed = replace(scoring.score(production, candidate, sealed_rows, probing=False), probes=scorecard.probes)
    different = sealed.answered_differently
    if not sealed.candidate.fault and not different:
        return hold("identical", f"identical to production: the same answer to each of {sealed.count:,} holdout rows")
    needed = smallest_win(different, sealed.count, policy.margin, policy.alpha_look)
    if not sealed.candidate.fault and needed is None:
        return hold("prospect", f"nothing could be won: only {different:,} holdout rows are answered differently")
    short = [name for name in policy.required if not policy.large_enough(sealed.rows_of_slice(name))]
    if not sealed.candidate.fault and short:
        return hold("prospect", f"nothing could be won: too few holdout rows of the slice {short[0]}")
    look = Look(True, left - 1, "one look at the holdout", different, needed)
    verdict = _judge(root, policy, production, candidate, sealed, look)
    return _record(root, "look", verdict, alpha=policy.alpha_look, generation=generation)


def _judge(
    root: Root, policy: Policy, production: Model, candidate: Model, scorecard: Scorecard, look: Look, *extra: Check
) -> Verdict:
    """The gate's verdict, with the checks of where both models come from."""
    if not scorecard.candidate.fault and not scorecard.same_model:
        level = guards.level(scorecard, policy)
        extra = (*extra, *provenance.checks(root, policy, production, candidate, level))
    return judge(scorecard, policy, extra, look)


def settle(root: Root, verdict: Verdict) -> str:
    """Do what the verdict says, and say it in one line: PROMOTE moves production, everything else leaves it alone."""
    if verdict.decision != PROMOTE:
        return f"{verdict.decision}: production stays {verdict.production.digest[:12]}."
    moved = promotion.promote(root)
    new = verdict.candidate.digest[:12]
    return f"Production is now {new}." if moved else f"Production is {new} already."


def enforce(verdict: Verdict) -> None:
    """Raises CandidateRejected, with the numbers, where the verdict is REJECT."""
    if verdict.decision == REJECT:
        shown = [
            "n/a" if side.accuracy is None else f"{side.accuracy:.2%}"
            for side in (verdict.production, verdict.candidate)
        ]
        raise CandidateRejected(f"production {shown[0]}, candidate {shown[1]} on {verdict.rows.name}: {verdict.reason}")


def bootstrap(root: Root, pipeline: Pipeline, facts: dict) -> Verdict:
    """Make this pipeline the first production model, if it keeps the absolute floors on validation rows.

    Raises MlgateError where there is a production model already, or the floors are not kept.
    """
    with locked(root):
        promotion.tidy(root)
        if root.production.exists():
            raise MlgateError("There is a production model already. A new one has to win: run notebooks 02 to 04.")
        if gone := ledger.head(ledger.read(root)):
            raise MlgateError(f"The ledger says that {gone[:12]} is in production, but it is gone. {promotion.MEND}")
        data = artifacts.dump(pipeline)
        model = artifacts.load(data, artifacts.limits_of(root.settings()))
        if model.fault:
            raise MlgateError(f"This pipeline cannot be production: {model.fault}.")
        verdict = judge_first(scoring.score(model, model, corpus.rows_of("validation", root)), policy_of(root))
        if verdict.decision != PROMOTE:
            raise MlgateError(f"This pipeline cannot be the first production model: {verdict.reason}.")
        card = artifacts.card_of(pipeline, data, facts)
        promotion.switch(root, data, card, "bootstrap", facts.get("keys"), verdict=verdict.as_dict())
        holdout.generation(root, policy_of(root))
        return verdict


def _record(root: Root, kind: str, verdict: Verdict, **facts) -> dict:
    value = verdict.as_dict()
    ledger.append(root, kind, **facts, verdict_sha256=artifacts.digest(to_json(value)), verdict=value)
    return value


def _is_label_free(check: Check) -> bool:
    """Whether it says the same of the sealed rows: it read no label, and does not rest on the validation rows."""
    return not check.uses_labels and check.code != "identical"


def _look(root: Root, why: str) -> Look:
    return Look(False, ledger.looks_left(ledger.read(root), policy_of(root)), why)
