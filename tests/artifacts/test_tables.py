"""Promise 4 for tables: usual pipelines of columns load and answer the same, and no doctored file crashes the judge."""

import io
import pickle
import random

from mlgate.artifacts import Crossed, fenced, load
from mlgate.artifacts.limits import Limits
from mlgate.artifacts.refusals import Refused
from mlgate.artifacts.unpickling import loads
from mlgate.corpus import Table

import joblib
import numpy as np
import pytest
from sklearn.neighbors import _kd_tree
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeRegressor
from table_models import ROWS, USUAL, usual

pytestmark = pytest.mark.filterwarnings("ignore")


def saved(pipeline, how="joblib", protocol=4):
    if how == "pickle":
        return pickle.dumps(pipeline, protocol)
    file = io.BytesIO()
    joblib.dump(pipeline, file, protocol=protocol)
    return file.getvalue()


def copy(name):
    return pickle.loads(pickle.dumps(usual(name)))


@pytest.mark.slow
@pytest.mark.parametrize("name", USUAL)
def test_usual_pipelines_of_tables_load_and_answer_the_same(name):
    fitted = usual(name)
    for how, protocol in (("joblib", 2), ("joblib", 5), ("pickle", 2), ("pickle", 4)):
        loaded = loads(saved(fitted, how, protocol))
        np.testing.assert_array_equal(loaded.predict(ROWS), fitted.predict(ROWS))
        if hasattr(fitted, "predict_proba"):
            np.testing.assert_array_equal(loaded.predict_proba(ROWS), fitted.predict_proba(ROWS))


# ---- doctored files ----


def forest(column, value):
    model = copy("forest")
    tree = model[-1].estimators_[0].tree_
    state = tree.__getstate__()
    state["nodes"][column][0] = value
    tree.__setstate__(state)
    return model


def histogram(column, value, name="histograms"):
    model = copy(name)
    model[-1]._predictors[0][0].nodes[column][0] = value
    return model


def inside(name, attribute, value, step=-1):
    model = copy(name)
    setattr(model[step], attribute, value)
    return model


def boosted(width):
    model = copy("boosting of three")
    trees = model[-1].estimators_
    model[-1].estimators_ = np.concatenate([trees] * width, axis=1)
    return model


def narrow_tree():
    model = copy("boosting")
    model[-1].estimators_[0, 0] = DecisionTreeRegressor().fit(np.zeros((9, 99)), np.zeros(9))
    return model


def mapper(sizes):
    model = copy("histograms, categories")
    model[-1]._bin_mapper.is_categorical_ = np.zeros(sizes, dtype=np.uint8)
    return model


def bare_sets():
    model = copy("histograms, categories")
    for tree in (tree for stage in model[-1]._predictors for tree in stage):
        tree.raw_left_cat_bitsets = np.zeros((0, 8), dtype=np.uint32)
    return model


def one_hot(**attributes):
    model = copy("column selector")
    vars(model[0].named_transformers_["words"]).update(attributes)
    return model


DOCTORED = {
    "a child before its parent": lambda: forest("left_child", 0),
    "a child that is not there": lambda: forest("right_child", 10**6),
    "a column that is not there": lambda: forest("feature", 10**6),
    "a negative column": lambda: forest("feature", -3),
    "a cycle": lambda: histogram("left", 0),
    "a node that is not there": lambda: histogram("right", 10**6),
    "a far column": lambda: histogram("feature_idx", 10**9),
    "a column before the first": lambda: histogram("feature_idx", -1),
    "a category of a number": lambda: histogram("is_categorical", 1),
    "a set that is not there": lambda: histogram("bitset_idx", 10**6, "histograms, categories"),
    "no sets": lambda: bare_sets(),
    "categories of nothing": lambda: mapper(3),
    "too few columns": lambda: mapper(1),
    "more columns": lambda: inside("histograms", "_n_features", 10**6),
    "no nodes": lambda: inside("histograms", "_predictors", [[copy("histograms")[-1]]]),
    "more trees than classes": lambda: boosted(9),
    "a tree of other columns": lambda: narrow_tree(),
    "more support": lambda: inside("SVC", "_n_support", np.array([10**6, 10**6], dtype=np.int32)),
    "negative support": lambda: inside("SVC", "_n_support", np.array([-9, 10**6], dtype=np.int32)),
    "few coefficients": lambda: inside("SVC of three", "_dual_coef_", np.zeros((1, 1))),
    "few intercepts": lambda: inside("SVC of three", "_intercept_", np.zeros(1)),
    "classes that are not there": lambda: inside("neighbours, brute", "_y", np.full(90, 10**9)),
    "few classes": lambda: inside("neighbours, brute", "_y", np.zeros(1, dtype=int)),
    "columns for no category": lambda: one_hot(_n_features_outs=[0]),
    "a category dropped that is not there": lambda: one_hot(_drop_idx_after_grouping=np.array([10**6], dtype=object)),
    "rare categories that lead nowhere": lambda: one_hot(
        _infrequent_indices=[np.array([10**6])], _default_to_infrequent_mappings=[None], _n_features_outs=[2]
    ),
    "a table in many processes": lambda: inside("boosting", "n_jobs", -1, step=0),
    "a method of another name": lambda: inside("stacking", "stack_method_", ["fit", "__setstate__"]),
}


