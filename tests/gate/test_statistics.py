"""The arithmetic behind every verdict, against published examples and second implementations written differently."""

import itertools
import math
from decimal import Decimal, localcontext
from fractions import Fraction

from mlgate.gate.statistics import (
    clopper_pearson,
    exact,
    midp,
    plain_rule_rate,
    power,
    rows_needed,
    smallest_win,
    tango,
    tango_z,
    wilson,
)

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, norm

DRAWS = 20_000
BY_CHANCE = 1e-6  # how often a simulation may fail a correct implementation; the seeds are fixed besides

always = settings(deadline=None)  # no clock decides here


# Second implementations: slow, and from the definitions.


def midp_by_fractions(b, c):
    ways = [math.comb(b + c, k) for k in range(b, b + c + 1)]
    return Fraction(2 * sum(ways) - ways[0], 2 ** (b + c + 1))


def midp_by_decimals(b, c):
    """The tail summed term by term from P(X = b), by Stirling's series: good to 30 digits for large b > c."""

    def log_factorial(n):
        pi = Decimal("3.14159265358979323846264338327950288419716939937510")
        return n * n.ln() - n + (2 * pi * n).ln() / 2 + 1 / (12 * n) - 1 / (360 * n**3) + 1 / (1260 * n**5)

    with localcontext() as context:
        context.prec = 60
        b, c = Decimal(b), Decimal(c)
        log_first = log_factorial(b + c) - log_factorial(b) - log_factorial(c) - (b + c) * Decimal(2).ln()
        term, total = Decimal(1), Decimal("0.5")
        while term > Decimal("1e-25"):
            b, c = b + 1, c - 1
            term *= (c + 1) / b
            total += term
        return float(total * log_first.exp())


def score_by_decimals(b, c, n, d):
    """Tango's statistic as STATISTICS.md writes it, with its q, in 60 digits."""
    a = Decimal(2 * n)
    linear = -b - c + (2 * n - b + c) * d
    q = ((linear**2 + 4 * a * c * d * (1 - d)).sqrt() - linear) / (2 * a)
    return (b - c - n * d) / (n * (2 * q + d * (1 - d))).sqrt()


def tango_by_bisection(b, c, n, confidence):
    def root(start, stop, z):
        low, high = Decimal(start), Decimal(stop)
        for _ in range(70):
            middle = (low + high) / 2
            low, high = (middle, high) if score_by_decimals(b, c, n, middle) > z else (low, middle)
        return float(low)

    with localcontext() as context:
        context.prec = 60
        z, estimate = Decimal(float(norm.isf((1 - confidence) / 2))), Decimal(b - c) / n
        return (-1.0 if c == n else root(-1, estimate, z)), (1.0 if b == n else root(estimate, 1, -z))


def rate_by_enumeration(n, difference, discordance, wins):
    better, worse = (discordance + difference) / 2, (discordance - difference) / 2
    return sum(
        math.comb(n, b) * math.comb(n - b, c) * better**b * worse**c * (1 - discordance) ** (n - b - c)
        for b in range(n + 1)
        for c in range(n + 1 - b)
        if wins(b, c)
    )


def counts(n, difference, discordance, seed):
    """(b, c) of DRAWS holdouts of n rows, the rows themselves resampled: b + c varies."""
    shares = [(discordance + difference) / 2, (discordance - difference) / 2, 1 - discordance]
    return np.random.default_rng(seed).multinomial(n, shares, size=DRAWS)[:, :2].T


def share_of_wins(b, c, alpha):
    first_win = [smallest_win(m, alpha) for m in range((b + c).max() + 1)]
    first_win = np.array([np.inf if win is None else win for win in first_win])
    return np.count_nonzero(b >= first_win[b + c])


@st.composite
def paired_counts(draw, largest=2000):
    n = draw(st.integers(1, largest))
    b = draw(st.integers(0, n))
    return b, draw(st.integers(0, n - b)), n


confidences = st.sampled_from([0.5, 0.9, 0.95, 0.995, 1 - 2 * 0.05 / 240])


# The tests of "the candidate is better".


