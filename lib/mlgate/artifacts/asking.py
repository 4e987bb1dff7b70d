"""Ask a model that is not known yet: in a child process, within the limits of gate.toml."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from mlgate.artifacts.fence import Fence
from mlgate.artifacts.model import Answer, Model

import numpy as np

MAX_CHARACTERS = 4_000_000  # in one question: what an answer takes must not grow with the rows


@contextmanager
def fenced(model: Model) -> Iterator[Model]:
    """Yield the same model, its answers given by a child process. One that has no limits is asked in this process.

    What goes over a limit raises Crossed, and so does each further question.
    """
    if model.limits is None or model.fault:
        yield model
        return
    with Fence(partial(_reply, model), model.limits) as child:
        yield replace(model, asked=partial(_ask, child, model.classes))


def places_of(labels: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """Return the position (n,) in `classes` of each label. Raises ValueError at a label that is none of them."""
    known = {name: place for place, name in enumerate(classes)}
    places = np.array([known.get(str(label), -1) for label in labels.tolist()], dtype=np.int64)
    if (places < 0).any():
        raise ValueError(f"answers {labels[places < 0][0]!r}, which is none of its classes")
    return places


def _reply(model: Model, question: bytes) -> bytes:
    """Answer the texts in a question, as the bytes of numbers: the places of the labels, then the probabilities."""
    labels, scores = model.answer(json.loads(question))
    places = places_of(labels, [str(name) for name in model.classes])
    return places.tobytes() + (b"" if scores is None else scores.tobytes())


def _ask(child: Fence, classes: np.ndarray, texts: Sequence[str]) -> Answer:
    answers = [_understood(child.ask(json.dumps(part).encode()), classes, len(part)) for part in _parts(texts)]
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


def _parts(texts: Sequence[str]) -> Iterator[list[str]]:
    """Yield the texts in turn, as many at a time as a question holds: at least one."""
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
