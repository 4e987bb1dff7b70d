"""Figures of notebooks 07 and 08: what each rule catches, how reliable scores are, how often a gate is wrong."""

from itertools import pairwise

from mlgate.gate import HOLD, PROMOTE, REJECT
from mlgate.reporting.figures.canvas import (
    BLUE,
    BLUE_TINT,
    GREY,
    GREY_TINT,
    INK,
    ORANGE,
    ORANGE_TINT,
    Picture,
)
from mlgate.reporting.figures.reliability import SIZE, draw_reliability, percents
from mlgate.selftest.simulate import PLAIN

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

__all__ = ["draw_catches", "draw_operating", "draw_reliability", "draw_wear"]

STYLES = ((ORANGE, "-"), (GREY, "--"), (BLUE, "-"), (INK, ":"))


def draw_catches(caught: pd.DataFrame, checks: dict[str, str] | None = None) -> Figure:
    """Incidents against rules: which rule stops which. One row an incident, one boolean column a rule.

    checks: which check is meant to catch each incident; it stands in the last column.
    """
    rules = list(caught.columns)
    names = list(caught.index)
    height = 0.36 * len(names) + 1.5
    totals = [f"{rule}: {int(caught[rule].sum())} of {len(names)}" for rule in rules]
    figure = Picture(10, height, "What each rule stops. " + "; ".join(totals) + ".")
    axes = figure.add_axes((0.33, 0.02, 0.65, 1 - 1.15 / height))
    for place, rule in enumerate(rules):
        for line, stopped in enumerate(caught[rule]):
            colours = (BLUE_TINT, BLUE, "✔ stopped") if stopped else (ORANGE_TINT, ORANGE, "✘ goes live")
            if stopped and checks and place == len(rules) - 1:
                colours = (BLUE_TINT, BLUE, f"✔ {checks[names[line]]}")
            axes.add_patch(_box(place, line, colours[0]))
            axes.text(place + 0.5, line + 0.5, colours[2], ha="center", va="center", fontsize=SIZE, color=colours[1])
        axes.text(place + 0.5, -0.55, rule, ha="center", va="center", fontsize=SIZE + 2, weight="bold", color=INK)
    axes.set(xlim=(0, len(rules)), ylim=(len(names), -1), xticks=[], yticks=np.arange(len(names)) + 0.5)
    axes.set_yticklabels([name.replace("_", " ") for name in names], fontsize=SIZE, color=INK)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.text(0.02, 1 - 0.3 / height, "What each rule stops", fontsize=18, weight="bold", color=INK, va="center")
    figure.text(0.02, 1 - 0.62 / height, " · ".join(totals), fontsize=SIZE, color=GREY, va="center")
    return figure


def draw_operating(curves: dict[int, pd.DataFrame]) -> Figure:
    """Draw what the gate decides against the true difference, a panel for each number of rows; dashed: `accuracy >`."""
    figure = Picture(10, 4.6, f"Operating curves on {', '.join(f'{n:,}' for n in curves)} rows.")
    width = 0.88 / len(curves)
    for place, (n, curve) in enumerate(curves.items()):
        axes = figure.add_axes((0.08 + width * place, 0.25, width - 0.03, 0.6))
        shares = [curve[name] for name in (REJECT, HOLD, PROMOTE)]
        axes.stackplot(100 * curve["difference"], *shares, colors=["#f2b184", GREY_TINT, "#9cc3de"])
        axes.plot(100 * curve["difference"], 1 - curve[PLAIN], color=INK, linestyle="--", linewidth=1.6)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_title(f"{n:,} rows", fontsize=SIZE + 2, weight="bold", loc="left", color=INK)
        percents(axes, "true difference, points", "share of exams" if place == 0 else "", across=False)
        axes.set(ylim=(0, 1), xlim=(100 * curve["difference"].min(), 100 * curve["difference"].max()))
        if place:
            axes.set_yticklabels([])
        axes.text(0.03, 0.04, REJECT, transform=axes.transAxes, fontsize=SIZE, weight="bold", color=INK)
        axes.text(0.97, 0.92, PROMOTE, transform=axes.transAxes, fontsize=SIZE, weight="bold", color=INK, ha="right")
    words = f"between the two: {HOLD}; above the dashed line: where accuracy > promotes"
    figure.text(0.08, 0.04, words, fontsize=SIZE, color=GREY)
    return figure


def draw_wear(worn: pd.DataFrame) -> Figure:
    """Draw the chance of at least one false promotion against the number of looks, a line for each rule."""
    last = worn.drop(columns="looks").iloc[-1]
    words = "; ".join(f"{name} {value:.0%}" for name, value in last.items())
    figure = Picture(10, 4.8, f"After {worn['looks'].iloc[-1]} looks, the chance of a false promotion: {words}.")
    axes = figure.add_axes((0.09, 0.15, 0.5, 0.77))
    ends = _apart(last.to_numpy(), 0.06)
    for (name, value), end, (colour, line) in zip(last.items(), ends, STYLES, strict=False):
        axes.plot(worn["looks"], worn[name], color=colour, linestyle=line, linewidth=2.2)
        text = f"{value:.0%}  {name}"
        axes.text(worn["looks"].iloc[-1] * 1.02, end, text, color=colour, fontsize=SIZE, va="center", clip_on=False)
    percents(axes, "looks at the same rows", "at least one false promotion", across=False)
    axes.set(ylim=(0, 1.02), xlim=(1, worn["looks"].iloc[-1]), yticks=np.arange(0, 11, 2) / 10)
    return figure


def _apart(values: np.ndarray, gap: float) -> np.ndarray:
    """Return the values, moved upwards where needed so that any two are at least `gap` apart."""
    places = values.astype(float).copy()
    for lower, upper in pairwise(np.argsort(values, kind="stable")):
        places[upper] = max(places[upper], places[lower] + gap)
    return places


def _box(place: int, line: int, colour: str) -> Rectangle:
    return Rectangle((place + 0.04, line + 0.06), 0.92, 0.88, facecolor=colour, edgecolor="none")
