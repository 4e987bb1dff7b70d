"""matplotlib figures for a room: takes scorecards and verdicts, returns Figure. Nothing is shown and nothing is global.

Places are given in inches, and every text is measured before it is placed, so that nothing is cut off or overlaps.
Blue is more or better, orange is less or worse; words, signs and symbols say the same, so that no colour is needed.
"""

import io
import math
import re
from bisect import bisect_right
from dataclasses import dataclass

from mlgate.corpus import SPLITS
from mlgate.gate import HOLD, PROMOTE, REJECT, Difference, Slice, Verdict, statistics
from mlgate.scorecard import Scorecard

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path
from matplotlib.ticker import MaxNLocator
from scipy.stats import binom

FONT = "DejaVu Sans"  # comes with matplotlib: the same everywhere
INK, GREY, LIGHT, BLUE, ORANGE = "#1b1b1b", "#595959", "#c9c9c9", "#005a8c", "#b84300"
BLUE_TINT, ORANGE_TINT, GREY_TINT = "#e4eff6", "#fcebe1", "#efefef"
SHARES = LinearSegmentedColormap.from_list("shares", ["white", BLUE])
CHANGES = LinearSegmentedColormap.from_list("changes", ["#f29c62", "white", "#6aaed6"])  # light: ink stays readable
COLOURS, SYMBOLS = {PROMOTE: BLUE, HOLD: GREY, REJECT: ORANGE}, {PROMOTE: "✔", REJECT: "✘"}
PURPOSES = {
    "train": "to learn from",
    "validation": "to explore freely",
    "holdout": "sealed: only the gate reads it",
    "live": "stands in for traffic",
}
MOST_SOURCES, MOST_SLICES = 8, 12
MOST_COUNTED, MOST_WRITTEN = 4, 10  # classes, for cells with counts and shares, and with shares alone
BELOW = 0.95  # inches below the confusion matrices
MINUS = "\N{MINUS SIGN}"


class Picture(Figure):
    """A Figure that shows itself as a cell's last value, sharp on large screens; `alt` says in words what it shows."""

    def __init__(self, width: float, height: float, alt: str):
        super().__init__(figsize=(width, height), dpi=200, facecolor="white")
        self.alt = alt

    def __repr__(self) -> str:
        return self.alt

    def _repr_png_(self) -> tuple[bytes, dict]:
        buffer = io.BytesIO()
        FigureCanvasAgg(self).print_png(buffer, metadata={"Software": None})
        width, height = (round(100 * inches) for inches in self.get_size_inches())
        return buffer.getvalue(), {"width": width, "height": height, "alt": self.alt}


def draw_corpus(reviews: pd.DataFrame) -> Figure:
    """Where the corpus comes from (its sources) and what its four parts are for; the holdout is hatched: sealed."""
    named = reviews["source"].replace("", "(no name)" if reviews["source"].nunique() > 1 else "all")
    sources = named.value_counts()
    if len(sources) > MOST_SOURCES:
        kept = sources.iloc[: MOST_SOURCES - 1]
        sources = pd.concat([kept, pd.Series({f"{len(sources) - len(kept)} others": sources.sum() - kept.sum()})])
    parts = reviews["split"].value_counts().reindex(list(SPLITS), fill_value=0)
    labels = reviews["label"].astype(str).value_counts()
    height = 1.72 + 0.78 * max(len(SPLITS), len(sources))
    words = ", ".join(f"{name} {count:,}" for name, count in parts.items())
    figure, sheet = _sheet(10, height, f"The corpus: {len(reviews):,} labelled texts; {words}.")
    kinds = " · ".join(f"{count:,} {name}" for name, count in labels.items()) if len(labels) <= 4 else None
    _write(sheet, 0.3, height - 0.4, f"{len(reviews):,} labelled texts", 20, weight="bold")
    _write(sheet, 0.3, height - 0.78, _shorten(kinds or f"{len(labels)} classes", 9.4, 13), 13, GREY)
    _write(sheet, 0.3, height - 1.3, "where they come from", 13, GREY)
    _write(sheet, 5.0, height - 1.3, "what they are for", 13, GREY)
    colours = [BLUE, ORANGE, GREY] if len(sources) <= 3 else [BLUE] * len(sources)
    for line, (name, count) in enumerate(sources.items()):
        low = height - 2.14 - 0.78 * line
        _write(sheet, 0.3, low + 0.45, _squeeze(name, 4.2, 13, "bold"), 13, weight="bold")
        _bar(sheet, 0.3, low, 3.0, [count], sources.max(), [colours[line]])
    for line, (name, count) in enumerate(parts.items()):
        low = height - 2.14 - 0.78 * line
        _write(sheet, 5.0, low + 0.45, name, 13, weight="bold")
        _write(sheet, 5.12 + _width(name, 13, "bold"), low + 0.45, PURPOSES[name], 13, GREY)
        inside = named[reviews["split"] == name].value_counts()
        shares = [inside.get(source, 0) for source in sources.index] if len(sources) <= 3 else [count]
        _bar(sheet, 5.0, low, 3.4, shares, parts.max(), colours, sealed=name == "holdout")
    return figure


