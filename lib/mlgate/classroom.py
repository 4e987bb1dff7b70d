"""A small pipeline of one's own, in a temporary folder: a real root with real rows, few enough that all is quick.

The lessons that move production, and the control room, work here and leave nothing behind.
"""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mlgate import artifacts, corpus, exam, ledger, recipes, scoring
from mlgate.artifacts import Model
from mlgate.gate import Verdict
from mlgate.root import Root, find_root
from mlgate.scorecard import Scorecard

import pandas as pd

SIZES = {"train": 5_000, "validation": 2_000, "holdout": 3_000, "live": 800}
CORPUS = '\n[corpus]\npath = "reviews.csv"\nslice_column = "source"\n'


@dataclass(frozen=True)
class Press:
    """One press of "Retrain and submit": the candidate, what both models did, the verdict, and how long it took."""

    recipe: str
    severity: float
    candidate: Model
    scorecard: Scorecard
    verdict: Verdict
    seconds: float

    @property
    def plain(self) -> str:
        """What a plain `candidate > production` would have done."""
        ours, theirs = self.scorecard.accuracy
        return "promoted" if theirs > ours else "kept production"


@contextlib.contextmanager
def classroom(old: int | None = None, home: Root | None = None) -> Iterator[Root]:
    """A root in a temporary folder, with a sample of the corpus and a production model trained by `baseline` on it.

    old: train production on so many rows only, as a model from last year. home: the root whose gate.toml and corpus are
    taken (default: the one here). The folder is removed in the end, whatever happens.
    """
    folder = Path(tempfile.mkdtemp(prefix="mlgate-classroom-"))
    try:
        root = Root(folder)
        _furnish(root, home)
        train = corpus.split("train", root)
        train = train.sample(old, random_state=0) if old else train
        recipe = recipes.named("baseline")
        exam.bootstrap(root, recipe.train(train), recipe.facts(train))
        yield root
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _furnish(root: Root, home: Root | None) -> None:
    """Write the sample and the policy into an empty root."""
    home = home or find_root()
    everything = corpus.load(home)
    parts = [rows.sample(min(SIZES[name], len(rows)), random_state=0) for name, rows in everything.groupby("split")]
    pd.concat(parts).sort_index()[["text", "label", "source"]].to_csv(root.path / "reviews.csv", index=False)
    settings = home.policy.read_text(encoding="utf-8").partition("\n[corpus]")[0]
    root.policy.write_text(settings + CORPUS, encoding="utf-8")


def press(root: Root, recipe: str, severity: float | None = None) -> Press:
    """Retrain by a recipe, submit, and judge on validation rows. No look is spent, and production stays as it is."""
    begun = time.perf_counter()
    train, chosen = corpus.split("train", root), recipes.named(recipe)
    artifacts.write_candidate(root, chosen.train(train, severity), chosen.facts(train, severity))
    production, candidate = exam.load_pair(root)
    scorecard = scoring.score(production, candidate, corpus.rows_of("validation", root))
    verdict = exam.preview(root, scorecard)
    return Press(recipe, chosen.resolve(severity), candidate, scorecard, verdict, time.perf_counter() - begun)


def production_digest(root: Root) -> str:
    """The digest of the file in production, read anew."""
    return artifacts.digest(artifacts.read_production(root))


def looks_spent(root: Root) -> int:
    """How many looks the root's ledger has."""
    return sum(entry["kind"] == "look" for entry in ledger.read(root))
