"""What is seen while notebooks run."""

import contextlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

from mlgate.notebooks.sources import Parameters, cells_of


class Progress:
    """On a terminal one bar over all cells of all notebooks; elsewhere, as in a CI log, one line a notebook."""

    def __init__(self, steps: list[tuple[Path, Parameters]], shown: bool) -> None:
        from tqdm import tqdm

        terminal = sys.stderr.isatty()
        self.lines = shown and not terminal
        self.counts = {path.stem: len(cells_of(path)) + bool(parameters) for path, parameters in steps}
        self.done = 0
        self.bar = tqdm(total=sum(self.counts.values()), unit="cell", disable=not (shown and terminal))

    def __enter__(self) -> "Progress":
        return self

    def begin(self, stem: str) -> None:
        """Show that this notebook begins."""
        self.bar.set_description(stem)
        if self.lines:
            print(stem, end=" ", file=sys.stderr, flush=True)

    def at(self, cell: int) -> None:
        """Show that the notebook has come to this cell."""
        self.bar.n = self.done + cell
        self.bar.refresh()

    def end(self, stem: str, ending: str, seconds: float) -> None:
        """Show that this notebook has ended, and how."""
        self.done += self.counts[stem]
        if ending == "done":
            self.at(0)
        if self.lines:
            print(f"{ending} in {seconds:.1f} s", file=sys.stderr, flush=True)

    def __exit__(self, *_: object) -> None:
        self.bar.close()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence papermill and nbclient: what they would log, we say ourselves, in one line."""
    logger = logging.getLogger("papermill")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)
