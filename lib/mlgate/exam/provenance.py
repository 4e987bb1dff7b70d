"""Where a model comes from: the rows it was trained on, and whether it is what its card says.

Beside each card stand the fingerprints of the training rows (corpus.keys). Rows that are judged on must not be among
them, neither exactly nor nearly; no label is needed to see that.
"""

from dataclasses import replace
from pathlib import Path

from mlgate import artifacts, corpus, recipes
from mlgate.artifacts import Card, Model
from mlgate.errors import MlgateError
from mlgate.gate import Check
from mlgate.gate.statistics import binomial_tail
from mlgate.root import Policy, Root, versions

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]  # (n, 3): see corpus.keys
KEY_BYTES = 24  # three fingerprints of eight bytes for each training row


def checks(root: Root, policy: Policy, production: Model, candidate: Model, level: float) -> tuple[Check, ...]:
    """Return the checks of both models' training rows."""
    wanted = Check("leakage", "pass", policy.leakage_action, "", observed=0.0, required=0.0)
    known = replace(wanted, code="production_leakage", name="production leakage", action="report")
    return (
        leakage(root, wanted, read_keys(root.candidate_keys, candidate.card), level),
        leakage(root, known, read_keys(production_keys(root, production.digest), production.card), level),
    )


def leakage(root: Root, check: Check, trained: Keys | None, level: float) -> Check:
    """Return the check, made: no row to judge on is a training row, and no more are nearly one than by chance.

    trained: the fingerprints of the training rows, (n, 3); None where there are none that can be believed.
    """
    if trained is None:
        reason = "there are no fingerprints of its training rows beside its card"
        return replace(check, status="undecided", observed=None, reason=reason)
    own = corpus.known_keys(root, "train")
    apart = set(corpus.known_keys(root, "validation", "holdout")).isdisjoint(trained[:, 0])
    if apart and np.array_equal(np.unique(trained[:, 0]), np.unique(own)):
        return replace(check, reason="trained on the corpus's own training rows, and on no others")
    return _compared(root, check, trained, level)


def _compared(root: Root, check: Check, trained: Keys, level: float) -> Check:
    """Return the check of rows that are not the corpus's own training rows."""
    judged = np.concatenate([keys_of(root, part) for part in ("validation", "holdout")])
    count = len(judged)
    same, near = overlap(judged, trained)
    by_chance = overlap(judged, keys_of(root, "train"))[1]
    reason = f"{near:,} of {count:,} rows to judge on begin or end like a training row; the corpus has {by_chance:,}"
    if same:
        reason = f"{same:,} of the {count:,} validation and holdout rows are among its training rows"
    check = replace(check, observed=(same + near) / count, reason=reason)
    if same or more_than_chance(near, count, (by_chance + 1) / count, level):
        return replace(check, status="fail")
    return check


def more_than_chance(near: int, count: int, share: float, level: float) -> bool:
    """Whether so many near-duplicates in `count` rows are shown to be more than the share that chance gives."""
    return bool(binomial_tail(near - 1, count, min(share, 1.0)) <= level)


def overlap(judged: Keys, trained: Keys) -> tuple[int, int]:
    """Return how many of the judged rows are exactly among the trained ones, and how many more nearly so."""
    whole, first, last = (np.isin(judged[:, column], trained[:, column]) for column in range(3))
    return int(whole.sum()), int(((first | last) & ~whole).sum())


def reproducible(root: Root, policy: Policy, candidate: Model, trained: str | None = None) -> Check:
    """Check that the card names a recipe, rows and versions at hand; with "retrain", that they give these bytes.

    trained: the digest of the model that this very run trained, as whoever runs it says. Any other is trained again.
    """
    check = Check("reproducible", "pass", policy.reproduce_action, "its card can be followed")
    missing = _not_at_hand(root, candidate.card)
    if missing:
        return replace(check, status="fail", reason=missing)
    if policy.reproduce == "card":
        return check
    if candidate.digest == trained:
        return replace(check, reason="this very run trained it")
    wrong = _other_bytes(root, candidate)
    if wrong:
        return replace(check, status="fail", reason=wrong)
    return replace(check, reason="training again gives the same bytes")


def _not_at_hand(root: Root, card: Card | None) -> str | None:
    """Return what of a card is not at hand, in words, or None."""
    if card is None or card.recipe not in recipes.recipes_of(root):
        return f"its card names the recipe {card and card.recipe!r}, which is not among `mlgate recipes`"
    if card.rows is None or card.rows.digest != corpus.fingerprint(corpus.split("train", root)):
        return "its card names other training rows than the corpus has"
    different = [name for name, number in versions().items() if card.versions.get(name) != number]
    if different:
        return f"its card names another version of {different[0]} than is installed"
    return None


def _other_bytes(root: Root, candidate: Model) -> str | None:
    """Train again as the card says, past the cache, and return what is wrong with the bytes; None if they are equal."""
    assert candidate.card is not None
    recipe = recipes.named(str(candidate.card.recipe), root)
    severity = candidate.card.severity if recipe.sabotaged else None
    rows = corpus.split("train", root)
    given = recipe.fitted(rows, severity)
    try:
        if given is None:
            given = artifacts.digest(artifacts.dump(recipe.train(rows, severity, cached=False)))
    except MlgateError as error:
        return f"training again as its card says fails: {error}"
    if given != candidate.digest:
        return "training again as its card says gives other bytes. Train it here: mlgate run, or notebook 02"
    return None


def read_keys(path: Path, card: Card | None) -> Keys | None:
    """Return the fingerprints (n, 3) at `path`, or None where there are none, or not those that the card names.

    The card must say of how many rows they are: a card that names the fingerprints of nothing is no honest one.
    """
    data = b""
    if path.is_file():
        data = path.read_bytes()
    if card is None or card.rows is None or not data or len(data) != KEY_BYTES * card.rows.count:
        return None
    if artifacts.digest(data) != card.keys:
        return None
    return np.frombuffer(data, dtype="<u8").reshape(card.rows.count, 3)


def production_keys(root: Root, digest: str) -> Path:
    """Return where the fingerprints of a production model's training rows are."""
    return root.cards / f"{digest}.keys"


def keys_of(root: Root, part: str) -> Keys:
    """Return the fingerprints (n, 3) of one split of the corpus."""
    return corpus.keys(corpus.split(part, root)["text"])
