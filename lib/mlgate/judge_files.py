"""Judge two models, or the answers of two, on somebody's own rows: no notebook, no card, no ledger."""

from pathlib import Path

from mlgate import corpus
from mlgate.answers import score_answers
from mlgate.errors import MlgateError
from mlgate.gate import Check, Policy, Verdict, judge, policy_from
from mlgate.root import read_settings
from mlgate.scorecard import Scorecard


def judge_models(production: Path, candidate: Path, source: corpus.Source, policy: Path | None = None) -> Verdict:
    """Return the verdict on two pipeline files over a file of labelled texts. A candidate at fault is REJECTed.

    Raises MlgateError where a file is missing, or rows, policy or production are at fault.
    """
    from mlgate import artifacts  # with scikit-learn, which a file of answers does without
    from mlgate.answers.scoring import score

    settings, demands = _policy(policy)
    limits = artifacts.limits_of(settings)
    in_use = artifacts.load_file(production, limits)
    if in_use.fault:
        raise MlgateError(f"The production model {production} cannot be used: {in_use.fault}")
    proposed = artifacts.load_file(candidate, limits)
    return _judge(score(in_use, proposed, corpus.rows_in(source)), demands)


def judge_answers(
    path: Path, label: str, production: str, candidate: str, slices: str | None = None, policy: Path | None = None
) -> Verdict:
    """Return the verdict on two columns of answers beside a column of labels, of any two models of any framework."""
    _, demands = _policy(policy)
    return _judge(score_answers(path, label, production, candidate, slices), demands)


def _policy(path: Path | None) -> tuple[dict, Policy]:
    """Return what a gate.toml says and the policy it makes: before a row is read, so that a typo is told at once."""
    settings = read_settings(path) if path else {}
    return settings, policy_from(settings)


def _judge(scorecard: Scorecard, policy: Policy) -> Verdict:
    """Return the verdict, which says what could not be checked without a card and a ledger."""
    no_card = "no card here: where the models come from was not checked"
    no_ledger = "no ledger here: how often these rows were used is unknown"
    extra = (
        Check("card", "skipped", "report", no_card),
        Check("looks", "skipped", "report", no_ledger),
    )
    return judge(scorecard, policy, extra)
