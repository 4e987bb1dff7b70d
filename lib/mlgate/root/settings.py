"""The sections of gate.toml: each key and its type, in one place (the policy's own keys are declared in policy.py)."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlgate.errors import MlgateError
from mlgate.root.files import read_file

Types = Mapping[str, type]

MOST = 10**18  # of a whole number: as far as TOML promises to read them
WORDS: dict[type, str] = {
    float: "a number",
    int: "a whole number",
    str: "text in quotes",
    bool: "true or false",
    list: "a list of texts in quotes",
}

# What stands in gate.toml beside the policy. These sections say what is judged, not what is demanded.
KEYS: dict[str, Types] = {
    "candidate": {"recipe": str, "severity": float},
    "corpus": {"path": str, "text_column": str, "label_column": str, "slice_column": str},
    "watch": {
        "rows_per_false_alarm": int,
        "tolerance": float,
        "harm_tolerance": float,
        "keep_every": int,
        "keep_a_second": float,
        "keep_texts": bool,
        "keep_days": float,
        "keep_megabytes": float,
        "on_harm": str,
    },
    "artifacts": {
        "allow": list,
        "max_megabytes": float,
        "max_objects": int,
        "memory_megabytes": float,
        "seconds": float,
    },
}


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file says. Raises MlgateError where it is missing or is not TOML."""
    try:
        return tomllib.loads(read_file(path).decode("utf-8-sig"))
    except FileNotFoundError as error:
        raise MlgateError(f"There is no file {path}. Check the path.") from error
    except (ValueError, OSError, RecursionError) as error:
        raise MlgateError(f"{path} cannot be read as TOML: {str(error)[:200]}. Fix that line.") from error


def section(settings: Mapping[str, Any], name: str, types: Types | None = None) -> dict[str, Any]:
    """Return one section of the settings, each key and type checked.

    types: by default, those of KEYS. Raises MlgateError naming a key that is unknown or of the wrong type.
    """
    if types is None:
        types = KEYS[name]
    return {key: _checked(name, key, value, types) for key, value in settings.get(name, {}).items()}


def _checked(name: str, key: str, value: Any, types: Types) -> Any:
    if key not in types:
        raise MlgateError(f"gate.toml: [{name}] has no key {key!r:.80}; it has {', '.join(types)}.")
    kind = types[key]
    if kind is float and type(value) is int and abs(value) < MOST:
        return float(value)
    if type(value) is int and abs(value) >= MOST:
        raise MlgateError(f"gate.toml: [{name}] {key} must be {WORDS[kind]} of at most 18 digits.")
    texts = not isinstance(value, list) or all(isinstance(item, str) for item in value)
    if type(value) is not kind or not texts:
        raise MlgateError(f"gate.toml: [{name}] {key} must be {WORDS[kind]}, not {value!r:.80}.")
    return value
