"""Refresh: production's own recipe, trained again with the versions that are installed now.

A pickle belongs to the scikit-learn that wrote it, and a model that is merely equal never wins. So an equal one from
new versions takes over by itself, where its answers are the same. No label is read, so no look is spent.
"""

from dataclasses import dataclass

from mlgate import artifacts, corpus, ledger, recipes
from mlgate.artifacts import Card, locked
from mlgate.errors import MlgateError
from mlgate.ledger import integrity
from mlgate.promotion import promotion
from mlgate.root import Root

ENOUGH = 0.995  # of all validation and holdout texts get the same answer


@dataclass(frozen=True)
class _Trained:
    """Production trained again: the model as it loads, its bytes, its card, and its training rows' fingerprints."""

    model: artifacts.Model
    data: bytes
    card: Card
    keys: bytes


def refresh(root: Root, force: bool = False) -> str:
    """Train production again and put it into place. Return one line that says what was done, or that nothing was.

    force: even where production comes from the versions that are installed. Raises MlgateError, with nothing changed,
    where the corpus or the recipe is not the one of production's card, or where more than 0.5 % of the answers differ.
    """
    with locked(root):
        promotion.tidy(root)
        entries = ledger.read(root)
        promotion.require_known(root, entries)
        old = artifacts.load_production(root)
        if not force and not integrity.stale(root):
            return f"Nothing to refresh: production {old.digest[:12]} was trained with this scikit-learn."
        card = old.card or Card(old.digest)
        new = _train_again(root, card)
        name = new.model.digest
        if name == old.digest:
            return f"Nothing to refresh: with these versions, training gives production {name[:12]} again."
        if name in ledger.rolled_back(entries):
            raise MlgateError(f"{name[:12]}, which training gives now, was rolled back. Production stays.")
        texts, equal = _equal_answers(root, old, new.model)
        facts = {"equal_answers": equal, "texts": texts, "versions": [card.versions, new.card.versions]}
        beside = {"keys": new.keys, "profile": promotion.profile_of(root, new.data, new.card)}
        promotion.switch(root, new.data, new.card, "refresh", beside, **facts)
    return f"Production {old.digest[:12]} is now {name[:12]}: {equal:.2%} of {texts:,} answers are equal."


def _equal_answers(root: Root, old: artifacts.Model, new: artifacts.Model) -> tuple[int, float]:
    """How many texts were asked, and the share of equal answers. Raises MlgateError where it is too small."""
    texts = [text for name in ("validation", "holdout") for text in corpus.split(name, root)["text"]]
    with artifacts.fenced(new) as asked:
        labels = asked.answer(texts)[0]
    equal = float((labels == old.answer(texts)[0]).mean())
    if equal < ENOUGH:
        raise MlgateError(
            f"Only {equal:.2%} of {len(texts):,} answers are production's own, and a refresh takes {ENOUGH:.1%}."
            " Production stays; let the new model stand for the exam: mlgate run"
        )
    return len(texts), equal


def _train_again(root: Root, card: Card) -> _Trained:
    """Train production's recipe on production's rows. Raises MlgateError where they are not at hand."""
    if card.rows is None or card.recipe is None:
        raise MlgateError("Production's card does not say on which rows it was trained. Let a new one win: mlgate run")
    recipe = recipes.named(card.recipe, root)
    severity = card.severity if recipe.sabotaged else None
    rows = corpus.split("train", root)
    facts = recipe.facts(rows, severity)
    if facts["rows"] != vars(card.rows):
        raise MlgateError("The training rows are not those of production's card. Let the new model win: mlgate run")
    pipeline = recipe.train(rows, severity)
    data = artifacts.dump(pipeline)
    model = artifacts.load(data, artifacts.limits_of(root.settings()))
    if model.fault:
        raise MlgateError(f"The model trained again cannot be used: {model.fault} Production stays.")
    return _Trained(model, data, artifacts.card_of(pipeline, data, facts), facts["keys"])