def draw_confusions(scorecard: Scorecard) -> Figure:
    """Three panels: production, candidate, and candidate minus production. Rows are the truth, columns the answers.

    Colours are shares of the true class: one scale for both models, and one around zero for the difference.
    """
    ours, theirs = (scorecard.confusion(model) for model in ("production", "candidate"))
    answers = None if theirs[:, -1].any() else -1  # with or without the column "no answer"
    panels = [ours[:, :-1], theirs[:, :answers], (theirs - ours)[:, :answers]]
    truths = np.maximum(ours.sum(axis=1, keepdims=True), 1)
    limit = max(np.abs(panels[2] / truths).max(), 0.01)
    scales = [(SHARES, Normalize(0, 1))] * 2 + [(CHANGES, Normalize(-limit, limit))]
    titles = _titles(scorecard)

    grid = _grid([_plain(name) for name in scorecard.classes], [panel.shape[1] for panel in panels])
    figure, sheet = _sheet(grid.width, grid.height, f"Confusion matrices. {'; '.join(titles)}.")
    _name_rows(sheet, grid)
    size = min(_fit(title, grid.across * panel.shape[1] + 0.2, 16) for title, panel in zip(titles, panels, strict=True))
    place = grid.left
    for panel, title, (colours, scale) in zip(panels, titles, scales, strict=True):
        wide, tall = grid.across * panel.shape[1], grid.down * len(grid.names)
        box = [place / grid.width, BELOW / grid.height, wide / grid.width, tall / grid.height]
        axes = figure.add_axes(box, xticks=[], yticks=[])
        axes.imshow(panel / truths, cmap=colours, norm=scale, aspect="auto")
        axes.spines[:].set_color(LIGHT)
        _write(sheet, place, grid.height - 0.3, title, size, weight="bold")
        _name_columns(sheet, grid, place, panel.shape[1])
        if len(grid.names) <= MOST_WRITTEN:
            _fill(axes, panel, panel / truths, grid, signed=panel is panels[2])
        place += wide + 0.4
    _write(sheet, grid.left, 0.58, f"columns: the answer · {grid.cells}", 13, GREY)
    note = f"difference: candidate {MINUS} production; blue: more rows, orange: fewer"
    _write(sheet, grid.left, 0.27, note, 13, GREY)
    return figure


