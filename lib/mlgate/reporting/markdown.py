"""Markdown tables, in which the words of strangers (slices, files, texts) stay words."""

from collections.abc import Iterable, Sequence
from html import escape

SIGNS = "\\`*_|[]~#!@"  # what Markdown, or a forge that shows it, would read


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return the lines of a Markdown table. Its cells are Markdown: quote what others wrote."""
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(str(value) for value in line) + " |" for line in lines]


def quote(words: object) -> str:
    """Return a stranger's words on one line, with nothing in it that Markdown or HTML would read."""
    escaped = escape(flat(str(words)), quote=False)
    return "".join(f"\\{sign}" if sign in SIGNS else sign for sign in escaped)


def flat(text: str) -> str:
    """Return a text on one line, without unprintable signs: scripts read our lines, terminals obey such signs."""
    printable = (letter if letter.isprintable() else " " for letter in text)
    return " ".join("".join(printable).split())
