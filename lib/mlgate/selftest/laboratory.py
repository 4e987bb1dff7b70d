"""A laboratory: a whole pipeline in a scratch folder, where models may go wrong and be judged without harm.

Its corpus is made of the real training rows, dealt anew into train, validation and holdout: nothing in here ever reads
the real sealed rows, spends a real look, or moves the real production model.
"""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from mlgate import artifacts, corpus, exam, recipes
from mlgate.answers import scoring
from mlgate.artifacts import Model
from mlgate.gate import Verdict
from mlgate.root import Root, read_settings
from mlgate.scorecard import Scorecard

import numpy as np
import pandas as pd
import tomli_w
from sklearn.pipeline import Pipeline

SIZES = {"train": 3_000, "validation": 3_000, "holdout": 3_000}
SHORT = 0.5  # share of the smaller source: more than in the corpus, so that a lab of few rows can judge it
FLOOR = 0.6  # accuracy: models of a few thousand rows keep this one
MARKS = ".,;:!?-~"
OLD = 0.8  # share of the training rows that were there when production was trained


@dataclass(frozen=True)
class Lab:
    """A scratch root with a production model, and its rows: DataFrames with columns text, label and source.

    old: the training rows that production learnt from; train: those and the ones that came since.
    """

    root: Root
    production: Model
    train: pd.DataFrame
    old: pd.DataFrame
    validation: pd.DataFrame
    holdout: pd.DataFrame
    seed: int


@dataclass(frozen=True)
class Made:
    """A candidate, and what its card says of it: the recipe, the severity, and the rows (None: all training rows)."""

    pipeline: Pipeline
    recipe: str = "baseline"
    severity: float | None = None
    rows: pd.DataFrame | None = field(default=None, repr=False)


def set_up(folder: Path, policy: Path, seed: int = 0, sizes: dict[str, int] | None = None) -> Lab:
    """Make a lab in an empty folder, under the demands of a gate.toml. Another seed: other rows, other models.

    Only the floor, the required slices and the margin are the lab's own: it always has film reviews, and few of them,
    and how much better is better enough says nothing about whether the gate can tell better from worse.
    """
    root = Root(folder)
    rows = _deal(corpus.split("train"), {**SIZES, **(sizes or {})}, np.random.default_rng(seed))
    rows.to_csv(folder / "reviews.csv", index=False)
    own = {"corpus": {"path": (folder / "reviews.csv").as_posix(), "slice_column": "source"}}
    _write(root, {**read_settings(policy), **own})
    demand(root, {"provenance.reproduce": "card"})  # candidates are made by hand here, and their cards say so little
    demand(root, {"slices.required": sorted(set(rows["source"])), "floors.accuracy": FLOOR, "decision.margin": 0.0})
    parts = {name: corpus.split(name, root) for name in SIZES}
    old = parts["train"].sample(frac=OLD, random_state=seed).sort_index()
    recipe = recipes.named("baseline")
    exam.bootstrap(root, recipe.train(old), recipe.facts(old))
    return Lab(root, artifacts.load_production(root), old=old, seed=seed, **parts)


def fresh(lab: Lab, folder: Path) -> Root:
    """Make a root of its own for one candidate: the lab's production, policy and rows, and all looks still there."""
    shutil.copytree(lab.root.production_folder, folder / "artifacts_prod")
    shutil.copy(lab.root.policy, folder / "gate.toml")
    return Root(folder)


def submit(lab: Lab, made: Made, root: Root) -> Model:
    """Write the candidate and its card into a root, as notebook 02 does."""
    rows = lab.train if made.rows is None else made.rows
    facts = recipes.named(made.recipe).facts(rows, made.severity)
    return artifacts.write_candidate(root, made.pipeline, facts)


def take_exam(lab: Lab, made: Made, root: Root, settings: dict[str, str] | None = None) -> Verdict:
    """Put a candidate through the whole exam, in a root of its own: card, validation rows, one look at the holdout.

    settings: lines of gate.toml to change before, such as {"cost.slower_action": "hold"}.
    """
    demand(root, settings or {})
    submit(lab, made, root)
    return exam.take(root)


def preview(lab: Lab, made: Made, root: Root, settings: dict[str, str] | None = None) -> tuple[Scorecard, Verdict]:
    """Do the same on validation rows alone, as in notebook 03. Return the scorecard and the verdict."""
    demand(root, settings or {})
    submit(lab, made, root)
    scorecard = scoring.score(lab.production, artifacts.load_candidate(root), corpus.rows_of("validation", root))
    return scorecard, exam.preview(root, scorecard)


def demand(root: Root, settings: Mapping[str, object]) -> None:
    """Change values in a root's gate.toml, each named as in "cost.slower_action". (Comments are lost.)"""
    whole = root.settings()
    for name, value in settings.items():
        part, _, key = name.partition(".")
        whole.setdefault(part, {})[key] = value
    _write(root, whole)


def _write(root: Root, settings: dict) -> None:
    root.policy.write_text(tomli_w.dumps(settings), encoding="utf-8")


def _deal(rows: pd.DataFrame, sizes: dict[str, int], random: np.random.Generator) -> pd.DataFrame:
    """Rows for each part. A text's hash says where it belongs: marks at its end move it, and no model reads them."""
    small = rows["source"].value_counts().idxmin()
    total = sum(sizes.values())
    few = round(SHORT * total)
    parts = ((rows[rows["source"] == small], few), (rows[rows["source"] != small], total - few))
    dealt = pd.concat(part.sample(count, random_state=int(random.integers(1 << 31))) for part, count in parts)
    dealt = dealt.iloc[random.permutation(len(dealt))].reset_index(drop=True)
    places = np.repeat(list(sizes), list(sizes.values()))
    dealt["text"] = [_moved(text, place) for text, place in zip(dealt["text"], places, strict=True)]
    return dealt[["text", "label", "source"]]


def _moved(text: str, place: str) -> str:
    """Return the text with as few marks at its end as move it to that part."""
    core = corpus.normalise(text).encode()
    marks = ("".join(some) for length in range(5) for some in product(MARKS, repeat=length))
    endings = (f" {some}" if some else "" for some in marks)
    return text + next(end for end in endings if _bucket(core + end.encode()) in corpus.SPLITS[place])


def _bucket(normalised: bytes) -> int:
    return int.from_bytes(hashlib.sha256(normalised).digest()[:8], "big") % 100
