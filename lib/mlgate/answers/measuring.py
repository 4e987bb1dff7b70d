"""Ask two pipelines for numbers: what regressors estimate, or how probable a classifier finds one of two labels."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from mlgate.answers.columns import Columns
from mlgate.answers.measured import YES
from mlgate.answers.reading import counting
from mlgate.artifacts import Model, described, fenced
from mlgate.corpus import Inputs, Rows
from mlgate.errors import MlgateError
from mlgate.root import SCORED, Metric
from mlgate.scorecard import Facts, Scorecard

import numpy as np
import pyarrow as pa

NAMES = ("production", "candidate")
AGAIN = 500  # rows that are asked twice
NOISE = 1e-9  # of a number: so much may the order of the rows change


@dataclass(frozen=True)
class Wanted:
    """What pipelines are asked for. positive: the label whose probability it is. sliced: whether rows have slices."""

    metric: Metric
    positive: str | None = None
    sliced: bool = False


def measure(production: Model, candidate: Model, rows: Rows, wanted: Wanted) -> Scorecard:
    """Ask both models the same rows for numbers, a batch at a time.

    A candidate that gives none, or others when it is asked again, is at fault. Raises MlgateError where the rows or
    production are at fault, or it is not said which label's probability is wanted.
    """
    columns = Columns("label", *NAMES, "slice" if wanted.sliced else None)
    counted = counting(columns, wanted.metric, wanted.positive)
    with fenced(production) as in_use, fenced(candidate) as proposed:
        of_production = _Side(in_use, wanted)
        of_candidate = _Side(proposed, wanted)
        count = 0
        for batch in rows.batches():
            answers = of_production.answer(batch.inputs)
            if of_production.fault:
                raise MlgateError(f"Production is at fault: {of_production.fault}. Fix the model or the rows.")
            named = {"label": batch.labels, NAMES[0]: answers, NAMES[1]: of_candidate.answer(batch.inputs)}
            if wanted.sliced:
                named["slice"] = batch.slices
            arrays = {name: pa.array(values, pa.string()) for name, values in named.items()}
            counted.add(pa.RecordBatch.from_pydict(arrays), rows.name, count)
            count += len(batch.labels)
    counted.parts.append((rows.name, count, rows.digest))
    card = counted.scorecard()
    fault = of_candidate.fault or card.candidate.fault
    return replace(card, production=of_production.facts, candidate=replace(of_candidate.facts, fault=fault))


class _Side:
    """A model that is being asked for numbers, and why it can give no more."""

    def __init__(self, model: Model, wanted: Wanted):
        self.model = model
        self.fault = model.fault
        self.seconds = 0.0
        self.asked: Callable[[Inputs], np.ndarray] | None = None
        if not self.fault:
            self.asked = _asking(model, wanted)
        self.steady = False

    def answer(self, inputs: Inputs) -> list[str | None]:
        """Return the numbers for some rows, as text: none from the first fault on."""
        started = time.perf_counter()
        if self.asked and not self.fault:
            try:
                numbers = self.asked(inputs)
                self.seconds += time.perf_counter() - started
                self._ask_again(inputs, numbers)
                return [repr(number) for number in numbers.tolist()]
            except Exception as error:
                self.fault = f"it cannot answer: {described(error)}"
        return [None] * len(inputs)

    def _ask_again(self, inputs: Inputs, numbers: np.ndarray) -> None:
        """Raise ValueError where the first rows, asked once more from back to front, are answered otherwise."""
        if self.steady or not self.asked:
            return
        again = self.asked(inputs[:AGAIN][::-1])[::-1]
        if not np.allclose(again, numbers[:AGAIN], rtol=NOISE, atol=NOISE, equal_nan=True):
            raise ValueError("its answers change from one asking to the next")
        self.steady = True

    @property
    def facts(self) -> Facts:
        return Facts(self.model.digest, self.model.size, self.model.load_seconds, self.seconds, self.fault)


def _asking(model: Model, wanted: Wanted) -> Callable[[Inputs], np.ndarray]:
    """Return what asks a model. Raises MlgateError where one has to say which label is meant."""
    if wanted.metric not in SCORED:
        return lambda inputs: model.answer(inputs)[0]
    classes = [str(name) for name in model.classes]
    meant = wanted.positive or next((name for name in classes if name.casefold() in YES), None)
    if meant not in classes:
        known = ", ".join(map(repr, classes[:10]))
        raise MlgateError(f"Whose probability is wanted? The classes are {known}: name one with --positive.")
    place = classes.index(meant)

    def ask(inputs: Inputs) -> np.ndarray:
        scores = model.answer(inputs)[1]
        if scores is None:
            raise ValueError("it gives no probabilities")
        return scores[:, place]

    return ask
