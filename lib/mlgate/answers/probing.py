"""What can be known of a candidate without a single label: what it cannot answer, how brittle and how slow it is."""

import time
import unicodedata
from collections.abc import Callable, Sequence

from mlgate.artifacts import Model, described
from mlgate.corpus import Inputs, Table
from mlgate.scorecard import Probes

import numpy as np

# changes to a text that should not change the answer
CHANGES: dict[str, Callable[[str], str]] = {
    "upper case": str.upper,
    "white space": lambda text: "  " + text.replace(" ", "  \n") + "\t",
    "HTML remains": lambda text: text.replace(". ", ".<br /><br />", 1) + "<br />",
    "a neutral sentence": lambda text: text + " I saw it on a Tuesday.",
    "accents": lambda text: unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode(),
}
# texts that clients do send
EDGE_CASES = (
    "",
    " ",
    "\n",
    "?",
    "12345",
    "é",
    "日本語の映画",
    "😀" * 20,
    "<br />",
    "a" * 10_000,
    "\x00",
    "word " * 5_000,
)
MOST = 120  # texts: enough to tell a brittle model from a sound one
TIMED, TIMES = 32, 5


def probe(production: Model, candidate: Model, texts: Inputs) -> Probes:
    """Put changed texts and edge cases to both models and time them. Both can answer the texts as they are.

    Rows of a table are not changed: which change should not matter is not known of columns.
    """
    models = (production, candidate)
    if isinstance(texts, Table):
        return Probes(len(texts[:TIMED]), {}, None, _seconds(models, texts[:TIMED]))
    texts = list(texts[:MOST])
    brittle: dict[str, tuple[int, int]] = {}
    fault = None
    plain = [model.answer(texts)[0] for model in models]
    seconds = _seconds(models, texts[:TIMED])  # before a model is asked what may be too much for it
    for name, change in CHANGES.items():
        changed = [change(text) for text in texts]
        of_production, _ = _ask(production, changed)
        of_candidate, why = _ask(candidate, changed)
        if of_production is None:
            continue
        if of_candidate is None:
            fault = fault or f"{name} ({why})"
            continue
        production_moved = of_production != plain[0]
        candidate_moved = of_candidate != plain[1]
        brittle[name] = (
            int((candidate_moved & ~production_moved).sum()),
            int((production_moved & ~candidate_moved).sum()),
        )
    return Probes(len(texts), brittle, fault or _unanswered(*models), seconds)


def _unanswered(production: Model, candidate: Model) -> str | None:
    """Return the first edge case that production answers and the candidate does not, and why."""
    for text in EDGE_CASES:
        why = _ask(candidate, [text])[1]
        if why and _ask(production, [text])[1] is None:
            return f"{text[:20]!r} ({why})"
    return None


def _ask(model: Model, texts: Sequence[str]) -> tuple[np.ndarray | None, str | None]:
    """Return the answers, or None and what the model raised."""
    try:
        return model.answer(texts)[0], None
    except Exception as error:
        return None, described(error)


def _seconds(models: Sequence[Model], texts: Inputs) -> tuple[float, float]:
    """Medians of the time each model takes for these texts: in turn, so that a busy machine is unfair to neither."""
    taken = []
    for _ in range(TIMES):
        marks = [time.perf_counter()]
        for model in models:
            model.answer(texts)
            marks.append(time.perf_counter())
        taken.append(np.diff(marks))
    of_production, of_candidate = np.median(taken, axis=0).tolist()
    return of_production, of_candidate
