"""The benchmarks keep pace with the code: the parts that take no time run."""

import re
import sys
from pathlib import Path

import mlgate

import numpy as np
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


def test_each_figure_that_the_readme_names_stands_in_the_tables():
    readme = (BENCHMARKS.parent / "README.md").read_text(encoding="utf-8")
    tables = (BENCHMARKS.parent / "docs/MEASURED.md").read_text(encoding="utf-8")
    summary = readme.partition("## Measured")[2].partition("\n## ")[0]
    figures = re.findall(r"\d[\d,]*\.\d+|\d{1,3}(?:,\d{3})+", summary)
    assert len(figures) > 5
    assert [figure for figure in figures if figure not in tables] == []


def test_labels_over_random_orders_can_be_counted(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    import bench_labels

    [(name, wins, *costs, whole, wrong)] = bench_labels.table_of({"good": np.repeat([1, -1], (80, 20))}, orders=200)
    assert (name, wins, whole, wrong) == ("good", "80 of 100", "100", "0.0%")
    assert all(cell.endswith("(100% decided)") for cell in costs)
    by_corridor, naive = bench_labels.fooled(horizon=50, sessions=10_000)
    assert by_corridor < 0.058 < 0.15 < naive
