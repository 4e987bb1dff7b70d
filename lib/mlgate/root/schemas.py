"""JSON schemas of what is declared in code: of values in JSON by their types, of gate.toml by its settings."""

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from mlgate.root.policy import DEMANDED, Policy
from mlgate.root.settings import KEYS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null", list: "array"}
Schema = dict[str, Any]


def schema_of(kind: Any) -> Schema:
    """Return the JSON schema of a type: a plain one, Any, a Literal, a union, a list, dict, TypedDict or dataclass.

    More keys than are declared are allowed: later versions may add some.
    """
    origin = get_origin(kind) or kind
    if kind is Any:
        return {}
    if origin is Literal:
        return {"enum": list(get_args(kind))}
    if origin in (Union, UnionType):
        return {"anyOf": [schema_of(choice) for choice in get_args(kind)]}
    if is_typeddict(origin) or is_dataclass(origin):
        return _object(origin)
    if origin is dict:
        values = get_args(kind)[1:] or (Any,)
        return {"type": "object", "additionalProperties": schema_of(values[0])}
    if origin in (list, tuple):
        items = get_args(kind) or (Any,)
        return {"type": "array", "items": schema_of(items[0])}
    return {"type": PLAIN[origin]}


def _object(kind: Any) -> Schema:
    hints = get_type_hints(kind)
    if is_typeddict(kind):
        required = [name for name in hints if name in kind.__required_keys__]
    else:
        told = {item.name: item for item in fields(kind) if item.compare}
        hints = {name: hints[name] for name in told}
        required = [name for name, item in told.items() if item.default is item.default_factory is MISSING]
    return {
        "type": "object",
        "properties": {name: schema_of(hint) for name, hint in hints.items()},
        "required": required,
    }


def gate_schema() -> Schema:
    """Return the JSON schema of gate.toml: every section and key, its type, range, words and default; no others."""
    sections = {name: _section({key: _setting(kind) for key, kind in keys.items()}) for name, keys in KEYS.items()}
    for part in DEMANDED:
        own = {item.metadata["key"]: item for item in fields(Policy) if item.metadata["part"] == part}
        sections[part] = _section({key: _demand(item) for key, item in own.items()})
    return {
        "$schema": DIALECT,
        "$id": "urn:mlgate:gate:1",
        "title": "gate.toml: what the gate demands",
        "type": "object",
        "properties": sections,
        "additionalProperties": False,
    }


def _section(keys: Mapping[str, Schema]) -> Schema:
    return {"type": "object", "properties": dict(keys), "additionalProperties": False}


def _setting(kind: type) -> Schema:
    if kind is list:
        return {"type": "array", "items": {"type": "string"}}
    return {"type": PLAIN[kind]}


def _demand(item: Any) -> Schema:
    told = item.metadata
    schema = _setting(told["kind"])
    words = get_args(item.type)
    if told["kind"] is str and str not in words:
        schema = {"enum": list(words)}
    if told["low"] is not None and not told.get("unit"):  # others are in the metric's own unit
        schema |= {"minimum": told["low"], "maximum": told["high"]}
    if item.default is not None:
        schema["default"] = list(item.default) if isinstance(item.default, tuple) else item.default
    return schema
