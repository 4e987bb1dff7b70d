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
    "--jq-mc-button-border": "#e0e0e0e0",
    "--jq-mc-button-inset-shadow": "#555555",
    "--jq-text-color": "#fafafa",
    "--jq-link-color": "#9abafa",
}
OPTIONS = (False, False, False, 1_000, 600, 10, "left")  # no shuffling, nothing kept, all questions; its size and place
MATHJAX = "typeof MathJax != 'undefined'"


def questions(name: str, root: Root | None = None) -> list[Question]:
    """Return the questions about a notebook, such as "01"; none where it has no file of them."""
    notebook = notebooks.pick(notebooks.find(root or find_root()), name)
    path = notebook.parent / "quizzes" / f"{notebook.stem}.json"
    if not path.is_file():
        return []
    asked: list[Question] = json.loads(path.read_text(encoding="utf-8"))
    return asked


class Quiz:
    """Questions that a page asks and answers by itself."""

    def __init__(self, name: str, asked: list[Question]) -> None:
        self.name = name
        self.asked = asked

    def __repr__(self) -> str:
        if not self.asked:
            return "There is no quiz for this notebook."
        return f"A quiz of {len(self.asked)} questions. Open this notebook in a browser to answer them."

    def _repr_html_(self) -> str | None:
        """Return jupyterquiz's own page, but for MathJax: where there is one, it would fetch another from afar."""
        if not self.asked:
            return None
        from jupyterquiz.dynamic import loader, renderer

        place = f"mlgatequiz{self.name}"
        prefix, static, url = loader.load_questions_script(self.asked, place)
        script = renderer.build_script(prefix, static, url, place, load_js=True).replace(MATHJAX, "false")
        styles = renderer.build_styles(place, COLOURS)
        div = renderer.render_div(place, *OPTIONS)
        return f"{div}{styles}</div><script>{{\n{script}\n}}</script>"


def show(name: str) -> Quiz:
    """Return the quiz of a notebook, such as "01", as the result of a cell. Nothing is stored or sent anywhere."""
    return Quiz(name, questions(name))
