"""Notebook 09's room: a copy of production and a real service, whose lights say what its lesson says."""

from mlgate.teaching.evidence import draw_evidence, png
from mlgate.teaching.watched import Watched, told

import pytest


@pytest.fixture(scope="module")
def room():
    made = Watched(1)
    yield made
    made.close()


@pytest.mark.slow
def test_what_no_light_sees_is_seen_with_three_hundred_labels(room):
    found = told(room.send("love_turned"))
    assert found[""].tolist() == ["off", "off", "off"]
    found = told(room.label(300))
    assert found[""].tolist() == ["off", "off", "ON"]


@pytest.mark.slow
def test_each_drift_is_sent_afresh_and_its_picture_says_when_it_is_seen(room):
    assert told(room.send("cut_short", after=100)).loc["moved", ""] == "ON"
    assert told(room.send("positives_52", after=100)).loc["moved", ""] == "off"
    figure = draw_evidence(room.evidence("cut_short", after=60))
    assert "The light goes on" in figure.alt
    assert png(figure).startswith(b"\x89PNG")
    assert "stays off" in draw_evidence(room.evidence("positives_52", quiet=50, after=50)).alt
    room.sliders("cut_short").children[0].value = 0.2


@pytest.mark.slow
def test_an_estimate_without_labels_says_whether_to_believe_it(room):
    found = room.accuracies(["foreign_language", "love_turned"]).set_index("drift")
    assert found["to be believed?"].tolist() == ["no", "yes"]
    assert found.loc["love_turned", "estimated"] - found.loc["love_turned", "true accuracy"] > 0.08
