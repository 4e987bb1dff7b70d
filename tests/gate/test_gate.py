"""The verdict follows from counts and policy, and from nothing else; guards fail only where harm is shown."""

import json
import time
from dataclasses import asdict, fields, replace

from mlgate.artifacts import to_json
from mlgate.gate import (
    HOLD,
    PROMOTE,
    REJECT,
    Check,
    Look,
    RowSet,
    decide,
    difference,
    guards,
    judge,
    judge_first,
    statistics,
    verdict_from,
)
from mlgate.root import Policy
from mlgate.scorecard import Facts, Probes

import numpy as np
import pytest
from cards import card, of_answers, plain
from scipy.stats import binom

# nothing but the difference counts
BARE = Policy(slices_action="report", flips_action="report", brier_action="report", too_good_action="report")


def decided(b, c, n=1_000, policy=BARE, **facts):
    return judge(plain(b, c, n, **facts), policy).decision


def check(scorecard, name, policy):
    return judge(scorecard, policy).check(name)


# ---- the difference ----


@pytest.mark.parametrize(
    ("b", "c", "decision"),
    [
        (40, 10, PROMOTE),
        (60, 40, PROMOTE),
        (32, 20, PROMOTE),
        (29, 19, HOLD),
        (25, 25, HOLD),
        (20, 25, HOLD),
        (20, 32, REJECT),
        (10, 40, REJECT),
        (3, 0, HOLD),
        (4, 0, PROMOTE),
        (0, 4, REJECT),
        (0, 0, HOLD),
    ],
)
def test_paired_evidence_decides(b, c, decision):
    verdict = judge(plain(b, c), BARE)
    assert verdict.decision == decision, verdict.reason
    assert verdict.discordant == (b, c)
    low, high = statistics.tango(b, c, 1_000, 0.9)
    found = asdict(verdict.difference)
    assert {key: value for key, value in found.items() if key not in ("metric", "method")} == pytest.approx(
        {"estimate": (b - c) / 1_000, "low": low, "high": high, "confidence": 0.9, "p_value": statistics.midp(b, c)}
    )
    assert (verdict.difference.metric, verdict.difference.method) == ("accuracy", "tango")


@pytest.mark.slow
def test_the_rule_of_the_design_holds_for_all_counts():
    for n in (100, 5_000):
        for b in range(0, 50, 4):
            for c in range(0, 50, 2):
                low, high = statistics.tango(b, c, n, 0.9)
                expected = PROMOTE if low > 0 and statistics.midp(b, c) <= 0.05 else REJECT if high < 0 else HOLD
                assert {"pass": PROMOTE, "fail": REJECT, "undecided": HOLD}[
                    difference.standing(b, c, n, 0, 0.05)
                ] == expected


def test_a_better_point_estimate_is_no_evidence():
    """What a plain `>` promotes."""
    verdict = judge(plain(55, 45), BARE)
    assert verdict.candidate.accuracy > verdict.production.accuracy
    assert verdict.decision == HOLD
    assert verdict.reason.startswith("neither shown to be better than production nor to be worse: +1.00 points (")


@pytest.mark.slow
@pytest.mark.parametrize(("n", "alpha"), [(100, 0.05), (1_000, 0.0025)])
def test_swapped_models_swap_the_verdict(n, alpha):
    policy = replace(BARE, alpha=alpha)
    for b in range(0, 45, 6):
        for c in range(0, 45, 4):
            one, other = judge(plain(b, c, n), policy), judge(plain(c, b, n), policy)
            assert one.difference.estimate == -other.difference.estimate
            assert one.difference.low == pytest.approx(-other.difference.high, abs=1e-12)
            assert one.difference.p_value + other.difference.p_value == pytest.approx(1)
            if one.decision == PROMOTE:
                assert other.decision == REJECT
            if one.decision == REJECT and other.difference.p_value <= alpha:
                assert other.decision == PROMOTE
            assert {one.decision, other.decision} != {one.decision} or one.decision == HOLD


@pytest.mark.parametrize(("b", "c", "decision"), [(62, 38, HOLD), (80, 40, PROMOTE), (38, 62, REJECT), (40, 45, HOLD)])
def test_with_a_margin_it_has_to_be_better_by_more(b, c, decision):
    verdict = judge(plain(b, c), replace(BARE, margin=0.015))
    assert verdict.decision == decision
    assert verdict.check("difference").required == 0.015
    if decision == HOLD:
        assert "not shown to be better than production by more than 1.50 points" in verdict.reason
    if decision == PROMOTE:
        assert verdict.reason.startswith("better than production by more than 1.50 points")


