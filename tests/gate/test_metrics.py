"""Other metrics than accuracy decide: each with its value, an interval that keeps its level, and guards that follow."""

from dataclasses import replace

from mlgate import judge
from mlgate.errors import MlgateError
from mlgate.gate import HOLD, PROMOTE, REJECT, comparison, points
from mlgate.gate import judge as decided
from mlgate.gate.moments import Moments, moments
from mlgate.root import Policy, policy_from

import numpy as np
import pytest
from cards import card, of_answers, plain
from sklearn import metrics as of_sklearn

COSTS = ("fraud -> fine = 50", "fine -> fraud = 1")
METRICS = {
    "balanced_accuracy": Policy(metric="balanced_accuracy", classes_action="report"),
    "macro_f1": Policy(metric="macro_f1", classes_action="report"),
    "cost": Policy(metric="cost", costs=COSTS, classes_action="report"),
}


def fraud(rows=10_000, seed=0, share=0.01):
    """Labels, a model that never says fraud, and one that finds four of five and is less accurate."""
    random = np.random.default_rng(seed)
    labels = np.where(random.random(rows) < share, "fraud", "fine")
    says_fraud = random.random(rows) < np.where(labels == "fraud", 0.8, 0.03)
    return labels, np.full(rows, "fine"), np.where(says_fraud, "fraud", "fine")


def scored(seed=1, rows=900, classes=3, right=(0.7, 0.75)):
    """A scorecard of two models on rows of unequal classes, and the rows."""
    random = np.random.default_rng(seed)
    truth = random.choice(classes, rows, p=np.arange(1, classes + 1) / (classes * (classes + 1) / 2))
    answers = [np.where(random.random(rows) < share, truth, random.integers(0, classes, rows)) for share in right]
    return of_answers(truth, *answers, tuple("abcdefgh"[:classes])), truth, answers


# ---- what they are ----


def test_the_values_are_those_of_scikit_learn():
    for classes in (2, 3, 7):
        scorecard, truth, answers = scored(classes=classes)
        for metric, function in (
            ("balanced_accuracy", of_sklearn.balanced_accuracy_score),
            ("macro_f1", lambda y, p: of_sklearn.f1_score(y, p, average="macro")),
        ):
            expected = [function(truth, each) for each in answers]
            assert comparison.values(scorecard, METRICS[metric]) == pytest.approx(expected)
            found = comparison.compared(scorecard, METRICS[metric])
            assert found.estimate == pytest.approx(expected[1] - expected[0])


def test_a_cost_is_what_the_errors_cost_a_row_and_less_of_it_is_better():
    labels = ["fraud"] * 4 + ["fine"] * 6
    production = ["fine"] * 10
    candidate = ["fraud"] * 3 + ["fine"] * 6 + ["fraud"]
    verdict = judge(labels, production, candidate, policy=METRICS["cost"])
    assert (verdict.production.value, verdict.candidate.value) == pytest.approx((20.0, 5.1))
    assert verdict.difference.estimate == pytest.approx(14.9)
    assert verdict.difference.metric == "cost"
    assert verdict.as_dict()["candidate"] == {"digest": None, "accuracy": 0.8, "value": pytest.approx(5.1)}


def test_a_cost_for_a_class_that_is_not_there_is_named():
    with pytest.raises(MlgateError, match=r"names the class 'frad'; there are 'fine', 'fraud'\. Mend that line\."):
        judge(*fraud(300), policy=Policy(metric="cost", costs=("frad -> fine = 50",)))


@pytest.mark.parametrize("metric", METRICS)
def test_the_standard_error_is_that_of_the_bootstrap(metric):
    labels = ("fine", "fraud", "odd")
    scorecard = replace(scored()[0], classes=labels)
    found = replace(comparison.compared(scorecard, METRICS[metric]), swing=0)
    random = np.random.default_rng(5)
    draws = random.multinomial(scorecard.count, scorecard.counts / scorecard.count, size=1_000)
    cards = [replace(scorecard, cells=scorecard.cells[row > 0], counts=row[row > 0]) for row in draws]
    spread = np.std([comparison.compared(each, METRICS[metric]).estimate for each in cards])
    low, high = found.interval(0.6827)
    assert (high - low) / 2 == pytest.approx(spread, rel=0.08)


