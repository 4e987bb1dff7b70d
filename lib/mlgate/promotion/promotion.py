"""Promote and roll back. One atomic rename is the commit point; a compare-and-swap guards it.

Everything is prepared in artifacts_prod/.promotion first. Then the new pipeline.pkl is renamed into place: before that
instant production is the old model, after it the new one. `tidy` finishes, or undoes, what a killed command left there.
"""

import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlgate import artifacts, ledger, watch
from mlgate.artifacts import Card, locked, to_json
from mlgate.errors import MlgateError
from mlgate.ledger import MOVES, START, Entry, MoveKind
from mlgate.promotion import permission
from mlgate.root import Root, read_file, sync_folder, write_atomically

DIGEST = re.compile("[0-9a-f]{64}")
BRING_BACK = "Bring artifacts_prod/ back: git checkout -- artifacts_prod."


def promote(root: Root, after_rollback: bool = False) -> bool:
    """Put the candidate into production, on the verdict in verdict.json. False where it is there already.

    Raises MlgateError, with production untouched, where the verdict is not PROMOTE, does not stand in the ledger, or is
    about other models, demands or holdout rows than those at hand; and for a model that was rolled back, unless
    `after_rollback`.
    """
    with locked(root):
        tidy(root)
        entries = ledger.read(root)
        current = require_known(root, entries)
        data = artifacts.read_candidate(root)
        new = artifacts.digest(data)
        if new == current:
            return False
        look = permission.look_for(root, entries, (current, new), after_rollback)
        if new in ledger.rolled_back(entries) and not after_rollback:
            raise MlgateError(
                f"{new[:12]} was rolled back. To promote it all the same: mlgate promote --after-rollback."
            )
        card = artifacts.read_card(root.candidate_card, new)
        if card is None:
            raise MlgateError("The candidate's card.json does not describe it. Run notebook 02 again.")
        keys = None
        if root.candidate_keys.is_file():
            keys = root.candidate_keys.read_bytes()
        beside = {"keys": keys, "profile": profile_of(root, data, card)}
        switch(root, data, card, "promotion", beside, verdict_sha256=artifacts.digest(to_json(look["verdict"])))
        return True


def rollback(root: Root) -> str:
    """Put the previous production model back and return its digest. The one taken out becomes the previous one."""
    with locked(root):
        tidy(root)
        entries = ledger.read(root)
        current = require_known(root, entries)
        expected = ledger.previous(entries)
        if expected is None:
            raise MlgateError("There is no previous production model to go back to. Nothing was changed.")
        if expected in ledger.rolled_back(entries):
            raise MlgateError(
                f"The previous model {expected[:12]} is the one that was rolled back. Nothing was changed."
            )
        data = artifacts.read_bytes(root.previous, BRING_BACK)
        old = artifacts.digest(data)
        card = artifacts.read_card(root.cards / f"{old}.json", old)
        if old != expected or card is None:
            raise MlgateError(
                f"artifacts_prod/previous.pkl is {old[:12]}, but {expected[:12]}, with its card, was in production"
                f" before {current[:12]}. Nothing was changed. {BRING_BACK}"
            )
        switch(root, data, card, "rollback")
        return old


def profile_of(root: Root, data: bytes, card: Card) -> bytes | None:
    """Return the profile of a model that is about to be production, for the watch.

    None where there is one from an earlier promotion, or none can be made: a model that won is not stopped here, and
    the watch says what is missing.
    """
    if watch.path_of(root, card.digest).is_file():
        return None
    try:
        model = artifacts.load(data, artifacts.limits_of(root.settings()), card, known=True)
        return watch.to_bytes(watch.make_for(root, model))
    except Exception:
        return None


Beside = Mapping[str, bytes | None]  # what stands beside a model's card, by the end of its name


