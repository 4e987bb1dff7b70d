"""What the service tells about itself: which model serves, since when, what was refused, what the ledger says."""

from mlgate.service.watching import View

HISTORY = 20  # lines of the ledger that are shown


def model(view: View) -> dict:
    """GET /model: the card of the model that serves, since when, and the ledger's last lines, newest first."""
    serving = view.serving
    return {
        "model": serving.model.card if serving else None,
        "since": view.since,
        "loaded": serving.loaded if serving else None,
        "refused": vars(view.refused) if view.refused else None,
        "history": [_brief(entry) for entry in reversed(view.entries[-HISTORY:])],
    }


def health(view: View) -> dict:
    """GET /health: whether a verified model serves, which, since when, and what was refused."""
    serving = view.serving
    return {
        "status": "ok" if serving else "no model",
        "model": {"digest": serving.model.digest, "since": view.since, "loaded": serving.loaded} if serving else None,
        "refused": vars(view.refused) if view.refused else None,
    }


def _brief(entry: dict) -> dict:
    """A line of the ledger without the whole of its verdict."""
    verdict = entry.get("verdict") or {}
    sides = {side: _side(verdict.get(side)) for side in ("production", "candidate")}
    named = {key: entry.get(key) for key in ("time", "kind", "from", "to")}
    return {**named, "decision": verdict.get("decision"), "reason": verdict.get("reason"), **sides}


def _side(found: dict | None) -> dict | None:
    return found and {"digest": found.get("digest"), "accuracy": found.get("accuracy")}
