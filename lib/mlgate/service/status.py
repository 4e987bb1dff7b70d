"""What the service tells about itself: which model serves, since when, what was refused, what the ledger says."""

from typing import Any

from mlgate.service.watching import Refusal, View
from mlgate.watch import Keeper

HISTORY = 20  # lines of the ledger that are shown


def model(view: View) -> dict[str, Any]:
    """Answer GET /model: the card of the model that serves, since when, and the ledger's last lines, newest first."""
    serving = view.serving
    return {
        "model": serving and serving.model.card and serving.model.card.as_dict(),
        "since": view.since,
        "loaded": serving and serving.loaded,
        "refused": _refused(view.refused),
        "history": [_brief(entry) for entry in reversed(view.entries[-HISTORY:])],
    }


def health(view: View) -> dict[str, Any]:
    """Answer GET /health: whether a verified model serves, which, since when, and what was refused."""
    refused = _refused(view.refused)
    if view.serving is None:
        return {"status": "no model", "model": None, "refused": refused}
    model = {"digest": view.serving.model.digest, "since": view.since, "loaded": view.serving.loaded}
    return {"status": "ok", "model": model, "refused": refused}


OFF = "No rows are kept: set keep_every under [watch] in gate.toml, and restart the service."


def kept_rows(keeper: Keeper | None, fault: str | None) -> dict[str, Any]:
    """Return what GET /health says of the watch; nothing where no rows are kept, and nothing is wrong."""
    if keeper is None:
        return {"watch": {"fault": fault}} if fault else {}
    return {"watch": keeper.health()}


def watch(keeper: Keeper | None, fault: str | None) -> dict[str, Any]:
    """Answer GET /watch.json: the three lights as watch JSON, the curves, and what is kept; or why there is nothing."""
    if keeper is None:
        return {"fault": fault or OFF}
    state = keeper.health()
    history = list(keeper.history)
    lights = keeper.lights
    if lights is None:
        return {"fault": state["fault"] or "No row was kept yet.", "kept": state, "history": history}
    return {**lights.report(), "fault": state["fault"], "kept": state, "history": history}


def _refused(refusal: Refusal | None) -> dict[str, Any] | None:
    return None if refusal is None else vars(refusal)


def _brief(entry: dict[str, Any]) -> dict[str, Any]:
    """Return a line of the ledger without the whole of its verdict."""
    verdict = entry.get("verdict") or {}
    sides = {side: _side(verdict.get(side)) for side in ("production", "candidate")}
    named = {key: entry.get(key) for key in ("time", "kind", "from", "to")}
    return {**named, "decision": verdict.get("decision"), "reason": verdict.get("reason"), **sides}


def _side(found: dict[str, Any] | None) -> dict[str, Any] | None:
    return found and {"digest": found.get("digest"), "accuracy": found.get("accuracy")}