@pytest.mark.parametrize("name", DOCTORED)
def test_a_doctored_file_is_refused(name):
    model = DOCTORED[name]()
    with pytest.raises(Refused) as caught:
        loads(saved(model))
    assert "foreign code" not in str(caught.value)


def test_a_doctored_search_tree_is_built_anew():
    model = copy("neighbours")
    state = list(model[-1]._tree.__getstate__())
    state[1] = np.full_like(state[1], 10**9)  # the order of the points
    state[6] = 10**6  # nodes
    model[-1]._tree.__setstate__(tuple(state))
    assert (loads(saved(model)).predict(ROWS) == usual("neighbours").predict(ROWS)).all()


class Blank:
    """Pickles to a search tree that nobody filled."""

    def __reduce__(self):
        return _kd_tree.newObj, (_kd_tree.KDTree,)


def test_a_search_tree_that_nobody_filled_answers_nothing():
    model = copy("neighbours")
    model[-1]._tree = Blank()
    with pytest.raises(ValueError, match="dimension"):
        loads(saved(model)).predict(ROWS.head(1))


@pytest.mark.parametrize("function", [print, np.add, np.frompyfunc(print, 1, 1), eval, FunctionTransformer], ids=str)
def test_a_function_transformer_calls_nothing_but_what_it_may(function):
    with pytest.raises((Refused, pickle.PicklingError)):
        loads(saved(inside("function", "func", function, step=1)))
    with pytest.raises(Refused):
        loads(saved(inside("function", "kw_args", {"out": np.zeros(3)}, step=1)))


@pytest.mark.parametrize("columns", ["of itself", 5, [[]] * 3])
def test_a_file_that_says_nonsense_of_its_columns_is_at_fault(columns):
    model = copy("boosting")
    vars(model[0])["feature_names_in_"] = columns
    if columns == "of itself":
        model.steps.insert(0, ("self", model))
    fault = load(saved(model, "pickle")).fault
    assert (fault or "").startswith("it is no fitted pipeline") == (columns != [[]] * 3)


def test_complex_numbers_are_no_answers():
    model = copy("Ridge")
    model[-1].coef_ = model[-1].coef_ * 1j
    with pytest.raises(Crossed, match="complex numbers"), fenced(load(saved(model), numbers=True)) as asked:
        asked.answer(Table({name: ROWS[name].to_numpy(dtype=object if name == "city" else float) for name in ROWS}))


@pytest.mark.slow
def test_whatever_happens_to_the_bytes_the_judge_lives_on():
    chance = random.Random(1)
    rows = Table({name: ROWS[name].to_numpy(dtype=object if name == "city" else float) for name in ROWS})
    limits = Limits(seconds=10)
    ends = set()
    for name in ("forest", "boosting", "histograms", "histograms, categories", "SVC", "neighbours"):
        data = saved(usual(name), "pickle")
        for _ in range(5):
            changed = bytearray(data)
            for _ in range(chance.randint(1, 9)):
                changed[chance.randrange(len(data))] = chance.randrange(256)
            model = load(bytes(changed), limits)
            if model.fault:
                ends.add("fault")
                continue
            with fenced(model) as asked:
                try:
                    asked.answer(rows)
                    ends.add("answered")
                except (Crossed, ValueError):
                    ends.add("crossed")
    assert "fault" in ends
    assert "answered" in ends
