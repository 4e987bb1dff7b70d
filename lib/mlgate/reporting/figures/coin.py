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
    many = b >= c
    chance = odds(statistics.midp(b, c) if many else statistics.midp(c, b))
    title = f"{tosses:,} disagreement{'s' if tosses > 1 else ''}, {b:,} for the candidate: a fair coin?"
    alt = f"{title} So {'many' if many else 'few'} heads, by chance alone: {chance}."
    figure, sheet = blank_sheet(10, 4.2, alt)
    write(sheet, 0.3, 3.85, title, fit(title, 9.4, 19), weight="bold")

    spread = max(4.2 * np.sqrt(tosses) / 2, 1.5)
    low, high = min(tosses / 2 - spread, b - spread / 8), max(tosses / 2 + spread, b + spread / 8)
    heads = np.arange(max(0, np.floor(low)), min(tosses, np.ceil(high)) + 1)
    chances = binom.pmf(heads, tosses, 0.5)
    inside = np.where(heads > b if many else heads < b, chances, np.where(heads == b, chances / 2, 0))
    axes = figure.add_axes((0.03, 0.22, 0.6, 0.53))
    for values, colour in ((chances, LIGHT), (inside, BLUE if many else ORANGE)):
        axes.stairs(values, np.arange(heads[0], heads[-1] + 2) - 0.5, fill=True, color=colour, lw=0)
    axes.axvline(b, color=INK, lw=2.5)
    axes.set(xlim=(low - 0.6, high + 0.6), ylim=(0, chances.max() * 1.05), yticks=[])
    set_ticks(axes, "{:,.0f}", whole=True)
    at = 0.3 + 6.0 * (b - axes.get_xlim()[0]) / np.ptp(axes.get_xlim())
    mark = f"{b:,}"
    write(sheet, at, 3.3, mark, 17, weight="bold", ha="center")
    write(sheet, 3.3, 0.28, "heads: rows that only the candidate gets right", 13, GREY, ha="center")

    write(sheet, 6.75, 2.85, "so many heads" if many else "so few heads", 17)
    write(sheet, 6.75, 2.5, "by chance alone:", 17)
    write(sheet, 6.75, 1.95, chance, fit(chance, 2.95, 34), BLUE if many else ORANGE, weight="bold")
    tail = f"{b:,} or {'more' if many else 'fewer'}"
    write(sheet, 6.75, 1.3, f"shaded: {tail}," if inside.sum() > 0.002 else f"{tail}: too thin to see;", 13, GREY)
    write(sheet, 6.75, 1.04, f"{b:,} itself counted half", 13, GREY)
    return figure


def odds(p: float) -> str:
    """A probability in words: "37 in 100", "1 in 1,234,567", "1 in 12 billion", "1 in 10⁵⁷"."""
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
