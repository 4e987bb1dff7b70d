"""The notebooks' cells work for any recipe, not for those of the course alone. (Without kernels: quick.)"""

from mlgate import recipes
from mlgate.recipes import Recipe

import pytest
from cells import execute
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import Perceptron, RidgeClassifier, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

WITHOUT_PROBABILITIES = [
    LinearSVC(random_state=0),
    RidgeClassifier(random_state=0),
    Perceptron(random_state=0),
    SGDClassifier(random_state=0),
]


@pytest.fixture
def own_recipe(root_with_production, monkeypatch):
    """A function that puts a recipe of one's own into the registry, in a root where there is a production model."""
    monkeypatch.setenv("MLGATE_ROOT", str(root_with_production.path))

    def add(classifier) -> str:
        def own(rows):
            """Counted words, and a classifier of one's own."""
            return make_pipeline(CountVectorizer(), classifier).fit(rows["text"], rows["label"])

        monkeypatch.setitem(recipes.RECIPES, "own", Recipe("own", own, None))
        return "own"

    return add


@pytest.mark.slow
@pytest.mark.parametrize("classifier", WITHOUT_PROBABILITIES, ids=lambda found: type(found).__name__)
def test_a_recipe_without_probabilities_goes_through_the_notebooks(classifier, own_recipe):
    shown = execute("02", RECIPE=own_recipe(classifier))
    assert "candidate sure" not in shown["smoke-test"]["text/html"]
    assert "candidate" in shown["smoke-test"]["text/html"]
    assert "text/html" in execute("03")["checks"]
    look = isinstance(classifier, LinearSVC)  # the look of Step 6 is one at a classroom's models: once will do
    shown = execute("04", PROMOTE=True, ENFORCE=False, SHOW_A_LOOK=look)
    assert "text/html" in shown["checks"]
    assert (shown["look-seen"]["text/plain"] != "None") == look


def test_a_recipe_with_probabilities_shows_how_sure_the_model_is(own_recipe):
    shown = execute("02", RECIPE="baseline")
    assert "candidate sure" in shown["smoke-test"]["text/html"]
    assert shown["pipeline"]["text/plain"].startswith("Pipeline(")  # the candidate's, not production's beside it


def test_what_is_tried_by_hand_are_texts_of_ones_own_corpus(own_recipe, small_corpus):
    """A ticket model is not asked about films: conftest's corpus is one's own."""
    shown = execute("02", RECIPE="baseline")["smoke-test"]["text/plain"]
    assert "A wonderful film" not in shown


@pytest.mark.slow
def test_in_the_lesson_on_a_table_of_ones_own_costs_turn_the_verdict(capsys):
    """Notebook 11 says so in prose; and that half of the rows leave the gate undecided."""
    turn = execute("11")["turn"]["text/plain"]
    assert [word for word in turn.split() if word.isupper()] == [
        "REJECT",
        "HOLD",
        "HOLD",
        "PROMOTE",
        "PROMOTE",
        "PROMOTE",
    ]
    said = capsys.readouterr().out
    for words in ("before the gate: PROMOTE", "By accuracy: REJECT", "By cost: PROMOTE"):
        assert words in said
    ends = [run.rstrip().splitlines()[-1].split()[0] for run in said.split("$ mlgate")[1:]]
    assert ends == ["Promote", "Keep", "Reject"]


@pytest.mark.slow
def test_in_the_lesson_on_labels_the_order_alone_flips_the_verdict():
    """Notebook 10 says so in prose; and that some twenty labels are enough against the hurried candidate."""
    shown = execute("10")
    assert "by chance: undecided after" in shown["order"]["text/plain"]
    assert "surest first: PROMOTE after" in shown["order"]["text/plain"]
    assert "REJECT after 20 labels" in shown["by-hand"]["text/plain"]
