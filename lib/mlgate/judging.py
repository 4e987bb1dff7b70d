"""Judge two models, or the answers of two, on somebody's own rows: no notebook, no card, no ledger."""

from pathlib import Path

from mlgate import artifacts, corpus, scoring
from mlgate.checks import Check
from mlgate.gate import Policy, Verdict, judge, policy_from
from mlgate.root import MlgateError, read_settings
from mlgate.scorecard import Scorecard


def judge_models(production: Path, candidate: Path, source: corpus.Source, policy: Path | None = None) -> Verdict:
    """The verdict on two pipeline files over a file of labelled texts. A candidate that cannot be used is REJECTed.

    Raises MlgateError where a file is missing, or rows, policy or production are at fault.
    """
    settings = read_settings(policy) if policy else {}
    limits = artifacts.limits_of(settings)
    ours, theirs = (artifacts.load_file(path, limits) for path in (production, candidate))
    if ours.fault:
        raise MlgateError(f"The production model {production} cannot be used: {ours.fault}")
    return _judge(scoring.score(ours, theirs, corpus.rows_in(source)), settings)


def judge_answers(
    path: Path, label: str, production: str, candidate: str, slices: str | None = None, policy: Path | None = None
) -> Verdict:
    """The verdict on two columns of answers beside a column of labels, of any two models of any framework."""
    settings = read_settings(policy) if policy else {}
    return _judge(scoring.score_answers(path, label, production, candidate, slices), settings)


def _judge(scorecard: Scorecard, settings: dict) -> Verdict:
    policy = policy_from(settings) if settings else Policy()
    return judge(
        scorecard,
        policy,
        (
            Check("card", "skipped", "report", None, None, "no card here: where the models come from was not checked"),
            Check(
                "looks", "skipped", "report", None, None, "no ledger here: how often these rows were used is unknown"
            ),
        ),
    )
