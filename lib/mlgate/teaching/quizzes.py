"""A few questions at the end of a notebook, from notebooks/quizzes/. Its page answers by itself, without a kernel."""

import json
from typing import Any

from mlgate import notebooks
from mlgate.root import Root, find_root

Question = dict[str, Any]  # as jupyterquiz reads it: question, type, answers with feedback

COLOURS = {  # blue and orange, as in the figures; legible on both themes
    "--jq-multiple-choice-bg": "#005a8c",
    "--jq-many-choice-bg": "#005a8c",
    "--jq-numeric-bg": "#005a8c",
    "--jq-mc-button-bg": "#ffffff",
    "--jq-numeric-input-bg": "#ffffff",
    "--jq-correct-color": "#2b7fb5",
    "--jq-incorrect-color": "#c8561a",
}


def questions(name: str, root: Root | None = None) -> list[Question]:
    """Return the questions about a notebook, such as "01"; none where it has no file of them."""
    notebook = notebooks.pick(notebooks.find(root or find_root()), name)
    path = notebook.parent / "quizzes" / f"{notebook.stem}.json"
    if not path.is_file():
        return []
    asked: list[Question] = json.loads(path.read_text(encoding="utf-8"))
    return asked


def show(name: str) -> None:
    """Show the quiz of a notebook, such as "01". Nothing is stored, and nothing is sent anywhere."""
    asked = questions(name)
    if not asked:
        print("There is no quiz for this notebook.")
        return
    from jupyterquiz import display_quiz

    display_quiz(asked, colors=COLOURS, shuffle_answers=False)