def draw_forest(verdict: Verdict) -> Figure:
    """The paired difference in points with its interval, overall and per slice, against 0 and the margin."""
    if verdict.difference is None:
        return _nothing("Nothing to compare", verdict.reason)
    margin = verdict.policy.get("margin", 0.0)
    shown = sorted(verdict.slices, key=lambda part: part.estimate)[:MOST_SLICES]
    lines = [("overall", verdict.rows.count, verdict.difference, _outcome(verdict))]
    lines += [(part.name or "(no name)", part.rows, part, _outcome_of_slice(verdict, part)) for part in shown]
    hidden = len(verdict.slices) - len(shown)

    alt = "Candidate minus production, in points: " + "; ".join(
        f"{name} {100 * part.estimate:+.2f} ({100 * part.low:+.2f} to {100 * part.high:+.2f}), {word}"
        for name, _, part, word in lines
    )
    width, pitch, bottom = 10, 0.52, 0.85
    height = bottom + pitch * len(lines) + 1.35
    figure, sheet = _sheet(width, height, alt)
    title = f"Candidate {MINUS} production on {_where(verdict)}"
    _write(sheet, 0.3, height - 0.35, title, _fit(title, 9.4, 17), weight="bold")

    names = [_squeeze(name, 2.3, 15, "bold" if number == 0 else "normal") for number, (name, *_) in enumerate(lines)]
    counts = [f"{rows:,}" for _, rows, *_ in lines]
    columns = max(_width(name, 15, "bold") for name in names), max(_width(count, 13) for count in counts)
    left = 0.3 + sum(columns) + 0.45
    words = [_minus(f"{100 * part.estimate:+.2f}  {word}") for _, _, part, word in lines]
    right = width - 0.5 - max(_width(word, 15, "bold") for word in words)
    axes = figure.add_axes([left / width, bottom / height, (right - left) / width, (height - bottom - 0.95) / height])
    axes.set_ylim(-0.6, len(lines) + 0.15)
    _regions(axes, [part for _, _, part, _ in lines], margin, right - left)

    for number, (name, count, word, (_, _, part, outcome)) in enumerate(zip(names, counts, words, lines, strict=True)):
        y, weight = len(lines) - 1 - number, "bold" if number == 0 else "normal"
        at = bottom + (y + 0.6) / (len(lines) + 0.75) * (height - bottom - 0.95)
        colour = {"better": BLUE, "worse": ORANGE, "not worse": BLUE}.get(outcome, INK)
        _interval(axes, y, part, colour, heavy=number == 0)
        _write(sheet, 0.3, at, name, 15, weight=weight)
        _write(sheet, left - 0.25, at, count, 13, GREY, ha="right")
        _write(sheet, right + 0.2, at, word, 15, colour, weight=weight)
    note = _note(verdict.difference)
    if hidden:
        note += f"; {hidden:,} more slices are not drawn"
    _write(sheet, 0.3, 0.28, note, 13, GREY)
    return figure


def draw_banner(verdict: Verdict) -> Figure:
    """The decision, readable from the last row: symbol, word, colour, both accuracies, the reason, the looks left."""
    colour = COLOURS[verdict.decision]
    accuracies = {"production": verdict.production.accuracy, "candidate": verdict.candidate.accuracy}
    shown = {name: "n/a" if accuracy is None else f"{accuracy:.2%}" for name, accuracy in accuracies.items()}
    alt = f"{verdict.decision}: production {shown['production']}, candidate {shown['candidate']}. {verdict.reason}"
    reason = _wrap(verdict.reason, 9.2, 16, most=4)
    height = 3.2 + 0.33 * len(reason)
    figure, sheet = _sheet(10, height, alt)
    sheet.add_patch(Rectangle((0, height - 1.45), 10, 1.45, color=colour, lw=0))
    _symbol(sheet, 0.95, height - 0.72, verdict.decision)
    _write(sheet, 1.75, height - 0.74, verdict.decision, 76, "white", weight="bold")
    if verdict.difference:
        shown["difference"] = _minus(f"{100 * verdict.difference.estimate:+.2f} points")
    for number, (name, value) in enumerate(shown.items()):
        x = 0.4 + 2.75 * number
        _write(sheet, x, height - 1.75, name, 15, GREY)
        _write(sheet, x, height - 2.18, value, 32, colour if name == "candidate" else INK, weight="bold")
    for number, line in enumerate(reason):
        _write(sheet, 0.4, height - 2.75 - 0.33 * number, line, 16)
    _write(sheet, 0.4, 0.27, _shorten(f"{_where(verdict)} · {_looks(verdict)}", 9.2, 13), 13, GREY)
    return figure


