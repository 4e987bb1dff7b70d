"""Both models get the same rows in one call; a candidate at fault says why, and rows or production at fault stop it."""

import hashlib
import subprocess
import sys
import time
from dataclasses import dataclass, replace

from mlgate import artifacts
from mlgate.answers import score_answers, scoring
from mlgate.corpus import Batch, Rows, Source, rows_in
from mlgate.errors import MlgateError

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import brier_score_loss, confusion_matrix
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.svm import LinearSVC

CLASSES = ("cold", "mild", "hot")


@dataclass
class Stub:
    """A model that answers from a table: text -> (label, probabilities or None)."""

    answers: dict
    classes: np.ndarray
    digest: str = "d" * 64
    size: int = 10
    load_seconds: float = 0.1
    fault: str | None = None
    limits: None = None
    dies_at: str | None = None

    def answer(self, texts):
        if self.dies_at in texts:
            raise KeyError("a word\nthat is new")
        labels = np.array([self.answers[text][0] for text in texts])
        scores = [self.answers[text][1] for text in texts]
        return labels, None if scores[0] is None else np.array(scores)


def stubs(count=400, seed=0, classes=CLASSES, scored=True):
    """A frame of rows and two models of these classes, as stubs: the candidate knows the classes in another order."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"text": [f"text {number}" for number in range(count)], "label": random.choice(classes, count)}
    )
    frame["where"] = random.choice(["north", "south", ""], count)
    frame.loc[:2, "where"] = ["north", "south", ""]  # the order in which slices are met is not that of their names
    models = []
    for order in (list(classes), list(classes)[::-1]):
        scores = random.dirichlet(np.ones(len(classes)), count)
        labels = [order[place] for place in scores.argmax(axis=1)]
        answers = zip(labels, scores if scored else [None] * count, strict=True)
        models.append(Stub(dict(zip(frame["text"], answers, strict=True)), np.array(order), str(len(models)) * 64))
    return frame, *models


def rows(frame, size=100):
    """The frame as rows to judge on, `size` a batch."""

    def batches():
        for start in range(0, len(frame), size):
            part = frame.iloc[start : start + size]
            yield Batch(part["text"].tolist(), part["label"].astype(str).tolist(), part["where"].tolist())

    return Rows("some rows", "e" * 64, batches)


def counted(card):
    answers = (*card.classes, None)
    lines = zip(card.cells.tolist(), card.counts.tolist(), strict=True)
    return {(card.slices[s], answers[t], answers[p], answers[c]): count for (s, t, p, c), count in lines}


def score(production, candidate, frame, size=100):
    return scoring.score(production, candidate, rows(frame, size), probing=False)


# ---- two models, the same rows ----


def test_what_is_counted_is_what_both_models_answered_row_by_row():
    frame, production, candidate = stubs()
    card = score(production, candidate, frame)
    answers = [[model.answers[text][0] for text in frame["text"]] for model in (production, candidate)]
    expected = {}
    for cell in zip(frame["where"], frame["label"], *answers, strict=True):
        expected[cell] = expected.get(cell, 0) + 1
    assert counted(card) == expected
    for name, given in zip(("production", "candidate"), answers, strict=True):
        np.testing.assert_array_equal(
            card.confusion(name)[:, :3], confusion_matrix(frame["label"], given, labels=CLASSES)
        )
    assert (card.name, card.count, card.digest) == ("some rows", 400, "e" * 64)
    assert (card.production.digest, card.candidate.digest) == ("0" * 64, "1" * 64)
    assert card.candidate.fault is None


def test_probabilities_are_put_into_one_order_before_they_are_scored():
    frame, production, candidate = stubs()
    card = score(production, candidate, frame)
    for model, found in zip((production, candidate), card.brier, strict=True):
        scores = np.array([model.answers[text][1] for text in frame["text"]])
        assert found == pytest.approx(
            brier_score_loss(
                frame["label"], scores[:, np.argsort(model.classes)], labels=sorted(CLASSES), scale_by_half=False
            )
        )
        sure = scores.max(axis=1)
        right = np.array([model.answers[text][0] for text in frame["text"]]) == frame["label"].to_numpy()
        bins = np.minimum((sure * 15).astype(int), 14)
        gap = sum(abs((sure - right)[bins == place].sum()) for place in range(15)) / 400
        assert card.calibration_error[model is candidate] == pytest.approx(gap)


def test_the_digest_of_the_file_is_the_digest_of_the_rows(tmp_path):
    frame, production, candidate = stubs()
    frame.to_csv(tmp_path / "rows.csv", index=False)
    card = scoring.score(
        production, candidate, rows_in(Source(tmp_path / "rows.csv", slice_column="where")), probing=False
    )
    assert card.digest == hashlib.sha256((tmp_path / "rows.csv").read_bytes()).hexdigest()
    assert card.slices == ("(empty)", "north", "south")


@pytest.mark.parametrize("size", [1, 7, 399, 400, 1_000])
def test_batch_boundaries_do_not_matter(size):
    frame, production, candidate = stubs()
    one, other = (score(production, candidate, frame, part) for part in (100, size))
    assert counted(one) == counted(other)
    np.testing.assert_array_equal(one.cells, other.cells)
    np.testing.assert_allclose(one.scores, other.scores)
    np.testing.assert_allclose(one.reliability, other.reliability)


def test_the_scorecard_of_a_file_is_the_sum_of_those_of_its_parts():
    frame, production, candidate = stubs()
    whole = score(production, candidate, frame)
    parts = [
        score(production, candidate, frame.iloc[chosen]) for chosen in (slice(300, 400), slice(0, 150), slice(150, 300))
    ]
    total = parts[0] + parts[1] + parts[2]
    np.testing.assert_array_equal(total.cells, whole.cells)
    np.testing.assert_array_equal(total.counts, whole.counts)
    np.testing.assert_allclose(total.scores, whole.scores)
    np.testing.assert_allclose(total.reliability, whole.reliability)
    assert total.slices == whole.slices


def test_texts_that_are_repeated_are_counted_whatever_batch_they_are_in():
    frame, production, candidate = stubs(300)
    assert score(production, candidate, frame).repeats == 0
    again = pd.concat([frame, frame[:45]])
    assert score(production, candidate, again).repeats == 45


def test_scores_of_a_slice_are_those_of_its_rows():
    frame, production, candidate = stubs()
    card = score(production, candidate, frame)
    for name in card.slices:
        alone = score(production, candidate, frame[frame["where"] == name])
        np.testing.assert_allclose(card.scores[card.slices.index(name)], alone.scores[0])


@pytest.mark.parametrize("without", [0, 1])
def test_no_probabilities_of_one_model_are_no_scores_of_either(without):
    frame, *models = stubs()
    models[without].answers = {text: (label, None) for text, (label, _) in models[without].answers.items()}
    card = score(*models, frame)
    assert card.brier is None
    assert card.calibration_error is None
    assert card.candidate.fault is None


# ---- real models of several kinds ----

TEXTS = ["good film great fun", "bad film awful", "great fun good", "awful boring bad", "a film", "boring"] * 20


@pytest.mark.slow
@pytest.mark.parametrize("labels", [["pos", "neg"], [1, 0], [True, False], ["a", "b", "c"], [5, -3, 0, 12]], ids=str)
@pytest.mark.parametrize(
    "steps",
    [
        lambda: (TfidfVectorizer(), LogisticRegression()),
        lambda: (CountVectorizer(), MultinomialNB()),
        lambda: (TfidfVectorizer(), LinearSVC()),
        lambda: (
            FeatureUnion([("words", TfidfVectorizer()), ("chars", TfidfVectorizer(analyzer="char"))]),
            SGDClassifier(),
        ),
        lambda: (TfidfVectorizer(), CalibratedClassifierCV(LinearSVC(), cv=2)),
    ],
    ids=["logistic", "bayes", "svc", "union and sgd", "calibrated"],
)
def test_models_of_any_kind_and_classes_are_answered_as_they_predict(steps, labels, tmp_path):
    truth = [labels[number % len(labels)] for number in range(len(TEXTS))]
    pipeline = make_pipeline(*steps()).fit(TEXTS, truth)
    model = artifacts.load(artifacts.dump(pipeline))
    pd.DataFrame({"text": TEXTS, "label": truth}).to_csv(tmp_path / "rows.csv", index=False)
    card = scoring.score(model, replace(model, digest="other"), rows_in(Source(tmp_path / "rows.csv")))
    right = float((pipeline.predict(TEXTS) == np.array(truth)).mean())
    assert card.accuracy == (right, right)
    assert card.answered_differently == 0
    assert card.classes == tuple(map(str, pipeline.classes_.tolist()))
    assert (card.brier is None) == (not hasattr(pipeline, "predict_proba"))


# ---- a candidate at fault ----


def changed(model, **changes):
    return replace(model, **changes)


def test_a_candidate_that_raises_half_way_is_at_fault_and_its_rows_count_as_unanswered():
    frame, production, candidate = stubs()
    card = score(production, changed(candidate, dies_at="text 250"), frame)
    assert card.candidate.fault == "it cannot answer some rows: KeyError: 'a word\\nthat is new'"
    assert card.count == 400
    assert card.confusion("candidate")[:, 3].sum() == 200
    assert card.accuracy[0] == score(production, candidate, frame).accuracy[0]


def test_a_candidate_that_would_not_load_is_not_asked():
    frame, production, candidate = stubs()
    card = score(production, changed(candidate, fault="it is damaged", dies_at="text 0"), frame)
    assert card.candidate.fault == "it is damaged"
    assert card.confusion("candidate")[:, 3].sum() == 400
    assert card.answered_differently == 400


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        (["cold", "hot"], "its classes are cold, hot; production's are cold, hot, mild"),
        (["cold", "hot", "mild", "warm"], "its classes are cold, hot, mild, warm; production's are cold, hot, mild"),
        (["cold", "hot", "Mild"], "its classes are Mild, cold, hot; production's are cold, hot, mild"),
        ([0, 1, 2], "its classes are 0, 1, 2; production's are cold, hot, mild"),
    ],
    ids=["subset", "superset", "other", "numbers"],
)
def test_other_classes_are_a_fault(classes, said):
    frame, production, candidate = stubs()
    assert score(production, changed(candidate, classes=np.array(classes)), frame).candidate.fault == said


@pytest.mark.parametrize(
    ("production", "candidate", "said"),
    [
        ([0, 1], ["0", "1"], "its answers are texts, production's are integers: clients would get another type"),
        (["0", "1"], [0, 1], "its answers are integers, production's are texts: clients would get another type"),
        (["False", "True"], [False, True], "its answers are booleans, production's are texts"),
    ],
    ids=str,
)
def test_classes_of_another_type_are_a_fault(production, candidate, said):
    frame, one, other = stubs(classes=tuple(map(str, production)))
    card = score(changed(one, classes=np.array(production)), changed(other, classes=np.array(candidate)), frame)
    assert card.candidate.fault.startswith(said)


def test_an_answer_that_is_none_of_its_classes_is_a_fault():
    frame, production, candidate = stubs()
    candidate.answers["text 7"] = ("warm", candidate.answers["text 7"][1])
    said = score(production, candidate, frame).candidate.fault
    assert said.startswith("it cannot answer some rows: ValueError: answers ")
    assert "'warm'" in said
    assert said.endswith("which is none of its classes")


def real(last, labels, **state):
    """A fitted pipeline whose last step was tampered with, saved and loaded."""
    pipeline = make_pipeline(TfidfVectorizer(), last).fit(TEXTS, labels)
    for name, change in state.items():
        setattr(pipeline[-1], name, change(getattr(pipeline[-1], name)))
    return artifacts.load(artifacts.dump(pipeline))


def nan_somewhere(weights):
    return np.where(np.arange(weights.size).reshape(weights.shape) == 3, np.nan, weights)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("last", "state", "said"),
    [
        (LogisticRegression, {"coef_": nan_somewhere}, "scores that are not probabilities"),
        (LogisticRegression, {"intercept_": lambda weights: weights * np.nan}, "scores that are not probabilities"),
        (LinearSVC, {"coef_": nan_somewhere}, "scores that are no numbers"),
        (LinearSVC, {"intercept_": lambda weights: weights + np.inf}, "scores that are no numbers"),
        (LogisticRegression, {"coef_": lambda weights: weights[:, :-1]}, "ValueError"),
        (
            LogisticRegression,
            {"classes_": lambda classes: classes[[0, 0]]},
            "two of its classes have the same name",
        ),
        (LogisticRegression, {"classes_": lambda classes: classes[:1]}, "it has no fitted classes"),
        (MultinomialNB, {"feature_log_prob_": nan_somewhere}, "scores that are not probabilities"),
    ],
    ids=[
        "nan weight",
        "nan intercept",
        "nan in svc",
        "infinite svc",
        "shape",
        "twice a class",
        "one class",
        "nan bayes",
    ],
)
def test_a_model_that_computes_nonsense_is_a_fault(last, state, said, tmp_path):
    labels = ["neg", "pos"] * (len(TEXTS) // 2)
    pd.DataFrame({"text": TEXTS, "label": labels}).to_csv(tmp_path / "rows.csv", index=False)
    sound, broken = real(LogisticRegression(), labels), real(last(), labels, **state)
    where = rows_in(Source(tmp_path / "rows.csv"))
    assert said in scoring.score(sound, broken, where).candidate.fault
    if not broken.fault:
        with pytest.raises(MlgateError, match=r"Production is at fault: it cannot answer rows\.csv: .*Fix the model"):
            scoring.score(broken, sound, where)


# ---- rows at fault, production at fault ----


def test_a_label_production_does_not_know_is_named_with_those_it_does():
    frame, production, candidate = stubs()
    frame.loc[333, "label"] = "warm"
    with pytest.raises(
        MlgateError, match=r"some rows has the label 'warm', .* its classes are 'cold', 'mild', 'hot'\."
    ):
        score(production, candidate, frame)


def test_of_many_classes_ten_are_named():
    frame, production, candidate = stubs(classes=[f"class {number}" for number in range(10, 22)])
    frame.loc[333, "label"] = "warm"
    with pytest.raises(MlgateError, match=r"its classes are 'class 10', .*, 'class 19'\. Check the label column"):
        score(production, candidate, frame)


def test_labels_that_are_numbers_may_be_written_as_such(tmp_path):
    frame, production, candidate = stubs(classes=("0", "1"))
    expected = score(production, candidate, frame)
    assert counted(score(production, candidate, frame.assign(label=frame["label"].astype(float)))) == counted(expected)
    with pytest.raises(MlgateError, match=r"some rows has the label '0\.5', which the production model does not know"):
        score(production, candidate, frame.assign(label=0.5))


def test_production_that_raises_is_an_error_and_not_a_verdict():
    frame, production, candidate = stubs()
    with pytest.raises(
        MlgateError, match=r"Production is at fault: it cannot answer some rows: KeyError: .*Fix the model"
    ):
        score(changed(production, dies_at="text 399"), candidate, frame)


def test_rows_of_one_label_and_no_rows_are_refused():
    frame, production, candidate = stubs()
    with pytest.raises(MlgateError, match="All rows of some rows have one label"):
        score(production, candidate, frame[frame["label"] == "hot"])
    with pytest.raises(MlgateError, match="There are no rows in some rows"):
        score(production, candidate, frame.iloc[:0])


def test_slices_are_counted_up_to_a_limit():
    frame, production, candidate = stubs(1_200)
    frame["where"] = [f"place {number % 1_000}" for number in range(1_200)]
    assert len(score(production, candidate, frame).slices) == 1_000
    frame["where"] = [f"place {number % 1_001}" for number in range(1_200)]
    with pytest.raises(MlgateError, match=r"The slice column has more than 1,000 values\. Choose a coarser one\."):
        score(production, candidate, frame)


# ---- answers in a file ----


def answers(tmp_path, frame, *columns, suffix="csv"):
    path = tmp_path / f"rows.{suffix}"
    frame.to_parquet(path) if suffix == "parquet" else frame.to_csv(path, index=False)
    return score_answers(path, *columns)


def table(count=500, classes=CLASSES, seed=0):
    random = np.random.default_rng(seed)
    columns = {name: random.choice(list(classes), count) for name in ("y", "a", "b")}
    return pd.DataFrame({**columns, "where": random.choice(["north", "south"], count)})


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("classes", [CLASSES, (0, 1), (-1, 7, 12), (True, False)], ids=str)
def test_answers_are_counted_as_they_stand(tmp_path, suffix, classes):
    frame = table(classes=classes)
    card = answers(tmp_path, frame, "y", "a", "b", "where", suffix=suffix)
    expected = frame.groupby(["where", "y", "a", "b"]).size()
    assert counted(card) == {(cell[0], *map(str, cell[1:])): count for cell, count in expected.items()}
    assert card.digest == hashlib.sha256((tmp_path / f"rows.{suffix}").read_bytes()).hexdigest()
    assert card.brier is None


def test_answers_read_in_batches_are_those_read_at_once(tmp_path, monkeypatch):
    frame = table(5_000)
    once = answers(tmp_path, frame, "y", "a", "b", "where")
    monkeypatch.setattr("mlgate.corpus.files.BLOCK", 1 << 12)
    again = answers(tmp_path, frame, "y", "a", "b", "where")
    np.testing.assert_array_equal(once.cells, again.cells)
    np.testing.assert_array_equal(once.counts, again.counts)


def test_answers_of_files_add_up(tmp_path):
    frame = table(900)
    whole = answers(tmp_path, frame, "y", "a", "b", "where")
    parts = [answers(tmp_path, frame.iloc[start::3], "y", "a", "b", "where") for start in range(3)]
    assert counted(parts[2] + parts[0] + parts[1]) == counted(whole)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("warm", "it answers 'warm', which is neither a label nor an answer of production's"),
        ("w" * 1_000, "it answers 'wwwwww"),
        ("w" * 10_000, "some of its answers are longer than 1,000 characters"),
        (None, "some of its answers are empty"),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_strange_or_missing_answer_of_the_candidate_is_its_fault(tmp_path, answer, said, suffix):
    frame = table().astype(object)
    frame.loc[77, "b"] = answer
    card = answers(tmp_path, frame, "y", "a", "b", suffix=suffix)
    assert card.candidate.fault.startswith(said)
    assert card.confusion("candidate")[:, 3].sum() == 1


def test_a_class_that_only_production_answers_is_no_fault(tmp_path):
    frame = table()
    frame.loc[5, ["a", "b"]] = "warm"
    card = answers(tmp_path, frame, "y", "a", "b")
    assert card.candidate.fault is None
    assert card.classes == ("cold", "hot", "mild", "warm")


@pytest.mark.parametrize("column", ["y", "a"])
@pytest.mark.parametrize("cell", [None, " "], ids=["empty", "blank"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_missing_label_or_answer_of_production_is_named_by_its_row(tmp_path, column, cell, suffix):
    frame = table().astype(object)
    frame.loc[77, column] = cell
    with pytest.raises(MlgateError, match=f"rows.{suffix}, row 78: column '{column}' is empty"):
        answers(tmp_path, frame, "y", "a", "b", suffix=suffix)


@pytest.mark.parametrize("column", ["y", "a"])
def test_a_column_of_numbers_is_no_column_of_classes(tmp_path, column):
    frame = table(1_500)
    frame[column] = np.random.default_rng(0).random(1_500)
    with pytest.raises(MlgateError, match=f"Column '{column}' has more than 1,000 values: it holds no classes"):
        answers(tmp_path, frame, "y", "a", "b")


def test_answers_need_rows_two_labels_and_few_slices(tmp_path):
    frame = table(1_500)
    with pytest.raises(MlgateError, match=r"There are no rows in rows\.csv"):
        answers(tmp_path, frame.iloc[:0], "y", "a", "b")
    with pytest.raises(MlgateError, match=r"All rows of rows\.csv have one label"):
        answers(tmp_path, frame.assign(y="hot"), "y", "a", "b")
    with pytest.raises(MlgateError, match="The slice column has more than 1,000 values"):
        answers(tmp_path, frame.assign(where=range(1_500)), "y", "a", "b", "where")
    with pytest.raises(MlgateError, match=r"has no column 'c'; it has 'y', 'a', 'b', 'where'"):
        answers(tmp_path, frame, "y", "a", "c")


# ---- memory ----

JUDGE = """
import resource, sys
from mlgate import tables
from mlgate.cli import main
tables.BLOCK = 1 << 16
code = main(sys.argv[1:])
print(code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path):
    """Two million rows take no more memory than 10,000: a few batches, and what is counted."""
    lines = "".join(
        f"{number % 3},{(number + (number % 10 == 0)) % 3},{(number + (number % 9 == 0)) % 3},slice {number % 5}\n"
        for number in range(10_000)
    )
    columns = ["--production-column", "production", "--candidate-column", "candidate", "--slice-column", "where"]
    used = []
    for times in (1, 200):
        path = tmp_path / f"{times}.csv"
        with open(path, "w") as file:
            file.write("label,production,candidate,where\n")
            file.writelines([lines] * times)
        command = [sys.executable, "-c", JUDGE, "judge", "--answers", path, *columns]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        code, kilobytes = map(int, done.stderr.split())
        assert code == 4
        assert f"{times * 10_000:,} {times}.csv rows" in done.stdout
        used.append(kilobytes)
    assert used[1] < used[0] + 20_000