@pytest.mark.parametrize(
    ("b", "c", "exact_p", "midp_p"),
    [
        # Fagerland, Lydersen & Laake 2013, BMC Med Res Methodol 13:91, and its supplement: airway data of Bentur 2009.
        (7, 1, 0.0703, 0.0391),
        # R package contingencytables 3.0, tests of chapter 8 (cavo_2012): P = 0.052479 and P = 0.034690.
        (16, 6, 0.052479, 0.034690),
        (10, 3, 0.0923, 0.0574),
        (20, 10, 0.0987, 0.0708),
        (40, 20, 0.0135, 0.0099),
    ],
)
def test_the_tests_give_the_published_p_values(b, c, exact_p, midp_p):
    digits = 6 if b == 16 else 4
    assert round(2 * exact(b, c), digits) == exact_p
    assert round(2 * midp(b, c), digits) == midp_p


def test_midp_and_exact_are_their_definitions_for_every_small_pair():
    for b in range(25):
        for c in range(25):
            assert midp(b, c) == pytest.approx(float(midp_by_fractions(b, c)), rel=1e-13)
            at_least = sum(math.comb(b + c, k) for k in range(b, b + c + 1))
            assert exact(b, c) == pytest.approx(at_least / 2 ** (b + c), rel=1e-13)


def test_no_discordant_row_is_no_evidence():
    assert midp(0, 0) == 0.5
    assert exact(0, 0) == 1


@pytest.mark.parametrize(("b", "c"), [(900, 100), (1000, 0), (1020, 3), (1500, 500), (1040, 960)])
def test_midp_is_right_far_out_in_the_tail(b, c):
    assert midp(b, c) == pytest.approx(float(midp_by_fractions(b, c)), rel=1e-10)


@pytest.mark.parametrize("b", [500_001_000, 500_100_000, 500_500_000, 500_580_000])
def test_midp_is_right_for_a_billion_discordant_rows(b):
    assert midp(b, 10**9 - b) == pytest.approx(midp_by_decimals(b, 10**9 - b), rel=1e-6)


def test_midp_never_falls_below_zero():
    assert midp(10**9, 0) == 0
    assert midp(0, 10**9) == 1
    assert midp(500_000_000, 500_000_000) == 0.5


@always
@given(b=st.integers(0, 10**9), c=st.integers(0, 10**9))
def test_both_directions_of_midp_add_up_to_one(b, c):
    assert midp(b, c) + midp(c, b) == pytest.approx(1, abs=1e-12)
    assert 0 <= midp(b, c) <= exact(b, c) <= 1


@always
@given(b=st.integers(0, 3000), c=st.integers(0, 3000))
def test_one_more_win_is_more_evidence(b, c):
    assert midp(b + 1, c) <= midp(b, c) <= midp(b, c + 1)


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0.05, 0.0025, 0.3, 1 / 32, 0.5])  # 1 / 32 is the mid-p of 4 wins out of 4
def test_smallest_win_is_the_first_b_that_wins(alpha):
    for m in range(120):
        winning = [b for b in range(m + 1) if midp_by_fractions(b, m - b) <= Fraction(alpha)]
        assert smallest_win(m, alpha) == min(winning, default=None)


def test_four_discordant_rows_can_win_at_five_percent_and_three_cannot():
    assert smallest_win(3, 0.05) is None
    assert smallest_win(4, 0.05) == 4  # mid-p 1/32
    assert smallest_win(5, 0.05) == 5
    assert smallest_win(100_000_000, 0.05) == pytest.approx(5e7 + 1.645 * 5e3, abs=5)


# Tango's interval.


@pytest.mark.parametrize(
    ("b", "c", "n", "confidence", "digits", "low", "high"),
    [
        # R package PropCIs, example of scoreci.mp (Agresti & Min 2005).
        (40, 20, 160, 0.95, 4, 0.0309, 0.2181),
        # Fagerland, Lydersen & Laake 2014, Statistics in Medicine 33:2850, table V.
        (1, 7, 21, 0.95, 3, -0.517, -0.026),
        # contingencytables 3.0, tests of chapter 8 (cavo_2012).
        (6, 16, 161, 0.95, 4, -0.1240, -0.0054),
        # Tango 1998: crossover trial, and contact lenses (a 90 % interval); Agresti & Min 2005. In ratesci's tests.
        (9, 3, 32, 0.95, 3, -0.027, 0.390),
        (0, 1, 44, 0.90, 3, -0.096, 0.037),
        (16, 8, 86, 0.95, 3, -0.020, 0.207),
    ],
)
def test_tango_gives_the_published_intervals(b, c, n, confidence, digits, low, high):
    assert tuple(round(limit, digits) for limit in tango(b, c, n, confidence)) == (low, high)


