"""Promise 11: whoever stops labelling when they like is fooled at most alpha of the time. Exactly, not about."""

from fractions import Fraction
from itertools import product
from math import comb

from mlgate.gate import corridor, statistics
from mlgate.gate.planning import budget_for, chance_to_leave, outlook, share_interval, wealth
from mlgate.gate.sequential import Rule, Walk, follow, least_labels, null_share, rule_for

import numpy as np
import pytest

ALPHAS = (0.05, 0.01, 0.0025)


def ever_outside(needed, share=0.5, ties=()):
    """The chance that the wins of a coin ever reach what is needed: counted here by another way than the corridor's."""
    inside = {0: 1.0}
    outside = 0.0
    for label, wins in enumerate(needed, 1):
        after = dict(inside) if label in ties else {}
        if label not in ties:
            for before, chance in inside.items():
                after[before] = after.get(before, 0.0) + chance * (1 - share)
                after[before + 1] = after.get(before + 1, 0.0) + chance * share
        outside += sum(chance for count, chance in after.items() if count >= wins)
        inside = {count: chance for count, chance in after.items() if count < wins}
    return outside


def at(labels, horizon, alpha, **facts):
    needed = corridor(horizon, alpha, **facts)
    return [needed[label - 1] for label in labels]


@pytest.mark.parametrize(
    ("horizon", "alpha", "labels", "wins", "spent"),
    [
        (16, 0.05, [6], [6], 0.040955),
        (20, 0.05, [7, 20], [7, 15], 0.045984),
        (100, 0.05, [8, 50, 100], [8, 34, 61], 0.049328),
        (404, 0.05, [10, 20, 50, 75, 100, 150, 200, 300, 404], [10, 18, 36, 50, 64, 92, 118, 171, 224], 0.049993),
        (404, 0.0025, [14, 20, 50, 75, 100, 150, 200, 300, 404], [14, 19, 39, 54, 69, 98, 126, 180, 236], 0.002487),
    ],
)
def test_so_many_wins_are_needed_and_so_much_of_alpha_is_spent(horizon, alpha, labels, wins, spent):
    assert at(labels, horizon, alpha) == wins
    assert ever_outside(corridor(horizon, alpha)) == pytest.approx(spent, abs=5e-7)
    assert at([labels[0] - 1], horizon, alpha)[0] > labels[0] - 1  # before that nothing can be won


@pytest.mark.parametrize(
    ("horizon", "alpha", "ties", "labels", "wins"),
    [
        (20, 0.05, (), [10, 20], [9, 15]),
        (20, 0.05, (1, 2, 3), [10, 20], [7, 13]),
        (20, 0.05, (18, 19, 20), [10, 20], [9, 13]),
        (20, 0.05, range(2, 21, 2), [10, 20], [6, 9]),
        (40, 0.05, range(3, 41, 3), [10, 20, 30, 40], [7, 12, 16, 20]),
        (40, 0.0025, (), [10, 20, 30, 40], [11, 18, 24, 31]),
    ],
)
def test_a_tie_moves_nothing_and_its_share_of_alpha_is_not_lost(horizon, alpha, ties, labels, wins):
    assert at(labels, horizon, alpha, ties=ties) == wins
    assert ever_outside(corridor(horizon, alpha, ties=ties), ties=ties) <= alpha


@pytest.mark.parametrize("alpha", [Fraction(1, 20), Fraction(1, 400)])
@pytest.mark.parametrize("horizon", [1, 7, 12])
def test_of_all_sequences_of_wins_and_losses_at_most_alpha_leave_the_corridor(horizon, alpha):
    """Counted one by one; and one win less at any label would be too many, of what may be spent until then."""
    needed = corridor(horizon, float(alpha))

    def leaving(wins):
        walks = [np.cumsum(walk) for walk in product((0, 1), repeat=len(wins))]
        return Fraction(sum(bool((walk >= wins).any()) for walk in walks), 2 ** len(wins))

    assert leaving(needed) <= alpha
    for label in range(1, horizon + 1):
        closer = [*needed[: label - 1], needed[label - 1] - 1]
        assert leaving(closer) > alpha * label / horizon


@pytest.mark.parametrize("alpha", ALPHAS)
def test_the_chance_of_a_false_promotion_is_at_most_alpha(alpha):
    for horizon in (1, 2, 5, 33, 150):
        for share in (0.3, 0.5, 0.55, 0.9):
            assert ever_outside(corridor(horizon, alpha, share), share) <= alpha
    assert outlook(Rule(1_000, alpha), 0.5).promoted <= alpha
    assert outlook(Rule(1_000, alpha), 0.49).promoted < outlook(Rule(1_000, alpha), 0.5).promoted