@pytest.mark.parametrize(
    ("b", "c", "decision"), [(40, 40, PROMOTE), (40, 48, PROMOTE), (40, 60, HOLD), (30, 75, REJECT), (0, 9, PROMOTE)]
)
def test_with_a_negative_margin_it_must_not_be_worse_by_more(b, c, decision):
    verdict = judge(plain(b, c), replace(BARE, margin=-0.025))
    assert verdict.decision == decision, verdict.reason
    words = {PROMOTE: "not worse than", HOLD: "may be worse than", REJECT: "worse than"}[decision]
    assert verdict.reason.startswith(f"{words} production by more than 2.50 points")


def test_the_limit_at_the_margin_is_no_pass():
    low, high = statistics.tango(60, 40, 1_000, 0.9)
    assert difference.standing(60, 40, 1_000, low, 0.05) == "undecided"
    assert difference.standing(60, 40, 1_000, np.nextafter(low, 0), 0.05) == "pass"
    low, high = statistics.tango(40, 60, 1_000, 0.9)
    assert difference.standing(40, 60, 1_000, high, 0.05) == "undecided"
    assert difference.standing(40, 60, 1_000, np.nextafter(high, 0), 0.05) == "fail"


def test_only_sealed_rows_share_alpha_among_looks():
    b, c = 40, 22
    assert 0.0025 < statistics.midp(b, c) < 0.05
    assert decided(b, c) == PROMOTE
    assert decided(b, c, sealed=True) == HOLD
    assert decided(c, b, sealed=True) == HOLD
    assert decided(b, c, sealed=True, policy=replace(BARE, looks=1)) == PROMOTE
    assert judge(plain(b, c, sealed=True), BARE).difference.confidence == pytest.approx(0.995)
    assert judge(plain(b, c), BARE).difference.confidence == pytest.approx(0.9)
    assert decided(60, 22, sealed=True) == PROMOTE


@pytest.mark.parametrize(("b", "c"), [(1, 0), (0, 1), (2, 1), (1, 2)])
def test_too_few_disagreements_hold_and_say_so(b, c):
    verdict = judge(plain(b, c), BARE)
    assert verdict.decision == HOLD
    assert verdict.reason.startswith("the models disagree on too few rows to decide")
    assert judge(plain(5, 2), BARE).reason.startswith("neither shown")
    assert judge(plain(2, 2), BARE).reason.startswith("neither shown")  # four for one model would have been enough


@pytest.mark.slow
def test_smallest_win_is_where_the_verdict_turns():
    for different in (3, 5, 12, 80, 300):
        for margin in (-0.02, 0.0, 0.01):
            needed = difference.smallest_win(different, 1_000, margin, 0.05)
            stands = [difference.standing(b, different - b, 1_000, margin, 0.05) for b in range(different + 1)]
            assert needed == (stands.index("pass") if "pass" in stands else None)


def test_fragility_is_the_smallest_number_of_wrong_labels_that_undoes_it():
    for b, c in ((40, 10), (60, 40), (10, 40), (30, 31)):
        verdict = judge(plain(b, c), BARE)
        if verdict.decision == HOLD:
            assert verdict.fragility is None
            continue
        step = 1 if verdict.decision == PROMOTE else -1
        k = verdict.fragility
        assert decided(b - step * k, c + step * k) != verdict.decision
        assert decided(b - step * (k - 1), c + step * (k - 1)) == verdict.decision


def test_where_no_number_of_wrong_labels_undoes_it_none_is_given():
    assert judge(plain(10, 10), replace(BARE, margin=-0.1)).decision == PROMOTE
    assert judge(plain(10, 10), replace(BARE, margin=-0.1)).fragility is None
    all_of_them, all_but_one = (statistics.tango(b, 20 - b, 1_000, 0.9)[0] for b in (0, 1))
    assert judge(plain(10, 10), replace(BARE, margin=(all_of_them + all_but_one) / 2)).fragility == 10


