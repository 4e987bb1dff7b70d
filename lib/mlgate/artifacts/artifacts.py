"""pipeline.pkl and its card: write, verify by digest, then load. Nothing is unpickled before its bytes are known."""

import hashlib
import io
import json
import platform
import time
import unicodedata
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlgate.artifacts import unpickling
from mlgate.artifacts.lock import locked
from mlgate.artifacts.refusals import Refused
from mlgate.errors import MlgateError
from mlgate.root import Root, section, versions, write_atomically

import joblib
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

MEGABYTE = 1_000_000
MAX_MEGABYTES = 1_000_000.0
MAX_NAME = 1_000  # characters in the name of a class


@dataclass(frozen=True)
class Limits:
    """What may be unpickled: the types of `allowed_types.ALLOWED` and those in `allow`, up to so many bytes."""

    allow: tuple[str, ...] = ()
    bytes: int = 20 * MEGABYTE


@dataclass(frozen=True)
class Model:
    """A pipeline.pkl: its digest and size, and either the fitted pipeline or the fault that makes it unusable."""

    digest: str
    size: int
    pipeline: Pipeline | None = None
    fault: str | None = None
    card: dict = field(default_factory=dict)
    load_seconds: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def classes(self) -> np.ndarray:
        return self.pipeline.classes_

    def answer(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray | None]:
        """The model's answers to n texts: labels (n,) and, where it has them, probabilities (n, classes).

        The gate and the service both ask here, so that what is judged is what is served. The text is turned into
        numbers once for both. Raises ValueError on answers of the wrong shape and on scores that are not probabilities.
        """
        *steps, (_, last) = self.pipeline.steps
        rows = list(texts)
        for _, step in steps:
            rows = rows if step in (None, "passthrough") else step.transform(rows)
        # a copy, because a nested scaler with copy=False changes the rows that the scores are computed from
        labels = np.asarray(last.predict(rows.copy()))
        if labels.shape != (len(texts),):
            raise ValueError(f"gives answers of shape {labels.shape} to {len(texts)} texts")
        if not hasattr(last, "predict_proba"):
            if hasattr(last, "decision_function") and not np.isfinite(last.decision_function(rows)).all():
                raise ValueError("gives scores that are no numbers (NaN or infinite)")
            return labels, None
        scores = np.asarray(last.predict_proba(rows), dtype=float)
        if scores.shape != (len(texts), len(self.classes)):
            raise ValueError(f"gives scores of shape {scores.shape} to {len(texts)} texts")
        if not (np.isfinite(scores).all() and (scores >= 0).all() and (scores <= 1).all()):
            raise ValueError("gives scores that are not probabilities (NaN, or outside 0 to 1)")
        if not np.allclose(scores.sum(axis=1), 1, rtol=0, atol=1e-4):
            raise ValueError("gives scores that are not probabilities (they do not add up to 1)")
        return labels, scores


def digest(data: bytes) -> str:
    """The sha256 of a pipeline's bytes, in hexadecimal: its name in cards, verdicts, ledger and service."""
    return hashlib.sha256(data).hexdigest()


def dump(pipeline: Pipeline) -> bytes:
    """The fitted pipeline as the bytes of a joblib file, the same each time: uncompressed, fixed protocol."""
    for step in pipeline.get_params().values():  # those inside a FeatureUnion too
        if isinstance(step, BaseEstimator):
            vars(step).pop("_stop_words_id", None)  # a memory address
        if hasattr(step, "vocabulary_"):
            step.vocabulary_ = {word: int(column) for word, column in step.vocabulary_.items()}
    buffer = io.BytesIO()
    joblib.dump(pipeline, buffer, compress=0, protocol=5)
    return buffer.getvalue()


def load(data: bytes, limits: Limits = Limits(), card: dict | None = None) -> Model:
    """The model in these bytes; where they are refused or are no classifier of texts, a Model that names its fault."""
    started = time.perf_counter()
    name, notes, pipeline = digest(data), [], None
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            pipeline = unpickling.loads(data, limits.allow, limits.bytes)
        notes = sorted({" ".join(str(item.message).split()) for item in caught})
        fault = _fault(pipeline)
    except Refused as error:
        fault = str(error)
    except Exception as error:
        fault = f"it is no fitted pipeline ({type(error).__name__})"
    seconds = time.perf_counter() - started
    return Model(name, len(data), None if fault else pipeline, fault, card or {}, seconds, tuple(notes))


