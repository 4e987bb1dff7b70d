"""Promote and roll back. One atomic rename is the commit point; a compare-and-swap guards it.

Everything is prepared in artifacts_prod/.promotion first. Then the new pipeline.pkl is renamed into place: before that
instant production is the old model, after it the new one. `tidy` finishes, or drops, what a killed command left there.
"""

import json
import os
import shutil

from mlgate import artifacts, ledger
from mlgate.artifacts import Card, locked, to_json
from mlgate.errors import MlgateError
from mlgate.root import Root, policy_from, sync_folder, write_atomically

MEND = "Bring artifacts_prod/ back: git checkout -- artifacts_prod."


def promote(root: Root, after_rollback: bool = False) -> bool:
    """Put the candidate into production, on the verdict in verdict.json. False where it is there already.

    Raises MlgateError, with production untouched, where the verdict is not PROMOTE, does not stand in the ledger, or is
    about another pair of models than the two at hand; and for a model that was rolled back, unless `after_rollback`.
    """
    with locked(root):
        tidy(root)
        entries = ledger.read(root)
        current = require_known(root, entries)
        data = artifacts.read_candidate(root)
        new = artifacts.digest(data)
        if new == current:
            return False
        verdict = _verdict(root, entries, current, new, after_rollback)
        if verdict["production"]["digest"] != current:
            raise MlgateError(
                f"The verdict is about production {verdict['production']['digest'][:12]}, but {current[:12]} is in"
                " production now. Run notebook 04 again: the candidate has to beat the new one."
            )
        if verdict["candidate"]["digest"] != new:
            raise MlgateError("The candidate is not the one that was judged. Run notebook 04 again.")
        if new in ledger.rolled_back(entries) and not after_rollback:
            raise MlgateError(
                f"{new[:12]} was rolled back. To promote it all the same: mlgate promote --after-rollback."
            )
        if verdict["policy"]["digest"] != policy_from(root.settings()).digest:
            raise MlgateError("gate.toml demands something else since the verdict was given. Run notebook 04 again.")
        card = artifacts.read_card(root.candidate_card, new)
        if card is None:
            raise MlgateError("The candidate's card.json does not describe it. Run notebook 02 again.")
        keys = root.candidate_keys.read_bytes() if root.candidate_keys.is_file() else None
        switch(root, data, card, "promotion", keys, verdict_sha256=artifacts.digest(to_json(verdict)))
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
        data = artifacts.read_bytes(root.previous, MEND)
        old = artifacts.digest(data)
        card = artifacts.read_card(root.cards / f"{old}.json", old)
        if old != expected or card is None:
            raise MlgateError(
                f"artifacts_prod/previous.pkl is {old[:12]}, but {expected[:12]}, with its card, was in production"
                f" before {current[:12]}. Nothing was changed. {MEND}"
            )
        switch(root, data, card, "rollback")
        return old


def switch(root: Root, data: bytes, card: Card, kind: str, keys: bytes | None = None, **facts) -> None:
    """Make these bytes the production model. The caller holds the lock and has made sure that they may be.

    keys: the fingerprints of its training rows, which stand beside its card.
    """
    stage = root.production_folder / ".promotion"
    shutil.rmtree(stage, ignore_errors=True)
    old = root.production.read_bytes() if root.production.is_file() else None
    write_atomically(stage / "pipeline.pkl", data)
    if old is not None:
        write_atomically(stage / "previous.pkl", old)
    new = artifacts.digest(data)
    entry = {"kind": kind, "from": artifacts.digest(old) if old else None, "to": new, **facts, "begun": ledger.now()}
    write_atomically(stage / "entry.json", to_json(entry))
    if artifacts.read_card(root.cards / f"{new}.json", new) is None:  # both are written once
        if keys and artifacts.digest(keys) == card.keys:
            write_atomically(root.cards / f"{new}.keys", keys)
        write_atomically(root.cards / f"{new}.json", to_json(card))
    os.replace(stage / "pipeline.pkl", root.production)  # the commit point
    sync_folder(root.production_folder)
    tidy(root)


def tidy(root: Root) -> None:
    """Finish or drop a promotion that was killed half-way. The caller holds the lock."""
    for folder in (root.production_folder, root.cards, root.holdouts, root.candidate_folder):
        for path in folder.glob(".*.tmp"):
            path.unlink(missing_ok=True)
    stage = root.production_folder / ".promotion"
    if not stage.exists():
        return
    entry = json.loads((stage / "entry.json").read_bytes()) if (stage / "entry.json").is_file() else None
    if entry:
        entries = ledger.read(root)
        if root.production.is_file() and artifacts.digest(root.production.read_bytes()) == entry["to"]:
            if not any(entry["begun"] == line.get("begun") for line in entries):
                ledger.append(root, **entry)
            if (stage / "previous.pkl").is_file():
                os.replace(stage / "previous.pkl", root.previous)
        elif not any(line.get("to") == entry["to"] for line in entries):
            for kind in ("json", "keys"):
                (root.cards / f"{entry['to']}.{kind}").unlink(missing_ok=True)
    shutil.rmtree(stage)


def require_known(root: Root, entries: list[dict]) -> str:
    """The digest of the production model. Raises MlgateError where it is not the one the ledger speaks of."""
    data = artifacts.read_production(root)
    found, expected = artifacts.digest(data), ledger.head(entries)
    if expected is None:
        raise MlgateError(
            f"The ledger does not say how {found[:12]} came to artifacts_prod/: its lines are gone. {MEND}"
        )
    if found != expected:
        raise MlgateError(
            f"artifacts_prod/pipeline.pkl is {found[:12]}, but the ledger's last move put {expected[:12]} there:"
            f" it was changed by hand. {MEND}"
        )
    return found


def _verdict(root: Root, entries: list[dict], current: str, new: str, after_rollback: bool) -> dict:
    """The verdict to act on, out of the ledger: verdict.json's, or after a rollback the one this pair was given."""
    if after_rollback:
        verdicts = [entry["verdict"] for entry in entries if entry["kind"] == "look"]
        found = [it for it in verdicts if (it["production"]["digest"], it["candidate"]["digest"]) == (current, new)]
    else:
        named = artifacts.digest(artifacts.read_bytes(root.verdict, "Run notebook 04 first."))
        judged = [entry for entry in entries if entry["kind"] in ("look", "rejection")]
        found = [entry["verdict"] for entry in judged if entry["verdict_sha256"] == named]
    if not found:
        raise MlgateError(
            "The ledger has no such verdict (a HOLD that cost no look is not written there)."
            " Run notebook 04: only a PROMOTE that stands in the ledger promotes."
        )
    if found[-1]["decision"] != "PROMOTE":
        raise MlgateError(f"The verdict is {found[-1]['decision']}: {found[-1]['reason']}. Production stays.")
    return found[-1]
