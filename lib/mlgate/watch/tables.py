"""What is measured of each answered text: a few numbers, and from them the tables' values, each from 0 to 1.

A feature is turned into its rank among the reference rows, so that a mean says something whatever its unit.
"""

import re
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from mlgate.artifacts import Model, answer_once

import numpy as np

READ = 5_000  # characters of a text that are looked at, so that a long one costs no more
OPENING = 500  # characters in which words are looked up: that costs most
WORD = re.compile(r"\w\w+")
CAPITALS = bytes(range(ord("A"), ord("Z") + 1))
PLAIN = bytes(code for code in range(128) if chr(code).isalnum() or chr(code).isspace())
FEATURES = ("length", "unknown", "capitals", "symbols")
OUTLIER = "outlier"
UNKNOWN = "unknown"

WORDS: dict[str, tuple[str, str]] = {  # what a fall and a rise of each table mean
    "score": ("fewer answers lean to {top!r}", "more answers lean to {top!r}"),
    "confidence": ("the model is less sure", "the model is surer"),
    "length": ("the texts are shorter", "the texts are longer"),
    UNKNOWN: ("fewer words that the model does not know", "more words that the model does not know"),
    "capitals": ("fewer capital letters", "more capital letters"),
    "symbols": (
        "fewer symbols and signs that are no plain letters",
        "more symbols and signs that are no plain letters",
    ),
    OUTLIER: ("fewer texts that are unlike any known one", "more texts that are unlike nearly all known ones"),
}


class Answered(NamedTuple):
    """Rows with their answers: features (n, 4), labels as text (n,), the probability of each answer (n,)."""

    features: np.ndarray
    labels: np.ndarray
    scores: np.ndarray

    def part(self, chosen: Any) -> "Answered":
        """Return some of the rows."""
        return Answered(self.features[chosen], self.labels[chosen], self.scores[chosen])


def features(text: str, known: Collection[str]) -> tuple[float, float, float, float]:
    """Return a text's length, and its shares of unknown words, capitals and signs that are no plain ASCII letters.

    known: the words that the model counts; without any, no word is unknown. Words are those of the text's opening.
    """
    part = text[:READ]
    data = part.encode(errors="replace")
    size = max(len(data), 1)
    unknown = 0.0
    words = WORD.findall(part[:OPENING].lower()) if known else []
    if words:
        unknown = 1 - sum(map(known.__contains__, words)) / len(words)
    capitals = 1 - len(data.translate(None, CAPITALS)) / size
    symbols = len(data.translate(None, PLAIN)) / size
    return float(len(part)), unknown, capitals, symbols


def words_of(model: Model) -> frozenset[str]:
    """Return the words that a model counts; none where it has no vocabulary (a hashing vectoriser, say)."""
    for step in model.fitted.get_params().values():
        vocabulary = getattr(step, "vocabulary_", None)
        if isinstance(vocabulary, dict):
            return frozenset(vocabulary)
    return frozenset()


def answered(model: Model, texts: Sequence[str]) -> Answered:
    """Ask the model, and measure the texts."""
    labels, scores = answer_once(model, texts).answer
    chosen = np.ones(len(texts))
    if scores is not None:
        places = {name: place for place, name in enumerate(model.classes.tolist())}
        chosen = scores[np.arange(len(texts)), [places[name] for name in labels.tolist()]]
    return Answered(measured(texts, words_of(model)), np.array([str(name) for name in labels.tolist()]), chosen)


def measured(texts: Sequence[str], known: Collection[str]) -> np.ndarray:
    """Return the features of n texts, (n, 4)."""
    return np.array([features(text, known) for text in texts], dtype=float).reshape(-1, len(FEATURES))


def names_for(classes: Sequence[str]) -> tuple[str, ...]:
    """Return the tables' names; three classes and more have one each, for the share of the answers."""
    own = tuple(f"answer {name}" for name in classes if len(classes) > 2)
    return ("score", "confidence", *FEATURES, OUTLIER, *own)


def ranks(features: np.ndarray, grids: np.ndarray) -> np.ndarray:
    """Return the rank of each feature, (n, 4), from 0 to 1, among the quantiles (4, Q) of the reference; ties share."""
    columns = []
    for values, grid in zip(features.T, grids, strict=True):
        left = np.searchsorted(grid, values, side="left")
        right = np.searchsorted(grid, values, side="right")
        columns.append((left + right) / (2 * len(grid)))
    return np.stack(columns, axis=1)
