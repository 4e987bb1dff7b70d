"""Tables for people: HTML in notebooks, text elsewhere; words that matter are marked in them."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from mlgate.reporting.markdown import flat

import pandas as pd

STYLE = "text-align:left; vertical-align:top; font-size:15px; line-height:1.45"
MARKED = "background-color:#ffd84d; color:#1b1b1b; padding:0 2px"


@dataclass(frozen=True)
class Table:
    """A table for people: HTML in notebooks (light, dark and printed), text elsewhere. `marked`: words to point out."""

    caption: str
    frame: pd.DataFrame
    marked: tuple[tuple[str, ...], ...] = ()

    def __repr__(self) -> str:
        lines = [flat(self.caption), ""]
        for line in self.frame.to_dict("records"):
            pieces = [flat(f"{name}: {value}").removeprefix(": ") for name, value in line.items() if str(value)]
            lines += [*textwrap.wrap("; ".join(pieces), 110, subsequent_indent="    "), ""]
        return "\n".join(lines).rstrip()

    def _repr_html_(self) -> str:
        head = "".join(f'<th style="{STYLE}">{escape(str(name))}</th>' for name in self.frame.columns)
        lines = []
        for number, line in enumerate(self.frame.itertuples(index=False)):
            values = [str(value) for value in line]
            cells = [f'<td style="{STYLE}; white-space:{_flow(value)}">{escape(value)}</td>' for value in values[:-1]]
            marked = mark(values[-1], self.marked[number] if self.marked else ())
            lines.append(f'<tr>{"".join(cells)}<td style="{STYLE}; white-space:normal">{marked}</td></tr>')
        caption = f'<p style="{STYLE}">{escape(self.caption)}</p>'
        body = "\n".join(lines)
        return f"{caption}<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>" if lines else caption


def mark(text: str, found: Sequence[str]) -> str:
    """Return a text as HTML, everything escaped, these words marked: black on yellow, whatever the theme."""
    pieces = []
    end = 0
    for hit in hits(text, found):
        pieces += [escape(text[end : hit.start()]), f'<mark style="{MARKED}">{escape(hit.group())}</mark>']
        end = hit.end()
    return "".join([*pieces, escape(text[end:])])


def _flow(cell: str) -> str:
    """Keep a short cell on one line."""
    return "nowrap" if len(cell) <= 22 else "normal"


def hits(text: str, words: Sequence[str]) -> list[re.Match[str]]:
    """Return where these words stand in a text, and pairs of words whatever stands between them."""
    longest = sorted(words, key=len, reverse=True)
    patterns = [r"\W+".join(re.escape(part) for part in word.split()) for word in longest if word.strip()]
    if not patterns:
        return []
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)", re.IGNORECASE)
    return list(pattern.finditer(text))
