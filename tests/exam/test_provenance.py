"""Leakage is believed from nobody: not from a card without fingerprints, and not from a cache."""

from dataclasses import replace

from mlgate import artifacts, corpus, exam, recipes
from mlgate.answers import scoring
from mlgate.artifacts import Card, TrainingRows
from mlgate.errors import MlgateError
from mlgate.exam import provenance
from mlgate.gate import HOLD, Check, Policy
from mlgate.recipes import Recipe, cache

import numpy as np
import pandas as pd
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
    demands = Policy(**policy)
    found = [*provenance.checks(root, demands, candidate, candidate, 0.05)]
    assert [check.code for check in found] == ["leakage", "production_leakage"]  # in the verdict, the candidate's first
    found.append(provenance.reproducible(root, demands, candidate))
    return {check.code: check.status for check in found}


def test_an_honest_candidate_passes(root, candidate):
    leakage, _ = provenance.checks(root, Policy(), candidate, candidate, 0.05)
    assert (leakage.observed, leakage.required) == (0.0, 0.0)
    assert leakage.reason == "trained on the corpus's own training rows, and on no others"
    found = checked(root, candidate)
    assert found["leakage"] == "pass"
    assert found["production_leakage"] == "undecided"  # there are no fingerprints of production's rows


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_training_again_asks_no_cache(root, candidate, tmp_path, monkeypatch):
    """A forged cache says that the challenger's bytes are what the baseline gives."""
    assert checked(root, candidate, reproduce="retrain")["reproducible"] == "pass"
    monkeypatch.setenv("MLGATE_CACHE", str(tmp_path))
    rows = corpus.split("train", root)
    baseline = recipes.named("baseline")
    monkeypatch.setattr(recipes.recipes, "_FITTED", {})  # another process
    better = recipes.named("challenger").function(rows)
    cache.remember(lambda: better, baseline.function, rows, 0.0)
    artifacts.write_candidate(root, better, baseline.facts(rows))
    forged = artifacts.load_candidate(root)
    assert artifacts.digest(artifacts.dump(baseline.train(rows))) == forged.digest
    assert checked(root, forged, reproduce="retrain")["reproducible"] == "fail"


@pytest.mark.slow
def test_a_recipe_that_cannot_be_followed_without_other_rows_is_not_reproducible(root, peeping):
    rows = corpus.split("train", root)
    artifacts.write_candidate(root, peeping.function(rows), peeping.facts(rows))
    check = provenance.reproducible(root, Policy(), artifacts.load_candidate(root))
    assert check.status == "fail"
    assert "while a recipe trains" in check.reason


# ---- trained by this very run ----


@pytest.fixture
def counted(monkeypatch) -> list:
    """The recipe `baseline`, in a process that has trained nothing yet: how many rows each training was given."""
    given = []

    def counting(rows):
        """Counts."""
        given.append(len(rows))
        return recipes.baseline(rows)

    monkeypatch.setattr(recipes.recipes, "_FITTED", {})
    monkeypatch.setitem(recipes.RECIPES, "baseline", Recipe("baseline", counting, None))
    return given


def test_what_this_very_run_trained_is_not_trained_again(root, candidate, counted):
    found = provenance.reproducible(root, Policy(), candidate, candidate.digest)
    assert (found.status, found.reason, counted) == ("pass", "this very run trained it", [])


@pytest.mark.slow
@pytest.mark.parametrize("trained", [None, "0" * 64])
def test_what_came_otherwise_is_trained_again_once_a_process(trained, root, candidate, counted):
    for _ in range(2):
        found = provenance.reproducible(root, Policy(), candidate, trained)
        assert (found.status, found.reason) == ("pass", "training again gives the same bytes")
    assert len(counted) == 1


@pytest.mark.slow
def test_a_model_from_the_cache_is_none_that_this_process_fitted(root, tmp_path, monkeypatch):
    monkeypatch.setenv("MLGATE_CACHE", str(tmp_path))
    rows = corpus.split("train", root)
    recipe = recipes.named("noisy_labels")
    for fitted in (True, False):
        monkeypatch.setattr(recipes.recipes, "_FITTED", {})
        digest = artifacts.digest(artifacts.dump(recipe.train(rows)))
        assert recipe.fitted(rows) == (digest if fitted else None)
    assert recipe.fitted(rows.head(500)) is None
    assert recipe.fitted(rows, 0.1) is None


@pytest.mark.slow
def test_a_memoriser_with_an_honest_card_is_held_and_costs_no_look(root_with_production, counted):
    """A stranger's file: holdout rows are among what it learnt, and card and fingerprints are those of the baseline."""
    root = root_with_production
    root.policy.write_text(root.policy.read_text().replace('reproduce = "card"', 'reproduce = "retrain"'))
    rows = corpus.split("train", root)
    seen = pd.concat([rows, corpus.split("holdout", root), corpus.split("validation", root).head(500)])
    artifacts.write_candidate(root, recipes.baseline(seen), recipes.named("baseline").facts(rows))
    before = root.ledger.read_bytes()
    for trained in (None, "0" * 64):
        verdict = exam.take(root, trained)
        assert verdict.decision == HOLD
        assert "training again as its card says gives other bytes" in verdict.reason
        assert root.ledger.read_bytes() == before
    assert verdict.check("leakage").status == "pass"  # it believes the fingerprints


