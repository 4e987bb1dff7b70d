"""Requests that wait together are answered together, and nobody waits for the end of somebody else's long request."""

import asyncio
import time
from dataclasses import dataclass, field
from types import SimpleNamespace

from mlgate import artifacts
from mlgate.service import batching
from mlgate.service.batching import Batcher, CannotAnswer, Serving

import pytest
from servers import tiny


@dataclass(eq=False)
class Fake:
    """A model that answers a text with the text and its own name, and remembers how it was asked."""

    name: str = "fake"
    seconds: float = 0.0
    slow: bool = False
    calls: list[int] = field(default_factory=list)

    def answers(self, texts):
        self.calls.append(len(texts))
        time.sleep(self.seconds * len(texts))
        if "bad" in texts:
            raise ValueError("cannot read this")
        return [(text, self.name) for text in texts]


def run(*questions):
    """Ask all of them at once: the answers, and the order in which they came."""
    order = []

    async def ask(batcher, place, serving, texts):
        try:
            return await batcher.ask(serving, texts)
        finally:
            order.append(place)

    async def everything():
        batcher = Batcher()
        jobs = [ask(batcher, place, *question) for place, question in enumerate(questions)]
        return await asyncio.gather(*jobs, return_exceptions=True)

    return asyncio.run(everything()), order


def test_requests_that_wait_together_are_one_call():
    model = Fake()
    answers, _ = run(*[(model, [str(number)]) for number in range(64)])
    assert model.calls == [64]
    assert answers == [[(str(number), "fake")] for number in range(64)]


def test_a_long_request_is_answered_in_parts_and_in_order():
    model, texts = Fake(seconds=0.0005), [str(number) for number in range(1_000)]
    answers, _ = run((model, texts))
    assert [text for text, _ in answers[0]] == texts
    assert max(model.calls) < 1_000


def test_short_requests_do_not_wait_for_the_end_of_a_long_one():
    model = Fake(seconds=0.00005)  # so slow that both long requests take many batches
    _, order = run((model, ["long" * 100] * 1_000), (model, ["short"]), (model, ["long" * 100] * 500), (model, ["s"]))
    assert order[:2] == [1, 3]
    assert order[2:] == [2, 0]


def test_all_answers_of_a_request_come_from_one_model():
    old, new = Fake("old"), Fake("new")
    answers, _ = run(*[(model, ["text" * 50] * 700) for model in (old, new, old, new)])
    assert [{name for _, name in each} for each in answers] == [{"old"}, {"new"}, {"old"}, {"new"}]


def test_a_text_that_breaks_the_model_breaks_only_its_own_request():
    model = Fake()
    answers, _ = run((model, ["one"]), (model, ["two", "bad"]), (model, ["three"]))
    assert answers[0] == [("one", "fake")]
    assert answers[2] == [("three", "fake")]
    assert isinstance(answers[1], CannotAnswer)
    assert str(answers[1]) == "ValueError: cannot read this"


def test_a_request_that_was_given_up_costs_nothing_more():
    async def scene():
        batcher, model = Batcher(), Fake(seconds=0.001)
        gone = asyncio.create_task(batcher.ask(model, ["text"] * 1_000))
        await asyncio.sleep(0.02)
        gone.cancel()
        assert await batcher.ask(model, ["other"]) == [("other", "fake")]
        return sum(model.calls)

    assert asyncio.run(scene()) < 500


def test_a_slow_model_leaves_the_event_loop_free():
    async def scene():
        turns, batcher = 0, Batcher()
        asked = asyncio.create_task(batcher.ask(Fake(seconds=0.3, slow=True), ["text"]))
        while not asked.done():
            await asyncio.sleep(0.01)
            turns += 1
        return turns

    assert asyncio.run(scene()) > 5


@pytest.mark.parametrize(("seconds", "size"), [(1e-5, 125), (1e-4, 12)])
def test_a_request_alone_is_answered_in_parts_of_about_a_millisecond(seconds, size, monkeypatch):
    class Timed(Fake):
        """Takes its time by a clock of its own: the machine's is read by other processes, too."""

        now = 0.0

        def answers(self, texts):
            self.now += seconds * len(texts)
            return super().answers(texts)

    model = Timed()
    monkeypatch.setattr(batching, "time", SimpleNamespace(perf_counter=lambda: model.now))
    run((model, ["text" * 50] * 10_000))
    assert size / 3 <= sorted(model.calls)[len(model.calls) // 2] <= 3 * size


def test_scores_are_the_probability_of_the_label_given():
    model = artifacts.load(artifacts.dump(tiny()))
    texts = ["a wonderful film", "dull", "", "an awful waste"]
    labels, scores = model.answer(texts)
    expected = [(label, max(line)) for label, line in zip(labels.tolist(), scores.tolist(), strict=True)]
    assert Serving(model, "").answers(texts) == expected


def test_a_model_without_probabilities_gives_none():
    from sklearn.svm import LinearSVC

    pipeline = tiny()
    pipeline.steps[-1] = ("classifier", LinearSVC())
    pipeline.fit(["good", "bad"], [1, 0])
    assert Serving(artifacts.load(artifacts.dump(pipeline)), "").answers(["good"]) == [(1, None)]


def test_labels_are_what_json_knows():
    assert [batching.plain(label) for label in ("yes", 3, True, None, 2.5)] == ["yes", 3, True, "None", "2.5"]