def draw_candidates(judged: list[tuple[str, str, Verdict]]) -> Figure:
    """Several candidates (name, story, verdict) against one production model on the same rows, a line for each.

    Beside the gate's verdict stands the plain rule's: ▲ the accuracy went up. In bold where the two do not agree.
    """
    verdicts = [verdict for *_, verdict in judged]
    compared = [verdict.difference for verdict in verdicts if verdict.difference]
    if not compared:
        return _nothing("Nothing to compare", verdicts[0].reason if verdicts else "There are no candidates.")
    risen = [bool(verdict.difference and verdict.difference.estimate > 0) for verdict in verdicts]
    won = sum(verdict.decision == PROMOTE for verdict in verdicts)
    title = f"{len(judged)} candidates: accuracy went up {_times(sum(risen))}, the gate promotes {_times(won)}"
    alt = ". ".join([title, *(f"{name}, {story}: {verdict.decision}" for name, story, verdict in judged)])
    width, pitch, left, right = 10, 0.66, 3.35, 7.05
    tall, bottom = pitch * (len(judged) + 0.3), 0.9
    height = bottom + tall + 1.1
    figure, sheet = _sheet(width, height, alt)
    _write(sheet, 0.3, height - 0.4, title, _fit(title, 9.4, 19), weight="bold")
    _write(sheet, 7.25, bottom + tall, "accuracy", 14, GREY, va="bottom")
    _write(sheet, 9.05, bottom + tall, "the gate", 14, GREY, ha="center", va="bottom")
    axes = figure.add_axes([left / width, bottom / height, (right - left) / width, tall / height])
    axes.set_ylim(-0.65, len(judged) - 0.35)
    _regions(axes, compared, verdicts[0].policy.get("margin", 0.0), right - left)
    for number, ((name, story, verdict), up) in enumerate(zip(judged, risen, strict=True)):
        y = len(judged) - 1 - number
        at = bottom + pitch * (y + 0.65)
        colour, agrees = COLOURS[verdict.decision], up == (verdict.decision == PROMOTE)
        _write(sheet, 0.3, at + 0.14, _squeeze(name, 2.9, 15, "bold"), 15, weight="bold")
        _write(sheet, 0.3, at - 0.14, _shorten(story, 2.9, 13), 13, GREY)
        change = f"{'▲' if up else '▼'} {100 * verdict.difference.estimate:+.2f}" if verdict.difference else "n/a"
        if verdict.difference:
            _interval(axes, y, verdict.difference, colour, heavy=False)
        weight, ink = ("normal", GREY) if agrees else ("bold", INK)
        _write(sheet, 7.25, at, _minus(change), _fit(change, 1.05, 15), ink, weight=weight)
        sheet.add_patch(Rectangle((8.35, at - 0.21), 1.4, 0.42, color=colour, lw=0))
        _write(sheet, 9.05, at, verdict.decision, 14, "white", ha="center", weight="bold")
    _write(sheet, 0.3, 0.28, f"{_where(verdicts[0])}: {_note(compared[0])}", 13, GREY)
    return figure


