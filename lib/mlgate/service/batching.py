"""Requests that wait at the same moment are answered together, by one call of the model.

Nearly all of what a short text costs is the overhead of the call, so a batch of eight costs little more than one. A
batch runs inside the event loop, where it needs no thread and no lock, and is kept short (TARGET): a request that is
larger than that is answered a part at a time, and the others have their turn in between.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from mlgate.artifacts import Model

import numpy as np

ALONE = 0.25  # of a batch: for a request that waits alone, so that /health and whoever comes get in between
TARGET = 0.005  # seconds that a batch may keep the event loop from everything else
# Turns of the event loop between two batches: to answer, to accept, to read and to understand.
MIN_TURNS = 4
MAX_TURNS = 20
# The bounds of a batch, in characters.
SMALLEST = 5_000
LARGEST = 1_000_000
PER_TEXT = 200  # what a text costs beyond its length, in characters

Answer = tuple[str | int | bool, float | None]  # a label, and its probability where the model has one


class CannotAnswer(Exception):
    """The model raised on these texts. The message is one line."""


@dataclass(frozen=True)
class Serving:
    """A verified model that has answered before. `slow`: one answer alone takes longer than a whole batch may."""

    model: Model
    loaded: str
    slow: bool = False

    def answers(self, texts: Sequence[str]) -> list[Answer]:
        """Return label and probability of each text. Raises what the model raises."""
        labels, scores = self.model.answer(texts)
        names = labels.tolist()
        if scores is None:
            return [(plain(name), None) for name in names]
        places = {name: place for place, name in enumerate(self.model.classes.tolist())}
        chosen = scores[np.arange(len(names)), [places[name] for name in names]].tolist()
        return [(plain(name), score) for name, score in zip(names, chosen, strict=True)]


def plain(label: object) -> str | int | bool:
    """Return a label as JSON knows it."""
    return label if isinstance(label, str | int) else str(label)


@dataclass
class _Request:
    """Texts of one client, the model that answers all of them, and the answers so far."""

    serving: Serving
    texts: Sequence[str]
    done: asyncio.Future[list[Answer]]
    answers: list[Answer] = field(default_factory=list)

    def part(self, budget: float) -> tuple[Sequence[str], int]:
        """Return the next texts (as many as the budget, in characters, has room for; at least one) and their cost."""
        start = end = len(self.answers)
        cost = 0
        while end < len(self.texts) and (end == start or cost < budget):
            cost += len(self.texts[end]) + PER_TEXT
            end += 1
        return self.texts[start:end], cost

    def take(self, answers: list[Answer] | Exception) -> bool:
        """Add the answers to a part. Returns True once there is nothing left to do."""
        if self.done.done():  # the client has gone away
            return True
        if isinstance(answers, Exception):
            self.done.set_exception(CannotAnswer(f"{type(answers).__name__}: {answers}"))
            return True
        self.answers += answers
        if len(self.answers) < len(self.texts):
            return False
        self.done.set_result(self.answers)
        return True


class Batcher:
    """Answers requests in batches, within one event loop."""

    def __init__(self) -> None:
        self.budget = 25_000.0  # characters in a batch; finds its own size
        self.waiting: deque[_Request] = deque()
        self.worker: asyncio.Task[None] | None = None

    async def ask(self, serving: Serving, texts: Sequence[str]) -> list[Answer]:
        """Return the answers of this model to these texts, in order. Raises CannotAnswer."""
        request = _Request(serving, texts, asyncio.get_running_loop().create_future())
        self.waiting.append(request)
        if self.worker is None:  # it starts in the loop's next turn, when all that came in with us is waiting too
            self.worker = asyncio.create_task(self._work())
        return await request.done

    async def _work(self) -> None:
        try:
            while self.waiting:
                await self._batch()
                await self._gather()
        finally:
            self.worker = None

    async def _gather(self) -> None:
        """Let in what came meanwhile: /health, and clients who ask again as soon as they are answered.

        It goes on as long as each turn of the event loop brings one more, so that they are answered together next time,
        too. Without that, they fall apart into small groups that wait for each other.
        """
        before = -1
        for turn in range(MAX_TURNS):
            if turn >= MIN_TURNS and len(self.waiting) == before:
                return
            before = len(self.waiting)
            await asyncio.sleep(0)

    async def _batch(self) -> None:
        """Answer one batch: a part of each request that waits, until the budget is spent. All of it by one model."""
        budget = self.budget
        if len(self.waiting) == 1:
            budget *= ALONE
        picked, cost = self._pick(budget)
        serving = picked[0][0].serving
        parts = [texts for _, texts in picked]
        if serving.slow:
            results = await asyncio.to_thread(_answer, serving, parts)
        else:
            begun = time.perf_counter()
            results = _answer(serving, parts)
            self._adapt(cost, time.perf_counter() - begun, full=cost >= budget)
        for (request, _), answers in zip(picked, results, strict=True):
            if not request.take(answers):
                self.waiting.append(request)  # behind those that came in meanwhile

    def _pick(self, budget: float) -> tuple[list[tuple[_Request, Sequence[str]]], float]:
        """Give everybody an equal share, so that a short request never waits for the end of a long one."""
        share = budget / len(self.waiting)
        cost = 0.0
        picked = []
        serving = self.waiting[0].serving
        while self.waiting and self.waiting[0].serving is serving and cost < budget:
            request = self.waiting.popleft()
            texts, spent = request.part(share)
            picked.append((request, texts))
            cost += spent
        return picked, cost

    def _adapt(self, cost: float, seconds: float, full: bool) -> None:
        """Find the budget that takes TARGET, from batches that were too slow and from those that were full."""
        if seconds > TARGET or full:
            self.budget = min(max(cost * TARGET / seconds, SMALLEST), LARGEST)


def _answer(serving: Serving, parts: list[Sequence[str]]) -> list[list[Answer] | Exception]:
    """Answer each part. Where the model raises, each part is asked alone: nobody spoils the others' answers."""
    try:
        answers = iter(serving.answers([text for part in parts for text in part]))
        return [[next(answers) for _ in part] for part in parts]
    except Exception as error:
        return [error] if len(parts) == 1 else [_answer(serving, [part])[0] for part in parts]
