"""Leakage is believed from nobody: not from a card without fingerprints, and not from a cache."""

from mlgate import artifacts, corpus, recipes
from mlgate.artifacts import Card, TrainingRows
from mlgate.errors import MlgateError
from mlgate.exam import provenance
from mlgate.gate import Policy
from mlgate.recipes import Recipe, cache

import pytest

EMPTY = artifacts.digest(b"")


@pytest.fixture
def candidate(root):
    """An honest candidate of the baseline recipe, as notebook 02 writes it."""
    rows = corpus.split("train", root)
    recipe = recipes.named("baseline")
    artifacts.write_candidate(root, recipe.train(rows), recipe.facts(rows))
    return artifacts.load_candidate(root)


def checked(root, candidate, **policy) -> dict[str, str]:
    found = provenance.checks(root, Policy(**policy), candidate, candidate, 0.05)
    return {check.code: check.status for check in found}


def test_an_honest_candidate_passes(root, candidate):
    assert checked(root, candidate)["leakage"] == "pass"


@pytest.mark.parametrize("cut", [0, 5, 24, -24, -1], ids=lambda cut: f"{cut} bytes")
def test_fingerprints_that_are_missing_empty_torn_or_too_few_leave_leakage_undecided(cut, root, candidate):
    """The card agrees with them: it comes from whoever wrote the fingerprints."""
    data = root.candidate_keys.read_bytes()[:cut]
    root.candidate_keys.write_bytes(data)
    card = artifacts.card_from({**candidate.card.as_dict(), "keys": artifacts.digest(data)})
    root.candidate_card.write_bytes(artifacts.to_json(card))
    assert checked(root, artifacts.load_candidate(root))["leakage"] == "undecided"
    root.candidate_keys.unlink()
    assert checked(root, artifacts.load_candidate(root))["leakage"] == "undecided"


def test_a_card_that_names_the_fingerprints_of_nothing_is_no_honest_card(root):
    assert provenance.read_keys(root.candidate_keys, Card("a", keys=EMPTY, rows=TrainingRows(0, ""))) is None


def test_a_card_that_does_not_say_how_many_rows_leaves_leakage_undecided(root, candidate):
    known = {name: value for name, value in candidate.card.as_dict().items() if name != "rows"}
    root.candidate_card.write_bytes(artifacts.to_json(artifacts.card_from(known)))
    assert checked(root, artifacts.load_candidate(root))["leakage"] == "undecided"


# ---- trained again ----


@pytest.fixture
def peeping(root, monkeypatch):
    """A recipe that learns the validation rows by heart, and an honest name for it."""

    def peeping(rows):
        """Trains on rows that it was not given."""
        more = corpus.split("validation", root)
        return recipes.baseline(more)

    monkeypatch.setitem(recipes.RECIPES, "peeping", Recipe("peeping", peeping, None))
    return recipes.named("peeping")


@pytest.mark.parametrize("part", ["validation", "holdout", "live"])
def test_while_a_recipe_trains_the_corpus_hands_out_training_rows_alone(part, root):
    rows = corpus.split("train", root)

    def asking(ask):
        def function(given):
            ask()
            return recipes.baseline(given)

        return Recipe("asking", function, None)

    for ask in (
        lambda: corpus.split(part, root),
        lambda: corpus.rows_of(part, root),
        lambda: corpus.load(root),
        lambda: corpus.known_keys(root, "train", part),
    ):
        with pytest.raises(MlgateError, match="while a recipe trains"):
            asking(ask).train(rows)
        ask()
    assert asking(lambda: corpus.split("train", root)).train(rows)


def test_training_again_asks_no_cache(root, candidate, tmp_path, monkeypatch):
    """A forged cache says that the challenger's bytes are what the baseline gives."""
    assert checked(root, candidate, reproduce="retrain")["reproducible"] == "pass"
    monkeypatch.setenv("MLGATE_CACHE", str(tmp_path))
    rows = corpus.split("train", root)
    baseline = recipes.named("baseline")
    better = recipes.named("challenger").function(rows)
    cache.remember(lambda: better, baseline.function, rows, 0.0)
    artifacts.write_candidate(root, better, baseline.facts(rows))
    forged = artifacts.load_candidate(root)
    assert artifacts.digest(artifacts.dump(baseline.train(rows))) == forged.digest
    assert checked(root, forged, reproduce="retrain")["reproducible"] == "fail"


def test_a_recipe_that_cannot_be_followed_without_other_rows_is_not_reproducible(root, peeping):
    rows = corpus.split("train", root)
    artifacts.write_candidate(root, peeping.function(rows), peeping.facts(rows))
    found = provenance.checks(root, Policy(reproduce="retrain"), *[artifacts.load_candidate(root)] * 2, 0.05)
    check = next(check for check in found if check.code == "reproducible")
    assert check.status == "fail"
    assert "while a recipe trains" in check.reason
