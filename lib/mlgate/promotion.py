"""Promote and roll back. One atomic rename is the commit point; a compare-and-swap guards it.

Everything is prepared in artifacts_prod/.promotion first. Then the new pipeline.pkl is renamed into place: before that
instant production is the old model, after it the new one. `tidy` finishes, or drops, what a killed command left there.
"""

import json
import os
import shutil

from mlgate import artifacts, ledger
from mlgate.artifacts import to_json
from mlgate.root import MlgateError, Root, sync_folder, write_atomically


def promote(root: Root, after_rollback: bool = False) -> bool:
    """Put the candidate into production, on the verdict in verdict.json. False where it is there already.

    Raises MlgateError, with production untouched, where the verdict is not PROMOTE, does not stand in the ledger, or is
    about another pair of models than the two at hand; and for a model that was rolled back, unless `after_rollback`.
    """
    with root.locked():
        tidy(root)
        entries = ledger.read(root)
        current = require_known(root, entries)
        data = artifacts.read_bytes(root.candidate)
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
        card = artifacts.read_card(root.candidate_card, new)
        if card is None:
            raise MlgateError("The candidate's card.json does not describe it. Run notebook 02 again.")
        switch(root, data, card, "promotion", verdict_sha256=artifacts.digest(to_json(verdict)))
        return True


def rollback(root: Root) -> str:
    """Put the previous production model back and return its digest. The one taken out becomes the previous one."""
    with root.locked():
        tidy(root)
        entries = ledger.read(root)
        current = require_known(root, entries)
        if not root.previous.is_file():
            raise MlgateError("There is no previous production model to go back to.")
        data = artifacts.read_bytes(root.previous)
        old = artifacts.digest(data)
        card = artifacts.read_card(root.cards / f"{old}.json", old)
        if card is None:
            raise MlgateError(f"The previous model {old[:12]} has no card: it is not known. Nothing was changed.")
        if old == current or old in ledger.rolled_back(entries):
            raise MlgateError(f"The previous model {old[:12]} is the one that was rolled back. Nothing was changed.")
        switch(root, data, card, "rollback")
        return old


def switch(root: Root, data: bytes, card: dict, kind: str, **facts) -> None:
    """Make these bytes the production model. The caller holds the lock and has made sure that they may be."""
    stage = root.production_folder / ".promotion"
    shutil.rmtree(stage, ignore_errors=True)
    old = root.production.read_bytes() if root.production.is_file() else None
    write_atomically(stage / "pipeline.pkl", data)
    if old is not None:
        write_atomically(stage / "previous.pkl", old)
    new = artifacts.digest(data)
    entry = {"kind": kind, "from": artifacts.digest(old) if old else None, "to": new, **facts, "begun": ledger.now()}
    write_atomically(stage / "entry.json", to_json(entry))
    if not (root.cards / f"{new}.json").exists():
        write_atomically(root.cards / f"{new}.json", to_json(card))
    os.replace(stage / "pipeline.pkl", root.production)  # the commit point
    sync_folder(root.production_folder)
    tidy(root)


def tidy(root: Root) -> None:
    """Finish or drop a promotion that was killed half-way. The caller holds the lock."""
    for folder in (root.production_folder, root.cards, root.candidate_folder):
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
            (root.cards / f"{entry['to']}.json").unlink(missing_ok=True)
    shutil.rmtree(stage)


def require_known(root: Root, entries: list[dict]) -> str:
    """The digest of the production model. Raises MlgateError where it is not the one the ledger speaks of."""
    data = artifacts.read_production(root)
    found, expected = artifacts.digest(data), ledger.head(entries)
    if found != expected:
        raise MlgateError(
            f"artifacts_prod/pipeline.pkl is {found[:12]}, but the ledger's last move put {str(expected)[:12]} there:"
            " it was changed by hand. Bring artifacts_prod/ back with git checkout -- artifacts_prod."
        )
    return found


def _verdict(root: Root, entries: list[dict], current: str, new: str, after_rollback: bool) -> dict:
    """The verdict to act on, out of the ledger: verdict.json's, or after a rollback the one this pair was given."""
    looks = [entry for entry in entries if entry["kind"] == "look"]
    if after_rollback:
        verdicts = [entry["verdict"] for entry in looks]
        found = [it for it in verdicts if (it["production"]["digest"], it["candidate"]["digest"]) == (current, new)]
    else:
        named = artifacts.digest(artifacts.read_bytes(root.verdict, "Run notebook 04 first."))
        found = [entry["verdict"] for entry in looks if entry["verdict_sha256"] == named]
    if not found:
        raise MlgateError("The ledger has no such verdict. Run notebook 04: only what was judged can be promoted.")
    if found[-1]["decision"] != "PROMOTE":
        raise MlgateError(f"The verdict is {found[-1]['decision']}: {found[-1]['reason']}. Production stays.")
    return found[-1]
