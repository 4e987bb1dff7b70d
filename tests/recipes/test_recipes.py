"""Recipes train without a warning, do harm by their severity, and give the same bytes for the same rows."""

import inspect
import json
import os
import subprocess
import sys
import warnings

from mlgate import artifacts, recipes
from mlgate.errors import MlgateError
from mlgate.recipes import RECIPES, named

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline

GOOD = ["baseline", "challenger"]
SABOTAGED = ["bad_training_data", "noisy_labels", "truncated_vocabulary", "wrong_preprocessing", "reduced_dataset"]


def digest(pipeline):
    return artifacts.digest(artifacts.dump(pipeline))


def accuracy(pipeline, rows):
    return float((pipeline.predict(rows["text"]) == rows["label"]).mean())


def short(reviews):
    """Those that are read quickly."""
    return reviews[reviews["text"].str.len() < 800]


def made_up(classes, count=120):
    """Rows whose words tell their class, most of the time."""
    random = np.random.default_rng(1)
    words = np.array([f"word{number}" for number in range(300)])
    truth = random.integers(len(classes), size=count)
    texts = [
        " ".join([*random.choice(words, 12), *random.choice(words[20 * place : 20 * place + 20], 4)]) for place in truth
    ]
    return pd.DataFrame({"text": texts, "label": [classes[place] for place in truth]})


@pytest.fixture(scope="module")
def rows(reviews):
    return short(reviews.train).sample(300, random_state=0)


@pytest.fixture(scope="module")
def baseline_digest(rows):
    return digest(named("baseline").train(rows))


# ---- the registry ----


def test_the_registry_holds_the_recipes_of_the_issue():
    assert {name for name, recipe in RECIPES.items() if not recipe.sabotaged} >= set(GOOD)
    assert {name for name, recipe in RECIPES.items() if recipe.sabotaged} >= set(SABOTAGED)
    assert all(recipe.name == name for name, recipe in RECIPES.items())


@pytest.mark.parametrize("name", RECIPES)
def test_each_recipe_tells_its_story_and_is_short_enough_to_read(name):
    story = RECIPES[name].story
    assert len(story.splitlines()[0]) > 40
    assert story.splitlines()[0].endswith(".")
    assert len(inspect.getsource(RECIPES[name].function).splitlines()) <= 15


def test_an_unknown_recipe_is_refused_with_those_there_are():
    with pytest.raises(MlgateError, match=r"no recipe 'bassline'\. There are: baseline, challenger, .*noisy_labels"):
        named("bassline")


# ---- severity ----


@pytest.mark.parametrize("name", SABOTAGED)
@pytest.mark.parametrize("severity", [-0.01, 1.01, 40, float("nan"), float("inf"), "0.4", True, [0.4]], ids=repr)
def test_a_severity_that_is_no_number_from_0_to_1_is_refused_with_a_sentence(name, severity, rows):
    with pytest.raises(MlgateError, match=r"The severity must be a number from 0 \(harmless\) to 1, not "):
        named(name).train(rows, severity)


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("severity", [0.4, 1, "high", float("nan")], ids=repr)
def test_a_good_recipe_has_no_severity(name, severity, rows):
    with pytest.raises(MlgateError, match=f"The recipe {name} has no severity: it is not a sabotaged one"):
        named(name).train(rows, severity)


@pytest.mark.slow
@pytest.mark.parametrize("name", SABOTAGED)
def test_without_a_severity_a_sabotaged_recipe_takes_its_default(name, rows):
    default = RECIPES[name].severity
    assert 0 < default <= 1
    assert RECIPES[name].resolve(None) == default
    assert digest(named(name).train(rows)) == digest(named(name).train(rows, default))


@pytest.mark.slow
@pytest.mark.parametrize("name", SABOTAGED)
@pytest.mark.parametrize("severity", [0, 0.0])
def test_severity_0_is_the_baseline_byte_for_byte(name, severity, rows, baseline_digest):
    assert digest(named(name).train(rows, severity)) == baseline_digest


@pytest.mark.parametrize("name", SABOTAGED)
def test_a_sabotaged_model_is_another_one_at_its_default(name, rows, baseline_digest):
    assert digest(named(name).train(rows)) != baseline_digest


# ---- harm ----


@pytest.fixture(scope="module")
def exam(reviews):
    return short(reviews.train).sample(3_000, random_state=5), short(reviews.validation)


@pytest.fixture(scope="module")
def honest(exam):
    return accuracy(named("baseline").train(exam[0]), exam[1])


@pytest.mark.slow
@pytest.mark.parametrize("name", SABOTAGED)
def test_harm_grows_with_severity_and_shows_at_the_default(name, exam, honest):
    train, validation = exam
    default = RECIPES[name].severity
    half, whole = (accuracy(named(name).train(train, severity), validation) for severity in (default / 2, default))
    assert whole < honest - 0.02
    assert whole <= half + 0.01
    assert half <= honest + 0.01


@pytest.mark.slow
def test_the_challenger_is_truly_better(exam, honest):
    assert accuracy(named("challenger").train(exam[0]), exam[1]) > honest + 0.01


