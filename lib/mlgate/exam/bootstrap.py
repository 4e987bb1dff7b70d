"""The first production model: there is nothing to compare it with, so it has to keep absolute floors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlgate import artifacts, corpus, ledger, promotion
from mlgate.answers import scoring
from mlgate.artifacts import locked
from mlgate.errors import MlgateError
from mlgate.exam import holdout
from mlgate.exam.attempt import policy_of
from mlgate.gate import PROMOTE, Verdict, judge_first
from mlgate.root import Root

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


def bootstrap(root: Root, pipeline: Pipeline, facts: dict[str, Any]) -> Verdict:
    """Make this pipeline the first production model, if it keeps the absolute floors on validation rows.

    Raises MlgateError where there is a production model already, or the floors are not kept.
    """
    with locked(root):
        promotion.tidy(root)
        _require_none(root)
        data = artifacts.dump(pipeline)
        verdict = _judge(root, data)
        card = artifacts.card_of(pipeline, data, facts)
        beside = {"keys": facts.get("keys"), "profile": promotion.profile_of(root, data, card)}
        promotion.switch(root, data, card, "bootstrap", beside, verdict=verdict.as_dict())
        holdout.generation(root, policy_of(root))
        return verdict


def _require_none(root: Root) -> None:
    if root.production.exists():
        raise MlgateError("There is a production model already. A new one has to win: run notebooks 02 to 04.")
    gone = ledger.head(ledger.read(root))
    if gone:
        raise MlgateError(f"The ledger says that {gone[:12]} is in production, but it is gone. {promotion.BRING_BACK}")


def _judge(root: Root, data: bytes) -> Verdict:
    model = artifacts.load(data, artifacts.limits_of(root.settings()))
    if model.fault:
        raise MlgateError(f"This pipeline cannot be production: {model.fault}.")
    scorecard = scoring.score(model, model, corpus.rows_of("validation", root))
    verdict = judge_first(scorecard, policy_of(root))
    if verdict.decision != PROMOTE:
        raise MlgateError(f"This pipeline cannot be the first production model: {verdict.reason}.")
    return verdict
