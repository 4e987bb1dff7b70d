"""What notebook 09 plays with: a copy of production, a real service on it, and traffic that drifts on demand."""

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from mlgate import artifacts, corpus, recipes, watch
from mlgate.root import Root, find_root, write_atomically
from mlgate.teaching.child_service import PREFIX
from mlgate.teaching.closing import Closing
from mlgate.teaching.evidence import draw_evidence, png
from mlgate.teaching.service_process import Server
from mlgate.watch import DRIFTS, LIGHTS, Lights, Settings
from mlgate.watch.tables import Answered, answered

import ipywidgets as widgets
import numpy as np
import pandas as pd
import tomli_w
from scipy.stats import ks_2samp

MEASURED = 1_500  # rows, to measure an accuracy
SEEN = 20.0  # seconds in which the service has seen every row
NAMES = {"moved": "moved", "estimated_harm": "estimated harm", "proven_harm": "proven harm"}


class Watched(Closing):
    """A copy of production in a temporary folder, watched by a real service that keeps every row: until `close`.

    Opening another closes this one, so that a cell may be run twice.
    """

    def __init__(self, seed: int = 0, home: Root | None = None) -> None:
        super().__init__()
        self.seed = seed
        try:
            folder = tempfile.mkdtemp(prefix=PREFIX)
            self.stack.callback(shutil.rmtree, folder, ignore_errors=True)
            self.root = _copied(home or find_root(), Path(folder).resolve())
            self.model = artifacts.load_production(self.root)
            self.profile = watch.read(self.root, self.model.digest)
            self.settings = watch.settings_of(self.root)
            self.server = self.stack.enter_context(Server(self.root))
            live = corpus.split("live", self.root)
            self.live = live.sample(frac=1, random_state=seed).reset_index(drop=True)
            self.sent: list[tuple[str, str]] = []
        except BaseException:
            self.close()
            raise

    def drifted(self, drift: str, rows: pd.DataFrame | None = None) -> pd.DataFrame:
        """Return rows (by default the live ones) as they arrive after a drift."""
        return DRIFTS[drift].apply(self.live if rows is None else rows, self.seed)

    def measured(self, rows: pd.DataFrame) -> tuple[Answered, np.ndarray]:
        """Ask production; return what is measured of each row, and whether its answer is wrong (n,)."""
        found = answered(self.model, rows["text"].tolist())
        return found, found.labels != rows["label"].astype(str).to_numpy()

    def evidence(self, drift: str, quiet: int = 400, after: int = 100, **settings: Any) -> pd.DataFrame:
        """Return the coins on each table after each row: quiet rows first, then drifted ones.

        settings: of the watch, where they differ from gate.toml's. The threshold is in `.attrs`.
        """
        lights = Lights(self.profile, Settings(**{**vars(self.settings), **settings}))
        rows = pd.concat([self.live.head(quiet), self.drifted(drift).iloc[quiet : quiet + after]])
        values = self.profile.values(self.measured(rows)[0])
        detector = lights.detectors["moved"]
        threshold = float(detector.thresholds[0])
        detector.thresholds = np.full(len(values[0]), np.inf)  # no alarm clears a table: the picture goes on
        lines = []
        for row in values:
            detector.add(row[None])
            lines.append(detector.evidence)
        found = pd.DataFrame(lines, columns=list(self.profile.names), index=range(1, len(lines) + 1))
        found.attrs.update(threshold=threshold, change=quiet)
        return found

    def quiet_alarms(self, rows: int = 50_000, window: int = 500) -> pd.DataFrame:
        """Return how many false alarms so many rows without drift raise: the watch's, and those of windows."""
        pool = self.profile.values(self.measured(corpus.split("validation", self.root))[0])
        random = np.random.default_rng(self.seed)
        values = pool[random.integers(len(pool), size=rows)]
        lights = Lights(self.profile, self.settings, stays=0)
        lights.detectors["moved"].add(values)
        alarms = sum(_differs(values[start : start + window], pool) for start in range(0, rows, window))
        price = self.settings.rows_per_false_alarm
        return pd.DataFrame(
            [
                ["the watch", f"{rows / price:g} at most", lights.detectors["moved"].crossings],
                [f"Kolmogorov-Smirnov, p < .05, windows of {window}", "nothing", alarms],
            ],
            columns=["method", "promised", "false alarms"],
        )

    def send(self, drift: str, quiet: int = 100, after: int = 300) -> dict[str, Any]:
        """Send the service quiet rows, then drifted ones, one a request; return its watch JSON. It begins afresh."""
        shutil.rmtree(self.root.kept_rows.parent, ignore_errors=True)
        self._until(lambda found: found.get("rows") in (None, 0))
        rows = pd.concat([self.live.head(quiet), self.drifted(drift).iloc[quiet : quiet + after]])
        self.sent = []
        for text, label in zip(rows["text"], rows["label"].astype(str), strict=True):
            [answer] = self.server.predict(text)["predictions"]
            self.sent.append((answer["id"], label))
        return self._until(lambda found: found.get("rows") == len(rows))

    def label(self, rows: int) -> dict[str, Any]:
        """Label the last rows that were sent, and return the service's watch JSON."""
        path = self.root.path / "labels.csv"
        pd.DataFrame(self.sent[-rows:], columns=["id", "label"]).to_csv(path, index=False)
        watch.take_labels(self.root, path)
        return self._until(lambda found: found["accuracy"]["labelled"] == rows)

    def _until(self, true: Any) -> dict[str, Any]:
        end = time.monotonic() + SEEN
        while not true(found := self.server.get("/watch.json")) and time.monotonic() < end:
            time.sleep(0.1)
        return found

    def accuracies(self, drifts: list[str]) -> pd.DataFrame:
        """Return, for each drift, the true accuracy, the estimate without labels, and whether to believe it."""
        lines = []
        for drift in drifts:
            found, wrong = self.measured(self.drifted(drift).head(MEASURED))
            lights = Lights(self.profile, self.settings)
            lights.add(found)
            estimated = 1 - float(self.profile.chance_of_error(found).mean())
            lines.append([drift, 1 - wrong.mean(), estimated, "yes" if lights.believed else "no"])
        return pd.DataFrame(lines, columns=["drift", "true accuracy", "estimated", "to be believed?"])

    def retrained(self, drift: str) -> tuple[list[str], list[str], list[str]]:
        """Train the challenger on training rows as they arrive after a drift; return labels, and both models' answers.

        Judged on validation rows as they arrive after it: rows that neither has learnt from, and that raised no alarm.
        """
        train = self.drifted(drift, corpus.split("train", self.root))
        candidate = recipes.named("challenger").train(train)
        rows = self.drifted(drift, corpus.split("validation", self.root))
        texts = rows["text"].tolist()
        answers = [model.predict(texts).astype(str).tolist() for model in (self.model.fitted, candidate)]
        return rows["label"].astype(str).tolist(), *answers

    def sliders(self, drift: str) -> widgets.Widget:
        """Return the picture of evidence with a slider for the tolerance, and one for the price of a false alarm."""
        later: dict[str, Any] = {"continuous_update": False, "style": {"description_width": "initial"}}
        tolerance = widgets.FloatSlider(
            0.02, min=0.005, max=0.2, step=0.005, readout_format=".3f", description="tolerance", **later
        )
        prices = [(f"{10**power:,}", 10**power) for power in range(3, 10)]
        price = widgets.SelectionSlider(options=prices, value=10**6, description="rows per false alarm", **later)
        picture = widgets.Image(format="png", layout=widgets.Layout(max_width="100%"))

        def draw(_: object = None) -> None:
            chosen = {"tolerance": tolerance.value, "rows_per_false_alarm": price.value}
            picture.value = png(draw_evidence(self.evidence(drift, **chosen)))

        tolerance.observe(draw, "value")
        price.observe(draw, "value")
        draw()
        return widgets.VBox([tolerance, price, picture])


