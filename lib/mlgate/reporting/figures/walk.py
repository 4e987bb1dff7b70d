"""The lead as a walk: wins less losses, label by label, in the corridor that a coin's walk seldom leaves."""

from collections.abc import Mapping, Sequence

from mlgate.gate.sequential import Rule, Walk, follow
from mlgate.reporting.figures.canvas import (
    BLUE,
    BLUE_TINT,
    FONT,
    GREY,
    INK,
    LIGHT,
    ORANGE,
    ORANGE_TINT,
    blank_sheet,
    fit,
    minus,
    set_ticks,
    write,
)

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

STYLES = ("-", (0, (4, 2)), (0, (1, 1.5)))
ENDS = {"pass": "PROMOTE", "fail": "REJECT", "undecided": "undecided"}


def draw_walks(walks: Mapping[str, Sequence[int]], rule: Rule, title: str) -> Figure:
    """Return the leads of some walks (1 a win, -1 a loss, 0 a tie), by name, in the corridor of a rule.

    A dot marks where a walk leaves it; what comes after is pale, because nobody would have bought it.
    """
    ends = {name: follow(list(outcomes), rule) for name, outcomes in walks.items()}
    said = "; ".join(f"{name}: {words(end)}" for name, end in ends.items())
    figure, sheet = blank_sheet(10, 5.4, f"{title} {said}.")
    write(sheet, 0.3, 5.05, title, fit(title, 9.4, 19), weight="bold")
    axes = figure.add_axes((0.08, 0.2, 0.89, 0.62))
    _draw_corridor(axes, rule)
    for (name, outcomes), style in zip(walks.items(), STYLES, strict=False):
        _draw_walk(axes, outcomes, ends[name], style)
    axes.set_xlim(0, rule.horizon)
    axes.axhline(0, color=LIGHT, lw=1, zorder=0)
    axes.tick_params(axis="y", labelsize=13, labelcolor=GREY, color=LIGHT)
    leads = [value for value in axes.get_yticks() if abs(value) <= axes.get_ylim()[1]]
    axes.set_yticks(leads, [minus(f"{value:+.0f}") if value else "0" for value in leads], family=FONT)
    set_ticks(axes, "{:,.0f}", whole=True)
    write(sheet, 5.2, 0.6, "labels", 13, GREY, ha="center")
    write(sheet, 0.8, 4.62, "lead: wins less losses", 13, GREY)
    for number, (name, end) in enumerate(ends.items()):
        mark = ("━━━", "╍╍╍", "┅┅┅")[number]
        write(sheet, 0.3 + 9.4 / len(ends) * number, 0.22, f"{mark} {name}: {words(end)}", 13, _colour(end))
    return figure


def words(end: Walk) -> str:
    """Return where a walk ended: "PROMOTE after 23 labels"."""
    return f"{ENDS[end.status]} after {end.label:,} labels"


def _colour(end: Walk) -> str:
    return {"pass": BLUE, "fail": ORANGE}.get(end.status, INK)


def _draw_corridor(axes: Axes, rule: Rule) -> None:
    """Shade what lies beyond the corridor, as far as a lead can get there."""
    labels = np.arange(1, rule.horizon + 1)
    for_wins, for_losses = (np.array(needed) for needed in rule.needed())
    top = 2 * for_wins - labels
    bottom = labels - 2 * for_losses
    reach = 1.6 * max(abs(top[-1]), abs(bottom[-1]))
    axes.set_ylim(-reach, reach)
    can = for_wins <= labels
    axes.fill_between(labels[can], top[can], reach, color=BLUE_TINT, lw=0, step="mid")
    axes.plot(labels[can], top[can], color=BLUE, lw=1, drawstyle="steps-mid")
    can = for_losses <= labels
    axes.fill_between(labels[can], bottom[can], -reach, color=ORANGE_TINT, lw=0, step="mid")
    axes.plot(labels[can], bottom[can], color=ORANGE, lw=1, drawstyle="steps-mid")
    for x, y, word, colour in ((0.985, 0.93, "PROMOTE", BLUE), (0.985, 0.07, "REJECT", ORANGE)):
        write(axes, x, y, word, 14, colour, ha="right", weight="bold", transform=axes.transAxes)


def _draw_walk(axes: Axes, outcomes: Sequence[int], end: Walk, style: object) -> None:
    lead = np.concatenate([[0], np.cumsum(outcomes)])
    axes.plot(np.arange(len(lead)), lead, color=LIGHT, lw=1.5)
    axes.plot(np.arange(end.label + 1), lead[: end.label + 1], color=INK, lw=2, linestyle=style)
    if end.status != "undecided":
        axes.plot(end.label, lead[end.label], "o", color=_colour(end), ms=10, zorder=5)