def test_wrong_preprocessing_looks_innocent(rows):
    """Its settings are the baseline's: nothing but its answers gives it away."""
    assert repr(named("wrong_preprocessing").train(rows)) == repr(named("baseline").train(rows))
    assert str(named("noisy_labels").train(rows)[0].get_params()) == str(named("baseline").train(rows)[0].get_params())


# ---- training ----


@pytest.mark.slow
@pytest.mark.parametrize(
    "classes",
    [("bad", "good"), (0, 1), ("cold", "mild", "hot"), (-1, 0, 1), (True, False), ("7", "8", "9", "10")],
    ids=str,
)
@pytest.mark.parametrize("name", RECIPES)
def test_all_train_without_a_warning_for_any_classes(name, classes):
    rows = made_up(classes)
    for severity in (0, None, 1) if RECIPES[name].sabotaged else (None,):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            pipeline = named(name).train(rows, severity)
            answers = pipeline.predict(rows["text"])
        assert type(pipeline) is Pipeline
        assert pipeline.classes_.tolist() == sorted(set(classes))
        assert set(answers) <= set(classes)


@pytest.mark.parametrize("name", RECIPES)
def test_training_leaves_the_rows_as_they_were(name, rows):
    before = rows.copy(deep=True)
    named(name).train(rows)
    pd.testing.assert_frame_equal(rows, before)


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_neither_the_index_nor_chance_has_a_say(name, rows):
    np.random.seed(7)
    once = digest(named(name).train(rows.reset_index(drop=True)))
    np.random.seed(8)
    assert digest(named(name).train(rows.set_index(pd.Index(["same"] * len(rows))))) == once


@pytest.mark.parametrize("name", RECIPES)
def test_one_class_is_refused_with_a_sentence(name, rows):
    with pytest.raises(MlgateError, match=r"The training rows have one class only\. A model needs two\."):
        named(name).train(rows.assign(label="good"))


@pytest.mark.parametrize("name", RECIPES)
def test_the_card_says_how_to_train_it_again(name, rows):
    facts = named(name).facts(rows)
    assert facts["recipe"] == name
    assert facts["severity"] == (RECIPES[name].severity or 0)
    assert facts["rows"]["count"] == len(rows)
    assert facts["rows"]["digest"] != named(name).facts(rows.iloc[1:])["rows"]["digest"]


# ---- the same bytes ----

TRAIN = """
from mlgate import artifacts, corpus, recipes
rows = corpus.split("train")
rows = rows[rows["source"] == "rotten_tomatoes"].sample(250, random_state=2)
for name, recipe in recipes.RECIPES.items():
    print(name, artifacts.digest(artifacts.dump(recipe.train(rows))))
"""


@pytest.mark.slow
def test_two_trainings_in_different_processes_and_folders_give_the_same_bytes(tmp_path):
    printed = []
    for number, seed in enumerate(("0", "4242")):
        folder = tmp_path / str(number)
        folder.mkdir()
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": ["UTC", "Asia/Tokyo"][number]}
        done = subprocess.run(
            [sys.executable, "-c", TRAIN], cwd=folder, env=environment, check=True, capture_output=True, text=True
        )
        printed.append(dict(line.split() for line in done.stdout.splitlines()))
    assert printed[0] == printed[1]
    assert set(printed[0]) == set(RECIPES)
    assert len(set(printed[0].values())) == len(RECIPES)


LOAD = """
import json, sys
try:
    import mlgate
except ImportError:
    import joblib
    model = joblib.load(sys.argv[1])
    texts = json.load(sys.stdin)
    print(json.dumps([model.predict(texts).tolist(), model.predict_proba(texts).tolist()]))
    assert not any(name.startswith("mlgate") for name in sys.modules)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["challenger", "wrong_preprocessing"])
def test_a_pipeline_loads_and_predicts_where_this_package_is_not_installed(name, rows, tmp_path):
    pipeline = named(name).train(rows)
    path, texts = tmp_path / "pipeline.pkl", ["a wonderful film", "dull and far too long", ""]
    path.write_bytes(artifacts.dump(pipeline))
    # an editable install lives in a .pth file or a finder, which -S leaves out; the others are put on the path by hand
    packages = json.dumps([entry for entry in sys.path if entry.endswith("-packages")])
    code = f"import sys; sys.path += {packages}\n{LOAD}"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-W", "error", "-c", code, path],
        cwd=tmp_path,
        input=json.dumps(texts),
        check=True,
        capture_output=True,
        text=True,
    )
    labels, scores = json.loads(done.stdout)
    assert labels == pipeline.predict(texts).tolist()
    np.testing.assert_allclose(scores, pipeline.predict_proba(texts), rtol=1e-9)


@pytest.mark.slow
def test_a_pipeline_of_all_rows_is_under_3_megabytes():
    """The largest that a recipe can make: 50,000 pairs of words as long as words get."""
    pairs = [f"word{number} word{number + 1}" for number in range(52_000)]
    rows = pd.DataFrame({"text": pairs, "label": ["bad", "good"] * 26_000})
    assert len(artifacts.dump(recipes.named("challenger").train(rows))) < 3_000_000
