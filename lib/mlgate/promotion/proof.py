"""Proof over HTTP: a running service answers from the promoted bytes, and as those bytes answer here."""

import json
import time
import urllib.error
import urllib.request
from typing import Any

from mlgate import artifacts, corpus
from mlgate.artifacts import Model
from mlgate.errors import MlgateError
from mlgate.root import Root

PATIENCE = 60.0  # seconds in which a service has picked a promoted model up
PAUSE = 0.2
ANSWER = 30.0  # seconds for one answer
ROWS = 300  # validation rows that are asked,
AT_ONCE = 50  # so many in a request
CLOSE = 1e-6  # scores agree so far on different processors


def prove(root: Root, url: str, patience: float = PATIENCE) -> str:
    """Ask the service until it serves this root's production model, then compare answers. Return what was shown.

    Raises MlgateError where nothing answers, another model serves, or an answer or score to a validation row differs.
    """
    url = url.rstrip("/")
    model = artifacts.load_production(root)
    _wait_for(url, model.digest, patience)
    texts = corpus.split("validation", root)["text"].tolist()[:ROWS]
    if not texts:
        raise MlgateError("The corpus has no validation rows to ask. Add rows.")
    for start in range(0, len(texts), AT_ONCE):
        _compare(url, model, texts[start : start + AT_ONCE], start)
    return f"{url} serves {model.digest[:12]}: {len(texts):,} validation rows get the same answers and scores as here."


def _wait_for(url: str, digest: str, patience: float) -> None:
    end = time.monotonic() + patience
    said = f"Nothing answers at {url}"
    while True:
        try:
            served = (_ask(f"{url}/health").get("model") or {}).get("digest")
            if served == digest:
                return
            said = f"{url} serves {(served or 'no model')[:12]}, and not {digest[:12]}"
        except MlgateError as error:
            said = str(error).rstrip(".")
        if time.monotonic() > end:
            raise MlgateError(f"{said}. The promotion stands; look at {url}/health, which says why.")
        time.sleep(PAUSE)


def _compare(url: str, model: Model, texts: list[str], start: int) -> None:
    """Raise MlgateError where the service answers one of these texts otherwise than the model here."""
    served, answers = _answers(url, texts)
    if served != model.digest:
        raise MlgateError(f"{url} serves {served[:12]} by now, and not {model.digest[:12]}. Ask again.")
    labels, scores = model.answer(texts)
    places = {name: place for place, name in enumerate(model.classes.tolist())}
    for place, (label, (answer, score)) in enumerate(zip(labels.tolist(), answers, strict=True)):
        expected = None if scores is None else float(scores[place][places[label]])
        if answer != str(label) or not _close(score, expected):
            raise MlgateError(
                f"{url} answers validation row {start + place + 1} with {answer!r:.80} ({score}), the judged model with"
                f" {str(label)!r:.80} ({expected}): something in between changes texts or answers. Until that is found:"
                " mlgate rollback"
            )


def _answers(url: str, texts: list[str]) -> tuple[str, list[tuple[str, float | None]]]:
    """Return the digest that answers, and its answers with their scores."""
    found = _ask(f"{url}/predict", {"texts": texts})
    try:
        answers = [(str(answer["label"]), answer["score"]) for answer in found["predictions"]]
        digest = str(found["model"]["digest"])
    except (KeyError, TypeError) as error:
        raise MlgateError(f"{url} does not answer as mlgate does: it has no {error}. Check the address.") from error
    if len(answers) != len(texts):
        raise MlgateError(f"{url} gives {len(answers)} answers to {len(texts)} texts. Check what stands before it.")
    return digest, answers


def _close(score: float | None, expected: float | None) -> bool:
    if score is None or expected is None:
        return score is expected
    return abs(score - expected) <= CLOSE


def _ask(url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=ANSWER) as answer:
            found = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        if error.code == 503:  # no model yet
            return {}
        raise MlgateError(f"{url} answered {error.code}") from error
    except (OSError, ValueError) as error:
        raise MlgateError(f"Nothing that is mlgate answers at {url} ({error})") from error
    if not isinstance(found, dict):
        raise MlgateError(f"{url} does not answer as mlgate does")
    return found
