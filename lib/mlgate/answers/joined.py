"""Two files, one for each model, joined by the id of the rows."""

from dataclasses import dataclass
from pathlib import Path

from mlgate.answers.columns import Columns, require_no_gaps
from mlgate.answers.reading import counting
from mlgate.corpus import files
from mlgate.errors import MlgateError
from mlgate.root import Metric
from mlgate.scorecard import Scorecard

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Pair:
    """Two files of answers and their columns. Labels, slices and clusters stand beside production's answers."""

    production: Path
    candidate: Path
    id: str
    answer: str
    label: str
    slice: str | None = None
    cluster: str | None = None

    def __post_init__(self):
        if self.answer in (self.id, self.label, self.slice, self.cluster):
            raise MlgateError(f"Column {self.answer!r} is named twice. Name a column for the answers alone.")


def score_joined(pair: Pair, metric: Metric = "accuracy", positive: str | None = None) -> Scorecard:
    """Return the scorecard of two files of answers that are joined by the id of their rows.

    A row without an answer of the candidate counts as unanswered, which is its fault. Raises MlgateError where an id is
    missing or doubled, or the candidate answers rows that production does not.
    """
    names = Columns(
        pair.label, f"{pair.answer} of production", f"{pair.answer} of the candidate", pair.slice, pair.cluster
    )
    beside = [name for name in (pair.slice, pair.cluster) if name]
    of_production = _read(pair.production, list(dict.fromkeys([pair.id, pair.label, pair.answer, *beside])))
    of_candidate = _read(pair.candidate, [pair.id, pair.answer], cut=pair.answer)
    _require_known(pair, of_production, of_candidate)
    joined = of_production.rename_columns({pair.answer: names.production}).join(
        of_candidate.rename_columns({pair.answer: names.candidate}), keys=pair.id, join_type="left outer"
    )
    counted = counting(names, metric, positive)
    for batch in joined.select(names.names).to_batches():
        counted.add(batch, pair.production.name)
    for path, table in ((pair.production, of_production), (pair.candidate, of_candidate)):
        counted.parts.append((path.name, table.num_rows, files.digest(path)))
    return counted.scorecard()


def _read(path: Path, columns: list[str], cut: str = "") -> pa.Table:
    """Return these columns of a file, the first of which is the id. Raises MlgateError where one is doubled."""
    batches = []
    rows = 0
    for batch in files.read(path, columns, cut=[cut]):
        require_no_gaps(path, batch, [name for name in columns if name != cut], rows)
        rows += batch.num_rows
        batches.append(batch)
    if not batches:
        raise MlgateError(f"{path} has no rows. Give it rows.")
    table = pa.Table.from_batches(batches)
    counts = table.group_by(columns[0]).aggregate([([], "count_all")])
    if counts.num_rows < rows:
        doubled = counts.filter(pc.field("count_all") > 1).column(columns[0])[0].as_py()
        raise MlgateError(f"{path} has the id {doubled!r:.80} more than once. Each row needs an id of its own.")
    return table


def _require_known(pair: Pair, of_production: pa.Table, of_candidate: pa.Table) -> None:
    extra = of_candidate.join(of_production.select([pair.id]), keys=pair.id, join_type="left anti")
    if extra.num_rows:
        raise MlgateError(
            f"{pair.candidate} has {extra.num_rows:,} ids that are not in {pair.production}, such as"
            f" {extra.column(pair.id)[0].as_py()!r:.80}. Have both models answer the same rows."
        )
