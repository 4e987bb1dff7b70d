"""What a verdict costs: ten million paired answers in memory, and CSV files of answers of growing length.

Memory is the largest the process ever held, as the system counts it. Usage: bench_judge.py
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mlgate.gate import Policy, judge
from mlgate.scorecard import Scorecard, count_answers

import numpy as np
from sklearn.metrics import accuracy_score
from table import write_table

ROWS = 10_000_000


def answers(count: int) -> list[np.ndarray]:
    """Labels and the answers of two models, 85 % and 86 % right, as small integers."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, count, dtype=np.uint8)
    return [truth, *(truth ^ (random.random(count) > right).astype(np.uint8) for right in (0.85, 0.86))]


def from_memory(rows: int = ROWS) -> list[tuple[str, str, str]]:
    """A verdict from arrays, against two accuracy_scores on the same arrays."""
    columns = answers(rows)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = {"ours": [], "accuracy": []}
    for _ in range(5):
        begun = time.perf_counter()
        cells, counts = count_answers(*columns, classes=2)
        parts = (("answers", int(counts.sum()), "0" * 64),)
        judge(Scorecard(("0", "1"), ("",), cells, counts, np.zeros((1, 4)), parts), Policy())
        times["ours"].append(time.perf_counter() - begun)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    for _ in range(5):
        begun = time.perf_counter()
        accuracy_score(columns[0], columns[1])
        accuracy_score(columns[0], columns[2])
        times["accuracy"].append(time.perf_counter() - begun)
    ratio = statistics.median(mine / other for mine, other in zip(*times.values(), strict=True))
    mine, other = (statistics.median(column) for column in times.values())
    return [
        (f"two `accuracy_score` on {rows:,} answers", f"{other:.2f} s", "1"),
        (f"a verdict from the same answers ({grown:.0f} MB more memory)", f"{mine:.2f} s", f"{ratio:.2f}"),
    ]


def from_file(rows: int, folder: Path) -> tuple[float, float]:
    """Seconds and MB that `mlgate judge --answers` takes for a CSV of so many rows."""
    path = folder / f"{rows}.csv"
    np.savetxt(path, np.column_stack(answers(rows)), "%d", ",", header="label,production,candidate", comments="")
    columns = ["--production-column", "production", "--candidate-column", "candidate"]
    code = (
        "import resource, sys; from mlgate.cli import main; main(sys.argv[1:]);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    begun = time.perf_counter()
    command = [sys.executable, "-c", code, "judge", "--answers", str(path), *columns]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return time.perf_counter() - begun, int(done.stdout.split()[-1]) / 1024


def main() -> None:
    lines = from_memory()
    with tempfile.TemporaryDirectory() as folder:
        small, large = (from_file(rows, Path(folder)) for rows in (10_000, 1_000_000))
    for rows, (seconds, memory) in ((10_000, small), (1_000_000, large)):
        lines.append((f"`mlgate judge --answers` on a CSV of {rows:,} rows ({memory:.0f} MB)", f"{seconds:.1f} s",
                      f"{memory / small[1]:.2f} of the memory"))  # fmt: skip
    write_table("judge", lines)


if __name__ == "__main__":
    main()
