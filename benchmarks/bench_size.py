"""What 50 million answers cost in one Parquet file: `mlgate judge`, beside DuckDB counting the same file.

DuckDB is installed into an environment of its own, or taken from --duckdb PYTHON. Whole processes in turn: the wall's
time, and the largest memory. Usage: bench_size.py [--rows 50000000] [--duckdb PYTHON]
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import mlgate  # noqa: F401  before numpy

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from table import write_table

PART = 5_000_000
COLUMNS = ["--production-column", "production", "--candidate-column", "candidate", "--slice-column", "country"]
CLASSES = ("alpha", "beta", "gamma", "delta")
COUNT = """
import duckdb, sys
select = "SELECT country, label, production, candidate, COUNT(*)"
print(len(duckdb.sql(f"{select} FROM '{sys.argv[1]}' GROUP BY ALL").fetchall()))
"""


def write_answers(path: Path, rows: int) -> None:
    """Write answers to four classes in twenty countries, as texts."""
    random = np.random.default_rng(0)
    names = {"country": [f"country {number}" for number in range(20)]}
    names |= {name: list(CLASSES) for name in ("label", "production", "candidate")}
    writer = None
    for _ in range(rows // PART):
        label = random.integers(0, 4, PART)
        codes = {"country": random.integers(0, 20, PART), "label": label}
        for model, right in (("production", 0.8), ("candidate", 0.81)):
            codes[model] = np.where(random.random(PART) < right, label, random.integers(0, 4, PART))
        arrays = [
            pa.DictionaryArray.from_arrays(codes[name].astype(np.int32), words).cast(pa.string())
            for name, words in names.items()
        ]
        part = pa.table(arrays, names=list(names))
        writer = writer or pq.ParquetWriter(path, part.schema, compression="zstd")
        writer.write_table(part)
    writer.close()


def timed(command: list[str]) -> tuple[float, float]:
    """Run a command: its seconds, and the largest memory it held in MB."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"It failed: {' '.join(command)}")
    return time.perf_counter() - begun, used.ru_maxrss / 1024


def main() -> None:
    """Time both in turn, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=50_000_000)
    parser.add_argument("--duckdb", metavar="PYTHON", help="an interpreter that has DuckDB (default: one is set up)")
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        write_answers(options.write, options.rows)
        return
    with tempfile.TemporaryDirectory() as folder:
        python = options.duckdb
        if not python:
            subprocess.run([sys.executable, "-m", "venv", f"{folder}/duckdb"], check=True)
            python = f"{folder}/duckdb/bin/python"
            subprocess.run([python, "-m", "pip", "install", "--quiet", "duckdb"], check=True)
        path = Path(folder) / "answers.parquet"
        # In a process of its own: what this one held before a child began counts as the child's memory.
        subprocess.run([sys.executable, __file__, "--write", path, "--rows", str(options.rows)], check=True)
        commands = {
            "DuckDB": [python, "-c", COUNT, str(path)],
            "`mlgate judge --answers`": [sys.executable, "-m", "mlgate", "judge", "--answers", str(path), *COLUMNS],
        }
        commands["`mlgate judge --answers`"] += ["--fail-on", "never"]
        found = {name: [] for name in commands}
        for _ in range(5):
            for name, command in commands.items():
                found[name].append(timed(command))
    base = statistics.median(seconds for seconds, _ in found["DuckDB"])
    lines = []
    for name, runs in found.items():
        seconds = statistics.median(each for each, _ in runs)
        memory = max(each for _, each in runs)
        what = f"{name}, {options.rows:,} answers ({memory:.0f} MB)"
        lines.append((what, f"{seconds:.1f} s", f"{seconds / base:.2f}"))
    write_table("size", lines)


if __name__ == "__main__":
    main()
