"""What the service loses by keeping rows as gate.toml says: answers a second, slowest answers, CPU a request.

One process is loaded again and again, and keeps rows in every other turn: two processes with the same settings differ
by some percent for as long as they live. Beside the ratios stand their standard errors, and what the thread that keeps
rows took of the CPU, which is known better than what is left of the answers. Usage: bench_keeping.py [rounds]
"""

import math
import os
import shutil
import signal
import sys
import tempfile
import urllib.request
from pathlib import Path

import bench_serve
import numpy as np
from bench_serve import PLAIN, Contender, measure, started, write_bodies
from table import write_table

REPOSITORY = Path(__file__).parents[1]
LOADS = (("short", 8), ("short", 64), ("reviews", 8), ("reviews", 64))
MEDIAN_ERROR = 1.25  # standard errors of a mean: that of a median


class Bench:
    """The service under load, and its threads."""

    def __init__(self, url: str, process: int):
        self.url = url
        self.process = process
        self.keeps = True

    def turn(self) -> None:
        """Keep rows, or stop that."""
        os.kill(self.process, signal.SIGUSR1)
        self.keeps = not self.keeps

    def spent(self) -> tuple[float, float, float]:
        """Return the seconds of CPU spent so far, by the thread that answers and by all others, and the answers."""
        answering = others = 0.0
        for task in Path(f"/proc/{self.process}/task").iterdir():
            seconds = int((task / "schedstat").read_text().split()[0]) / 1e9
            if task.name == str(self.process):
                answering = seconds
            else:
                others += seconds
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        counted = [line for line in lines if line.startswith('mlgate_requests_total{path="/predict"')]
        return answering, others, sum(float(line.split()[1]) for line in counted)

    def loaded(self, connections: int, bodies: Path) -> list[float]:
        """One turn: answers a second, p99 in milliseconds, CPU a request in us, the keeping thread's share of it."""
        before = self.spent()
        rate, slow = measure(f"{self.url}/predict", connections, bodies)
        answering, others, answers = np.subtract(self.spent(), before)
        return [rate, slow, 1e6 * (answering + others) / answers, others / (answering + others)]

    def line(self, kind: str, connections: int, bodies: Path, rounds: int) -> tuple[str, ...]:
        """One load, in turns: kept and not kept, not kept and kept. Ratios within a round."""
        found = []
        for _ in range(rounds):
            first = self.keeps
            measured = {first: self.loaded(connections, bodies)}
            self.turn()
            measured[not first] = self.loaded(connections, bodies)
            found.append([measured[False], measured[True]])
        without, kept = np.array(found).transpose(1, 0, 2)
        ratios = kept[:, :3] / without[:, :3]
        errors = MEDIAN_ERROR * ratios.std(axis=0) / math.sqrt(rounds)
        shown = [f"{ratio:.3f} ± {error:.3f}" for ratio, error in zip(np.median(ratios, axis=0), errors, strict=True)]
        rate, slow, cpu, _ = np.median(without, axis=0)
        share = np.median(kept[:, 3])
        return f"{kind}, {connections}", f"{rate:,.0f}/s, {slow:.1f} ms, {cpu:,.0f} us", *shown, f"{share:.2%}"


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    bench_serve.SECONDS = 1  # short turns: the machine's own pace changes within seconds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bodies = write_bodies(folder, "texts")
        root = folder / "root"
        shutil.copytree(REPOSITORY / "artifacts_prod", root / "artifacts_prod")
        shutil.copy(REPOSITORY / "gate.toml", root)
        command = [sys.executable, str(PLAIN / "turned.py"), str(root), "{port}"]
        with started(Contender("the service", command), {"LOGS": str(folder)}) as url:
            bench = Bench(url, int((root / "pid").read_text()))
            lines = [bench.line(kind, connections, bodies[kind], rounds) for kind, connections in LOADS]
    head = ("load, connections", "no rows kept", "rate", "p99", "CPU a request", "the thread that keeps rows")
    write_table("watch-cost", lines, head)


if __name__ == "__main__":
    main()
