"""What a person can read in single rows: the words behind an answer, and the reviews whose answer flipped.

Only for rows that anybody may read: validation and train. The holdout's rows are never shown (a look returns a decision
and totals), so sealed rows are refused here.
"""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from mlgate.artifacts import Model
from mlgate.errors import MlgateError
from mlgate.gate import Verdict
from mlgate.recipes import RECIPES
from mlgate.reporting import report

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.pipeline import FeatureUnion, Pipeline

EXCERPT = 240  # characters of a review that are shown
LOST, WON = "right → wrong", "wrong → right"
STYLE = "text-align:left; vertical-align:top; font-size:15px; line-height:1.45"
MARKED = "background-color:#ffd84d; color:#1b1b1b; padding:0 2px"


def words(model: Model | Pipeline, text: str, label: object = None, most: int = 5) -> list[tuple[str, float]]:
    """The words of `text` that weigh most for `label` (by default the model's answer), heaviest first.

    A word's weight is its value in the text (TF-IDF) times its coefficient. All weights and the intercept add up to the
    decision function of that label; with two classes, of the first label, to minus the decision function. [] where a
    model is not a linear one on words: trees, calibrated models, hashed or projected words.
    """
    reader = _Reader(model)
    label = reader.model.answer([text])[0][0] if label is None else label
    heaviest = sorted(reader.weights(text, label).items(), key=lambda item: -item[1])
    return [(word, weight) for word, weight in heaviest[:most] if weight > 0]


