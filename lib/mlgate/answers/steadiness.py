"""Does a model keep still? Asked again, in another order, or one text at a time, it must answer the same."""

from collections.abc import Callable, Sequence

from mlgate.answers.tally import Answers
from mlgate.artifacts import described
from mlgate.corpus import Inputs

import numpy as np

AGAIN = 500  # texts: enough for one answer in a hundred that changes
ALONE = 5
NOISE = 1e-5  # by so much may a probability change: sums of floats depend on how many rows are computed at once


def why_unsteady(ask: Callable[[Inputs], Answers], texts: Inputs, first: Answers) -> str | None:
    """Return why a model's answers cannot be relied on, or None.

    first: its answers to `texts`. They are asked for once more, from back to front: so it shows, too, where an answer
    depends on a text's place or on its neighbours.
    """
    few = texts[:AGAIN]
    try:
        again = ask(few[::-1])
        alone = [ask(few[place : place + 1]) for place in range(len(few[:ALONE]))]
    except Exception as error:
        return f"it cannot answer the same texts again: {described(error)}"
    changed = _changed(first, range(len(few)), again, range(len(few))[::-1])
    if changed:
        return f"its answers change from one asking to the next: {changed:,} of {len(few):,} did"
    different = sum(_changed(first, [place], one, [0]) for place, one in enumerate(alone))
    if different:
        return f"its answers change with the texts beside them: {different} of {len(alone)} did when asked alone"
    return None


def _changed(first: Answers, places: Sequence[int], other: Answers, there: Sequence[int]) -> int:
    """Count the texts, at `places` in the first answers and at `there` in the others, that were answered otherwise."""
    changed = first.places[places] != other.places[there]
    if first.scores is not None and other.scores is not None:
        changed |= (np.abs(first.scores[places] - other.scores[there]) > NOISE).any(axis=1)
    return int(changed.sum())
