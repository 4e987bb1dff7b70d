"""The watch beside what people use instead, in one run: false alarms without drift, rows until a drift is seen.

Real rows are drawn again and again, so that there is exactly no drift; then a drift of the catalogue comes. Beside the
watch: Kolmogorov-Smirnov at p < .05 and PSI > .2 on any of its tables, in windows of 500 rows; ADWIN of river on its
tables, where river is there (in an environment of its own: ~/.cache/mlgate-bench/river). Usage: bench_watch.py
[--streams 20]
"""

import argparse
import json
import math
import subprocess
from pathlib import Path

from mlgate import artifacts, corpus, watch
from mlgate.root import Root
from mlgate.watch import DRIFTS, Lights, tables

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp
from table import write_table

REPOSITORY = Path(__file__).parents[1]
RIVER = Path.home() / ".cache" / "mlgate-bench" / "river" / "bin" / "python"
WINDOW = 500
QUIET, DRIFTED = 4_000, 8_000
LABELLED = 200  # streams of labels: a median of twenty is out by a tenth and more
WORSE = (4, 6, 8, 10, 15, 30)  # points
QUIET_ROWS = 100_000  # for the false alarms of the windows and of ADWIN
ADWIN = """
import json, sys
from river.drift import ADWIN
for line in sys.stdin:
    values = json.loads(line)
    detectors = [ADWIN() for _ in values[0]]
    seen = []
    for row, found in enumerate(values):
        for place, (detector, value) in enumerate(zip(detectors, found)):
            detector.update(value)
            if detector.drift_detected:
                seen.append(row)
    print(json.dumps(seen), flush=True)
"""


class Bench:
    """Production, its profile, and a pool of real rows with what is measured of them."""

    def __init__(self):
        root = Root(REPOSITORY)
        self.model = artifacts.load_production(root)
        self.profile = watch.read(root, self.model.digest)
        self.settings = watch.settings_of(root)
        self.reference = self.measured(corpus.split("validation", root))[0]
        self.live = corpus.split("live", root).sample(frac=1, random_state=0).reset_index(drop=True)
        self.quiet = self.measured(self.live)

    def measured(self, rows: pd.DataFrame) -> tuple[tables.Answered, np.ndarray]:
        """What is measured of the rows, and which answers are wrong."""
        found = tables.answered(self.model, rows["text"].tolist())
        return found, found.labels != rows["label"].astype(str).to_numpy()


def windows(values: np.ndarray, reference: np.ndarray) -> tuple[list[int], list[int]]:
    """Rows at whose end a window alarms: KS at p < .05 on any table, PSI > .2 on any table."""
    ks, psi = [], []
    for end in range(WINDOW, len(values) + 1, WINDOW):
        part = values[end - WINDOW : end]
        columns = range(values.shape[1])
        if any(ks_2samp(part[:, place], reference[:, place], method="asymp").pvalue < 0.05 for place in columns):
            ks.append(end)
        if any(population_stability(part[:, place], reference[:, place]) > 0.2 for place in columns):
            psi.append(end)
    return ks, psi


def population_stability(part: np.ndarray, reference: np.ndarray) -> float:
    """The index of ten bins of the reference; an empty bin counts as a ten-thousandth."""
    edges = np.unique(np.quantile(reference, np.linspace(0, 1, 11))[1:-1])
    shares = [
        np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1) / len(values)
        for values in (part, reference)
    ]
    now, then = (np.maximum(share, 1e-4) for share in shares)
    return float(((now - then) * np.log(now / then)).sum())


