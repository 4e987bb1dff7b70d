"""What people read in single rows: the words that did it, only rows that flipped, nothing unescaped, nothing sealed."""

import html
import re
from functools import cache

from mlgate import artifacts, corpus, recipes
from mlgate.answers import scoring
from mlgate.errors import MlgateError
from mlgate.gate import Policy, judge
from mlgate.reporting.explain import (
    EXCERPT,
    LOST,
    WON,
    checks_table,
    excerpt,
    flip_table,
    flips,
    words,
)
from mlgate.reporting.tables import Table, mark
from mlgate.reporting.word_weights import Reader

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier


@cache
def sample(split: str, size: int) -> pd.DataFrame:
    return corpus.split(split).sample(size, random_state=0)


@cache
def trained(name: str) -> artifacts.Model:
    return artifacts.load(artifacts.dump(recipes.named(name).train(sample("train", 800))))


VALIDATION = "validation", 400
PAIRS = [
    *(("baseline", name) for name in ("baseline", "challenger", "noisy_labels", "wrong_preprocessing")),
    ("noisy_labels", "baseline"),
]
LINEAR = {
    "binary": lambda: make_pipeline(TfidfVectorizer(), LogisticRegression()),
    "two steps": lambda: make_pipeline(CountVectorizer(ngram_range=(1, 2)), TfidfTransformer(), LinearSVC()),
    "union": lambda: make_pipeline(
        FeatureUnion([("one", TfidfVectorizer()), ("two", CountVectorizer(ngram_range=(1, 2)))]), SGDClassifier()
    ),
    "sparse": lambda: make_pipeline(TfidfVectorizer(), SGDClassifier(penalty="l1")),
    "passed through": lambda: Pipeline([("tfidf", TfidfVectorizer()), ("no", "passthrough"), ("c", RidgeClassifier())]),
}
OTHERS = {
    "tree": lambda: make_pipeline(TfidfVectorizer(), DecisionTreeClassifier(max_depth=3)),
    "calibrated": lambda: make_pipeline(TfidfVectorizer(), CalibratedClassifierCV(LogisticRegression())),
    "hashed": lambda: make_pipeline(HashingVectorizer(n_features=256), LogisticRegression()),
    "projected": lambda: make_pipeline(TfidfVectorizer(), TruncatedSVD(5), LogisticRegression()),
    "support vectors": lambda: make_pipeline(TfidfVectorizer(), SVC(kernel="linear")),
}


def fitted(make, classes: int) -> tuple[Pipeline, pd.DataFrame]:
    rows = sample("train", 150)
    labels = rows["label"] if classes == 2 else [f"{label} {number % 2}" for number, label in enumerate(rows["label"])]
    model = make().fit(rows["text"], labels)
    if isinstance(model[-1], SGDClassifier) and model[-1].penalty == "l1":
        model[-1].sparsify()
    return model, rows.assign(label=labels)


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("name", LINEAR)
def test_all_words_and_the_intercept_add_up_to_the_decision_function(name, classes):
    model, rows = fitted(LINEAR[name], classes)
    texts, reader = rows["text"].tolist()[:5], Reader(model)
    decision = model.decision_function(texts)
    decision = np.column_stack([-decision, decision]) if classes == 2 else decision
    intercept = np.ravel(model[-1].intercept_)
    intercept = np.array([-intercept[0], intercept[0]]) if classes == 2 else intercept
    for place, label in enumerate(model.classes_):
        for text, decided in zip(texts, decision[:, place], strict=True):
            weights = reader.weights(text, label)
            assert sum(weights.values()) + intercept[place] == pytest.approx(decided)
    positive = {word: weight for word, weight in weights.items() if weight > 0}
    assert dict(words(model, text, label, most=10_000)) == positive


