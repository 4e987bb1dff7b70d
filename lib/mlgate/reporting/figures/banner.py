"""The verdict as a banner that is read from the last row."""

from mlgate.gate import Side, Verdict
from mlgate.reporting.figures.canvas import COLOURS, GREY, INK, blank_sheet, draw_symbol, minus, shorten, wrap, write
from mlgate.reporting.figures.differences import rows_in_words

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle


def draw_banner(verdict: Verdict) -> Figure:
    """Draw the decision, readable from the last row: symbol, word, colour, accuracies, the reason, the looks left."""
    colour = COLOURS[verdict.decision]
    shown = {"production": _percent(verdict.production), "candidate": _percent(verdict.candidate)}
    alt = f"{verdict.decision}: production {shown['production']}, candidate {shown['candidate']}. {verdict.reason}"
    reason = wrap(verdict.reason, 9.2, 16, most=4)
    height = 3.2 + 0.33 * len(reason)
    figure, sheet = blank_sheet(10, height, alt)
    sheet.add_patch(Rectangle((0, height - 1.45), 10, 1.45, color=colour, lw=0))
    draw_symbol(sheet, 0.95, height - 0.72, verdict.decision)
    write(sheet, 1.75, height - 0.74, verdict.decision, 76, "white", weight="bold")
    if verdict.difference:
        shown["difference"] = minus(f"{100 * verdict.difference.estimate:+.2f} points")
    for number, (name, value) in enumerate(shown.items()):
        x = 0.4 + 2.75 * number
        write(sheet, x, height - 1.75, name, 15, GREY)
        write(sheet, x, height - 2.18, value, 32, colour if name == "candidate" else INK, weight="bold")
    for number, line in enumerate(reason):
        write(sheet, 0.4, height - 2.75 - 0.33 * number, line, 16)
    write(sheet, 0.4, 0.27, shorten(f"{rows_in_words(verdict)} · {_looks(verdict)}", 9.2, 13), 13, GREY)
    return figure


def _percent(side: Side) -> str:
    return "n/a" if side.accuracy is None else f"{side.accuracy:.2%}"


def _looks(verdict: Verdict) -> str:
    look = verdict.look
    if look.left is None:
        return "no ledger here: looks are not counted"
    spent = "one look spent" if look.spent else "no look spent"
    plural = "" if look.left == 1 else "s"
    return f"{spent}, {look.left} look{plural} left on the holdout"
