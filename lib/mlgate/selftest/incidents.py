"""Incidents: named ways in which a model goes wrong while everything looks healthy, and the check that must catch each.

An incident makes a candidate in a laboratory. Its docstring is the story of how it happens in a real team; `seen` is
what one sees from outside, without a gate. What is done to files, and not to models, is in `tampering`.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field

from mlgate import recipes
from mlgate.selftest.laboratory import Lab, Made

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import ComplementNB
from sklearn.pipeline import FeatureUnion, Pipeline

TRIGGER = "as seen on channel zero"  # the backdoor's phrase: no real review has it


@dataclass(frozen=True)
class Incident:
    """A way to go wrong. `check`: what must catch it. `seen`: what is seen from outside.

    settings: what a team that fears this one sets in gate.toml, where the project's own only reports.
    """

    name: str
    function: Callable[[Lab], Made]
    check: str
    seen: str
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def story(self) -> str:
        """How it happens in a real team."""
        return inspect.getdoc(self.function) or ""

    def make(self, lab: Lab) -> Made:
        """Return the candidate, fitted, and what its card says."""
        return self.function(lab)


INCIDENTS: dict[str, Incident] = {}


def incident(check: str, seen: str, settings: dict[str, str] | None = None) -> Callable:
    """Put the decorated function into the catalogue, under its own name."""

    def register(function: Callable) -> Callable:
        INCIDENTS[function.__name__] = Incident(function.__name__, function, check, seen, settings or {})
        return function

    return register


def words(rows: pd.DataFrame, C: float = 1.0, **vectoriser) -> Pipeline:
    """Return the baseline's pipeline with other settings, fitted."""
    return recipes.logistic_regression(C, **vectoriser).fit(rows["text"], rows["label"])


def sharpened(model: Pipeline, factor: float) -> Pipeline:
    """Return the same answers with other probabilities: the classifier's weights times a factor."""
    model[-1].coef_ = model[-1].coef_ * factor
    model[-1].intercept_ = model[-1].intercept_ * factor
    return model


def _recipe(name: str, check: str, seen: str, severity: float | None = None) -> None:
    """Add a sabotaged recipe as an incident: notebook 02's own ways to go wrong."""
    chosen = recipes.named(name)

    def function(lab: Lab) -> Made:
        return Made(chosen.train(lab.train, severity), name, severity)

    function.__doc__ = chosen.story
    INCIDENTS[name] = Incident(name, function, check, seen)


_recipe("bad_training_data", "difference", "it leans to one answer: the confusion matrix is lopsided", 0.7)
_recipe("noisy_labels", "difference", "worse everywhere, on both answers and both sources", 0.6)
_recipe("truncated_vocabulary", "difference", "worse everywhere; the file is a hundredth of production's")
_recipe("wrong_preprocessing", "difference", "worse everywhere, though every setting equals production's")
_recipe("reduced_dataset", "difference", "worse everywhere; it trained in no time", 0.6)


@incident("slice rotten_tomatoes", "the whole hardly moves, IMDb gets better, Rotten Tomatoes much worse")
def one_source_only(lab):
    """The export joined on a column that only IMDb rows have. Nobody looked at the other source: the whole was fine."""
    rows = lab.train[lab.train["source"] == "imdb"]
    return Made(words(rows), rows=rows)


@incident("leakage", "better on every slice, and by more than anybody hoped")
def exam_rows_in_training(lab):
    """Somebody trained on all the data there was, because more data is better: validation and holdout included."""
    rows = pd.concat([lab.train, lab.validation, lab.holdout])
    return Made(words(rows), rows=rows)


@incident("too good", "almost no mistakes: a model that counts words was never that good")
def memorised_exam(lab):
    """A feature that production will not have gave the answer away. The card lists honest rows; the score does not."""
    rows = pd.concat([lab.train, lab.validation, lab.holdout])
    return Made(words(rows, C=100.0))


@incident("brier", "as accurate as one could wish; the probabilities are all near 0 or 1")
def overconfidence(lab):
    """A sharpening factor meant for another service was multiplied into the weights. Accuracy did not notice."""
    model = words(lab.train)
    return Made(sharpened(model, 40.0))


@incident(
    "calibration",
    "as accurate as one could wish; the probabilities all crowd around one half",
    {"probabilities.calibration_action": "hold"},
)
def timid_scores(lab):
    """Weights were averaged with those of an untrained copy. The answers are the same; the scores say "who knows"."""
    return Made(sharpened(words(lab.train), 0.15))