def draw_coin(b: int, c: int) -> Figure:
    """How often a fair coin would do what b + c disagreements did: the tail of the mid-p, shaded, and in words.

    b rows only the candidate gets right, c rows only production. The tail lies on b's side: "so many", or "so few".
    """
    tosses = b + c
    if not tosses:
        return _nothing("No coin to toss", "The two models never disagreed on what is right.")
    many = b >= c
    chance = odds(statistics.midp(b, c) if many else statistics.midp(c, b))
    title = f"{tosses:,} disagreement{'s' if tosses > 1 else ''}, {b:,} for the candidate: a fair coin?"
    alt = f"{title} So {'many' if many else 'few'} heads, by chance alone: {chance}."
    figure, sheet = _sheet(10, 4.2, alt)
    _write(sheet, 0.3, 3.85, title, _fit(title, 9.4, 19), weight="bold")

    spread = max(4.2 * np.sqrt(tosses) / 2, 1.5)
    low, high = min(tosses / 2 - spread, b - spread / 8), max(tosses / 2 + spread, b + spread / 8)
    heads = np.arange(max(0, np.floor(low)), min(tosses, np.ceil(high)) + 1)
    chances = binom.pmf(heads, tosses, 0.5)
    inside = np.where(heads > b if many else heads < b, chances, np.where(heads == b, chances / 2, 0))
    axes = figure.add_axes([0.03, 0.22, 0.6, 0.53])
    for values, colour in ((chances, LIGHT), (inside, BLUE if many else ORANGE)):
        axes.stairs(values, np.arange(heads[0], heads[-1] + 2) - 0.5, fill=True, color=colour, lw=0)
    axes.axvline(b, color=INK, lw=2.5)
    axes.set(xlim=(low - 0.6, high + 0.6), ylim=(0, chances.max() * 1.05), yticks=[])
    _ticks(axes, "{:,.0f}", whole=True)
    at = 0.3 + 6.0 * (b - axes.get_xlim()[0]) / np.ptp(axes.get_xlim())
    mark = f"{b:,}"
    _write(sheet, at, 3.3, mark, 17, weight="bold", ha="center")
    _write(sheet, 3.3, 0.28, "heads: rows that only the candidate gets right", 13, GREY, ha="center")

    _write(sheet, 6.75, 2.85, "so many heads" if many else "so few heads", 17)
    _write(sheet, 6.75, 2.5, "by chance alone:", 17)
    _write(sheet, 6.75, 1.95, chance, _fit(chance, 2.95, 34), BLUE if many else ORANGE, weight="bold")
    tail = f"{b:,} or {'more' if many else 'fewer'}"
    _write(sheet, 6.75, 1.3, f"shaded: {tail}," if inside.sum() > 0.002 else f"{tail}: too thin to see;", 13, GREY)
    _write(sheet, 6.75, 1.04, f"{b:,} itself counted half", 13, GREY)
    return figure


def odds(p: float) -> str:
    """A probability in words: "37 in 100", "1 in 1,234,567", "1 in 12 billion", "1 in 10⁵⁷"."""
    if p > 0.1:
        return f"{100 * p:.0f} in 100"
    if p < 1e-300:
        return "below 1 in 10³⁰⁰"
    rounds = 1 / p
    if rounds < 1e7:
        return f"1 in {rounds:,.0f}"
    for size, name in ((1e9, "million"), (1e12, "billion"), (1e15, "trillion")):
        if rounds < size:
            return f"1 in {rounds / size * 1000:,.0f} {name}"
    power = str(int(np.floor(np.log10(rounds)))).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"1 in 10{power}"


def _sheet(width: float, height: float, alt: str) -> tuple[Picture, Axes]:
    """A white sheet and the axes that cover it, in inches."""
    figure = Picture(width, height, alt)
    sheet = figure.add_axes([0, 0, 1, 1])
    sheet.set(xlim=(0, width), ylim=(0, height))
    sheet.axis("off")
    return figure, sheet


def _nothing(title: str, reason: str) -> Picture:
    figure, sheet = _sheet(10, 2.2, f"{title}: {reason}")
    _write(sheet, 0.4, 1.75, title, 22, weight="bold")
    for number, line in enumerate(_wrap(reason, 9.2, 15, most=4)):
        _write(sheet, 0.4, 1.25 - 0.31 * number, line, 15)
    return figure


def _write(axes: Axes, x: float, y: float, text: str, size: float, color: str = INK, ha="left", va="center", **more):
    axes.text(x, y, _plain(text), size=size, color=color, ha=ha, va=va, family=FONT, parse_math=False, **more)


def _plain(text: object) -> str:
    """One line of text; characters the font does not have become a box."""
    font = get_font(findfont(FontProperties(family=FONT)))
    return "".join(sign if font.get_char_index(ord(sign)) else "□" for sign in " ".join(str(text).split()))


def _minus(text: str) -> str:
    """Negative numbers with a true minus sign."""
    return re.sub(r"(?<![\w.])-(?=\d)", MINUS, text)


def _width(text: str, size: float, weight: str = "normal") -> float:
    """How wide a text is, in inches."""
    font = FontProperties(family=FONT, size=size, weight=weight)
    return text_to_path.get_text_width_height_descent(_plain(text), font, ismath=False)[0] / 72


def _fit(text: str, width: float, size: float, weight: str = "bold") -> float:
    """The largest type size up to `size` in which a text is no wider than `width` inches."""
    return min(size, size * width / _width(text, size, weight))


