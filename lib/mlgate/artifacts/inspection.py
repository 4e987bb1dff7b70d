"""Look at all that was loaded from a pipeline.pkl, and refuse what would do harm once it is used."""

from collections.abc import Collection
from typing import Any

from mlgate.artifacts.bounds import WHOLE, check_bounds, check_width
from mlgate.artifacts.refusals import Refused, plain, type_name

import numpy as np
from sklearn.ensemble._forest import BaseForest
from sklearn.pipeline import Pipeline
from sklearn.tree import BaseDecisionTree
from sklearn.tree._tree import Tree

# nothing inside them to look at
LEAVES = (str, bytes, int, float, complex, type(None), np.generic, np.dtype)


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
    if callable(thing):
        raise Refused(f"{where} is a function or a class: use the settings that are words or numbers instead.")
    if type_name(type(thing)) not in names:
        raise ValueError(f"a {type(thing).__name__} where none belongs")
    attributes = getattr(thing, "__dict__", {})
    _check_attributes(thing, attributes)
    check_bounds(thing, attributes, names)
    parts = _items(where, thing.values()) if isinstance(thing, dict) else []
    for name, value in attributes.items():
        if not isinstance(value, LEAVES) and not _is_dtype(name, value):
            parts.append((f"{type(thing).__name__}.{name}", value))
    return parts


def _items(where: str, items: Collection) -> list[tuple[str, object]]:
    if all(issubclass(kind, LEAVES) for kind in set(map(type, items))):  # a vocabulary: not one by one
        return []
    return [(where, item) for item in items if not isinstance(item, LEAVES)]


def _is_dtype(name: str, value: object) -> bool:
    return name == "dtype" and isinstance(value, type) and issubclass(value, np.generic)


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
    _check_columns(attributes)
    if isinstance(thing, BaseForest):  # it does not ask its trees whether they fit
        for member in attributes.get("estimators_", ()):
            _check_tree(member, attributes)
    if isinstance(thing, BaseDecisionTree):
        _check_tree(thing, attributes)


def _check_columns(attributes: dict[str, Any]) -> None:
    """Compiled code reads, and writes, in the columns that a file names, wherever they are: they must exist."""
    vocabulary = attributes.get("vocabulary_", {})
    if type(vocabulary) is not dict or not all(issubclass(kind, WHOLE) for kind in set(map(type, vocabulary.values()))):
        raise ValueError("bad vocabulary")
    if vocabulary and not 0 <= min(vocabulary.values()) <= max(vocabulary.values()) < len(vocabulary):
        raise ValueError("bad vocabulary")


def _check_tree(member: object, attributes: dict[str, Any]) -> None:
    """Require that a tree is as wide as what it stands in says: None in a template that was never fitted."""
    if not isinstance(member, BaseDecisionTree):
        raise ValueError("bad forest")
    tree = vars(member).get("tree_")
    if tree is None:
        return
    fitted = type(tree) is Tree and tree.node_count > 0
    if not fitted or tree.n_features != attributes.get("n_features_in_"):
        raise ValueError("bad tree")
