"""Promises 4 and 7: one digest names the bytes, nothing unknown is unpickled, and a file loads without this package."""

import io
import json
import random
import subprocess
import sys
from types import SimpleNamespace

from mlgate import artifacts, corpus, recipes
from mlgate.artifacts import Limits, Model, unpickling
from mlgate.errors import MlgateError
from mlgate.root import Root

import joblib
import numpy as np
import pytest
from crashes import LABELS, TEXTS, Evil, killed_at, name_of, tiny, tiny_bytes, tiny_root
from joblib.numpy_pickle import NumpyUnpickler
from sklearn import __version__
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

CENTROID = "sklearn.neighbors._nearest_centroid.NearestCentroid"


@pytest.fixture
def root(tmp_path) -> Root:
    return tiny_root(tmp_path / "root")


class Dense(TfidfVectorizer):
    """Turns texts into an array of all columns."""

    def transform(self, texts):
        return super().transform(texts).toarray()


def names_in(data: bytes, path) -> set[str]:
    """The top-level packages that a file's pickles name."""
    found = set()

    class Listening(NumpyUnpickler):
        def find_class(self, module, name):
            found.add(module.split(".")[0])
            return super().find_class(module, name)

    path.write_bytes(data)
    with open(path, "rb") as file:
        Listening(str(path), file, ensure_native_byte_order=True).load()
    return found


# ---- the file ----


def test_the_same_model_gives_the_same_bytes_and_the_digest_is_their_sha256():
    again = Pipeline(tiny().steps)
    again.predict(TEXTS)
    assert artifacts.dump(again) == tiny_bytes()
    assert artifacts.load(tiny_bytes()).digest == artifacts.digest(tiny_bytes()) == name_of(1.0)
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert artifacts.digest(b"") == empty


def test_a_model_that_was_loaded_before_does_not_change_the_bytes():
    """Loading puts names into estimators that are equal and not the same; pickle tells them apart."""
    again = tiny()
    for _, step in again.steps:
        step.__dict__ = {"".join(list(name)): value for name, value in vars(step).items()}
    assert artifacts.dump(again) == tiny_bytes()


def union() -> Pipeline:
    parts = [("words", TfidfVectorizer(stop_words="english")), ("letters", TfidfVectorizer(analyzer="char"))]
    hashed = ("hashed", HashingVectorizer(n_features=64, stop_words=["the"]))
    steps = FeatureUnion([*parts, hashed]), "passthrough", None, LogisticRegression()
    return make_pipeline(*steps).fit(TEXTS, LABELS)


def test_no_memory_address_is_left_in_the_bytes_of_nested_vectorisers_either():
    data = artifacts.dump(union())
    assert b"_stop_words_id" not in data
    assert artifacts.dump(union()) == data
    assert artifacts.load(data).fault is None


def test_a_model_that_was_changed_since_it_was_written_is_written_anew():
    model = tiny()
    written = artifacts.dump(model)
    before = model[-1].coef_.copy()
    model[-1].coef_ += 1
    changed = artifacts.dump(model)
    assert np.array_equal(joblib.load(io.BytesIO(changed))[-1].coef_, before + 1)
    model[-1].coef_[:] = before
    assert artifacts.dump(model) == written != changed


def test_the_file_is_not_compressed_and_names_nothing_but_scikit_learn_numpy_and_joblib(tmp_path):
    assert tiny_bytes().startswith(b"\x80\x05")
    assert b"LogisticRegression" in tiny_bytes()
    for data in (tiny_bytes(), artifacts.dump(union())):
        assert names_in(data, tmp_path / "pipeline.pkl") == {"sklearn", "numpy", "joblib"}


