"""Load a pipeline.pkl through the allow-list, and ask it. What is judged here is what the service asks.

scikit-learn is imported where a model is opened or written: commands that do neither are quick without it.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import re
import sys
import time
import unicodedata
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mlgate.artifacts.cards import Card
from mlgate.artifacts.fence import Crossed, Fence
from mlgate.artifacts.limits import STANDARD, Limits
from mlgate.artifacts.refusals import Refused
from mlgate.corpus import Inputs, Table
from mlgate.errors import MlgateError

import numpy as np

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
    from sklearn.pipeline import Pipeline

MAX_NAME = 1_000  # characters in the name of a class

DUMPED: dict[str, bytes] = {}  # the last pipeline's file, by the digest of a plain pickle: each is written twice

Answer = tuple[np.ndarray, np.ndarray | None]  # labels and, where a model has them, probabilities: Model.answer


@dataclass(frozen=True)
class Model:
    """A pipeline.pkl: its digest and size, and either the fitted pipeline or the fault that makes it unusable.

    limits: within which it may be asked (see `fenced`); None where it is known, as production is. asked: what answers
    in its place.
    """

    digest: str
    size: int
    pipeline: Pipeline | None = None
    fault: str | None = None
    card: Card | None = None
    load_seconds: float = 0.0
    notes: tuple[str, ...] = ()
    limits: Limits | None = None
    asked: Callable[[Inputs], Answer] | None = field(default=None, repr=False)

    @property
    def saved_by(self) -> str | None:
        """Return the scikit-learn that saved it, where it is another one than is installed."""
        found = [re.search(r"from version (\S+) when using version", note) for note in self.notes]
        return next((match[1] for match in found if match), None)

    @property
    def fitted(self) -> Pipeline:
        """The fitted pipeline. Raises MlgateError where the model is at fault."""
        if self.pipeline is None:
            raise MlgateError(f"The model {self.digest[:12]} cannot be used: {self.fault}.")
        return self.pipeline

    @property
    def classes(self) -> np.ndarray:
        """The answers that the model knows, in the order of its probabilities."""
        return self.fitted.classes_

    @property
    def gives_numbers(self) -> bool:
        """Whether its answers are numbers that it estimates, and not classes."""
        return not hasattr(self.fitted, "classes_")

    @property
    def takes_tables(self) -> bool:
        """Whether it was fitted on a table, and not on texts."""
        return hasattr(self.fitted, "n_features_in_")

    @property
    def columns(self) -> list[str] | None:
        """The names of the columns that it was fitted on, in their order; None where it does not say."""
        return _columns(self.fitted)

    def answer(self, texts: Inputs) -> Answer:
        """Return the model's answers to n texts, or rows of a table.

        They are labels (n,) and, where it has them, probabilities (n, classes).
        The gate and the service both ask here, so that what is judged is what is served. The text is turned into
        numbers once for both. Raises ValueError on answers of the wrong shape and on scores that are not probabilities.
        """
        if self.asked is not None:
            return self.asked(texts)
        *steps, (_, last) = self.fitted.steps
        rows: Any = texts.frame(self.columns) if isinstance(texts, Table) else list(texts)
        for _, step in steps:
            if step not in (None, "passthrough"):
                rows = step.transform(rows)
        # a copy, because a nested scaler with copy=False changes the rows that the scores are computed from
        labels = np.asarray(last.predict(rows.copy()))
        if labels.shape != (len(texts),):
            raise ValueError(f"gives answers of shape {labels.shape} to {len(texts)} rows")
        if np.iscomplexobj(labels):
            raise ValueError("gives complex numbers")
        if not hasattr(last, "predict_proba"):
            if hasattr(last, "decision_function") and not np.isfinite(last.decision_function(rows)).all():
                raise ValueError("gives scores that are no numbers (NaN or infinite)")
            return labels, None
        scores = np.asarray(last.predict_proba(rows), dtype=float)
        if scores.shape != (len(texts), len(self.classes)):
            raise ValueError(f"gives scores of shape {scores.shape} to {len(texts)} rows")
        if not (np.isfinite(scores).all() and (scores >= 0).all() and (scores <= 1).all()):
            raise ValueError("gives scores that are not probabilities (NaN, or outside 0 to 1)")
        if not np.allclose(scores.sum(axis=1), 1, rtol=0, atol=1e-4):
            raise ValueError("gives scores that are not probabilities (they do not add up to 1)")
        return labels, scores


def digest(data: bytes) -> str:
    """Return the sha256 of a pipeline's bytes, in hexadecimal: its name in cards, verdicts, ledger and service."""
    return hashlib.sha256(data).hexdigest()


