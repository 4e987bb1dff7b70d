"""What goes over the wire: requests with their limits, answers, and errors that say in one sentence what to fix."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable
from typing import Annotated, ClassVar

from mlgate.errors import MlgateError

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict
from pydantic_core import from_json
from starlette.types import Receive, Scope, Send

MAX_TEXTS = 1_000
MAX_CHARACTERS = 50_000
MAX_BYTES = 2_000_000

Text = Annotated[str, StringConstraints(max_length=MAX_CHARACTERS)]


class Question(BaseModel):
    """Texts to be answered."""

    EXAMPLE: ClassVar[JsonDict] = {"texts": ["A text to be classified."]}
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})
    texts: Annotated[list[Text], Field(min_length=1, max_length=MAX_TEXTS)]


class OneText(BaseModel):
    """One text whose answer is to be explained."""

    EXAMPLE: ClassVar[JsonDict] = {"text": "A text to be classified."}
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})
    text: Text


class ModelName(BaseModel):
    """The model that answered, by the sha256 of its bytes."""

    digest: str


class Prediction(BaseModel):
    """A label, and the probability that the model gives it (null where a model has none)."""

    label: str | int | bool
    score: float | None


class Answered(Prediction):
    """A prediction; where the watch keeps this row, the id by which its label finds it later."""

    id: str | None = None


class Predictions(BaseModel):
    """One prediction for each text, in order, all of them by the same model."""

    model: ModelName
    predictions: list[Answered]


class Word(BaseModel):
    """A word of the text, and how much it speaks for the answer (below 0: against it)."""

    word: str
    weight: float


class Explanation(Prediction):
    """A prediction and the words that weighed most, where the model can say (a linear one on words)."""

    model: ModelName
    words: list[Word]


class Problem(BaseModel):
    """What is wrong with a request, in a sentence."""

    detail: str


class Wrong(MlgateError):
    """A request that cannot be answered: the HTTP status, and why."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class Gone(Wrong):
    """The client went away before it had said everything: nobody will read the answer."""

    def __init__(self) -> None:
        super().__init__(400, "The request ended too early.")


class TooLarge(Wrong):
    """A body that is too large. `more`: whether the client is still sending it."""

    def __init__(self, more: bool) -> None:
        super().__init__(413, f"The request is larger than {MAX_BYTES:,} bytes. Send fewer texts at a time.")
        self.more = more


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """Return the request's body. Raises TooLarge as soon as it is larger than MAX_BYTES, announced or not."""
    announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if announced.isdigit() and int(announced[:20]) > MAX_BYTES:
        raise TooLarge(more=True)
    size = 0
    parts = []
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
        if size > MAX_BYTES:
            raise TooLarge(more)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def read_on(receive: Receive) -> None:
    """Throw away what a client still sends, within limits: many read the answer only when they have sent everything."""
    left = 10 * MAX_BYTES
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(5):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body"):
                    return


def texts_in(body: bytes) -> list[str]:
    """Return the texts of a Question. Raises Wrong with one sentence about the first thing that is not as it should be.

    By hand, because pydantic lists every error before it says the first: seconds, for a body that is made of errors.
    """
    texts = _only(body, "texts", Question)
    if not isinstance(texts, list):
        raise Wrong(422, f"texts is not a list of texts. Send {_example(Question)}.")
    if not texts:
        raise Wrong(422, "texts is empty: send at least one text.")
    if len(texts) > MAX_TEXTS:
        raise Wrong(422, f"There are {len(texts):,} texts: at most {MAX_TEXTS:,} in a request.")
    return [_checked(f"texts[{place}]", text) for place, text in enumerate(texts)]


def text_in(body: bytes) -> str:
    """Return the text of an OneText. Raises Wrong, as texts_in does."""
    return _checked("text", _only(body, "text", OneText))


def _only(body: bytes, name: str, kind: type[Question | OneText]) -> object:
    """Return the value of the one key that a body may have."""
    try:
        value = from_json(body)
    except ValueError as error:
        raise Wrong(400, f"The body is not JSON ({error}). Send {_example(kind)}.") from error
    if not isinstance(value, dict):
        raise Wrong(422, f"The body is not an object. Send {_example(kind)}.")
    if name not in value:
        raise Wrong(422, f"{name} is missing. Send {_example(kind)}.")
    if len(value) > 1:
        other = next(key for key in value if key != name)
        raise Wrong(422, f"There is no {other[:100]!r} here. Send {_example(kind)}.")
    return value[name]


def _checked(where: str, text: object) -> str:
    if not isinstance(text, str):
        raise Wrong(422, f"{where} is not a text.")
    if len(text) > MAX_CHARACTERS:
        raise Wrong(422, f"{where} has {len(text):,} characters: at most {MAX_CHARACTERS:,}.")
    return text


def _example(kind: type[Question | OneText]) -> str:
    return json.dumps(kind.EXAMPLE)


async def send_json(send: Send, status: int, body: bytes, meanwhile: Awaitable[None] | None = None) -> None:
    """Answer with these bytes of JSON. `meanwhile` is waited for before the answer counts as complete."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": meanwhile is not None})
    if meanwhile is not None:
        await meanwhile
        await send({"type": "http.response.body"})


def problem(detail: str) -> bytes:
    """Return an error as the bytes of a JSON object."""
    return json.dumps({"detail": detail}).encode()