def test_the_level_itself_is_small_enough():
    assert statistics.midp(5, 0) == 1 / 64
    assert difference.standing(5, 0, 100, 0.0, 1 / 64) == "pass"
    assert difference.standing(5, 0, 100, 0.0, 1 / 65) == "undecided"


# ---- identical, faulty ----


def test_the_same_model_is_held_as_identical():
    same = Facts(digest="a" * 64)
    verdict = judge(plain(0, 0, production=same, candidate=same), Policy())
    assert (verdict.decision, verdict.reason) == (HOLD, "identical to production: the same model")
    assert verdict.check("identical").observed == 0


def test_the_same_answers_are_held_as_identical():
    verdict = judge(plain(0, 0, 1_234, production=Facts("a"), candidate=Facts("b")), Policy())
    assert verdict.decision == HOLD
    assert verdict.check("identical").reason == "identical to production: the same answer to each of the 1,234 rows"
    assert "identical" in verdict.reason
    assert judge(plain(0, 0), replace(BARE, margin=-0.1)).decision == HOLD


@pytest.mark.parametrize("b", [0, 200])
def test_a_candidate_at_fault_is_rejected_whatever_it_answered_before(b):
    scorecard = plain(b, 0, candidate=Facts("b", fault="it raises"))
    verdict = judge(scorecard, replace(BARE, margin=-0.5))
    assert (verdict.decision, verdict.reason) == (REJECT, "the candidate cannot be used: it raises")
    assert verdict.candidate.accuracy is None
    assert verdict.production.accuracy is not None
    assert verdict.difference is None
    assert verdict.discordant is None


# ---- floors ----


def test_floors_count_only_where_the_policy_names_one():
    scorecard = card(("", 60, 10, 20, 110))
    assert scorecard.accuracy[1] < 0.5
    assert "accuracy floor" not in [made.name for made in judge(scorecard, BARE).checks]
    assert judge(scorecard, replace(BARE, accuracy=0.7)).decision == REJECT
    assert judge(scorecard, replace(BARE, accuracy=0.7, accuracy_action="hold")).decision == HOLD
    assert judge(scorecard, replace(BARE, accuracy=0.7, accuracy_action="report")).decision == PROMOTE


@pytest.mark.parametrize(("right", "status"), [(650, "fail"), (690, "undecided"), (700, "pass"), (701, "pass")])
def test_the_floor_fails_only_where_it_is_shown_to_be_broken(right, status):
    scorecard = card(("", 50, 10, right - 50, 990 - right))
    found = check(scorecard, "accuracy floor", replace(BARE, accuracy=0.7))
    assert found.status == status
    assert found.observed == right / 1_000
    assert judge(scorecard, replace(BARE, accuracy=0.7)).decision == {"fail": REJECT, "undecided": HOLD}.get(
        status, PROMOTE
    )


def answers(candidate):
    """A scorecard of 1,000 rows, 700 of class 0: production answers at random, the candidate as given."""
    random = np.random.default_rng(0)
    truth = np.repeat([0, 1], [700, 300])
    production = np.where(random.random(1_000) < 0.6, truth, 1 - truth)
    return of_answers(truth, production, candidate(truth, random), ("bad", "good"))


@pytest.mark.parametrize(
    ("candidate", "status"),
    [
        (lambda truth, _: np.zeros_like(truth), "undecided"),
        (lambda truth, _: np.ones_like(truth), "fail"),
        (lambda truth, random: np.where(random.random(1_000) < 0.55, truth, 1 - truth), "fail"),
        (lambda truth, random: np.where(random.random(1_000) < 0.9, truth, 1 - truth), "pass"),
        (lambda truth, random: np.where(random.random(1_000) < 0.7, truth, 1 - truth), "undecided"),
    ],
    ids=["most frequent", "other", "worse", "better", "about as good"],
)
def test_a_model_that_always_answers_one_class_is_found_however_accurate(candidate, status):
    scorecard = answers(candidate)
    found = check(scorecard, "one class", replace(BARE, one_class_action="reject"))
    assert found.status == status
    if scorecard.confusion("candidate").sum(axis=0).max() == scorecard.count:
        assert judge(scorecard, BARE).decision == REJECT


