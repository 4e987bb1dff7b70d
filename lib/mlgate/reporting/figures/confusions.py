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
HARM = LinearSegmentedColormap.from_list("harm", ["#f29c62", "white", "#6aaed6"])  # light: ink stays readable
MAX_COUNTED = 4  # classes, for cells with counts and shares
MAX_WRITTEN = 10  # classes, for cells with shares alone
BELOW = 0.95  # inches below the confusion matrices


@dataclass(frozen=True)
class _Panel:
    """One matrix (truth x answer): its title, its counts, their shares of the true class, and its colours."""

    title: str
    counts: np.ndarray
    shares: np.ndarray
    colours: LinearSegmentedColormap
    scale: Normalize
    signed: bool = False

    @property
    def painted(self) -> np.ndarray:
        """What the colours show: shares; where it is a change, how much better. More mistakes are worse."""
        if not self.signed:
            return self.shares
        return np.where(np.eye(*self.shares.shape) == 1, self.shares, -self.shares)

    @property
    def columns(self) -> int:
        return int(self.counts.shape[1])


def draw_confusions(scorecard: Scorecard) -> Figure:
    """Three panels: production, candidate, and candidate minus production. Rows are the truth, columns the answers.

    Colours are shares of the true class: one scale for both models; in the difference, blue is better, orange worse.
    """
    panels = _panels(scorecard)
    grid = _grid([plain_text(name) for name in scorecard.classes], [panel.columns for panel in panels])
    alt = f"Confusion matrices. {'; '.join(panel.title for panel in panels)}."
    figure, sheet = blank_sheet(grid.width, grid.height, alt)
    _name_rows(sheet, grid)
    size = min(fit(panel.title, grid.across * panel.columns + 0.2, 16) for panel in panels)
    place = grid.left
    for panel in panels:
        wide = grid.across * panel.columns
        tall = grid.down * len(grid.names)
        axes = figure.add_axes((place / grid.width, BELOW / grid.height, wide / grid.width, tall / grid.height))
        axes.set(xticks=[], yticks=[])
        axes.imshow(panel.painted, cmap=panel.colours, norm=panel.scale, aspect="auto")
        axes.spines[:].set_color(LIGHT)
        write(sheet, place, grid.height - 0.3, panel.title, size, weight="bold")
        _name_columns(sheet, grid, place, panel.columns)
        if len(grid.names) <= MAX_WRITTEN:
            _fill(axes, panel, grid)
        place += wide + 0.4
    write(sheet, grid.left, 0.58, f"columns: the answer · {grid.cells}", 13, GREY)
    note = f"difference: candidate {MINUS} production; blue: better, orange: worse"
    write(sheet, grid.left, 0.27, note, 13, GREY)
    return figure


def _panels(scorecard: Scorecard) -> list[_Panel]:
    production = scorecard.confusion("production")
    candidate = scorecard.confusion("candidate")
    change = candidate - production
    if not candidate[:, -1].any():  # no column for "no answer"
        candidate = candidate[:, :-1]
        change = change[:, :-1]
    rows = np.maximum(production.sum(axis=1, keepdims=True), 1)
    limit = max(np.abs(change / rows).max(), 0.01)
    of_production, of_candidate, of_change = _titles(scorecard)
    return [
        _Panel(of_production, production[:, :-1], production[:, :-1] / rows, SHARES, Normalize(0, 1)),
        _Panel(of_candidate, candidate, candidate / rows, SHARES, Normalize(0, 1)),
        _Panel(of_change, change, change / rows, HARM, Normalize(-limit, limit), signed=True),
    ]


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
        if len(self.names) <= MAX_WRITTEN:
            return "in the cells: % of the true class"
        return "colour: share of the true class"

    @property
    def every(self) -> int:
        """Each how many rows a name has room."""
        return max(1, math.ceil(0.25 / self.down))


