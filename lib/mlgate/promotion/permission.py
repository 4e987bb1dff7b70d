"""Which verdict permits a promotion: a PROMOTE that stands in the ledger, about what is at hand now."""

import json
from collections.abc import Sequence

from mlgate import artifacts, ledger
from mlgate.artifacts import to_json
from mlgate.errors import MlgateError
from mlgate.ledger import Entry, Judged
from mlgate.root import Root, policy_from, section


def look_for(root: Root, entries: Sequence[Entry], pair: tuple[str, str], after_rollback: bool) -> Judged:
    """Return the ledger's line that permits the second of a pair of digests to replace the first.

    Raises MlgateError where there is none, it is not PROMOTE, or it is about other models, demands or rows.
    """
    look = _require_promote(_evidence(root, entries, pair, after_rollback))
    _require_current(root, entries, look, pair)
    return look


def _evidence(root: Root, entries: Sequence[Entry], pair: tuple[str, str], after_rollback: bool) -> Judged | None:
    """Return the ledger's line to act on, or None. After a rollback verdict.json holds a HOLD: then the last look."""
    if after_rollback:
        return _last_look(entries, pair)
    return _in_verdict_json(root, entries)


def _in_verdict_json(root: Root, entries: Sequence[Entry]) -> Judged | None:
    """Return the ledger's line with the verdict in verdict.json, which either is that verdict or repeats it."""
    data = artifacts.read_bytes(root.verdict, "Run notebook 04 first.")
    named = artifacts.digest(data)
    for entry in ledger.judged(entries)[::-1]:
        if entry["verdict_sha256"] in (named, _repeated(data, entry)):
            return entry
    return None


def _repeated(data: bytes, entry: Judged) -> str | None:
    """Return the digest of the verdict that verdict.json repeats, if it is this line's: only its looks differ."""
    try:
        shown = json.loads(data)
        if shown["look"]["repeated"]:
            return artifacts.digest(to_json({**shown, "look": entry["verdict"]["look"]}))
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    return None


def _last_look(entries: Sequence[Entry], pair: tuple[str, str]) -> Judged | None:
    for entry in ledger.judged(entries, "look")[::-1]:
        verdict = entry["verdict"]
        if (verdict["production"]["digest"], verdict["candidate"]["digest"]) == pair:
            return entry
    return None


def _require_promote(entry: Judged | None) -> Judged:
    """Return the line to act on. Raises MlgateError where there is none, or it is not PROMOTE."""
    if entry is None:
        raise MlgateError(
            "The ledger has no such verdict (a HOLD that cost no look is not written there)."
            " Run notebook 04: only a PROMOTE that stands in the ledger promotes."
        )
    verdict = entry["verdict"]
    if verdict["decision"] != "PROMOTE":
        raise MlgateError(f"The verdict is {verdict['decision']}: {verdict['reason']}. Production stays.")
    return entry


def _require_current(root: Root, entries: Sequence[Entry], look: Judged, pair: tuple[str, str]) -> None:
    """Raise MlgateError where the verdict is about something else than what is at hand now.

    gate.toml's [candidate] may say something else: whoever names a recipe by hand trains another one.
    """
    current, new = pair
    verdict = look["verdict"]
    settings = root.settings()
    judged = verdict["production"]["digest"]
    if judged != current:
        raise MlgateError(
            f"The verdict is about production {judged[:12]}, but {current[:12]} is in"
            " production now. Run notebook 04 again: the candidate has to beat the new one."
        )
    if verdict["candidate"]["digest"] != new:
        raise MlgateError("The candidate is not the one that was judged. Run notebook 04 again.")
    if verdict["policy"]["digest"] != policy_from(settings).digest:
        raise MlgateError("gate.toml demands something else since the verdict was given. Run notebook 04 again.")
    if verdict["rows"]["digest"] not in _judged_rows(entries, look):
        raise MlgateError("The holdout has other rows since the verdict was given. Run notebook 04 again.")
    corpus = section(settings, "corpus")
    if look.get("corpus", corpus) != corpus:
        raise MlgateError("gate.toml names another [corpus] since the verdict was given. Run notebooks 02 to 04 again.")


def _judged_rows(entries: Sequence[Entry], look: Judged) -> list[str]:
    """Return the digests of the rows that a look may be about: those it bought labels of, else the holdout's."""
    if "labelling" in look:
        return [line["rows"]["digest"] for line in ledger.labellings(entries) if line["order"] == look["labelling"]]
    return [line["rows"]["digest"] for line in ledger.holdouts(entries)[-1:]]