@pytest.mark.slow
def test_the_file_loads_where_this_package_is_not_installed(tmp_path):
    path = tmp_path / "pipeline.pkl"
    path.write_bytes(tiny_bytes())
    code = (
        "import sys; sys.modules['mlgate'] = None; import joblib; "
        "print(*joblib.load(sys.argv[1]).predict(['good film', 'bad film']))"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.split() == ["positive", "negative"]


@pytest.mark.slow
@pytest.mark.parametrize(("recipe", "rows"), [("baseline", 19_000), ("challenger", 4_000)])
def test_both_good_recipes_make_files_below_3_megabytes_that_load(recipe, rows, tmp_path):
    """4,000 rows are enough for the challenger's 50,000 features, and more rows make no more of them."""
    data = artifacts.dump(recipes.named(recipe).train(corpus.split("train").sample(rows, random_state=0)))
    assert 1_000_000 < len(data) < 3_000_000
    assert data.startswith(b"\x80\x05")
    assert artifacts.load(data).fault is None
    assert names_in(data, tmp_path / "pipeline.pkl") == {"sklearn", "numpy", "joblib"}


# ---- loading ----


def hollow(**attributes) -> bytes:
    """A Pipeline that was never made by scikit-learn, only named."""
    pipeline = Pipeline.__new__(Pipeline)
    pipeline.__dict__.update(attributes)
    return saved(pipeline)


def saved(thing) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(thing, buffer)
    return buffer.getvalue()


def classes_changed(classes) -> bytes:
    pipeline = joblib.load(io.BytesIO(tiny_bytes()))
    pipeline.steps[-1][1].classes_ = classes
    return saved(pipeline)


FAULTY = {
    "empty": (lambda: b"", "not a joblib or pickle file"),
    "garbage": (lambda: b"\x80\x05" + b"\x00" * 100, "damaged"),
    "half": (lambda: tiny_bytes()[:2000], "damaged"),
    "no pipeline": (lambda: saved(LogisticRegression().fit([[0], [1]], [0, 1])), "not a Pipeline"),
    "no classifier": (lambda: saved(make_pipeline(TfidfVectorizer(), TfidfTransformer()).fit(TEXTS)), "not a classif"),
    "not fitted": (lambda: saved(make_pipeline(TfidfVectorizer(), LogisticRegression())), "no fitted classes"),
    "no steps": (lambda: hollow(steps=[]), "no fitted pipeline|not a classifier"),
    "steps of nothing": (lambda: hollow(steps=[()]), "no fitted pipeline|not a classifier"),
    "steps that are a number": (lambda: hollow(steps=3), "no fitted pipeline|not a classifier"),
    "no attributes": (lambda: hollow(), "no fitted pipeline|not a classifier"),
    "one class": (lambda: classes_changed(np.array(["positive"])), "no fitted classes"),
    "classes in a list": (lambda: classes_changed(["negative", "positive"]), "no fitted classes"),
    "classes of floats": (lambda: classes_changed(np.array([0.0, 1.0])), "neither texts nor integers"),
    "classes twice": (lambda: classes_changed(np.array([1, "1"], dtype=object)), "have the same name"),
    "a class that clears the screen": (lambda: classes_changed(np.array(["a", "\x1b[2J"])), "control characters"),
    "a class of two lines": (lambda: classes_changed(np.array(["a", "b\nPromote new model"])), "control characters"),
    "a class of half a character": (lambda: classes_changed(np.array(["a", "\ud800"], object)), "control characters"),
    "too large": (lambda: tiny_bytes() + b"\x00" * 1_000_000, "too large"),
    "a type not on the list": (
        lambda: saved(make_pipeline(TfidfVectorizer(), NearestCentroid()).fit(TEXTS, LABELS)),
        f'add "{CENTROID}" to allow under .artifacts. in gate.toml',
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", FAULTY)
def test_what_is_no_classifier_of_texts_is_a_model_with_a_fault_in_one_line_and_without_a_pipeline(kind):
    make, words = FAULTY[kind]
    model = artifacts.load(make(), Limits(bytes=500_000))
    assert model.pipeline is None
    assert model.digest == artifacts.digest(make())
    with pytest.raises(MlgateError, match=words):
        raise MlgateError(model.fault)
    assert model.fault.isprintable()


def test_an_evil_file_runs_nothing_wherever_the_evil_is(tmp_path):
    marker = tmp_path / "marker"
    pipeline = joblib.load(io.BytesIO(tiny_bytes()))
    pipeline.steps[0][1].evil = Evil(marker)
    inside = tiny_bytes() + bytes(Evil(marker))  # a second pickle behind the first one is not read
    for data in (bytes(Evil(marker)), saved(Evil(marker)), saved(pipeline), saved(np.array([Evil(marker)], object))):
        assert artifacts.load(data).fault
    artifacts.load(inside)
    assert not marker.exists()
    joblib.load(io.BytesIO(saved(Evil(marker))))
    assert marker.exists()  # the trap works


@pytest.mark.slow
def test_whatever_happens_to_the_bytes_loading_them_gives_a_model_or_a_fault():
    chance, faults = random.Random(0), 0
    for _ in range(300):
        data = bytearray(tiny_bytes())
        for _ in range(chance.choice((1, 1, 3, 30))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        model = artifacts.load(bytes(data[: chance.choice((None, None, chance.randrange(len(data))))]))
        assert (model.pipeline is None) == bool(model.fault)
        faults += bool(model.fault)
    assert faults > 100


def test_classes_may_be_named_in_any_language_and_in_pictures():
    data = classes_changed(np.array(["größer", "評価 👩‍👧"], dtype=object))
    assert artifacts.load(data).fault is None


def test_a_file_of_another_scikit_learn_is_loaded_with_a_note():
    other = tiny_bytes().replace(__version__.encode(), b"0" + __version__.encode()[1:])
    model = artifacts.load(other)
    assert model.fault is None
    assert any("InconsistentVersionWarning" in note or "unpickle" in note for note in model.notes)
    assert artifacts.load(tiny_bytes()).notes == ()


def test_gate_toml_says_what_else_may_be_loaded_and_how_much():
    assert artifacts.limits_of({}) == Limits()
    found = artifacts.limits_of({"artifacts": {"allow": [CENTROID], "max_megabytes": 2}})
    assert found == Limits((CENTROID,), 2_000_000)
    costs = {"max_objects": 5_000, "memory_megabytes": 500, "seconds": 2.5}
    assert artifacts.limits_of({"artifacts": costs}) == Limits(objects=5_000, memory=500_000_000, seconds=2.5)
    assert artifacts.load(FAULTY["a type not on the list"][0](), found).fault is None
    for section, words in (
        ({"max_megabytes": 0}, "max_megabytes must be from 0.001 to 1,000,000"),
        ({"max_megabytes": -1.5}, "max_megabytes must be from 0.001 to 1,000,000"),
        ({"max_megabytes": float("nan")}, "max_megabytes must be from 0.001 to 1,000,000"),
        ({"max_megabytes": float("inf")}, "max_megabytes must be from 0.001 to 1,000,000"),
        ({"max_megabytes": "2"}, "max_megabytes must be a number"),
        ({"max_objects": 0}, "max_objects must be from 1000"),
        ({"max_objects": 1e6}, "max_objects must be a whole number"),
        ({"memory_megabytes": 99}, "memory_megabytes must be from 100 to 1,000,000, not 99"),
        ({"seconds": 0}, "seconds must be from 1 to 1,000,000, not 0"),
        ({"allow": CENTROID}, "allow must be a list of texts in quotes"),
        ({"alow": []}, "has no key 'alow'"),
    ):
        with pytest.raises(MlgateError, match=words):
            artifacts.limits_of({"artifacts": section})


# ---- answers ----


def answering(labels, scores=None) -> Model:
    last = SimpleNamespace(predict=lambda rows: labels)
    if scores is not None:
        last.predict_proba = lambda rows: np.array(scores)
    pipeline = SimpleNamespace(steps=[("nothing", "passthrough"), ("last", last)], classes_=np.array(["a", "b"]))
    return Model("digest", 1, pipeline)


def test_a_model_answers_with_labels_and_where_it_has_them_probabilities():
    labels, scores = artifacts.load(tiny_bytes()).answer(["good film", "bad film", "good"])
    assert labels.tolist() == ["positive", "negative", "positive"]
    assert scores.shape == (3, 2)
    assert np.allclose(scores.sum(axis=1), 1)
    assert np.array_equal(scores, tiny().predict_proba(["good film", "bad film", "good"]))
    labels, scores = answering(["a", "b"]).answer(["x", "y"])
    assert scores is None
    assert labels.tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("labels", "scores", "words"),
    [
        (["a"], None, r"answers of shape \(1,\) to 2 rows"),
        ([["a"], ["b"]], None, r"answers of shape \(2, 1\)"),
        (["a", "b"], [[0.5, 0.5]], r"scores of shape \(1, 2\)"),
        (["a", "b"], [[1.0], [1.0]], r"scores of shape \(2, 1\)"),
        (["a", "b"], [[0.5, 0.5], [np.nan, 0.5]], "not probabilities"),
        (["a", "b"], [[0.5, 0.5], [np.inf, 0.5]], "not probabilities"),
        (["a", "b"], [[0.5, 0.5], [-0.1, 1.0]], "not probabilities"),
        (["a", "b"], [[0.5, 0.5], [0.1, 1.1]], "not probabilities"),
        (["a", "b"], [[0.5, 0.5], [0.999, 1.0]], "do not add up to 1"),
        (["a", "b"], [[0.5, 0.5], [0.0, 0.0]], "do not add up to 1"),
        (["a", "b"], [[0.5, 0.49], [0.5, 0.5]], "do not add up to 1"),
    ],
)
def test_answers_of_another_shape_and_scores_that_are_no_probabilities_are_refused(labels, scores, words):
    with pytest.raises(ValueError, match=words):
        answering(labels, scores).answer(["x", "y"])


@pytest.mark.parametrize("last", [LogisticRegression(), LinearSVC()], ids=["probabilities", "distances"])
@pytest.mark.parametrize("vectoriser", [TfidfVectorizer(), Dense()], ids=["sparse", "dense"])
def test_asking_for_the_label_does_not_change_what_the_scores_are_computed_from(vectoriser, last):
    """A scaler with copy=False scales the rows where they are: a second time, if it is asked a second time."""
    inner = make_pipeline(StandardScaler(with_mean=False, copy=False), last)
    pipeline = make_pipeline(vectoriser, inner).fit(TEXTS, LABELS)
    labels, scores = Model("digest", 1, pipeline).answer(TEXTS)
    assert labels.tolist() == pipeline.predict(TEXTS).tolist()
    if scores is not None:
        np.testing.assert_array_equal(scores, pipeline.predict_proba(TEXTS))


# ---- cards ----


def test_a_candidate_is_written_with_a_card_that_describes_its_bytes(root):
    for path in (root.verdict, root.preview):
        path.parent.mkdir(exist_ok=True)
        path.write_text("about another candidate")
    written = artifacts.write_candidate(root, tiny(2.0), {"recipe": "tiny", "severity": 0.0})
    card = json.loads(root.candidate_card.read_bytes())
    assert next(iter(card)) == "digest"
    assert card["digest"] == written.digest == artifacts.digest(root.candidate.read_bytes())
    assert card["bytes"] == len(root.candidate.read_bytes()) == written.size
    assert card["classes"] == ["negative", "positive"]
    assert (card["recipe"], card["severity"]) == ("tiny", 0.0)
    assert {"python", "scikit-learn", "numpy", "scipy", "joblib"} == set(card["versions"])
    assert card["machine"]
    assert not root.verdict.exists()
    assert not root.preview.exists()
    assert card == written.card.as_dict()
    loaded = artifacts.load_candidate(root)
    assert (loaded.digest, loaded.fault, loaded.card) == (written.digest, None, written.card)


@pytest.mark.slow
def test_killed_while_it_is_written_a_candidate_is_the_old_or_the_new_one_or_says_that_it_is_neither(root):
    artifacts.write_candidate(root, tiny(2.0), {})
    old = root.candidate.read_bytes(), root.candidate_card.read_bytes()
    seen = set()
    for step in range(1, 200):
        root.candidate.write_bytes(old[0])
        root.candidate_card.write_bytes(old[1])
        root.verdict.write_text("{}")
        outcome = killed_at(step, lambda: artifacts.write_candidate(root, tiny(3.0), {}))
        model = artifacts.load_candidate(root)
        assert not (root.verdict.exists() and model.digest == name_of(3.0))
        seen.add((model.digest, bool(model.fault)))
        if outcome == "done":
            break
    assert seen == {(name_of(2.0), False), (name_of(2.0), True), (name_of(3.0), False)}


CARDS = {
    "none": None,
    "of another model": {"digest": name_of(3.0)},
    "without a digest": {},
    "a list": [],
    "garbage": b"\x00\xff{",
    "deep": b"[" * 100_000,
    "not a number": {"digest": name_of(2.0), "x": float("nan")},
    "too large a number": b'{"digest": "%b", "x": 1e999}' % name_of(2.0).encode(),
}


def put(path, card) -> None:
    path.unlink(missing_ok=True)
    if card is not None:
        path.write_bytes(card if isinstance(card, bytes) else json.dumps(card).encode())


@pytest.mark.parametrize("kind", CARDS)
def test_a_candidate_whose_card_does_not_describe_it_is_never_unpickled(kind, root, monkeypatch):
    artifacts.write_candidate(root, tiny(2.0), {})
    put(root.candidate_card, CARDS[kind])
    monkeypatch.setattr(unpickling, "loads", None)
    model = artifacts.load_candidate(root)
    assert model.pipeline is None
    assert "card.json does not describe these bytes" in model.fault
    assert "notebook 02" in model.fault


@pytest.mark.parametrize("kind", CARDS)
def test_production_whose_card_does_not_describe_it_is_never_unpickled(kind, tmp_path, monkeypatch):
    root = tiny_root(tmp_path / "root", 2.0)
    put(root.cards / f"{name_of(2.0)}.json", CARDS[kind])
    monkeypatch.setattr(unpickling, "loads", None)
    with pytest.raises(MlgateError, match=rf"{name_of(2.0)[:12]} has no card in .*not known\. .*git checkout"):
        artifacts.load_production(root)


def test_an_evil_candidate_that_brings_its_own_card_runs_nothing(root, tmp_path):
    marker = tmp_path / "marker"
    data = saved(Evil(marker))
    artifacts.write_candidate(root, tiny(2.0), {})
    root.candidate.write_bytes(data)
    put(root.candidate_card, {"digest": artifacts.digest(data)})
    model = artifacts.load_candidate(root)
    assert "tries to run foreign code" in model.fault
    assert not marker.exists()


def test_production_that_the_allow_list_refuses_is_an_error_that_says_why(root, tmp_path):
    data = bytes(Evil(tmp_path / "marker"))
    root.production.write_bytes(data)
    put(root.cards / f"{artifacts.digest(data)}.json", {"digest": artifacts.digest(data)})
    with pytest.raises(MlgateError, match=r"cannot be used: .*foreign code.*git checkout"):
        artifacts.load_production(root)
    assert not (tmp_path / "marker").exists()


def test_what_is_not_there_is_said_in_one_line_with_the_notebook_that_makes_it(tmp_path):
    root = Root(tmp_path)
    with pytest.raises(MlgateError, match=r"There is no file .*artifacts_prod/pipeline.pkl\. Run notebook 01 first"):
        artifacts.load_production(root)
    with pytest.raises(MlgateError, match=r"There is no file .*artifacts_candidate/pipeline.pkl\. Run notebook 02"):
        artifacts.load_candidate(root)
    with pytest.raises(MlgateError, match=r"There is no file .*mine.pkl\. Check the path"):
        artifacts.load_file(tmp_path / "mine.pkl", Limits())
    with pytest.raises(MlgateError, match="cannot be read: Is a directory"):
        artifacts.load_file(tmp_path, Limits())


def test_json_files_hold_half_characters_that_come_back_as_they_were_and_no_number_that_json_has_not():
    value = {"reason": "ein \ud800 und ein ü \u2028", "list": [0.1, None]}
    assert json.loads(artifacts.to_json(value)) == value
    with pytest.raises(ValueError, match="JSON compliant"):
        artifacts.to_json({"x": float("nan")})
