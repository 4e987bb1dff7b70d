"""Each quiz can be answered: one right answer a question, and a word of reason for every answer."""

import json

from mlgate.errors import MlgateError
from mlgate.root import Root
from mlgate.teaching import quizzes

import pytest
from conftest import REPOSITORY

NOTEBOOKS = sorted(path.stem for path in REPOSITORY.glob("notebooks/[0-9][0-9]_*.ipynb"))
FILES = sorted(REPOSITORY.glob("notebooks/quizzes/*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_quiz_has_three_to_five_questions_with_one_right_answer_and_reasons(path):
    asked = quizzes.questions(path.stem[:2], Root(REPOSITORY))
    assert path.stem in NOTEBOOKS
    assert 3 <= len(asked) <= 5
    for question in asked:
        assert question["type"] == "multiple_choice"
        assert [answer["correct"] for answer in question["answers"]].count(True) == 1, question["question"]
        assert all(answer["feedback"] for answer in question["answers"])


def test_a_notebook_shows_the_quiz_that_there_is_about_it():
    shown = {
        path.stem
        for path in REPOSITORY.glob("notebooks/[0-9][0-9]_*.ipynb")
        if f'quizzes.show(\\"{path.stem[:2]}\\")' in path.read_text(encoding="utf-8")
    }
    assert shown == {path.stem for path in FILES}


def test_the_right_answer_is_not_always_in_the_same_place():
    places = {
        [answer["correct"] for answer in question["answers"]].index(True)
        for path in FILES
        for question in json.loads(path.read_text(encoding="utf-8"))
    }
    assert len(places) > 1


def test_a_quiz_asks_no_other_host():
    """In JupyterLab, where there is a MathJax, jupyterquiz would fetch one of its own; test_control_room sees hosts."""
    page = quizzes.show("01")._repr_html_()
    assert "typeof MathJax != 'undefined'" not in page
    assert "if (false)" in page
    assert "show_questions(questionsmlgatequiz01" in page


def test_a_notebook_without_a_quiz_says_so(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks/01_mine.ipynb").write_text("{}")
    (tmp_path / "gate.toml").touch()
    monkeypatch.setenv("MLGATE_ROOT", str(tmp_path))
    quiz = quizzes.show("01")
    assert repr(quiz) == "There is no quiz for this notebook."
    assert quiz._repr_html_() is None
    with pytest.raises(MlgateError):
        quizzes.show("77")
