"""gate.toml: its sections, each key and type checked."""

import tomllib
from pathlib import Path

from mlgate.errors import MlgateError

SECTIONS = (
    *("candidate", "corpus", "artifacts", "decision", "guards", "floors", "slices", "flips", "probabilities"),
    *("suspicion", "robustness", "leakage", "cost", "provenance"),
)
WORDS = {float: "a number", int: "a whole number", str: "text in quotes", list: "a list of texts in quotes"}


def read_settings(path: Path) -> dict:
    """A gate.toml, section by section. Raises MlgateError where it is not TOML or has a section that nobody knows."""
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise MlgateError(f"There is no file {path}. Check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise MlgateError(f"{path} cannot be read as TOML: {error}. Mend that line.") from error
    for name, value in settings.items():
        if name not in SECTIONS or not isinstance(value, dict):
            raise MlgateError(f"{path.name}: there is no section [{name}]; there are {', '.join(SECTIONS)}.")
    return settings


def section(settings: dict, name: str, types: dict[str, type]) -> dict:
    """One section of the settings, each key and type checked: a wrong one is a MlgateError that names it."""
    found = dict(settings.get(name, {}))
    for key, value in found.items():
        if key not in types:
            raise MlgateError(f"gate.toml: [{name}] has no key {key!r}; it has {', '.join(types)}.")
        kind = types[key]
        if kind is float and type(value) is int:
            found[key] = value = float(value)
        listed = kind is list and isinstance(value, list) and all(isinstance(item, str) for item in value)
        if type(value) is not kind or (kind is list and not listed):
            raise MlgateError(f"gate.toml: [{name}] {key} must be {WORDS[kind]}, not {value!r}.")
    return found
