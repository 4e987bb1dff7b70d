"""The instructor's control room: choose a sabotage, drag the severity, press "Retrain and submit", and watch.

Each press trains a real candidate and judges it on validation rows, in a classroom of its own, while a real service
goes on answering there. The room never promotes anything: what it shows is what the gate would do.
"""

import contextlib
import threading
import time
from typing import Any

from mlgate import corpus, recipes
from mlgate.errors import MlgateError
from mlgate.gate import Verdict
from mlgate.teaching import classroom, panels
from mlgate.teaching.classroom import SABOTAGES, Press
from mlgate.teaching.session import Session

import ipywidgets as widgets

SIZES = {"train": 5_000, "validation": 2_000, "holdout": 300, "live": 300}  # the room reads no holdout rows
CLOSE_CALL = ("noisy_labels", 0.05)  # on these rows the accuracy happens to rise
PAUSE = 0.1  # seconds between two requests: slow enough to read along
BEAT = 0.5  # seconds between two looks at the stream
ECHO = 0.3  # seconds: a click that waited while we trained was a double click
BETTER = "challenger"
VERDICT = ("banner", "interval", "evidence")  # the panels that are about the last press


class ControlRoom:
    """The widgets, the session behind them and the presses so far. Show it as a cell's last value."""

    def __init__(self, session: Session | None = None) -> None:
        self.session = session or Session(pause=PAUSE, sizes=SIZES)
        self.root = self.session.root
        self.presses: list[Press] = []
        self.rested = 0.0
        self.before = classroom.production_digest(self.root)
        self.recipe = widgets.Dropdown(options=[(_named(name), name) for name in (*SABOTAGES, BETTER)])
        self.severity = widgets.FloatSlider(min=0, max=1, step=0.01, continuous_update=False, readout_format=".2f")
        self.button = widgets.Button(description="Retrain and submit", button_style="primary")
        self.close_call = widgets.Button(description="A close call", tooltip="A bad model whose accuracy goes up")
        for name, widget in (("Sabotage", self.recipe), ("Severity", self.severity)):
            widget.description, widget.style.description_width = name, "95px"
        parts = ("story", "banner", "plain", "interval", "production", "evidence")
        self.shown = {name: widgets.HTML() for name in parts}
        self.box = self._lay_out()
        self._watch()

    def _lay_out(self) -> widgets.Widget:
        shown = self.shown
        controls = widgets.HBox([self.recipe, self.severity, self.button, self.close_call])
        verdicts = widgets.HBox([shown["banner"], shown["plain"]])
        style = widgets.HTML(panels.STYLE)
        below = [shown["interval"], shown["production"], shown["evidence"]]
        parts = [style, controls, shown["story"], verdicts, *below]
        box = widgets.VBox(parts)
        for name, widget in (("room", box), ("controls", controls), ("verdicts", verdicts), *shown.items()):
            widget.add_class(f"mlgate-{name}")
        return box

    def _watch(self) -> None:
        """Connect the controls, and show the state before the first press."""
        self.recipe.observe(lambda _: self._choose(), "value")
        self.severity.observe(lambda _: self._tell(), "value")
        self.button.on_click(lambda _: self._clicked(self.recipe.value, self.severity.value))
        self.close_call.on_click(lambda _: self._clicked(*CLOSE_CALL))
        self._choose()
        self.clear()
        self.stopping = threading.Event()
        self.session.stack.callback(self.stopping.set)
        threading.Thread(target=self._beat, daemon=True).start()

    def _choose(self) -> None:
        chosen = recipes.named(self.recipe.value)
        self.severity.disabled = not chosen.sabotaged
        self.severity.value = chosen.severity or 0.0
        self._tell()

    def _tell(self) -> None:
        """Tell the story of what is chosen; the verdict shown is about something else."""
        self.shown["story"].value = panels.story(recipes.named(self.recipe.value).story, self.severity.value)
        self._dim()

    def _dim(self) -> None:
        """Dim the verdict: what is chosen now is not what it is about."""
        for name in VERDICT:
            self.shown[name].add_class("mlgate-old")

    def _lock(self, locked: bool) -> None:
        """Take no press while one is under way, and say so."""
        for widget in (self.recipe, self.button, self.close_call):
            widget.disabled = locked
        self.severity.disabled = locked or not recipes.named(self.recipe.value).sabotaged

    def _clicked(self, recipe: str, severity: float) -> None:
        if time.monotonic() < self.rested + ECHO:
            return
        self.recipe.value = recipe
        if not self.severity.disabled:
            self.severity.value = severity
        self._lock(True)
        self._dim()
        self.shown["banner"].remove_class("mlgate-old")
        self.shown["banner"].value = panels.training(recipe, severity)
        try:
            self.press(recipe, severity)
        except MlgateError as error:
            self.shown["banner"].value = panels.failure(str(error))
        finally:
            self._lock(False)
            self.rested = time.monotonic()

    def press(self, recipe: str, severity: float | None = None) -> Press:
        """Retrain, submit, judge, and show it, as the button does. Raises MlgateError for an unknown recipe."""
        if not recipes.named(recipe).sabotaged:
            severity = None
        found = classroom.press(self.root, recipe, severity)
        self.presses.append(found)
        self.shown["banner"].value = panels.banner(found)
        self.shown["plain"].value = panels.plain(self.presses)
        self._beat_once()
        self.shown["interval"].value = panels.interval(found)
        self.shown["evidence"].value = panels.evidence(found, corpus.split("validation", self.root))
        for name in VERDICT:
            self.shown[name].remove_class("mlgate-old")
        return found

    def reveal(self, press: Press) -> Verdict:
        """Judge a press on all rows that this room never used: the truth about it, or nearly."""
        return classroom.reveal(self.root, press)

    def clear(self) -> None:
        """Begin a new scoreboard."""
        self.presses.clear()
        for name, value in panels.empty().items():
            self.shown[name].value = value
        self._beat_once()

    def close(self) -> None:
        """Stop the service and remove the folder. It happens by itself when the kernel ends."""
        self.session.close()
        self.shown["production"].value = panels.closed()

    @property
    def unmoved(self) -> bool:
        """Whether production is still the model that it was when the room was opened."""
        return classroom.production_digest(self.root) == self.before

    def _beat(self) -> None:
        while not self.stopping.wait(BEAT):
            with contextlib.suppress(MlgateError):  # the folder may go at any moment
                self._beat_once()

    def _beat_once(self) -> None:
        self.shown["production"].value = panels.production(self.session.stream, self.before, self.unmoved)

    def __repr__(self) -> str:
        return f"The control room. {panels.tally(self.presses)} Open this notebook in JupyterLab to use it."

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        bundle = self.box._repr_mimebundle_(**options) or {}
        return {**bundle, "text/plain": repr(self)}


def _named(recipe: str) -> str:
    name = recipe.replace("_", " ")
    return name if recipe in SABOTAGES else f"{name} (a better one)"
