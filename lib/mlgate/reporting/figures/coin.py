"""The disagreements as tosses of a coin."""

from mlgate.gate import statistics
from mlgate.reporting.figures.canvas import (
    BLUE,
    GREY,
    INK,
    LIGHT,
    ORANGE,
    blank_sheet,
    fit,
    nothing_to_draw,
    set_ticks,
    write,
)

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import binom


def draw_coin(b: int, c: int) -> Figure:
    """How often a fair coin would do what b + c disagreements did: the tail of the mid-p, shaded, and in words.

    b rows only the candidate gets right, c rows only production. The tail lies on b's side: "so many", or "so few".
    """
    tosses = b + c
    if not tosses:
        return nothing_to_draw("No coin to toss", "The two models never disagreed on what is right.")
    heads, low, high = _heads(b, tosses)
    chances = binom.pmf(heads, tosses, 0.5)
    if b >= c:
        chance = odds(statistics.midp(b, c))
        so_many = "so many"
        or_more = "more"
        colour = BLUE
        beyond = heads > b
    else:
        chance = odds(statistics.midp(c, b))
        so_many = "so few"
        or_more = "fewer"
        colour = ORANGE
        beyond = heads < b
    inside = np.where(beyond, chances, np.where(heads == b, chances / 2, 0))

    plural = "s" if tosses > 1 else ""
    title = f"{tosses:,} disagreement{plural}, {b:,} for the candidate: a fair coin?"
    alt = f"{title} {so_many.capitalize()} heads, by chance alone: {chance}."
    figure, sheet = blank_sheet(10, 4.2, alt)
    write(sheet, 0.3, 3.85, title, fit(title, 9.4, 19), weight="bold")

    # The coin's heads, and how far the tail goes.
    axes = figure.add_axes((0.03, 0.22, 0.6, 0.53))
    for values, ink in ((chances, LIGHT), (inside, colour)):
        axes.stairs(values, np.arange(heads[0], heads[-1] + 2) - 0.5, fill=True, color=ink, lw=0)
    axes.axvline(b, color=INK, lw=2.5)
    axes.set(xlim=(low - 0.6, high + 0.6), ylim=(0, chances.max() * 1.05), yticks=[])
    set_ticks(axes, "{:,.0f}", whole=True)
    at = 0.3 + 6.0 * (b - axes.get_xlim()[0]) / np.ptp(axes.get_xlim())
    write(sheet, at, 3.3, f"{b:,}", 17, weight="bold", ha="center")
    write(sheet, 3.3, 0.28, "heads: rows that only the candidate gets right", 13, GREY, ha="center")

    # The same in words.
    write(sheet, 6.75, 2.85, f"{so_many} heads", 17)
    write(sheet, 6.75, 2.5, "by chance alone:", 17)
    write(sheet, 6.75, 1.95, chance, fit(chance, 2.95, 34), colour, weight="bold")
    tail = f"shaded: {b:,} or {or_more},"
    if inside.sum() <= 0.002:
        tail = f"{b:,} or {or_more}: too thin to see;"
    write(sheet, 6.75, 1.3, tail, 13, GREY)
    write(sheet, 6.75, 1.04, f"{b:,} itself counted half", 13, GREY)
    return figure


def _heads(b: int, tosses: int) -> tuple[np.ndarray, float, float]:
    """Return the numbers of heads that are drawn, and the ends of the axis: what is likely, and b."""
    spread = max(4.2 * float(np.sqrt(tosses)) / 2, 1.5)
    low = min(tosses / 2 - spread, b - spread / 8)
    high = max(tosses / 2 + spread, b + spread / 8)
    return np.arange(max(0, np.floor(low)), min(tosses, np.ceil(high)) + 1), low, high


def odds(p: float) -> str:
    """Put a probability into words: "37 in 100", "1 in 1,234,567", "1 in 12 billion", "1 in 10⁵⁷"."""
    if p > 0.1:
        return f"{100 * p:.0f} in 100"
    if p < 1e-300:
        return "below 1 in 10³⁰⁰"
    rounds = 1 / p
    if rounds < 1e7:
        return f"1 in {rounds:,.0f}"
    for size, name in ((1e9, "million"), (1e12, "billion"), (1e15, "trillion")):
        if rounds < size:
            return f"1 in {rounds / size * 1000:,.0f} {name}"
    power = str(int(np.floor(np.log10(rounds)))).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"1 in 10{power}"
