"""Ask two models the same rows, in one call, and reduce their answers to a scorecard."""

from functools import partial

from mlgate.answers import spelling
from mlgate.answers.probing import probe
from mlgate.answers.steadiness import why_unsteady
from mlgate.answers.tally import Answers, Tally
from mlgate.artifacts import Answer, Model, answer_once, described, fenced, places_of
from mlgate.corpus import Batch, Inputs, Rows
from mlgate.errors import MlgateError
from mlgate.scorecard import Facts, Scorecard

import numpy as np


def score(production: Model, candidate: Model, rows: Rows, probing: bool = True, whole: bool = True) -> Scorecard:
    """Ask both models the same rows, a batch at a time; and probe both, without labels, with some of the texts.

    A candidate at fault (would not load, other classes, raises, NaN, too slow, answers that change) is written into its
    facts, and the rows it did not answer count as such. Raises MlgateError where the rows or production are at fault,
    or all rows have one label (unless whole is false).
    """
    with fenced(production) as in_use, fenced(candidate) as proposed:
        return _score(in_use, proposed, rows, probing, whole)


def _score(production: Model, candidate: Model, rows: Rows, probing: bool, whole: bool) -> Scorecard:
    classes = tuple(str(name) for name in production.classes)
    tally = Tally(classes)
    asked_production = _Asked(production, classes)
    asked_candidate = _Asked(candidate, classes, candidate.fault or _other_classes(production, candidate))
    probes = None
    for number, batch in enumerate(rows.batches()):
        first = probing and number == 0
        truth = _truth(batch, classes, rows.name)
        answers = asked_production.answer(batch.inputs, rows.name, twice=first)
        if asked_production.fault:
            raise MlgateError(f"Production is at fault: {asked_production.fault}. Fix the model or the rows.")
        proposed = asked_candidate.answer(batch.inputs, rows.name, twice=first)
        if first and not asked_candidate.fault and production.digest != candidate.digest:
            probes = probe(production, candidate, batch.inputs)
        tally.add(batch.slices, truth, answers, proposed)
        tally.add_texts(batch.texts)
    tally.whole = whole
    return tally.scorecard(rows, asked_production.facts(), asked_candidate.facts(), probes)


def ask(model: Model, texts: Inputs, classes: tuple[str, ...]) -> Answers:
    """Return the model's answers to these texts or rows, labels and probabilities in the order of `classes`."""
    return _in_order(model, model.answer(texts), classes)


def _in_order(model: Model, answer: Answer, classes: tuple[str, ...]) -> Answers:
    labels, scores = answer
    places = places_of(labels, classes)
    if scores is None:
        return Answers(places)
    own = [str(name) for name in model.classes]
    return Answers(places, scores[:, [own.index(name) for name in classes]])


class _Asked:
    """A model that is being asked: the time its answers took, and why it can give no more."""

    def __init__(self, model: Model, classes: tuple[str, ...], fault: str | None = None):
        self.model = model
        self.classes = classes
        self.fault = fault
        self.seconds = 0.0

    def answer(self, texts: Inputs, rows: str, twice: bool) -> Answers:
        """Return the answers to some texts of `rows`: none from the first fault on. twice: see whether they change."""
        nothing = Answers(np.full(len(texts), len(self.classes)))
        if self.fault:
            return nothing
        try:
            given = answer_once(self.model, texts)
            answers = _in_order(self.model, given.answer, self.classes)
        except Exception as error:
            self.fault = f"it cannot answer {rows}: {described(error)}"
            return nothing
        self.seconds += given.seconds
        if twice:
            self.fault = why_unsteady(partial(ask, self.model, classes=self.classes), texts, answers)
        return answers

    def facts(self) -> Facts:
        """Return what was measured of the model."""
        return Facts(self.model.digest, self.model.size, self.model.load_seconds, self.seconds, self.fault)


def _truth(batch: Batch, classes: tuple[str, ...], name: str) -> np.ndarray:
    place = {label: position for position, label in enumerate(classes)}
    labels = [label if label in place else _as_number(label) for label in batch.labels]
    strange = next((label for label in labels if label not in place), None)
    if strange is not None:
        known = ", ".join(map(repr, classes[:10]))
        raise MlgateError(
            f"{name} has the label {strange!r}, which the production model does not know: its classes are {known}."
            " Check the label column, or leave these rows out."
        )
    return np.array([place[label] for label in labels], dtype=np.int64)


def _as_number(label: str) -> str:
    """Return "1" for "1.0": what pandas makes of a class in a column that once had a missing value."""
    return spelling.number(label) if spelling.is_numeral(label) else label


def _other_classes(production: Model, candidate: Model) -> str | None:
    """Return why the candidate's classes are not production's, or None. Their order does not matter."""
    if candidate.fault:
        return None
    wanted = sorted(map(str, production.classes))
    given = sorted(map(str, candidate.classes))
    if given != wanted:
        return f"its classes are {', '.join(given[:10])}; production's are {', '.join(wanted[:10])}"
    wanted_kinds = _kinds(production)
    given_kinds = _kinds(candidate)
    if given_kinds != wanted_kinds:
        return f"its answers are {given_kinds}, production's are {wanted_kinds}: clients would get another type"
    return None


def _kinds(model: Model) -> str:
    """Return the types of the classes in words."""
    return " and ".join(sorted({_kind(name) for name in model.classes.tolist()}))


def _kind(name: object) -> str:
    if isinstance(name, bool):
        return "booleans"
    if isinstance(name, int):
        return "integers"
    return "texts"