# ---- what is decided ----


@pytest.mark.parametrize("metric", METRICS)
def test_a_good_model_is_promoted_though_never_saying_fraud_is_more_accurate(metric):
    labels, never, good = fraud()
    promoted = judge(labels, never, good, policy=METRICS[metric])
    assert promoted.decision == PROMOTE, promoted.reason
    assert promoted.candidate.accuracy < promoted.production.accuracy
    assert promoted.check("one class").status == "pass"
    assert judge(labels, never, good).decision == REJECT
    rejected = judge(labels, good, never, policy=METRICS[metric])
    assert rejected.decision == REJECT
    assert rejected.check("difference").status == "fail"


@pytest.mark.parametrize("metric", METRICS)
def test_swapped_models_swap_the_verdict(metric):
    scorecard = replace(scored()[0], classes=("fine", "fraud", "odd"))
    turned = replace(scorecard, cells=scorecard.cells[:, [0, 1, 3, 2]])
    one, other = (comparison.compared(each, METRICS[metric]) for each in (scorecard, turned))
    assert one.estimate == -other.estimate
    assert one.interval(0.9).low == pytest.approx(-other.interval(0.9).high, abs=1e-14)
    assert one.standing(0, 0.05) == {"pass": "fail", "fail": "pass", "undecided": "undecided"}[other.standing(0, 0.05)]


def test_slices_are_judged_in_the_metric_that_decides():
    labels, never, good = fraud(20_000)
    slices = np.where(np.arange(20_000) % 2, "web", "shop")
    worse = np.where((slices == "shop"), never, good)
    verdict = judge(labels, good, worse, slices=slices, metric="balanced_accuracy")
    assert verdict.check("slice shop").status == "fail"
    assert verdict.check("slice shop").observed == pytest.approx(-0.4, abs=0.06)
    assert "points of balanced accuracy" in verdict.check("slice shop").reason
    assert verdict.check("slice web").status == "pass"
    assert [part.estimate < -0.3 for part in verdict.slices] == [True, False]


def test_harm_in_a_small_slice_counts_in_every_metric():
    labels, _, good = fraud(4_000, share=0.5)
    slices = np.where(np.arange(4_000) < 90, "small", "large")
    better = np.where(np.arange(4_000) % 3 == 0, labels, good)
    worse = np.where(slices == "small", np.where(labels == "fraud", "fine", "fraud"), better)
    verdict = judge(labels, good, worse, slices=slices, metric="macro_f1")
    assert verdict.check("difference").status == "pass"
    assert verdict.decision == REJECT
    assert verdict.reason.startswith("worse on slice small, though it has 90 rows only: -")


def test_the_floor_is_in_the_metric_that_decides():
    labels, never, good = fraud()
    policy = METRICS["balanced_accuracy"]
    for floor, status in ((0.7, "pass"), (0.92, "undecided"), (0.99, "fail")):
        check = judge(labels, never, good, policy=replace(policy, floor=floor)).check("floor")
        assert (check.status, check.required) == (status, floor), check.reason
    cost = replace(METRICS["cost"], floor=0.3)
    assert judge(labels, never, good, policy=cost).check("floor").status == "pass"
    assert judge(labels, good, never, policy=cost).check("floor").status == "fail"


def test_fewer_than_thirty_rows_hold():
    verdict = judge(*fraud(25, share=0.5), metric="macro_f1")
    assert verdict.decision == HOLD
    assert verdict.check("units").reason == "25 rows are too few to judge macro F1 by: 30 are needed"


def test_a_margin_is_in_the_metrics_own_unit():
    labels, never, good = fraud()
    cost = METRICS["cost"]
    assert judge(labels, never, good, policy=replace(cost, margin=0.2)).decision == PROMOTE
    held = judge(labels, never, good, policy=replace(cost, margin=0.34))
    assert held.decision == HOLD
    assert held.reason.startswith("not shown to be better than production by more than 0.34 less cost a row: +0.3")
    assert points(held.difference).startswith("+0.3459 less cost a row (+0.27")


def test_accuracy_is_decided_as_before_and_says_nothing_of_metrics():
    labels, never, good = fraud(2_000)
    verdict = judge(labels, never, good)
    assert verdict.as_dict() == judge(labels, never, good, metric="accuracy").as_dict()
    assert "value" not in verdict.as_dict()["candidate"]
    assert "metric" not in verdict.policy
    assert verdict.difference.method == "tango"


