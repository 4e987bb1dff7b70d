"""A mean gain is shown at its level, whatever the shape of the losses: by Student's t and Hall's test together."""

import functools
import math

from mlgate.gate.moments import Moments, moments
from mlgate.scorecard import ExactSums

import numpy as np
import pytest
from scipy import stats

ROWS = 1_000


def few(random, shape):
    """Losses in which one row in a hundred is a catastrophe."""
    return 100.0 * (random.random(shape) < 0.01) - 1.0


SHAPES = {  # gains whose mean is 0
    "normal": lambda random, shape: random.normal(size=shape),
    "uniform": lambda random, shape: random.uniform(-1, 1, shape),
    "exponential": lambda random, shape: random.exponential(size=shape) - 1,
    "squared normal": lambda random, shape: random.normal(size=shape) ** 2 - 1,
    "lognormal": lambda random, shape: random.lognormal(0, 0.8, shape) - np.exp(0.32),
    "squared t3, one beside the other": lambda random, shape: (
        random.standard_t(3, shape) ** 2 - random.standard_t(3, shape) ** 2
    ),
    "rare catastrophes": few,
}


def of_gains(gains):
    signs = np.sign(gains)
    return moments(gains, np.ones(len(gains), dtype=int), signs, rows=len(gains), metric="mae")


@functools.cache
def sums_of(shape, times, shift):
    """The sums of the gains of so many samples, of their squares and of their cubes."""
    random = np.random.default_rng(1)
    blocks = []
    for _ in range(times // 500):
        gains = SHAPES[shape](random, (500, ROWS)) + shift
        squares = gains * gains
        blocks.append([power.sum(axis=1) for power in (gains, squares, squares * gains)])
    return np.concatenate(blocks, axis=1)


def shown(shape, sign, times, shift=0.0):
    """The share of samples in which a gain is shown at .05, and at .0025; with sign -1, of the same turned round."""
    found = np.zeros(2)
    for first, second, third in zip(*sums_of(shape, times, sign * shift), strict=True):
        sums = (sign * first, second, sign * third)
        each = Moments(ROWS, sums[0] / ROWS, *sums, rows=ROWS, won=0, lost=0, metric="mae")
        found += [each.standing(0, alpha) == "pass" for alpha in (0.05, 0.0025)]
    return found / times


@pytest.mark.slow
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_level_is_kept_for_every_shape_of_losses(shape, sign):
    times = 6_000
    for rate, alpha in zip(shown(shape, sign, times), (0.05, 0.0025), strict=True):
        assert rate <= 1.2 * alpha + 2 * np.sqrt(alpha / times), (rate, alpha)


def test_a_gain_that_is_there_is_found_nearly_as_often_as_by_t():
    shift = 2.4865 / np.sqrt(ROWS)  # a power of 80 % at .05
    assert shown("normal", 1, 500, shift)[0] > 0.74
    assert shown("uniform", 1, 500, shift / np.sqrt(3))[0] > 0.74


def test_without_skewness_it_is_students_t():
    gains = np.array([-2.0, -1.0, 0.0, 1.0, 2.0] * 30) + 0.3
    found = of_gains(gains)
    expected = stats.ttest_1samp(gains, 0, alternative="greater")
    assert found.p_value() == pytest.approx(expected.pvalue, rel=0.03)
    low, high = stats.ttest_1samp(gains, 0).confidence_interval(0.9)
    assert found.interval(0.9) == pytest.approx((low, high), rel=1e-6)


def test_the_interval_and_the_test_agree_and_turn_round():
    random = np.random.default_rng(3)
    for shape in SHAPES:
        gains = SHAPES[shape](random, 200) + 0.1
        found, turned = of_gains(gains), of_gains(-gains)
        p = found.p_value()
        if 0.001 < p < 0.4:
            assert found.interval(1 - 2 * p).low == pytest.approx(0, abs=1e-9 * (1 + np.abs(gains).max()))
        for confidence in (0.5, 0.9, 0.995):
            low, high = found.interval(confidence)
            assert low <= found.estimate <= high
            assert (low, high) == pytest.approx((-turned.interval(confidence).high, -turned.interval(confidence).low))


def test_odd_sizes_break_nothing():
    for gains in ([0.0], [2.0], [0.0] * 5, [1.0] * 5, [-1.0, 1.0]):
        found = of_gains(np.array(gains))
        low, high = found.interval(0.9)
        assert low <= found.estimate <= high
        assert 0 <= found.p_value() <= 1
    assert of_gains(np.zeros(50)).standing(0, 0.05) == "undecided"


def test_sums_are_exact_in_any_order():
    random = np.random.default_rng(4)
    production, candidate = np.exp(random.normal(0, 9, (2, 3_000)))
    whole = ExactSums()
    whole.add(["all"], np.zeros(3_000, dtype=int), production, candidate)
    parts = ExactSums()
    for order in np.array_split(random.permutation(3_000), 8):
        parts.add(["all"], np.zeros(len(order), dtype=int), production[order], candidate[order])
    assert parts.sums == whole.sums
    assert whole.floats("all")[0] == 3_000
    assert whole.floats("all")[3] == math.fsum(production - candidate)