def test_an_answerer_of_one_class_is_not_promoted_though_it_beats_production():
    scorecard = answers(lambda truth, _: np.zeros_like(truth))
    assert scorecard.accuracy[1] > scorecard.accuracy[0] + 0.05
    verdict = judge(scorecard, BARE)
    assert verdict.decision == REJECT
    assert "gives one and the same answer to each of the 1,000 rows" in verdict.reason


def test_the_first_production_model_needs_no_rival_but_keeps_the_floors():
    good, poor = card(("", 0, 0, 800, 200)), card(("", 0, 0, 600, 400))
    assert judge_first(good, Policy(accuracy=0.7)).decision == PROMOTE
    assert judge_first(poor, Policy(accuracy=0.7)).decision == REJECT
    assert judge_first(answers(lambda truth, _: np.zeros_like(truth)), Policy(accuracy=0.6)).decision == REJECT
    broken = replace(good, candidate=Facts(fault="it raises"))
    assert judge_first(broken, Policy(accuracy=0.7)).decision == REJECT


# ---- slices ----

WORSE_IN_ONE = (("big", 150, 60, 3_000, 500), ("small", 5, 45, 300, 50))


def test_worse_on_one_slice_rejects_though_the_whole_is_better():
    verdict = judge(card(*WORSE_IN_ONE), Policy())
    assert verdict.check("difference").status == "pass"
    assert verdict.decision == REJECT
    assert verdict.reason.startswith("worse on slice small: -10.00 points (")
    assert verdict.check("slice small").status == "fail"
    assert verdict.check("slice big").status == "pass"
    assert [(part.name, part.rows, part.estimate) for part in verdict.slices] == [
        ("big", 3_710, 90 / 3_710),
        ("small", 400, -0.1),
    ]
    assert judge(card(*WORSE_IN_ONE), Policy(slices_action="hold")).decision == HOLD
    assert judge(card(*WORSE_IN_ONE), Policy(slices_action="report")).decision == PROMOTE


def test_a_tolerance_lets_a_slice_get_that_much_worse():
    tolerant = judge(card(*WORSE_IN_ONE), Policy(tolerance=0.08))
    assert tolerant.decision == PROMOTE
    assert "worse, but not shown to be so by more than the tolerated 8.00" in tolerant.check("slice small").reason
    verdict = judge(card(*WORSE_IN_ONE), Policy(tolerance=0.02))
    assert verdict.decision == REJECT
    assert verdict.check("slice small").required == -0.02


def test_a_slice_that_looks_worse_by_chance_turns_nobody_away():
    verdict = judge(card(("big", 150, 60, 3_000, 500), ("small", 12, 18, 320, 50)), Policy())
    assert verdict.decision == PROMOTE
    assert verdict.check("slice small").reason.startswith("not shown to be worse on slice small: -1.50 points")


def test_guards_share_one_level():
    """The same slice, shown to be worse when it is watched alone, is not when fifty others are watched too."""
    slice_ = ("watched", 8, 24, 300, 68)
    others = [(f"other {number}", 40, 10, 300, 50) for number in range(50)]
    few, many = card(slice_, *others[:1]), card(slice_, *others)
    assert check(few, "slice watched", Policy()).status == "fail"
    assert check(many, "slice watched", Policy()).status == "pass"
    level = guards.level(few, Policy())
    assert guards.level(many, Policy()) < level / 5
    assert guards.level(few, Policy(guards_alpha=0.01)) == pytest.approx(level / 5)


def test_where_all_guards_only_report_the_level_is_the_whole():
    silent = {item.name: "report" for item in fields(Policy) if item.name.endswith("action")}
    assert guards.level(plain(60, 20), replace(Policy(), **silent)) == Policy().guards_alpha


def test_a_guard_that_only_reports_takes_no_share():
    scorecard = card(*WORSE_IN_ONE)
    assert guards.level(scorecard, Policy()) > guards.level(scorecard, Policy(flips_action="hold"))
    assert guards.level(scorecard, Policy(slices_action="report")) > guards.level(scorecard, Policy())


@pytest.mark.parametrize("scorecard", [plain(60, 20), card(*WORSE_IN_ONE[:1])], ids=["no slices", "other slices"])
def test_a_required_slice_that_is_absent_holds(scorecard):
    verdict = judge(scorecard, replace(BARE, slices_action="reject", required=("imdb",)))
    assert verdict.decision == HOLD
    assert verdict.reason == "slice imdb has 0 rows; at least 100 are needed to judge it"


