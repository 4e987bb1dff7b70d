"""Simulations agree with the gate and with exact rates; ease.ml/ci's published numbers come out of its formulas."""

from mlgate.gate import statistics
from mlgate.selftest import sample_size, simulate
from mlgate.selftest.simulate import HOLD, PLAIN, PROMOTE, REJECT

import numpy as np
import pytest


def gate(b: int, c: int, n: int, alpha: float) -> str:
    """The gate's rule at margin 0, from its own interval and test."""
    low, high = statistics.tango(b, c, n, 1 - 2 * alpha)
    if low > 0 and statistics.midp(b, c) <= alpha:
        return PROMOTE
    return REJECT if high < 0 else HOLD


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0.05, 0.0025])
def test_simulated_decisions_are_the_gates(alpha):
    b, c = (part.ravel() for part in np.meshgrid(np.arange(0, 60, 3), np.arange(0, 60, 3)))
    made = simulate.decide(b, c, alpha)
    assert made.tolist() == [gate(int(x), int(y), 500, alpha) for x, y in zip(b, c, strict=True)]


@pytest.mark.parametrize(("difference", "n"), [(0.0, 500), (0.01, 2_000), (-0.02, 200)])
def test_simulated_rates_agree_with_exact_ones(difference, n):
    [line] = simulate.operating_curve(n, np.array([difference]), 0.1, 0.05, times=4_000).to_dict("records")
    assert line[PLAIN] == pytest.approx(statistics.plain_rule_rate(n, difference, 0.1), abs=0.03)
    assert line[PROMOTE] == pytest.approx(statistics.power(n, difference, 0.1, 0.05), abs=0.03)
    assert line[PROMOTE] + line[HOLD] + line[REJECT] == pytest.approx(1)


def test_the_plain_rule_is_a_coin():
    """The shares that the project's statistics page states, at 10 % discordance."""
    equal = [round(100 * statistics.plain_rule_rate(n, 0.0, 0.1)) for n in (100, 200, 1_000)]
    worse = [round(100 * statistics.plain_rule_rate(n, -0.02, 0.1)) for n in (100, 200, 1_000)]
    assert (equal, worse) == ([44, 46, 48], [21, 16, 2])


def test_a_budget_holds_against_independent_candidates_and_not_against_tuning():
    last = simulate.wear_out(looks=40, times=1_000).iloc[-1]
    plain, each, budget, tuned = last.drop("looks")
    assert plain > 0.99
    assert each > 0.7
    assert budget <= 0.05 + 0.015  # promised, and a simulation of a thousand
    assert tuned > 3 * budget


def test_one_look_is_worth_the_same_to_all():
    first = simulate.wear_out(looks=1, times=4_000).iloc[0]
    assert first["alpha at each look"] == first["alpha / looks (the budget)"]
    assert first["alpha at each look"] == pytest.approx(statistics.power(2_000, 0.0, 0.1, 0.05), abs=0.015)


def test_simulations_repeat_themselves():
    assert simulate.wear_out(5, times=50).equals(simulate.wear_out(5, times=50))
    assert not simulate.wear_out(5, times=50).equals(simulate.wear_out(5, times=50, seed=1))


def test_hoeffding_gives_the_number_in_ease_mls_own_notebook():
    """easeml/ci on GitHub, notebooks/SimpleSampleCalculation.ipynb: n - o > 0.1 +/- 0.1, 0.99, full, 32 steps: 5496."""
    assert sample_size.hoeffding(0.1, 0.01, 32, "full") == 5_496


def test_bennett_gives_the_numbers_in_the_paper():
    """Renggli et al. 2019, section 4: p = 0.1, 1 - delta = 0.9999, tolerance 0.01, 32 steps: 29K and 67K samples."""
    assert sample_size.bennett(0.01, 0.0001, 32, 0.1) // 1_000 == 29
    assert sample_size.bennett(0.01, 0.0001, 32, 0.1, "full") // 1_000 == 67


def test_active_labelling_gives_the_abstracts_number():
    """The same paper's abstract: one point of tolerance with 0.999 reliability at "2K labels per test"."""
    assert round(sample_size.active(0.01, 0.001, 0.1), -3) == 2_000


def test_the_gates_rows_are_enough_and_not_too_many():
    for adaptivity, alpha in (("none", 0.05 / 20), ("full", 0.05 / 2**20)):
        rows = sample_size.mcnemar(0.01, 0.05, 20, 0.1, adaptivity)
        assert statistics.power(rows, 0.02, 0.1, alpha) >= 0.795
        assert statistics.power(int(0.97 * rows), 0.02, 0.1, alpha) < 0.8


def test_the_table_has_every_estimator_and_full_adaptivity_always_costs_more():
    table = sample_size.table(0.01, 0.0001, 32, 0.1).set_index(["estimator", "adaptivity"])["rows"].unstack()
    both = table.dropna()
    assert len(both) == 4
    assert (both["full"] > both["none"]).all()
    assert (table.loc["this gate, power 0.9999"] < table.loc["Bennett, at most 10% of answers change"]).all()