def _grid(names: list[str], columns: list[int]) -> _Grid:
    classes = len(names)
    edges = 0.35 + 0.8  # the right edge, and what is between the panels
    names_width = min(1.7, max(width_of(name, 13) for name in names))
    number_width = width_of(str(classes), 13) + 0.15
    least_across, down = _least_sizes(classes)
    least_width = 10 if least_across else 14
    width = max(least_width, 0.75 + names_width + number_width + edges + least_across * sum(columns))
    across = (width - 0.75 - names_width - edges) / sum(columns)
    numbered = any(width_of(name, 13) > across - 0.1 for name in names)
    left = 0.75 + names_width + numbered * number_width
    across = (width - left - edges) / sum(columns)
    upright = columns[1] > classes and across < 0.9
    above = 1.6 if upright else 0.95
    height = BELOW + down * classes + above
    return _Grid(names, width, height, left, across, down, numbered, upright)


def _least_sizes(classes: int) -> tuple[float, float]:
    """How wide a cell is at least, and how tall it is, in inches."""
    if classes <= MAX_COUNTED:
        return 0.78, {2: 0.95, 3: 0.72, 4: 0.62}.get(classes, 0.42)
    if classes <= MAX_WRITTEN:
        return 0.4, 0.42
    return 0.0, 5 / classes


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
    classes = len(grid.names)
    top = BELOW + grid.down * classes
    for column in range(0, classes, max(1, math.ceil(0.36 / grid.across))):
        name = str(column + 1) if grid.numbered else grid.names[column]
        write(sheet, place + grid.across * (column + 0.5), top + 0.18, name, 13, GREY, ha="center")
    if columns > classes:
        x = place + grid.across * (classes + 0.5)
        write(sheet, x, top + 0.08, "no answer", 13, GREY, ha="center", va="bottom", rotation=90 * grid.upright)


def _titles(scorecard: Scorecard) -> list[str]:
    production, candidate = scorecard.accuracy
    if scorecard.candidate.fault:
        return [f"production {production:.2%}", "candidate n/a", "difference n/a"]
    change = minus(f"{100 * (candidate - production):+.2f} points")
    return [f"production {production:.2%}", f"candidate {candidate:.2%}", f"difference {change}"]


def _fill(axes: Axes, panel: _Panel, grid: _Grid) -> None:
    """Write counts and shares into the cells: white on dark colours."""
    room = grid.across - 0.06
    for (row, column), count in np.ndenumerate(panel.counts):
        colour = _ink_on(panel.colours(panel.scale(panel.painted[row, column])))
        share = _share(panel, float(panel.shares[row, column]), grid)
        if grid.few:
            number = _number(int(count), panel.signed, room)
            write(axes, column, row - 0.17, number, fit(number, room, 15), colour, ha="center", weight="bold")
            unit = "" if panel.signed else " %"
            write(axes, column, row + 0.2, share + unit, 13, colour, ha="center")
        elif not panel.signed or share != "0":
            write(axes, column, row, share, 12, colour, ha="center")


def _ink_on(colour: tuple[float, float, float, float]) -> str:
    """Return the ink that stands out more on a colour (red, green, blue and alpha from 0 to 1)."""
    luminance = np.array(colour)[:3] ** 2.2 @ (0.2126, 0.7152, 0.0722)
    return "white" if luminance < 0.19 else INK


def _share(panel: _Panel, share: float, grid: _Grid) -> str:
    """Write a share in per cent, with its sign and a decimal in the difference; nothing is "0"."""
    text = f"{100 * share:.0f}"
    if panel.signed:
        digits = 1 if grid.few else 0
        text = f"{100 * share:+.{digits}f}"
    if not text.strip("+-0."):
        return "0"
    return minus(text)


def _number(count: int, signed: bool, width: float) -> str:
    """Write a count with its thousands; shorter where that is too wide."""
    sign = "+" if signed and count else ""
    text = minus(f"{count:{sign},}")
    if abs(count) < 10_000 or width_of(text, 15, "bold") <= width:
        return text
    if abs(count) >= 1e6:
        return minus(f"{count / 1e6:{sign}.3g}M")
    return minus(f"{count / 1e3:{sign}.3g}k")
