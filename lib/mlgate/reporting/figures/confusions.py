"""Confusion matrices of both models, and their difference."""

import math
from dataclasses import dataclass

from mlgate.reporting.figures.canvas import (
    BLUE,
    GREY,
    INK,
    LIGHT,
    MINUS,
    blank_sheet,
    fit,
    minus,
    plain_text,
    squeeze,
    width_of,
    write,
)
from mlgate.scorecard import Scorecard

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

SHARES = LinearSegmentedColormap.from_list("shares", ["white", BLUE])
CHANGES = LinearSegmentedColormap.from_list("changes", ["#f29c62", "white", "#6aaed6"])  # light: ink stays readable
MAX_COUNTED = 4  # classes, for cells with counts and shares
MAX_WRITTEN = 10  # classes, for cells with shares alone
BELOW = 0.95  # inches below the confusion matrices


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

    grid = _grid([plain_text(name) for name in scorecard.classes], [panel.shape[1] for panel in panels])
    figure, sheet = blank_sheet(grid.width, grid.height, f"Confusion matrices. {'; '.join(titles)}.")
    _name_rows(sheet, grid)
    size = min(fit(title, grid.across * panel.shape[1] + 0.2, 16) for title, panel in zip(titles, panels, strict=True))
    place = grid.left
    for panel, title, (colours, scale) in zip(panels, titles, scales, strict=True):
        wide, tall = grid.across * panel.shape[1], grid.down * len(grid.names)
        box = (place / grid.width, BELOW / grid.height, wide / grid.width, tall / grid.height)
        axes = figure.add_axes(box)
        axes.set(xticks=[], yticks=[])
        axes.imshow(panel / truths, cmap=colours, norm=scale, aspect="auto")
        axes.spines[:].set_color(LIGHT)
        write(sheet, place, grid.height - 0.3, title, size, weight="bold")
        _name_columns(sheet, grid, place, panel.shape[1])
        if len(grid.names) <= MAX_WRITTEN:
            _fill(axes, panel, panel / truths, grid, signed=panel is panels[2])
        place += wide + 0.4
    write(sheet, grid.left, 0.58, f"columns: the answer · {grid.cells}", 13, GREY)
    note = f"difference: candidate {MINUS} production; blue: more rows, orange: fewer"
    write(sheet, grid.left, 0.27, note, 13, GREY)
    return figure


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
        return len(self.names) <= MAX_COUNTED

    @property
    def cells(self) -> str:
        """What is in a cell, in words."""
        if self.few:
            return "in the cells: rows, and % of the true class"
        return (
            "in the cells: % of the true class" if len(self.names) <= MAX_WRITTEN else "colour: share of the true class"
        )

    @property
    def every(self) -> int:
        """Each how many rows a name has room."""
        return max(1, math.ceil(0.25 / self.down))


def _grid(names: list[str], columns: list[int]) -> _Grid:
    classes, edges = len(names), 0.35 + 0.8  # the right edge, and what is between the panels
    names_width = min(1.7, max(width_of(name, 13) for name in names))
    least = 0.78 if classes <= MAX_COUNTED else 0.4 if classes <= MAX_WRITTEN else 0
    number_width = width_of(str(classes), 13) + 0.15
    width = max(10 if least else 14, 0.75 + names_width + number_width + edges + least * sum(columns))
    across = (width - 0.75 - names_width - edges) / sum(columns)
    numbered = any(width_of(name, 13) > across - 0.1 for name in names)
    left = 0.75 + names_width + numbered * number_width
    across = (width - left - edges) / sum(columns)
    down = {2: 0.95, 3: 0.72, 4: 0.62}.get(classes, 0.42 if classes <= MAX_WRITTEN else 5 / classes)
    upright = columns[1] > classes and across < 0.9
    height = BELOW + down * classes + (1.6 if upright else 0.95)
    return _Grid(names, width, height, left, across, down, numbered, upright)


def _name_rows(sheet: Axes, grid: _Grid) -> None:
    number_width = width_of(str(len(grid.names)), 13) + 0.15 if grid.numbered else 0
    room = grid.left - 0.75 - number_width
    write(sheet, 0.35, BELOW + grid.down * len(grid.names) / 2, "truth", 13, GREY, ha="center", rotation=90)
    for line in range(0, len(grid.names), grid.every):
        y = BELOW + grid.down * (len(grid.names) - line - 0.5)
        write(sheet, grid.left - 0.12 - number_width, y, squeeze(grid.names[line], room, 13), 13, ha="right")
        if grid.numbered:
            write(sheet, grid.left - 0.12, y, str(line + 1), 13, GREY, ha="right")


def _name_columns(sheet: Axes, grid: _Grid, place: float, columns: int) -> None:
    top, classes = BELOW + grid.down * len(grid.names), len(grid.names)
    for column in range(0, classes, max(1, math.ceil(0.36 / grid.across))):
        name = str(column + 1) if grid.numbered else grid.names[column]
        write(sheet, place + grid.across * (column + 0.5), top + 0.18, name, 13, GREY, ha="center")
    if columns > classes:
        x, turned = place + grid.across * (classes + 0.5), 90 if grid.upright else 0
        write(sheet, x, top + 0.08, "no answer", 13, GREY, ha="center", va="bottom", rotation=turned)


def _titles(scorecard: Scorecard) -> list[str]:
    ours, theirs = scorecard.accuracy
    if scorecard.candidate.fault:
        return [f"production {ours:.2%}", "candidate n/a", "difference n/a"]
    change = minus(f"{100 * (theirs - ours):+.2f} points")
    return [f"production {ours:.2%}", f"candidate {theirs:.2%}", f"difference {change}"]


def _fill(axes: Axes, panel: np.ndarray, shares: np.ndarray, grid: _Grid, signed: bool) -> None:
    """Write counts and shares into the cells: white on dark colours."""
    image, sign, digits = axes.images[0], "+" if signed else "", 1 if signed and grid.few else 0
    for (row, column), count in np.ndenumerate(panel):
        light = np.array(image.cmap(image.norm(shares[row, column])))[:3] ** 2.2 @ (0.2126, 0.7152, 0.0722)
        colour = "white" if light < 0.19 else INK  # whichever stands out more
        share = minus(f"{100 * shares[row, column]:{sign}.{digits}f}")
        share = "0" if not share.strip(f"+{MINUS}0.") else share
        if grid.few:
            number = _number(int(count), sign, grid.across - 0.06)
            size = fit(number, grid.across - 0.06, 15)
            write(axes, column, row - 0.17, number, size, colour, ha="center", weight="bold")
            write(axes, column, row + 0.2, share if signed else f"{share} %", 13, colour, ha="center")
        elif not signed or share != "0":
            write(axes, column, row, share, 12, colour, ha="center")


def _number(count: int, sign: str, width: float) -> str:
    """A count with its thousands; shorter where that is too wide."""
    text = minus(f"{count:{sign if count else ''},}")
    if abs(count) < 10_000 or width_of(text, 15, "bold") <= width:
        return text
    unit, name = (1e6, "M") if abs(count) >= 1e6 else (1e3, "k")
    return minus(f"{count / unit:{sign}.3g}{name}")
