"""What the service counts about itself, for Prometheus. Each process counts for itself.

The counters of prometheus-client are cheap as long as their labels are looked up once and then kept: that is what the
dictionaries are for.
"""

import time
from collections.abc import Iterator

from mlgate.service.batching import Answer, plain
from mlgate.service.budget import Budget
from mlgate.service.connections import closed
from mlgate.service.watching import View
from mlgate.watch import LIGHTS, Keeper, Lights

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class Metrics:
    """Counters in a registry of their own."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(closed)
        self.requests = Counter("mlgate_requests", "Requests answered", ["path", "status"], registry=registry)
        self.seconds = Histogram(
            "mlgate_predict_seconds", "From a request's first byte to its answer", buckets=SECONDS, registry=registry
        )
        self.answers = Counter("mlgate_answers", "Answers given", ["label"], registry=registry)
        self.model = Gauge("mlgate_model_info", "1 for the model that serves", ["digest"], registry=registry)
        self.swaps = Counter("mlgate_swaps", "Models taken over while running", registry=registry)
        self.refusals = Counter("mlgate_refused_files", "Files refused as production", registry=registry)
        self.refused = Gauge("mlgate_refused", "1 while artifacts_prod/ is not what serves", registry=registry)
        self.budget = Budget()
        evidence = "Evidence that too many requests fail, as a share of what an alarm needs"
        Gauge("mlgate_error_budget_evidence", evidence, registry=registry).set_function(self.budget.evidence)
        burning = Gauge("mlgate_error_budget_burning", "1 while too many requests fail", registry=registry)
        burning.set_function(self.budget.burning)
        self._requests: dict[tuple[str, int], Counter] = {}
        self._answers: dict[object, Counter] = {}

    def count(self, path: str, status: int) -> None:
        """Count one more request."""
        counter = self._requests.get((path, status))
        if counter is None:
            counter = self._requests[path, status] = self.requests.labels(path, str(status))
        counter.inc()

    def answered(self, answers: list[Answer]) -> None:
        """Count so many more answers."""
        if len(answers) == 1:
            self._label(answers[0][0]).inc()
            return
        labels = [label for label, _ in answers]
        for label in set(labels):
            self._label(label).inc(labels.count(label))

    def _label(self, label: object) -> Counter:
        if label not in self._answers:
            text = str(label).encode(errors="backslashreplace").decode()
            self._answers[label] = self.answers.labels(text)
        return self._answers[label]

    def moved(self, before: View, after: View) -> None:
        """Take note of a change that the watcher saw."""
        if after.serving is not None and after.serving is not before.serving:
            self.model.clear()
            self.model.labels(after.serving.model.digest).set(1)
            self.swaps.inc(before.serving is not None)
            for name in after.serving.model.classes.tolist():
                self._label(plain(name))  # so that a label that is never given shows as 0
        self.refusals.inc(after.refused is not None and after.refused != before.refused)
        self.refused.set(after.refused is not None)

    def watch(self, keeper: Keeper) -> None:
        """Show what the watch keeps and sees, from now on."""
        self.registry.register(Watch(keeper))

    def text(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self.registry)


class Watch(Collector):
    """What the watch keeps and sees, read from the keeper when Prometheus asks."""

    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper

    def collect(self) -> Iterator[Metric]:
        """Return the counters of kept rows and, where there is a profile, the lights."""
        state = self.keeper.health()
        yield CounterMetricFamily("mlgate_watch_rows", "Rows kept", value=state["kept"])
        yield CounterMetricFamily("mlgate_watch_dropped_rows", "Rows that could not be kept", value=state["dropped"])
        yield GaugeMetricFamily("mlgate_watch_waiting_rows", "Rows that wait to be written", value=state["waiting"])
        yield GaugeMetricFamily("mlgate_watch_fault", "1 while rows cannot be kept or seen", bool(state["fault"]))
        if self.keeper.lights:
            yield from _lights(self.keeper.lights)


def _lights(lights: Lights) -> Iterator[Metric]:
    on = GaugeMetricFamily("mlgate_watch_light", "1 while a light is on", labels=["light"])
    for light in LIGHTS:
        on.add_metric([light], lights.on(light))
    yield on
    evidence = GaugeMetricFamily(
        "mlgate_watch_evidence", "Evidence, as a share of what an alarm needs", labels=["light", "table"]
    )
    means = GaugeMetricFamily("mlgate_watch_mean", "Where a table is, less where the profile is", labels=["table"])
    for light, found in lights.detectors.items():
        for place, share in enumerate((found.evidence / found.thresholds).tolist()):
            evidence.add_metric([light, lights.names(light)[place]], share)
    for name, now, usual in zip(lights.profile.names, lights.now.tolist(), lights.profile.means, strict=False):
        means.add_metric([name], now - usual)
    yield evidence
    yield means
    yield GaugeMetricFamily("mlgate_watch_profile_accuracy", "In the profile", value=lights.profile.accuracy)
    yield GaugeMetricFamily("mlgate_watch_estimated_accuracy", "By the last scores", value=1 - float(lights.now[-1]))
    yield GaugeMetricFamily("mlgate_watch_believed", "1 while that can be believed", value=lights.believed)
    yield GaugeMetricFamily("mlgate_watch_labelled_rows", "Labels that came", value=lights.labelled)
    yield GaugeMetricFamily("mlgate_watch_labelled_errors", "Labelled rows answered wrong", value=lights.wrong)


class Counted:
    """ASGI middleware: counts each request by path and status. Paths that are not ours are one: "other".

    POST /predict goes straight to `predict`, past the routes: that is a tenth of what a short request costs.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, paths: frozenset[str], predict: ASGIApp) -> None:
        self.app = app
        self.metrics = metrics
        self.paths = paths
        self.predict = predict

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()
        path = scope["path"]
        status = 500
        asked = path == "/predict" and scope["method"] == "POST"
        app = self.predict if asked else self.app

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await app(scope, receive, counted)
        finally:
            self.metrics.count(path if path in self.paths else "other", status)
            if asked:
                self.metrics.budget.count(status)
                self.metrics.seconds.observe(time.perf_counter() - begun)