EXTREMES = [
    (0, 0, 1), (1, 0, 1), (0, 1, 1), (0, 0, 50), (50, 0, 50), (0, 50, 50), (25, 25, 50), (49, 1, 50), (12, 0, 50),
    (0, 0, 10**9), (10**9, 0, 10**9), (0, 10**9, 10**9), (10**9 - 1, 1, 10**9), (1, 0, 10**9),
    (5 * 10**8, 5 * 10**8, 10**9), (50_500_000, 49_500_000, 10**9),
]  # fmt: skip


@pytest.mark.parametrize(("b", "c", "n"), EXTREMES)
@pytest.mark.parametrize("confidence", [0.9, 0.9999])
def test_tango_holds_at_the_ends_of_its_range(b, c, n, confidence):
    low, high = tango(b, c, n, confidence)
    expected_low, expected_high = tango_by_bisection(b, c, n, confidence)
    width = expected_high - expected_low
    assert -1 <= low <= (b - c) / n <= high <= 1
    assert low == pytest.approx(expected_low, abs=1e-6 * width)
    assert high == pytest.approx(expected_high, abs=1e-6 * width)


@settings(always, max_examples=40)
@given(paired_counts(), confidences)
def test_tango_is_its_definition(pair, confidence):
    assert tango(*pair, confidence) == pytest.approx(tango_by_bisection(*pair, confidence), abs=1e-11)


@always
@given(paired_counts(largest=10**9), confidences)
def test_tango_contains_the_estimate_and_turns_round_with_the_models(pair, confidence):
    b, c, n = pair
    low, high = tango(b, c, n, confidence)
    assert -1 <= low <= (b - c) / n <= high <= 1
    assert tango(c, b, n, confidence) == (-high, -low)


@always
@given(paired_counts())
def test_tango_is_nested_in_confidence(pair):
    intervals = [tango(*pair, confidence) for confidence in (0.5, 0.9, 0.95, 0.995)]
    for (inner_low, inner_high), (outer_low, outer_high) in itertools.pairwise(intervals):
        assert outer_low <= inner_low
        assert inner_high <= outer_high


@always
@given(paired_counts(), confidences)
def test_tango_rises_with_every_win(pair, confidence):
    b, c, n = pair
    (low, high), (next_low, next_high) = tango(b, c, n, confidence), tango(b + 1, c, n + 1, confidence)
    assert next_low >= low - 1e-12
    assert next_high >= high - 1e-12


@always
@given(paired_counts(), confidences, st.floats(-0.99, 0.99))
def test_the_interval_and_the_test_at_a_margin_agree(pair, confidence, margin):
    b, c, n = pair
    z, (low, high) = norm.isf((1 - confidence) / 2), tango(*pair, confidence)
    if min(abs(low - margin), abs(high - margin)) > 1e-9:
        assert (low > margin) == (tango_z(b, c, n, margin) > z)
        assert (high < margin) == (tango_z(b, c, n, margin) < -z)


@always
@given(paired_counts())
def test_tango_at_difference_zero_is_mcnemars_z(pair):
    b, c, n = pair
    assert tango_z(b, c, n, 0) == pytest.approx((b - c) / math.sqrt(b + c) if b + c else 0)


@always
@given(paired_counts(), st.floats(-0.999, 0.999), st.floats(0, 1))
def test_tango_z_falls_and_is_antisymmetric(pair, d, step):
    b, c, n = pair
    assert tango_z(b, c, n, d) == -tango_z(c, b, n, -d)
    assert tango_z(b, c, n, min(1, d + step)) <= tango_z(b, c, n, d) + 1e-6


def test_tango_z_at_the_very_ends():
    assert tango_z(3, 2, 10, -1) == math.inf
    assert tango_z(3, 2, 10, 1) == -math.inf
    assert tango_z(10, 0, 10, 1) == 0
    assert tango_z(0, 10, 10, -1) == 0