def switch(root: Root, data: bytes, card: Card, kind: MoveKind, beside: Beside | None = None, **facts: Any) -> None:
    """Make these bytes the production model. The caller holds the lock and has made sure that they may be.

    beside: "keys", the fingerprints of its training rows, and "profile", the reference of the watch.
    """
    stage = stage_of(root)
    shutil.rmtree(stage, ignore_errors=True)
    old = _digest(root.production)
    new = artifacts.digest(data)
    write_atomically(stage / "pipeline.pkl", data)
    if old is not None:
        write_atomically(stage / "previous.pkl", root.production.read_bytes())
    entry = {"kind": kind, "from": old, "to": new, **facts, "begun": ledger.now()}
    write_atomically(stage / "entry.json", to_json(entry))
    if artifacts.read_card(root.cards / f"{new}.json", new) is None:  # all are written once
        _write_beside(root, card, beside or {})
        write_atomically(root.cards / f"{new}.json", to_json(card))
    os.replace(stage / "pipeline.pkl", root.production)  # the commit point
    sync_folder(root.production_folder)
    ledger.append(root, **entry)
    _finish(root, entry)


def _write_beside(root: Root, card: Card, beside: Beside) -> None:
    keys = beside.get("keys")
    if keys and artifacts.digest(keys) == card.keys:
        write_atomically(root.cards / f"{card.digest}.keys", keys)
    profile = beside.get("profile")
    if profile:
        write_atomically(watch.path_of(root, card.digest), profile)


def stage_of(root: Root) -> Path:
    """Return the folder in which a move is prepared."""
    return root.production_folder / ".promotion"


def begun_move(root: Root) -> dict[str, Any] | None:
    """Return the line of a move that was begun and did not get to its end, or None. Nothing but a claim: see `tidy`."""
    try:
        entry: dict[str, Any] = json.loads(read_file(stage_of(root) / "entry.json"))
        digests = (entry["to"], entry["from"] or START)
        if entry["kind"] in MOVES and entry["begun"] and all(DIGEST.fullmatch(name) for name in digests):
            return entry
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        pass
    return None


def tidy(root: Root) -> None:
    """Finish or undo a move that was killed half-way. The caller holds the lock.

    entry.json is believed where the ledger speaks for it: where its line is there, or it follows from what is. A first
    model and a refresh have nothing in the ledger before their line, so they are undone and done again.
    """
    for folder in (root.production_folder, root.cards, root.holdouts, root.candidate_folder):
        for path in folder.glob(".*.tmp"):
            path.unlink(missing_ok=True)
    stage = stage_of(root)
    if not stage.exists():
        return
    entry = begun_move(root)
    if entry is None:
        shutil.rmtree(stage)
        return
    entries = ledger.read(root)
    expected = ledger.head(entries)
    if _digest(root.production) == entry["to"] and expected != entry["to"]:
        if ledger.follows(entries, entry):
            ledger.append(root, **entry)
        else:
            _undo(root, expected)
    _finish(root, entry)


def _undo(root: Root, expected: str | None) -> None:
    """Put the old model back, or none where there was none. What else is wrong is for `require_known` to say."""
    old = stage_of(root) / "previous.pkl"
    if expected is None:
        root.production.unlink()
    elif _digest(old) == expected:
        os.replace(old, root.production)


def _finish(root: Root, entry: dict[str, Any]) -> None:
    """Put the previous model where `rollback` finds it, drop the card of a model that did not come, and the stage."""
    entries = ledger.read(root)
    stage = stage_of(root)
    old = _digest(stage / "previous.pkl")
    if old is not None and old == ledger.previous(entries):
        os.replace(stage / "previous.pkl", root.previous)
    if not any(move["to"] == entry["to"] for move in ledger.moves(entries)):
        for kind in ("json", "keys", "profile"):
            (root.cards / f"{entry['to']}.{kind}").unlink(missing_ok=True)
    shutil.rmtree(stage)


def require_known(root: Root, entries: Sequence[Entry]) -> str:
    """Return the digest of the production model. Raises MlgateError where it is not the one the ledger speaks of."""
    found = artifacts.digest(artifacts.read_production(root))
    expected = ledger.head(entries)
    if expected is None:
        raise MlgateError(
            f"The ledger does not say how {found[:12]} came to artifacts_prod/: its lines are gone. {BRING_BACK}"
        )
    if found != expected:
        raise MlgateError(
            f"artifacts_prod/pipeline.pkl is {found[:12]}, but the ledger's last move put {expected[:12]} there:"
            f" it was changed by hand. {BRING_BACK}"
        )
    return found


def _digest(path: Path) -> str | None:
    if not path.is_file():
        return None
    return artifacts.digest(path.read_bytes())
