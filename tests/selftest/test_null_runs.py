"""Promise 12: the null runs count what they say, keep the promise, and would see a broken one."""

from mlgate.root import Root
from mlgate.selftest import null_runs
from mlgate.selftest.null_runs import NullRun

import pytest
from conftest import REPOSITORY


@pytest.mark.slow
def test_the_promise_is_kept_on_real_rows_in_bursts_and_days_and_on_the_edges_and_a_broken_one_is_seen(monkeypatch):
    runs = null_runs.run(Root(REPOSITORY), 400_000)
    assert all(run.kept for run in runs)
    assert [run.rows for run in runs] == [102_400, 102_400, 51_200, 51_200, 51_200, 51_200]
    assert "The promise is kept." in null_runs.markdown(runs)
    honest = null_runs._side_by_side

    def too_eager(lights):
        found = honest(lights)
        found.thresholds = found.thresholds / 1_000
        return found

    monkeypatch.setattr(null_runs, "_side_by_side", too_eager)
    runs = null_runs.run(Root(REPOSITORY), 400_000)
    assert not any(run.kept for run in runs)
    assert "BROKEN" in null_runs.markdown(runs)


def test_a_run_is_broken_where_so_many_alarms_come_less_than_once_in_a_hundred_times():
    assert NullRun("", 1, 1, 10.0, 17).kept
    assert not NullRun("", 1, 1, 10.0, 19).kept
    assert NullRun("", 1, 1, 0.001, 0).kept
    assert not NullRun("", 1, 1, 0.001, 1).kept
