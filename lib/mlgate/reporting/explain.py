"""What a person can read in single rows: the words behind an answer, and the reviews whose answer flipped.

Only for rows that anybody may read: validation and train. The holdout's rows are never shown (a look returns a decision
and totals), so sealed rows are refused here.
"""

from typing import Any

from mlgate.artifacts import Model
from mlgate.errors import MlgateError
from mlgate.gate import Verdict
from mlgate.recipes import recipes_of
from mlgate.reporting import report
from mlgate.reporting.tables import Table, hits
from mlgate.reporting.word_weights import Reader
from mlgate.root import Root

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

EXCERPT = 240  # characters of a review that are shown
LOST, WON = "right → wrong", "wrong → right"


def words(model: Model | Pipeline, text: str, label: object = None, most: int = 5) -> list[tuple[str, float]]:
    """Return the words of `text` that weigh most for `label` (by default the model's answer), heaviest first.

    A word's weight is its value in the text (TF-IDF) times its coefficient. All weights and the intercept add up to the
    decision function of that label; with two classes, of the first label, to minus the decision function. [] where a
    model is not a linear one on words: trees, calibrated models, hashed or projected words.
    """
    reader = Reader(model)
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
    in_use = Reader(production)
    proposed = Reader(candidate)
    texts = rows["text"].tolist()
    truth = rows["label"].astype(str).to_numpy()
    said, before = in_use.answers(texts, truth)
    try:
        says, after = proposed.answers(texts, truth)
    except Exception as error:
        return _frame([], 0, 0, proposed.model.fault or f"it cannot answer: {error}")
    # Half of each kind, as far as there are as many; the probability of the truth fell (or rose) most in the first.
    rise = after - before
    lost = np.flatnonzero((said == truth) & (says != truth))
    won = np.flatnonzero((said != truth) & (says == truth))
    losses = min(len(lost), max(most - len(won), most - most // 2))
    worst = lost[np.argsort(rise[lost], kind="stable")][:losses]
    best = won[np.argsort(-rise[won], kind="stable")][: most - losses]
    chosen = np.concatenate([worst, best]).tolist()
    lines = [_flip(in_use, proposed, rows.iloc[at], (said[at], says[at])) for at in chosen]
    return _frame(lines, len(lost), len(won))


def excerpt(text: str, found: list[str], size: int = EXCERPT) -> str:
    """About `size` characters of a text, where most of the words found in it stand; "…" for what is left out."""
    if len(text) <= size:
        return text
    windows = [max(0, min(hit.start() - size // 3, len(text) - size)) for hit in hits(text, found)]
    start = max(windows or [0], key=lambda at: _different_words(text[at : at + size], found))
    end = start + size
    # Not in the middle of a word, if a space is near.
    first_space = text.find(" ", start)
    if 0 < start < first_space < end:
        start = first_space + 1
    last_space = text.rfind(" ", start, end)
    if start < last_space and end < len(text):
        end = last_space
    before = "… " if start else ""
    after = " …" if end < len(text) else ""
    return before + text[start:end] + after


def _different_words(text: str, found: list[str]) -> int:
    return len({hit.group().casefold() for hit in hits(text, found)})


def flip_table(production: Model | Pipeline, candidate: Model | Pipeline, rows: pd.DataFrame, most: int = 6) -> Table:
    """Return the rows of `flips` as a table: the truth, both answers, and the words that did it, marked in the text."""
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


def recipes_table(root: Root | None = None) -> Table:
    """Every recipe, the root's own too, with the default severity of those that do harm, and its story in one line."""
    shown = []
    for name, recipe in recipes_of(root).items():
        severity = "" if recipe.severity is None else f"{recipe.severity:g}"
        story = recipe.story.splitlines()[0].replace("`", "")
        shown.append((name, severity, story))
    return Table(f"{len(shown)} recipes", pd.DataFrame(shown, columns=["recipe", "severity", "what happens"]))


def checks_table(verdict: Verdict) -> Table:
    """Every check of a verdict: how it stands, why, and what it does when it fails."""
    shown = pd.DataFrame(
        [(f"{report.mark(check)} {check.status}", check.name, check.action, check.reason) for check in verdict.checks],
        columns=["", "check", "if it fails", "why"],
    )
    return Table(f"{verdict.decision} on {verdict.rows.count:,} {verdict.rows.name} rows", shown)


def _flip(production: Reader, candidate: Reader, row: pd.Series, answers: tuple[str, str]) -> tuple[Any, ...]:
    """One line of `flips`: the row, both answers, and the words that pulled from the one to the other."""
    said, says = answers
    moved: list[tuple[str, float]] = []
    after = candidate.pull(row["text"], says, said)
    if production.names and candidate.names:
        before = production.pull(row["text"], says, said)
        change = {word: after.get(word, 0.0) - before.get(word, 0.0) for word in before | after}
        heaviest = sorted(change.items(), key=lambda item: -item[1])[:3]
        moved = [(word, weight) for word, weight in heaviest if weight > 0]
    unknown = [word for word, _ in moved if word not in after]
    seen = excerpt(row["text"], [word for word, _ in moved])
    truth = str(row["label"])
    flip = LOST if said == truth else WON
    return flip, row.get("source", ""), truth, said, says, moved, unknown, seen, row.name


def _frame(lines: list[tuple[Any, ...]], lost: int, won: int, fault: str | None = None) -> pd.DataFrame:
    names = ["flip", "source", "truth", "production", "candidate", "words", "unknown", "excerpt", "row"]
    frame = pd.DataFrame(lines, columns=names)
    frame.attrs = {LOST: lost, WON: won, "fault": fault}
    return frame


def _because(moved: list[tuple[str, float]], unknown: list[str]) -> str:
    return ", ".join(f"{word} (unknown to the candidate)" if word in unknown else word for word, _ in moved)
