"""Promise 12: the watch states how often it cries wolf, and keeps to it; in batches, row by row, after a restart."""

import json
import math

from mlgate.watch import Band, Detector, new_detector

import numpy as np
import pytest

BETS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
BANDS = [Band(0.4, 0.6), Band(0.05, 0.1), Band(None, 0.2)]


def by_hand(values, band, bets=BETS):
    """The coins on one table after these rows, as the formula is written."""
    sides = [(bet / band.high, band.high) for bet in bets]
    if band.low is not None:
        sides += [(-bet / (1 - band.low), band.low) for bet in bets]
    coins = [0.0] * len(sides)
    for value in values:
        coins = [
            (held + 1 / len(sides)) * (1 + slope * (value - bound))
            for held, (slope, bound) in zip(coins, sides, strict=True)
        ]
    return sum(coins)


def rows(count, seed=0, shift=0.0):
    random = np.random.default_rng(seed)
    means = np.array([0.5, 0.08, 0.15]) + shift
    return (random.random((count, 3)) < means).astype(float)


def watched(values, size=None, price=1e6):
    found = new_detector(BANDS, 1, price)
    for start in range(0, len(values), size or len(values)):
        found.add(values[start : start + (size or len(values))])
    return found


@pytest.mark.parametrize("place", range(len(BANDS)))
def test_the_evidence_is_what_the_formula_says(place):
    values = rows(200)
    assert watched(values).evidence[place] == pytest.approx(by_hand(values[:, place], BANDS[place]), rel=1e-9)


def test_a_detector_may_bet_otherwise_on_each_table():
    values = rows(200)
    others = (0.03, 0.05, 0.07, 0.1, 0.2, 0.4)
    found = Detector(tuple(BANDS), np.full(3, 1e6), bets=np.array([BETS, others, others]))
    found.add(values)
    assert found.evidence[0] == pytest.approx(by_hand(values[:, 0], BANDS[0]), rel=1e-9)
    assert found.evidence[1] == pytest.approx(by_hand(values[:, 1], BANDS[1], others), rel=1e-9)
    assert found.evidence[2] == pytest.approx(by_hand(values[:, 2], BANDS[2], others), rel=1e-9)
    found.restore(watched(values).as_dict())  # a state kept before the bets were others
    assert found.evidence.tolist() == watched(values).evidence.tolist()


@pytest.mark.parametrize("size", [1, 7, 64, 65, 1_000])
def test_batches_are_equal_to_row_by_row_through_alarms_too(size):
    values = np.concatenate([rows(300), rows(400, 1, 0.3), rows(300, 2)])
    whole = watched(values)
    parts = watched(values, size)
    assert np.allclose(parts.coins, whole.coins, rtol=1e-9, atol=0)
    assert [alarm and (alarm.row, alarm.began, alarm.last) for alarm in parts.alarms] == [
        alarm and (alarm.row, alarm.began, alarm.last) for alarm in whole.alarms
    ]
    assert whole.alarms[0].row > 300


def test_the_state_survives_a_restart():
    values = np.concatenate([rows(500), rows(200, 1, 0.3)])
    first = watched(values[:520])
    second = new_detector(BANDS, 1, 1e6)
    second.restore(json.loads(json.dumps(first.as_dict())))
    second.add(values[520:])
    assert second.as_dict() == watched_in_two(values, 520).as_dict()


def watched_in_two(values, place):
    found = new_detector(BANDS, 1, 1e6)
    found.add(values[:place])
    found.add(values[place:])
    return found


def test_a_share_of_the_budget_and_the_number_of_tables_set_the_threshold():
    assert new_detector(BANDS, 0.5, 1_000).thresholds.tolist() == [6_000] * 3


@pytest.mark.parametrize("where", ["middle", "upper edge", "lower edge"])
def test_no_more_false_alarms_than_promised_even_with_the_truth_on_the_bands_edge(where):
    price = 500
    count = 60
    means = {"middle": [0.5, 0.075], "upper edge": [0.6, 0.1], "lower edge": [0.4, 0.05]}[where]
    random = np.random.default_rng(1)
    found = Detector((Band(0.4, 0.6), Band(0.05, 0.1)) * count, np.full(2 * count, 2.0 * price), stays=0)
    alarms = 0
    for _ in range(2):
        found.add((random.random((1_000, 2 * count)) < np.tile(means, count)).astype(float))
        alarms += sum(alarm is not None and alarm.last > found.rows - 1_000 for alarm in found.alarms)
    promised = 2_000 * count / price
    assert alarms < promised - 2.33 * math.sqrt(promised)
    assert where == "middle" or alarms > 0


def test_the_beginning_of_a_change_and_its_mean_are_told():
    values = np.concatenate([rows(2_000), rows(300, 1, 0.4)])
    found = watched(values)
    alarm = found.alarms[0]
    assert 1_980 <= alarm.began <= 2_030 < alarm.row < 2_200
    assert alarm.mean == pytest.approx(0.9, abs=0.1)


def test_a_light_goes_out_once_the_change_is_over_and_not_before():
    found = watched(np.concatenate([rows(500), rows(300, 1, 0.4)]))
    assert found.on(0)
    found.add(rows(1_500, 2))
    assert found.on(0)
    found.add(rows(1_000, 3))
    assert not found.on(0)


def test_times_are_those_of_the_rows():
    values = np.concatenate([rows(500), rows(300, 1, 0.4)])
    found = new_detector(BANDS, 1, 1e6)
    times = np.arange(1, 801) * 10.0
    found.add(values[:505], times[:505])
    found.add(values[505:], times[505:])
    alarm = found.alarms[0]
    assert alarm.time == alarm.row * 10
    assert alarm.began_time == pytest.approx(alarm.began * 10, abs=10)
