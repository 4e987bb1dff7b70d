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
    quoted = "".join(f"\\{sign}" if sign in SIGNS else sign for sign in escaped)
    return quoted.replace("://", ":\\//").replace("www.", "www\\.")  # forges make links of bare addresses


def flat(text: str) -> str:
    """Return a text on one line, fit for a terminal and a log, which obey unprintable signs and commands in brackets.

    A line of GitHub's logs is a command if "##[" stands anywhere in it. One that begins with "::" is one, too: so no
    line of ours begins with what others wrote.
    """
    printable = (letter if letter.isprintable() else " " for letter in text)
    return " ".join("".join(printable).split()).replace("##[", "## [")