def _fault(pipeline: Pipeline) -> str | None:
    """Why a loaded pipeline cannot stand before the gate, or None."""
    if not hasattr(pipeline, "predict"):
        return "its last step is not a classifier: it cannot predict"
    classes = getattr(pipeline, "classes_", None)
    if not isinstance(classes, np.ndarray) or classes.ndim != 1 or len(classes) < 2:
        return "it has no fitted classes: fit it on labelled texts before you save it"
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


def limits_of(settings: dict) -> Limits:
    """What [artifacts] in gate.toml allows."""
    found = section(settings, "artifacts")
    megabytes = found.get("max_megabytes", 20.0)
    if not 0 < megabytes <= MAX_MEGABYTES:  # nor what is no number
        raise MlgateError(f"gate.toml: [artifacts] max_megabytes must be a number above 0, not {megabytes:g}.")
    return Limits(tuple(found.get("allow", ())), int(megabytes * MEGABYTE))


def load_file(path: Path, limits: Limits) -> Model:
    """A model from anywhere, without a card. Raises MlgateError where the file cannot be read."""
    return load(read_bytes(path), limits)


def load_production(root: Root) -> Model:
    """The production model. Raises MlgateError where there is none, or it is not a known and sound model."""
    data = read_production(root)
    card = read_card(root.cards / f"{digest(data)}.json", digest(data))
    mend = "Bring back the committed one: git checkout -- artifacts_prod."
    if card is None:
        raise MlgateError(
            f"The production model {digest(data)[:12]} has no card in {root.cards}: it is not known. {mend}"
        )
    model = load(data, limits_of(root.settings()), card)
    if model.fault:
        raise MlgateError(f"The production model {model.digest[:12]} cannot be used: {model.fault} {mend}")
    return model


def read_production(root: Root) -> bytes:
    """The bytes of the production model. Raises MlgateError where there is none."""
    return read_bytes(root.production, "Run notebook 01 first: it trains the first production model.")


def load_candidate(root: Root) -> Model:
    """The candidate model. Raises MlgateError where there is none; a bad one is a Model that names its fault."""
    data = read_candidate(root)
    card = read_card(root.candidate_card, digest(data))
    if card is None:
        fault = "its card.json does not describe these bytes: they are not what was trained. Run notebook 02 again"
        return Model(digest(data), len(data), fault=fault)
    return load(data, limits_of(root.settings()), card)


def read_candidate(root: Root) -> bytes:
    """The bytes of the candidate model. Raises MlgateError where there is none."""
    return read_bytes(root.candidate, "Run notebook 02 first: it trains a candidate.")


def write_candidate(root: Root, pipeline: Pipeline, facts: dict) -> Model:
    """Write the candidate model and its card; an earlier verdict about another candidate is removed."""
    data = dump(pipeline)
    card = card_of(pipeline, data, facts)
    with locked(root):
        for path in (root.verdict, root.preview, root.candidate_keys):
            path.unlink(missing_ok=True)
        if facts.get("keys"):
            write_atomically(root.candidate_keys, facts["keys"])
        write_atomically(root.candidate_card, to_json(card))
        write_atomically(root.candidate, data)
    return Model(digest(data), len(data), pipeline, card=card)


def card_of(pipeline: Pipeline, data: bytes, facts: dict) -> dict:
    """What there is to know of a model, beginning with its digest. `facts` says how it came to be (Recipe.facts)."""
    keys = {"keys": digest(facts["keys"])} if facts.get("keys") else {}
    return {
        "digest": digest(data),
        "bytes": len(data),
        "classes": [str(name) for name in pipeline.classes_],
        **facts,
        **keys,
        "versions": versions(),
        "machine": platform.machine(),
    }


def read_card(path: Path, name: str) -> dict | None:
    """The card at `path` if it is there and describes the bytes with the digest `name`, else None."""
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        to_json(card)  # it will have to be written again: no NaN
    except (OSError, ValueError, RecursionError):
        return None
    return card if isinstance(card, dict) and card.get("digest") == name else None


def to_json(value: dict) -> bytes:
    """A value as the bytes of a JSON file that people can read."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return text.encode(errors="backslashreplace")  # half a character becomes JSON's \udXXX


def read_bytes(path: Path, advice: str = "Check the path.") -> bytes:
    """The bytes of a file. Raises MlgateError where they cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise MlgateError(f"There is no file {path}. {advice}") from error
    except OSError as error:
        raise MlgateError(f"{path} cannot be read: {error.strerror}.") from error
