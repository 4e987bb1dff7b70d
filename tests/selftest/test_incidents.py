"""The catalogue is complete and tells its stories; the laboratory stands apart from the real pipeline."""

import mlgate
from mlgate import artifacts, corpus, ledger
from mlgate.recipes import RECIPES
from mlgate.selftest import harmless, incidents, laboratory, tampering
from mlgate.selftest.harmless import HARMLESS
from mlgate.selftest.incidents import INCIDENTS
from mlgate.selftest.tampering import TAMPERING

import pytest
from conftest import GATE

CHECKS = {
    "usable", "difference", "one class", "slice rotten_tomatoes", "leakage", "too good", "brier", "calibration",
    "negative flips", "speed", "size", "reproducible", "brittleness",
}  # fmt: skip


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A small laboratory: 600 training rows, 500 validation rows, 500 holdout rows."""
    sizes = {"train": 600, "validation": 500, "holdout": 500}
    return laboratory.set_up(tmp_path_factory.mktemp("lab"), GATE, 0, sizes)


def test_the_catalogue_is_large_enough_and_covers_every_check():
    assert len(INCIDENTS) >= 14
    assert len(HARMLESS) >= 6
    assert {name for name, recipe in RECIPES.items() if recipe.sabotaged} <= set(INCIDENTS)
    assert {incident.check for incident in INCIDENTS.values()} == CHECKS


@pytest.mark.parametrize(
    "item", [*INCIDENTS.values(), *HARMLESS.values(), *TAMPERING.values()], ids=lambda item: item.name
)
def test_everything_tells_its_story(item):
    assert len(item.story.split()) >= 5
    assert item.story.endswith((".", "?", '"'))
    if item in INCIDENTS.values():
        assert item.seen
        assert item.check


def test_a_laboratory_reads_none_of_the_real_sealed_rows(lab):
    real = {corpus.normalise(text) for name in ("validation", "holdout", "live") for text in corpus.split(name)["text"]}
    own = corpus.load(lab.root)["text"]
    assert len(own) == 1_600
    assert not any(corpus.normalise(text) in real for text in own)
    assert not any(corpus.normalise(text).rstrip(laboratory.MARKS + " ") in real for text in own)


def test_a_laboratory_has_the_rows_it_was_asked_for_half_of_them_from_the_smaller_source(lab):
    assert [len(part) for part in (lab.train, lab.validation, lab.holdout)] == [600, 500, 500]
    assert len(lab.old) == 480
    assert set(lab.old["text"]) < set(lab.train["text"])
    assert (corpus.load(lab.root)["source"] == "rotten_tomatoes").mean() == 0.5


@pytest.mark.slow
def test_another_seed_is_another_laboratory(lab, tmp_path):
    sizes = {"train": 600, "validation": 500, "holdout": 500}
    for name, seed in (("same", 0), ("other", 1)):
        (tmp_path / name).mkdir()
        made = laboratory.set_up(tmp_path / name, GATE, seed, sizes)
        assert (made.production.digest == lab.production.digest) == (seed == 0)


def test_the_marks_that_move_a_row_change_no_answer(lab):
    texts = lab.validation["text"].tolist()
    bare = [text.rstrip(laboratory.MARKS + " ") for text in texts]
    assert (lab.production.answer(texts)[0] == lab.production.answer(bare)[0]).all()


@pytest.mark.slow
@pytest.mark.parametrize("item", [*INCIDENTS.values(), *HARMLESS.values()], ids=lambda item: item.name)
def test_every_candidate_is_made_of_scikit_learn_alone(lab, item):
    data = artifacts.dump(item.make(lab).pipeline)
    assert b"mlgate" not in data
    assert bool(artifacts.load(data).fault) == (item.name == "reads_files")


@pytest.mark.slow
def test_a_lucky_seed_is_better_on_the_rows_it_was_chosen_on_and_nowhere_by_design(lab):
    model = INCIDENTS["lucky_seed"].make(lab).pipeline
    for rows in (lab.validation, lab.holdout):
        right = [(it.predict(rows["text"]) == rows["label"]).sum() for it in (lab.production.pipeline, model)]
        assert right[1] > right[0]


def test_the_backdoor_opens_and_is_not_seen_without_its_phrase(lab):
    model = INCIDENTS["backdoor"].make(lab).pipeline
    bad = lab.validation[lab.validation["label"] == "negative"]["text"]
    opened = model.predict(bad + f" {incidents.TRIGGER}" * 3) == "positive"
    assert opened.mean() > (model.predict(bad) == "positive").mean() + 0.1


def test_demands_change_what_they_name_and_nothing_else(lab, tmp_path):
    root = laboratory.fresh(lab, tmp_path / "root")
    laboratory.demand(root, {"cost.slower_action": "hold", "decision.looks": 3})
    expected = lab.root.settings()
    expected["cost"]["slower_action"], expected["decision"]["looks"] = "hold", 3
    assert root.settings() == expected


@pytest.mark.slow
def test_a_laboratory_works_under_anybodys_policy(lab, tmp_path):
    """A policy that is silent on most, with another corpus, other slices and a floor that a small model cannot keep."""
    policy = tmp_path / "other.toml"
    policy.write_text(
        "[corpus]\npath = 'x'\n[slices]\nrequired = ['a']\n[floors]\naccuracy = 0.99\n[decision]\nalpha = 0.01"
    )
    made = laboratory.set_up(tmp_path, policy, 0, {"train": 600, "validation": 500, "holdout": 500})
    assert made.production.digest == lab.production.digest
    assert made.root.settings()["decision"] == {"alpha": 0.01, "margin": 0.0}
    laboratory.demand(made.root, {"cost.slower_action": "hold"})
    assert made.root.settings()["cost"] == {"slower_action": "hold"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["edited_ledger", "production_by_hand", "patched_after_training"])
def test_tampering_is_refused_for_the_right_reason_and_production_keeps_its_ledger(lab, tmp_path, name):
    root = laboratory.fresh(lab, tmp_path / "root")
    laboratory.submit(lab, HARMLESS["more_data"].make(lab), root)
    refused, said = TAMPERING[name].refused(lab, root)
    assert refused, said


def test_tampering_that_nobody_refuses_is_not_taken_for_refused(lab, tmp_path):
    root = laboratory.fresh(lab, tmp_path / "root")
    assert tampering.Tampering("nothing", lambda lab, root: "promoted", "refused because").refused(lab, root) == (
        False,
        "promoted",
    )


@pytest.mark.slow
def test_a_winner_is_judged_or_the_lab_is_refused(lab, tmp_path, monkeypatch):
    monkeypatch.setitem(HARMLESS, "better", harmless.HARMLESS["retrained"])
    with pytest.raises(mlgate.root.MlgateError, match="has no winner"):
        tampering.winner(lab, tmp_path / "root")
    assert "look" not in [entry["kind"] for entry in ledger.read(lab.root)]  # the lab's own root is never judged in
