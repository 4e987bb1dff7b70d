"""The figures for the room: in every odd case each is drawn without a warning, and no text is cut off or covered."""

import io
import itertools
import json
import subprocess
import sys
from dataclasses import replace

from mlgate import corpus
from mlgate.gate import HOLD, PROMOTE, REJECT, Look, Policy, judge, judge_first, statistics
from mlgate.gate.sequential import Rule
from mlgate.judge_files import judge_answers, judge_arrays
from mlgate.reporting.figures import (
    draw_banner,
    draw_candidates,
    draw_coin,
    draw_confusions,
    draw_corpus,
    draw_forest,
    draw_walks,
    odds,
)
from mlgate.reporting.figures.canvas import MINUS
from mlgate.scorecard import Facts, Scorecard, count_answers

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import AxesImage
from matplotlib.text import Text

pytestmark = pytest.mark.filterwarnings("error::UserWarning")

LONG = "a slice with a name of 30 signs"
ODD = ["", "$x_1$ & <b>", "電影評論", "two\nlines", LONG, *(f"{LONG} {number}" for number in range(7))]


def scorecard_of(classes=2, slices=2, *, win=0.04, lose=0.02, fault=None, same=False, rows=4_000, names=None):
    """Two models that are right on 85 % of the rows; the candidate then wins and loses shares of them."""
    random = np.random.default_rng(classes * 100 + slices)
    truth, places = random.integers(classes, size=rows), random.integers(max(slices, 1), size=rows)
    production = np.where(random.random(rows) < 0.85, truth, random.integers(classes, size=rows))
    candidate = production.copy()
    if not same:
        won, lost = random.random(rows) < win / 0.1, random.random(rows) < lose
        candidate = np.where((production != truth) & won, truth, np.where(lost, (truth + 1) % classes, production))
    if fault:
        candidate[rows // 2 :] = classes
    labels = tuple(names or [f"class {number}" for number in range(classes)])
    where = tuple(ODD[-number] if slices > 2 else f"slice {number}" for number in range(slices)) or ("",)
    cells, counts = count_answers(truth, production, candidate, classes, places)
    facts = {"production": Facts("a" * 64), "candidate": Facts("b" * 64, fault=fault)}
    parts = (("validation", rows, "d" * 64),)
    return Scorecard(labels, where, cells, counts, np.zeros((len(where), 4)), parts, **facts)


FAULT = "it cannot answer validation: ValueError: " + "X has 12 features, but LogisticRegression expects 400. " * 5
CASES = {
    "two classes": scorecard_of(2, 2),
    "worse": scorecard_of(2, 2, win=0, lose=0.1),
    "three classes, no slices": scorecard_of(3, 0),
    "ten classes, twelve slices": scorecard_of(10, 12, names=[f"a class with a name of 30, no {n}" for n in range(10)]),
    "twenty-five classes": scorecard_of(25, 2),
    "four classes with long names": scorecard_of(4, 2, names=[f"{name} {LONG}" for name in "abcd"]),
    "odd names": scorecard_of(3, 12, names=["$x_1$ & <b>", "電影", "two\nlines"]),
    "a candidate that cannot be used": scorecard_of(2, 2, fault=FAULT),
    "the same, ten classes": scorecard_of(10, 2, fault=FAULT),
    "the same, three classes": scorecard_of(3, 2, fault=FAULT),
    "identical models": scorecard_of(2, 2, same=True),
    "few rows": scorecard_of(2, 2, rows=12),
    "millions of rows": scorecard_of(2, 2, rows=1_200_000),
    "millions of rows, four classes": scorecard_of(4, 2, rows=1_200_000),
}
POLICIES = [Policy(margin=margin, tolerance=tolerance) for margin, tolerance in ((0, 0), (0.01, 0.03), (-0.02, 0))]
COINS = [(0, 0), (1, 0), (0, 1), (7, 7), (139, 72), (135, 222), (90, 3), (261, 160), (5_200, 5_100), (90_000, 60_000)]


def texts_of(figure) -> list[Text]:
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]


def words_of(figure) -> str:
    return " | ".join(text.get_text() for text in texts_of(figure))


