"""The word behind each coefficient of a linear model on words."""

from typing import Any

from mlgate.artifacts import Model, answer_once

import numpy as np
from scipy import sparse
from sklearn.pipeline import FeatureUnion, Pipeline


class Reader:
    """A model, and for a linear one on words the word behind each coefficient."""

    def __init__(self, model: Model | Pipeline):
        if isinstance(model, Pipeline):
            model = Model("", 0, model)
        self.model = model
        self.names: list[str] = []
        if model.pipeline is not None:
            self.names = _names(model.pipeline)

    def answers(self, texts: list[str], truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the answers (n,) as texts and the probability of the truth (n,); zeros where there are none."""
        labels, scores = answer_once(self.model, texts).answer
        classes = np.array([str(name) for name in self.model.classes])
        right = np.zeros(len(texts))
        if scores is not None:
            right = np.where(classes == truth[:, None], scores, 0).sum(axis=1)
        return np.array([str(label) for label in labels]), right

    def weights(self, text: str, label: object) -> dict[str, float]:
        """Return the weight of each word of the text for a label; {} where the model is not a linear one on words."""
        classes = [str(name) for name in self.model.classes]
        pipeline = self.model.pipeline
        if pipeline is None or not self.names or str(label) not in classes:
            return {}
        line = _coefficients(pipeline[-1], classes.index(str(label)))
        row = sparse.csr_array(pipeline[:-1].transform([text]))
        weights: dict[str, float] = {}
        for column, value in zip(row.indices, row.data, strict=True):
            name = self.names[column]
            # A union of vectorisers may name a word twice.
            weights[name] = weights.get(name, 0.0) + float(value * line[column])
        return weights

    def pull(self, text: str, towards: str, away: str) -> dict[str, float]:
        """How much each word pulls from one label to another."""
        plus = self.weights(text, towards)
        minus = self.weights(text, away)
        return {word: (plus.get(word, 0.0) - minus.get(word, 0.0)) / 2 for word in plus | minus}


def _names(pipeline: Pipeline) -> list[str]:
    """Return the word behind each coefficient of a linear classifier, or []."""
    if len(pipeline) < 2:
        return []
    last = pipeline[-1]
    if not hasattr(last, "coef_") or hasattr(last, "n_support_"):  # a support vector machine compares pairs of classes
        return []
    try:
        known = pipeline[0].get_feature_names_out().tolist()
        names = pipeline[:-1].get_feature_names_out().tolist()
    except (AttributeError, ValueError):  # hashed words have no names
        return []
    if len(names) != _dense(last.coef_).shape[1] or not set(names) <= set(known):  # projected, not words
        return []
    if isinstance(pipeline[0], FeatureUnion):
        return [name.split("__", 1)[1] for name in names]
    return list(names)


def _coefficients(classifier: Any, place: int) -> np.ndarray:
    """Return the coefficients (words,) of the class at `place`. Of two classes, the first has the second's, negated."""
    coefficients = _dense(classifier.coef_)
    if len(coefficients) > 1:
        return coefficients[place]
    return coefficients[0] if place else -coefficients[0]


def _dense(coefficients: Any) -> np.ndarray:
    """Coefficients as (labels, words): some classifiers keep them sparse, or in one dimension for two classes."""
    if sparse.issparse(coefficients):
        coefficients = coefficients.toarray()
    return np.atleast_2d(coefficients)
