"""The service: always answers with the production model, and takes over a promoted one while requests flow.

`mlgate serve`, or `uvicorn mlgate.service:app`. Each process watches artifacts_prod/ for itself and counts for itself.
"""

import asyncio
import contextlib
import gc
import json
from importlib.resources import files

from mlgate import __version__
from mlgate.root import Root, find_root
from mlgate.service import server, status
from mlgate.service.batching import Batcher, CannotAnswer
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
from mlgate.service.watching import View, Watcher

import sklearn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from fastapi.routing import APIRoute

PATHS = frozenset({"/", "/predict", "/explain", "/model", "/health", "/metrics", "/docs", "/openapi.json"})
PAGE_RULES = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:"
)
FAULTS = {code: {"model": Problem} for code in (400, 413, 422, 500, 503)}


class Service:
    """What the routes share: the watched model, the batcher and the counters."""

    def __init__(self, root: Root | None = None):
        self.root, self.batcher, self.metrics = root, Batcher(), Metrics()
        self.explaining = asyncio.Semaphore(1)
        self.watcher: Watcher | None = None

    @contextlib.asynccontextmanager
    async def running(self, app: FastAPI):
        """Load the model, and watch for the next one as long as the service runs."""
        # The gate has judged this pipeline with all of scikit-learn's checks on; a third of a lone answer is theirs.
        sklearn.set_config(skip_parameter_validation=True, assume_finite=True)
        self.watcher = Watcher(self.root or find_root(), self.metrics.moved)
        await self.watcher.check()
        gc.collect()
        gc.freeze()  # else Python walks through all of scikit-learn for garbage, 0.1 s at a time, while clients wait
        watch = asyncio.create_task(self.watcher.run())
        yield
        watch.cancel()

    @property
    def view(self) -> View:
        return self.watcher.view if self.watcher else View()

    @property
    def serving(self):
        """The model to answer with. Raises Wrong (503) where there is none yet."""
        if self.view.serving is None:
            raise Wrong(503, "There is no production model yet: GET /health says why.")
        return self.view.serving

    async def predict(self, scope, receive, send) -> None:
        """POST /predict, as ASGI: with a Request, a Response and their checks in between it would cost a third more."""
        try:
            texts = texts_in(await read_body(scope, receive))
            serving = self.serving  # from here on it is this one, whatever happens to production
            answers = await self.batcher.ask(serving, texts)
            self.metrics.answered(answers)
            predictions = [{"label": label, "score": score} for label, score in answers]
            body = {"model": {"digest": serving.model.digest}, "predictions": predictions}
            await send_json(send, 200, json.dumps(body).encode())
        except TooLarge as error:
            await send_json(send, error.status, problem(str(error)), read_on(receive) if error.more else None)
        except Wrong as error:
            await send_json(send, error.status, problem(str(error)))
        except CannotAnswer as error:
            await send_json(send, 500, problem(f"The model cannot answer this: {error}"))

    async def explain(self, request: Request) -> dict:
        """The answer to one text, and the words behind it. One at a time, in a thread: it is for people."""
        text = text_in(await read_body(request.scope, request.receive))
        serving = self.serving
        async with self.explaining:
            try:
                (label, score), words = await asyncio.to_thread(_explained, serving, text)
            except Exception as error:
                raise Wrong(500, f"The model cannot answer this: {type(error).__name__}: {error}") from error
        return {"model": {"digest": serving.model.digest}, "label": label, "score": score, "words": words}


def _explained(serving, text: str) -> tuple:
    from mlgate.reporting import explain  # here, because it brings pandas along

    answer = serving.answers([text])[0]
    words = dict(explain.words(serving.model, text))
    others = [name for name in serving.model.classes if str(name) != str(answer[0])]
    against = dict(explain.words(serving.model, text, others[0])) if len(others) == 1 else {}
    weights = {**words, **{word: -weight for word, weight in against.items()}}
    heaviest = sorted(weights.items(), key=lambda item: -abs(item[1]))
    return answer, [{"word": word, "weight": weight} for word, weight in heaviest]


def create_app(root: Root | None = None) -> FastAPI:
    """The application for a root; without one it finds its root when it starts."""
    service = Service(root)
    app = FastAPI(
        title="mlgate",
        version=__version__,
        description="Answers with the production model.",
        lifespan=service.running,
        docs_url=None,  # FastAPI's page loads its scripts from another host: ours needs none
        redoc_url=None,
    )

    class Direct(APIRoute):
        """A route that FastAPI documents, and that speaks ASGI itself."""

        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            self.app = service.predict

    async def predict() -> Predictions:
        """Label and score of each text. All answers of one request come from the model named in it."""

    async def explain(request: Request) -> Explanation:
        """Label and score of one text, and the words that weighed most in it."""
        return as_json(await service.explain(request))

    async def model() -> dict:
        """The card of the model that serves, since when, and the ledger's last lines, newest first."""
        return as_json(status.model(service.view))

    async def health() -> dict:
        """200 while a verified model serves, else 503; and, in words, why a newer file is not served."""
        return as_json(status.health(service.view), 200 if service.view.serving else 503)

    async def counters() -> str:
        """Prometheus' text format."""
        return PlainTextResponse(service.metrics.text(), media_type="text/plain; version=0.0.4")

    async def refuse(_: Request, error: Wrong) -> Response:
        return as_json({"detail": str(error)}, error.status)

    async def fail(_: Request, error: Exception) -> Response:
        return as_json({"detail": f"Something is wrong with the service: {type(error).__name__}."}, 500)

    add, takes_json = app.router.add_api_route, _takes
    add("/predict", predict, methods=["POST"], responses=FAULTS, openapi_extra=takes_json(Question),
        route_class_override=Direct)  # fmt: skip
    add("/explain", explain, methods=["POST"], responses=FAULTS, openapi_extra=takes_json(OneText))
    add("/model", model)
    add("/health", health, responses={503: {"description": "No model serves."}})
    add("/metrics", counters, response_class=PlainTextResponse)
    add("/", page("page.html"), include_in_schema=False)
    add("/docs", page("docs.html"), include_in_schema=False)
    app.add_exception_handler(Wrong, refuse)
    app.add_exception_handler(Exception, fail)
    app.add_middleware(Counted, metrics=service.metrics, paths=PATHS, predict=service.predict)
    return app


def serve(root: Root, host: str = "127.0.0.1", port: int = 8000) -> int:
    """`mlgate serve`: answer requests until SIGTERM or Ctrl-C. The exit status."""
    return server.run(create_app(root), host, port)


def as_json(value: dict, code: int = 200) -> Response:
    """A value as JSON in ASCII: what strangers wrote into a card or a text may be no valid UTF-8."""
    return Response(json.dumps(value), code, media_type="application/json")


def _takes(kind) -> dict:
    """The OpenAPI of a request's body, for routes that read it themselves."""
    content = {"application/json": {"schema": kind.model_json_schema()}}
    return {"requestBody": {"required": True, "content": content}}


def page(name: str):
    """A route that answers with one of our HTML files, which may load nothing from anywhere."""
    text = files("mlgate.service").joinpath(name).read_text(encoding="utf-8")
    headers = {"content-security-policy": PAGE_RULES, "cache-control": "no-cache", "x-content-type-options": "nosniff"}

    async def answer() -> HTMLResponse:
        return HTMLResponse(text, headers=headers)

    return answer


app = create_app()
