"""The verdict as a banner that is read from the last row."""

from mlgate.gate import Verdict
from mlgate.gate.metrics import WORDS, in_units
from mlgate.reporting.figures.canvas import COLOURS, GREY, INK, blank_sheet, draw_symbol, minus, shorten, wrap, write
from mlgate.reporting.figures.differences import rows_in_words
from mlgate.reporting.report import metric_of, value_of
from mlgate.root import LOSSES

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle


def draw_banner(verdict: Verdict) -> Figure:
    """Draw the decision, readable from the last row: symbol, word, colour, accuracies, the reason, the looks left."""
    colour = COLOURS[verdict.decision]
    metric = metric_of(verdict)
    shown = {"production": value_of(verdict.production, metric), "candidate": value_of(verdict.candidate, metric)}
    alt = f"{verdict.decision}: production {shown['production']}, candidate {shown['candidate']}. {verdict.reason}"
    reason = wrap(verdict.reason, 9.2, 16, most=4)
    height = 3.2 + 0.33 * len(reason)
    figure, sheet = blank_sheet(10, height, alt)
    sheet.add_patch(Rectangle((0, height - 1.45), 10, 1.45, color=colour, lw=0))
    draw_symbol(sheet, 0.95, height - 0.72, verdict.decision)
    write(sheet, 1.75, height - 0.74, verdict.decision, 76, "white", weight="bold")
    if verdict.difference:
        shown["difference"] = minus(f"{in_units(verdict.difference.estimate, metric)} {_short_unit(metric)}".strip())
    for number, (name, value) in enumerate(shown.items()):
        x = 0.4 + 2.75 * number
        write(sheet, x, height - 1.75, name, 15, GREY)
        write(sheet, x, height - 2.18, value, 32, colour if name == "candidate" else INK, weight="bold")
    for number, line in enumerate(reason):
        write(sheet, 0.4, height - 2.75 - 0.33 * number, line, 16)
    foot = [rows_in_words(verdict), _looks(verdict)]
    if metric != "accuracy":
        foot.insert(0, WORDS[metric])
    write(sheet, 0.4, 0.27, shorten(" · ".join(foot), 9.2, 13), 13, GREY)
    return figure


def _short_unit(metric: str) -> str:
    return "" if metric in LOSSES else "points"


def _looks(verdict: Verdict) -> str:
    look = verdict.look
    if look.left is None:
        return "no ledger here: looks are not counted"
    spent = "one look spent" if look.spent else "no look spent"
    plural = "" if look.left == 1 else "s"
    return f"{spent}, {look.left} look{plural} left on the holdout"
