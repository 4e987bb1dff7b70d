"""Refresh: production's own recipe, trained again with the versions that are installed now.

A pickle belongs to the scikit-learn that wrote it, and a model that is merely equal never wins. So an equal one from
new versions takes over by itself, where its answers are the same. No label is read, so no look is spent.
"""

from mlgate import artifacts, corpus, ledger, recipes
from mlgate.artifacts import Card, locked
from mlgate.errors import MlgateError
from mlgate.ledger import integrity
from mlgate.promotion import promotion
from mlgate.root import Root

ENOUGH = 0.995  # of all validation and holdout texts get the same answer


def refresh(root: Root, force: bool = False) -> str:
    """Train production again and put it into place. Returns one line that says what was done, or that nothing was.

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
        production_card = old.card or Card(old.digest)
        model, card, data, keys = _train_again(root, production_card)
        if model.digest == old.digest:
            return f"Nothing to refresh: with these versions, training gives production {old.digest[:12]} again."
        if model.digest in ledger.rolled_back(entries):
            raise MlgateError(f"{model.digest[:12]}, which training gives now, was rolled back. Production stays.")
        texts = [text for name in ("validation", "holdout") for text in corpus.split(name, root)["text"]]
        equal = float((model.answer(texts)[0] == old.answer(texts)[0]).mean())
        if equal < ENOUGH:
            raise MlgateError(
                f"Only {equal:.2%} of {len(texts):,} answers are production's own, and a refresh takes {ENOUGH:.1%}."
                " Production stays; let the new model stand for the exam: mlgate run"
            )
        facts = {"equal_answers": equal, "texts": len(texts), "versions": [production_card.versions, card.versions]}
        promotion.switch(root, data, card, "refresh", keys, **facts)
    return f"Production {old.digest[:12]} is now {model.digest[:12]}: {equal:.2%} of {len(texts):,} answers are equal."


def _train_again(root: Root, card: Card) -> tuple[artifacts.Model, Card, bytes, bytes]:
    """Production's recipe on production's rows: the model, its card, its bytes, its training rows' fingerprints."""
    if card.rows is None or card.recipe is None:
        raise MlgateError("Production's card does not say on which rows it was trained. Let a new one win: mlgate run")
    recipe = recipes.named(card.recipe)
    rows = corpus.split("train", root)
    severity = card.severity if recipe.sabotaged else None
    facts = recipe.facts(rows, severity)
    if facts["rows"] != vars(card.rows):
        raise MlgateError("The training rows are not those of production's card. Let the new model win: mlgate run")
    pipeline = recipe.train(rows, severity)
    data = artifacts.dump(pipeline)
    model = artifacts.load(data, artifacts.limits_of(root.settings()))
    if model.fault:
        raise MlgateError(f"The model trained again cannot be used: {model.fault} Production stays.")
    return model, artifacts.card_of(pipeline, data, facts), data, facts["keys"]
