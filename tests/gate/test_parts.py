"""Harm in a slice or a class counts at any size, and many small parts do not stop honest models."""

from dataclasses import replace

from mlgate.gate import PROMOTE, REJECT, guards, judge, statistics
from mlgate.gate.parts import class_guards, slice_guards
from mlgate.root import Policy

import numpy as np
import pytest
from cards import card, of_answers, plain
from scipy.stats import binom

LEVEL = 0.01
GOOD = ("big", 300, 60, 3_000, 500)


def made(guard_list, level=LEVEL):
    """The checks of some guards, by name."""
    checks = [check(level) for check in guard_list]
    return {check.name: check for check in checks}


def of_slices(*parts, **demands):
    return made(slice_guards(card(*parts), Policy(**demands)))


def test_ninety_rows_with_thirty_losses_and_no_win_reject():
    verdict = judge(card(GOOD, ("small", 0, 30, 50, 10)), Policy())
    assert verdict.decision == REJECT
    assert verdict.check("small slices pooled").status == "fail"
    assert verdict.reason == (
        "worse on slice small, though it has 90 rows only: 0 only the candidate gets right, 30 only production"
    )


def test_one_harmed_slice_is_not_hidden_among_small_ones_that_won():
    winners = [(f"winner {number}", 9, 0, 50, 10) for number in range(9)]
    verdict = judge(card(GOOD, ("loser", 0, 20, 40, 10), *winners), Policy())
    assert verdict.decision == REJECT
    assert verdict.check("small slices pooled").observed > 0
    assert "slice loser" in verdict.reason


def test_small_slices_that_each_show_nothing_are_judged_together():
    losers = [(f"loser {number}", 1, 4, 40, 5) for number in range(12)]
    found = of_slices(GOOD, *losers)["small slices pooled"]
    assert (found.status, found.code) == ("fail", "slice")
    assert found.reason.startswith("worse on small slices pooled: ")
    assert found.observed == pytest.approx(-36 / 600)


def test_small_slices_without_harm_are_skipped_and_do_not_block():
    verdict = judge(card(GOOD, ("small", 2, 4, 30, 10)), Policy())
    assert verdict.check("small slices pooled").status == "skipped"
    assert verdict.check("small slices pooled").reason == (
        "small slices pooled has 46 rows; at least 100 are needed to judge it"
    )
    assert verdict.decision == PROMOTE


@pytest.mark.parametrize(("losses", "status"), [(0, "undecided"), (6, "undecided"), (7, "fail")])
def test_a_small_required_slice_fails_where_harm_is_shown_and_is_undecided_else(losses, status):
    """At level 0.01, seven losses and no win are the fewest that show harm: 2 ** -7 < 0.01."""
    found = of_slices(GOOD, ("small", 0, losses, 40, 10), required=("small",))["slice small"]
    assert found.status == status


def test_a_required_slice_without_rows_is_undecided():
    found = of_slices(GOOD, required=("gone",))["slice gone"]
    assert (found.status, found.observed, found.reason) == (
        "undecided",
        None,
        "slice gone has 0 rows; at least 100 are needed to judge it",
    )


def test_the_exact_test_keeps_its_level_at_every_size():
    """P(rejected) of an equal model: a sum over all ways in which m disagreements can fall."""
    for m in (1, 5, 10, 40):
        losses = np.arange(m + 1)
        chances = [binom.pmf(loss, m, 0.5) for loss in losses]
        for level in (0.05, 0.004):
            rejected = [statistics.exact_loss(m - loss, loss, 0) <= level for loss in losses.tolist()]
            assert sum(np.array(chances)[rejected]) <= level


@pytest.mark.parametrize(
    ("b", "c", "excess", "expected"),
    [(0, 0, 0, 1.0), (0, 5, 0, 1 / 32), (5, 0, 0, 1.0), (0, 5, 5, 1.0), (0, 4, 2, (3 / 4) ** 4), (1, 2, 0, 0.5)],
)
def test_exact_loss_is_a_binomial_tail(b, c, excess, expected):
    assert statistics.exact_loss(b, c, excess) == pytest.approx(expected)


