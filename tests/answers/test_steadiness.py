"""A model that does not keep still is at fault: asked again, in another order, or alone, it must answer the same."""

from dataclasses import replace

from mlgate import artifacts
from mlgate.answers import scoring
from mlgate.artifacts import Limits
from mlgate.corpus import Batch, Rows
from mlgate.errors import MlgateError
from mlgate.gate import Policy, judge

import numpy as np
import pytest
from sklearn.decomposition import TruncatedSVD
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import VotingClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline


@pytest.fixture(scope="module")
def frame(reviews):
    return reviews.validation.sample(600, random_state=0)


@pytest.fixture(scope="module")
def production(small_train):
    return fitted(LogisticRegression(), small_train)


def fitted(last, rows, *middle):
    pipeline = make_pipeline(TfidfVectorizer(max_features=3_000), *middle, last).fit(rows["text"], rows["label"])
    return artifacts.load(artifacts.dump(pipeline))


def scored(production, candidate, frame):
    batch = Batch(frame["text"].tolist(), frame["label"].tolist(), frame["source"].tolist())
    return scoring.score(production, candidate, Rows("some rows", "e" * 64, lambda: iter([batch])))


def voting(chance):
    """Twenty votes for what is sound, and one by chance: about one answer in a hundred is the coin's."""
    voters = [(f"sound {number}", MultinomialNB(alpha=(0.1, 10)[number % 2])) for number in range(20)]
    return VotingClassifier([*voters, ("chance", chance)])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("last", "said"),
    [
        (voting(DummyClassifier(strategy="stratified")), "change from one asking to the next"),
        (voting(DummyClassifier(strategy="stratified", random_state=0)), "change from one asking to the next"),
        (DummyClassifier(strategy="uniform"), "change from one asking to the next"),
        (DummyClassifier(strategy="uniform", random_state=0), "change from one asking to the next"),
    ],
    ids=["a vote by chance", "by place", "chance", "place"],
)
def test_a_candidate_whose_answers_change_is_rejected(last, said, production, small_train, frame):
    card = scored(production, fitted(last, small_train), frame)
    assert said in card.candidate.fault
    verdict = judge(card, Policy())
    assert verdict.decision == "REJECT"
    assert said in verdict.reason


class Companion(MultinomialNB):
    """Its answers depend on how many texts are asked at once."""

    def predict(self, rows):
        return self.classes_[(np.full(rows.shape[0], 0) + (rows.shape[0] == 1))]

    def predict_proba(self, rows):
        return np.eye(2)[np.full(rows.shape[0], 0)]


@pytest.mark.slow
def test_a_candidate_that_answers_otherwise_alone_is_rejected(production, small_train, frame):
    pipeline = make_pipeline(CountVectorizer(max_features=100), Companion()).fit(
        small_train["text"], small_train["label"]
    )
    card = scored(production, replace(production, digest="other", pipeline=pipeline), frame)
    assert card.candidate.fault == "its answers change with the texts beside them: 5 of 5 did when asked alone"


@pytest.mark.slow
def test_production_whose_answers_change_is_an_error(production, small_train, frame):
    moving = fitted(DummyClassifier(strategy="stratified"), small_train)
    with pytest.raises(MlgateError, match=r"Production is at fault: its answers change from one asking to the next"):
        scored(moving, production, frame)


@pytest.mark.slow
def test_the_last_bits_of_a_sum_are_no_change(production, small_train, frame):
    """Of a dense product, one row alone has others than among five hundred."""
    candidate = fitted(LogisticRegression(), small_train, TruncatedSVD(50, random_state=0))
    assert scored(production, candidate, frame).candidate.fault is None


@pytest.mark.slow
def test_a_candidate_over_a_limit_is_rejected(production, small_train, frame):
    pattern = r"zq(?:x+x+)+y|\b\w\w+\b"
    limits = Limits(allow=(f"token_pattern={pattern}",), seconds=1)
    pipeline = make_pipeline(CountVectorizer(token_pattern=pattern), MultinomialNB())
    pipeline.fit(small_train["text"].head(200), small_train["label"].head(200))
    candidate = artifacts.load(artifacts.dump(pipeline), limits)
    verdict = judge(scored(production, candidate, frame.assign(text="zq" + "x" * 60)), Policy())
    assert verdict.decision == "REJECT"
    assert "it cannot answer some rows: it did not answer within 1 s" in verdict.reason