@pytest.mark.slow
@pytest.mark.parametrize("alpha", ALPHAS)
def test_the_chance_of_a_false_promotion_is_at_most_alpha_at_any_budget(alpha):
    rng = np.random.default_rng(0)
    for horizon in (*range(1, 200), *rng.choice(np.arange(200, 2_001), 20, replace=False).tolist()):
        assert outlook(Rule(horizon, alpha), 0.5).promoted <= alpha


def test_the_corridor_is_symmetric_and_follows_every_label():
    rule = Rule(20, 0.05)
    assert follow([1] * 7, rule) == follow([1] * 20, rule)
    assert (follow([1] * 7, rule).status, follow([-1] * 7, rule).status) == ("pass", "fail")
    assert follow([1] * 6 + [-1], rule).status == "undecided"
    walk = follow([0, 1, 1, 1, 1, 1, 1, 1, 1], rule)
    assert (walk.status, walk.label, walk.wins, walk.ties) == ("pass", 7, 6, (1,))  # what the tie saved is spent
    assert follow([1] * 50, Rule(4, 0.05)).status == "undecided"  # too small a budget: nothing can be won
    assert least_labels(Rule(4, 0.05)) == 5
    assert (least_labels(Rule(404, 0.05)), least_labels(Rule(404, 0.0025))) == (10, 14)


@pytest.mark.parametrize(
    ("discordance", "margin", "share"),
    [
        (0.06, 0.005, 0.54167),
        (0.06, 0.01, 0.58333),
        (0.06, -0.005, 0.45833),
        (0.06, -0.01, 0.41667),
        (0.1, 0.01, 0.55),
        (0.1, -0.02, 0.4),
        (0.2, -0.01, 0.475),
        (0.06, 0.06, 1.0),
    ],
)
def test_a_margin_moves_the_share_that_has_to_be_beaten(discordance, margin, share):
    assert null_share(discordance, margin) == pytest.approx(share, abs=5e-6)


def test_with_a_margin_the_worst_share_of_disagreements_counts_and_is_paid_for():
    wide = rule_for(404, 6_722, 404, 0.05, 0.005)
    assert wide.win_share > null_share(404 / 6_722, 0.005)  # fewer disagreements would make it harder
    assert (wide.loss_share, wide.alpha) == (0.5, pytest.approx(0.045))
    close = rule_for(404, 6_722, 404, 0.05, -0.005)
    assert null_share(404 / 6_722, -0.005) < close.win_share < 0.5
    assert close.loss_share > null_share(404 / 6_722, 0.005)
    assert rule_for(404, 6_722, 404, 0.05) == Rule(404, 0.05)


def test_models_that_seldom_disagree_are_shown_to_be_close_without_a_label():
    rule = rule_for(10, 10_000, 10, 0.05, -0.01)
    assert (rule.win_share, follow([], rule).status, least_labels(rule)) == (0.0, "pass", 0)
    assert follow([1] * 400, rule_for(404, 6_722, 400, 0.05, 0.061)).status == "undecided"  # a margin above all of them


def interval_of(wins, losses, horizon, alpha, ties=()):
    walk = Walk("undecided", wins + losses + len(ties), wins, losses, ties)
    return share_interval(walk, Rule(horizon, alpha))


def test_what_was_decided_lies_outside_the_interval():
    """Parity leaves holes of a win in which a worse share is inside: what is beyond a share that is out, is out."""
    rule = Rule(20, 0.05)
    for outcomes in ([1] * 7, [1, 1, -1, 1, 1, 1, 1, 1, 1, 1], [1] * 6 + [-1] * 2 + [1] * 9):
        better = follow(outcomes, rule)
        worse = follow([-each for each in outcomes], rule)
        assert (better.status, worse.status) == ("pass", "fail")
        assert share_interval(better, rule).low > 0.5
        assert share_interval(worse, rule).high < 0.5


@pytest.mark.parametrize(
    ("wins", "losses", "horizon", "low", "high"),
    [
        (10, 0, 100, 0.5887, 1.0),
        (34, 16, 100, 0.5061, 0.8217),
        (40, 35, 100, 0.4018, 0.6615),
        (64, 36, 404, 0.5014, 0.7629),
    ],
)
def test_the_interval_holds_the_shares_whose_own_corridor_is_not_left(wins, losses, horizon, low, high):
    interval = interval_of(wins, losses, horizon, 0.05)
    assert tuple(interval) == pytest.approx((low, high), abs=1e-3)
    inside = corridor(horizon, 0.05, interval.low + 1e-6)[wins + losses - 1]
    outside = corridor(horizon, 0.05, interval.low - 1e-3)[wins + losses - 1]
    assert outside <= wins < inside