@pytest.mark.parametrize(("rows", "decision"), [(99, HOLD), (100, PROMOTE)])
def test_a_required_slice_that_is_too_small_holds(rows, decision):
    scorecard = card(("big", 150, 60, 3_000, 500), ("imdb", 4, 0, rows - 8, 4))
    assert judge(scorecard, Policy(required=("imdb",))).decision == decision
    assert judge(scorecard, Policy()).decision == PROMOTE


def test_small_slices_are_pooled_and_not_dropped():
    small = [(f"small {number}", 0, 8, 30, 10) for number in range(10)]
    verdict = judge(card(("big", 300, 60, 3_000, 500), *small), Policy())
    assert verdict.decision == REJECT
    pooled = verdict.check("small slices pooled")
    assert pooled.status == "fail"
    assert pooled.observed == -80 / 480
    assert "on 480 rows" in pooled.reason


def test_slices_too_small_even_together_are_skipped_and_say_so():
    verdict = judge(card(("big", 300, 60, 3_000, 500), ("small", 2, 7, 30, 10)), Policy())
    assert verdict.check("small slices pooled").status == "skipped"
    assert "has 49 rows; at least 100 are needed" in verdict.check("small slices pooled").reason
    assert verdict.decision == PROMOTE


def test_rows_without_slices_have_no_guard_of_a_slice():
    names = [made.name for made in judge(plain(60, 20), Policy(required=("imdb",))).checks if "slice" in made.name]
    assert names == ["slice imdb"]
    assert not [made for made in judge(plain(60, 20), Policy()).checks if "slice" in made.name]


def test_a_slice_of_one_label_is_judged_like_any_other():
    truth, slices = np.array([0, 1] * 500 + [1] * 300), np.repeat([0, 1], [1_000, 300])
    production = np.where(np.arange(1_300) % 10 == 0, 1 - truth, truth)
    candidate = np.where(
        (np.arange(1_300) % 5 == 0) & (slices == 1), 1 - truth, np.where(slices == 1, production, truth)
    )
    verdict = judge(of_answers(truth, production, candidate, ("bad", "good"), slices, ("mixed", "praise")), Policy())
    assert verdict.check("difference").status == "pass"
    assert verdict.check("slice praise").status == "fail"


def test_four_classes_are_judged_by_right_and_wrong_alone():
    random = np.random.default_rng(3)
    truth = random.integers(4, size=4_000)
    production, candidate = (np.where(random.random(4_000) < right, truth, (truth + 1) % 4) for right in (0.9, 0.96))
    verdict = judge(of_answers(truth, production, candidate, "abcd"), BARE)
    assert verdict.decision == PROMOTE
    assert verdict.discordant == (
        ((candidate == truth) & (production != truth)).sum(),
        ((production == truth) & (candidate != truth)).sum(),
    )
    assert judge(of_answers(truth, candidate, production, "abcd"), BARE).decision == REJECT


# ---- the other guards ----


@pytest.mark.parametrize(("c", "status"), [(40, "pass"), (60, "pass"), (80, "fail")])
def test_negative_flips_fail_only_where_they_are_shown_to_be_too_many(c, status):
    scorecard = plain(c + 60, c)
    assert check(scorecard, "negative flips", Policy(flips=0.05)).status == status
    assert judge(scorecard, Policy(flips=0.05, flips_action="hold")).decision == (HOLD if status == "fail" else PROMOTE)


def test_a_jump_that_is_too_good_to_be_true_is_held():
    assert check(plain(105, 5), "too good", Policy()).status == "pass"
    assert judge(plain(250, 5), Policy(too_good_action="report")).decision == PROMOTE
    verdict = judge(plain(250, 5), Policy())
    assert verdict.decision == HOLD
    assert verdict.reason.startswith("too good to be true: look for labels that leaked")


def scored(n, production, candidate, spread):
    scores = np.array([[n, n * production, n * candidate, n * (spread**2 + (candidate - production) ** 2)]])
    return replace(plain(60, 20, n), scores=scores)


