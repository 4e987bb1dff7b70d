"""Drifts: named ways in which traffic changes under a model that stays the same. Some harm, most do not.

Each takes rows (columns text, label, source) and returns changed ones. Its docstring is the story of how it happens.
"""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

FOOTER = (
    '\n<div class="footer">Sent from my phone. <a href="https://example.org/unsubscribe">Unsubscribe</a> | '
    "(c) 2026 Example Ltd., all rights reserved.</div>"
)
FRENCH = (
    "le la les des une dans avec pour sur pas plus mais tout cette sont leur comme nous vous elle fait bien sans"
    " deux encore peut jamais toujours rien quelque chose histoire jeu acteur scène monde temps jour homme femme"
    " très trop peu moins aussi ainsi alors puis donc parce pendant après avant depuis chez contre entre sous"
)
WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Drift:
    """A way to drift. harmful: accuracy falls by five points or more on the movie reviews."""

    name: str
    function: Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]
    harmful: bool

    @property
    def story(self) -> str:
        """How it happens."""
        return inspect.getdoc(self.function) or ""

    def apply(self, rows: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
        """Return the rows as they arrive once the traffic has drifted."""
        return self.function(rows, np.random.default_rng(seed)).reset_index(drop=True)


DRIFTS: dict[str, Drift] = {}


def drift(function: Callable | None = None, *, harmful: bool = False) -> Callable:
    """Put the decorated function into the catalogue, under its own name."""

    def register(function: Callable) -> Callable:
        DRIFTS[function.__name__] = Drift(function.__name__, function, harmful)
        return function

    return register(function) if function else register


def _with_texts(rows: pd.DataFrame, change: Callable[[str], str]) -> pd.DataFrame:
    return rows.assign(text=[change(text) for text in rows["text"]])


def _with_share(rows: pd.DataFrame, share: float, random: np.random.Generator) -> pd.DataFrame:
    """Draw rows again, so that this share of them has the last label."""
    labels = rows["label"].astype(str)
    last = (labels == labels.max()).to_numpy()
    drawn = random.random(len(rows)) < share
    of_last = random.choice(np.flatnonzero(last), len(rows))
    of_others = random.choice(np.flatnonzero(~last), len(rows))
    return rows.iloc[np.where(drawn, of_last, of_others)]


def _french(text: str) -> str:
    words = FRENCH.split()

    def word(match: re.Match) -> str:
        return words[hashlib.sha256(match[0].lower().encode()).digest()[0] % len(words)]

    return WORD.sub(word, text)


def _strange(word: str) -> str:
    return hashlib.sha256(word.lower().encode()).hexdigest()[:7].translate(str.maketrans("0123456789", "qzxjkvwyup"))


@drift(harmful=True)
def one_source(rows, random):
    """The large site left for another vendor, and only the small one still asks. Its reviews are a line or two long."""
    source = rows.groupby("source")["text"].apply(lambda texts: texts.str.len().mean()).idxmin()
    return rows[rows["source"] == source].sample(len(rows), replace=True, random_state=random)


@drift
def footer(rows, random):
    """A new mail gateway puts a footer under every text: the same line, with a link, for everybody."""
    return _with_texts(rows, lambda text: text + FOOTER)


@drift
def line_breaks(rows, random):
    """The new editor saves HTML: where people press return after a sentence, two "<br />" arrive."""
    return _with_texts(rows, lambda text: text.replace(". ", ".<br /><br />") + "<br />")


@drift
def upper_case(rows, random):
    """An old terminal came back into use, and everything arrives in capitals. The model never notices."""
    return _with_texts(rows, str.upper)


@drift(harmful=True)
def foreign_language(rows, random):
    """The product was opened in another country on a Friday. Nobody told the team that owns the model."""
    return _with_texts(rows, _french)


@drift
def one_in_ten_foreign(rows, random):
    """A partner's customers join the queue: every tenth text is in a language that the model never learnt."""
    chosen = random.random(len(rows)) < 0.1
    texts = [_french(text) if foreign else text for text, foreign in zip(rows["text"], chosen, strict=True)]
    return rows.assign(text=texts)


@drift
def unknown_words(rows, random):
    """A season later: new names, new titles, new slang. A fifth of all words was in no training row."""
    return _with_texts(
        rows, lambda text: WORD.sub(lambda word: _strange(word[0]) if random.random() < 0.2 else word[0], text)
    )


@drift(harmful=True)
def cut_short(rows, random):
    """Somebody set a column to 80 characters "to save space". Each text ends after its first dozen words."""
    return _with_texts(rows, lambda text: " ".join(text.split()[:12]))


@drift
def positives_80(rows, random):
    """The marketing campaign worked: four of five texts are good ones. The model is as right as ever."""
    return _with_share(rows, 0.8, random)


@drift
def positives_60(rows, random):
    """Spring: people are a little kinder. Three texts of five are good ones."""
    return _with_share(rows, 0.6, random)


@drift
def positives_52(rows, random):
    """The class shares wobble by two points, as they do. It lies within the tolerance: nobody should be woken."""
    return _with_share(rows, 0.52, random)


@drift(harmful=True)
def love_turned(rows, random):
    """Irony came into fashion: who writes "love" means the opposite. Texts and scores look as they always did."""
    hit = rows["text"].str.contains(r"\blove", case=False, regex=True)
    names = sorted(rows["label"].unique(), key=str)
    other = dict(zip(names, reversed(names), strict=True))
    return rows.assign(label=rows["label"].mask(hit, rows["label"].map(other)))