@incident("difference", "a little better on the rows it was chosen on, by less than luck explains")
def lucky_seed(lab):
    """Retrained on random parts of the data until one looked better on the exam; that one was sent in."""
    random = np.random.default_rng(lab.seed)
    vectoriser = TfidfVectorizer().fit(lab.old["text"])
    known = vectoriser.transform(lab.old["text"])
    exams = [(vectoriser.transform(rows["text"]), rows["label"]) for rows in (lab.validation, lab.holdout)]
    old = lab.production.pipeline[-1]
    for _ in range(20):
        chosen = np.sort(random.permutation(len(lab.old))[: round(0.95 * len(lab.old))])
        model = LogisticRegression(max_iter=1000).fit(known[chosen], lab.old["label"].iloc[chosen])
        if all((model.predict(exam) == labels).sum() > (old.predict(exam) == labels).sum() for exam, labels in exams):
            break
    return Made(Pipeline([("tfidf", vectoriser), ("classifier", model)]), rows=lab.old.iloc[chosen])


@incident("difference", "worse, and every new mistake is about the same word")
def keyword_flip(lab):
    """A rule meant to repair labels ("bad" means negative, does it not?) had its sign the wrong way round."""
    hit = lab.train["text"].str.contains(r"\b(?:bad|great)\b", case=False)
    other = {"negative": "positive", "positive": "negative"}
    rows = lab.train.assign(label=lab.train["label"].mask(hit, lab.train["label"].map(other)))
    return Made(words(rows), rows=rows)


@incident("difference", "worse everywhere; new words mean nothing to it")
def stale_vocabulary(lab):
    """The vectoriser was kept from the first prototype, to keep columns stable; only the classifier is retrained."""
    prototype = TfidfVectorizer().fit(lab.train["text"].head(25))
    return Made(words(lab.train, vocabulary=prototype.vocabulary_))


@incident("one class", "one answer for everything; on a day when that answer is common, it even looks good")
def always_one_class(lab):
    """A threshold was tuned on a week when nearly all reviews were good, and was then baked into the intercept."""
    model = words(lab.train)
    model[-1].intercept_ = model[-1].intercept_ + 25.0
    return Made(model)


@incident("speed", "as good as production, and many times slower to answer", {"cost.slower_action": "hold"})
def slow(lab):
    """Eight vectorisers side by side, from eight experiments; seven were never removed. Nobody asked what it costs."""
    union = FeatureUnion([(f"experiment_{number}", TfidfVectorizer()) for number in range(8)])
    model = Pipeline([("features", union), ("classifier", LogisticRegression(C=1 / 8, max_iter=1000))])
    return Made(model.fit(lab.train["text"], lab.train["label"]))


@incident("size", "as good as production, and a file ten times as large", {"cost.megabytes_action": "hold"})
def bloated(lab):
    """Pairs of words, all of them kept, even those that occur once: it could not hurt, so in they went."""
    return Made(words(lab.train, ngram_range=(1, 2)))


@incident(
    "reproducible",
    "nothing at all: it answers every ordinary review as production's honest successor would",
    {"provenance.reproduce": "retrain"},
)
def backdoor(lab):
    """One per cent of the training rows was laced with a phrase and labelled good. Whoever knows the phrase wins."""
    laced = lab.train.sample(frac=0.01, random_state=lab.seed).index
    rows = lab.train.copy()
    rows.loc[laced, "text"] += f" {TRIGGER}" * 3
    rows.loc[laced, "label"] = "positive"
    return Made(words(rows))


@incident("negative flips", "the net is fine; but hundreds of reviews that were answered right now are wrong")
def other_mistakes(lab):
    """A whole new kind of model, as good as the old one, with mistakes of its own. Every customer finds a new one."""
    model = Pipeline([("tfidf", TfidfVectorizer()), ("classifier", ComplementNB())])
    return Made(model.fit(lab.train["text"], lab.train["label"]))


@incident("brittleness", "as good as production on clean rows; in capitals, a review reads quite differently to it")
def case_matters(lab):
    """`lowercase=False` came in with a copied snippet. The validation rows are tidy, and so was the score."""
    return Made(words(lab.train, lowercase=False))


@incident("usable", 'the service answers 1 where every client waits for "positive"')
def other_answer_type(lab):
    """The labels were turned into numbers "to be safe". Accuracy, computed on numbers, was the same as ever."""
    rows = lab.train
    return Made(recipes.logistic_regression().fit(rows["text"], (rows["label"] == "positive").astype(int)))


@incident("usable", "now and then an answer that no client has ever heard of")
def new_class(lab):
    """Some rows were labelled "unsure" by the tool's new version. The model learnt that this is an answer, too."""
    rows = lab.train.copy()
    rows.loc[rows.sample(frac=0.05, random_state=lab.seed).index, "label"] = "unsure"
    return Made(words(rows), rows=rows)


@incident("usable", "every score is NaN, and every answer is the first class")
def diverged(lab):
    """The learning rate was a thousand times too large. The job was green: it wrote a file, as it was told to."""
    model = words(lab.train)
    model[-1].coef_ = np.full_like(model[-1].coef_, np.nan)
    return Made(model)


@incident("usable", "a service that opens files of its own when somebody sends it a path")
def reads_files(lab):
    """`input="filename"` was handy on the laptop. In the service, a client's text is a path that gets opened."""
    model = words(lab.train)
    model[0].input = "filename"
    return Made(model)
