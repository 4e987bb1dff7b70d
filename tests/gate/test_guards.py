"""Each guard fails where the violation is shown at its level, and not one hair before."""

import math
from dataclasses import replace

from mlgate.gate import compare, guards, label_free, with_labels
from mlgate.gate.statistics import tango, wilson
from mlgate.root import Policy
from mlgate.scorecard import BINS, Facts, Probes

import numpy as np
import pytest
from cards import card, of_answers, plain
from scipy.stats import norm

LEVEL = 0.01
CONFIDENCE = 1 - 2 * LEVEL
PROBES = Probes(120, {"accents": (19, 18), "upper case": (13, 2)}, None, (1.0, 3.0))
CARD = plain(60, 20, 1_000, probes=PROBES, candidate=Facts("b", bytes=3_000_000))


def scored(seed=0):
    """A scorecard with sums of Brier scores, and with confidences that are off by 10 and by 30 points."""
    random = np.random.default_rng(seed)
    production, candidate = random.uniform(0.1, 0.4, 1_000), random.uniform(0.2, 0.5, 1_000)
    sums = [1_000, production.sum(), candidate.sum(), ((candidate - production) ** 2).sum()]
    reliability = np.zeros((2, BINS, 3))
    reliability[:, BINS - 1] = [[1_000, 950, 850], [1_000, 950, 650]]
    return replace(CARD, scores=np.array([sums]), reliability=reliability), candidate - production


def labelled(scorecard, policy, level):
    """The checks of all guards that read labels."""
    return [guard.check(level) for guard in guards.with_labels(scorecard, policy)]


def limits():
    """Each guard with a tolerance: a scorecard, the tolerance's name, what is observed, and how much of it is shown."""
    flips, better = wilson(20, 1_000, CONFIDENCE)[0], compare(CARD, LEVEL)
    scores, worse = scored()
    brier = worse.mean() - norm.isf(LEVEL) * worse.std() / math.sqrt(1_000)
    calibration = 0.2 - norm.isf(LEVEL) / math.sqrt(1_000)
    brittle = tango(13, 2, 120, 1 - 2 * LEVEL / 2)[0]
    return [
        (label_free.brittleness, CARD, "brittle_tolerance", 11 / 120, brittle),
        (label_free.speed, CARD, "slower", 3.0, 3.0),
        (label_free.size, CARD, "megabytes", 3.0, 3.0),
        (with_labels.negative_flips, CARD, "flips", 0.02, flips),
        (with_labels.brier, scores, "brier_tolerance", worse.mean(), brier),
        (with_labels.calibration, scores, "calibration_tolerance", 0.2, calibration),
        (with_labels.too_good, CARD, "too_good", 0.04, better.low),
    ]


@pytest.mark.parametrize(("guard", "scorecard", "name", "observed", "limit"), limits(), ids=lambda it: str(it)[:9])
def test_a_guard_fails_just_above_its_tolerance(guard, scorecard, name, observed, limit):
    below, above = (guard(scorecard, Policy(**{name: limit * by}), "hold", LEVEL) for by in (1 + 1e-9, 1 - 1e-9))
    assert (below.status, above.status) == ("pass", "fail")
    assert above.observed == pytest.approx(observed)
    assert (above.action, above.required) == ("hold", pytest.approx(limit))


@pytest.mark.parametrize("guard", [label_free.speed, label_free.size])
def test_a_budget_may_be_used_up(guard):
    assert guard(CARD, Policy(slower=3.0, megabytes=3.0), "hold", LEVEL).status == "pass"


def test_what_equals_its_limit_is_not_above_it():
    low = tango(13, 2, 120, 1 - 2 * LEVEL / 2)[0]
    assert label_free.brittleness(CARD, Policy(brittle_tolerance=low), "hold", LEVEL).status == "pass"
    assert (
        with_labels.negative_flips(CARD, Policy(flips=wilson(20, 1_000, CONFIDENCE)[0]), "hold", LEVEL).status == "pass"
    )
    assert with_labels.too_good(CARD, Policy(too_good=compare(CARD, LEVEL).low), "hold", LEVEL).status == "pass"


def test_the_kind_of_change_that_matters_most_is_named():
    reason = label_free.brittleness(CARD, Policy(), "hold", LEVEL).reason
    assert reason == (
        "not shown to be more brittle than production: upper case changes the candidate's answer alone in 13 of"
        " 120 texts, production's alone in 2"
    )
    shown = label_free.brittleness(CARD, Policy(brittle_tolerance=0.0), "hold", LEVEL).reason
    assert shown.startswith("more brittle than production: upper case")


def test_the_floor_fails_only_where_the_whole_interval_is_below_it():
    high = wilson(840, 1_000, CONFIDENCE)[1]
    found = card(("", 60, 20, 780, 140))
    assert found.accuracy[1] == 0.84
    for floor, status in ((0.84, "pass"), (0.8401, "undecided"), (high, "undecided"), (high + 1e-9, "fail")):
        made = with_labels.accuracy_floor(found, Policy(accuracy=floor), "reject", LEVEL)
        assert (made.status, made.observed, made.required) == (status, 0.84, floor)
    assert with_labels.accuracy_floor(card(("", 0, 0, 100, 900)), Policy(), "reject", LEVEL).status == "pass"