def flips(production: Model | Pipeline, candidate: Model | Pipeline, rows: pd.DataFrame, most: int = 6) -> pd.DataFrame:
    """At most `most` rows (columns text, label, source) that one model gets right and the other wrong.

    First those that only production gets right, the worst first (where the probability of the truth fell most), then
    those that only the candidate gets right: half of each, as far as there are as many. Columns: flip, source, truth,
    production and candidate (their answers), words (those that pulled most from the one answer to the other, with the
    change of their weight), unknown (those of them that the candidate does not know), excerpt (the text around them),
    row (its index). `attrs`: how many rows flipped each way, and the fault of a candidate that cannot answer (no rows).
    Raises MlgateError for holdout rows.
    """
    if "split" in rows and (rows["split"] == "holdout").any():
        raise MlgateError("The holdout is sealed: its reviews are not shown. Use corpus.split('validation').")
    readers = [_Reader(model) for model in (production, candidate)]
    texts, truth = rows["text"].tolist(), rows["label"].astype(str).to_numpy()
    ours, before = readers[0].answers(texts, truth)
    try:
        theirs, after = readers[1].answers(texts, truth)
    except Exception as error:
        return _frame([], 0, 0, readers[1].model.fault or f"it cannot answer: {error}")
    risen = after - before
    lost, won = np.flatnonzero((ours == truth) & (theirs != truth)), np.flatnonzero((ours != truth) & (theirs == truth))
    worst, best = lost[np.argsort(risen[lost], kind="stable")], won[np.argsort(-risen[won], kind="stable")]
    losses = min(len(lost), max(most - len(won), most - most // 2))
    chosen = [*worst[:losses], *best[: most - losses]]
    return _frame([_flip(*readers, rows.iloc[at], ours[at], theirs[at]) for at in chosen], len(lost), len(won))


def excerpt(text: str, found: list[str], size: int = EXCERPT) -> str:
    """About `size` characters of a text, where most of the words found in it stand; "…" for what is left out."""
    if len(text) <= size:
        return text
    starts = [match.start() for word in found for match in _pattern([word]).finditer(text)]
    windows = [max(0, min(start - size // 3, len(text) - size)) for start in starts] or [0]
    start = max(windows, key=lambda at: len({hit.group().casefold() for hit in _hits(text[at : at + size], found)}))
    end = start + size
    start = text.find(" ", start) + 1 if 0 < start < text.find(" ", start) < end else start
    end = text.rfind(" ", start, end) if start < text.rfind(" ", start, end) and end < len(text) else end
    return ("… " if start else "") + text[start:end] + (" …" if end < len(text) else "")


@dataclass(frozen=True)
class Table:
    """A table for people: HTML in notebooks (light, dark and printed), text elsewhere. `marked`: words to point out."""

    caption: str
    frame: pd.DataFrame
    marked: tuple[tuple[str, ...], ...] = ()

    def __repr__(self) -> str:
        lines = [self.caption, ""]
        for line in self.frame.to_dict("records"):
            pieces = [f"{name}: {value}".removeprefix(": ") for name, value in line.items() if str(value)]
            lines += [*textwrap.wrap("; ".join(pieces), 110, subsequent_indent="    "), ""]
        return "\n".join(lines).rstrip()

    def _repr_html_(self) -> str:
        head = "".join(f'<th style="{STYLE}">{escape(str(name))}</th>' for name in self.frame.columns)
        lines = []
        for number, line in enumerate(self.frame.itertuples(index=False)):
            *cells, last = map(str, line)
            cells = [f'<td style="{STYLE}; white-space:{_flow(cell)}">{escape(cell)}</td>' for cell in cells]
            marked = mark(last, self.marked[number] if self.marked else ())
            lines.append(f'<tr>{"".join(cells)}<td style="{STYLE}; white-space:normal">{marked}</td></tr>')
        caption = f'<p style="{STYLE}">{escape(self.caption)}</p>'
        body = "\n".join(lines)
        return f"{caption}<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>" if lines else caption


def mark(text: str, found: Sequence[str]) -> str:
    """A text as HTML, everything escaped, these words marked: black on yellow, whatever the theme."""
    pieces, end = [], 0
    for hit in _hits(text, found):
        pieces += [escape(text[end : hit.start()]), f'<mark style="{MARKED}">{escape(hit.group())}</mark>']
        end = hit.end()
    return "".join([*pieces, escape(text[end:])])


def flip_table(production: Model | Pipeline, candidate: Model | Pipeline, rows: pd.DataFrame, most: int = 6) -> Table:
    """The rows of `flips` as a table: what was true, both answers, and the words that did it, marked in the text."""
    found = flips(production, candidate, rows, most)
    lost, won, fault = (found.attrs[key] for key in (LOST, WON, "fault"))
    caption = f"{lost:,} of {len(rows):,} rows were right and are wrong now; {won:,} were wrong and are right now."
    if fault:
        caption = f"Nothing to show: the candidate cannot be used: {fault}"
    shown = pd.DataFrame(
        {
            "": found["flip"],
            "truth": found["truth"],
            "production": found["production"],
            "candidate": found["candidate"],
            "because of": [_because(*pair) for pair in zip(found["words"], found["unknown"], strict=True)],
            "review": found["excerpt"],
        }
    )
    return Table(caption, shown, tuple(tuple(word for word, _ in line) for line in found["words"]))


def recipes_table() -> Table:
    """Every recipe, with the default severity of those that do harm, and its story in one line."""
    lines = [(name, each.severity, each.story.splitlines()[0]) for name, each in RECIPES.items()]
    shown = [
        (name, "" if severity is None else f"{severity:g}", story.replace("`", "")) for name, severity, story in lines
    ]
    return Table(f"{len(shown)} recipes", pd.DataFrame(shown, columns=["recipe", "severity", "what happens"]))


def checks_table(verdict: Verdict) -> Table:
    """Every check of a verdict: how it stands, why, and what it does when it fails."""
    shown = pd.DataFrame(
        [(f"{report.mark(check)} {check.status}", check.name, check.action, check.reason) for check in verdict.checks],
        columns=["", "check", "if it fails", "why"],
    )
    return Table(f"{verdict.decision} on {verdict.rows.count:,} {verdict.rows.name} rows", shown)


class _Reader:
    """A model, and for a linear one on words the word behind each coefficient."""

    def __init__(self, model: Model | Pipeline):
        self.model = Model("", 0, model) if isinstance(model, Pipeline) else model
        self.names = _names(self.model.pipeline)

    def answers(self, texts: list[str], truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The answers (n,) as texts and the probability of the truth (n,); zeros where a model has no probabilities."""
        labels, scores = self.model.answer(texts)
        classes = np.array([str(name) for name in self.model.classes])
        right = np.zeros(len(texts)) if scores is None else np.where(classes == truth[:, None], scores, 0).sum(axis=1)
        return np.array([str(label) for label in labels]), right

    def weights(self, text: str, label: object) -> dict[str, float]:
        """The weight of each word of the text for a label; {} where the model is not a linear one on words."""
        classes = [str(name) for name in self.model.classes]
        if not self.names or str(label) not in classes:
            return {}
        place, coefficients = classes.index(str(label)), _dense(self.model.pipeline[-1].coef_)
        line = coefficients[0] * (1 if place else -1) if len(coefficients) == 1 else coefficients[place]
        row = sparse.csr_array(self.model.pipeline[:-1].transform([text]))
        found: dict[str, float] = {}
        for column, value in zip(row.indices, row.data, strict=True):  # a union of vectorisers may name a word twice
            found[self.names[column]] = found.get(self.names[column], 0.0) + float(value * line[column])
        return found

    def pull(self, text: str, towards: str, away: str) -> dict[str, float]:
        """How much each word pulls from one label to another."""
        plus, minus = (self.weights(text, label) for label in (towards, away))
        return {word: (plus.get(word, 0.0) - minus.get(word, 0.0)) / 2 for word in plus | minus}


def _names(pipeline: Pipeline | None) -> list[str]:
    """The word behind each coefficient of a linear classifier, or []."""
    last = pipeline[-1] if pipeline is not None and len(pipeline) > 1 else None
    if not hasattr(last, "coef_") or hasattr(last, "n_support_"):  # a support vector machine compares pairs of classes
        return []
    try:
        known, names = (part.get_feature_names_out().tolist() for part in (pipeline[0], pipeline[:-1]))
    except (AttributeError, ValueError):  # hashed words have no names
        return []
    if len(names) != _dense(last.coef_).shape[1] or not set(names) <= set(known):  # projected, not words
        return []
    return [name.split("__", 1)[1] for name in names] if isinstance(pipeline[0], FeatureUnion) else names


def _dense(coefficients) -> np.ndarray:
    """Coefficients as (labels, words): some classifiers keep them sparse, or in one dimension for two classes."""
    return np.atleast_2d(coefficients.toarray() if sparse.issparse(coefficients) else coefficients)


def _flip(production: _Reader, candidate: _Reader, row: pd.Series, ours: str, theirs: str) -> tuple:
    before, after = (reader.pull(row["text"], theirs, ours) for reader in (production, candidate))
    change = {word: after.get(word, 0.0) - before.get(word, 0.0) for word in before | after}
    both = production.names and candidate.names
    heaviest = sorted(change.items(), key=lambda item: -item[1])[:3] if both else []
    moved = [(word, weight) for word, weight in heaviest if weight > 0]
    unknown = [word for word, _ in moved if word not in after]
    seen = excerpt(row["text"], [word for word, _ in moved])
    flip = LOST if ours == str(row["label"]) else WON
    return flip, row.get("source", ""), str(row["label"]), ours, theirs, moved, unknown, seen, row.name


def _frame(lines: list[tuple], lost: int, won: int, fault: str | None = None) -> pd.DataFrame:
    names = ["flip", "source", "truth", "production", "candidate", "words", "unknown", "excerpt", "row"]
    frame = pd.DataFrame(lines, columns=names)
    frame.attrs = {LOST: lost, WON: won, "fault": fault}
    return frame


def _flow(cell: str) -> str:
    """A short cell stays on one line."""
    return "nowrap" if len(cell) <= 22 else "normal"


def _because(moved: list[tuple[str, float]], unknown: list[str]) -> str:
    return ", ".join(f"{word} (unknown to the candidate)" if word in unknown else word for word, _ in moved)


def _pattern(found: Sequence[str]) -> re.Pattern:
    """Finds these words, and pairs of words whatever stands between them; nothing where there are none."""
    longest = sorted(found, key=len, reverse=True)
    words = [r"\W+".join(map(re.escape, word.split())) for word in longest if word.strip()]
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)" if words else r"(?!)", re.IGNORECASE)


def _hits(text: str, found: Sequence[str]) -> list[re.Match]:
    return list(_pattern(found).finditer(text))
