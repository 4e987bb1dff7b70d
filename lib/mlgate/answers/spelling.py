"""Compare answers by what they mean: spelling cannot forge a win, and numbers that are no classes get no verdict.

An answer is right if it is the label's name. So a name written in two ways would make a good model wrong on every row,
and a measured number (a price, a score) all models wrong on nearly all.
"""

import re
import unicodedata
from collections import Counter
from decimal import Decimal, localcontext

from mlgate.answers import right
from mlgate.corpus import normalise
from mlgate.errors import MlgateError

import numpy as np

NUMERAL = re.compile(r"[+-]?\d{1,100}(\.\d{0,100})?([eE][+-]?\d{1,2})?", re.ASCII)
LEADING_ZERO = re.compile(r"[+-]?0\d")
FEW_CLASSES = 20  # grades and ratings are numbers too, but few
ENOUGH_WRONG = 30
NEAR = 0.5  # correlation of wrong answers with the labels; 0 for classes that are merely numbered


def unify(seen: Counter, columns: tuple[str, str, str]) -> Counter:
    """Return the counts with numerals written in one way, where the labels are numbers.

    `seen` counts rows by (slice, label, production's answer, candidate's answer), `columns` names where the last three
    come from. Raises MlgateError where two names differ in spelling alone, no answer is ever a label, or the columns
    hold numbers that are no classes.
    """
    labels = {key[1] for key in seen}
    numbered = {name for name in labels if is_numeral(name)}
    if numbered and numbered == {name for name in labels if not _is_missing(name)}:
        _require_filled(labels - numbered, columns[0])
        seen = _with_numbers(seen)
        _require_classes(seen, columns)
    _require_one_spelling(seen, columns)
    _require_labels(seen, columns)
    return seen


def is_numeral(name: str) -> bool:
    """Return whether a name is a number as programs write them: 1, -1.0 or 1e3, but not 01."""
    return bool(NUMERAL.fullmatch(name)) and not LEADING_ZERO.match(name)


def number(name: str) -> str:
    """Return a numeral in its shortest form: "1" for "1.0" and "+1"."""
    with localcontext(prec=400):
        value = Decimal(name).normalize()
        return format(value, "f") if value else "0"


def _with_numbers(seen: Counter) -> Counter:
    unified: Counter = Counter()
    for (where, *names), rows in seen.items():
        unified[where, *(number(name) if is_numeral(name) else name for name in names)] += rows
    return unified


def _is_missing(name: str) -> bool:
    return name.strip().casefold() == "nan"


def _require_filled(missing: set[str], column: str) -> None:
    for name in missing:
        raise MlgateError(f"Column {column!r} says {name!r}: the value is missing. Fill it in or remove these rows.")


# ---- names ----


def _meaning(name: str) -> str:
    """Return what two spellings of one name have in common."""
    visible = "".join(letter for letter in name if unicodedata.category(letter) != "Cf")
    plain = normalise(visible)
    if NUMERAL.fullmatch(plain):
        return number(plain)
    return re.sub(r"(?<=\w)[\s_-]+(?=\w)", " ", plain).strip(" '\"`.") or plain


def _require_one_spelling(seen: Counter, columns: tuple[str, str, str]) -> None:
    known: dict[str, tuple[str, str]] = {}
    for place, column in enumerate(columns, 1):
        for name in sorted({key[place] for key in seen}):
            first, where = known.setdefault(_meaning(name), (name, column))
            if name != first:
                raise MlgateError(
                    f"One class in two spellings: column {column!r} says {name!r}, column {where!r} says {first!r}."
                    " Write them the same way; if they are two classes, give them names that differ."
                )


def _require_labels(seen: Counter, columns: tuple[str, str, str]) -> None:
    labels = {key[1] for key in seen}
    if columns[0] == right.LABEL:  # a model may be wrong on every row
        return
    for place, column in enumerate(columns[1:], 2):
        answers = {key[place] for key in seen} - {""}
        if answers and not answers & labels:
            raise MlgateError(
                f"No answer in column {column!r} is ever a label: it says {min(answers)!r}, the labels in column"
                f" {columns[0]!r} say {min(labels)!r}. Write them the same way, or name the right columns."
            )


# ---- numbers ----


def _require_classes(seen: Counter, columns: tuple[str, str, str]) -> None:
    """Raise MlgateError where labels or answers, all of them numbers, are measured and not chosen."""
    labels = _rows_of(seen, 1)
    if _are_measured(seen, labels):
        raise _no_classes(columns[0], labels)
    for place, column in enumerate(columns[1:], 2):
        strange = Counter({name: rows for name, rows in _rows_of(seen, place).items() if name not in labels})
        numerals = Counter({name: rows for name, rows in strange.items() if is_numeral(name)})
        scores = all(map(_is_whole, labels)) and not all(map(_is_whole, numerals))
        if scores or 2 * numerals.total() > seen.total():
            raise _no_classes(column, numerals)


def _are_measured(seen: Counter, labels: Counter) -> bool:
    if len(labels) <= FEW_CLASSES:
        return False
    once = sum(rows == 1 for rows in labels.values())
    if 2 * once > len(labels) or not all(map(_is_whole, labels)):
        return True
    return any(_wrong_but_near(seen, place) for place in (2, 3))


def _wrong_but_near(seen: Counter, place: int) -> bool:
    """Return whether wrong answers go with the labels, as those of a model that estimates a number do."""
    wrong = [
        (float(key[1]), float(key[place]), rows)
        for key, rows in seen.items()
        if key[place] != key[1] and is_numeral(key[place])
    ]
    if sum(rows for *_, rows in wrong) < ENOUGH_WRONG:
        return False
    labels, answers, rows = np.array(wrong).T
    (spread, together), (_, spread_of_answers) = np.cov(labels, answers, fweights=rows.astype(int))
    return together > NEAR * np.sqrt(spread * spread_of_answers)


def _rows_of(seen: Counter, place: int) -> Counter:
    """Return how many rows have each name in one place of the keys."""
    found: Counter = Counter()
    for key, rows in seen.items():
        found[key[place]] += rows
    return found


def _is_whole(name: str) -> bool:
    return "." not in name


def _no_classes(column: str, names: Counter) -> MlgateError:
    example = next((name for name in names if not _is_whole(name)), min(names))
    return MlgateError(
        f"Column {column!r} holds numbers, not classes: it says {example!r}. Answers are compared as right and wrong:"
        " compare how far off they are (--metric mae), or sort them into classes first (low, high); if they are"
        " classes, give them names (class 7)."
    )
