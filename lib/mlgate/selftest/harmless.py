"""Harmless candidates: as good as production, or better. A gate that stops these is not trusted for long."""

from collections.abc import Callable

from mlgate import recipes
from mlgate.selftest.incidents import Incident, sharpened, words
from mlgate.selftest.laboratory import Made

HARMLESS: dict[str, Incident] = {}


def harmless(function: Callable) -> Callable:
    """Put the decorated function among the candidates that must not be rejected, under its own name."""
    HARMLESS[function.__name__] = Incident(function.__name__, function, check="", seen="nothing wrong")
    return function


@harmless
def retrained(lab):
    """The same rows, the same recipe: the same model."""
    return Made(words(lab.old), rows=lab.old)


@harmless
def fewer_rows(lab):
    """97 % of production's rows: as good as production, give or take."""
    rows = lab.old.sample(frac=0.97, random_state=lab.seed)
    return Made(words(rows), rows=rows)


@harmless
def more_data(lab):
    """The rows that came since production was trained, too."""
    return Made(words(lab.train))


@harmless
def challenger(lab):
    """Words and pairs of words: truly better."""
    return Made(recipes.named("challenger").train(lab.train), "challenger")


@harmless
def better(lab):
    """Words and pairs of words, and a word said ten times counts less than ten times: better still."""
    model = words(lab.train, C=10.0, sublinear_tf=True, ngram_range=(1, 2), max_features=50_000)
    return Made(model)


@harmless
def without_rare_words(lab):
    """Words that occur once are left out: a smaller file, the same answers but for a few."""
    return Made(words(lab.train, min_df=2))


@harmless
def calibrated(lab):
    """The weights are scaled so that the probabilities are as honest as can be; no answer changes."""
    return Made(sharpened(words(lab.train), 1.3))


@harmless
def other_solver(lab):
    """The same loss, found by another algorithm."""
    model = recipes.logistic_regression()
    model.set_params(classifier__solver="liblinear")
    return Made(model.fit(lab.train["text"], lab.train["label"]))


@harmless
def dampened_counts(lab):
    """A word said ten times counts less than ten times: a little better on long reviews."""
    return Made(words(lab.train, C=2.0, sublinear_tf=True))