def assert_readable(figure, smallest=12.0) -> None:
    """Every text is inside the canvas, covers no other, is large enough, and is in the font that is always there."""
    figure.set_dpi(72)
    canvas = FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    renderer, (width, height) = canvas.get_renderer(), canvas.get_width_height()
    boxes = []
    for text in texts_of(figure):
        box = text.get_window_extent(renderer)
        said = text.get_text()
        assert box.x0 >= 0, f"{said!r} is cut off: {box}"
        assert box.y0 >= 0, f"{said!r} is cut off: {box}"
        assert box.x1 <= width, f"{said!r} is cut off: {box}"
        assert box.y1 <= height, f"{said!r} is cut off: {box}"
        assert text.get_fontsize() >= smallest, f"{said!r} is too small: {text.get_fontsize():.1f} pt"
        assert text.get_fontfamily() == ["DejaVu Sans"]
        boxes.append((said, box))
    for (one, box), (other, beside) in itertools.combinations(boxes, 2):
        overlap = [min(box.x1, beside.x1) - max(box.x0, beside.x0), min(box.y1, beside.y1) - max(box.y0, beside.y0)]
        assert min(overlap) <= 1, f"{one!r} and {other!r} overlap by {overlap} pixels"


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_confusions_are_readable_in_every_odd_case(name):
    assert_readable(draw_confusions(CASES[name]))


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_banner_is_readable_in_every_odd_case(name):
    assert_readable(draw_banner(judge(CASES[name], Policy(), look=Look(True, 1000, "x"))))


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_forest_is_readable_in_every_odd_case(name):
    for policy in POLICIES if name in ("two classes", "odd names") else POLICIES[len(name) % 3 :][:1]:
        assert_readable(draw_forest(judge(CASES[name], policy)))


@pytest.mark.slow
@pytest.mark.parametrize(("b", "c"), COINS)
def test_the_coin_is_readable_in_every_odd_case(b, c):
    assert_readable(draw_coin(b, c))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sources", "labels"),
    [
        ([""], ["no", "yes"]),
        (["imdb", "rotten_tomatoes"], [3, 1, 2]),
        (ODD[:3], [f"{LONG} {number}" for number in range(4)]),
        (ODD, list(range(20))),
    ],
)
def test_the_corpus_is_readable_in_every_odd_case(sources, labels):
    frame = pd.DataFrame({"text": [f"text {number}" for number in range(997)]})
    frame["label"] = [labels[number % len(labels)] for number in range(997)]
    frame["source"] = [sources[(number * number) % len(sources)] for number in range(997)]
    frame["split"] = [corpus.split_of(number % 100) for number in range(997)]
    for part in (frame, frame[frame["split"] == "train"], pd.concat([frame] * 1_200)):
        assert_readable(draw_corpus(part))


def test_judging_answers_has_figures_too(tmp_path):
    path = tmp_path / "a file with a rather long name, as people will have it, and longer still.csv"
    lines = ["truth,production,candidate", *["a,a,b"] * 5, *["b,a,b"] * 30, *["b,b,b"] * 80, *["a,a,a"] * 80]
    path.write_text("\n".join(lines))
    verdict = judge_answers(path, "truth", "production", "candidate")
    assert verdict.production.digest is None
    assert "no ledger here" in words_of(draw_banner(verdict))
    for figure in (draw_banner(verdict), draw_forest(verdict)):
        assert_readable(figure)


def test_a_first_production_model_has_nothing_to_compare_with():
    verdict = judge_first(CASES["identical models"], Policy(accuracy=0.7))
    assert_readable(draw_banner(verdict))
    assert_readable(draw_forest(verdict))
    assert "accuracy" in words_of(draw_forest(verdict))


@pytest.mark.parametrize(
    ("name", "decision"), [("two classes", PROMOTE), ("worse", REJECT), ("identical models", HOLD)]
)
def test_the_banner_says_the_decision_the_accuracies_the_reason_and_the_looks(name, decision):
    card = CASES[name]
    verdict = judge(card, Policy(), look=Look(True, 7, "one look at the holdout"))
    words = words_of(draw_banner(verdict))
    assert verdict.decision == decision
    assert decision in words
    for accuracy in card.accuracy:
        assert f"{accuracy:.2%}" in words
    assert "one look spent, 7 looks left" in words
    reason = words.replace(" | ", " ").replace(MINUS, "-")
    assert verdict.reason in reason


def test_a_candidate_that_cannot_be_used_has_no_accuracy_in_any_figure():
    card = CASES["a candidate that cannot be used"]
    verdict = judge(card, Policy())
    for figure in (draw_banner(verdict), draw_confusions(card)):
        assert "n/a" in words_of(figure)
        assert f"{card.accuracy[1]:.2%}" not in words_of(figure)
    assert "cannot be used" in words_of(draw_forest(verdict))


def test_no_answer_is_a_column_only_where_it_occurs():
    shapes = {
        name: [image.get_array().shape for image in draw_confusions(CASES[name]).findobj(AxesImage)]
        for name in ("two classes", "a candidate that cannot be used")
    }
    assert shapes["two classes"] == [(2, 2)] * 3
    assert shapes["a candidate that cannot be used"] == [(2, 2), (2, 3), (2, 3)]
    assert "no answer" not in words_of(draw_confusions(CASES["two classes"]))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["two classes", "worse", "identical models", "the same, ten classes"])