@pytest.mark.slow
def test_an_honest_candidate_is_judged_with_the_runs_word_and_without_it(root_with_production, counted):
    root = root_with_production
    root.policy.write_text(root.policy.read_text().replace('reproduce = "card"', 'reproduce = "retrain"'))
    rows = corpus.split("train", root)
    made = artifacts.write_candidate(root, recipes.baseline(rows), recipes.named("baseline").facts(rows))
    with_word = exam.take(root, made.digest)
    assert with_word.check("reproducible").reason == "this very run trained it"
    assert not counted
    assert exam.preview(root, scoring.score(*exam.load_pair(root), corpus.rows_of("validation", root))).decision
    assert len(counted) == 1


@pytest.mark.parametrize("card", [None, Card("a" * 64, recipe="a stranger's")])
def test_what_no_recipe_made_cannot_be_trained_again(root, candidate, card):
    check = provenance.reproducible(root, Policy(), replace(candidate, card=card))
    assert check.status != "pass"
    assert "which is not among `mlgate recipes`" in check.reason


def test_what_is_observed_is_the_share_of_rows_to_judge_on_that_were_learnt(root):
    check = Check("leakage", "pass", "reject", "")
    validation = provenance.keys_of(root, "validation")
    share = len(validation) / (len(validation) + len(provenance.keys_of(root, "holdout")))
    found = provenance.leakage(root, check, validation, 0.05)
    assert found.status == "fail"
    assert share <= found.observed <= share + 0.05  # and a few more that begin or end like one


def test_each_judged_row_counts_however_many_training_rows_it_is_like():
    judged = np.array([[1, 11, 21], [2, 12, 22], [3, 12, 23], [4, 14, 22], [5, 15, 25]], dtype=np.uint64)
    trained = np.array([[1, 11, 21], [9, 12, 22]], dtype=np.uint64)
    assert provenance.overlap(judged, trained) == (1, 3)


def test_more_than_chance_counts_those_found_and_all_above():
    """Of ten rows at one in ten by chance, three or more have .0702, four or more .0128."""
    assert not provenance.more_than_chance(3, 10, 0.1, 0.05)
    assert provenance.more_than_chance(3, 10, 0.1, 0.071)
    assert provenance.more_than_chance(4, 10, 0.1, 0.05)
    assert not provenance.more_than_chance(0, 10, 0.0, 0.05)
    assert provenance.more_than_chance(10, 10, 1.1, 1.0)  # a share is 1 at most: 10 of 10 have a chance of 1


def test_fingerprints_are_read_back_as_they_were_written(root, candidate):
    found = provenance.read_keys(root.candidate_keys, candidate.card)
    assert np.array_equal(found, corpus.keys(corpus.split("train", root)["text"]))


def test_training_rows_that_somebody_put_among_the_holdout_are_found_though_no_others_were_learnt(root):
    learnt = corpus.split("train", root).head(3)
    rows = pd.concat([corpus.split("holdout", root), learnt])[["text", "label", "source"]]
    root.new_holdout.parent.mkdir(parents=True)
    rows.to_csv(root.new_holdout, index=False)
    own = provenance.keys_of(root, "train")
    found = provenance.leakage(root, Check("leakage", "pass", "reject", ""), own, 0.05)
    assert found.status == "fail"


def test_rows_that_nearly_were_trained_on_fail_where_they_are_more_than_chance(root):
    """The beginnings and endings of all validation rows among the training rows, and none of them whole."""
    check = Check("leakage", "pass", "reject", "", observed=0.0)
    own = provenance.keys_of(root, "train")
    nearly = provenance.keys_of(root, "validation").copy()
    nearly[:, 0] += 1
    found = provenance.leakage(root, check, np.concatenate([own, nearly, nearly]), 0.05)
    assert found.status == "fail"
    assert 0.3 < found.observed < 0.6  # of the rows to judge on, however many training rows each is like
    assert provenance.leakage(root, check, own[:-1], 0.05).status == "pass"


def test_as_many_near_duplicates_as_chance_and_one_row_more_may_bring_pass(root):
    """The first count that would be too many at the corpus's own rate is not, at that rate and one row more."""
    own = provenance.keys_of(root, "train")
    judged = np.concatenate([provenance.keys_of(root, part) for part in ("validation", "holdout")])
    by_chance = provenance.overlap(judged, own)[1]

    def too_many(share: float) -> int:
        return next(k for k in range(1, 1_000) if provenance.more_than_chance(k, len(judged), share, 0.05))

    _, places, counts = np.unique(judged[:, 1], return_index=True, return_counts=True)
    for near, status in (
        (too_many(by_chance / len(judged)), "pass"),
        (too_many((by_chance + 1) / len(judged)), "fail"),
    ):
        trained = np.zeros((near, 3), dtype=np.uint64)
        trained[:, 1] = judged[places[counts == 1][:near], 1]
        assert provenance.overlap(judged, trained) == (0, near)
        check = Check("leakage", "pass", "reject", "")
        assert provenance.leakage(root, check, trained, 0.05).status == status


def test_rows_that_all_begin_alike_are_near_duplicates_by_chance(alike_root):
    root = alike_root
    own = provenance.keys_of(root, "train")
    check = Check("leakage", "pass", "reject", "")
    found = provenance.leakage(root, check, own[:-1], 0.05)
    assert (found.status, found.observed) == ("pass", 1.0)
    judged = sum(len(provenance.keys_of(root, name)) for name in ("validation", "holdout"))
    assert found.reason.endswith(f"the corpus has {judged:,}")