def _shorten(text: object, width: float, size: float, weight: str = "normal") -> str:
    """A text cut to `width` inches, "…" standing for the rest."""
    text = _plain(text)
    if _width(text, size, weight) <= width:
        return text
    end = bisect_right(range(1, len(text)), width, key=lambda end: _width(text[:end].rstrip() + "…", size, weight))
    return text[:end].rstrip() + "…"


def _squeeze(name: object, width: float, size: float, weight: str = "normal") -> str:
    """A name cut to `width` inches in its middle: the ends are what tells names apart."""
    name = _plain(name)
    if _width(name, size, weight) <= width:
        return name
    cuts = (f"{name[:kept].rstrip()}…{name[-kept:].lstrip()}" for kept in range(len(name) // 2, 0, -1))
    return next((cut for cut in cuts if _width(cut, size, weight) <= width), "…")


def _wrap(text: str, width: float, size: float, most: int) -> list[str]:
    """A text in lines of `width` inches; what does not fit in `most` lines is cut."""
    lines = [""]
    for word in _minus(_plain(text)).split():
        longer = f"{lines[-1]} {word}".strip()
        if not lines[-1] or len(lines) == most or _width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return [_shorten(line, width, size) for line in lines]


def _bar(
    sheet: Axes, x: float, y: float, width: float, counts: list[int], largest: int, colours: list[str], sealed=False
):
    """A bar of stacked counts with its total written after it; `width` inches are the largest total."""
    start = x
    for count, colour in zip(counts, colours, strict=False):  # one count, one colour: the first
        wide = width * count / largest
        style = {"hatch": "///", "edgecolor": "white"} if sealed else {"edgecolor": colour}
        sheet.add_patch(Rectangle((start, y), wide, 0.3, facecolor=colour, lw=0, **style))
        start += wide
    _write(sheet, start + 0.1, y + 0.15, f"{sum(counts):,}", 14, weight="bold")


def _symbol(sheet: Axes, x: float, y: float, decision: str) -> None:
    """A tick, a cross, or for HOLD the sign for a pause."""
    if decision in SYMBOLS:
        _write(sheet, x, y, SYMBOLS[decision], 72, "white", ha="center")
    for left in (-0.3, 0.08) if decision == HOLD else ():
        sheet.add_patch(Rectangle((x + left, y - 0.38), 0.22, 0.76, color="white", lw=0))


@dataclass(frozen=True)
class _Grid:
    """Where the cells of the confusion matrices are, in inches. Columns are numbered where their names are long."""

    names: list[str]
    width: float
    height: float
    left: float
    across: float
    down: float
    numbered: bool
    upright: bool

    @property
    def few(self) -> bool:
        return len(self.names) <= MOST_COUNTED

    @property
    def cells(self) -> str:
        """What is in a cell, in words."""
        if self.few:
            return "in the cells: rows, and % of the true class"
        return (
            "in the cells: % of the true class"
            if len(self.names) <= MOST_WRITTEN
            else "colour: share of the true class"
        )

    @property
    def every(self) -> int:
        """Each how many rows a name has room."""
        return max(1, math.ceil(0.25 / self.down))


def _grid(names: list[str], columns: list[int]) -> _Grid:
    classes, edges = len(names), 0.35 + 0.8  # the right edge, and what is between the panels
    names_width = min(1.7, max(_width(name, 13) for name in names))
    least = 0.78 if classes <= MOST_COUNTED else 0.4 if classes <= MOST_WRITTEN else 0
    number_width = _width(str(classes), 13) + 0.15
    width = max(10 if least else 14, 0.75 + names_width + number_width + edges + least * sum(columns))
    across = (width - 0.75 - names_width - edges) / sum(columns)
    numbered = any(_width(name, 13) > across - 0.1 for name in names)
    left = 0.75 + names_width + numbered * number_width
    across = (width - left - edges) / sum(columns)
    down = {2: 0.95, 3: 0.72, 4: 0.62}.get(classes, 0.42 if classes <= MOST_WRITTEN else 5 / classes)
    upright = columns[1] > classes and across < 0.9
    height = BELOW + down * classes + (1.6 if upright else 0.95)
    return _Grid(names, width, height, left, across, down, numbered, upright)


def _name_rows(sheet: Axes, grid: _Grid) -> None:
    number_width = _width(str(len(grid.names)), 13) + 0.15 if grid.numbered else 0
    room = grid.left - 0.75 - number_width
    _write(sheet, 0.35, BELOW + grid.down * len(grid.names) / 2, "truth", 13, GREY, ha="center", rotation=90)
    for line in range(0, len(grid.names), grid.every):
        y = BELOW + grid.down * (len(grid.names) - line - 0.5)
        _write(sheet, grid.left - 0.12 - number_width, y, _squeeze(grid.names[line], room, 13), 13, ha="right")
        if grid.numbered:
            _write(sheet, grid.left - 0.12, y, str(line + 1), 13, GREY, ha="right")


def _name_columns(sheet: Axes, grid: _Grid, place: float, columns: int) -> None:
    top, classes = BELOW + grid.down * len(grid.names), len(grid.names)
    for column in range(0, classes, max(1, math.ceil(0.36 / grid.across))):
        name = str(column + 1) if grid.numbered else grid.names[column]
        _write(sheet, place + grid.across * (column + 0.5), top + 0.18, name, 13, GREY, ha="center")
    if columns > classes:
        x, turned = place + grid.across * (classes + 0.5), 90 if grid.upright else 0
        _write(sheet, x, top + 0.08, "no answer", 13, GREY, ha="center", va="bottom", rotation=turned)


def _titles(scorecard: Scorecard) -> list[str]:
    ours, theirs = scorecard.accuracy
    if scorecard.candidate.fault:
        return [f"production {ours:.2%}", "candidate n/a", "difference n/a"]
    change = _minus(f"{100 * (theirs - ours):+.2f} points")
    return [f"production {ours:.2%}", f"candidate {theirs:.2%}", f"difference {change}"]


def _fill(axes: Axes, panel: np.ndarray, shares: np.ndarray, grid: _Grid, signed: bool) -> None:
    """Write counts and shares into the cells: white on dark colours."""
    image, sign, digits = axes.images[0], "+" if signed else "", 1 if signed and grid.few else 0
    for (row, column), count in np.ndenumerate(panel):
        light = np.array(image.cmap(image.norm(shares[row, column])))[:3] ** 2.2 @ (0.2126, 0.7152, 0.0722)
        colour = "white" if light < 0.19 else INK  # whichever stands out more
        share = _minus(f"{100 * shares[row, column]:{sign}.{digits}f}")
        share = "0" if not share.strip(f"+{MINUS}0.") else share
        if grid.few:
            number = _number(int(count), sign, grid.across - 0.06)
            size = _fit(number, grid.across - 0.06, 15)
            _write(axes, column, row - 0.17, number, size, colour, ha="center", weight="bold")
            _write(axes, column, row + 0.2, share if signed else f"{share} %", 13, colour, ha="center")
        elif not signed or share != "0":
            _write(axes, column, row, share, 12, colour, ha="center")


def _number(count: int, sign: str, width: float) -> str:
    """A count with its thousands; shorter where that is too wide."""
    text = _minus(f"{count:{sign if count else ''},}")
    if abs(count) < 10_000 or _width(text, 15, "bold") <= width:
        return text
    unit, name = (1e6, "M") if abs(count) >= 1e6 else (1e3, "k")
    return _minus(f"{count / unit:{sign}.3g}{name}")


def _outcome(verdict: Verdict) -> str:
    """The overall result in a word: the check "difference", or where none was made, the interval itself."""
    found, margin = verdict.difference, verdict.policy.get("margin", 0.0)
    if verdict.checks_with("identical") and verdict.discordant == (0, 0):
        return "identical"
    statuses = [check.status for check in verdict.checks_with("difference")]
    if not statuses:
        statuses = ["pass" if found.low > margin else "fail" if found.high < min(margin, 0) else "undecided"]
    won = "not worse" if found.low <= 0 else "better"
    return {"pass": won, "fail": "worse"}.get(statuses[0], "cannot tell")


def _outcome_of_slice(verdict: Verdict, part: Slice) -> str:
    """A slice's result in a word. Its guard is stricter than the interval drawn: where it passes, "worse?" at most."""
    statuses = [check.status for check in verdict.checks_with("slice") if check.name == f"slice {part.name}"]
    if "fail" in statuses or (not statuses and part.high < 0):
        return "worse"
    if part.high < 0:
        return "tolerated" if part.low > -verdict.policy.get("tolerance", 0.0) else "worse?"
    return "better" if part.low > 0 else "cannot tell"


def _regions(axes: Axes, parts: list[Difference | Slice], margin: float, width: float) -> None:
    """The axis of a forest plot: its limits, tinted regions and their names, the lines at 0 and at the margin."""
    edges = (100 * min(margin, 0), 100 * margin)
    names = ("◀ worse", "cannot tell", f"{'better' if margin >= 0 else 'not worse'} ▶")
    before, middle, after = (_width(name, 14) for name in names)
    values = [100 * value for part in parts for value in (part.low, part.high)]
    low, high, centre = min(*values, 0, *edges), max(*values, 0, *edges), sum(edges) / 2
    pad = 0.06 * (high - low) or 1.0
    low, high = low - pad, high + pad
    for _ in range(20):  # room for the names on either side of the middle one
        inches = width / (high - low)
        low = min(low, centre - (before + middle / 2 + 0.25) / inches)
        high = max(high, centre + (after + middle / 2 + 0.25) / inches)
    inches = width / (high - low)
    axes.set(xlim=(low, high), yticks=[])
    _ticks(axes, "{:+g}")
    top = axes.get_ylim()[1]
    axes.axvspan(low, edges[0], color=ORANGE_TINT, lw=0, zorder=0)
    axes.axvspan(edges[1], high, color=BLUE_TINT, lw=0, zorder=0)
    if edges[0] != edges[1]:
        axes.axvspan(*edges, color=GREY_TINT, lw=0, zorder=0)
    axes.axvline(0, color=INK, lw=2 if margin == 0 else 1, zorder=1)
    if margin:
        axes.axvline(100 * margin, color=INK, lw=2, ls=(0, (4, 2)), zorder=1)
    _write(axes, low + 0.06 / inches, top, names[0], 14, ORANGE, va="bottom")
    _write(axes, centre, top, names[1], 14, GREY, ha="center", va="bottom")
    _write(axes, high - 0.06 / inches, top, names[2], 14, BLUE, ha="right", va="bottom")


def _interval(axes: Axes, y: float, part: Difference | Slice, colour: str, heavy: bool) -> None:
    axes.plot([100 * part.low, 100 * part.high], [y, y], color=colour, lw=6 if heavy else 3.5, solid_capstyle="butt")
    axes.plot(100 * part.estimate, y, "D" if heavy else "o", color=colour, ms=12 if heavy else 8, mec="white")


def _ticks(axes: Axes, words: str, whole: bool = False) -> None:
    low, high = axes.get_xlim()
    ticks = [value for value in MaxNLocator(5, integer=whole).tick_values(low, high) if low <= value <= high]
    ticks = [value for value in ticks if value >= 0] if whole else ticks
    axes.set_xticks(ticks, [_minus(words.format(value)) if value else "0" for value in ticks], family=FONT)
    axes.tick_params(axis="x", labelsize=13, labelcolor=GREY, color=LIGHT)
    axes.spines[["left", "right", "top"]].set_visible(False)
    axes.spines["bottom"].set_color(LIGHT)


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def _where(verdict: Verdict) -> str:
    return f"{verdict.rows.count:,} {_squeeze(verdict.rows.name, 3, 13)} rows"


def _note(difference: Difference) -> str:
    return f"points of accuracy; the lines are {100 * difference.confidence:.3g} % intervals"


def _looks(verdict: Verdict) -> str:
    look = verdict.look
    if look.left is None:
        return "no ledger here: looks are not counted"
    left = f"{look.left} look{'' if look.left == 1 else 's'} left on the holdout"
    return f"{'one look spent' if look.spent else 'no look spent'}, {left}"
