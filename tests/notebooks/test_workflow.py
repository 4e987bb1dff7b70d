"""The pipeline run ahead of time gives what plain papermill gives, and asking ahead decides and writes nothing."""

import json
import os
import shutil
import sys
from pathlib import Path

from mlgate import artifacts, corpus, ledger, notebooks
from mlgate.errors import MlgateError
from mlgate.exam import ahead, take
from mlgate.notebooks import workflow
from mlgate.root import Root

import papermill
import pytest


@pytest.fixture
def pair(root_with_production, better_model):
    """A root with a production model and a candidate that is better."""
    artifacts.write_candidate(root_with_production, better_model.pipeline, {"recipe": "challenger"})
    return root_with_production


def by_hand(root: Root, recipe: str) -> None:
    """Notebooks 02, 03 and 04 by papermill alone, each with what the one before hands on."""
    found = notebooks.find(root)
    handed = {"RECIPE": recipe}
    for number in ("02", "03", "04"):
        path = notebooks.pick(found, number)
        known = notebooks.read_parameters(path)
        own = {name: value for name, value in {**handed, "SHOW_A_LOOK": False}.items() if name in known}
        done = papermill.execute_notebook(path, root.path / f"{number}.ipynb", own, cwd=root.path, progress_bar=False)
        for cell in done.cells:
            for output in cell.get("outputs", []):
                handed |= output.get("data", {}).get("application/vnd.mlgate.parameters+json", {})


VARYING = ("time", "at", "begun", "before", "seconds", "load_seconds", "verdict_sha256")


def without_times(value):
    """JSON without what no two runs have in common: when it was, how long it took, digests of that, the speed check."""
    if isinstance(value, list):
        kept = [part for part in value if not isinstance(part, dict) or part.get("code") != "speed"]
        return [without_times(part) for part in kept]
    if not isinstance(value, dict):
        return value
    return {key: without_times(part) for key, part in value.items() if key not in VARYING}


@pytest.mark.long
def test_plain_papermill_gives_the_same_model_verdict_and_ledger(root_with_production, tmp_path, monkeypatch):
    plain = Root(tmp_path / "plain")
    shutil.copytree(root_with_production.path, plain.path)
    workflow.run(root_with_production, "challenger", None)
    monkeypatch.setenv("MLGATE_ROOT", str(plain.path))
    by_hand(plain, "challenger")
    for name in ("production", "candidate"):
        assert getattr(plain, name).read_bytes() == getattr(root_with_production, name).read_bytes()
    verdicts = [without_times(json.loads(root.verdict.read_bytes())) for root in (plain, root_with_production)]
    assert verdicts[0] == verdicts[1]
    assert verdicts[0]["decision"] == "PROMOTE"
    lines = [without_times(ledger.read(root)) for root in (plain, root_with_production)]
    assert lines[0] == lines[1]


@pytest.mark.slow
def test_a_recipe_that_is_not_there_is_refused_before_a_notebook_begins(root_with_production):
    with pytest.raises(MlgateError, match="There is no recipe 'champion'"):
        workflow.run(root_with_production, "champion", None)
    assert not (root_with_production.runs / "02_train_candidate.ipynb").exists()


def tree(root: Root) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.path.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_asking_ahead_reads_no_sealed_label_and_writes_nothing(pair, monkeypatch):
    before = tree(pair)
    monkeypatch.setattr(corpus, "rows_of", sealed(corpus.rows_of))
    ahead.ask_production(pair, "validation", "holdout")
    ahead.ask_candidate(pair, "validation")
    ahead.prepare_exam(pair)
    assert tree(pair) == before


def sealed(rows_of):
    """rows_of for all but the sealed rows: answers to their texts are asked for without their labels."""

    def allowed(name, root):
        assert name != "holdout"
        return rows_of(name, root)

    return allowed


@pytest.mark.slow
def test_who_asked_ahead_gets_the_same_verdict_without_asking_again(pair, tmp_path, monkeypatch):
    cold = Root(tmp_path / "cold")
    shutil.copytree(pair.path, cold.path)
    trained = artifacts.digest(artifacts.read_candidate(pair))
    expected = without_times(take(cold, trained).as_dict())
    asked = []
    answer = artifacts.Model.answer
    monkeypatch.setattr(
        artifacts.Model, "answer", lambda model, texts: asked.append(len(texts)) or answer(model, texts)
    )
    ahead.ask_production(pair, "validation", "holdout")
    ahead.prepare_exam(pair)
    asked.clear()
    assert without_times(take(pair, trained).as_dict()) == expected
    assert asked == []


@pytest.mark.slow
def test_a_candidate_that_validation_rows_reject_is_not_asked_about_sealed_rows(
    root_with_production, worse_model, monkeypatch
):
    artifacts.write_candidate(root_with_production, worse_model.pipeline, {"recipe": "noisy_labels", "severity": 0.8})
    asked = []
    monkeypatch.setattr(artifacts, "answer_once", lambda *given: asked.append(given))
    ahead.prepare_exam(root_with_production)
    assert asked == []


@pytest.mark.slow
def test_papermill_is_imported_without_the_grammar_of_iris():
    code = (
        "import sys\nfrom mlgate.notebooks.runner import import_papermill\nimport_papermill()\n"
        "assert 'papermill' in sys.modules and 'rfc3987_syntax' not in sys.modules\n"
    )
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code]) == 0
