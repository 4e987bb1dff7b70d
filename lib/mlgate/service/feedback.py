"""POST /feedback: labels of kept rows, from another service. Off unless a token is set, and only with that token."""

import asyncio
import hmac
import os
import sqlite3
import time
from typing import Any

from mlgate.errors import MlgateError
from mlgate.root import Root
from mlgate.service.messages import Wrong, read_body
from mlgate.watch import Keeper
from mlgate.watch.store import Labelled, Store

from fastapi import Request
from pydantic_core import from_json

TOKEN = "MLGATE_FEEDBACK_TOKEN"  # of the environment: a token of at least so many characters
SHORTEST = 16
EXAMPLE = '{"labels": [{"id": "0123456789abcdef", "label": "positive"}]}'
MOST = 10_000  # labels in a request
LONGEST = 1_000  # characters of an id or a label
PATIENCE = 5.0  # seconds for rows that were answered just now to be written


async def take(request: Request, root: Root, keeper: Keeper | None) -> dict[str, Any]:
    """Take in the labels of a request; return how many were new, known, changed or of rows that are not kept.

    Raises Wrong: 404 where no token is set, 401 without it, 400 or 422 for a wrong body, 503 where no row was kept.
    """
    _require_token(request.headers.get("authorization", ""))
    labels = labels_in(await read_body(request.scope, request.receive))
    await _written(keeper, {row_id for row_id, _ in labels})
    try:
        taken = await asyncio.to_thread(_label, root, labels)
    except (MlgateError, sqlite3.Error) as error:
        raise Wrong(503, f"The labels are not taken in now: {error}") from error
    return dict(vars(taken))


def _require_token(given: str) -> None:
    token = os.environ.get(TOKEN, "")
    if len(token) < SHORTEST:
        raise Wrong(404, f"No labels are taken here: the service was started without {TOKEN}.")
    if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        raise Wrong(401, "Labels are taken with a token alone. Send the header Authorization: Bearer TOKEN.")


def labels_in(body: bytes) -> list[tuple[str, str]]:
    """Return ids and labels. Raises Wrong with one sentence about the first thing that is not as it should be."""
    try:
        value = from_json(body)
    except ValueError as error:
        raise Wrong(400, f"The body is not JSON ({error}). Send {EXAMPLE}.") from error
    labels = value.get("labels") if isinstance(value, dict) and len(value) == 1 else None
    if not isinstance(labels, list) or not 0 < len(labels) <= MOST:
        raise Wrong(422, f"The body does not hold 1 to {MOST:,} labels. Send {EXAMPLE}.")
    return [_pair(place, label) for place, label in enumerate(labels)]


def _pair(place: int, given: object) -> tuple[str, str]:
    if not isinstance(given, dict) or set(given) != {"id", "label"}:
        raise Wrong(422, f"labels[{place}] is not an id and a label. Send {EXAMPLE}.")
    if isinstance(given["label"], bool | int):
        given = {**given, "label": str(given["label"])}
    if not all(isinstance(text, str) and 0 < len(text) <= LONGEST for text in given.values()):
        raise Wrong(422, f"labels[{place}] is not an id and a label of 1 to {LONGEST:,} characters.")
    return given["id"], given["label"]


async def _written(keeper: Keeper | None, ids: set[str]) -> None:
    """Wait until these rows are kept: somebody may judge an answer at once. Others' rows may go on waiting."""
    deadline = time.monotonic() + PATIENCE
    while keeper and keeper.holds(ids) and time.monotonic() < deadline:
        await asyncio.sleep(0.05)


def _label(root: Root, labels: list[tuple[str, str]]) -> Labelled:
    store = Store(root.kept_rows, create=False)
    try:
        return store.label(labels)
    finally:
        store.close()
