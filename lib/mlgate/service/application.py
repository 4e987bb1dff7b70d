"""The application: its routes, and what they share.

`mlgate serve`, or `uvicorn mlgate.service:app`. Each process watches artifacts_prod/ for itself and counts for itself.
"""

import asyncio
import contextlib
import gc
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.resources import files
from typing import Any

from mlgate import __version__
from mlgate.artifacts import Model
from mlgate.errors import MlgateError
from mlgate.promotion.harm import action_on_harm
from mlgate.root import Root, find_root
from mlgate.service import feedback, server, status
from mlgate.service.batching import Answer, Batcher, CannotAnswer, Serving
from mlgate.service.messages import (
    Explanation,
    OneText,
    Predictions,
    Problem,
    Question,
    TooLarge,
    Wrong,
    problem,
    read_body,
    read_on,
    send_json,
    text_in,
    texts_in,
)
from mlgate.service.metrics import Counted, Metrics
from mlgate.service.subject import filled_in
from mlgate.service.watching import View, Watcher
from mlgate.watch import Keeper, settings_of

import sklearn
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

PATHS = frozenset({
    "/", "/predict", "/explain", "/model", "/health", "/metrics", "/watch", "/watch.json", "/feedback", "/docs",
    "/openapi.json",
})  # fmt: skip
PAGE_RULES = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:"
)
FAULTS: dict[int | str, dict[str, Any]] = {code: {"model": Problem} for code in (400, 413, 422, 500, 503)}
NO_MODEL: dict[int | str, dict[str, Any]] = {503: {"description": "No model serves."}}