@pytest.mark.parametrize(
    ("n", "candidate", "decision"),
    [(1_000, 0.31, PROMOTE), (1_000, 0.34, REJECT), (1_000, 0.20, PROMOTE), (100, 0.34, PROMOTE)],
)
def test_probabilities_that_mean_less_reject_at_equal_accuracy(n, candidate, decision):
    scorecard = scored(n, 0.30, candidate, 0.15)
    assert judge(scorecard, replace(BARE, brier_action="reject")).decision == decision
    assert check(scorecard, "brier", BARE).observed == pytest.approx(candidate - 0.30)


def test_without_probabilities_their_guards_are_skipped():
    verdict = judge(plain(60, 20), Policy())
    for name in ("brier", "calibration", "contract", "brittleness", "speed", "size"):
        assert verdict.check(name).status == "skipped"
    assert verdict.decision == PROMOTE


def probes(**found):
    usual = {"texts": 120, "brittle": {"upper case": (2, 1)}}
    return Probes(**{**usual, "cannot_answer": None, "seconds": (0.01, 0.011), **found})


def test_what_no_label_is_needed_for_comes_first_and_spares_the_labels():
    verdict = judge(plain(60, 20, probes=probes(cannot_answer="'' (ValueError: empty)")), Policy())
    assert verdict.decision == REJECT
    assert verdict.reason == "production answers what the candidate cannot: '' (ValueError: empty)"
    assert (verdict.checks[-1].status, verdict.checks[-1].action) == ("skipped", "report")
    assert not {"difference", "one class", "negative flips"} & {made.name for made in verdict.checks}
    assert judge(plain(60, 20, probes=probes()), Policy()).decision == PROMOTE


def test_each_kind_of_change_is_judged_by_itself_at_its_share_of_the_level():
    brittle = probes(brittle={"upper case": (57, 0), "HTML remains": (0, 57)})
    found = check(plain(60, 20, probes=brittle), "brittleness", Policy())
    assert found.status == "fail"
    assert "upper case changes the candidate's answer alone in 57 of 120 texts, production's alone in 0" in found.reason
    assert found.observed == pytest.approx(57 / 120)
    little = probes(brittle={"upper case": (7, 1)})
    assert check(plain(60, 20, probes=little), "brittleness", Policy()).status == "pass"
    many = {f"change {number}": (0, 0) for number in range(200)}
    for kinds, status in (({}, "fail"), (many, "pass")):
        just = probes(brittle={"upper case": (13, 0), **kinds})
        assert check(plain(60, 20, probes=just), "brittleness", Policy(brittle_tolerance=0.02)).status == status


@pytest.mark.parametrize(("action", "decision"), [("reject", REJECT), ("hold", HOLD), ("report", PROMOTE)])
def test_a_brittle_candidate_is_stopped_as_the_policy_says(action, decision):
    brittle = probes(brittle={"upper case": (57, 0)})
    assert judge(plain(60, 20, probes=brittle), Policy(brittle_action=action)).decision == decision


def test_slow_and_large_are_reported_and_stop_nobody_unless_one_says_so():
    slow = plain(60, 20, probes=probes(seconds=(0.01, 0.05)), candidate=Facts("b", bytes=9_000_000))
    verdict = judge(slow, Policy())
    assert verdict.decision == PROMOTE
    assert (verdict.check("speed").status, verdict.check("size").status) == ("fail", "fail")
    assert verdict.check("speed").reason == "takes 5.0 times as long as production; 3 times is the budget"
    assert judge(slow, Policy(megabytes_action="hold")).decision == HOLD
    assert judge(slow, Policy(slower_action="reject")).decision == REJECT


# ---- putting checks together ----

STATUSES = ("pass", "fail", "undecided", "skipped")


def made(status, action, name="a check"):
    return Check(name, status, action, f"{name} {status} {action}")


GOOD = made("pass", "reject", "difference")


@pytest.mark.parametrize("action", ["reject", "hold", "report"])
@pytest.mark.parametrize("status", STATUSES)
def test_one_check_beside_a_better_candidate(status, action):
    expected = PROMOTE
    if action != "report" and status in ("fail", "undecided"):
        expected = REJECT if (status, action) == ("fail", "reject") else HOLD
    for order in ((GOOD, made(status, action)), (made(status, action), GOOD)):
        assert decide(order)[0] == expected


def test_a_rejecting_check_outweighs_everything_and_gives_the_reason():
    several = [made("undecided", "hold"), made("fail", "hold"), GOOD, made("fail", "reject", "the worst")]
    assert decide(several) == (REJECT, "the worst fail reject")
    assert decide(several[:3]) == (HOLD, "a check fail hold")


