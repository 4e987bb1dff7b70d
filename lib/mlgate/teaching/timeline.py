"""The figure of what a client saw: which model answered when, and what happened to production meanwhile."""

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

MOST = 6  # models
LANE, LEGEND = 0.62, 0.34  # inches
WIDTH, LEFT, RIGHT = 10.0, 2.1, 8.6
COLOURS = (BLUE, "#8a5a00", "#3d7a3d", "#6b4c9a", INK, GREY)
NONE = ""


def draw_timeline(answers: pd.DataFrame, marks: list[tuple[float, str]] = ()) -> Figure:
    """Every answer of a stream as a stroke at its second, a lane for each model that answered and one for failures.

    answers: columns second, status and digest, as `Stream.answers` gives them. marks: (second, what happened then),
    drawn as numbered lines; those outside the answers' time are left out.
    """
    if answers.empty:
        return nothing_to_draw("No answers", "The stream has not sent a request yet.")
    first, last = float(answers["second"].min()), float(answers["second"].max())
    seen = [(second, what) for second, what in sorted(marks) if first - 0.05 <= second <= last + 0.05]
    failed = answers["status"] != 200
    lanes = _lanes(answers[~failed])
    words = summary(answers)
    happened = "; ".join(f"{what} at {second:.2f} s" for second, what in seen)
    lines = -(-len(seen) // 2)
    bottom = 0.62 + LEGEND * lines + 0.38
    tall = LANE * (len(lanes) + 1)
    height = bottom + tall + 1.15
    figure, sheet = blank_sheet(WIDTH, height, f"{words}. {happened or 'Nothing happened'}.")
    write(sheet, 0.3, height - 0.35, words, fit(words, 9.4, 19), weight="bold")

    axes = figure.add_axes([LEFT / WIDTH, bottom / height, (RIGHT - LEFT) / WIDTH, tall / height])
    pad = 0.015 * (last - first) or 0.5
    axes.set(xlim=(first - pad, last + pad), ylim=(-1, len(lanes)), yticks=[])
    axes.axhspan(-1, 0, color=ORANGE_TINT if failed.any() else GREY_TINT, lw=0, zorder=0)
    bad = ORANGE if failed.any() else GREY
    for number, (name, seconds) in enumerate([*lanes, (NONE, answers["second"][failed])]):
        y = len(lanes) - 1 - number
        _lane(sheet, axes, y, bottom + LANE * (y + 1.5), name, seconds, COLOURS[number % MOST] if name else bad)
    set_ticks(axes, "{:g}")
    write(sheet, (LEFT + RIGHT) / 2, bottom - 0.52, "seconds", 13, GREY, ha="center")
    _mark(sheet, axes, seen, bottom + tall)
    for number, (second, what) in enumerate(seen):
        x, y = 0.3 + 4.8 * (number // lines), bottom - 0.9 - LEGEND * (number % lines)
        write(sheet, x, y, shorten(f"{number + 1}  {what} ({second:.2f} s)", 4.6, 14), 14)
    return figure


def summary(answers: pd.DataFrame) -> str:
    """How many answers and failures there were, and the longest wait from one answer to the next."""
    failed, longest = int((answers["status"] != 200).sum()), answers["second"].diff().max()
    waited = "" if pd.isna(longest) else f", never more than {longest:.2f} s apart"
    return f"{_counted(len(answers) - failed, 'answer')}{waited}, {_counted(failed, 'failure')}"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _lanes(good: pd.DataFrame) -> list[tuple[str, pd.Series]]:
    """The seconds of each model's answers, in the order in which the models came; beyond MOST, together."""
    names = good["digest"].drop_duplicates().tolist()
    kept = names if len(names) <= MOST else names[: MOST - 1]
    lanes = [(name[:12], good["second"][good["digest"] == name]) for name in kept]
    others = good["second"][~good["digest"].isin(kept)]
    return [*lanes, (f"{len(names) - len(kept)} others", others)] if len(others) else lanes


def _lane(sheet: Axes, axes: Axes, y: int, at: float, name: str, seconds: pd.Series, colour: str) -> None:
    """A lane: who answered, a stroke for each answer, and how many there were."""
    axes.axhline(y, color=LIGHT, lw=1, zorder=1)
    axes.vlines(seconds, y + 0.16, y + 0.84, color=colour, lw=0.9 if name else 2, zorder=2)
    label = plain_text(name or "failed")
    write(sheet, LEFT - 0.2, at, label, fit(label, 1.65, 14), colour, ha="right", weight="bold")
    count = f"{len(seconds):,}" if len(seconds) or name else "none"
    write(sheet, RIGHT + 0.2, at, count, 17, colour, weight="bold")


def _mark(sheet: Axes, axes: Axes, seen: list[tuple[float, str]], top: float) -> None:
    """A line for each mark, and its number above: beside its line where another number is in the way."""
    low, high = axes.get_xlim()
    lines = [LEFT + (RIGHT - LEFT) * (second - low) / (high - low) for second, _ in seen]
    for number, (line, at) in enumerate(zip(lines, _spread(lines), strict=True), start=1):
        axes.axvline(seen[number - 1][0], color=INK, lw=1.4, zorder=3)
        sheet.plot([line, at], [top, top + 0.16], color=INK, lw=1.2, solid_capstyle="round")
        write(sheet, at, top + 0.32, str(number), 15, weight="bold", ha="center")
    write(sheet, LEFT - 0.2, top + 0.32, "model", 13, GREY, ha="right")
    write(sheet, RIGHT + 0.2, top + 0.32, "answers", 13, GREY)


def _spread(places: list[float], apart: float = 0.3) -> list[float]:
    """Sorted places moved so that each is `apart` from the next, and none is right of RIGHT while there is room."""
    found: list[float] = []
    for place in places:
        found.append(max(place, found[-1] + apart) if found else place)
    limit = RIGHT
    for number in reversed(range(len(found))):
        found[number] = min(found[number], limit)
        limit = found[number] - apart
    return found
