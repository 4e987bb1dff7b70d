"""Judge two models, or the answers of two, on somebody's own rows: no notebook, no card, no ledger."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlgate import corpus
from mlgate.answers import Columns, Pair, score_arrays, score_cards, score_counts, score_files, score_joined
from mlgate.answers.asked import Asked
from mlgate.answers.remote import score_asked
from mlgate.answers.results import Reading, score_results
from mlgate.errors import MlgateError
from mlgate.gate import Check, Policy, Verdict, judge, policy_from
from mlgate.root import MEASURED, SCORED, Metric, read_settings, with_decision
from mlgate.scorecard import Scorecard

if TYPE_CHECKING:
    from mlgate.artifacts import Model

    from matplotlib.figure import Figure


def judge_models(
    production: Path,
    candidate: Path,
    source: corpus.Source,
    policy: Path | None = None,
    metric: Metric | None = None,
) -> Verdict:
    """Return the verdict on two pipeline files over labelled texts or a table. A candidate at fault is REJECTed.

    Raises MlgateError where a file is missing, or rows, policy or production are at fault.
    """
    judging = Judging(production, candidate, policy, metric)
    return judging.verdict(judging.score(source))


class Judging:
    """Two pipeline files that are asked one part of the rows after the other. May be sent to another process.

    What decides may be a metric of classes, of numbers (both are regressors then), or of one label's probability.
    """

    def __init__(
        self,
        production: Path,
        candidate: Path,
        policy: Path | None,
        metric: Metric | None,
        positive: str | None = None,
    ):
        from mlgate import artifacts  # with scikit-learn, which a file of answers does without

        settings, self.demands = _policy(policy, metric, positive)
        self.limits = artifacts.limits_of(settings)
        numbers = self.demands.metric in MEASURED and self.demands.metric not in SCORED
        self.in_use = artifacts.load_file(production, self.limits, numbers)
        if self.in_use.fault:
            raise MlgateError(f"The production model {production} cannot be used: {self.in_use.fault}")
        self.proposed = artifacts.load_file(candidate, self.limits, numbers)

    def score(self, source: corpus.Source, probing: bool = True) -> Scorecard:
        """Return the scorecard of a part, which may have but one label. probing: one part is enough for that."""
        from mlgate.answers.measuring import Wanted, measure
        from mlgate.answers.scoring import score

        rows = _rows(source, self.in_use, self.proposed)
        if self.demands.metric in MEASURED:
            wanted = Wanted(self.demands.metric, self.demands.positive, bool(source.slice_column))
            return measure(self.in_use, self.proposed, rows, wanted)
        return score(self.in_use, self.proposed, rows, probing, whole=False)

    def verdict(self, scorecard: Scorecard) -> Verdict:
        """Return the verdict on all that was scored. Raises MlgateError where classes are judged, and there is one."""
        if self.demands.metric not in MEASURED:
            scorecard = replace(scorecard, whole=True)
        both = {"production": self.in_use.saved_by, "the candidate": self.proposed.saved_by}
        return _judge(scorecard, self.demands, [_elsewhere(name, version) for name, version in both.items() if version])


def _elsewhere(name: str, version: str) -> Check:
    """Return the word on a model that another scikit-learn saved: it loads, and may answer otherwise."""
    reason = f"{name} was saved by scikit-learn {version}, another one than is installed here: it may answer otherwise"
    return Check("saved_by", "fail", "report", reason, name=f"saved by, {name.removeprefix('the ')}")


def _rows(source: corpus.Source, production: "Model", candidate: "Model") -> corpus.Rows:
    """Return a table where production was fitted on one, else texts."""
    if not production.takes_tables:
        if source.features:
            raise MlgateError("The production model was fitted on texts, not on a table: leave --features out.")
        return corpus.rows_in(source)
    _require_pandas()
    named = [model.columns for model in (production, candidate) if not model.fault]
    known = [names for names in named if names is not None]
    if len(known) < len(named):
        return corpus.table_in(source)
    return corpus.table_in(source, [name for names in known for name in names])


def _require_pandas() -> None:
    try:
        import pandas  # noqa: F401  (now, not in each child process)
    except ImportError as error:
        raise MlgateError("A model of a table is given a frame of pandas. Run: pip install pandas") from error


def judge_asked(
    production: Asked,
    candidate: Asked,
    source: corpus.Source,
    policy: Path | None = None,
    metric: Metric | None = None,
    positive: str | None = None,
) -> Verdict:
    """Return the verdict on two models that are asked where they are: by a command, over HTTP, by a column of the rows.

    It says how often they had to be asked, and in how many rows they answered otherwise when asked once more. A
    candidate at fault is REJECTed. Raises MlgateError where rows, policy or production are at fault.
    """
    _, demands = _policy(policy, metric, positive)
    card, *reports = score_asked(production, candidate, source, demands.metric, demands.positive)
    checks = [
        Check("asked", "fail" if report.changed else "pass", "report", report.words, name=f"asked {name}")
        for name, report in zip(("production", "candidate"), reports, strict=True)
    ]
    return _judge(card, demands, checks)


def judge_answers(
    paths: Path | Iterable[Path],
    label: str,
    production: str,
    candidate: str,
    slices: str | None = None,
    policy: Path | None = None,
    metric: Metric | None = None,
    clusters: str | None = None,
    id: str | None = None,
    pass_from: float | None = None,
    positive: str | None = None,
) -> Verdict:
    """Return the verdict on two columns of answers beside a column of labels, of any two models of any framework.

    label: answers.RIGHT where the two columns say only whether each answer is right. metric: the one that decides, by
    default gate.toml's. clusters: the column that says which rows belong together. id: the one that names each row, so
    that rows that are there twice are told. pass_from: with RIGHT, the columns hold grades, and this one passes.
    positive: the label whose probability the answers are, where they are.
    """
    _, demands = _policy(policy, metric, positive)
    columns = Columns(label, production, candidate, slice=slices, cluster=clusters, id=id, pass_from=pass_from)
    return _judge(score_files(paths, columns, demands.metric, demands.positive), demands)


def judge_results(
    production: Path, candidate: Path, reading: Reading, policy: Path | None = None, metric: Metric | None = None
) -> Verdict:
    """Return the verdict on what an evaluation harness wrote of two models, a file or folder for each."""
    _, demands = _policy(policy, metric)
    return _judge(score_results(production, candidate, reading, demands.metric), demands)


def judge_joined(
    pair: Pair, policy: Path | None = None, metric: Metric | None = None, positive: str | None = None
) -> Verdict:
    """Return the verdict on two files of answers that are joined by the id of their rows."""
    _, demands = _policy(policy, metric, positive)
    return _judge(score_joined(pair, demands.metric, demands.positive), demands)


def judge_cards(paths: Path | Iterable[Path], policy: Path | None = None, metric: Metric | None = None) -> Verdict:
    """Return the verdict on the parts that these cards of `mlgate count` stand for, as on one file."""
    _, demands = _policy(policy, metric)
    return _judge(score_cards(paths, demands.metric), demands)


def judge_counts(path: Path, columns: Columns, policy: Path | None = None, metric: Metric | None = None) -> Verdict:
    """Return the verdict on a file with a line for each combination of labels and answers; column n: how many rows."""
    _, demands = _policy(policy, metric)
    return _judge(score_counts(path, columns, metric=demands.metric), demands)


class ShownVerdict(Verdict):
    """A verdict that shows itself in Jupyter."""

    def figure(self) -> "Figure":
        """Return the intervals of the difference and of each slice, drawn."""
        from mlgate.reporting.figures import draw_forest

        return draw_forest(self)

    def _repr_markdown_(self) -> str:
        from mlgate.reporting import report

        return report.markdown(self)


def judge_arrays(
    labels: Iterable[object] | None,
    production: Iterable[object],
    candidate: Iterable[object],
    *,
    slices: Iterable[object] | None = None,
    clusters: Iterable[object] | None = None,
    policy: Policy | Path | None = None,
    metric: Metric | None = None,
    positive: str | None = None,
) -> ShownVerdict:
    """Return the verdict on a candidate's answers beside production's and the labels: lists, arrays or columns, (n,).

    labels: None where the answers say only whether they are right: booleans, 0 and 1, or words such as pass and fail.
    slices: the part of the traffic that each row belongs to. clusters: the user, document or prompt that it is of,
    where rows are not independent. policy: what to demand, or a gate.toml that says it. metric: the one that decides,
    by default the policy's. positive: the label whose probability the answers are, where they are. Raises MlgateError
    where they do not fit together.
    """
    if not isinstance(policy, Policy):
        policy = _policy(policy, metric, positive)[1]
    else:
        policy = replace(policy, metric=metric or policy.metric, positive=positive or policy.positive)
    scorecard = score_arrays(
        labels,
        production,
        candidate,
        slices,
        clusters=clusters,
        metric=policy.metric,
        positive=policy.positive,
    )
    verdict = _judge(scorecard, policy)
    return ShownVerdict(**vars(verdict))


def _policy(path: Path | None, metric: Metric | None, positive: str | None = None) -> tuple[dict, Policy]:
    """Return what a gate.toml says and the policy it makes: before a row is read, so that a typo is told at once."""
    settings = with_decision(read_settings(path) if path else {}, metric=metric, positive=positive)
    demands = policy_from(settings)
    if demands.accuracy is not None and demands.metric in MEASURED:
        raise MlgateError(f"gate.toml: [floors] accuracy is of classes, and {demands.metric} is of numbers: say value.")
    return settings, demands


def _judge(scorecard: Scorecard, policy: Policy, further: Iterable[Check] = ()) -> Verdict:
    """Return the verdict, which says what could not be checked without a card and a ledger."""
    no_card = "no card here: where the models come from was not checked"
    no_ledger = "no ledger here: how often these rows were used is unknown"
    extra = (
        Check("card", "skipped", "report", no_card),
        Check("looks", "skipped", "report", no_ledger),
        *further,
    )
    return judge(scorecard, policy, extra)