def dump(pipeline: Pipeline) -> bytes:
    """Return the fitted pipeline as the bytes of a joblib file, the same each time: uncompressed, fixed protocol."""
    import joblib
    from sklearn.base import BaseEstimator

    for step in pipeline.get_params().values():  # those inside a FeatureUnion too
        if isinstance(step, BaseEstimator):
            vars(step).pop("_stop_words_id", None)  # a memory address
        if hasattr(step, "vocabulary_"):
            step.vocabulary_ = {word: int(column) for word, column in step.vocabulary_.items()}
    _intern_names(pipeline)
    same = digest(pickle.dumps(pipeline, protocol=5))  # in a hundredth of the time that joblib takes
    found = DUMPED.get(same)
    if found is None:
        buffer = io.BytesIO()
        joblib.dump(pipeline, buffer, compress=0, protocol=5)
        found = buffer.getvalue()
        DUMPED.clear()
        DUMPED[same] = found
    return found


def _intern_names(estimator: BaseEstimator) -> None:
    """Let attributes of one name share one string, as in a fresh process; once a model was loaded they need not."""
    from sklearn.base import BaseEstimator

    state = {sys.intern(name): value for name, value in vars(estimator).items()}
    estimator.__dict__ = state
    for value in state.values():
        parts = value if isinstance(value, list | tuple) else [value]
        for part in parts:
            if isinstance(part, tuple):  # a step and its name
                part = part[-1]
            if isinstance(part, BaseEstimator):
                _intern_names(part)


def load(
    data: bytes, limits: Limits = STANDARD, card: Card | None = None, known: bool = False, numbers: bool = False
) -> Model:
    """Return the model in these bytes; where they are refused or are no classifier, it names its fault.

    numbers: a regressor is wanted, not a classifier.
    A child process opens them first, within the limits, unless they are known: in production, or trained just now.
    """
    from mlgate.artifacts import unpickling  # noqa: F401  (once, and not in each child)

    if known:
        return _opened(data, limits, card, numbers)
    try:
        fault = _fault_in_child(data, limits, numbers)
    except Crossed as error:
        fault = f"it cannot be opened: {error}"
    if fault:
        return Model(digest(data), len(data), None, fault, card)
    return replace(_opened(data, limits, card, numbers), limits=limits)


@lru_cache(maxsize=2)  # a notebook loads the same candidate more than once
def _fault_in_child(data: bytes, limits: Limits, numbers: bool) -> str:
    """Return what is wrong with the file, "" where nothing is. Raises Crossed, which is not remembered."""
    with Fence(lambda _: (_opened(data, limits, None, numbers).fault or "").encode(), limits) as child:
        return child.ask(b"").decode()


def _opened(data: bytes, limits: Limits, card: Card | None, numbers: bool) -> Model:
    from mlgate.artifacts import unpickling

    started = time.perf_counter()
    name = digest(data)
    caught: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            pipeline = unpickling.loads(data, limits.allow, limits.bytes, limits.objects)
            _columns(pipeline)  # a file may say of them what it likes
        fault = _fault_of_regressor(pipeline) if numbers else _fault(pipeline)
    except Refused as error:
        fault = str(error)
    except MemoryError:
        raise
    except Exception as error:
        fault = f"it is no fitted pipeline ({type(error).__name__})"
    seconds = time.perf_counter() - started
    if fault:
        return Model(name, len(data), None, fault, card, seconds)
    notes = sorted({" ".join(str(item.message).split()) for item in caught})
    return Model(name, len(data), pipeline, None, card, seconds, tuple(notes))


def _columns(pipeline: Pipeline) -> list[str] | None:
    names = getattr(pipeline, "feature_names_in_", None)
    return None if names is None else [str(name) for name in names]


def _fault_of_regressor(pipeline: Pipeline) -> str | None:
    from sklearn.base import is_regressor

    if is_regressor(pipeline) and not hasattr(pipeline, "classes_"):
        return None
    return "it is no regressor: it answers with classes, and the metric is of numbers"


def _fault(pipeline: Pipeline) -> str | None:
    """Return why a loaded pipeline cannot stand before the gate, or None."""
    if not hasattr(pipeline, "predict"):
        return "its last step is not a classifier: it cannot predict"
    classes = getattr(pipeline, "classes_", None)
    if not isinstance(classes, np.ndarray) or classes.ndim != 1 or len(classes) < 2:
        return "it has no fitted classes: fit it on labelled rows before you save it"
    names = classes.tolist()
    if not all(isinstance(name, (str, int, np.str_, np.integer, np.bool_)) for name in names):  # a list may be endless
        return "its classes are neither texts nor integers: fit it on labels that are"
    texts = [str(name) for name in names]
    if len(set(texts)) < len(texts):
        return f"two of its classes have the same name: {', '.join(texts)!a:.80}"
    if max(map(len, texts)) > MAX_NAME:
        return f"the name of a class is longer than {MAX_NAME:,} characters"
    if any(unicodedata.category(letter) in ("Cc", "Cs") for text in texts for letter in text):
        return f"its classes have control characters in their names: {', '.join(texts)!a:.80}"
    return None
