"""The picture of evidence growing: coins on each table, row by row, and the line at which a light goes on."""

import io

from mlgate.reporting.figures.canvas import BLUE, GREY, INK, LIGHT, ORANGE, Picture

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

SIZE = 13
SHOWN = 3  # tables that get a colour and a name
LEAST = 0.1  # coins: the figure's lower edge
STYLES = ((BLUE, "-"), (ORANGE, "--"), (INK, ":"))


def draw_evidence(coins: pd.DataFrame) -> Figure:
    """Draw what Watched.evidence returns, on a scale of powers of ten."""
    threshold = coins.attrs["threshold"]
    change = coins.attrs["change"]
    first = (coins >= threshold).idxmax()[(coins >= threshold).any()]
    loudest = coins.iloc[-1].sort_values(ascending=False).index[:SHOWN]
    if len(first):
        row = int(first.min())
        title = f"The light goes on {row - change:,} rows after the change: {first.idxmin()}"
    else:
        title = "The light stays off"
    figure = Picture(
        10, 4.6, f"Evidence on each table over {len(coins):,} rows, which change at row {change}. {title}."
    )
    axes = figure.add_axes((0.09, 0.14, 0.74, 0.72))
    for name in coins.columns:
        axes.plot(coins.index, np.maximum(coins[name], LEAST), color=LIGHT, linewidth=1.5)
    for name, (colour, style) in zip(loudest, STYLES, strict=False):
        values = np.maximum(coins[name], LEAST)
        axes.plot(coins.index, values, color=colour, linestyle=style, linewidth=2.2, label=str(name))
    axes.axhline(threshold, color=INK, linewidth=1.2)
    axes.axvline(change + 0.5, color=GREY, linewidth=1.2, linestyle="--")
    axes.set_yscale("log")
    axes.set_ylim(LEAST, max(threshold * 1e4, 1e6))
    top = axes.get_ylim()[1]
    axes.set_ylim(LEAST, top)
    axes.text(1, threshold * 1.6, "alarm", fontsize=SIZE, color=INK)
    axes.text(change + 2, LEAST * 1.5, "the traffic changes", fontsize=SIZE, color=GREY)
    axes.set_xlabel("row", fontsize=SIZE)
    axes.set_ylabel("coins", fontsize=SIZE)
    axes.tick_params(labelsize=SIZE - 1)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=SIZE)
    figure.text(0.02, 0.93, title, fontsize=17, weight="bold", color=INK, va="center")
    return figure


def png(figure: Figure) -> bytes:
    """Return a figure as the bytes of a PNG, for a widget."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=100)
    return buffer.getvalue()