class Service:
    """What the routes share: the watched model, the batcher and the counters."""

    def __init__(self, root: Root | None = None) -> None:
        self.root = root
        self.batcher = Batcher()
        self.metrics = Metrics()
        self.explaining = asyncio.Semaphore(1)
        self.watcher: Watcher | None = None
        self.keeper: Keeper | None = None
        self.no_keeper: str | None = None
        self.served_from: Root | None = None

    @contextlib.asynccontextmanager
    async def running(self, app: FastAPI) -> AsyncIterator[None]:
        """Load the model, and watch for the next one as long as the service runs."""
        # The gate has judged this pipeline with all of scikit-learn's checks on; a third of a lone answer is theirs.
        sklearn.set_config(skip_parameter_validation=True, assume_finite=True)
        root = self.served_from = self.root or find_root()
        self.watcher = Watcher(root, self.metrics.moved)
        await self.watcher.check()
        self._keep_rows(root)
        # Exclude loaded modules from garbage collection: a full pass would block requests for 0.1 s.
        gc.collect()
        gc.freeze()
        watch = asyncio.create_task(self.watcher.run())
        try:
            yield
        finally:
            watch.cancel()
            await asyncio.wait([watch])
            if self.keeper:
                await asyncio.to_thread(self.keeper.stop)

    def _keep_rows(self, root: Root) -> None:
        """Start to keep rows, where [watch] in gate.toml says so. A wrong setting is told, and stops no answer."""
        try:
            settings = settings_of(root)
            if settings.keep_every:
                self.keeper = Keeper(root, settings, self._model, action_on_harm(root, settings))
                self.metrics.watch(self.keeper)
                self.keeper.start()
        except MlgateError as error:
            self.no_keeper = str(error)

    def _model(self) -> Model | None:
        if self.view.serving is None:
            return None
        return self.view.serving.model

    @property
    def view(self) -> View:
        """What is served and what is refused, as the watcher saw it last."""
        return self.watcher.view if self.watcher else View()

    @property
    def serving(self) -> Serving:
        """The model to answer with. Raises Wrong (503) where there is none yet."""
        if self.view.serving is None:
            raise Wrong(503, "There is no production model yet: GET /health says why.")
        return self.view.serving

    async def predict(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer POST /predict, as ASGI: a Request, a Response and their checks in between would cost a third more."""
        try:
            body = await self._predictions(await read_body(scope, receive))
            await send_json(send, 200, body)
        except TooLarge as error:
            await send_json(send, error.status, problem(str(error)), read_on(receive) if error.more else None)
        except Wrong as error:
            await send_json(send, error.status, problem(str(error)))
        except CannotAnswer as error:
            await send_json(send, 500, problem(f"The model cannot answer this: {error}"))

    async def _predictions(self, body: bytes) -> bytes:
        texts = texts_in(body)
        serving = self.serving  # from here on it is this one, whatever happens to production
        answers = await self.batcher.ask(serving, texts)
        self.metrics.answered(answers)
        predictions: list[dict[str, Any]] = [{"label": label, "score": score} for label, score in answers]
        if self.keeper and (kept := self.keeper.offer(serving.model, texts, answers)):
            place, row_id = kept
            predictions[place]["id"] = row_id
        return json.dumps({"model": {"digest": serving.model.digest}, "predictions": predictions}).encode()

    async def explain(self, request: Request) -> dict[str, Any]:
        """Return the answer to one text, and the words behind it. One at a time, in a thread: it is for people."""
        text = text_in(await read_body(request.scope, request.receive))
        serving = self.serving
        async with self.explaining:
            try:
                (label, score), words = await asyncio.to_thread(_explained, serving, text)
            except Exception as error:
                raise Wrong(500, f"The model cannot answer this: {type(error).__name__}: {error}") from error
        return {"model": {"digest": serving.model.digest}, "label": label, "score": score, "words": words}


def _explained(serving: Serving, text: str) -> tuple[Answer, list[dict[str, Any]]]:
    """Return the answer, and the weight of each word: for it, or (below 0) for the only other class."""
    from mlgate.reporting import explain  # here, because it brings pandas along

    answer = serving.answers([text])[0]
    weights = dict(explain.words(serving.model, text))
    others = [name for name in serving.model.classes if str(name) != str(answer[0])]
    if len(others) == 1:
        against = explain.words(serving.model, text, others[0])
        weights |= {word: -weight for word, weight in against}
    heaviest = sorted(weights.items(), key=lambda item: -abs(item[1]))
    return answer, [{"word": word, "weight": weight} for word, weight in heaviest]


class Routes:
    """The routes for people, scripts and Prometheus. FastAPI documents each by its docstring."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def predict(self) -> Response:
        """Label and score of each text. All answers of one request come from the model named in it."""
        raise NotImplementedError("The middleware (metrics.Counted) answers POST /predict before any route is asked.")

    async def explain(self, request: Request) -> Response:
        """Label and score of one text, and the words that weighed most in it."""
        return as_json(await self.service.explain(request))

    async def model(self) -> Response:
        """Show the card of the model that serves, since when, and the ledger's last lines, newest first."""
        return as_json(status.model(self.service.view))

    async def health(self) -> Response:
        """200 while a verified model serves, else 503; why a newer file is not served; whether the budget burns."""
        view = self.service.view
        kept = status.kept_rows(self.service.keeper, self.service.no_keeper)
        budget = {"error_budget_burning": self.service.metrics.budget.burning()}
        return as_json(status.health(view) | budget | kept, 200 if view.serving else 503)

    async def watch(self) -> Response:
        """Whether the traffic has moved, whether that harms, and the curves of the evidence: watch JSON, and more."""
        return as_json(status.watch(self.service.keeper, self.service.no_keeper))

    async def feedback(self, request: Request) -> Response:
        """Take in labels of kept rows, with a token."""
        assert self.service.served_from is not None
        return as_json(await feedback.take(request, self.service.served_from, self.service.keeper))

    async def counters(self) -> Response:
        """Prometheus' text format."""
        return PlainTextResponse(self.service.metrics.text(), media_type="text/plain; version=0.0.4")

    def router(self) -> APIRouter:
        """Return all of them at their paths."""
        router = APIRouter()
        add = router.add_api_route
        post: dict[str, Any] = {"methods": ["POST"], "responses": FAULTS}
        add("/predict", self.predict, response_model=Predictions, openapi_extra=_takes(Question), **post)
        add("/explain", self.explain, response_model=Explanation, openapi_extra=_takes(OneText), **post)
        add("/model", self.model, response_model=dict)
        add("/health", self.health, response_model=dict, responses=NO_MODEL)
        add("/metrics", self.counters, response_class=PlainTextResponse)
        add("/watch.json", self.watch, response_model=dict)
        add("/feedback", self.feedback, methods=["POST"], include_in_schema=False)
        add("/watch", page("watch.html"), include_in_schema=False)
        add("/", page("page.html", self.service), include_in_schema=False)
        add("/docs", page("docs.html"), include_in_schema=False)
        return router


def create_app(root: Root | None = None) -> FastAPI:
    """Return the application for a root; without one it finds its root when it starts."""
    service = Service(root)
    app = FastAPI(
        title="mlgate",
        version=__version__,
        description="Answers with the production model.",
        lifespan=service.running,
        docs_url=None,  # FastAPI's page loads its scripts from another host: ours needs none
        redoc_url=None,
    )
    app.include_router(Routes(service).router())
    app.add_exception_handler(Wrong, _refuse)
    app.add_exception_handler(Exception, _fail)
    app.add_middleware(Counted, metrics=service.metrics, paths=PATHS, predict=service.predict)
    return app


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, Wrong)
    return as_json({"detail": str(error)}, error.status)


async def _fail(_: Request, error: Exception) -> Response:
    return as_json({"detail": f"Something is wrong with the service: {type(error).__name__}."}, 500)


def serve(root: Root, host: str = "127.0.0.1", port: int = 8000) -> int:
    """Answer requests until SIGTERM or Ctrl-C (`mlgate serve`). Returns the exit status."""
    return server.run(create_app(root), host, port)


def as_json(value: dict[str, Any], code: int = 200) -> Response:
    """Return a value as JSON in ASCII: what strangers wrote into a card or a text may be no valid UTF-8."""
    return Response(json.dumps(value), code, media_type="application/json")


def _takes(kind: type[BaseModel]) -> dict[str, Any]:
    """Return the OpenAPI of a request's body, for routes that read it themselves."""
    content = {"application/json": {"schema": kind.model_json_schema()}}
    return {"requestBody": {"required": True, "content": content}}


def page(name: str, service: Service | None = None) -> Callable[[], Awaitable[HTMLResponse]]:
    """Return a route that answers with one of our HTML files, which may load nothing from anywhere.

    service: the one whose corpus the page speaks of.
    """
    text = files("mlgate.service").joinpath(name).read_text(encoding="utf-8")
    headers = {"content-security-policy": PAGE_RULES, "cache-control": "no-cache", "x-content-type-options": "nosniff"}

    async def answer() -> HTMLResponse:
        return HTMLResponse(filled_in(text, service.served_from) if service else text, headers=headers)

    return answer


app = create_app()