@pytest.mark.slow
@pytest.mark.parametrize("n", [200, 1000])
@pytest.mark.parametrize("difference", [0, 0.02])
def test_the_interval_covers_the_truth_at_its_level(n, difference):
    pairs, times = np.unique(counts(n, difference, 0.1, seed=n), axis=1, return_counts=True)
    limits = np.array([tango(int(b), int(c), n, 0.9) for b, c in pairs.T])
    covered = times[(limits[:, 0] <= difference) & (difference <= limits[:, 1])].sum()
    # A score interval's coverage is right up to the lumps of counts: 1 point around its level here.
    assert binom.ppf(BY_CHANCE, DRAWS, 0.89) <= covered <= binom.isf(BY_CHANCE, DRAWS, 0.91)


# One model's share.

# Newcombe 1998, Statistics in Medicine 17:857, table I: method 3 is Wilson's, method 5 is Clopper and Pearson's.
NEWCOMBE = [
    (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
    (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
    (0, 20, (0.0000, 0.1611), (0.0000, 0.1684)),
    (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
]


@pytest.mark.parametrize(("k", "n", "by_wilson", "by_clopper_pearson"), NEWCOMBE)
def test_shares_have_the_published_intervals(k, n, by_wilson, by_clopper_pearson):
    assert tuple(round(limit, 4) for limit in wilson(k, n, 0.95)) == by_wilson
    assert tuple(round(limit, 4) for limit in clopper_pearson(k, n, 0.95)) == by_clopper_pearson


@always
@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), confidences)
def test_intervals_for_a_share_agree_with_scipy_and_contain_it(pair, confidence):
    k, n = pair
    for interval, method in [(wilson, "wilson"), (clopper_pearson, "exact")]:
        low, high = interval(k, n, confidence)
        assert (low, high) == pytest.approx(tuple(binomtest(k, n).proportion_ci(confidence, method)), abs=1e-9)
        assert 0 <= low <= k / n <= high <= 1
        assert (low == 0) == (k == 0)
        assert (high == 1) == (k == n)


# Planning.


def test_rows_needed_are_the_ones_we_publish():
    assert [rows_needed(difference, 0.1) for difference in (0.01, 0.02, 0.03, 0.05)] == [6181, 1544, 685, 246]


@pytest.mark.parametrize("difference", [0.01, 0.02, 0.03])
def test_rows_needed_give_the_power_they_promise(difference):
    assert power(rows_needed(difference, 0.1), difference, 0.1, 0.05) == pytest.approx(0.8, abs=0.005)


@pytest.mark.parametrize(("difference", "discordance"), [(0, 0.2), (0.1, 0.3), (-0.1, 0.3), (0.3, 0.3), (0.5, 1)])
def test_power_is_a_sum_over_every_possible_holdout(difference, discordance):
    def gate(b, c):
        return midp_by_fractions(b, c) <= Fraction(1, 20)

    by_hand = rate_by_enumeration(25, difference, discordance, gate)
    assert power(25, difference, discordance, 0.05) == pytest.approx(by_hand, abs=1e-12)
    by_hand = rate_by_enumeration(25, difference, discordance, lambda b, c: b > c)
    assert plain_rule_rate(25, difference, discordance) == pytest.approx(by_hand, abs=1e-12)


@pytest.mark.parametrize(("n", "difference", "alpha"), [(200, 0.05, 0.05), (1000, 0.02, 0.05), (1000, 0.03, 0.0025)])
def test_power_agrees_with_simulation(n, difference, alpha):
    wins, promised = share_of_wins(*counts(n, difference, 0.1, seed=7), alpha), power(n, difference, 0.1, alpha)
    assert binom.ppf(BY_CHANCE, DRAWS, promised) <= wins <= binom.isf(BY_CHANCE, DRAWS, promised)


def test_models_that_never_disagree_never_win():
    assert power(1000, 0, 0, 0.05) == plain_rule_rate(1000, 0, 0) == 0


@pytest.mark.parametrize("n", [200, 1000])
@pytest.mark.parametrize("discordance", [0.05, 0.1, 0.3])
def test_an_equal_model_wins_at_most_at_the_stated_rate(n, discordance):
    wins = share_of_wins(*counts(n, 0, discordance, seed=n), 0.05)
    assert binom.ppf(BY_CHANCE, DRAWS, 0.045) <= wins <= binom.isf(BY_CHANCE, DRAWS, 0.05)


@pytest.mark.parametrize("alpha", [0.05, 0.0025])
def test_over_random_tables_the_level_holds_to_a_thousandth(alpha):
    assert max(power(n, 0, d / 50, alpha) for n in (200, 1000, 6600) for d in range(1, 21)) <= 1.001 * alpha


def test_at_a_fixed_number_of_discordant_rows_the_level_is_passed_by_up_to_a_quarter():
    rates = [binom.sf(smallest_win(m, 0.05) - 1, m, 0.5) for m in range(60, 400)]
    assert 0.05 * 1.2 < max(rates) < 0.05 * 1.25


def test_a_plain_comparison_promotes_like_a_coin():
    rates = [[plain_rule_rate(n, difference, 0.1) for n in (100, 200, 1000)] for difference in (0, -0.02)]
    # 45.47 %, and 15.51 %: what STATISTICS.md rounds to 46 and 16.
    assert np.round(rates, 3).tolist() == [[0.436, 0.455, 0.48], [0.212, 0.155, 0.02]]


# What cannot be is refused.


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: midp(-1, 3), "b must be a whole number"),
        (lambda: midp(3, -1), "c must be a whole number"),
        (lambda: midp(1.5, 3), "b must be a whole number"),
        (lambda: midp(float("nan"), 3), "b must be a whole number"),
        (lambda: exact(2, "3"), "c must be a whole number"),
        (lambda: tango(6, 5, 10, 0.9), "6 \\+ 5 out of 10"),
        (lambda: tango(0, 0, 0, 0.9), "out of 0"),
        (lambda: tango(1, 2, 10, 1), "confidence must lie between 0 and 1"),
        (lambda: tango(1, 2, 10, 0), "confidence must lie between 0 and 1"),
        (lambda: tango(1, 2, 10, float("nan")), "confidence must lie between 0 and 1"),
        (lambda: tango_z(1, 2, 10, 1.5), "between -1 and 1"),
        (lambda: wilson(11, 10, 0.9), "11 out of 10"),
        (lambda: wilson(0, 0, 0.9), "0 out of 0"),
        (lambda: clopper_pearson(1, 10, 95), "confidence must lie between 0 and 1"),
        (lambda: rows_needed(0, 0.1), "difference above 0"),
        (lambda: rows_needed(0.02, 0.1, power=0.04), "power above alpha"),
        (lambda: rows_needed(0.2, 0.1), "difference"),
        (lambda: power(100, 0.2, 0.1, 0.05), "does not hold for 0.2 and 0.1"),
        (lambda: power(100, 0.1, 1.2, 0.05), "does not hold"),
        (lambda: power(100, 0.1, 0.2, 0), "alpha must lie between 0 and 1"),
        (lambda: power(10.5, 0.1, 0.2, 0.05), "n must be a whole number"),
        (lambda: plain_rule_rate(-1, 0.1, 0.2), "n must be a whole number"),
        (lambda: smallest_win(-1, 0.05), "m must be a whole number"),
        (lambda: smallest_win(10, 1), "alpha must lie between 0 and 1"),
        (lambda: rows_needed(0.01, 0.1, alpha=0.5, power=0.5), "alpha"),
        (lambda: tango_z(1, 1, 3, 1.5), "between -1 and 1"),
        (lambda: tango_z(1, 1, 3, -1.5), "between -1 and 1"),
    ],
)
def test_what_cannot_be_counted_is_refused_in_a_sentence(call, message):
    with pytest.raises(ValueError, match=message) as refusal:
        call()
    assert str(refusal.value).endswith(".")


def test_numpys_integers_are_whole_numbers_and_do_not_overflow():
    assert tango(*np.array([40, 20, 160], dtype=np.uint8), 0.95) == tango(40, 20, 160, 0.95)
    big = [500_000_000, 400_000_000, 1_000_000_000]
    assert tango(*np.array(big, dtype=np.int32), 0.95) == tango(*big, 0.95)
    assert midp(np.int64(7), np.int32(1)) == midp(7, 1)