def test_both_models_share_one_colour_scale_and_the_difference_is_centred_on_zero(name):
    card = CASES[name]
    production, candidate, change = draw_confusions(card).findobj(AxesImage)
    assert production.get_clim() == candidate.get_clim() == (0, 1)
    assert production.cmap is candidate.cmap
    low, high = change.get_clim()
    assert low == -high
    assert np.abs(change.get_array()).max() <= high
    np.testing.assert_allclose(production.get_array().sum(axis=1), 1)


def test_more_right_answers_are_blue_and_more_mistakes_are_orange():
    card = CASES["worse"]
    change = draw_confusions(card).findobj(AxesImage)[2].get_array()
    counts = card.confusion("candidate") - card.confusion("production")
    for (truth, answer), count in np.ndenumerate(counts[:, : change.shape[1]]):
        better = count if truth == answer else -count
        assert np.sign(change[truth, answer]) == np.sign(better)


def test_the_cells_hold_the_counts_and_the_shares():
    card = CASES["two classes"]
    words = words_of(draw_confusions(card))
    production, candidate = card.confusion("production"), card.confusion("candidate")
    for count in (*production[:, :2].ravel(), *candidate[:, :2].ravel()):
        assert f" {count:,} " in words
    for count in (candidate - production)[:, :2].ravel():
        assert f" {count:+,} ".replace("-", MINUS) in words
    assert f" {100 * production[0, 0] / production[0].sum():.0f} % " in words


def test_the_forest_draws_the_verdicts_own_interval():
    verdict = judge(CASES["two classes"], Policy())
    drawn = [line.get_xdata() for axes in draw_forest(verdict).axes for line in axes.lines]
    wide = [list(xs) for xs in drawn if len(xs) == 2 and xs[0] != xs[1]]
    expected = [[100 * part.low, 100 * part.high] for part in (verdict.difference, *verdict.slices)]
    expected += [[100 * part.guard_low, 100 * part.guard_high] for part in verdict.slices]
    np.testing.assert_allclose(sorted(wide), sorted(expected))


@pytest.mark.slow
@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: f"margin {policy.margin:g}")
@pytest.mark.parametrize("name", ["two classes", "worse", "few rows", "identical models"])
def test_the_forests_word_agrees_with_the_check(name, policy):
    verdict = judge(CASES[name], policy)
    shown = {
        "pass": {"better", "not worse"},
        "fail": {"worse"},
        "undecided": {"cannot tell", "identical"},
    }[next(check.status for check in verdict.checks if check.name in ("difference", "identical"))]
    assert draw_forest(verdict).alt.split("; ")[0].rsplit(", ", 1)[1] in shown


def test_candidates_side_by_side_are_readable_and_say_where_the_plain_rule_differs():
    lucky = scorecard_of(2, 2, win=0.03, lose=0.02)
    cards = [CASES["two classes"], CASES["worse"], CASES["a candidate that cannot be used"], lucky]
    judged = [(LONG, f"{LONG} and a story", judge(card, Policy())) for card in cards]
    figure = draw_candidates(judged)
    assert_readable(figure)
    assert [verdict.decision for *_, verdict in judged] == [PROMOTE, REJECT, REJECT, HOLD]
    assert "4 candidates: accuracy went up twice, the gate promotes once" in words_of(figure)
    bold = [text.get_text() for text in texts_of(figure) if text.get_text()[0] in "▲▼" and text.get_weight() == "bold"]
    change = 100 * judged[-1][2].difference.estimate
    assert bold == [f"▲ {change:+.2f}"]
    assert_readable(draw_candidates(judged[2:3]))
    assert_readable(draw_candidates([]))


def test_a_slice_is_called_worse_only_where_its_guard_failed():
    verdict = judge(CASES["worse"], Policy(slices_action="report"))
    assert all(check.status == "fail" for check in verdict.checks if check.name.startswith("slice"))
    assert draw_forest(verdict).alt.count(", worse") == 3
    lenient = judge(CASES["worse"], Policy(tolerance=0.3))
    assert draw_forest(lenient).alt.count(", tolerated") == 2


def test_where_the_labelled_checks_were_skipped_the_intervals_speak():
    verdict = replace(judge(CASES["worse"], Policy()), checks=())
    assert draw_forest(verdict).alt.count(", worse") == 3
    assert draw_forest(replace(judge(CASES["two classes"], Policy()), checks=())).alt.count(", better") == 3


