"""Promise 12, on the service's own failures: it sees that they are too many after tens of them, at any traffic."""

from mlgate.service.budget import BATCH, BUDGET, OVER, Budget

import numpy as np
import pytest
from servers import make_root, put, served, tiny


def told(failed, budget=None):
    """A budget that was told of these requests: True for one that failed."""
    budget = budget or Budget()
    for each in failed:
        budget.count(500 if each else 200)
    return budget


def requests(count, rate, seed=0):
    return (np.random.default_rng(seed).random(count) < rate).tolist()


@pytest.mark.parametrize("before", [0, 20, 5_000])
def test_a_failure_at_night_burns_nothing_and_a_handful_in_a_row_do(before):
    budget = told([False] * before)
    told([True], budget)
    assert 0 < budget.evidence() < 1e-5
    assert not budget.burning()
    told([True] * 4, budget)
    assert budget.burning()


@pytest.mark.parametrize(("rate", "within"), [(0.5, 30), (0.05, 400), (0.01, 3_000), (0.003, 40_000)])
def test_tens_of_failures_are_seen_also_at_few_times_the_budget(rate, within):
    budget = told([False] * 1_000)
    told(requests(within, rate), budget)
    assert budget.burning()


def test_failures_as_rare_as_the_budget_allows_are_quiet():
    budget = told(requests(200_000, BUDGET))
    budget.evidence()
    assert budget.detector.rows == 200_000
    assert budget.detector.crossings == 0


def test_asked_after_each_request_it_says_what_it_says_once_asked():
    failed = [*requests(700, 0.001), *requests(300, 0.05), *requests(300, 0.001)]
    often = Budget()
    for each in failed:
        told([each], often)
        often.burning()
    once = told(failed)
    assert often.evidence() == pytest.approx(once.evidence(), rel=1e-9)
    assert often.detector.alarms == once.detector.alarms
    assert once.detector.crossings > 0


def test_requests_that_are_at_fault_themselves_count_neither_way():
    budget = told([True] * 3)
    before = budget.evidence()
    for status in (400, 413, 422):
        budget.count(status)
    assert budget.evidence() == before
    assert not budget.burning()


def test_it_is_over_when_as_many_failures_would_have_come_again():
    budget = told([True] * 4)
    told([False] * (OVER - 1), budget)
    assert budget.burning()
    told([False], budget)
    assert not budget.burning()


def test_what_waits_to_be_counted_is_bounded_where_nobody_ever_asks():
    assert len(told([False] * (3 * BATCH + 7)).waiting) == 7


@pytest.mark.slow
def test_a_service_whose_requests_fail_says_that_its_budget_burns_until_they_are_answered_again(tmp_path):
    root = make_root(tmp_path / "root")
    text = {"texts": ["a wonderful film"]}
    with served(root) as server:
        for body, status in ((text, 503), ({"texts": []}, 422), (b"{", 400)):
            assert server.ask("/predict", body)[0] == status
        assert server.metric("mlgate_error_budget_burning") == 0
        assert 0 < server.metric("mlgate_error_budget_evidence") < 1e-5
        assert server.health()["error_budget_burning"] is False
        for _ in range(4):
            server.ask("/predict", text)
        assert server.metric("mlgate_error_budget_burning") == 1
        assert server.health()["error_budget_burning"] is True
        server.until_serving(put(root, tiny(), "bootstrap"))
        for _ in range(OVER):
            assert server.ask("/predict", text)[0] == 200
        assert server.metric("mlgate_error_budget_burning") == 0
