"""Scorecards made by hand: for tests of what is decided, without a model or a row."""

from mlgate.scorecard import Scorecard, count_answers

import numpy as np


def card(*slices, sealed=False, classes=("bad", "good"), **facts):
    """A scorecard of two classes from the paired counts (b, c, both right, both wrong) of each slice.

    b rows only the candidate gets right, c rows only production. A slice is (name, b, c, right, wrong). Its labels
    come in turn, so that both classes are there.
    """
    rows = []
    for name, b, c, right, wrong in slices:
        for count, production, candidate in ((b, 0, 1), (c, 1, 0), (right, 1, 1), (wrong, 0, 0)):
            for truth, half in ((0, (count + 1) // 2), (1, count // 2)):
                rows.append((name, truth, truth if production else 1 - truth, truth if candidate else 1 - truth, half))
    names = tuple(sorted({name for name, *_ in rows}))
    filled = [(names.index(name), *cell, count) for name, *cell, count in rows if count]
    table = np.array(filled, dtype=np.int64).reshape(-1, 5)
    parts = (("rows", int(table[:, 4].sum()), "0" * 64),)
    return Scorecard(
        classes, names, table[:, :4], table[:, 4], np.zeros((len(names), 4)), parts, sealed=sealed, **facts
    )


def plain(b, c, n=1_000, **facts):
    """A scorecard without slices: of n rows, b that only the candidate gets right and c that only production does."""
    right = (n - b - c) * 4 // 5
    return card(("", b, c, right, n - b - c - right), **facts)


def of_answers(truth, production, candidate, classes, slices=None, names=("",), digest="0" * 64):
    """A scorecard of rows given as positions."""
    table, counts = count_answers(truth, production, candidate, len(classes), slices)
    parts = (("rows", len(truth), digest),)
    return Scorecard(tuple(classes), tuple(names), table, counts, np.zeros((len(names), 4)), parts)