@pytest.mark.parametrize("checks_made", [(), (made("skipped", "reject"),), (made("pass", "report"),)])
def test_no_check_is_no_promotion(checks_made):
    assert decide(checks_made) == (HOLD, "no check was made")


def test_checks_made_elsewhere_stand_beside_the_gates_own():
    stop = Check("card", "fail", "reject", "the card is about another model")
    assert judge(plain(60, 20), BARE, (stop,)).decision == REJECT
    assert judge(plain(60, 20), BARE, (replace(stop, status="undecided"),)).decision == HOLD
    assert judge(plain(60, 20), BARE, (replace(stop, status="pass"),)).decision == PROMOTE


# ---- a pure function ----


def test_judging_changes_nothing_and_says_the_same_again():
    scorecard = card(*WORSE_IN_ONE)
    before = scorecard.cells.copy(), scorecard.counts.copy()
    assert judge(scorecard, Policy()) == judge(scorecard, Policy())
    np.testing.assert_array_equal(before[0], scorecard.cells)
    np.testing.assert_array_equal(before[1], scorecard.counts)


def test_the_verdict_of_parts_added_up_is_that_of_the_whole():
    whole = judge(card(*WORSE_IN_ONE), Policy())
    parts = [card(part) for part in WORSE_IN_ONE]
    for total in (parts[0] + parts[1], parts[1] + parts[0]):
        verdict = judge(total, Policy())
        assert (verdict.decision, verdict.checks, verdict.slices) == (whole.decision, whole.checks, whole.slices)


def test_a_verdict_by_a_metric_that_is_none_is_refused():
    value = judge(card(*WORSE_IN_ONE), Policy()).as_dict()
    value["difference"]["metric"] = ""
    with pytest.raises(ValueError, match="no verdict of mlgate"):
        verdict_from(value)


@pytest.mark.parametrize(
    "scorecard",
    [card(*WORSE_IN_ONE), plain(0, 0), plain(9, 2, sealed=True), plain(1, 2, candidate=Facts(fault="it raises"))],
    ids=["slices", "identical", "sealed", "fault"],
)
def test_a_verdict_survives_its_json(scorecard):
    verdict = judge(scorecard, Policy(accuracy=0.5), look=Look(True, 3, "x"))
    again = verdict_from(json.loads(to_json(verdict.as_dict())))
    assert again == replace(verdict, policy={**verdict.policy, "required": []})
    assert to_json(again.as_dict()) == to_json(verdict.as_dict())


@pytest.mark.slow
def test_the_cost_does_not_grow_with_the_rows():
    """The same shares among a thousand times as many rows take the same time."""

    def seconds(scale):
        scorecard = card(*((name, *(scale * count for count in counts)) for name, *counts in WORSE_IN_ONE))
        started = time.perf_counter()
        for _ in range(5):
            judge(scorecard, Policy())
        return time.perf_counter() - started

    seconds(1)
    assert min(seconds(100_000) for _ in range(3)) < 5 * max(seconds(1) for _ in range(3)) + 0.05


