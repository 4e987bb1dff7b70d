"""What a verdict costs in labels: real candidates over many random orders, beside labelling every disagreement.

And the promise itself: 200,000 sessions of an equal candidate, each stopped at its best moment. The rows are those of
validation and live: nobody reads sealed ones for a benchmark. Usage: bench_labels.py
"""

import csv
import statistics
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

from mlgate import artifacts, corpus, recipes
from mlgate.gate import statistics as tests
from mlgate.gate.sequential import Rule, _corridor, corridor, follow
from mlgate.labelling.pool import Traffic, answered
from mlgate.root import Root, find_root
from mlgate.selftest import sample_size

import numpy as np
from table import write_table

BUDGET = 400
ORDERS = 2_000
SESSIONS = 200_000
LEVELS = (0.05, 0.0025)  # one look of one, and one of twenty
FIXED = sample_size.active(0.02, 0.05, 0.1)  # ease.ml/ci, to within two points
CANDIDATES = (
    "challenger",
    "noisy_labels",
    "truncated_vocabulary",
    "bad_training_data",
    "wrong_preprocessing",
    "reduced_dataset",
)


def outcomes_of(root: Root) -> dict[str, np.ndarray]:
    """1 a win, -1 a loss, of each candidate's disagreements with production."""
    rows = [corpus.split(name, root) for name in ("validation", "live")]
    texts = [text for part in rows for text in part["text"]]
    labels = np.array([str(label) for part in rows for label in part["label"]])
    said = artifacts.load_production(root).answer(texts)[0].astype(str)
    train = corpus.split("train", root)
    found = {}
    for name in CANDIDATES:
        says = recipes.named(name).train(train).predict(texts).astype(str)
        differ = says != said
        found[name] = np.where(says[differ] == labels[differ], 1, -1)
    return found


def stops(walks: np.ndarray, needed: list[int], outcome: int) -> np.ndarray:
    """After how many labels each walk (orders, labels) has as many of an outcome as needed; beyond the end: never."""
    reached = np.cumsum(walks == outcome, axis=1, dtype=np.int32) >= np.array(needed)
    return np.where(reached.any(axis=1), reached.argmax(axis=1) + 1, len(needed) + 1)


def labels_needed(outcomes: np.ndarray, alpha: float, orders: int = ORDERS) -> SimpleNamespace:
    """Return what labelling costs in random orders: the median, nine of ten, and how often it ends wrongly or not."""
    random = np.random.default_rng(0)
    horizon = min(BUDGET, len(outcomes))
    walks = np.array([random.permutation(outcomes)[:horizon] for _ in range(orders)], dtype=np.int8)
    needed = corridor(horizon, alpha)
    up = stops(walks, needed, 1)
    down = stops(walks, needed, -1)
    better = outcomes.sum() > 0
    right = up < down if better else down < up
    wrong = (down < up) if better else (up < down)
    spent = np.minimum(np.minimum(up, down), horizon)
    middle, most = np.quantile(spent, (0.5, 0.9), method="higher")
    return SimpleNamespace(middle=int(middle), most=int(most), right=right.mean(), wrong=wrong.mean())


def table_of(found: dict[str, np.ndarray], orders: int = ORDERS) -> list[tuple[str, ...]]:
    """A line for each candidate."""
    lines = []
    for name, outcomes in found.items():
        costs = [labels_needed(outcomes, alpha, orders) for alpha in LEVELS]
        wins = int((outcomes == 1).sum())
        cells = [f"{cost.middle} / {cost.most} ({cost.right:.0%} decided)" for cost in costs]
        wrong = max(cost.wrong for cost in costs)
        lines.append((name, f"{wins} of {len(outcomes)}", *cells, str(len(outcomes)), f"{wrong:.1%}"))
    return lines


def fooled(horizon: int = 404, sessions: int = SESSIONS, alpha: float = 0.05) -> tuple[float, float]:
    """How often equal candidates are promoted by who stops at the best moment: with the corridor, and with mid-p."""
    random = np.random.default_rng(0)
    rules = (corridor(horizon, alpha), [tests.smallest_win(m, alpha) or m + 1 for m in range(1, horizon + 1)])
    counts = np.zeros(2)
    batch = 10_000
    for _ in range(0, sessions, batch):
        walks = 2 * random.integers(0, 2, (batch, horizon), dtype=np.int8) - 1
        counts += [(stops(walks, needed, 1) <= horizon).sum() for needed in rules]
    return tuple(counts / (batch * -(-sessions // batch)))


def seconds(work, times: int = 5) -> float:
    """The median time that some work takes."""
    spent = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        spent.append(time.perf_counter() - begun)
    return statistics.median(spent)


def queue_seconds(rows: int) -> float:
    """How long it takes to read rows, fingerprint them and find disagreements, beside answering them."""
    classes = np.array(["negative", "positive"])

    def model(share: int) -> SimpleNamespace:
        def answer(texts):
            return classes[[int(int(text.rpartition(" ")[2]) % share == 0) for text in texts]], None

        return SimpleNamespace(classes=classes, limits=None, fault=None, answer=answer)

    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "traffic.csv"
        with open(path, "w", newline="") as file:
            words = "a film about nothing much that goes on and on " * 4
            csv.writer(file).writerows([("text",), *((f"{words}{number}",) for number in range(rows))])
        (Path(name) / "gate.toml").touch()
        return seconds(lambda: answered(Root(Path(name)), Traffic(path), model(2), model(16)), times=1)


def speeds() -> list[tuple[str, str]]:
    """How long the corridor, a label and a million rows take."""

    def anew() -> None:
        _corridor.cache_clear()
        corridor(BUDGET, 0.05)

    walk = [1, -1] * (BUDGET // 2)
    rows = 100_000
    return [
        (f"the corridor of {BUDGET} labels, once", f"{1_000 * seconds(anew):.0f} ms"),
        (
            f"the verdict on {BUDGET} labels, again",
            f"{1_000 * seconds(lambda: follow(walk, Rule(BUDGET, 0.05))):.1f} ms",
        ),
        (
            "a million rows read, fingerprinted and queued, beside answering",
            f"{queue_seconds(rows) * 1_000_000 / rows:.0f} s",
        ),
    ]


def promise() -> list[tuple[str, str]]:
    """How often equal candidates are promoted, and how long things take."""
    by_corridor, naive = fooled()
    what = f"equal candidates promoted, in {SESSIONS:,} sessions stopped at their best moment"
    lines = [
        (f"{what}: by the corridor (promised .05)", f"{by_corridor:.4f}"),
        (f"{what}: by a test at .05 after each label", f"{naive:.4f}"),
        ("labels that ease.ml/ci buys each time, to tell two points apart", str(FIXED)),
    ]
    return lines + speeds()


def main() -> None:
    """Measure, print, and write the tables."""
    head = ("candidate", "wins", "labels at .05: median / nine of ten", "at .0025", "labelling all", "wrong")
    write_table("labels", table_of(outcomes_of(find_root())), head)
    write_table("labels-promise", promise(), ("", "measured"))


if __name__ == "__main__":
    main()