def test_better_and_worse_than_one_class_are_shown_at_the_level(monkeypatch):
    """Of 1,000 rows, 100 of which a constant answer alone gets right."""
    shown = [tango(b, 100, 1_000, CONFIDENCE) for b in range(200)]
    worse, better = sum(high < 0 for _, high in shown), sum(low <= 0 for low, _ in shown)
    for b, status in ((worse - 1, "fail"), (worse, "undecided"), (better - 1, "undecided"), (better, "pass")):
        monkeypatch.setattr(type(CARD), "against_one_class", property(lambda _, b=b: (b, 100)))
        made = with_labels.one_class(CARD, Policy(), "reject", LEVEL)
        assert (made.status, made.observed, made.required) == (status, (b - 100) / 1_000, 0.0)
        assert f"{CARD.accuracy[1]:.2%} right, against {CARD.accuracy[1] - (b - 100) / 1_000:.2%}" in made.reason


def one_answer(truth, answers, level=LEVEL):
    truth = np.asarray(truth)
    return with_labels.one_answer(
        of_answers(truth, truth, np.asarray(answers), ("bad", "good")), Policy(), "reject", level
    )


def test_one_other_answer_among_a_thousand_is_another_answer():
    truth, answers = np.arange(1_000) % 2, np.zeros(1_000, dtype=int)
    made = one_answer(truth, answers)
    assert (made.status, made.observed, made.code) == ("fail", 1, "one_answer")
    assert made.reason == "gives one and the same answer to each of the 1,000 rows"
    answers[1] = 1
    assert (one_answer(truth, answers).status, one_answer(truth, answers).observed) == ("pass", 2)


def test_one_answer_is_no_wonder_where_an_honest_model_would_give_it_too():
    rare = np.zeros(200, dtype=int)
    rare[0] = 1  # given as often as it occurs, the other answer is missing in 37 of 100 cases
    assert one_answer(rare, np.zeros(200, dtype=int)).status == "pass"
    few = [0, 1, 0, 1]
    by_chance = 2 * 0.5**4
    assert one_answer(few, [0, 0, 0, 0], level=by_chance).status == "fail"
    assert one_answer(few, [0, 0, 0, 0], level=by_chance * (1 - 1e-9)).status == "pass"


def test_a_slice_is_judged_at_the_level_and_only_where_it_is_large_enough():
    parts = (("big", 60, 20, 700, 220), ("small", 2, 9, 80, 9))
    for minimum, tolerance, status in ((100, 0.0, "pass"), (101, 0.0, "skipped"), (100, 0.05, "pass")):
        policy = Policy(minimum_rows=minimum, tolerance=tolerance)
        made = {check.name: check for check in labelled(card(*parts), policy, LEVEL)}
        name = "slice small" if minimum == 100 else "small slices pooled"
        assert made[name].status == status, minimum
        assert made[name].required == -tolerance
        if status != "skipped":
            assert made[name].observed == pytest.approx(-0.07)
    worse = (("big", 60, 20, 700, 220), ("small", 1, 13, 80, 6))
    made = {check.name: check for check in labelled(card(*worse), Policy(), LEVEL)}
    assert (made["slice small"].status, made["slice big"].status) == ("fail", "pass")


def test_words_say_whether_worse_probabilities_are_shown():
    scores, _ = scored()
    for tolerance, words in ((0.0, "its probabilities are less"), (1.0, "its probabilities are not shown to be less")):
        assert with_labels.brier(scores, Policy(brier_tolerance=tolerance), "hold", LEVEL).reason.startswith(words)


def test_one_slice_alone_is_the_whole_and_has_no_guard_of_its_own():
    made = labelled(card(("only", 60, 20, 700, 220)), Policy(), LEVEL)
    assert [check.name for check in made if "slice" in check.name] == []


def small_slice(b, c, policy, level):
    parts = (("big", 60, 20, 700, 220), ("small", b, c, 80, 20 - b - c))
    [made] = [check for check in labelled(card(*parts), policy, level) if check.name == "slice small"]
    return made.status


def test_without_a_tolerance_the_exact_test_has_to_agree_and_its_level_is_small_enough():
    assert tango(2, 7, 100, 0.9)[1] < -1e-6
    assert small_slice(2, 7, Policy(), 0.05) == "pass"
    assert small_slice(2, 7, Policy(tolerance=1e-6), 0.05) == "fail"
    assert small_slice(0, 5, Policy(), 1 / 64) == "fail"
    assert small_slice(0, 5, Policy(), 1 / 65) == "pass"


def test_a_check_says_whether_it_read_a_label():
    free = [guard.check(LEVEL) for guard in guards.label_free(CARD, Policy())]
    scores, _ = scored()
    read = labelled(scores, Policy(accuracy=0.5), LEVEL)
    assert {check.uses_labels for check in free} == {False}
    assert [check.name for check in read if not check.uses_labels] == []


def test_one_answer_where_the_others_are_not_told():
    truth = np.arange(1_000) % 2
    assert one_answer(truth, truth).reason == "gives 2 different answers"
    rare = np.zeros(200, dtype=int)
    rare[0] = 1
    assert one_answer(rare, np.zeros(200, dtype=int)).reason.startswith("gives one answer only, which is no wonder")