@pytest.mark.slow
def test_the_heaviest_words_come_first_and_belong_to_the_answer():
    text = "A wonderful, wonderful film with a boring ending."
    model = trained("baseline")
    found = words(model, text, "positive")
    assert found[0][0] == "wonderful"
    assert [weight for _, weight in found] == sorted((weight for _, weight in found), reverse=True)
    assert words(model, text, "negative")[0][0] == "boring"
    assert words(model, text) == words(model.pipeline, text, model.answer([text])[0][0])
    assert words(model, "qwertz") == []
    assert words(model, "") == []


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_where_words_have_no_weight_there_are_none_and_flips_still_work(name):
    model, rows = fitted(OTHERS[name], 2)
    assert words(model, rows["text"].iloc[0]) == []
    found = flips(trained("baseline"), model, sample(*VALIDATION))
    assert len(found) == 6
    assert not any(found["words"])
    assert flip_table(trained("baseline"), model, sample(*VALIDATION))._repr_html_().count("<tr>") == 7


@pytest.mark.slow
@pytest.mark.parametrize(("production", "candidate"), PAIRS)
def test_only_rows_that_flipped_are_shown_regressions_first(production, candidate):
    rows = sample(*VALIDATION)
    found = flips(trained(production), trained(candidate), rows)
    for line in found.itertuples():
        row = rows.loc[line.row]
        answers = [model.answer([row["text"]])[0][0] for model in (trained(production), trained(candidate))]
        assert [line.production, line.candidate] == answers
        assert line.truth == row["label"]
        assert (answers[0] == row["label"]) is (line.flip == LOST)
        assert (answers[1] == row["label"]) is (line.flip == WON)
    assert found["flip"].tolist() == sorted(found["flip"])
    batch = corpus.Batch(rows["text"].tolist(), rows["label"].tolist(), rows["source"].tolist())
    card = scoring.score(trained(production), trained(candidate), corpus.Rows("validation", "d", lambda: iter([batch])))
    assert (found.attrs[WON], found.attrs[LOST]) == card.discordant
    assert len(found) == min(6, sum(card.discordant))


@pytest.mark.slow
def test_the_worst_regression_comes_first():
    rows, model = sample(*VALIDATION), trained("noisy_labels")
    found = flips(trained("baseline"), model, rows, most=1_000)
    truths = [list(model.classes).index(label) for label in found["truth"]]
    after = model.answer(rows.loc[found["row"], "text"].tolist())[1][range(len(found)), truths]
    before = trained("baseline").answer(rows.loc[found["row"], "text"].tolist())[1][range(len(found)), truths]
    fallen = (before - after)[: found.attrs[LOST]]
    assert (np.diff(fallen) <= 1e-12).all()
    assert found.attrs[LOST] + found.attrs[WON] == len(found)


@pytest.mark.slow
@pytest.mark.parametrize(("most", "lost", "won"), [(6, 3, 3), (5, 3, 2), (1, 1, 0), (0, 0, 0)])
def test_both_ways_have_their_half(most, lost, won):
    found = flips(trained("baseline"), trained("noisy_labels"), sample(*VALIDATION), most)
    assert found["flip"].tolist() == [LOST] * lost + [WON] * won


@pytest.mark.slow
def test_words_the_candidate_does_not_know_are_named():
    found = flips(trained("baseline"), trained("wrong_preprocessing"), sample(*VALIDATION), most=100)
    vocabulary = trained("wrong_preprocessing").pipeline[0].vocabulary_
    assert any(found["unknown"])
    for line in found.itertuples():
        assert line.unknown == [word for word, _ in line.words if word not in vocabulary]
        assert all(weight > 0 for _, weight in line.words)
    shown = repr(flip_table(trained("baseline"), trained("wrong_preprocessing"), sample(*VALIDATION)))
    assert "(unknown to the candidate)" in shown


def test_sealed_rows_are_refused():
    for show in (flips, flip_table):
        with pytest.raises(MlgateError, match="sealed"):
            show(trained("baseline"), trained("noisy_labels"), corpus.split("holdout").head(3))


