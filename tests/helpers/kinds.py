"""Honest models of many kinds: vectorisers, steps and classifiers of scikit-learn, each with each."""

import itertools
import warnings
from collections.abc import Iterator

from mlgate import artifacts
from mlgate.answers.probing import EDGE_CASES
from mlgate.answers.scoring import ask
from mlgate.answers.steadiness import why_unsteady
from mlgate.artifacts import fenced

from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import TruncatedSVD
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import AdaBoostClassifier, ExtraTreesClassifier, RandomForestClassifier, VotingClassifier
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, Perceptron, RidgeClassifier, SGDClassifier
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, Normalizer, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

LETTERS = {"analyzer": "char_wb", "ngram_range": (2, 4), "max_features": 2_000}
VECTORISERS = (
    [CountVectorizer()],
    [CountVectorizer(stop_words="english", binary=True, min_df=2)],
    [CountVectorizer(**LETTERS)],
    [CountVectorizer(), TfidfTransformer(sublinear_tf=True)],
    [TfidfVectorizer()],
    [TfidfVectorizer(ngram_range=(1, 3), max_features=3_000)],
    [TfidfVectorizer(dtype="float32", strip_accents="unicode", token_pattern=r"(?u)\S+")],
    [TfidfVectorizer(lowercase=False, max_df=0.5, norm=None)],
    [HashingVectorizer(n_features=2**12)],
    [HashingVectorizer(n_features=2**15, alternate_sign=False, norm=None)],
    [FeatureUnion([("words", TfidfVectorizer()), ("letters", TfidfVectorizer(**LETTERS))])],
    [FeatureUnion([("words", CountVectorizer()), ("hashed", HashingVectorizer(n_features=64))], n_jobs=1)],
)
STEPS = (
    [],
    [MaxAbsScaler()],
    [Normalizer()],
    [StandardScaler(with_mean=False, copy=False)],
    [TruncatedSVD(20, random_state=0)],
    [TruncatedSVD(20, random_state=0), StandardScaler(copy=False)],
)
CLASSIFIERS = (
    LogisticRegression(max_iter=300),
    LogisticRegression(solver="liblinear", class_weight="balanced"),
    LogisticRegressionCV(Cs=2, cv=2, max_iter=300),
    Perceptron(random_state=0),
    RidgeClassifier(),
    SGDClassifier(random_state=0),
    SGDClassifier(loss="log_loss", average=True, random_state=0),
    SGDClassifier(loss="modified_huber", penalty="elasticnet", random_state=0),
    LinearSVC(random_state=0),
    CalibratedClassifierCV(LinearSVC(random_state=0), cv=2),
    CalibratedClassifierCV(MultinomialNB(), cv=2, ensemble=False),
    MultinomialNB(),
    ComplementNB(),
    BernoulliNB(),
    GaussianNB(),
    DecisionTreeClassifier(max_depth=8, random_state=0),
    ExtraTreeClassifier(max_depth=8, random_state=0),
    RandomForestClassifier(10, random_state=0),
    RandomForestClassifier(10, n_jobs=4, random_state=0),
    ExtraTreesClassifier(10, bootstrap=True, oob_score=True, n_jobs=-1, random_state=0),
    AdaBoostClassifier(n_estimators=5, random_state=0),
    VotingClassifier([("a", LogisticRegression()), ("b", BernoulliNB())], voting="soft", n_jobs=1),
    VotingClassifier([("a", LinearSVC(random_state=0)), ("b", BernoulliNB()), ("c", RidgeClassifier())]),
    DummyClassifier(strategy="prior"),
)


def pipelines() -> list[Pipeline]:
    """Return a pipeline of each kind, not fitted."""
    every = itertools.product(VECTORISERS, STEPS, CLASSIFIERS)
    return [make_pipeline(*map(clone, [*first, *between, last])) for first, between, last in every]


def faults(unfitted: list[Pipeline], rows, texts: list[str]) -> Iterator[str | None]:
    """Fit each pipeline on rows (columns text and label) and yield why the gate will not have it, or None.

    What scikit-learn itself will not fit, as naive Bayes on negative numbers, is left out.
    """
    for pipeline in map(clone, unfitted):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                pipeline.fit(rows["text"], rows["label"])
            except (ValueError, TypeError):
                continue
            why = _why_not(artifacts.load(artifacts.dump(pipeline)), [*texts, *EDGE_CASES])
        yield why and f"{pipeline}: {why}"


def _why_not(model, texts):
    if model.fault:
        return model.fault
    classes = tuple(map(str, model.classes))
    with fenced(model) as child:
        return why_unsteady(lambda part: ask(child, part, classes), texts, ask(child, texts, classes))
