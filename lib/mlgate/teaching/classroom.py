"""A small pipeline of one's own, in a temporary folder: a real root with real rows, few enough that all is quick.

The lessons that move production, and the control room, work here and leave nothing behind.
"""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from mlgate import artifacts, corpus, exam, ledger, recipes
from mlgate.answers import scoring
from mlgate.artifacts import Model
from mlgate.corpus import Inputs, Table
from mlgate.gate import PROMOTE, Verdict, judge
from mlgate.recipes import RECIPES
from mlgate.root import Root, find_root
from mlgate.scorecard import Scorecard
from mlgate.teaching.child_service import PREFIX

import numpy as np
import pandas as pd
import tomli_w

SIZES = {"train": 3_000, "validation": 1_500, "holdout": 3_000, "live": 500}
CORPUS = {"path": "reviews.csv", "slice_column": "source"}
SAMPLE = 1  # which rows
SABOTAGES = tuple(name for name, recipe in RECIPES.items() if recipe.sabotaged)
MIN_REMEMBERED = 100  # texts: answers to fewer are not worth remembering, and their times are measured


@dataclass(frozen=True)
class Remembering(Model):
    """A model that remembers its answers: figures, probes and tables ask the same texts as the scorecard did."""

    memory: dict[tuple[str, ...], tuple[np.ndarray, np.ndarray | None]] = field(default_factory=dict, repr=False)

    def answer(self, texts: Inputs) -> tuple[np.ndarray, np.ndarray | None]:
        if isinstance(texts, Table) or len(texts) < MIN_REMEMBERED:
            return super().answer(texts)
        key = tuple(texts)
        if key not in self.memory:
            self.memory[key] = super().answer(texts)
        return self.memory[key]


@dataclass(frozen=True)
class Press:
    """One press of "Retrain and submit": both models, what they did, the verdict, and how long it took."""

    recipe: str
    severity: float
    production: Model
    candidate: Model
    scorecard: Scorecard
    verdict: Verdict
    seconds: float

    @property
    def sabotaged(self) -> bool:
        """Whether this candidate is known to be a bad one."""
        return recipes.named(self.recipe).sabotaged and self.severity > 0

    @property
    def change(self) -> float:
        """The difference in accuracy, candidate minus production, as a fraction."""
        production, candidate = self.scorecard.accuracy
        return candidate - production

    @property
    def plain(self) -> str:
        """What a plain `candidate > production` would have done."""
        return "PROMOTE" if self.change > 0 else "KEEP"

    @property
    def let_through(self) -> tuple[bool, bool]:
        """Whether the plain rule, and whether the gate, would have let a sabotaged model into production."""
        by_plain_rule = self.sabotaged and self.plain == PROMOTE
        by_gate = self.sabotaged and self.verdict.decision == PROMOTE
        return by_plain_rule, by_gate


@contextlib.contextmanager
def classroom(old: int | None = None, home: Root | None = None, sizes: dict[str, int] | None = None) -> Iterator[Root]:
    """Yield a root in a temporary folder: a sample of the corpus, and production trained by `baseline` on it.

    old: train production on so many rows only, as a model from last year. home: the root whose gate.toml and corpus are
    taken (default: the one here). sizes: rows of each split. The folder is removed in the end, whatever happens.
    """
    folder = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
    try:
        root = Root(folder)
        _furnish(root, home or find_root(), SIZES | (sizes or {}))
        train = corpus.split("train", root)
        if old:
            train = train.sample(min(old, len(train)), random_state=0)
        recipe = recipes.named("baseline")
        exam.bootstrap(root, recipe.train(train), recipe.facts(train))
        yield root
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _furnish(root: Root, home: Root, sizes: dict[str, int]) -> None:
    """Write the sample and the policy into an empty root."""
    everything = corpus.load(home)
    splits = everything.groupby("split")
    parts = [rows.sample(min(sizes[name], len(rows)), random_state=SAMPLE) for name, rows in splits]
    pd.concat(parts).sort_index()[["text", "label", "source"]].to_csv(root.path / "reviews.csv", index=False)
    settings = home.settings() | {"corpus": CORPUS}
    root.policy.write_text(tomli_w.dumps(settings), encoding="utf-8")


def press(root: Root, recipe: str, severity: float | None = None) -> Press:
    """Retrain by a recipe, submit, and judge on validation rows. No look is spent, and production stays as it is.

    Raises MlgateError where there is no such recipe or severity.
    """
    begun = time.perf_counter()
    trained = submit(root, recipe, severity)
    production = _production(root, production_digest(root))
    read = artifacts.load(artifacts.read_candidate(root), card=trained.card, known=True)  # trained here, just now
    candidate = Remembering(**vars(read))
    scorecard = scoring.score(production, candidate, corpus.rows_of("validation", root))
    verdict = exam.preview(root, scorecard, (production, candidate))
    chosen = recipes.named(recipe).resolve(severity)
    return Press(recipe, chosen, production, candidate, scorecard, verdict, time.perf_counter() - begun)


def reveal(root: Root, press: Press, home: Root | None = None) -> Verdict:
    """Judge a press again on the rows that its room never used, the sealed ones left alone: what would have shipped.

    home: the root whose corpus the room's sample is from (default: the one here).
    """
    whole = corpus.load(home or find_root())
    used = set(corpus.load(root)["text"])
    rest = whole[(whole["split"] != "holdout") & ~whole["text"].isin(used)]
    scorecard = scoring.score(press.production, press.candidate, corpus.rows_from(rest, "unused"))
    return judge(scorecard, exam.policy_of(root))


def submit(root: Root, recipe: str, severity: float | None = None) -> Model:
    """Train a candidate on the root's training rows and write it there, as notebook 02 does."""
    train = corpus.split("train", root)
    chosen = recipes.named(recipe)
    return artifacts.write_candidate(root, chosen.train(train, severity), chosen.facts(train, severity))


@lru_cache(maxsize=2)
def _production(root: Root, name: str) -> Remembering:
    """Load the production model of that digest, once."""
    return Remembering(**vars(artifacts.load_production(root)))


def production_digest(root: Root) -> str:
    """Return the digest of the file in production, read anew."""
    return artifacts.digest(artifacts.read_production(root))


def looks_spent(root: Root) -> int:
    """Count the looks in the root's ledger."""
    return sum(entry["kind"] == "look" for entry in ledger.read(root))
