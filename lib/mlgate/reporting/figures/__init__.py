"""Figures for a room: each takes scorecards or verdicts and returns a matplotlib Figure. Nothing is shown or global."""

from mlgate.reporting.figures.banner import draw_banner
from mlgate.reporting.figures.candidates import draw_candidates
from mlgate.reporting.figures.canvas import Picture
from mlgate.reporting.figures.coin import draw_coin, odds
from mlgate.reporting.figures.confusions import draw_confusions
from mlgate.reporting.figures.corpus import draw_corpus
from mlgate.reporting.figures.forest import draw_forest
from mlgate.reporting.figures.reliability import draw_reliability
from mlgate.reporting.figures.walk import draw_walks

__all__ = [
    "Picture",
    "draw_banner",
    "draw_candidates",
    "draw_coin",
    "draw_confusions",
    "draw_corpus",
    "draw_forest",
    "draw_reliability",
    "draw_walks",
    "odds",
]
