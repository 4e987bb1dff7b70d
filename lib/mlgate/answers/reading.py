"""Read the answers of two models from files, as what the metric takes them for: classes, or numbers."""

from collections.abc import Iterable
from pathlib import Path

from mlgate.answers import right
from mlgate.answers.columns import Columns, Counted, require_no_gaps
from mlgate.answers.measured import Measured
from mlgate.corpus import files
from mlgate.errors import MlgateError
from mlgate.root import MEASURED, Metric
from mlgate.scorecard import Scorecard

RIGHT_OR_WRONG: tuple[Metric, ...] = ("accuracy", "pass_rate")


def counting(columns: Columns, metric: Metric = "accuracy", positive: str | None = None) -> Counted | Measured:
    """Return what adds up batches of these columns. Raises MlgateError where they are not what the metric needs.

    positive: where answers are scores, the label whose probability they are.
    """
    if columns.label == right.LABEL:
        require_right(metric)
    if metric in MEASURED:
        return Measured(columns, metric, positive)
    return Counted(columns, whole=metric != "pass_rate" and columns.label != right.LABEL)


def require_right(metric: Metric) -> None:
    """Raise MlgateError where it is not enough for the metric to know which rows are right."""
    if metric not in RIGHT_OR_WRONG:
        raise MlgateError(f"The metric {metric} needs labels: of rows that are right or wrong, ask the pass_rate.")


def score_answers(
    paths: Path | Iterable[Path],
    label: str,
    production: str,
    candidate: str,
    slice_column: str | None = None,
    *,
    cluster: str | None = None,
    id: str | None = None,
    metric: Metric = "accuracy",
    positive: str | None = None,
) -> Scorecard:
    """Return the scorecard of two columns of answers beside a column of labels: any two models, of any framework.

    `paths`: a file, a folder, a pattern, or several of them. They are read a batch at a time. cluster: a column that
    says which rows belong together, and so count as one; id: one that names each row. Raises MlgateError where
    labels or production's answers are missing, or the columns do not fit together or to the metric, or all rows have
    one label, where it needs more; a missing or unknown answer of the candidate is its fault.
    """
    return score_files(paths, Columns(label, production, candidate, slice_column, cluster, id), metric, positive)


def score_files(
    paths: Path | Iterable[Path], columns: Columns, metric: Metric = "accuracy", positive: str | None = None
) -> Scorecard:
    """Return the scorecard of files with these columns. Raises MlgateError as `score_answers` does."""
    return count_files(paths, columns, metric, positive).scorecard()


def count_files(
    paths: Path | Iterable[Path], columns: Columns, metric: Metric = "accuracy", positive: str | None = None
) -> Counted | Measured:
    """Return the counts of `score_answers`, before anything is compared. Raises MlgateError as it does."""
    counted = counting(columns, metric, positive)
    for path in files.listed([paths] if isinstance(paths, str | Path) else paths):
        rows = 0
        folded = isinstance(counted, Counted)
        for batch in files.read(path, columns.names, cut=[columns.candidate], folded=folded):
            require_no_gaps(path, batch, columns.filled, rows)
            counted.add(batch, str(path), rows)
            rows += batch.num_rows
        counted.parts.append((path.name, rows, files.digest(path)))
    return counted
