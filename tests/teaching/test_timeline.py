"""The timeline says who answered when, and is readable whatever happened."""

import itertools

from mlgate.teaching import timeline
from mlgate.teaching.timeline import _spread, draw_timeline, summary

import pandas as pd
import pytest
from test_figures import assert_readable, words_of

pytestmark = pytest.mark.filterwarnings("error::UserWarning")

OLD, NEW = "a" * 64, "b" * 64


def stream(*parts: tuple[str, int], failed: tuple[int, ...] = (), pause: float = 0.01) -> pd.DataFrame:
    """So many answers of each model in turn; those numbered in `failed` did not come."""
    names = [name for name, count in parts for _ in range(count)]
    frame = pd.DataFrame({"second": [pause * number for number in range(len(names))], "digest": names})
    frame["status"] = [0 if number in failed else 200 for number in range(len(names))]
    frame["digest"] = frame["digest"].where(frame["status"] == 200, "")
    return frame


CASES = {
    "a swap": (stream((OLD, 300), (NEW, 200)), [(3.0, "promoted")]),
    "there and back": (stream((OLD, 99), (NEW, 50), (OLD, 80)), [(1, "promoted"), (1.5, "rolled back")]),
    "marks at once": (stream((OLD, 100)), [(0.99, f"something with a rather long name, {n}") for n in range(7)]),
    "marks outside": (stream((OLD, 100)), [(-5, "before"), (0.5, "inside"), (99, "after")]),
    "failures": (stream((OLD, 40), (NEW, 60), failed=(41, 42)), [(0.4, "promoted")]),
    "only failures": (stream((OLD, 9), failed=tuple(range(9))), []),
    "one answer": (stream((OLD, 1)), []),
    "many models": (stream(*[(letter * 64, 20) for letter in "abcdefghij"]), []),
    "a name that is no digest": (stream(("電影 $x_1$", 30)), [(0.1, "$y_2$ 電影")]),
    "hours": (stream((OLD, 900), pause=17.3), [(4000, "promoted")]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_timeline_is_readable_in_every_odd_case(name):
    assert_readable(draw_timeline(*CASES[name]))


def test_no_answers_are_said_to_be_none():
    assert "No answers" in words_of(draw_timeline(stream(), []))


def test_it_counts_what_each_model_answered_and_what_failed():
    words = words_of(draw_timeline(*CASES["failures"])).split(" | ")
    assert words[0] == "98 answers, never more than 0.01 s apart, 2 failures"
    assert {OLD[:12], NEW[:12], "failed", "40", "58", "2", "1 promoted (0.40 s)"} <= set(words)
    assert "none" in words_of(draw_timeline(*CASES["a swap"]))


def test_the_longest_wait_is_the_gap_that_one_would_see():
    answers = stream((OLD, 100)).drop(index=range(40, 60))
    assert summary(answers) == "80 answers, never more than 0.21 s apart, 0 failures"
    assert summary(stream((OLD, 1))) == "1 answer, 0 failures"


def test_each_answer_is_a_stroke_in_the_lane_of_its_model():
    figure = draw_timeline(*CASES["there and back"])
    lanes = figure.axes[1].collections
    assert [len(lane.get_segments()) for lane in lanes] == [179, 50, 0]
    assert figure.alt.endswith("promoted at 1.00 s; rolled back at 1.50 s.")


def test_models_beyond_the_lanes_are_counted_together():
    words = words_of(draw_timeline(*CASES["many models"]))
    assert "5 others" in words
    assert "100" in words
    assert words.count(" | 20") == timeline.MAX_LANES - 1


def test_marks_are_spread_and_stay_inside():
    places = _spread([2.0, 2.1, 8.5, 8.55, 8.6])
    assert places[:2] == pytest.approx([2.0, 2.3])
    assert max(places) == timeline.RIGHT
    assert min(later - earlier for earlier, later in itertools.pairwise(places)) >= 0.299