def test_only_the_worst_of_many_slices_are_drawn():
    verdict = judge(scorecard_of(2, 12), Policy())
    many = [*verdict.slices] * 3
    figure = draw_forest(replace(verdict, slices=tuple(many)))
    assert_readable(figure)
    assert "24 more slices are not drawn" in words_of(figure)


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (0.5, "50 in 100"),
        (0.1, "1 in 10"),
        (1 / 1_234_567, "1 in 1,234,567"),
        (1e-8, "1 in 100 million"),
        (2.5e-11, "1 in 40 billion"),
        (1e-57, "1 in 10⁵⁷"),
        (0.0, "below 1 in 10³⁰⁰"),
    ],
)
def test_odds_are_words(p, words):
    assert odds(p) == words


@pytest.mark.parametrize(("b", "c"), [(139, 72), (135, 222), (7, 7), (10, 6)])
def test_the_shaded_part_of_the_coin_is_the_mid_p(b, c):
    figure = draw_coin(b, c)
    p = statistics.midp(b, c) if b >= c else statistics.midp(c, b)
    every, tail = (patch.get_data().values for patch in figure.axes[1].patches)
    assert sum(every) == pytest.approx(1, abs=1e-3)
    assert sum(tail) == pytest.approx(p, rel=0.02, abs=3e-5)
    assert odds(p) in words_of(figure)
    assert f"{b + c} disagreements, {b} for the candidate" in words_of(figure)


def test_the_holdout_is_drawn_as_sealed():
    frame = pd.DataFrame({"text": list("abcd"), "label": list("xyxy"), "source": "s", "split": list(corpus.SPLITS)})
    hatched = [patch.get_hatch() for patch in draw_corpus(frame).axes[0].patches]
    assert sum(hatch is not None for hatch in hatched) == 1
    assert "sealed" in words_of(draw_corpus(frame))


def test_a_figure_shows_itself_once_and_says_in_words_what_it_shows():
    figure = draw_coin(139, 72)
    data, facts = figure._repr_png_()
    assert data.startswith(b"\x89PNG")
    assert (facts["width"], facts["height"]) == (1000, 420)
    assert "139" in facts["alt"]
    assert repr(figure) == facts["alt"]
    assert figure._repr_png_()[0] == data  # drawing changes nothing
    figure.savefig(io.BytesIO(), format="svg")


@pytest.mark.slow
def test_nothing_global_is_touched():
    """No pyplot, no backend chosen, no open figure, no settings: in a fresh interpreter."""
    code = (
        "import json, mlgate.figures, sys, matplotlib as m;"
        "settings = lambda: {key: repr(dict.__getitem__(m.rcParams, key)) for key in m.rcParams};"
        "before = settings(); mlgate.figures.draw_coin(3, 1)._repr_png_();"
        "print(json.dumps(['matplotlib.pyplot' in sys.modules, before == settings()]))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [False, True]


def test_walks_say_where_they_leave_their_corridor():
    walks = {"up": [1] * 60, "down": [-1, 0] * 30, "in turn": [1, -1] * 30}
    figure = draw_walks(walks, Rule(60, 0.05), "Three walks.")
    assert "up: PROMOTE after 8 labels" in figure.alt
    assert "down: REJECT after" in figure.alt
    assert "in turn: undecided after 60 labels" in figure.alt
    assert_readable(figure)


@pytest.mark.slow
@pytest.mark.parametrize("margin", [0.0, 0.01, -0.2])
def test_another_metric_is_drawn_in_its_own_unit(margin):
    scorecard = scorecard_of(rows=900)
    label, answer = scorecard.classes
    for metric, unit in (("balanced_accuracy", "points of balanced accuracy"), ("cost", "less cost a row")):
        policy = Policy(metric=metric, costs=(f"{label} -> {answer} = 70",), margin=margin)
        verdict = judge(scorecard, policy)
        figures = (draw_banner(verdict), draw_forest(verdict))
        for figure in figures:
            assert_readable(figure)
        assert unit in words_of(figures[1])
        assert unit.removeprefix("points of ").removeprefix("less ") in words_of(figures[0])


@pytest.mark.slow
def test_errors_of_numbers_are_drawn_in_their_own_unit():
    random = np.random.default_rng(1)
    truth = random.normal(100, 20, 900)
    for size in (1e-4, 1.0, 1e6):
        answers = [(truth + random.normal(0, spread, 900)) * size for spread in (5, 4)]
        verdict = judge_arrays(truth * size, *answers, slices=np.arange(900) % 3, metric="mae")
        assert_readable(draw_banner(verdict))
        assert_readable(draw_forest(verdict))
        assert "less mean absolute error" in words_of(draw_forest(verdict))
