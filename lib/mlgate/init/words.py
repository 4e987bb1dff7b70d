"""Write values into TOML and YAML as they are, whatever stands in them."""

import json
import re
import shlex
from collections.abc import Iterable

from mlgate.errors import MlgateError


def text(value: str) -> str:
    """Return a value in quotes, as TOML and YAML both read it. Raises MlgateError for what GitHub would fill in."""
    if "${{" in value:
        raise MlgateError(f"{value!r:.80} cannot stand in a workflow: GitHub reads {'${{'} as its own. Rename it.")
    quoted = json.dumps(value, ensure_ascii=False)
    return re.sub("[\x7f-\x9f\u2028\u2029\ufeff]", lambda found: f"\\u{ord(found[0]):04x}", quoted)


def texts(values: tuple[str, ...]) -> str:
    """Return values as a list of TOML."""
    return "[" + ", ".join(text(value) for value in values) + "]"


def command(words: Iterable[str]) -> str:
    """Return a command for a shell, in one printable line: what would steer the terminal is written as $'\\u001b'."""
    return " ".join(shlex.quote(word) if word.isprintable() else f"$'{_escaped(word)}'" for word in words)


def _escaped(word: str) -> str:
    plain = word.replace("\\", "\\\\").replace("'", "\\'")
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in plain)
