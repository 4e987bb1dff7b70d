"""A desk to label at in a notebook: one text at a time, a button for each class. It is blind, and keeps what was said.

For a lesson. For a verdict that promotes there is `mlgate label`, whose order and labels stand in the ledger.
"""

import csv
import html
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlgate.labelling.labels import UNSURE
from mlgate.root import write_atomically

import ipywidgets as widgets

SHOWN = 2_000  # characters of a text


class LabelDesk:
    """Texts in the order in which they are labelled, and what somebody said of them so far.

    said: by place, a class, or "unsure". path: the CSV file in which it is kept, so that it is there the next time.
    """

    def __init__(self, texts: Sequence[str], classes: Sequence[str], path: Path) -> None:
        self.texts = list(texts)
        self.classes = list(classes)
        self.path = path
        self.said: list[str] = _read(path, self.texts)
        self.text = widgets.HTML()
        self.done = widgets.HTML()
        buttons = [_button(name, self, name) for name in self.classes]
        others = [_button(UNSURE, self, UNSURE), widgets.Button(description="undo")]
        others[1].on_click(lambda _: self.undo())
        self.buttons = [*buttons, others[0]]
        self.widget = widgets.VBox([self.done, self.text, widgets.HBox([*buttons, *others])])
        self._show()

    def say(self, name: str) -> None:
        """Label the text that is shown, write it down, and show the next one."""
        if len(self.said) < len(self.texts):
            self.said.append(name)
            self._keep()

    def undo(self) -> None:
        """Take the last label back."""
        if self.said:
            self.said.pop()
            self._keep()

    def _keep(self) -> None:
        buffer = io.StringIO()
        csv.writer(buffer).writerows([("text", "label"), *zip(self.texts, self.said, strict=False)])
        write_atomically(self.path, buffer.getvalue().encode(errors="backslashreplace"))
        self._show()

    def _show(self) -> None:
        count = len(self.said)
        self.done.value = f"{count} of {len(self.texts)} labelled"
        ended = count == len(self.texts)
        words = "All are labelled. Run the next cell." if ended else self.texts[count][:SHOWN]
        self.text.value = f'<div style="min-height: 6em; font-size: 1.15em">{html.escape(words)}</div>'
        for button in self.buttons:
            button.disabled = ended

    def filled(self, others: Sequence[Any]) -> list[str]:
        """Return a label for each text: what was said here, and what others say of the rest."""
        return [*self.said, *(str(name) for name in others[len(self.said) :])]

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.widget._repr_mimebundle_(**options)


def _button(words: str, desk: LabelDesk, name: str) -> widgets.Button:
    button = widgets.Button(description=words)
    button.on_click(lambda _: desk.say(name))
    return button


def _read(path: Path, texts: Sequence[str]) -> list[str]:
    """Return what was said of these texts before, as far as the file is about them, in this order."""
    if not path.is_file():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    said = []
    for text, row in zip(texts, rows, strict=False):
        if len(row) != 2 or row[0] != text:
            break
        said.append(row[1])
    return said
