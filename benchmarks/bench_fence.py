"""What the fence costs an honest candidate: opened and asked in a child process within limits, and without, in turn.

As `mlgate run` does it: notebooks 03 and 04 open the candidate and ask it the validation rows, and 04 may ask it as
many sealed rows as there are (live rows stand in for them here). Usage: bench_fence.py
"""

import statistics
import time
from dataclasses import replace

from mlgate import artifacts, corpus, recipes
from mlgate.answers import scoring
from mlgate.artifacts import Limits, Model
from mlgate.artifacts import model as opening

from table import write_table

PAIRS = 9


def opened(data: bytes, fenced: bool) -> Model:
    """Open a pipeline's bytes, in a child first or not."""
    opening._fault_in_child.cache_clear()
    if fenced:
        return artifacts.load(data, Limits())
    return replace(artifacts.load(data, Limits(), known=True), limits=None)


def main() -> None:
    """Time both ways in pairs, and write the table."""
    rows = corpus.split("train")
    production = opened(artifacts.dump(recipes.named("baseline").train(rows)), fenced=False)
    data = artifacts.dump(recipes.named("challenger").train(rows))
    asked = [corpus.rows_of("validation"), corpus.rows_of("live")]
    steps = {"open it": lambda fenced: opened(data, fenced)}
    for part in asked:
        count = sum(len(batch.texts) for batch in part.batches())
        steps[f"ask it {count:,} {part.name} rows"] = lambda fenced, part=part: scoring.score(
            production, opened(data, fenced), part, probing=False
        )
    lines = []
    for name, step in steps.items():
        found = {True: [], False: []}
        for _ in range(PAIRS):
            for fenced, seconds in found.items():
                begun = time.perf_counter()
                step(fenced)
                seconds.append(time.perf_counter() - begun)
        inside, outside = (statistics.median(found[fenced]) for fenced in (True, False))
        more = statistics.median(a - b for a, b in zip(found[True], found[False], strict=True))
        lines.append((name, f"{outside:.2f} s", f"{inside:.2f} s", f"{more:+.2f} s"))
    write_table("fence", lines, ("", "without a fence", "within it", "median difference"))


if __name__ == "__main__":
    main()
