"""The figure of what a client saw: which model answered when, and what happened to production meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlgate.reporting.figures.canvas import (
    BLUE,
    GREY,
    GREY_TINT,
    INK,
    LIGHT,
    ORANGE,
    ORANGE_TINT,
    blank_sheet,
    fit,
    nothing_to_draw,
    plain_text,
    set_ticks,
    shorten,
    write,
)

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

MAX_LANES = 6  # models with a lane of their own
# In inches.
LANE = 0.62
LEGEND = 0.34
WIDTH = 10.0
LEFT = 2.1
RIGHT = 8.6
MIDDLE = (LEFT + RIGHT) / 2
COLOURS = (BLUE, "#8a5a00", "#3d7a3d", "#6b4c9a", INK, GREY)
FAILED = ""  # the name of the lowest lane

Mark = tuple[float, str]  # a second, and what happened then


@dataclass(frozen=True)
class Layout:
    """Where things stand on the sheet, in inches from its lower left corner."""

    lanes: int
    legend: int  # lines of the legend

    @property
    def bottom(self) -> float:
        """The lower end of the lanes."""
        return 1.0 + LEGEND * self.legend

    @property
    def top(self) -> float:
        """The upper end of the lanes."""
        return self.bottom + LANE * self.lanes

    @property
    def height(self) -> float:
        """The upper end of the sheet."""
        return self.top + 1.15


def draw_timeline(answers: pd.DataFrame, marks: Sequence[Mark] = ()) -> Figure:
    """Draw every answer of a stream as a stroke at its second, in a lane for each model and one for failures.

    answers: columns second, status and digest, as `Stream.answers` gives them. marks: (second, what happened then),
    drawn as numbered lines; those outside the answers' time are left out.
    """
    if answers.empty:
        return nothing_to_draw("No answers", "The stream has not sent a request yet.")
    first = float(answers["second"].min())
    last = float(answers["second"].max())
    seen = [(second, what) for second, what in sorted(marks) if first - 0.05 <= second <= last + 0.05]
    failed = answers["status"] != 200
    lanes = [*_lanes(answers[~failed]), (FAILED, answers["second"][failed])]
    layout = Layout(len(lanes), (len(seen) + 1) // 2)

    words = summary(answers)
    happened = "; ".join(f"{what} at {second:.2f} s" for second, what in seen)
    figure, sheet = blank_sheet(WIDTH, layout.height, f"{words}. {happened or 'Nothing happened'}.")
    write(sheet, 0.3, layout.height - 0.35, words, fit(words, 9.4, 19), weight="bold")
    axes = _axes(figure, layout, first, last)
    _draw_lanes(sheet, axes, layout, lanes)
    set_ticks(axes, "{:g}")
    write(sheet, MIDDLE, layout.bottom - 0.52, "seconds", 13, GREY, ha="center")
    _mark(sheet, axes, seen, layout.top)
    _draw_legend(sheet, layout, seen)
    return figure


def _axes(figure: Figure, layout: Layout, first: float, last: float) -> Axes:
    width = (RIGHT - LEFT) / WIDTH
    height = (layout.top - layout.bottom) / layout.height
    axes = figure.add_axes((LEFT / WIDTH, layout.bottom / layout.height, width, height))
    pad = 0.015 * (last - first) or 0.5
    axes.set(xlim=(first - pad, last + pad), ylim=(-1, layout.lanes - 1), yticks=[])
    return axes


def _draw_lanes(sheet: Axes, axes: Axes, layout: Layout, lanes: list[tuple[str, pd.Series]]) -> None:
    """Draw the models' lanes from above, and the failures' lane below, which is grey where there are none."""
    failures = len(lanes[-1][1])
    axes.axhspan(-1, 0, color=ORANGE_TINT if failures else GREY_TINT, lw=0, zorder=0)
    for number, (name, seconds) in enumerate(lanes):
        y = layout.lanes - 2 - number
        colour = COLOURS[number % MAX_LANES]
        if name == FAILED:
            colour = ORANGE if failures else GREY
        _lane(sheet, axes, y=y, at=layout.bottom + LANE * (y + 1.5), name=name, seconds=seconds, colour=colour)


def _draw_legend(sheet: Axes, layout: Layout, seen: list[Mark]) -> None:
    """Write what happened at each mark, in two columns."""
    for number, (second, what) in enumerate(seen):
        column, line = divmod(number, layout.legend)
        x = 0.3 + 4.8 * column
        y = layout.bottom - 0.9 - LEGEND * line
        write(sheet, x, y, shorten(f"{number + 1}  {what} ({second:.2f} s)", 4.6, 14), 14)


def summary(answers: pd.DataFrame) -> str:
    """Say how many answers and failures there were, and the longest wait from one answer to the next."""
    failed = int((answers["status"] != 200).sum())
    longest = answers["second"].diff().max()
    waited = "" if pd.isna(longest) else f", never more than {longest:.2f} s apart"
    return f"{_counted(len(answers) - failed, 'answer')}{waited}, {_counted(failed, 'failure')}"


def _counted(count: int, what: str) -> str:
    plural = "" if count == 1 else "s"
    return f"{count:,} {what}{plural}"


def _lanes(good: pd.DataFrame) -> list[tuple[str, pd.Series]]:
    """Return the seconds of each model's answers, in the order in which the models came; beyond MOST, together."""
    names = good["digest"].drop_duplicates().tolist()
    kept = names
    if len(names) > MAX_LANES:
        kept = names[: MAX_LANES - 1]
    lanes = [(name[:12], good["second"][good["digest"] == name]) for name in kept]
    others = good["second"][~good["digest"].isin(kept)]
    if len(others):
        lanes.append((f"{len(names) - len(kept)} others", others))
    return lanes


