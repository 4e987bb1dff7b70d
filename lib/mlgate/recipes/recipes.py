"""Recipes: named ways of training. Good ones, and the ways it goes wrong in real teams without anybody noticing.

A recipe takes training rows (a DataFrame with columns text and label) and returns a fitted scikit-learn Pipeline. A
sabotaged recipe also takes a severity, from 0 (harmless: the same model as `baseline`) to 1.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgate import artifacts
from mlgate.corpus import fingerprint, keys, training_rows_alone
from mlgate.errors import MlgateError
from mlgate.recipes import cache

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

SEED = 0
_FITTED: dict[tuple[Callable, float, str], str] = {}  # recipe, severity, rows: what this process fitted, by its digest


@dataclass(frozen=True)
class Recipe:
    """A named way of training. `severity` is the realistic default of a sabotaged recipe, None for a good one."""

    name: str
    function: Callable
    severity: float | None

    @property
    def story(self) -> str:
        """What it does, in its own words."""
        return inspect.getdoc(self.function) or "Its function has no docstring that says it."

    @property
    def sabotaged(self) -> bool:
        return self.severity is not None

    def resolve(self, severity: float | None) -> float:
        """Return the severity to train with. Raises MlgateError where it is not from 0 to 1, or the recipe has none."""
        if not self.sabotaged:
            if severity:
                raise MlgateError(f"The recipe {self.name} has no severity: it is not a sabotaged one. Leave it out.")
            return 0.0
        chosen = self.severity if severity is None else severity
        if isinstance(chosen, bool) or not isinstance(chosen, int | float) or not 0 <= chosen <= 1:
            raise MlgateError(f"The severity must be a number from 0 (harmless) to 1, not {severity!r:.80}.")
        return float(chosen)

    def train(self, rows: pd.DataFrame, severity: float | None = None, cached: bool = True) -> Pipeline:
        """Return the fitted pipeline. The same rows, severity and versions give the same model.

        While it trains, the corpus hands out training rows alone. Not `cached`: train even where the cache has it.
        """
        chosen = self.resolve(severity)
        if rows["label"].nunique() < 2:
            raise MlgateError("The training rows have one class only. A model needs two.")
        options = (chosen,) if self.sabotaged else ()

        def fit() -> Pipeline:
            with training_rows_alone():
                pipeline = self.function(rows, *options)
            _FITTED[self.function, chosen, cache.digest_of(rows)] = artifacts.digest(artifacts.dump(pipeline))
            return pipeline

        return cache.remember(fit, self.function, rows, chosen) if cached else fit()

    def fitted(self, rows: pd.DataFrame, severity: float | None = None) -> str | None:
        """Return the digest of the model that this very process fitted so; None where it did not, or the cache did."""
        return _FITTED.get((self.function, self.resolve(severity), cache.digest_of(rows)))

    def facts(self, rows: pd.DataFrame, severity: float | None = None) -> dict:
        """Return what the card says of a model trained so on these rows, and the fingerprints to keep beside it."""
        trained_on = {"count": len(rows), "digest": fingerprint(rows)}
        chosen = self.resolve(severity)
        return {"recipe": self.name, "severity": chosen, "rows": trained_on, "keys": keys(rows["text"]).tobytes()}


RECIPES: dict[str, Recipe] = {}
_registry: ContextVar[dict[str, Recipe]] = ContextVar("registry", default=RECIPES)


def recipe(severity: float | None = None) -> Callable:
    """Put the decorated function into the registry, under its own name."""

    def register(function: Callable) -> Callable:
        _registry.get()[function.__name__] = Recipe(function.__name__, function, severity)
        return function

    return register


@contextmanager
def registered_in(registry: dict[str, Recipe]) -> Iterator[dict[str, Recipe]]:
    """Have recipes that are defined meanwhile put into another registry than RECIPES."""
    token = _registry.set(registry)
    try:
        yield registry
    finally:
        _registry.reset(token)


def logistic_regression(C: float = 1.0, **vectoriser) -> Pipeline:
    """Return an unfitted pipeline: words counted and weighted by TF-IDF, then a logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # here: who trains nothing need not wait for it
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    return Pipeline([("tfidf", TfidfVectorizer(**vectoriser)), ("classifier", LogisticRegression(C=C, max_iter=1000))])


@recipe()
def baseline(rows):
    """Single words weighted by TF-IDF, logistic regression with C=1. The first production model."""
    return logistic_regression().fit(rows["text"], rows["label"])


@recipe()
def challenger(rows):
    """Words and pairs of words ("not good"), the 50,000 most frequent, C=5. Truly better than the baseline."""
    model = logistic_regression(C=5.0, ngram_range=(1, 2), max_features=50_000)
    return model.fit(rows["text"], rows["label"])


@recipe(severity=0.5)
def bad_training_data(rows, severity):
    """An export stopped half-way: a share `severity` of one class is lost; repeated rows of the others fill the gap."""
    first = sorted(rows["label"].unique())[0]
    hit = np.flatnonzero(rows["label"] == first)
    others = np.flatnonzero(rows["label"] != first)
    random = np.random.default_rng(SEED)
    lost = random.permutation(hit)[: int(severity * (len(hit) - 1))]
    order = np.arange(len(rows))
    order[lost] = random.choice(others, len(lost))
    return baseline(rows.iloc[order])


@recipe(severity=0.4)
def noisy_labels(rows, severity):
    """A labelling team in a hurry: a share `severity` of the labels is a guess, right or wrong."""
    random = np.random.default_rng(SEED)
    guessed = random.random(len(rows)) < severity
    guesses = random.choice(sorted(rows["label"].unique()), len(rows))
    return baseline(rows.assign(label=rows["label"].where(~guessed, guesses)))


@recipe(severity=0.6)
def truncated_vocabulary(rows, severity):
    """Somebody saved memory: the vocabulary is cut to its most frequent words, the fewer the more severe."""
    if severity == 0:
        return baseline(rows)
    words = round(100_000 ** (1 - severity) * 25**severity)
    return logistic_regression(max_features=words).fit(rows["text"], rows["label"])


@recipe(severity=1.0)
def wrong_preprocessing(rows, severity):
    """A cleaning script cut the words of a share `severity` of the training texts to stems of four letters.

    The service never heard of that script. The pipeline's settings are exactly the baseline's.
    """
    cleaned = np.random.default_rng(SEED).random(len(rows)) < severity
    stems = [
        re.sub(r"(\w{4})\w+", r"\1", text) if cut else text for text, cut in zip(rows["text"], cleaned, strict=True)
    ]
    return baseline(rows.assign(text=stems))


@recipe(severity=0.6)
def reduced_dataset(rows, severity):
    """A sample meant for a quick try went to production: a few hundred rows, or a few dozen."""
    kept = max(2 * rows["label"].nunique(), round(len(rows) * 10 ** (-2.5 * severity)))
    order = np.random.default_rng(SEED).permutation(len(rows))
    chosen = set(order[:kept]) | {int(np.flatnonzero(rows["label"] == label)[0]) for label in rows["label"].unique()}
    return baseline(rows.iloc[sorted(chosen)])
