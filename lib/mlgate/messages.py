"""What goes over the wire: requests with their limits, answers, and errors that say in one sentence what to mend."""

import json
from typing import Annotated, TypeVar

from mlgate.root import MlgateError

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.types import Receive, Send

MAX_TEXTS = 1_000
MAX_CHARACTERS = 50_000
MAX_BYTES = 4_000_000

Kind = TypeVar("Kind", bound=BaseModel)
Text = Annotated[str, StringConstraints(max_length=MAX_CHARACTERS)]


class Question(BaseModel):
    """Texts to be answered."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"texts": ["A wonderful film."]}]})
    texts: Annotated[list[Text], Field(min_length=1, max_length=MAX_TEXTS)]


class OneText(BaseModel):
    """One text whose answer is to be explained."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"text": "A wonderful film."}]})
    text: Text


class ModelName(BaseModel):
    """The model that answered, by the sha256 of its bytes."""

    digest: str


class Prediction(BaseModel):
    """A label, and the probability that the model gives it (null where a model has none)."""

    label: str | int | bool
    score: float | None


class Predictions(BaseModel):
    """One prediction for each text, in order, all of them by the same model."""

    model: ModelName
    predictions: list[Prediction]


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

    def __init__(self, status: int, detail: str):
        super().__init__(detail)
        self.status = status


class Gone(Exception):
    """The client went away before it had said everything."""


async def read_body(scope: dict, receive: Receive) -> bytes:
    """The request's body. Raises Wrong as soon as it is larger than MAX_BYTES, announced or not."""
    announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    size, parts = 0, []
    while True:
        if size > MAX_BYTES or (announced.isdigit() and int(announced[:20]) > MAX_BYTES):
            raise Wrong(413, f"The request is larger than {MAX_BYTES:,} bytes. Send fewer texts at a time.")
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def parsed(kind: type[Kind], body: bytes) -> Kind:
    """The body as a `kind`. Raises Wrong with one sentence about the first thing that is not as it should be."""
    try:
        return kind.__pydantic_validator__.validate_json(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[0]
        raise Wrong(400 if found["type"] == "json_invalid" else 422, _sentence(kind, found)) from error


def _sentence(kind: type[BaseModel], found: dict) -> str:
    where, what = ".".join(map(str, found["loc"])), found["type"]
    example = json.dumps(kind.model_config["json_schema_extra"]["examples"][0])
    if what == "json_invalid":
        return f"The body is not JSON ({found['msg']}). Send {example}."
    if what == "missing":
        return f"{where} is missing. Send {example}."
    if what == "string_too_long":
        return f"{where} is too long: at most {MAX_CHARACTERS:,} characters."
    if what == "too_short":
        return f"{where} is empty: send at least one text."
    if what == "too_long":
        return f"{where} has too many texts: at most {MAX_TEXTS:,} in a request."
    if what == "extra_forbidden":
        return f"There is no {where!r}. Send {example}."[:300]
    kinds = {"string_type": "a text in quotes", "list_type": "a list of texts", "model_type": "an object"}
    return f"{where or 'The body'} is not {kinds.get(what, 'valid: ' + found['msg'])}. Send {example}."


async def send_json(send: Send, status: int, body: bytes) -> None:
    """Answer with these bytes of JSON."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def problem(detail: str) -> bytes:
    """An error as the bytes of a JSON object."""
    return json.dumps({"detail": detail}).encode()
