"""Whether artifacts_prod/ is what its own ledger says.

Needs Python's standard library, nothing else, and unpickles nothing: the job that may write to main runs it.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from mlgate.errors import MlgateError
from mlgate.ledger.commits import FOLDER
from mlgate.ledger.entries import Entry, Move, is_move
from mlgate.ledger.ledger import head, last_move, previous, read, rolled_back, won
from mlgate.root import Root, versions
from mlgate.root.shapes import misfit

ADVICE = f"Take {FOLDER}/ back to the last commit in which it was sound: git checkout COMMIT -- {FOLDER}"


class Described(TypedDict):
    """What the history's integrity reads of a card."""

    digest: str
    keys: NotRequired[str]
    versions: NotRequired[dict[str, str]]


def verify(root: Root) -> str | None:
    """Return the digest of the production model, None where there is none yet.

    Raises MlgateError where artifacts_prod/ does not hold together: a line of the ledger was changed, production is not
    the model that the last move put there, a card describes another model, a promotion has no verdict.
    """
    entries = read(root)
    _verify_moves(root, entries)
    for path in sorted(root.cards.glob("*.json")):
        _card(root, path.stem)
    for entry in entries:
        _verify_files(root, entry)
    move = last_move(entries)
    _verify_model(root, root.production, move and move["to"])
    _verify_model(root, root.previous, move and move["from"])
    return head(entries)


def named_by(root: Root, entry: Entry) -> dict[Path, str | None]:
    """Return the files that a line of the ledger brings along, each with the sha256 it has to have.

    None for the card itself, and for the profile, which is bound to the model by a digest and need not be there.
    """
    if is_move(entry):
        card = root.cards / f"{entry['to']}.json"
        keys = _card(root, entry["to"]).get("keys")  # the fingerprints of its training rows
        if not keys:
            return {card: None, card.with_suffix(".profile"): None}
        return {card: None, card.with_suffix(".profile"): None, card.with_suffix(".keys"): keys}
    if entry["kind"] == "holdout":
        return {root.holdouts / f"{entry['keys'][:16]}.keys": entry["keys"]}
    return {}


def stale(root: Root) -> str | None:
    """Return what to say where production was trained with another scikit-learn than is installed, else None."""
    production = head(read(root))
    if production is None:
        return None
    then = _card(root, production).get("versions", {}).get("scikit-learn")
    now = versions().get("scikit-learn")
    if None in (then, now) or then == now:
        return None
    return (
        f"Production {_short(production)} was trained with scikit-learn {then}, and {now} is installed: scikit-learn"
        " does not promise that it answers as before. Train it again with these versions: mlgate refresh"
    )


def _verify_moves(root: Root, entries: Sequence[Entry]) -> None:
    """Each move starts from the model that was in production, and has what speaks for it before it."""
    for number, entry in enumerate(entries):
        if not is_move(entry):
            continue
        wrong = _why_impossible(entries[:number], entry)
        if wrong:
            raise MlgateError(f"{root.ledger}, line {number + 1}: this {entry['kind']} cannot be: {wrong}.")


def _why_impossible(before: Sequence[Entry], move: Move) -> str | None:
    """Why this move cannot have come after these lines, or None."""
    if move["from"] != head(before):
        return "it does not start from the model that was in production"
    if (move["kind"] == "bootstrap") != (move["from"] is None):
        return "a first model, and no other, comes where there was none"
    if move["kind"] == "promotion" and not won(before, move):
        return "no look before it says PROMOTE"
    if move["kind"] == "rollback":
        return _why_no_rollback(before, move)
    return None


def _why_no_rollback(before: Sequence[Entry], move: Move) -> str | None:
    if move["to"] != previous(before):
        return "it does not go back to the model that was in production before"
    if move["to"] in rolled_back(before):
        return "it goes back to a model that was rolled back itself"
    return None


def _verify_files(root: Root, entry: Entry) -> None:
    for path, expected in named_by(root, entry).items():
        if expected and _digest(path) != expected:
            raise MlgateError(
                f"{FOLDER}/{path.relative_to(root.production_folder)} is not the one that the ledger and the cards"
                f" speak of: it was changed, or is missing. {ADVICE}"
            )


def _verify_model(root: Root, path: Path, expected: str | None) -> None:
    found = _digest(path)
    if found != expected:
        raise MlgateError(
            f"{FOLDER}/{path.name} is {_short(found)}, but the ledger's last move says {_short(expected)}: it was"
            f" not put there by a promotion. {ADVICE}"
        )
    if expected:
        _card(root, expected)


def _card(root: Root, name: str) -> dict[str, Any]:
    path = root.cards / f"{name}.json"
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise MlgateError(f"{FOLDER}/cards has no readable card of {_short(name)}: the model is not known.") from error
    if not isinstance(card, dict) or card.get("digest") != name:
        raise MlgateError(f"{FOLDER}/cards/{path.name} describes another model than its name says: it was changed.")
    if wrong := misfit(card, Described):
        raise MlgateError(f"{FOLDER}/cards/{path.name} was changed: {wrong}. {ADVICE}")
    return card


def _digest(path: Path) -> str | None:
    if not path.is_file():
        return None
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _short(name: str | None) -> str:
    if name is None:
        return "nothing"
    return name[:12]