def adwin(streams: list[np.ndarray]) -> list[list[int]] | None:
    """Rows at which ADWIN of river sees a drift in any table, for each stream; None where river is not there."""
    if not RIVER.exists():
        return None
    lines = "\n".join(json.dumps(values.round(5).tolist()) for values in streams)
    done = subprocess.run([RIVER, "-c", ADWIN], input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def first(rows: list[int]) -> float:
    """Rows from the change to the first alarm after it."""
    return min((row - QUIET for row in rows if row > QUIET), default=math.inf)


def shown(rows: list[float]) -> str:
    middle = float(np.median(rows))
    return "-" if math.isinf(middle) else f"{middle:,.0f}"


def drift_line(bench: Bench, name: str, streams: int) -> tuple[str, ...]:
    """A line of the table: what each method needs to see this drift."""
    drifted, wrong = bench.measured(DRIFTS[name].apply(bench.live, 1))
    reference = bench.profile.values(bench.reference)
    found: dict[str, list[float]] = {
        key: [] for key in ("moved", "estimated_harm", "proven_harm", "ks", "psi", "adwin")
    }
    values_of = []
    for seed in range(streams):
        random = np.random.default_rng(seed)
        before = random.integers(len(bench.live), size=QUIET + seed * WINDOW // streams)[-QUIET:]
        after = random.integers(len(wrong), size=DRIFTED)
        lights = Lights(bench.profile, bench.settings, stays=math.inf)
        lights.add(bench.quiet[0].part(before))
        lights.add(drifted.part(after))
        for light in ("moved", "estimated_harm"):
            state = lights.report()["lights"][light]
            found[light].append(math.inf if state["row"] is None else state["row"] - QUIET)
        if seed < max(streams // 4, 1):
            offset = seed * WINDOW // max(streams // 4, 1)
            values = np.concatenate(
                [bench.profile.values(bench.quiet[0].part(before))[offset:], bench.profile.values(drifted.part(after))]
            )
            ks, psi = windows(values, reference)
            found["ks"].append(first([row + offset for row in ks]))
            found["psi"].append(first([row + offset for row in psi]))
            values_of.append(values[: QUIET - offset + 3_000])
    found["proven_harm"] = labels_until_proven(bench, wrong)
    for place, rows in enumerate(adwin(values_of) or []):
        found["adwin"].append(first([row + QUIET - (len(values_of[place]) - 3_000) for row in rows]))
    cells = [shown(rows) if rows else "n/a" for rows in found.values()]
    accuracy = f"{1 - bench.quiet[1].mean():.3f} -> {1 - wrong.mean():.3f}"
    return (name, accuracy, *cells)


def labels_until_proven(bench: Bench, wrong: np.ndarray) -> list[float]:
    """Labelled rows from the change until harm is proven, in many streams of labels; `wrong` are drawn from (n,)."""
    found = []
    for seed in range(LABELLED):
        random = np.random.default_rng(seed)
        lights = Lights(bench.profile, bench.settings, stays=math.inf)
        lights.label(random.choice(bench.quiet[1], QUIET))
        lights.label(random.choice(wrong, DRIFTED))
        row = lights.report()["lights"]["proven_harm"]["row"]
        found.append(math.inf if row is None else row - QUIET)
    return found


def harm_lines(bench: Bench) -> list[tuple[str, ...]]:
    """What a model costs in labels that is so many points worse than production on rows without drift."""
    lines = []
    for points in WORSE:
        share = bench.quiet[1].mean() + points / 100
        outcomes = np.arange(10_000) < share * 10_000
        rows = labels_until_proven(bench, outcomes)
        late = float(np.quantile(rows, 0.9, method="higher"))
        lines.append((f"{points} points", shown(rows), "-" if math.isinf(late) else f"{late:,.0f}"))
    return lines


def false_alarms(bench: Bench) -> list[tuple[str, ...]]:
    """False alarms in so many rows without drift."""
    random = np.random.default_rng(9)
    rows = bench.reference.part(random.integers(len(bench.reference.scores), size=QUIET_ROWS))
    values = bench.profile.values(rows)
    half = bench.profile.values(bench.reference)
    ks, psi = windows(values, half)
    lights = Lights(bench.profile, bench.settings, stays=0)
    lights.add(rows)
    ours = lights.detectors["moved"].crossings + lights.detectors["estimated_harm"].crossings
    seen = adwin([values[:20_000]])
    theirs = "n/a" if seen is None else f"{len(seen[0]) * QUIET_ROWS / 20_000:,.0f}"
    promised = QUIET_ROWS / bench.settings.rows_per_false_alarm
    return [
        ("the watch", f"{promised:g} at most", str(ours)),
        (f"KS p < .05 on any table, windows of {WINDOW}", "-", str(len(ks))),
        (f"PSI > .2 on any table, windows of {WINDOW}", "-", str(len(psi))),
        ("ADWIN on any table", "-", theirs),
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--streams", type=int, default=20)
    options = parser.parse_args()
    bench = Bench()
    quiet = f"false alarms in {QUIET_ROWS:,} rows without drift"
    write_table("watch-quiet", false_alarms(bench), (quiet, "promised", "seen"))
    harm = ("a model so much worse than production", "labels until harm is proven: median", "nine of ten")
    write_table("watch-harm", harm_lines(bench), harm)
    head = ("rows until it is seen", "accuracy", "moved", "estimated harm", "proven harm", "KS", "PSI", "ADWIN")
    write_table("watch-drifts", [drift_line(bench, name, options.streams) for name in DRIFTS], head)


if __name__ == "__main__":
    main()
