"""`mlgate judge --data` on a table, as people call it."""

import json

from mlgate import cli

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """rows.csv, and pipelines that were fitted on some of its columns."""
    folder = tmp_path_factory.mktemp("tables")
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({name: rng.normal(0, 1, 3_000) for name in ("a", "b")})
    rows["place"] = rng.choice(["north", "south"], len(rows))
    inside = rows["a"] ** 2 + rows["b"] ** 2 < 1.4
    rows["answer"] = np.where(inside ^ (rng.random(len(rows)) < 0.1), "in", "out")
    rows.loc[::50, "b"] = np.nan
    rows["id"] = range(len(rows))
    rows["target"] = rows["a"]
    rows[1_000:].to_csv(folder / "rows.csv", index=False)
    first = rows[:1_000]
    columns = ColumnTransformer([("n", SimpleImputer(), ["a", "b"]), ("w", OneHotEncoder(), ["place"])])
    models = {
        "linear": make_pipeline(columns, LogisticRegression()).fit(first, first["answer"]),
        "boosted": make_pipeline(HistGradientBoostingClassifier(max_iter=20)).fit(first[["b", "a"]], first["answer"]),
        "unnamed": make_pipeline(HistGradientBoostingClassifier(max_iter=20)).fit(
            rows[["a", "b"]][:1_000].to_numpy(), rows["answer"][:1_000]
        ),
        "mean": make_pipeline(SimpleImputer(), Ridge(1e9)).fit(rows[["a"]], rows["a"]),
        "stump": make_pipeline(SimpleImputer(), HistGradientBoostingRegressor(max_iter=3)).fit(rows[["b"]], rows["a"]),
        "price": make_pipeline(SimpleImputer(), Ridge()).fit(rows[["a", "b"]], rows["a"]),
        "gaps": make_pipeline(LogisticRegression()).fit(rows[["a"]].assign(c=1), rows["answer"]),
        "texts": make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(["in", "out"] * 9, ["in", "out"] * 9),
    }
    for name, model in models.items():
        joblib.dump(model, folder / f"{name}.pkl")
    return folder


@pytest.fixture
def judge(folder, capsys):
    def run(production, candidate, *more):
        models = ("--production", folder / f"{production}.pkl", "--candidate", folder / f"{candidate}.pkl")
        label = () if "--label-column" in more else ("--label-column", "answer")
        arguments = ("judge", *models, "--data", folder / "rows.csv", *label, *more)
        code = cli.main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.mark.slow
def test_each_model_gets_the_columns_that_it_was_fitted_on_in_its_order(judge):
    assert "Candidate model accuracy: 0.8" in judge("linear", "boosted")[1]
    assert judge("boosted", "linear")[0] == 4
    assert judge("linear", "linear", "--slice-column", "place")[0] == 3


def test_a_model_that_names_no_columns_gets_those_that_are_named(judge):
    assert judge("linear", "unnamed", "--features", "a,b,place")[0] == 4  # three columns where it wants two
    assert judge("unnamed", "unnamed", "--features", "a,b")[0] == 3


@pytest.mark.parametrize(
    ("candidate", "words"),
    [
        ("gaps", "yet now missing"),
        ("price", "has no fitted classes"),
        ("texts", "it cannot answer rows.csv"),
    ],
)
def test_a_candidate_that_cannot_answer_the_table_is_rejected(judge, candidate, words):
    code, said, _ = judge("linear", candidate)
    assert code == 4
    assert words in said


def test_texts_are_not_given_columns(judge):
    code, _, said = judge("texts", "texts", "--features", "a,b")
    assert code == 1
    assert "leave --features out" in said
    code, _, said = judge("linear", "boosted", "--features", "a,answer")
    assert code == 1
    assert "holds the labels" in said


@pytest.mark.slow
def test_regressors_are_judged_by_what_they_are_off(judge, folder, tmp_path):
    measured = ("--label-column", "a", "--metric", "mae", "--json", tmp_path / "verdict.json")
    table = ("--features", "b")
    code, said, _ = judge("stump", "stump", *table, *measured)
    assert code == 3, said
    code, _, said = judge("mean", "price", *table, *measured)
    assert code == 1
    assert "Production is at fault" in said
    rows = pd.read_csv(folder / "rows.csv")
    measured = ("--label-column", "target", *measured[2:])
    code, said, _ = judge("mean", "price", *measured)
    assert "Candidate model mean absolute error: 0.0" in said
    assert code == 0, said
    found = json.loads((tmp_path / "verdict.json").read_text())["difference"]
    off = [joblib.load(folder / f"{name}.pkl").predict(rows[["a", "b"][:size]]) - rows["target"] for name, size in
           (("mean", 1), ("price", 2))]  # fmt: skip
    assert found["estimate"] == pytest.approx(off[0].abs().mean() - off[1].abs().mean())
    assert judge("price", "mean", *measured)[0] == 4
    code, said, _ = judge("price", "boosted", *measured)
    assert code == 4
    assert "it is no regressor" in said
    assert judge("boosted", "price", *measured)[0] == 1


def test_classifiers_are_judged_by_the_probability_of_one_label(judge, folder, tmp_path):
    code, _, said = judge("linear", "boosted", "--metric", "auc")
    assert code == 1
    assert "name one with --positive" in said
    scored = ("--metric", "auc", "--positive", "in", "--json", tmp_path / "verdict.json")
    judge("linear", "boosted", *scored)
    found = json.loads((tmp_path / "verdict.json").read_text())["difference"]
    rows = pd.read_csv(folder / "rows.csv")
    areas = []
    for name in ("linear", "boosted"):
        model = joblib.load(folder / f"{name}.pkl")
        scores = model.predict_proba(rows[model.feature_names_in_.tolist()])[:, 0]
        areas.append(roc_auc_score(rows["answer"] == "in", scores))
    assert found["estimate"] == pytest.approx(areas[1] - areas[0], abs=2e-3)  # over bins
    assert found["metric"] == "auc"
