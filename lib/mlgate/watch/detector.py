"""Evidence against "nothing changed by more than the tolerance", row by row, with a stated price in false alarms.

An e-detector of Shiryaev-Roberts type (Shin, Ramdas & Rinaldo 2023) on bounded means (Waudby-Smith & Ramdas 2024):
before each row a coin is put on each table, shared among bets of several sizes that its mean has left a band. While
the mean, given all that came before, lies in the band, each bet is fair or worse. So the evidence of a table grows by
at most one coin a row on average, and a threshold of c coins is crossed by chance once in c rows, or more seldom. No
distribution, no window and no independence is assumed; a table with a share w of the budget of false alarms has the
threshold c / w, and the shares add up, whatever the tables have in common.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

BETS = np.array([0.02, 0.05, 0.1, 0.2, 0.4, 0.8])  # of all that may be lost on a row
CHUNK = 64  # rows at a time: products of so many factors, each from 0.2 to 5 or so, stay far from overflow
FEW = 1_000.0  # coins: what lies on a table while nothing happens. A change began after the last row with so few
STAYS = 2_000  # rows without another alarm after which one is over


@dataclass(frozen=True)
class Band:
    """Where a table's mean may lie: from `low` to `high`. low None: only a rise counts."""

    low: float | None
    high: float


@dataclass
class Alarm:
    """That a table's evidence crossed the threshold: rows are counted from 1.

    row: where. began: the first row of the rise. last: the last crossing. mean: over the last rise.
    """

    row: int
    began: int
    last: int
    mean: float
    time: float | None = None
    began_time: float | None = None


@dataclass
class Detector:
    """K tables of values from 0 to 1, watched together; each has its band and its threshold, in coins.

    bets (B,) or (K, B): their sizes; small ones for a small rise, or of what is rare. coins (K, 2 B): what lies on each
    bet, for a rise and for a fall. An alarm clears its table, and the next one says whether the change goes on.
    """

    bands: tuple[Band, ...]
    thresholds: np.ndarray
    stays: float = STAYS
    bets: np.ndarray = field(default_factory=BETS.copy)
    rows: int = 0
    crossings: int = 0
    coins: np.ndarray = field(init=False)
    alarms: list[Alarm | None] = field(init=False)

    def __post_init__(self) -> None:
        count = len(self.bands)
        low = np.array([0.0 if band.low is None else band.low for band in self.bands])
        high = np.array([band.high for band in self.bands])
        falls = np.array([band.low is not None for band in self.bands])[:, None]
        shape = (count, self.bets.shape[-1])
        bounds = np.hstack([np.broadcast_to(high[:, None], shape), np.broadcast_to(low[:, None], shape)])
        # a row multiplies a bet by 1 + slope (value - bound)
        self._slopes = np.hstack([self.bets / high[:, None], -self.bets / (1 - low[:, None])])
        self._constant = 1 - self._slopes * bounds
        up = np.broadcast_to(1 / (1 + falls), shape)
        self._coin = np.hstack([up, np.broadcast_to(falls / 2, shape)]) / shape[1]
        self.coins = np.zeros((count, 2 * shape[1]))
        self.alarms = [None] * count
        self._began = np.ones(count, dtype=int)
        self._began_time = np.full(count, np.nan)
        self._sums = np.zeros(count)

    @property
    def evidence(self) -> np.ndarray:
        """The coins on each table (K,)."""
        return np.asarray(self.coins.sum(axis=1))

    def on(self, table: int) -> bool:
        """Whether an alarm of this table still stands."""
        alarm = self.alarms[table]
        return alarm is not None and self.rows - alarm.last < self.stays

    def add(self, values: np.ndarray, times: np.ndarray | None = None) -> None:
        """Take in rows, values (n, K), each from 0 to 1: the same in one call, in batches, or one by one (to 1e-9)."""
        if times is None:
            times = np.full(len(values), np.nan)
        start = 0
        while start < len(values):
            chunk = slice(start, start + CHUNK)
            start += self._take(values[chunk], times[chunk])

    def _take(self, values: np.ndarray, times: np.ndarray) -> int:
        """Take in rows up to the first alarm, and return how many."""
        # coins_i = (coins_{i-1} + coin) factor_i, for all rows at once
        grown = np.cumprod(self._constant + self._slopes * values[:, :, None], axis=0)
        before = np.concatenate([np.ones((1, *grown.shape[1:])), grown[:-1]])
        coins = grown * (self.coins + self._coin * np.cumsum(1 / before, axis=0))
        evidence = coins.sum(axis=2)
        over = evidence >= self.thresholds
        crossed = over.any(axis=1)
        count = len(values)
        if crossed.any():
            count = int(crossed.argmax()) + 1
        self._remember(values[:count], evidence[:count] <= FEW, times[:count])
        self.rows += count
        self.coins = coins[count - 1]
        for table in np.flatnonzero(over[count - 1]):
            self._alarm(int(table), float(times[count - 1]))
        return count

    def _remember(self, values: np.ndarray, low: np.ndarray, times: np.ndarray) -> None:
        """Keep, for each table, the row after the last one with little evidence, and the sum since."""
        count = len(values)
        fresh = low.any(axis=0)
        start = np.where(fresh, count - low[::-1].argmax(axis=0), 0)
        rising = np.arange(count)[:, None] >= start
        self._sums = np.where(fresh, 0, self._sums) + (values * rising).sum(axis=0)
        self._began = np.where(fresh, self.rows + start + 1, self._began)
        # a rise that begins with the next batch is as old as this one's last row
        self._began_time = np.where(fresh, times[np.minimum(start, count - 1)], self._began_time)

    def _alarm(self, table: int, time: float) -> None:
        began = int(self._began[table])
        if began > self.rows:  # a threshold below FEW coins
            began = self.rows
        mean = float(self._sums[table]) / (self.rows - began + 1)
        known = self.alarms[table]
        if known is not None and self.rows - known.last < self.stays:
            known.last = self.rows
            known.mean = mean
        else:
            began_time = float(self._began_time[table])
            self.alarms[table] = Alarm(self.rows, began, self.rows, mean, _known(time), _known(began_time))
        self.coins[table] = 0
        self.crossings += 1

    def as_dict(self) -> dict[str, Any]:
        """Return the state as JSON takes it; `restore` goes on from there."""
        return {
            "rows": self.rows,
            "crossings": self.crossings,
            "coins": self.coins.tolist(),
            "alarms": [None if alarm is None else vars(alarm).copy() for alarm in self.alarms],
            "began": self._began.tolist(),
            "began_time": [_known(time) for time in self._began_time.tolist()],
            "sums": self._sums.tolist(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state that `as_dict` returned, of a detector with the same tables."""
        self.rows = state["rows"]
        self.crossings = state["crossings"]
        self.coins = np.array(state["coins"])
        self.alarms = [None if alarm is None else Alarm(**alarm) for alarm in state["alarms"]]
        self._began = np.array(state["began"])
        self._began_time = np.array([np.nan if time is None else time for time in state["began_time"]])
        self._sums = np.array(state["sums"])


def _known(time: float) -> float | None:
    if np.isnan(time):
        return None
    return time


def new_detector(
    bands: Iterable[Band], share: float, rows_per_false_alarm: float, stays: float = STAYS, bets: np.ndarray = BETS
) -> Detector:
    """Return a detector whose tables have, all together, this share of one false alarm in `rows_per_false_alarm`."""
    found = tuple(bands)
    threshold = rows_per_false_alarm * len(found) / share
    return Detector(found, np.full(len(found), threshold), stays, bets)
