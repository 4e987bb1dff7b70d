"""A classroom is a real pipeline in a folder of its own: its verdicts are the gate's, and nothing outside it moves."""

import hashlib
from pathlib import Path

from mlgate import artifacts, corpus, exam
from mlgate.answers import scoring
from mlgate.errors import MlgateError
from mlgate.root import Root, policy_from
from mlgate.teaching import classroom
from mlgate.teaching.classroom import SABOTAGES, Remembering, press

import pytest
from conftest import GATE, REPOSITORY

pytestmark = pytest.mark.slow

HOME = Root(GATE.parent)
SMALL = {"train": 1_500, "validation": 1_200, "holdout": 500, "live": 100}


@pytest.fixture(scope="module")
def root():
    with classroom.classroom(home=HOME, sizes=SMALL) as found:
        yield found


def fingerprint(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_press_rejects_sabotage_and_leaves_production_and_the_ledger_alone(root):
    before = fingerprint(root.production_folder)
    found = press(root, "noisy_labels", 0.9)
    assert (found.verdict.decision, found.plain, found.let_through) == ("REJECT", "KEEP", (False, False))
    assert found.change == pytest.approx(found.verdict.difference.estimate)
    assert found.candidate.digest == artifacts.digest(artifacts.read_candidate(root))
    assert fingerprint(root.production_folder) == before
    assert classroom.looks_spent(root) == 0
    assert not root.verdict.exists()


def test_a_press_gives_the_verdict_that_the_notebooks_give(root):
    found = press(root, "reduced_dataset", 0.4)
    pair = exam.load_pair(root)
    verdict = exam.preview(root, scoring.score(*pair, corpus.rows_of("validation", root)))
    for name in ("decision", "reason", "difference", "discordant", "slices", "rows", "production", "candidate"):
        assert getattr(found.verdict, name) == getattr(verdict, name)
    assert [check.name for check in found.verdict.checks] == [check.name for check in verdict.checks]


def test_severity_zero_is_production_once_more_and_is_held(root):
    found = press(root, "noisy_labels", 0)
    assert (found.verdict.decision, found.change, found.plain, found.sabotaged) == ("HOLD", 0, "KEEP", False)


def test_a_sabotage_that_goes_up_is_let_through_by_the_plain_rule_alone(root):
    found = press(root, "noisy_labels", 0.9)
    swapped = classroom.Press(**{**vars(found), "scorecard": _swapped(found.scorecard)})
    assert swapped.change == pytest.approx(-found.change)
    assert (swapped.plain, swapped.let_through) == ("PROMOTE", (True, False))


def _swapped(scorecard):
    return type(scorecard)(**{**vars(scorecard), "cells": scorecard.cells[:, [0, 1, 3, 2]]})


@pytest.mark.parametrize(("recipe", "severity"), [("no_such_recipe", None), ("noisy_labels", 1.5)])
def test_an_unknown_recipe_or_severity_is_named_and_changes_nothing(root, recipe, severity):
    press(root, "noisy_labels", 0.9)
    before = fingerprint(root.path)
    with pytest.raises(MlgateError, match=recipe if severity is None else "1.5"):
        press(root, recipe, severity)
    assert fingerprint(root.path) == before


def test_remembered_answers_are_the_models_own_and_few_texts_are_asked_anew(root, monkeypatch):
    plain = artifacts.load_production(root)
    model = Remembering(**vars(plain))
    asked = []
    monkeypatch.setattr(artifacts.Model, "answer", _counting(artifacts.Model.answer, asked))
    texts = corpus.split("validation", root)["text"].tolist()
    for part in (texts, list(texts), texts[:3], texts[:3], texts[100:300]):
        labels, scores = model.answer(part)
        wanted = plain.answer(part)
        assert (labels == wanted[0]).all()
        assert (scores == wanted[1]).all()
    assert asked.count(("Remembering", len(texts))) == 1
    assert asked.count(("Remembering", 3)) == 2


def _counting(answer, asked: list):
    def ask(self, texts):
        asked.append((type(self).__name__, len(texts)))
        return answer(self, texts)

    return ask


def test_a_second_press_does_not_ask_production_the_same_rows_again(root, monkeypatch):
    press(root, "noisy_labels", 0.5)
    asked = []
    monkeypatch.setattr(artifacts.Model, "answer", _counting(artifacts.Model.answer, asked))
    press(root, "noisy_labels", 0.6)
    assert [count for _, count in asked].count(SMALL["validation"]) == 1  # the candidate's


def test_every_sabotage_is_there():
    assert set(SABOTAGES) == {
        *("bad_training_data", "noisy_labels", "truncated_vocabulary", "wrong_preprocessing", "reduced_dataset")
    }


def test_it_leaves_nothing_behind_whatever_happens_and_never_touches_its_home():
    before, folders = fingerprint(REPOSITORY / "artifacts_prod"), []
    with pytest.raises(ZeroDivisionError), classroom.classroom(old=900, home=HOME, sizes=SMALL) as root:  # noqa: PT012
        folders.append(root.path)
        assert artifacts.load_production(root).card.rows.count == 900
        assert len(corpus.split("train", root)) == SMALL["train"]
        raise ZeroDivisionError
    assert not folders[0].exists()
    assert fingerprint(REPOSITORY / "artifacts_prod") == before


def test_a_room_judges_under_all_that_its_home_demands(tmp_path, small_corpus):
    home = Root(tmp_path)
    own = f"# mine\n\n[corpus]\npath = '{small_corpus}'\nslice_column = 'source'\n"
    home.policy.write_text(f"{own}\n[decision]\nalpha = 0.01\n\n[slices]\nrequired = [ 'rotten_tomatoes' ]\n")
    with classroom.classroom(home=home, sizes=SMALL) as room:
        assert policy_from(room.settings()) == policy_from(home.settings())
        assert corpus.split("train", room)["source"].nunique() == 2
