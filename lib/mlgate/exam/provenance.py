"""Where a model comes from: the rows it was trained on, and whether its card is enough to train it again.

Beside each card stand the fingerprints of the training rows (corpus.keys). Rows that are judged on must not be among
them, neither to the letter nor nearly so; no label is needed to see that.
"""

from pathlib import Path

from mlgate import artifacts, corpus, recipes
from mlgate.artifacts import Card, Model
from mlgate.errors import MlgateError
from mlgate.gate import Check, Code
from mlgate.root import Policy, Root

import numpy as np
from scipy.stats import binom

KEY_BYTES = 24  # three fingerprints of eight bytes for each training row


def checks(root: Root, policy: Policy, production: Model, candidate: Model, level: float) -> tuple[Check, ...]:
    """The checks of both models' training rows, and of the candidate's card."""
    return (
        leakage(root, "leakage", policy.leakage_action, read_keys(root.candidate_keys, candidate.card), level),
        leakage(
            root,
            "production_leakage",
            "report",
            read_keys(production_keys(root, production.digest), production.card),
            level,
        ),
        reproducible(root, policy, candidate),
    )


def leakage(root: Root, code: Code, action: str, trained: np.ndarray | None, level: float) -> Check:
    """Validation or holdout rows in the training rows: none to the letter, no more near-duplicates than by chance."""
    name = code.replace("_", " ")
    if trained is None:
        return Check(
            code, name, "undecided", action, None, 0.0, "there are no fingerprints of its training rows beside its card"
        )
    judged, own_rows = (corpus.known_keys(root, *parts) for parts in (("validation", "holdout"), ("train",)))
    same = int(np.isin(judged, trained[:, 0]).sum())
    if not same and np.array_equal(np.unique(trained[:, 0]), np.unique(own_rows)):
        return Check(
            code, name, "pass", action, 0.0, 0.0, "trained on the corpus's own training rows, and on no others"
        )
    judged = np.concatenate([_keys(root, part) for part in ("validation", "holdout")])
    same, near = overlap(judged, trained)
    own = overlap(judged, _keys(root, "train"))[1]
    shown = binom.sf(near - 1, len(judged), (own + 1) / len(judged)) <= level
    if same:
        reason = f"{same:,} of the {len(judged):,} validation and holdout rows are among its training rows"
    else:
        reason = (
            f"{near:,} of {len(judged):,} rows to judge on begin or end like a training row; the corpus has {own:,}"
        )
    return Check(code, name, "fail" if same or shown else "pass", action, (same + near) / len(judged), 0.0, reason)


def overlap(judged: np.ndarray, trained: np.ndarray) -> tuple[int, int]:
    """How many of the judged rows are among the trained ones to the letter, and how many more nearly so."""
    whole, first, last = (np.isin(judged[:, column], trained[:, column]) for column in range(3))
    return int(whole.sum()), int(((first | last) & ~whole).sum())


def reproducible(root: Root, policy: Policy, candidate: Model) -> Check:
    """The card names a recipe, severity, rows and versions that are at hand; with "retrain", they give these bytes."""
    why = _not_at_hand(root, candidate.card)
    reason = "its card can be followed"
    if why is None and policy.reproduce == "retrain":
        why = _other_bytes(root, candidate)
        reason = "training again gives the same bytes"
    reason = why or reason
    return Check("reproducible", "reproducible", "fail" if why else "pass", policy.reproduce_action, None, None, reason)


def _not_at_hand(root: Root, card: Card | None) -> str | None:
    if card is None or card.recipe not in recipes.RECIPES:
        return f"its card names the recipe {card and card.recipe!r}, which is not among `mlgate recipes`"
    if card.rows is None or card.rows.digest != corpus.fingerprint(corpus.split("train", root)):
        return "its card names other training rows than the corpus has"
    different = [name for name, number in artifacts.versions().items() if card.versions.get(name) != number]
    return f"its card names another version of {different[0]} than is installed" if different else None


def _other_bytes(root: Root, candidate: Model) -> str | None:
    """Train again as the card says, past the cache, and return what is wrong with the bytes; None if they are equal."""
    assert candidate.card is not None
    recipe = recipes.named(str(candidate.card.recipe))
    severity = candidate.card.severity if recipe.sabotaged else None
    try:
        pipeline = recipe.train(corpus.split("train", root), severity, cached=False)
    except MlgateError as error:
        return f"training again as its card says fails: {error}"
    if artifacts.digest(artifacts.dump(pipeline)) != candidate.digest:
        return "training again as its card says gives other bytes"
    return None


def read_keys(path: Path, card: Card | None) -> np.ndarray | None:
    """Return the fingerprints (n, 3) at `path`, or None where there are none, or not those that the card names.

    The card must say of how many rows they are: a card that names the fingerprints of nothing is no honest one.
    """
    data = path.read_bytes() if path.is_file() else b""
    if card is None or card.rows is None or not data or len(data) != KEY_BYTES * card.rows.count:
        return None
    if artifacts.digest(data) != card.keys:
        return None
    return np.frombuffer(data, dtype="<u8").reshape(-1, 3)


def production_keys(root: Root, digest: str) -> Path:
    """Where the fingerprints of a production model's training rows are."""
    return root.cards / f"{digest}.keys"


def _keys(root: Root, part: str) -> np.ndarray:
    return corpus.keys(corpus.split(part, root)["text"])
