"""Judge files that are parts of a whole: here, one after the other, or on the workers of a Dask cluster.

A part becomes a scorecard, or a card of counts, where it is. They are added up here, in the order of the files: the
same additions, whoever made the parts, and so the same verdict.
"""

import operator
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial, reduce
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from mlgate import judge_files
from mlgate.answers import Columns, count
from mlgate.corpus import Source, files
from mlgate.errors import FROM, MlgateError
from mlgate.gate import Verdict
from mlgate.root import MEASURED, Metric

Part = TypeVar("Part")

WAIT = "10 s"  # for a scheduler to answer


def judge_answers(
    paths: Iterable[Path], columns: Columns, address: str | None, policy: Path | None, metric: Metric | None
) -> Verdict:
    """Return the verdict on the answers in these files, each counted where `address` says (None: here)."""
    cards = spread(partial(count, columns=columns), files.listed(paths), address)
    with TemporaryDirectory() as folder:
        names = [Path(folder) / f"{number}.json" for number in range(len(cards))]
        for name, card in zip(names, cards, strict=True):
            name.write_bytes(card)
        return judge_files.judge_cards(names, policy, metric)


def judge_models(
    production: Path,
    candidate: Path,
    source: Source,
    address: str | None = None,
    policy: Path | None = None,
    metric: Metric | None = None,
    positive: str | None = None,
) -> Verdict:
    """Return the verdict on two pipeline files over the parts that `source` names: a file, a folder, a pattern.

    address: of a Dask scheduler whose workers have this package, and see these paths; None: here. Raises MlgateError as
    `judge_files.judge_models` does.
    """
    judging = judge_files.Judging(production, candidate, policy, metric, positive=positive)
    first, *others = (replace(source, path=path) for path in files.listed([source.file]))
    if others and judging.demands.metric in MEASURED:
        raise MlgateError(f"Pipelines are judged by {judging.demands.metric} on one file: put the parts together.")
    parts = [judging.score(first), *spread(partial(judging.score, probing=False), others, address)]
    return judging.verdict(reduce(operator.add, parts))


def spread(work: Callable[..., Part], parts: Iterable[object], address: str | None) -> list[Part]:
    """Return what some work makes of each part, in their order: here, or on a cluster that runs already.

    A part whose worker is killed is done by another one. Raises MlgateError where there is no such cluster.
    """
    if address is None:
        return [work(part) for part in parts]
    try:
        from distributed import Client
    except ImportError as error:
        raise MlgateError(f"Dask is not installed here. It comes with mlgate[dask]: {FROM}") from error
    try:
        with Client(address, timeout=WAIT) as client:
            return client.gather(client.map(work, list(parts), pure=False))
    except MlgateError:
        raise
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise MlgateError(f"The cluster at {address!r:.80} does not do it: {reason}. Has it this package?") from error