@pytest.mark.slow
@pytest.mark.parametrize(("alpha", "low", "high"), [(0.05, 0.5523, 0.6586), (0.0025, 0.5233, 0.6853)])
def test_the_interval_of_all_labels(alpha, low, high):
    assert tuple(interval_of(245, 159, 404, alpha)) == pytest.approx((low, high), abs=3e-4)


def test_no_label_says_nothing_and_ties_only_widen():
    assert tuple(interval_of(0, 0, 50, 0.05)) == (0.0, 1.0)
    with_ties = interval_of(12, 3, 40, 0.05, ties=(2, 9, 11))
    assert 0 < with_ties.low < 12 / 15 < with_ties.high < 1


@pytest.mark.parametrize(
    ("horizon", "alpha", "share", "promoted", "labels", "most"),
    [
        (404, 0.05, 245 / 404, 0.991, 129, 257),
        (404, 0.0025, 245 / 404, 0.878, 236, 404),
        (404, 0.05, 0.5, 0.05, 404, 404),
    ],
)
def test_what_is_to_be_expected_is_exact(horizon, alpha, share, promoted, labels, most):
    found = outlook(Rule(horizon, alpha), share)
    assert (found.promoted, found.labels, found.most) == (pytest.approx(promoted, abs=5e-4), labels, most)
    halfway = outlook(Rule(horizon, alpha), share, wins=30, losses=30)
    assert halfway.promoted < found.promoted


@pytest.mark.parametrize(
    ("alpha", "share", "budget", "labels"),
    [
        (0.05, 0.575, 332, 199),
        (0.05, 0.6, 186, 112),
        (0.05, 0.8, 20, 13),
        (0.0025, 0.65, 172, 115),
        (0.0025, 0.7, 95, 64),
    ],
)
def test_a_budget_for_eighty_per_cent(alpha, share, budget, labels):
    assert budget_for(share, alpha) == budget
    assert outlook(Rule(budget, alpha), share).labels == labels


def test_a_gambler_who_is_never_fooled_often_has_this_wealth():
    pairs = [(1, 0), (0, 1), (5, 0), (7, 0), (10, 2), (20, 10), (60, 40), (245, 159)]
    known = [1.5, 0.5, 10.5, 31.875, 9.44056, 2.22409, 1.78406, 1_232.87]
    assert [wealth(*pair) for pair in pairs] == pytest.approx(known, rel=5e-6)


def test_the_price_of_looking_after_every_label_is_a_factor_of_two():
    """The lead rule of notebook 10: P(a fair walk ever leads by L within n) = P(S >= L) + P(S > L)."""

    def ever_leads(n, lead):
        return ever_outside([(label + lead + 1) // 2 if label >= lead else label + 1 for label in range(1, n + 1)])

    def reflected(n, lead):
        final = [2 * wins - n for wins in range(n + 1) for _ in range(comb(n, wins))]
        return (sum(lead <= end for end in final) + sum(lead < end for end in final)) / 2**n

    assert ever_leads(16, 6) == pytest.approx(0.14346313, abs=5e-9)
    assert ever_leads(100, 20) == pytest.approx(0.04604407, abs=5e-9)
    assert ever_leads(404, 40) == pytest.approx(0.04672041, abs=5e-9)
    assert reflected(16, 6) == pytest.approx(ever_leads(16, 6))


@pytest.mark.parametrize("wrong", [{"horizon": 0}, {"alpha": 0.0}, {"alpha": 1.0}, {"share": 1.5}])
def test_a_corridor_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="No corridor"):
        corridor(**{"horizon": 10, "alpha": 0.05, **wrong})


def test_testing_after_each_label_fools_a_third_of_the_time():
    naive = [statistics.smallest_win(label, 0.05) or label + 1 for label in range(1, 405)]
    assert chance_to_leave(naive) == pytest.approx(0.353, abs=5e-4)
    assert chance_to_leave(corridor(404, 0.05)) == pytest.approx(ever_outside(corridor(404, 0.05)))
    assert chance_to_leave(corridor(50, 0.05), 0.7) == pytest.approx(ever_outside(corridor(50, 0.05), 0.7))
