"""Promise 12: drift is seen and told from harm, in words, with exit statuses that scripts can use."""

import json
import shutil

from mlgate import artifacts, cli, corpus, promotion, watch
from mlgate.artifacts import locked
from mlgate.errors import MlgateError
from mlgate.root import Root
from mlgate.watch import DRIFTS, LIGHTS

import numpy as np
import pandas as pd
import pytest
from conftest import GATE, REPOSITORY


@pytest.fixture(scope="module")
def production(tmp_path_factory) -> Root:
    """A root with the committed production model, its card and its profile."""
    root = Root(tmp_path_factory.mktemp("watch") / "root")
    shutil.copytree(REPOSITORY / "artifacts_prod", root.production_folder)
    shutil.copy(GATE, root.policy)
    return root


@pytest.fixture(scope="module")
def live() -> pd.DataFrame:
    return corpus.split("live").sample(1_600, random_state=0)[["text", "label", "source"]]


def run(root: Root, *arguments: object) -> int:
    return cli.main(["--root", str(root.path), "watch", *map(str, arguments)])


def replayed(root, rows, path) -> tuple[int, dict]:
    rows.to_csv(path / "rows.csv", index=False)
    status = run(root, "replay", path / "rows.csv", "--json", path / "watch.json")
    return status, json.loads((path / "watch.json").read_text())


def test_the_committed_profile_is_that_of_the_committed_model():
    digest = artifacts.digest((REPOSITORY / "artifacts_prod/pipeline.pkl").read_bytes())
    found = watch.read(Root(REPOSITORY), digest)
    assert found.rows["digest"] == corpus.fingerprint(corpus.split("validation"))
    assert 0.8 < found.accuracy < 0.9


def test_quiet_rows_leave_all_lights_off(production, live, tmp_path, capsys):
    status, found = replayed(production, live, tmp_path)
    assert status == 0
    assert [found["lights"][light]["on"] for light in LIGHTS] == [False] * 3
    assert [found["lights"][light]["row"] for light in LIGHTS] == [None] * 3
    assert found["rows"] == len(live)
    assert "at most one false alarm in 1,000,000 rows" in capsys.readouterr().out


def test_harm_without_drift_is_seen_by_labels_and_by_nothing_else(production, live, tmp_path):
    status, found = replayed(production, DRIFTS["love_turned"].apply(live), tmp_path)
    assert status == 4
    assert [found["lights"][light]["on"] for light in LIGHTS] == [False, False, True]
    assert found["lights"]["proven_harm"]["row"] < 1_000


def test_drift_without_harm_is_not_called_harm(production, live, tmp_path, capsys):
    status, found = replayed(production, DRIFTS["upper_case"].apply(live), tmp_path)
    assert status == 3
    assert [found["lights"][light]["on"] for light in LIGHTS] == [True, False, False]
    assert found["lights"]["moved"]["row"] <= 20
    table = next(table for table in found["lights"]["moved"]["tables"] if table["table"] == "capitals")
    assert table["on"]
    assert "more capital letters: mean rank 1.000, in the profile 0.500" in capsys.readouterr().out


@pytest.mark.slow
def test_an_estimate_on_foreign_texts_is_given_and_greyed_out(production, live, tmp_path):
    _, found = replayed(production, DRIFTS["foreign_language"].apply(live.drop(columns="source")), tmp_path)
    assert found["lights"]["estimated_harm"]["on"]
    assert not found["accuracy"]["believed"]
    assert "not to be believed" in found["lights"]["estimated_harm"]["reason"]


def test_rows_without_labels_prove_nothing(production, live, tmp_path):
    status, found = replayed(production, DRIFTS["love_turned"].apply(live).drop(columns="label"), tmp_path)
    assert status == 0
    assert "no labels" in found["lights"]["proven_harm"]["reason"]


def test_every_drift_has_a_name_and_a_story_and_changes_something(live):
    assert len(DRIFTS) == 12
    some = live.head(400).reset_index(drop=True)
    for drift in DRIFTS.values():
        assert len(drift.story) > 40
        changed = drift.apply(some)
        assert len(changed) == len(some)
        assert not changed[["text", "label"]].equals(some[["text", "label"]])
        assert changed.equals(drift.apply(some))


def test_a_promotion_by_bootstrap_brings_its_profile_and_a_rollback_switches_it(root_with_production, better_model):
    root = root_with_production
    old = artifacts.digest(root.production.read_bytes())
    first = watch.read(root, old)
    assert first.count == 1_500
    data = artifacts.dump(better_model.pipeline)
    card = artifacts.card_of(better_model.pipeline, data, {"recipe": "baseline"})
    with locked(root):
        promotion.switch(root, data, card, "refresh", {"profile": promotion.profile_of(root, data, card)})
    assert watch.read(root, better_model.digest).digest == better_model.digest
    assert watch.read(root, better_model.digest).means != first.means


def test_without_a_profile_the_watch_says_how_to_make_it(root_with_production, live, tmp_path, capsys):
    root = root_with_production
    digest = artifacts.digest(root.production.read_bytes())
    watch.path_of(root, digest).unlink()
    live.head(3).to_csv(tmp_path / "rows.csv", index=False)
    assert run(root, "replay", tmp_path / "rows.csv") == 1
    assert "mlgate watch profile" in capsys.readouterr().err
    assert run(root, "profile") == 0
    assert run(root, "replay", tmp_path / "rows.csv") == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"digest": "0" * 64}, "another model"),
        ({"errors": -1}, "no counts"),
        ({"means": [0.5]}, "a table is missing"),
        ({"means": [7.0] * 7}, "not from 0 to 1"),
        ({"errors": "many"}, "errors is"),
        ({"more": 1}, "other fields"),
    ],
)
def test_a_changed_profile_is_refused(production, tmp_path, change, said):
    digest = artifacts.digest(production.production.read_bytes())
    root = Root(tmp_path)
    root.cards.mkdir(parents=True)
    found = json.loads(watch.path_of(production, digest).read_text())
    watch.path_of(root, digest).write_text(json.dumps(found | change))
    with pytest.raises(MlgateError, match=said):
        watch.read(root, digest)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("tolerance = 0.7", "must be from 0.001 to 0.5"),
        ("rows_per_false_alarm = 5", "must be from 100 to"),
        ("tolerances = 0.1", "has no key 'tolerances'"),
        ('tolerance = "wide"', "must be a number"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, line, said):
    root = Root(tmp_path)
    root.policy.write_text(f"[watch]\n{line}\n")
    with pytest.raises(MlgateError, match=said):
        watch.settings_of(root)


@pytest.mark.parametrize("text", ["", "\ud800", "日本語のレビュー", "A" * 60_000, "...", "\x00"])
def test_any_text_has_features_and_values_from_0_to_1(production, text):
    found = watch.tables.measured([text], {"good": 1})
    profile = watch.read(production, artifacts.digest(production.production.read_bytes()))
    values = profile.values(watch.tables.Answered(found, np.array(["positive"]), np.array([0.7])))
    assert ((values >= 0) & (values <= 1)).all()


def test_three_classes_have_a_table_each_for_their_share():
    names = watch.tables.names_for(["a", "b", "c"])
    assert names[-3:] == ("answer a", "answer b", "answer c")
