"""What the record works out again is what the gate says: the same decision, the same standing, from the same counts."""

import itertools
import random

from mlgate import gate
from mlgate.gate import Check, statistics
from mlgate.ledger import arithmetic

import pytest

STATUSES = ("pass", "fail", "undecided", "skipped")
ACTIONS = ("reject", "hold", "report")
dice = random.Random(0)


def drawn() -> tuple[int, int, int]:
    """Counts of any size, most of them near the line between better and undecided."""
    n = dice.choice([1, 3, 30, 500, 6_722, 200_000])
    differ = dice.randint(0, min(n, 20_000))
    lean = dice.choice([0.0, 0.0, 1.0, 2.0, 3.0, 5.0]) * differ**0.5 / 2
    b = min(differ, max(0, round(differ / 2 + dice.choice([-1, 1]) * lean) + dice.randint(-3, 3)))
    return b, differ - b, n


@pytest.mark.slow
def test_thousands_of_counts_stand_as_the_gate_says():
    seen = set()
    for _ in range(2_500):
        counts = drawn()
        margin = dice.choice([0.0, 0.0, 0.01, -0.005, -0.02, 0.3])
        alpha = dice.choice([0.05, 0.0025, 0.001, 0.2, 1e-6])
        found = arithmetic.standing(counts, margin, alpha)
        assert found == gate.standing(*counts, margin, alpha), (counts, margin, alpha)
        seen.add((found, margin == 0))
    assert len(seen) == 6


@pytest.mark.slow
def test_around_every_smallest_win_they_stand_as_the_gate_says():
    for differ, alpha in itertools.product([*range(60), 400, 1_001, 9_999], [0.05, 0.0025, 0.0001]):
        first = statistics.smallest_win(differ, alpha) or differ
        for b in range(max(0, first - 2), min(differ, first + 2) + 1):
            counts = (b, differ - b, 10_000)
            assert arithmetic.standing(counts, 0.0, alpha) == gate.standing(*counts, 0.0, alpha), (counts, alpha)


@pytest.mark.parametrize("differ", [0, 1, 2, 7, 40, 999, 100_000])
def test_midp_is_the_gates(differ):
    for b in {0, differ, differ // 2, (differ + 1) // 2, differ // 2 + round(2 * differ**0.5) if differ > 20 else 0}:
        assert arithmetic.midp(b, differ - b) == pytest.approx(statistics.midp(b, differ - b), rel=1e-9, abs=1e-300)


def test_every_set_of_checks_decides_as_the_gate_does():
    kinds = [Check("difference", status, action, "so") for status in STATUSES for action in ACTIONS]
    for count in range(4):
        for checks in itertools.combinations_with_replacement(kinds, count):
            assert arithmetic.decision([check.as_dict() for check in checks]) == gate.decide(checks)[0]


def test_a_status_that_there_is_not_promotes_nothing():
    assert arithmetic.decision([{"status": "fine", "action": "reject"}]) == "HOLD"
