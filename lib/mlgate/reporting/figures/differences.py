"""The axis on which differences and their intervals are drawn: worse, cannot tell, better."""

from collections.abc import Sequence

from mlgate.gate import Difference, Slice, Verdict
from mlgate.gate.metrics import WORDS, unit_of
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
from mlgate.root import LOSSES

from matplotlib.axes import Axes

WORSE = "◀ worse"
CANNOT_TELL = "cannot tell"


def scale_of(metric: str) -> int:
    """Return by what differences are multiplied where they are drawn: shares are drawn in points."""
    return 1 if metric in LOSSES else 100


def draw_regions(
    axes: Axes, parts: Sequence[Difference | Slice], margin: float, width: float, scale: int = 100
) -> None:
    """Draw the axis of a forest plot: its limits, tinted regions and their names, the lines at 0 and at the margin.

    width: of the axes, in inches.
    """
    worse_below = scale * min(margin, 0)
    better_above = scale * margin
    better = "better ▶" if margin >= 0 else "not worse ▶"
    values = [scale * end for part in parts for end in (part.low, part.high, *_guard_of(part))]
    low, high = _limits([*values, 0, worse_below, better_above], (worse_below + better_above) / 2, better, width)
    inch = (high - low) / width
    axes.set(xlim=(low, high), yticks=[])
    set_ticks(axes, "{:+g}")
    top = axes.get_ylim()[1]
    axes.axvspan(low, worse_below, color=ORANGE_TINT, lw=0, zorder=0)
    axes.axvspan(better_above, high, color=BLUE_TINT, lw=0, zorder=0)
    if worse_below != better_above:
        axes.axvspan(worse_below, better_above, color=GREY_TINT, lw=0, zorder=0)
    axes.axvline(0, color=INK, lw=2 if margin == 0 else 1, zorder=1)
    if margin:
        axes.axvline(better_above, color=INK, lw=2, ls=(0, (4, 2)), zorder=1)
    write(axes, low + 0.06 * inch, top, WORSE, 14, ORANGE, va="bottom")
    write(axes, (worse_below + better_above) / 2, top, CANNOT_TELL, 14, GREY, ha="center", va="bottom")
    write(axes, high - 0.06 * inch, top, better, 14, BLUE, ha="right", va="bottom")


def _limits(values: list[float], centre: float, better: str, width: float) -> tuple[float, float]:
    """Return the ends of the axis: all values, and room for the regions' names on either side of the middle one."""
    before = width_of(WORSE, 14) + width_of(CANNOT_TELL, 14) / 2 + 0.25
    after = width_of(better, 14) + width_of(CANNOT_TELL, 14) / 2 + 0.25
    pad = 0.06 * (max(values) - min(values)) or 1.0
    low = min(values) - pad
    high = max(values) + pad
    for _ in range(20):  # each widening makes an inch longer
        inch = (high - low) / width
        low = min(low, centre - before * inch)
        high = max(high, centre + after * inch)
    return low, high


def draw_interval(
    axes: Axes, y: float, part: Difference | Slice, colour: str, *, heavy: bool, scale: int = 100
) -> None:
    """Draw an interval and its estimate, in points; thin, the interval at the guards' level.

    The marker is a stroke taller than the line is thick, so that it hides no interval however short.
    """
    line = 6 if heavy else 3.5
    size = 17 if heavy else 12
    guard = [scale * end for end in _guard_of(part)]
    axes.plot(guard, [y] * len(guard), "|-", color=colour, lw=1, ms=8, mew=1)
    axes.plot([scale * part.low, scale * part.high], [y, y], color=colour, lw=line, solid_capstyle="butt")
    axes.plot(scale * part.estimate, y, "|", color="white", ms=size, mew=3.5)
    axes.plot(scale * part.estimate, y, "|", color=colour, ms=size, mew=2)


def _guard_of(part: Difference | Slice) -> tuple[float, ...]:
    """Return the ends of a slice's interval at the guards' level; () where there is none."""
    if isinstance(part, Difference) or part.guard_low is None or part.guard_high is None:
        return ()
    return part.guard_low, part.guard_high


def rows_in_words(verdict: Verdict) -> str:
    """Which rows a verdict is about."""
    return f"{verdict.rows.count:,} {squeeze(verdict.rows.name, 3, 13)} rows"


def interval_in_words(difference: Difference) -> str:
    """Say what the lines of an interval are."""
    unit = f"points of {WORDS[difference.metric]}"
    if difference.metric in LOSSES:
        unit = unit_of(difference.metric)
    return f"{unit}; the lines are {100 * difference.confidence:.3g} % intervals"