# ---- rows that pass or fail ----


def test_rows_that_all_have_to_pass_need_one_label():
    right = ["pass"] * 88 + ["fail"] * 12
    better = ["pass"] * 96 + ["fail"] * 4
    with pytest.raises(MlgateError, match="one label"):
        judge(["pass"] * 100, right, better)
    verdict = judge(["pass"] * 100, right, better, metric="pass_rate")
    assert verdict.decision == PROMOTE
    assert (verdict.production.value, verdict.candidate.value) == (0.88, 0.96)
    assert verdict.discordant == (8, 0)
    assert judge(["pass"] * 100, better, right, metric="pass_rate").decision == REJECT
    perfect = judge(["pass"] * 100, ["pass"] * 100, better, metric="pass_rate")
    assert perfect.decision == REJECT
    assert perfect.check("difference").status == "fail"
    assert judge(["pass"] * 100, right, ["pass"] * 100, metric="pass_rate").decision == PROMOTE


# ---- the level ----


def no_better(random, rows, classes, discordance, times):
    """Counts (times, classes) of an equally good candidate: rows, wins, losses, and rows that both get right."""
    sizes = random.multinomial(rows, classes, size=times)
    different = random.binomial(sizes, discordance)
    wins = random.binomial(different, 0.5)
    both = random.binomial(sizes - different, 0.8)
    return sizes, wins, different - wins, both


@pytest.mark.slow
@pytest.mark.parametrize(
    ("classes", "discordance"),
    [((0.5, 0.5), (0.1, 0.1)), ((0.9, 0.1), (0.06, 0.2)), ((0.97, 0.03), (0.03, 0.3)), ((0.7, 0.2, 0.1), (0.1,) * 3)],
)
@pytest.mark.parametrize("metric", ["balanced_accuracy", "macro_f1"])
def test_a_model_that_is_no_better_is_promoted_at_most_at_the_level(metric, classes, discordance):
    random = np.random.default_rng(2)
    promoted = 0
    times = 600
    sizes, wins, losses, both = no_better(random, 600, classes, discordance, times)
    for row in range(times):
        cells = []
        for place in range(len(classes)):
            other = (place + 1) % len(classes)
            right, won, lost = both[row, place], wins[row, place], losses[row, place]
            wrong = sizes[row, place] - right - won - lost
            cells += [(place, place, place, right), (place, other, place, won), (place, place, other, lost)]
            cells.append((place, other, other, wrong))
        table = np.array([(0, *cell) for cell in cells if cell[-1]])
        scorecard = replace(plain(1, 1), classes=tuple("abc"[: len(classes)]), cells=table[:, :4], counts=table[:, 4])
        promoted += comparison.compared(scorecard, Policy(metric=metric)).standing(0, 0.05) == "pass"
    assert promoted / times <= 0.05 + 2.6 * np.sqrt(0.05 * 0.95 / times)


def test_no_pair_of_tests_is_fooled_by_a_few_rows_that_agree():
    """Four wins and no loss in a thousand rows are no certainty: without the two rows each way, p would be .02."""
    few = moments(np.array([1.0, 0.0]), np.array([4, 996]), np.array([1, 0]), rows=1_000, metric="cost", swing=1.0)
    assert 0.03 < few.p_value() < 0.0625
    assert isinstance(few, Moments)
    assert few.interval(0.9).low < 0
    more = moments(np.array([1.0, 0.0]), np.array([9, 991]), np.array([1, 0]), rows=1_000, metric="cost", swing=1.0)
    assert more.p_value() < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["balanced_accuracy", "cost"])
def test_guards_in_other_metrics_keep_their_level_on_small_slices(metric):
    random = np.random.default_rng(4)
    policy = policy_from({"decision": {"metric": metric, "costs": ["bad -> good = 5"]}})
    failed = 0
    for _ in range(30):
        wins = random.binomial(6, 0.5)
        scorecard = card(("large", 60, 30, 800, 100), ("small", wins, 6 - wins, 40, 8))
        failed += decided(scorecard, policy).check("small slices pooled").status == "fail"
    assert failed == 0
