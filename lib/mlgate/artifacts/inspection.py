"""Look at all that was loaded from a pipeline.pkl, and refuse what would do harm once it is used."""

from collections.abc import Collection
from typing import Any

from mlgate.artifacts.bounds import WHOLE, check_bounds, check_width
from mlgate.artifacts.compiled import check_compiled
from mlgate.artifacts.refusals import Refused, plain, type_name
from mlgate.artifacts.table_stand_ins import Euclidean, Unused, is_known_function

import numpy as np
from sklearn._loss.loss import BaseLoss
from sklearn.compose import make_column_selector
from sklearn.feature_selection import SelectKBest
from sklearn.neighbors import BallTree, KDTree
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

# nothing inside them to look at
LEAVES = (str, bytes, int, float, complex, type(None), slice, np.generic, np.dtype, Unused, Euclidean, KDTree, BallTree)
CALLED_IN_TRAINING = (make_column_selector, BaseLoss)  # alone
FUNCTIONS = {FunctionTransformer: ("func", "inverse_func"), SelectKBest: ("score_func",)}  # where they may be
STACKED = ("predict_proba", "decision_function", "predict", "drop")


def inspect(model: object, names: frozenset[str]) -> None:
    """Walk through all that was loaded; raise Refused or ValueError at what no model of these types needs."""
    if type(model) is not Pipeline:
        raise Refused(
            f"The file holds a {type(model).__name__}, not a Pipeline: "
            "save the whole Pipeline, vectoriser and model together."
        )
    seen: set[int] = set()
    todo: list[tuple[str, object]] = [("steps", model)]
    while todo:
        where, thing = todo.pop()
        if id(thing) not in seen:
            seen.add(id(thing))
            todo += _parts(where, thing, names)


def _parts(where: str, thing: Any, names: frozenset[str]) -> list[tuple[str, object]]:
    """Return what there is to look at inside a thing, each with the name of the attribute it is in."""
    if type(thing) in (list, tuple):
        return _items(where, thing)
    if type(thing) is dict:
        return _items(where, thing.values())
    if type(thing) is np.ndarray:
        check_width(where, thing)
        return _items(where, thing.ravel().tolist()) if thing.dtype.hasobject else []
    if callable(thing) and not isinstance(thing, CALLED_IN_TRAINING):
        raise Refused(f"{where} is a function or a class: use the settings that are words or numbers instead.")
    if type_name(type(thing)) not in names:
        raise ValueError(f"a {type(thing).__name__} where none belongs")
    attributes = getattr(thing, "__dict__", {})
    _check_attributes(thing, attributes)
    check_bounds(thing, attributes, names)
    parts = _items(where, thing.values()) if isinstance(thing, dict) else []
    for name, value in attributes.items():
        if not isinstance(value, LEAVES) and not _is_dtype(name, value) and not _is_function(thing, name, value):
            parts.append((f"{type(thing).__name__}.{name}", value))
    return parts


def _items(where: str, items: Collection) -> list[tuple[str, object]]:
    if all(issubclass(kind, LEAVES) for kind in set(map(type, items))):  # a vocabulary: not one by one
        return []
    return [(where, item) for item in items if not isinstance(item, LEAVES)]


def _is_dtype(name: str, value: object) -> bool:
    return name == "dtype" and isinstance(value, type) and issubclass(value, np.generic)


def _is_function(thing: object, name: str, value: object) -> bool:
    return name in FUNCTIONS.get(type(thing), ()) and callable(value) and is_known_function(value)


def _check_attributes(thing: object, attributes: dict[str, Any]) -> None:
    kind = type(thing)
    for name in attributes:
        if callable(getattr(kind, name, None)):
            raise Refused(f"{kind.__name__}.{plain(name)} is a method, and the file hides it: do not load it.")
    source = attributes.get("input", "content")
    if not isinstance(source, str) or source != "content":
        raise Refused(f'{kind.__name__}.input is not "content": it would open paths that clients send. Set it back.')
    if attributes.get("memory") is not None:
        raise Refused(f"{kind.__name__}.memory is set: it would write into a cache folder. Set it to None.")
    stacked = attributes.get("stack_method_", ())  # it calls them by these names
    if not all(type(name) is str and name in STACKED for name in stacked):
        raise ValueError("bad stacking")
    if isinstance(thing, FunctionTransformer) and attributes.get("kw_args"):
        raise Refused("FunctionTransformer.kw_args is set: a function may be given the numbers alone. Set it to None.")
    _check_columns(attributes)
    check_compiled(thing, attributes)


def _check_columns(attributes: dict[str, Any]) -> None:
    """Compiled code reads, and writes, in the columns that a file names, wherever they are: they must exist."""
    vocabulary = attributes.get("vocabulary_", {})
    if type(vocabulary) is not dict or not all(issubclass(kind, WHOLE) for kind in set(map(type, vocabulary.values()))):
        raise ValueError("bad vocabulary")
    if vocabulary and not 0 <= min(vocabulary.values()) <= max(vocabulary.values()) < len(vocabulary):
        raise ValueError("bad vocabulary")
