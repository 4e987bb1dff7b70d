"""The figures of notebooks 07 and 08 say what they are given, and nothing in them is cut off."""

from mlgate.scorecard import BINS
from mlgate.selftest import figures, simulate
from mlgate.selftest.incidents import INCIDENTS

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from test_figures import scorecard_of


def reliable():
    """A scorecard whose reliability has empty, small and large ranges of confidence."""
    card = scorecard_of()
    for model in range(2):
        card.reliability[model, BINS // 2 :, :] = np.array([[100, 70, 60 + model]])
    return card


CATCHES = pd.DataFrame({"accuracy >": [False] * 11 + [True] * 12, "this gate": True}, index=list(INCIDENTS))
CURVES = {n: simulate.operating_curve(n, np.linspace(-0.04, 0.04, 9), 0.1, 0.05, 200) for n in (500, 6_600)}
FIGURES = {
    "catches": lambda: figures.draw_catches(CATCHES),
    "reliability": lambda: figures.draw_reliability(reliable()),
    "operating": lambda: figures.draw_operating(CURVES),
    "wear": lambda: figures.draw_wear(simulate.wear_out(20, times=100)),
    "wear after one look": lambda: figures.draw_wear(simulate.wear_out(2, times=100)),
}


@pytest.mark.slow
@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
@pytest.mark.filterwarnings("error::UserWarning")
def test_every_text_is_inside_the_figure(draw):
    figure = draw()
    FigureCanvasAgg(figure).draw()
    inside = figure.bbox.padded(2)
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip():
            box = text.get_window_extent()
            assert inside.contains(box.x0, box.y0), text.get_text()
            assert inside.contains(box.x1, box.y1), text.get_text()


def test_the_figure_of_rules_counts_what_each_stops():
    figure = figures.draw_catches(CATCHES)
    assert figure.alt == "What each rule stops. accuracy >: 12 of 23; this gate: 23 of 23."
    words = [text.get_text() for text in figure.findobj(Text)]
    assert words.count("✘ goes live") == 11
    assert words.count("✔ stopped") == 35


def test_labels_at_the_end_of_lines_do_not_cover_each_other():
    places = figures._apart(np.array([0.03, 0.031, 0.9, 0.029]), 0.06)
    assert np.diff(np.sort(places)).min() >= 0.06 - 1e-12
    assert places[2] == 0.9
