"""Several candidates against one production model."""

from mlgate.gate import PROMOTE, Verdict
from mlgate.reporting.figures.canvas import (
    COLOURS,
    GREY,
    INK,
    blank_sheet,
    fit,
    minus,
    nothing_to_draw,
    shorten,
    squeeze,
    write,
)
from mlgate.reporting.figures.differences import draw_interval, draw_regions, interval_in_words, rows_in_words

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

WIDTH = 10  # inches, as all of these
PITCH = 0.66
LEFT = 3.35
RIGHT = 7.05
BOTTOM = 0.9


def draw_candidates(judged: list[tuple[str, str, Verdict]]) -> Figure:
    """Several candidates (name, story, verdict) against one production model on the same rows, a line for each.

    Beside the gate's verdict stands the plain rule's: ▲ the accuracy went up. In bold where the two do not agree.
    """
    if not judged:
        return nothing_to_draw("Nothing to compare", "There are no candidates.")
    first = judged[0][2]
    compared = [verdict.difference for _, _, verdict in judged if verdict.difference]
    if not compared:
        return nothing_to_draw("Nothing to compare", first.reason)
    title = _title([verdict for _, _, verdict in judged])
    alt = ". ".join([title, *(f"{name}, {story}: {verdict.decision}" for name, story, verdict in judged)])
    tall = PITCH * (len(judged) + 0.3)
    height = BOTTOM + tall + 1.1
    figure, sheet = blank_sheet(WIDTH, height, alt)
    write(sheet, 0.3, height - 0.4, title, fit(title, 9.4, 19), weight="bold")
    write(sheet, 7.25, BOTTOM + tall, "accuracy", 14, GREY, va="bottom")
    write(sheet, 9.05, BOTTOM + tall, "the gate", 14, GREY, ha="center", va="bottom")
    axes = figure.add_axes((LEFT / WIDTH, BOTTOM / height, (RIGHT - LEFT) / WIDTH, tall / height))
    axes.set_ylim(-0.65, len(judged) - 0.35)
    draw_regions(axes, compared, first.policy.get("margin", 0.0), RIGHT - LEFT)
    for number, (name, story, verdict) in enumerate(judged):
        y = len(judged) - 1 - number
        at = BOTTOM + PITCH * (y + 0.65)
        write(sheet, 0.3, at + 0.14, squeeze(name, 2.9, 15, "bold"), 15, weight="bold")
        write(sheet, 0.3, at - 0.14, shorten(story, 2.9, 13), 13, GREY)
        if verdict.difference:
            draw_interval(axes, y, verdict.difference, COLOURS[verdict.decision], heavy=False)
        _write_decisions(sheet, at, verdict)
    write(sheet, 0.3, 0.28, f"{rows_in_words(first)}: {interval_in_words(compared[0])}", 13, GREY)
    return figure


def _went_up(verdict: Verdict) -> bool:
    return verdict.difference is not None and verdict.difference.estimate > 0


def _title(verdicts: list[Verdict]) -> str:
    up = sum(_went_up(verdict) for verdict in verdicts)
    promoted = sum(verdict.decision == PROMOTE for verdict in verdicts)
    return f"{len(verdicts)} candidates: accuracy went up {_times(up)}, the gate promotes {_times(promoted)}"


def _write_decisions(sheet: Axes, at: float, verdict: Verdict) -> None:
    """Write what accuracy did and what the gate says; in bold where a plain rule would do otherwise."""
    up = _went_up(verdict)
    change = "n/a"
    if verdict.difference:
        arrow = "▲" if up else "▼"
        change = f"{arrow} {100 * verdict.difference.estimate:+.2f}"
    size = fit(change, 1.05, 15)
    if up == (verdict.decision == PROMOTE):
        write(sheet, 7.25, at, minus(change), size, GREY)
    else:
        write(sheet, 7.25, at, minus(change), size, INK, weight="bold")
    sheet.add_patch(Rectangle((8.35, at - 0.21), 1.4, 0.42, color=COLOURS[verdict.decision], lw=0))
    write(sheet, 9.05, at, verdict.decision, 14, "white", ha="center", weight="bold")


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")
