"""What evaluation harnesses write, read as it is: two result files, one for each model, joined by item and run.

inspect: a log, .json or .eval; lm-eval: samples_<task>_<time>.jsonl (--log_samples), or a folder of them; promptfoo:
what `promptfoo eval --output` writes, .json or .jsonl. Runs of one item are a cluster; several tasks are slices.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mlgate.answers import harnesses, right
from mlgate.answers.columns import Columns, Counted
from mlgate.answers.reading import require_right
from mlgate.corpus import files
from mlgate.errors import MlgateError
from mlgate.root import Metric
from mlgate.scorecard import Scorecard

import pyarrow as pa

NAMES = {"inspect": harnesses.inspect, "lm-eval": harnesses.lm_eval, "promptfoo": harnesses.promptfoo}
Rows = dict[str, harnesses.Row]  # by id


@dataclass(frozen=True)
class Reading:
    """How result files are read. score: which of several; pass_from: the smallest grade that passes, such as 4 of 5."""

    format: str | None = None
    score: str | None = None
    pass_from: float | None = None


def format_of(path: Path) -> str | None:
    """Return which harness wrote a file, or the files of a folder, where its content leaves no doubt; else None."""
    try:
        return harnesses.recognise(files.listed([path])[0])
    except (MlgateError, OSError, ValueError, RecursionError):
        return None


def score_results(production: Path, candidate: Path, reading: Reading, metric: Metric = "accuracy") -> Scorecard:
    """Return the scorecard of two models' result files: of each row is known whether it is right.

    A row without the candidate's score counts as unanswered. Raises MlgateError where production's is missing, an id is
    there twice, or the candidate has rows that production has not.
    """
    require_right(metric)
    of_production = _read(production, reading)
    of_candidate = _read(candidate, reading)
    for name, row in of_production.items():
        if row.score is None:
            raise MlgateError(f"{production} has no score for {name!r:.80}: that run failed. Run it again.")
    extra = [name for name in of_candidate if name not in of_production]
    if extra:
        raise MlgateError(
            f"{candidate} has {len(extra):,} rows that are not in {production}, such as {extra[0]!r:.80}. Have both"
            " models answer the same items."
        )
    return _counted(of_production, of_candidate, reading, (production, candidate))


def _counted(of_production: Rows, of_candidate: Rows, reading: Reading, paths: tuple[Path, Path]) -> Scorecard:
    rows = list(of_production.values())
    proposed = [of_candidate[name].score if name in of_candidate else None for name in of_production]
    tasks = [row.task for row in rows]
    items = [f"{row.task}/{row.item}" for row in rows]
    columns: dict[str, list[str | None] | list[str]] = {
        right.LABEL: [right.RIGHT] * len(rows),
        "production": right.graded([row.score for row in rows], "production", reading.pass_from),
        "candidate": right.graded(proposed, "candidate", reading.pass_from),
        "task": tasks,
        "item": items,
    }
    slices = "task" if len(set(tasks)) > 1 else None
    clusters = "item" if len(set(items)) < len(rows) else None
    named = Columns(right.LABEL, "production", "candidate", slice=slices, cluster=clusters)
    kept = [right.LABEL, *named.names]
    counted = Counted(named, whole=False)
    counted.add(pa.RecordBatch.from_arrays([pa.array(columns[name], pa.string()) for name in kept], names=kept))
    for path, count in zip(paths, (len(of_production), len(of_candidate)), strict=True):
        listed = files.listed([path])
        counted.parts += [(file.name, count if file == listed[0] else 0, files.digest(file)) for file in listed]
    return counted.scorecard()


def _read(path: Path, reading: Reading) -> Rows:
    """Return the rows of a result file, or of all in a folder, by id."""
    found: Rows = {}
    for row in _rows(files.listed([path]), reading):
        if row.id in found:
            raise MlgateError(f"{path} has {row.id!r:.80} more than once: it holds more than one model's results.")
        found[row.id] = row
    if not found:
        raise MlgateError(f"{path} holds no results. Run the evaluation again, with its samples kept.")
    return found


def _rows(paths: Iterable[Path], reading: Reading) -> Iterator[harnesses.Row]:
    for path in paths:
        name = reading.format or harnesses.recognise(path)
        if name is None:
            raise MlgateError(f"{path} is of no format that is known: name it with --format {', '.join(NAMES)}.")
        try:
            yield from NAMES[name](path, reading.score)
        except (KeyError, TypeError, AttributeError, ValueError, OSError, RecursionError) as error:
            said = f"{type(error).__name__}: {error!s:.100}"
            raise MlgateError(f"{path} is not as {name} writes its results ({said}). Check --format.") from error
