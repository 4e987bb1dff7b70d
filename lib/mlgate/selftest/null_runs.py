"""The watch on trial: traffic that does not drift, by the million rows; false alarms beside what is promised."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from mlgate import artifacts, corpus, watch
from mlgate.root import Root
from mlgate.watch import tables
from mlgate.watch.detector import Detector
from mlgate.watch.lights import LIGHTS, Lights
from mlgate.watch.profile import Profile
from mlgate.watch.settings import Settings

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson

STREAMS = 10  # side by side, in one detector
STEP = 1_024  # rows of each at a time
BURST, KEPT = 5, 10  # requests with one text in a row, on average; and of how many requests one row is kept
DAY, SWING = 8_640, 0.04  # kept rows of a day, and the share of them that its rhythm chooses
RARE = 0.01  # as often a promise that is just kept looks broken


@dataclass(frozen=True)
class NullRun:
    """So many rows without drift: the false alarms that were promised at most, and those that were seen."""

    name: str
    rows: int
    price: int
    promised: float
    seen: int

    @property
    def kept(self) -> bool:
        """Whether so many would be seen at least once in a hundred, were the promise just kept."""
        return bool(poisson.sf(self.seen - 1, self.promised) >= RARE)


def run(root: Root, rows: int, seed: int = 0) -> list[NullRun]:
    """Return null runs over so many rows in all: real rows drawn again and again, and the worst that a band allows.

    The former at the price of gate.toml and at a tenth of it; the latter, where alarms are to be expected, at a tenth.
    At a tenth, too, what every service sees and nobody should be woken for: bursts of one text, and days with a rhythm.
    """
    model = artifacts.load_production(root)
    profile = watch.read(root, model.digest)
    settings = watch.settings_of(root)
    frame = corpus.split("validation", root)
    found = tables.answered(model, frame["text"].tolist())
    wrong = found.labels != frame["label"].astype(str).to_numpy()
    pool = np.column_stack([profile.values(found), profile.chance_of_error(found), wrong])
    random = np.random.default_rng(seed)
    cheap = Settings(max(settings.rows_per_false_alarm // 10, 100), settings.tolerance, settings.harm_tolerance)
    plans = [
        _Plan("real rows, drawn again and again", settings, rows // 4, pool),
        _Plan("the same, ten times as many promised", cheap, rows // 4, pool),
        _Plan("in bursts, one row of ten requests kept", cheap, rows // 8, pool, _in_bursts),
        _Plan("each day's share of an answer rises and falls by two points", cheap, rows // 8, _sorted(pool), _by_day),
        _Plan("each truth on the upper edge of its band", cheap, rows // 8),
        _Plan("each truth on the lower edge", cheap, rows // 8),
    ]
    return [_run(plan, profile, random) for plan in plans]


Places = NDArray[np.int64]


def _anyhow(random: np.random.Generator, count: int, _: int) -> Places:
    """Return which rows of a pool of `count` come next, (STEP, STREAMS)."""
    return random.integers(count, size=(STEP, STREAMS))


def _in_bursts(random: np.random.Generator, count: int, _: int) -> Places:
    """Return the same where a text comes BURST times in a row, on average, and one row of KEPT is kept."""
    fresh = _anyhow(random, count, 0)
    new = random.random((STEP, STREAMS)) > (1 - 1 / BURST) ** KEPT
    new[0] = True
    last = np.maximum.accumulate(np.where(new, np.arange(STEP)[:, None], 0), axis=0)
    return np.take_along_axis(fresh, last, axis=0)


def _by_day(random: np.random.Generator, count: int, begun: int) -> Places:
    """Return the same where a half of the pool is likelier for half a day, then the other.

    At most a share SWING of the rows is drawn from one half alone: its share of all rows moves by half of that.
    """
    time = begun + np.arange(STEP)[:, None]
    swing = SWING * np.sin(2 * np.pi * time / DAY)
    places = _anyhow(random, count, 0)
    pushed = random.random((STEP, STREAMS)) < np.abs(swing)
    half = count // 2
    from_half = random.integers(half, size=(STEP, STREAMS)) + np.where(swing > 0, half, 0)
    return np.where(pushed, from_half, places)


def _sorted(pool: np.ndarray) -> np.ndarray:
    """Return the pool by the score, its first column: each half has one answer."""
    return pool[np.argsort(pool[:, 0], kind="stable")]


@dataclass(frozen=True)
class _Plan:
    """What to draw: rows of the pool (n, K) in an order, or else 0 and 1 alone, with means on an edge of the bands."""

    name: str
    settings: Settings
    rows: int
    pool: np.ndarray | None = None
    order: Callable[[np.random.Generator, int, int], Places] = _anyhow


def _run(plan: _Plan, profile: Profile, random: np.random.Generator) -> NullRun:
    detector = _side_by_side(Lights(profile, plan.settings))
    edges = _edges(detector, lower=plan.name.endswith("lower edge"))
    for step in range(math.ceil(plan.rows / (STREAMS * STEP))):
        if plan.pool is None:
            values = (random.random((STEP, len(edges))) < edges).astype(float)
        else:
            values = plan.pool[plan.order(random, len(plan.pool), step * STEP)].reshape(STEP, -1)
        detector.add(values)
    rows = detector.rows * STREAMS
    price = plan.settings.rows_per_false_alarm
    return NullRun(plan.name, rows, price, rows / price, detector.crossings)


def _side_by_side(lights: Lights) -> Detector:
    """Return one detector with the tables of all three lights, as often as there are streams."""
    bands = [band for light in LIGHTS for band in lights.detectors[light].bands]
    thresholds = np.concatenate([lights.detectors[light].thresholds for light in LIGHTS])
    bets = [lights.detectors[light].bets for light in LIGHTS for _ in lights.detectors[light].bands]
    return Detector(tuple(bands) * STREAMS, np.tile(thresholds, STREAMS), stays=0, bets=np.array(bets * STREAMS))


def _edges(detector: Detector, lower: bool) -> np.ndarray:
    """Return the worst truth for each table: values of 0 and 1 alone, their mean on the band's edge."""
    edges = []
    for band in detector.bands:
        low = band.high if band.low is None else max(band.low, 0.0)
        edges.append(low if lower else band.high)
    return np.array(edges)


def markdown(runs: list[NullRun]) -> str:
    """Return the runs as a table."""
    lines = ["| traffic without drift | rows | false alarms promised at most | seen |", "|---|---|---|---|"]
    for found in runs:
        said = "" if found.kept else " ✗ broken"
        lines.append(f"| {found.name} | {found.rows:,} | {found.promised:,.1f} | {found.seen:,}{said} |")
    kept = all(found.kept for found in runs)
    total = sum(found.rows for found in runs)
    lines.append(f"\n{total:,} rows in all. The promise is {'kept' if kept else 'BROKEN'}.")
    return "\n".join(lines)