@pytest.mark.slow
def test_two_models_are_probed_and_one_beside_itself_is_not():
    frame = pd.DataFrame({"text": TEXTS, "label": list("abab") * 30, "where": ""})
    first = real(MultinomialNB(), frame["label"])
    second = real(MultinomialNB(alpha=3.0), frame["label"])
    assert scoring.score(first, second, rows(frame)).probes is not None
    assert scoring.score(first, first, rows(frame)).probes is None
    assert scoring.score(first, second, rows(frame), probing=False).probes is None
    assert scoring.score(first, second, rows(frame, size=len(frame))).probes is not None  # in one batch, too


def test_what_is_probed_is_productions_and_the_candidates_in_this_order(monkeypatch):
    frame, production, candidate = stubs()
    asked = []
    monkeypatch.setattr(scoring, "probe", lambda *models_and_texts: asked.append(models_and_texts[:2]))
    scoring.score(production, candidate, rows(frame))
    assert [[model.digest for model in pair] for pair in asked] == [[production.digest, candidate.digest]]


def test_the_time_that_answers_took_is_a_part_of_all_and_none_where_nothing_was_asked():
    frame, production, candidate = stubs()
    candidate.fault = "it will not load"
    begun = time.perf_counter()
    found = scoring.score(production, candidate, rows(frame))
    assert found.candidate.predict_seconds == 0
    assert 0 < found.production.predict_seconds < time.perf_counter() - begun
