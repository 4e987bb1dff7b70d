"""Ask a model that is not known yet: in a child process, within the limits of gate.toml."""

import json
import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial

from mlgate.artifacts.fence import Fence
from mlgate.artifacts.model import Answer, Model
from mlgate.corpus import Inputs, Table

import numpy as np
from threadpoolctl import ThreadpoolController

MAX_CHARACTERS = 4_000_000  # in one question: what an answer takes must not grow with the rows
MAX_CELLS = 400_000


@contextmanager
def fenced(model: Model) -> Iterator[Model]:
    """Yield the same model, its answers given by a child process. One that has no limits, or a child already, stays.

    What goes over a limit raises Crossed, and so does each further question.
    """
    if model.limits is None or model.fault or model.asked:
        yield model
        return
    with Fence(partial(_reply, model), model.limits) as child:
        yield replace(model, asked=partial(_ask, child, None if model.gives_numbers else model.classes))


def places_of(labels: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """Return the position (n,) in `classes` of each label. Raises ValueError at a label that is none of them."""
    known = {name: place for place, name in enumerate(classes)}
    places = np.array([known.get(str(label), -1) for label in labels.tolist()], dtype=np.int64)
    if (places < 0).any():
        raise ValueError(f"answers {labels[places < 0][0]!r}, which is none of its classes")
    return places


def _reply(model: Model, question: bytes) -> bytes:
    """Answer a question, as the bytes of numbers: the places of the labels, then the probabilities."""
    with _threads().limit(limits=1, user_api="openmp"):  # a fork that waits for its parent's threads waits for ever
        labels, scores = model.answer(_from_bytes(question))
    if model.gives_numbers:
        return labels.astype(float).tobytes()
    places = places_of(labels, [str(name) for name in model.classes])
    return places.tobytes() + (b"" if scores is None else scores.tobytes())


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()


def _ask(child: Fence, classes: np.ndarray | None, texts: Inputs) -> Answer:
    if classes is None:
        numbers = [np.frombuffer(child.ask(_to_bytes(part)), float, len(part)) for part in _parts(texts)]
        return np.concatenate(numbers), None
    answers = [_understood(child.ask(_to_bytes(part)), classes, len(part)) for part in _parts(texts)]
    labels = np.concatenate([classes[:0], *(part[0] for part in answers)])
    scores = [part[1] for part in answers if part[1] is not None]
    return labels, np.concatenate(scores) if scores else None


def _understood(reply: bytes, classes: np.ndarray, count: int) -> Answer:
    """Return the answer to so many texts that stands in a reply. Raises ValueError where it is none."""
    places = np.frombuffer(reply, np.int64, count)
    if (places < 0).any() or (places >= len(classes)).any():
        raise ValueError("answers with none of its classes")
    if len(reply) == places.nbytes:
        return classes[places], None
    return classes[places], np.frombuffer(reply, offset=places.nbytes).reshape(count, len(classes))


def _to_bytes(inputs: Inputs) -> bytes:
    """Return a question: JSON, or a pickle, which is safe to read where this process alone can write it."""
    return pickle.dumps(inputs) if isinstance(inputs, Table) else json.dumps(inputs).encode()


def _from_bytes(question: bytes) -> Inputs:
    return pickle.loads(question) if question[:1] == pickle.PROTO else json.loads(question)


def _parts(inputs: Inputs) -> Iterator[Inputs]:
    """Yield the texts, or the rows of a table, in turn, as many at a time as a question holds: at least one."""
    if isinstance(inputs, Table):
        rows = max(MAX_CELLS // len(inputs.columns), 1)
        yield from (inputs[start : start + rows] for start in range(0, len(inputs), rows))
    else:
        yield from _parts_of_texts(inputs)


def _parts_of_texts(texts: Sequence[str]) -> Iterator[list[str]]:
    part: list[str] = []
    size = 0
    for text in texts:
        if part and size + len(text) > MAX_CHARACTERS:
            yield part
            part = []
            size = 0
        part.append(text)
        size += len(text)
    if part:
        yield part
