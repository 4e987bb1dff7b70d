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

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle


def draw_candidates(judged: list[tuple[str, str, Verdict]]) -> Figure:
    """Several candidates (name, story, verdict) against one production model on the same rows, a line for each.

    Beside the gate's verdict stands the plain rule's: ▲ the accuracy went up. In bold where the two do not agree.
    """
    verdicts = [verdict for *_, verdict in judged]
    compared = [verdict.difference for verdict in verdicts if verdict.difference]
    if not compared:
        return nothing_to_draw("Nothing to compare", verdicts[0].reason if verdicts else "There are no candidates.")
    risen = [bool(verdict.difference and verdict.difference.estimate > 0) for verdict in verdicts]
    won = sum(verdict.decision == PROMOTE for verdict in verdicts)
    title = f"{len(judged)} candidates: accuracy went up {_times(sum(risen))}, the gate promotes {_times(won)}"
    alt = ". ".join([title, *(f"{name}, {story}: {verdict.decision}" for name, story, verdict in judged)])
    width, pitch, left, right = 10, 0.66, 3.35, 7.05
    tall, bottom = pitch * (len(judged) + 0.3), 0.9
    height = bottom + tall + 1.1
    figure, sheet = blank_sheet(width, height, alt)
    write(sheet, 0.3, height - 0.4, title, fit(title, 9.4, 19), weight="bold")
    write(sheet, 7.25, bottom + tall, "accuracy", 14, GREY, va="bottom")
    write(sheet, 9.05, bottom + tall, "the gate", 14, GREY, ha="center", va="bottom")
    axes = figure.add_axes((left / width, bottom / height, (right - left) / width, tall / height))
    axes.set_ylim(-0.65, len(judged) - 0.35)
    draw_regions(axes, compared, verdicts[0].policy.get("margin", 0.0), right - left)
    for number, ((name, story, verdict), up) in enumerate(zip(judged, risen, strict=True)):
        y = len(judged) - 1 - number
        at = bottom + pitch * (y + 0.65)
        colour, agrees = COLOURS[verdict.decision], up == (verdict.decision == PROMOTE)
        write(sheet, 0.3, at + 0.14, squeeze(name, 2.9, 15, "bold"), 15, weight="bold")
        write(sheet, 0.3, at - 0.14, shorten(story, 2.9, 13), 13, GREY)
        change = f"{'▲' if up else '▼'} {100 * verdict.difference.estimate:+.2f}" if verdict.difference else "n/a"
        if verdict.difference:
            draw_interval(axes, y, verdict.difference, colour, heavy=False)
        weight, ink = ("normal", GREY) if agrees else ("bold", INK)
        write(sheet, 7.25, at, minus(change), fit(change, 1.05, 15), ink, weight=weight)
        sheet.add_patch(Rectangle((8.35, at - 0.21), 1.4, 0.42, color=colour, lw=0))
        write(sheet, 9.05, at, verdict.decision, 14, "white", ha="center", weight="bold")
    write(sheet, 0.3, 0.28, f"{rows_in_words(verdicts[0])}: {interval_in_words(compared[0])}", 13, GREY)
    return figure


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")
