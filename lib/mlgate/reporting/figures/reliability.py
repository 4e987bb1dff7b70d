"""How sure models are against how often they are right then."""

from mlgate.reporting.figures.canvas import BLUE, INK, LIGHT, MINUS, ORANGE, Picture
from mlgate.scorecard import BINS, Scorecard

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

SIZE = 13


def draw_reliability(scorecard: Scorecard) -> Figure:
    """How sure each model is against how often it is right then. On the diagonal, a score means what it says."""
    figure = Picture(10, 4.4, "Reliability: confidence against the share that is right, for both models.")
    for place, (name, part) in enumerate(zip(("production", "candidate"), scorecard.reliability, strict=True)):
        axes = figure.add_axes((0.08 + 0.48 * place, 0.17, 0.4, 0.66))
        filled = np.flatnonzero(part[:, 0])
        rows, sure, right = part[filled].T
        axes.plot([0, 1], [0, 1], color=LIGHT, linewidth=1.5)
        axes.bar(
            (filled + 0.5) / BINS, right / rows, width=0.9 / BINS, color=BLUE if place == 0 else ORANGE, alpha=0.25
        )
        axes.scatter(sure / rows, right / rows, s=12 + 500 * rows / rows.sum(), color=BLUE if place == 0 else ORANGE)
        axes.set_title(name, fontsize=SIZE + 2, weight="bold", loc="left", color=INK)
        percents(axes, "how sure it is", "how often it is right" if place == 0 else "")
        ticks = np.arange(4, 11, 2) / 10
        axes.set(xlim=(0.4, 1.02), ylim=(0.3, 1.02), xticks=ticks, yticks=ticks)
    return figure


def percents(axes: Axes, below: str, beside: str, across: bool = True) -> None:
    """Label both axes, shares as percentages."""
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    if across:
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    else:
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", MINUS))
    axes.set_xlabel(below, fontsize=SIZE, color=INK)
    axes.set_ylabel(beside, fontsize=SIZE, color=INK)
    axes.tick_params(labelsize=SIZE - 1, color=LIGHT)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(LIGHT)
