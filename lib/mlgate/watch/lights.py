"""Three lights over one model's traffic: moved, estimated harm, proven harm. One promise holds for all together.

Half of the budget of false alarms is proven harm's, which is slow and matters most; all other tables share the rest.
"""

from dataclasses import dataclass, field
from typing import Any

from mlgate.watch import words
from mlgate.watch.detector import STAYS, Detector, new_detector
from mlgate.watch.profile import Profile
from mlgate.watch.settings import Settings
from mlgate.watch.tables import OUTLIER, UNKNOWN, Answered

import numpy as np

MOVED, ESTIMATED, PROVEN = "moved", "estimated_harm", "proven_harm"
LIGHTS = (MOVED, ESTIMATED, PROVEN)
MEMORY = 500  # rows: how far back the means reach that are shown as "now"
PROVEN_SHARE = 0.5  # of the budget
# The quickest bet on a share of errors p is (p - high) / (1 - high): 0.07 where it is six points beyond the band. Small
# bets decide over small harm; great harm is soon seen with any.
PROVEN_BETS = np.array([0.03, 0.05, 0.07, 0.1, 0.2, 0.4])


@dataclass
class Lights:
    """The state of the watch over one model: it goes on from row to row, from restart to restart."""

    profile: Profile
    settings: Settings
    stays: float = STAYS
    detectors: dict[str, Detector] = field(init=False)
    now: np.ndarray = field(init=False)
    labelled: int = 0
    wrong: int = 0

    def __post_init__(self) -> None:
        profile = self.profile
        settings = self.settings
        count = len(profile.names)
        others = (1 - PROVEN_SHARE) / (count + 1)
        price = settings.rows_per_false_alarm
        self.detectors = {
            MOVED: new_detector(profile.bands(settings), others * count, price, self.stays),
            ESTIMATED: new_detector([profile.estimated_band(settings)], others, price, self.stays),
            PROVEN: new_detector(
                [profile.error_band(settings)], PROVEN_SHARE, price, stays=self.stays, bets=PROVEN_BETS
            ),
        }
        self.now = np.array([*profile.means, profile.estimated_error[0]])

    @property
    def rows(self) -> int:
        """How many rows were seen."""
        return self.detectors[MOVED].rows

    def names(self, light: str) -> tuple[str, ...]:
        """Return the names of a light's tables."""
        if light == MOVED:
            return self.profile.names
        return {ESTIMATED: ("chance of an error",), PROVEN: ("errors",)}[light]

    def on(self, light: str) -> bool:
        """Whether a light is on."""
        found = self.detectors[light]
        return any(found.on(table) for table in range(len(found.bands)))

    def moved(self, name: str) -> bool:
        """Whether this table has moved."""
        return self.detectors[MOVED].on(self.profile.names.index(name))

    @property
    def believed(self) -> bool:
        """Whether the estimate can be believed: not where texts are unlike all that the scores were calibrated on."""
        return not (self.moved(OUTLIER) or self.moved(UNKNOWN))

    def add(self, rows: Answered, times: np.ndarray | None = None) -> None:
        """Take in answered rows, in order."""
        if not len(rows.scores):
            return
        values = self.profile.values(rows)
        chances = self.profile.chance_of_error(rows)[:, None]
        self.detectors[MOVED].add(values, times)
        self.detectors[ESTIMATED].add(chances, times)
        kept = (1 - 1 / MEMORY) ** np.arange(len(values))[::-1]
        fading = (1 - 1 / MEMORY) ** len(values)
        self.now = self.now * fading + kept @ np.hstack([values, chances]) / MEMORY

    def label(self, wrong: np.ndarray, times: np.ndarray | None = None) -> None:
        """Take in, for rows whose labels came, whether the answer was wrong (n,), in the order of the labels."""
        self.detectors[PROVEN].add(wrong.astype(float)[:, None], times)
        self.labelled += len(wrong)
        self.wrong += int(wrong.sum())

    def forget_labels(self) -> None:
        """Begin anew with the labels: one of them was changed, and they are counted again."""
        fresh = Lights(self.profile, self.settings, self.stays)
        self.detectors[PROVEN] = fresh.detectors[PROVEN]
        self.labelled = self.wrong = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the state as JSON takes it."""
        return {
            "detectors": {name: found.as_dict() for name, found in self.detectors.items()},
            "now": self.now.tolist(),
            "labelled": self.labelled,
            "wrong": self.wrong,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state that `as_dict` returned."""
        for name, found in self.detectors.items():
            found.restore(state["detectors"][name])
        self.now = np.array(state["now"])
        self.labelled = state["labelled"]
        self.wrong = state["wrong"]

    def report(self) -> dict[str, Any]:
        """Return what there is to say, as watch JSON (docs/ARCHITECTURE.md)."""
        return {
            "rows": self.rows,
            "model": {"digest": self.profile.digest},
            "rows_per_false_alarm": self.settings.rows_per_false_alarm,
            "lights": {light: self._light(light) for light in LIGHTS},
            "accuracy": {
                "profile": self.profile.accuracy,
                "estimated": 1 - float(self.now[-1]),
                "believed": self.believed,
                "labelled": self.labelled,
                "wrong": self.wrong,
            },
        }

    def _light(self, light: str) -> dict[str, Any]:
        tables = [self._table(light, place) for place in range(len(self.names(light)))]
        rows = [table["row"] for table in tables if table["row"] is not None]
        found = {"on": self.on(light), "row": min(rows, default=None), "tables": tables}
        return {**found, "reason": words.of_light(self, light, tables)}

    def _table(self, light: str, place: int) -> dict[str, Any]:
        found = self.detectors[light]
        band = found.bands[place]
        alarm = found.alarms[place] if found.on(place) else None
        usual, now = self._means(light, place)
        table = {
            "table": self.names(light)[place],
            "on": alarm is not None,
            "row": alarm and alarm.row,
            "since": alarm and alarm.began,
            "time": alarm and alarm.time,
            "since_time": alarm and alarm.began_time,
            "profile": usual,
            "now": alarm.mean if alarm else now,
            "band": [band.low, band.high],
            "evidence": float(found.evidence[place]),
            "threshold": float(found.thresholds[place]),
        }
        return {**table, "reason": words.of_table(self, light, table)}

    def _means(self, light: str, place: int) -> tuple[float, float]:
        """Return a table's mean in the profile, and now."""
        if light == MOVED:
            return self.profile.means[place], float(self.now[place])
        if light == ESTIMATED:
            return self.profile.estimated_error[0], float(self.now[-1])
        share = self.profile.errors / self.profile.count
        return share, self.wrong / self.labelled if self.labelled else share