def told(found: dict[str, Any], quiet: int = 100) -> pd.DataFrame:
    """Return what each light says: on or off, after how many rows of the drift, and why."""
    lines = []
    for light in LIGHTS:
        state = found["lights"][light]
        row = state["row"]
        after = "" if row is None else f"{row - quiet if light != 'proven_harm' else row:,}"
        reason = "" if state["reason"].startswith("no evidence") else state["reason"].split(": ")[0]
        lines.append([NAMES[light], "ON" if state["on"] else "off", after, reason])
    return pd.DataFrame(lines, columns=["light", "", "after rows", "what it says"]).set_index("light")


def _copied(home: Root, folder: Path) -> Root:
    """Return a root with home's production and rows, which keeps every row and its text."""
    root = Root(folder)
    shutil.copytree(home.production_folder, root.production_folder, ignore=shutil.ignore_patterns(".*"))
    settings = home.settings()
    settings["watch"] = {**settings.get("watch", {}), "keep_every": 1, "keep_a_second": 0, "keep_texts": True}
    if "path" in settings.get("corpus", {}):
        settings["corpus"] = {**settings["corpus"], "path": str((home.path / settings["corpus"]["path"]).resolve())}
    write_atomically(root.policy, tomli_w.dumps(settings).encode())
    model = artifacts.load_production(root)
    if not watch.path_of(root, model.digest).exists():
        write_atomically(watch.path_of(root, model.digest), watch.to_bytes(watch.make_for(root, model)))
    return root


def _differs(part: np.ndarray, reference: np.ndarray) -> bool:
    """Whether a window differs from the reference in any table, at p < .05: the usual way."""
    columns = range(part.shape[1])
    return any(ks_2samp(part[:, place], reference[:, place], method="asymp").pvalue < 0.05 for place in columns)
