"""An equal model from new versions takes over without a look; one that answers differently does not."""

import json
import shutil

from mlgate import artifacts, corpus, exam, ledger, recipes
from mlgate.errors import MlgateError
from mlgate.ledger import integrity
from mlgate.promotion.refresh import refresh
from mlgate.root import Root

import pytest


@pytest.fixture(scope="module")
def untouched_stale(untouched_root, tmp_path_factory) -> Root:
    root = Root(tmp_path_factory.mktemp("stale") / "root")
    shutil.copytree(untouched_root.path, root.path)
    recipe, train = recipes.named("baseline"), corpus.split("train", root)
    pipeline = recipe.train(train)
    pipeline.named_steps["classifier"].max_iter += 1
    exam.bootstrap(root, pipeline, recipe.facts(train))
    return write_card(root, versions={"scikit-learn": "1.0.0"})


@pytest.fixture
def stale(untouched_stale, tmp_path) -> Root:
    """A root whose production was trained with another scikit-learn: other bytes, the same answers."""
    shutil.copytree(untouched_stale.path, tmp_path / "root")
    return Root(tmp_path / "root")


def write_card(root: Root, **facts) -> Root:
    [card] = root.cards.glob("*.json")
    card.write_text(json.dumps(json.loads(card.read_text(encoding="utf-8")) | facts), encoding="utf-8")
    return root


@pytest.mark.slow
def test_an_equal_model_is_promoted_without_a_look_and_written_down(stale):
    old, lines = artifacts.load_production(stale).digest, len(ledger.read(stale))
    left = ledger.looks_left(ledger.read(stale), exam.policy_of(stale))
    assert "100.00% of" in refresh(stale)
    new = artifacts.load_production(stale)
    entries = ledger.read(stale)
    assert (len(entries), entries[-1]["kind"], entries[-1]["from"], entries[-1]["to"]) == (
        lines + 1,
        "refresh",
        old,
        new.digest,
    )
    assert entries[-1]["equal_answers"] == 1.0
    assert entries[-1]["versions"] == [{"scikit-learn": "1.0.0"}, artifacts.versions()]
    assert new.card.versions == artifacts.versions()
    assert ledger.looks_left(entries, exam.policy_of(stale)) == left
    assert integrity.verify(stale) == new.digest
    assert integrity.stale(stale) is None
    assert refresh(stale).startswith("Nothing to refresh")


@pytest.mark.slow
def test_no_label_is_read(stale, monkeypatch):
    plain = corpus.split

    def split(name, root=None):
        frame = plain(name, root)
        return frame if name == "train" else frame.drop(columns="label")

    monkeypatch.setattr(corpus, "split", split)
    refresh(stale)
    assert ledger.read(stale)[-1]["kind"] == "refresh"


@pytest.mark.slow
def test_a_current_production_is_left_alone_unless_forced(stale):
    write_card(stale, versions=artifacts.versions())
    before = artifacts.load_production(stale).digest
    assert refresh(stale).startswith("Nothing to refresh")
    assert artifacts.load_production(stale).digest == before
    refresh(stale, force=True)
    assert artifacts.load_production(stale).digest != before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"recipe": "noisy_labels", "severity": 0.8}, r"Only \d+\.\d+% of .* a refresh takes 99.5%"),
        ({"rows": {"count": 1, "digest": "0"}}, "not those of production's card"),
        ({"recipe": "gone"}, "There is no recipe 'gone'"),
    ],
)
def test_anything_but_the_same_answers_is_refused_and_nothing_changes(stale, facts, message):
    write_card(stale, **facts)
    before = {path: path.read_bytes() for path in stale.production_folder.rglob("*") if path.is_file()}
    with pytest.raises(MlgateError, match=message):
        refresh(stale)
    assert {path: path.read_bytes() for path in stale.production_folder.rglob("*") if path.is_file()} == before


@pytest.mark.slow
def test_other_answers_to_the_holdout_alone_are_refused_too(stale):
    """Production with other weights for words that no validation row has: the refreshed one answers as before there."""
    pipeline = artifacts.load_production(stale).pipeline
    words = {name: words_of(pipeline, corpus.split(name, stale)["text"]) for name in ("validation", "holdout")}
    pipeline.named_steps["classifier"].coef_[0, sorted(words["holdout"] - words["validation"])] = 1_000.0
    card = next(stale.cards.glob("*.json")).read_bytes()
    stale.production.unlink()
    stale.ledger.unlink()
    exam.bootstrap(stale, pipeline, {name: json.loads(card)[name] for name in ("recipe", "severity", "rows")})
    with pytest.raises(MlgateError, match=r"Only \d+\.\d+% of .* a refresh takes 99.5%"):
        refresh(stale, force=True)


def words_of(pipeline, texts) -> set[int]:
    """The columns that these texts have words for."""
    return set(pipeline[:-1].transform(texts).nonzero()[1].tolist())


def test_a_card_without_rows_is_refused_with_what_to_do(root_with_production):
    with pytest.raises(MlgateError, match="mlgate run"):
        refresh(root_with_production, force=True)


@pytest.mark.slow
def test_a_recipe_is_followed_at_the_severity_of_the_card(untouched_root, tmp_path):
    shutil.copytree(untouched_root.path, tmp_path / "root")
    root = Root(tmp_path / "root")
    recipe = recipes.named("noisy_labels")
    train = corpus.split("train", root)
    pipeline = recipe.train(train, 0.1)
    pipeline.named_steps["classifier"].max_iter += 1
    exam.bootstrap(root, pipeline, recipe.facts(train, 0.1))
    write_card(root, versions={"scikit-learn": "1.0.0"})
    assert "100.00% of" in refresh(root)
    assert artifacts.load_production(root).card.severity == 0.1