def test_a_tolerated_loss_is_no_harm():
    parts = (GOOD, ("small", 0, 8, 72, 10))
    assert of_slices(*parts)["small slices pooled"].status == "fail"
    assert of_slices(*parts, tolerance=0.08)["small slices pooled"].status == "skipped"


def test_a_rare_class_whose_recall_collapses_rejects():
    """Of 2,000 rows, 60 are of the rare class: recall falls from 0.8 to 0.1, while the whole gets better."""
    truth = np.repeat([0, 1], [1_940, 60])
    production = truth.copy()
    production[:200] = 1
    production[1_940:1_952] = 0
    candidate = truth.copy()
    candidate[:20] = 1
    candidate[1_940:1_994] = 0
    scorecard = of_answers(truth, production, candidate, ("common", "rare"))
    assert scorecard.class_counts.tolist() == [[180, 0, 1_940], [0, 42, 60]]
    verdict = judge(scorecard, Policy())
    assert verdict.check("difference").status == "pass"
    assert verdict.decision == REJECT
    assert verdict.check("small classes pooled").status == "fail"
    assert verdict.reason.startswith("worse on class rare, though it has 60 rows only")
    large = replace(scorecard, counts=scorecard.counts * 2)
    assert judge(large, Policy()).check("class rare").status == "fail"


def test_a_class_that_loses_within_its_tolerance_is_no_harm():
    truth = np.repeat([0, 1], 1_000)
    production = truth.copy()
    candidate = truth.copy()
    candidate[:40] = 1
    scorecard = of_answers(truth, production, candidate, ("bad", "good"))
    assert made(class_guards(scorecard, Policy()))["class bad"].status == "pass"
    assert made(class_guards(scorecard, Policy(classes_tolerance=0.01)))["class bad"].status == "fail"


def test_where_only_one_class_occurs_there_is_no_guard_of_it():
    truth = np.repeat([0, 1], 250)
    north = of_answers(truth, truth, truth, ("bad", "good"), slices=truth, names=("north", "south")).of_slices("north")
    assert class_guards(north, Policy()) == []


def test_no_failed_check_counts_beside_a_promotion():
    """Whatever the policy's actions: what fails and counts blocks."""
    verdict = judge(card(GOOD, ("small", 0, 30, 50, 10)), Policy(slices_action="report"))
    assert verdict.decision == PROMOTE
    failed = [check for check in verdict.checks if check.status == "fail"]
    assert [check.blocks for check in failed] == [False]
    assert not any(check.blocks for check in verdict.checks)


@pytest.mark.slow
def test_many_small_slices_turn_an_honest_model_away_no_more_often_than_promised():
    """Equal models on 60 slices of 25 rows: each guard at its share, all of them together at most 5 %."""
    random = np.random.default_rng(0)
    slices = np.repeat(np.arange(60), 25)
    names = tuple(f"slice {number:02d}" for number in range(60))
    truth = np.tile([0, 1], 750)
    rejected = 0
    times = 400
    for _ in range(times):
        wrong = random.random((2, 1_500)) < 0.15
        production = np.where(wrong[0], 1 - truth, truth)
        candidate = np.where(wrong[1], 1 - truth, truth)
        scorecard = of_answers(truth, production, candidate, ("bad", "good"), slices, names)
        level = guards.level(scorecard, Policy())
        checks = [guard.check(level) for guard in guards.with_labels(scorecard, Policy())]
        rejected += any(check.status == "fail" and check.blocks for check in checks)
    assert statistics.clopper_pearson(rejected, times, 0.95)[0] <= Policy().guards_alpha


def test_a_whole_without_parts_has_no_guard_of_a_slice():
    assert slice_guards(plain(60, 20), Policy()) == []