# ---- how often it is wrong ----


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0.05, 0.0025])
@pytest.mark.parametrize("discordance", [0.01, 0.05, 0.1, 0.3])
@pytest.mark.parametrize("n", [100, 1_000, 6_600])
def test_equal_models_pass_at_most_at_the_stated_rate(n, discordance, alpha):
    """Exactly, without chance: all numbers of disagreements, weighted by how likely they are."""
    different = np.arange(binom.ppf(1e-6, n, discordance), binom.isf(1e-6, n, discordance) + 1)
    if len(different) > 120:  # every so many stand for their neighbours
        different = different[:: len(different) // 60]
    needed = [difference.smallest_win(int(m), n, 0.0, alpha) for m in different]
    wins = [0.0 if b is None else binom.sf(b - 1, m, 0.5) for b, m in zip(needed, different, strict=True)]
    weights = binom.pmf(different, n, discordance)
    assert np.dot(wins, weights) / weights.sum() <= alpha * 1.02


def equal_models(random, slices, rows, discordance):
    """A scorecard of two equally good models on resampled rows."""
    shares = [discordance / 2, discordance / 2, 0.8 - discordance / 2, 0.2 - discordance / 2]
    parts = [(f"slice {number}", *random.multinomial(rows, shares).tolist()) for number in range(slices)]
    return card(*parts)


@pytest.mark.slow
def test_equal_models_are_promoted_and_turned_away_at_most_at_the_stated_rates():
    """A/A: whole verdicts, all guards on, on rows drawn anew each time."""
    random, policy, times = np.random.default_rng(11), Policy(accuracy=0.7, one_class_action="reject"), 250
    verdicts = [judge(equal_models(random, 8, 500, 0.06), policy) for _ in range(times)]
    promoted = sum(verdict.decision == PROMOTE for verdict in verdicts)
    guarded = [check for verdict in verdicts for check in verdict.checks if check.name != "difference"]
    turned_away = sum(
        any(made.status == "fail" for made in verdict.checks if made.name != "difference") for verdict in verdicts
    )
    assert promoted <= binom.isf(0.001, times, 0.05)
    assert promoted > 0
    assert turned_away <= binom.isf(0.001, times, 0.05)
    assert len({made.name for made in guarded}) >= 12


# ---- what a verdict carries ----


def test_the_json_says_which_model_was_alone_in_being_right():
    value = judge(plain(60, 20), BARE).as_dict()
    assert value["discordant"] == {"candidate_only_right": 60, "production_only_right": 20}
    assert value["difference"]["estimate"] == pytest.approx(0.04)
    assert value["policy"]["alpha"] == BARE.alpha
    assert "scikit-learn" in value["versions"]


LOOK = Look(False, 7, "for a reason")
SAME = Facts(digest="a" * 64)


@pytest.mark.parametrize(
    ("scorecard", "names"),
    [
        (plain(9, 1, candidate=Facts("b", fault="it raises")), ["card", "usable"]),
        (plain(0, 0, production=SAME, candidate=SAME), ["card", "identical"]),
        (plain(9, 1, probes=probes(cannot_answer="'' (ValueError)")), ["card", "contract", "labelled checks"]),
        (plain(60, 20), ["card", "contract", "difference", "one class"]),
    ],
    ids=["fault", "same model", "rejected without a label", "all"],
)
def test_every_verdict_has_the_checks_made_elsewhere_first_and_says_what_is_said_of_looks(scorecard, names):
    fine = Check("card", "pass", "reject", "the card is about this model")
    verdict = judge(scorecard, Policy(), (fine,), LOOK)
    assert [made.name for made in verdict.checks if made.name in names] == names
    assert verdict.look == LOOK
    assert verdict.rows == RowSet("rows", 1_000, "0" * 64)
    assert judge(scorecard, Policy()).look == Look()


def test_each_floor_alone_keeps_a_first_model_out():
    weak = judge_first(card(("", 0, 0, 600, 400)), Policy(accuracy=0.7))
    assert {made.name: made.status for made in weak.checks} == {
        "accuracy floor": "fail",
        "one answer": "pass",
        "one class": "pass",
    }
    stuck = judge_first(answers(lambda truth, _: np.zeros_like(truth)), Policy(accuracy=0.1))
    assert {made.name: made.status for made in stuck.checks} == {
        "accuracy floor": "pass",
        "one answer": "fail",
        "one class": "undecided",
    }
    assert (weak.decision, stuck.decision) == (REJECT, REJECT)
    both = judge_first(answers(lambda truth, _: np.zeros_like(truth)), Policy(accuracy=0.9))
    fine = judge_first(card(("", 0, 0, 800, 200)), Policy(accuracy=0.7))
    assert (both.decision, fine.decision) == (REJECT, PROMOTE)
    assert both.reason.startswith("accuracy 70.00% is below")
    assert fine.reason.startswith("accuracy 80.00% is not below")


def test_a_promotion_is_for_the_difference_whatever_else_passes():
    fine = Check("card", "pass", "reject", "the card is about this model")
    assert judge(plain(60, 20), Policy(), (fine,)).reason.startswith("better than production: +4.00 points")


def test_one_slice_alone_is_not_drawn_beside_the_whole():
    assert judge(card(("only", 60, 20, 800, 120)), Policy()).slices == ()
    assert [part.name for part in judge(card(*WORSE_IN_ONE), Policy()).slices] == ["big", "small"]
