"""The benchmarks keep pace with the code: the parts that take no time run."""

import sys
from pathlib import Path

import mlgate

import pytest

BENCHMARKS = Path(mlgate.__file__).parents[2] / "benchmarks"


@pytest.mark.slow
def test_a_verdict_from_arrays_and_from_a_file_can_be_timed(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    import bench_judge

    (against, _, one), (_, seconds, ratio) = bench_judge.from_memory(rows=10_000)
    assert "10,000 answers" in against
    assert one == "1"
    assert seconds.endswith(" s")
    assert float(ratio) > 0
    seconds, megabytes = bench_judge.from_file(1_000, tmp_path)
    assert seconds > 0
    assert megabytes > 1