def test_a_candidate_that_cannot_answer_shows_nothing_and_says_why():
    broken = artifacts.load(b"no pipeline at all")
    table = flip_table(trained("baseline"), broken, sample(*VALIDATION))
    assert table.frame.empty
    assert broken.fault in repr(table)
    assert html.escape(broken.fault) in table._repr_html_()
    unfitted = make_pipeline(TfidfVectorizer(), LogisticRegression())
    assert "cannot be used" in repr(flip_table(trained("baseline"), unfitted, sample(*VALIDATION)))


def test_html_in_reviews_is_escaped_and_words_are_marked():
    rows = sample(*VALIDATION).copy()
    rows["text"] = '<br /><script>alert("1")</script> & <b>' + rows["text"]
    rows["label"] = rows["label"].to_numpy()
    table = flip_table(trained("baseline"), trained("noisy_labels"), rows)
    shown = table._repr_html_()
    tags = set(re.findall(r"</?(\w+)", shown))
    assert tags <= {"p", "table", "thead", "tbody", "tr", "th", "td", "mark"}
    assert "&lt;br /&gt;" in shown
    assert shown.count("<mark") >= len(table.frame)
    cells = re.findall(r"<td[^>]*>((?:(?!<td).)*)</td></tr>", shown, re.DOTALL)
    plain = [html.unescape(re.sub(r"</?mark[^>]*>", "", cell)) for cell in cells]
    assert plain == table.frame["review"].tolist()


def test_labels_names_and_reasons_are_escaped_too():
    table = Table("<caption>", pd.DataFrame({"<head>": ["<cell>"], "last": ["<mark>"]}))
    assert set(re.findall(r"</?(\w+)", table._repr_html_())) == {"p", "table", "thead", "tbody", "tr", "th", "td"}


@pytest.mark.parametrize(
    ("text", "found", "marked"),
    [
        ("Not Good, not goodness", ["good", "not good"], ["Not Good"]),
        ("not -- good", ["not good"], ["not -- good"]),
        ("a.b a+b", ["a+b"], ["a+b"]),
        ("nothing", [], []),
        ("nothing", [" "], []),
    ],
)
def test_words_and_pairs_of_words_are_marked_where_they_stand(text, found, marked):
    shown = mark(text, found)
    assert re.findall(r"<mark[^>]*>(.*?)</mark>", shown) == marked
    assert html.unescape(re.sub(r"</?mark[^>]*>", "", shown)) == text


@pytest.mark.parametrize("place", [0, 100, 500, 995])
def test_an_excerpt_is_short_and_holds_the_words_that_did_it(place):
    text = " ".join(["filler"] * place + ["awful"] + ["filler"] * (1000 - place))
    seen = excerpt(text, ["awful"])
    assert "awful" in seen
    assert len(seen) <= EXCERPT + 4
    assert seen.startswith("…") is (place > 100 // 7 + 10)
    assert seen.replace("… ", "").replace(" …", "") in text
    assert excerpt("short", ["awful"]) == "short"
    assert len(excerpt("x" * 5_000, [])) <= EXCERPT + 4


def test_integer_labels_and_rows_without_a_source_will_do():
    rows = sample("train", 400)[["text"]].assign(label=[number % 3 for number in range(400)])
    production, candidate = (
        make_pipeline(TfidfVectorizer(), LogisticRegression(C=C)).fit(rows["text"], rows["label"]) for C in (0.1, 5)
    )
    found = flips(production, candidate, rows)
    assert 0 < len(found) <= 6
    assert set(found["truth"]) <= {"0", "1", "2"}


@pytest.mark.slow
def test_the_table_of_checks_has_them_all():
    rows = sample(*VALIDATION)
    batch = corpus.Batch(rows["text"].tolist(), rows["label"].tolist(), rows["source"].tolist())
    card = scoring.score(trained("baseline"), trained("noisy_labels"), corpus.Rows("v", "d", lambda: iter([batch])))
    verdict = judge(card, Policy())
    table = checks_table(verdict)
    for check in verdict.checks:
        assert html.escape(check.reason) in table._repr_html_()
        assert check.name in repr(table)
