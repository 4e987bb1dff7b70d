"""Refuse settings that no honest model needs, and that cost minutes or gigabytes at the first text."""

from typing import Any

from mlgate.artifacts.refusals import Refused, plain

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline

# each reads a text once, from left to right: a pattern of a stranger's may take years
TOKEN_PATTERNS = frozenset({
    r"(?u)\b\w\w+\b", r"\b\w\w+\b", r"(?u)\b\w+\b", r"\b\w+\b", r"(?u)\w+", r"\w+", r"(?u)\S+", r"\S+",
    r"(?u)\b\w\w\w+\b", r"\b\w\w\w+\b", r"(?u)\b[a-zA-Z]+\b", r"\b[a-zA-Z]+\b", r"[a-zA-Z]+",
})  # fmt: skip
MAX_WORDS = 10  # in an n-gram
MAX_LETTERS = 20
MAX_JOBS = 64  # threads of a forest; a union would start processes
MAX_HASHED = 2**22  # columns
MAX_CHARACTERS = 1_000  # in a cell of an array: the name of a class
WHOLE = (int, np.integer)


def check_bounds(thing: object, attributes: dict[str, Any], allowed: frozenset[str]) -> None:
    """Raise Refused at a setting beyond what models need. `allowed` may name a further token pattern."""
    kind = type(thing).__name__
    if "token_pattern" in attributes:
        _check_token_pattern(kind, attributes["token_pattern"], allowed)
    if "ngram_range" in attributes:
        _check_ngram_range(kind, attributes["ngram_range"], attributes.get("analyzer", "word"))
    if "n_jobs" in attributes:
        _check_jobs(kind, attributes["n_jobs"], isinstance(thing, (FeatureUnion, ColumnTransformer)))
    if attributes.get("verbose", False) not in (False, 0) and not isinstance(thing, (Pipeline, FeatureUnion)):
        raise Refused(f"{kind}.verbose is set: it would fill the logs. Set it to 0.")
    if "n_features" in attributes:
        _check_hashed(kind, attributes["n_features"])


def check_width(where: str, array: np.ndarray) -> None:
    """Raise Refused where a cell of an array of texts is wide: each answer would be as long."""
    if array.dtype.kind in "SU" and array.dtype.itemsize > MAX_CHARACTERS * np.dtype(f"{array.dtype.kind}1").itemsize:
        raise Refused(f"{where} is wider than {MAX_CHARACTERS:,} characters: use short names.")


def _check_token_pattern(kind: str, pattern: object, allowed: frozenset[str]) -> None:
    if isinstance(pattern, str) and (pattern in TOKEN_PATTERNS or f"token_pattern={pattern}" in allowed):
        return
    shown = plain(pattern) if isinstance(pattern, str) else type(pattern).__name__
    raise Refused(
        f"{kind}.token_pattern is not on the list: a text could keep it busy for hours. Use the default, or add"
        f' "token_pattern={shown}" to allow under [artifacts] in gate.toml.'
    )


def _check_ngram_range(kind: str, bounds: object, analyzer: object) -> None:
    most = MAX_WORDS if analyzer == "word" else MAX_LETTERS
    numbers = bounds if type(bounds) is tuple and len(bounds) == 2 else (0, 0)
    if not all(isinstance(number, WHOLE) and not isinstance(number, bool) for number in numbers):
        numbers = (0, 0)
    if not 1 <= numbers[0] <= numbers[1] <= most:
        raise Refused(f"{kind}.ngram_range must be two numbers from 1 to {most}: longer ones take hours.")


def _check_jobs(kind: str, jobs: object, starts_processes: bool) -> None:
    if jobs is None:
        return
    few = (1, 1) if starts_processes else (-1, MAX_JOBS)
    if isinstance(jobs, bool) or not isinstance(jobs, WHOLE) or not few[0] <= jobs <= few[1]:
        raise Refused(f"{kind}.n_jobs is {jobs!r:.20}: it would start many processes. Set it to None.")


def _check_hashed(kind: str, columns: object) -> None:
    if not isinstance(columns, WHOLE) or columns < 1:
        raise ValueError("bad number of features")
    if columns > MAX_HASHED:
        raise Refused(f"{kind}.n_features is above {MAX_HASHED:,}: it would take gigabytes. Hash to fewer columns.")
