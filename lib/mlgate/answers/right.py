"""Rows of which only is known whether each model was right: booleans, 0 and 1, or words such as pass and fail."""

from collections.abc import Iterable

from mlgate.errors import MlgateError

import pyarrow as pa

RIGHT = "right"
WRONG = "wrong"
LABEL = "what is right"  # the column of labels that each row then has: right is what both should be
WORDS = {
    **dict.fromkeys(("true", "1", "1.0", "yes", "y", "pass", "passed", "right", "correct", "c"), RIGHT),
    **dict.fromkeys(("false", "0", "0.0", "no", "n", "fail", "failed", "wrong", "incorrect", "i"), WRONG),
}


def meanings(values: Iterable[str | None], column: str) -> list[str | None]:
    """Return "right" or "wrong" for each value, None where it is missing. Raises MlgateError for another word."""
    return [_meaning(value, column) for value in values]


def _meaning(value: str | None, column: str) -> str | None:
    word = (value or "").strip().casefold()
    if word and word not in WORDS:
        raise MlgateError(
            f"Column {column!r} says {value!r:.80}, which is neither right nor wrong. Write true or false, 1 or 0, pass"
            " or fail; say from which grade on it passes with --pass-from; or name a column of labels, if these are"
            " answers."
        )
    return WORDS.get(word)


def graded(values: Iterable[str | float | bool | None], column: str, pass_from: float | None) -> list[str | None]:
    """Return "right" or "wrong" for each grade: right from `pass_from` on; without it, what `meanings` says.

    Raises MlgateError for a word where grades are numbers, and for another number than 0 and 1 without `pass_from`.
    """
    if pass_from is None:
        return meanings([None if value is None else str(value) for value in values], column)
    return [_passed(value, column, pass_from) for value in values]


def _passed(value: str | float | bool | None, column: str, pass_from: float) -> str | None:
    if value is None or value == "":
        return None
    try:
        grade = float(value)
    except ValueError:
        grade = float("nan")
    if grade != grade:
        raise MlgateError(f"Column {column!r} says {value!r:.80}, which is no number. Leave --pass-from out.")
    return RIGHT if grade >= pass_from else WRONG


def labelled(batch: pa.RecordBatch, columns: Iterable[str], pass_from: float | None = None) -> pa.RecordBatch:
    """Return a batch in which these columns say "right" or "wrong", with a column of labels that say "right"."""
    for name in columns:
        place = batch.schema.get_field_index(name)
        folded = batch.column(place).dictionary_encode()
        words = pa.array(graded(folded.dictionary.to_pylist(), name, pass_from), pa.string())
        batch = batch.set_column(place, name, words.take(folded.indices))
    return batch.append_column(LABEL, pa.array([RIGHT] * batch.num_rows, pa.string()))
