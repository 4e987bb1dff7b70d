"""The axis on which differences and their intervals are drawn: worse, cannot tell, better."""

from collections.abc import Sequence

from mlgate.gate import Difference, Slice, Verdict
from mlgate.reporting.figures.canvas import (
    BLUE,
    BLUE_TINT,
    GREY,
    GREY_TINT,
    INK,
    ORANGE,
    ORANGE_TINT,
    set_ticks,
    squeeze,
    width_of,
    write,
)

from matplotlib.axes import Axes


def draw_regions(axes: Axes, parts: Sequence[Difference | Slice], margin: float, width: float) -> None:
    """The axis of a forest plot: its limits, tinted regions and their names, the lines at 0 and at the margin."""
    edges = (100 * min(margin, 0), 100 * margin)
    names = ("◀ worse", "cannot tell", f"{'better' if margin >= 0 else 'not worse'} ▶")
    before, middle, after = (width_of(name, 14) for name in names)
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
    set_ticks(axes, "{:+g}")
    top = axes.get_ylim()[1]
    axes.axvspan(low, edges[0], color=ORANGE_TINT, lw=0, zorder=0)
    axes.axvspan(edges[1], high, color=BLUE_TINT, lw=0, zorder=0)
    if edges[0] != edges[1]:
        axes.axvspan(*edges, color=GREY_TINT, lw=0, zorder=0)
    axes.axvline(0, color=INK, lw=2 if margin == 0 else 1, zorder=1)
    if margin:
        axes.axvline(100 * margin, color=INK, lw=2, ls=(0, (4, 2)), zorder=1)
    write(axes, low + 0.06 / inches, top, names[0], 14, ORANGE, va="bottom")
    write(axes, centre, top, names[1], 14, GREY, ha="center", va="bottom")
    write(axes, high - 0.06 / inches, top, names[2], 14, BLUE, ha="right", va="bottom")


def draw_interval(axes: Axes, y: float, part: Difference | Slice, colour: str, heavy: bool) -> None:
    axes.plot([100 * part.low, 100 * part.high], [y, y], color=colour, lw=6 if heavy else 3.5, solid_capstyle="butt")
    axes.plot(100 * part.estimate, y, "D" if heavy else "o", color=colour, ms=12 if heavy else 8, mec="white")


def rows_in_words(verdict: Verdict) -> str:
    return f"{verdict.rows.count:,} {squeeze(verdict.rows.name, 3, 13)} rows"


def interval_in_words(difference: Difference) -> str:
    return f"points of accuracy; the lines are {100 * difference.confidence:.3g} % intervals"
