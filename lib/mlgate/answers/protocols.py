"""The languages that services of models speak: what to post for some rows, and where the answers are in the reply."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mlgate.answers.asked import ID, Faulty, Row, word
from mlgate.errors import MlgateError


@dataclass(frozen=True)
class Manner:
    """How a service is asked. model: its name there. text: the column of texts. prompt: with columns in braces."""

    model: str = ""
    text: str = "text"
    prompt: str = "{text}"


@dataclass(frozen=True)
class Protocol:
    """path: what is put behind the URL. rows: at most in one request; None: as many as one likes.

    reply: the answers, and what the service calls its model.
    """

    path: str
    request: Callable[[Sequence[Row], Manner], Any]
    reply: Callable[[Any], tuple[list[Any], str]]
    rows: int | None = None


def answers_in(protocol: Protocol, reply: Any, count: int) -> tuple[list[str], str]:
    """Return the answers in a reply, one for each of `count` rows, and the model's name. Raises Faulty at any other."""
    try:
        values, model = protocol.reply(reply)
        if not isinstance(values, list) or not isinstance(model, str):
            raise TypeError
        answers = [word(value) for value in values]
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise Faulty("its reply is not what the protocol says") from error
    if len(answers) != count:
        raise Faulty(f"it answered {len(answers):,} of {count:,} rows")
    return answers, model


def _without_id(rows: Sequence[Row]) -> list[Row]:
    return [{name: value for name, value in row.items() if name != ID} for row in rows]


def _texts(rows: Sequence[Row], manner: Manner) -> Any:
    return {"texts": [_text(row, manner.text) for row in rows]}


def _text(row: Row, column: str) -> str:
    if not isinstance(row.get(column), str):
        raise MlgateError(f"Row {row[ID]} has no text in column {column!r}. Name the right one with --text-column.")
    return row[column]


def _labels(reply: Any) -> tuple[list[Any], str]:
    return [prediction["label"] for prediction in reply["predictions"]], reply["model"]["digest"][:12]


def _frame(rows: Sequence[Row], manner: Manner) -> Any:
    rows = _without_id(rows)
    return {"dataframe_split": {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]}}


def _predictions(reply: Any) -> tuple[list[Any], str]:
    return reply["predictions"], ""


KINDS = ((bool, "BOOL"), (int, "INT64"), (float, "FP64"))


def _tensors(rows: Sequence[Row], manner: Manner) -> Any:
    rows = _without_id(rows)
    return {"inputs": [_tensor(name, [row[name] for row in rows]) for name in rows[0]]}


def _tensor(name: str, values: list[Any]) -> dict[str, Any]:
    kinds = {kind for kind, _ in KINDS for value in values if type(value) is kind}
    if kinds == {int, float}:
        kinds = {float}
    datatype = "BYTES"
    if len(kinds) == 1 and not any(isinstance(value, str) for value in values):
        datatype = dict(KINDS)[kinds.pop()]
    return {"name": name, "shape": [len(values)], "datatype": datatype, "data": values}


def _outputs(reply: Any) -> tuple[list[Any], str]:
    version = " ".join(str(reply.get(name, "")) for name in ("model_name", "model_version"))
    return reply["outputs"][0]["data"], version.strip()


def _chat(rows: Sequence[Row], manner: Manner) -> Any:
    columns = _without_id(rows)[0]
    prompt = manner.prompt
    for name, value in columns.items():  # not str.format: it reaches into objects
        prompt = prompt.replace("{" + name + "}", str(value))
    return {"model": manner.model, "temperature": 0, "messages": [{"role": "user", "content": prompt}]}


def _choices(reply: Any) -> tuple[list[Any], str]:
    version = " ".join(str(reply.get(name) or "") for name in ("model", "system_fingerprint"))
    return [choice["message"]["content"] for choice in reply["choices"][:1]], version.strip()


PROTOCOLS = {
    "mlflow": Protocol("/invocations", _frame, _predictions),
    "oip": Protocol("/infer", _tensors, _outputs),
    "openai": Protocol("/chat/completions", _chat, _choices, rows=1),
    "mlgate": Protocol("/predict", _texts, _labels, rows=256),
}