def _lane(sheet: Axes, axes: Axes, *, y: int, at: float, name: str, seconds: pd.Series, colour: str) -> None:
    """Draw a lane: who answered, a stroke for each answer, and how many there were."""
    axes.axhline(y, color=LIGHT, lw=1, zorder=1)
    axes.vlines(seconds, y + 0.16, y + 0.84, color=colour, lw=0.9 if name else 2, zorder=2)
    label = plain_text(name or "failed")
    write(sheet, LEFT - 0.2, at, label, fit(label, 1.65, 14), colour, ha="right", weight="bold")
    count = f"{len(seconds):,}"
    if name == FAILED and not len(seconds):
        count = "none"
    write(sheet, RIGHT + 0.2, at, count, 17, colour, weight="bold")


def _mark(sheet: Axes, axes: Axes, seen: list[Mark], top: float) -> None:
    """Draw a line for each mark, and its number above: beside its line where another number is in the way."""
    low, high = axes.get_xlim()
    lines = [LEFT + (RIGHT - LEFT) * (second - low) / (high - low) for second, _ in seen]
    for number, (line, at) in enumerate(zip(lines, _spread(lines), strict=True), start=1):
        axes.axvline(seen[number - 1][0], color=INK, lw=1.4, zorder=3)
        sheet.plot([line, at], [top, top + 0.16], color=INK, lw=1.2, solid_capstyle="round")
        write(sheet, at, top + 0.32, str(number), 15, weight="bold", ha="center")
    write(sheet, LEFT - 0.2, top + 0.32, "model", 13, GREY, ha="right")
    write(sheet, RIGHT + 0.2, top + 0.32, "answers", 13, GREY)


def _spread(places: list[float], apart: float = 0.3) -> list[float]:
    """Return sorted places, moved so that each is `apart` from the next, none right of RIGHT if there is room."""
    found: list[float] = []
    for place in places:
        found.append(max(place, found[-1] + apart) if found else place)
    limit = RIGHT
    for number in reversed(range(len(found))):
        found[number] = min(found[number], limit)
        limit = found[number] - apart
    return found
