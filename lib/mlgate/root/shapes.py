"""Hold what was read from a file against the types that the code declares. Standard library alone."""

from collections.abc import Iterator
from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

MOST = 2**63  # of a number: no count is as large, and a larger one breaks what is computed with it
NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", dict: "an object"}


def misfit(value: object, kind: Any, where: str = "it") -> str | None:
    """Return, in words, the first part of a value read from JSON that does not fit its declared type, or None.

    kind: a plain type, Any, a Literal, a union, a dict, list or tuple of such, a TypedDict or a dataclass, for which
    the value is an object with the same names. Numbers have to be finite, and True is none.
    """
    return next(_misfits(value, kind, where), None)


def _misfits(value: object, kind: Any, where: str) -> Iterator[str]:
    origin = get_origin(kind) or kind
    if origin in (Union, UnionType):
        if all(misfit(value, choice, where) for choice in get_args(kind)):
            yield from _misfits(value, get_args(kind)[0], where)
    elif is_typeddict(origin) or is_dataclass(origin):
        yield from _misfits_of_fields(value, origin, where)
    elif origin in (dict, list, tuple):
        yield from _misfits_of_items(value, kind, where)
    elif not _fits(value, kind):
        yield f"{where} is {value!a:.60}, and not {_name(kind)}"


def _misfits_of_fields(value: object, kind: Any, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where} is {value!a:.60}, and not an object"
        return
    hints = get_type_hints(kind)
    required = getattr(kind, "__required_keys__", ())
    for name in required:
        if name not in value:
            yield f"{where} has no {name}"
    for name, item in value.items():
        if name in hints:
            yield from _misfits(item, hints[name], name)


def _misfits_of_items(value: object, kind: Any, where: str) -> Iterator[str]:
    origin = get_origin(kind) or kind
    if not isinstance(value, dict if origin is dict else list):
        yield f"{where} is {value!a:.60}, and not {'an object' if origin is dict else 'a list'}"
        return
    choices = get_args(kind)
    if not choices:
        return
    items = value.values() if isinstance(value, dict) else value
    for item in items:
        yield from _misfits(item, choices[1] if origin is dict else choices[0], f"a part of {where}")


def _fits(value: object, kind: Any) -> bool:
    if kind is Any:
        return True
    if get_origin(kind) is Literal:
        return isinstance(value, str) and value in get_args(kind)
    if kind in (int, float):
        return _is_number(value) and (kind is float or isinstance(value, int))
    return type(value) is kind


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MOST


def _name(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(get_args(kind))
    if kind is NoneType:
        return "null"
    return NAMES.get(kind, str(kind))
