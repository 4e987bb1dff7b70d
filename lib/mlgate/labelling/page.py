"""The page on which people label: one text, a key for each class, on this machine alone.

It is blind. Neither answers nor models nor the lead are in anything that it sends: a lead that is seen steers the next
label, and an annotator who knows which answer is whose favours one.
"""

from functools import cached_property
from importlib.resources import files
from typing import Any

from mlgate.artifacts import locked
from mlgate.errors import MlgateError
from mlgate.exam import policy_of
from mlgate.labelling.labels import require_name
from mlgate.labelling.session import Session, load
from mlgate.labelling.standing import Standing, earlier_labels
from mlgate.root import Root
from mlgate.service import server

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request

HOST = "127.0.0.1"
AHEAD = 12  # texts that the page knows beforehand, so that the next one is there when a key is pressed
RULES = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:"


class Given(BaseModel):
    """What somebody said of a row: a class, or None where they were unsure or no class fits (none)."""

    id: str
    label: str | None = None
    none: bool = False
    seconds: float | None = Field(default=None, ge=0)


class Nothing(BaseModel):
    """A body that says no more than that it is JSON."""


class Desk:
    """Where one person labels one session. second: the rows that others labelled, to know the noise."""

    def __init__(self, root: Root, annotator: str, second: bool = False) -> None:
        self.root = root
        self.annotator = require_name(annotator)
        self.second = second
        self.policy = policy_of(root)

    @cached_property
    def session(self) -> Session:
        """The session, its files verified once."""
        session = load(self.root)
        session.require_open()
        return session

    @cached_property
    def earlier(self) -> dict[str, str]:
        """What was said of its rows for other pairs."""
        return earlier_labels(self.session)

    def state(self) -> dict[str, Any]:
        """Return all that the page gets to know: the next texts, the classes, and how many are done."""
        standing = Standing(self.session, self.policy, self.session.labels(), self.earlier)
        places = standing.next_rows(self.annotator, AHEAD, self.second)
        rows = [self.session.rows[place] for place in places]
        mine = [own for own in standing.given.values() if any(label.annotator == self.annotator for label in own)]
        return {
            "rows": [{"id": row.id, "text": row.text} for row in rows],
            "classes": list(self.session.classes),
            "done": len(mine),
        }

    def add(self, given: Given) -> dict[str, Any]:
        """Write a label down, synced, and return the state after it."""
        with locked(self.root):
            self.session.add(self.annotator, [(given.id, given.label, given.none, given.seconds)])
            return self.state()

    def undo(self) -> dict[str, Any]:
        """Take this person's last label back, and return the state after that."""
        with locked(self.root):
            self.session.undo(self.annotator)
            return self.state()


def create_page(desk: Desk) -> FastAPI:
    """Return the page's application, for clients on this machine that ask it by its own name."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])
    app.add_exception_handler(MlgateError, _refuse)
    text = files("mlgate.labelling").joinpath("page.html").read_text(encoding="utf-8")
    headers = {"content-security-policy": RULES, "cache-control": "no-store", "x-content-type-options": "nosniff"}

    @app.get("/")
    def page() -> HTMLResponse:
        return HTMLResponse(text, headers=headers)

    @app.get("/state")
    def state() -> dict[str, Any]:
        return desk.state()

    # A page of another host cannot send JSON here unasked, and is not answered when it asks.
    @app.post("/label")
    def label(given: Given) -> dict[str, Any]:
        return desk.add(given)

    @app.post("/undo")
    def undo(_: Nothing) -> dict[str, Any]:
        return desk.undo()

    return app


async def _refuse(_: Request, error: Exception) -> Response:
    return JSONResponse({"detail": str(error)}, 409)


def serve(root: Root, annotator: str, second: bool = False, port: int = 8001) -> int:
    """Show the page on this machine until Ctrl-C (`mlgate label page`). Returns the exit status."""
    desk = Desk(root, annotator, second)
    desk.state()  # what is wrong is said at once, here
    return server.run(create_page(desk), HOST, port)
