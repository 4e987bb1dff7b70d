"""The ledger: append-only, hash-chained history of looks, promotions and rollbacks; how many looks are left."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mlgate.errors import MlgateError
from mlgate.ledger.entries import (
    Entry,
    Holdout,
    Judged,
    Kind,
    Labelling,
    Move,
    holdouts,
    judged,
    labellings,
    moves,
    why_malformed,
)
from mlgate.root import Policy, Root, read_file, write_atomically

START = "0" * 64
READINGS = 2  # times its number of looks: what a holdout generation bears, looks that were given back included
BRING_BACK = "The ledger is only ever added to; bring it back with git checkout."


def read(root: Root) -> list[Entry]:
    """Return every line, oldest first, the chain verified; [] without a ledger. Raises MlgateError on a bad line."""
    try:
        data = read_file(root.ledger)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise MlgateError(
            f"{root.ledger} cannot be read: {error.strerror}. Bring it back with git checkout."
        ) from error
    return parse(data, str(root.ledger))


def parse(data: bytes, name: str) -> list[Entry]:
    """Return the lines in these bytes, the chain verified. Raises MlgateError that names the file and a bad line."""
    lines = data.split(b"\n")
    last = lines.pop()
    if last:
        raise _broken(name, len(lines) + 1, "it is not complete")
    entries: list[Entry] = []
    before = START
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            digest = entry.pop("sha256")
        except (ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
            raise _broken(name, number, "it cannot be read") from error
        if entry.get("before") != before:
            raise _broken(name, number, "it does not follow the line before it")
        if _digest(entry) != digest:
            raise _broken(name, number, "it was changed after it was written")
        if wrong := why_malformed(entry):
            raise _broken(name, number, wrong)
        entries.append(entry)
        before = digest
    return entries


def append(root: Root, kind: Kind, **facts: Any) -> dict[str, Any]:
    """Add one line and return it. The caller holds the root's lock. The file is replaced in one step: no torn line."""
    data = b""
    if read(root):
        data = read_file(root.ledger)
    data = chained(data, {"time": now(), "kind": kind, **facts})
    write_atomically(root.ledger, data)
    line: dict[str, Any] = json.loads(data.splitlines()[-1])
    del line["sha256"]
    return line


def chained(data: bytes, entry: Mapping[str, Any]) -> bytes:
    """Return a sound ledger's bytes and one more line: the entry, made to follow the last one."""
    before = START
    if data:
        before = json.loads(data.splitlines()[-1])["sha256"]
    entry = {**entry, "before": before}
    line = json.dumps({**entry, "sha256": _digest(entry)}, ensure_ascii=False)
    return data + line.encode(errors="backslashreplace") + b"\n"  # half a character becomes JSON's \udXXX


def last_move(entries: Iterable[Entry]) -> Move | None:
    """Return the line that put the present model into production."""
    found = moves(entries)
    if not found:
        return None
    return found[-1]


def head(entries: Iterable[Entry]) -> str | None:
    """Return the digest of the model that ought to be in production."""
    move = last_move(entries)
    return move and move["to"]


def previous(entries: Iterable[Entry]) -> str | None:
    """Return the digest of the model that was in production before it."""
    move = last_move(entries)
    return move and move["from"]


def since(entries: Iterable[Entry]) -> str | None:
    """Return when the model in production came there, in ISO 8601 (UTC)."""
    move = last_move(entries)
    return move and move["time"]


def follows(entries: Sequence[Entry], move: Mapping[str, Any]) -> bool:
    """Whether the ledger speaks for a move that has no line yet: a look won it, or it goes back to the previous model.

    So nothing but the ledger brings a model to life. A first model and a refresh have no evidence in it.
    """
    if move["from"] != head(entries):
        return False
    if move["kind"] == "rollback":
        return bool(move["to"] == previous(entries))
    return move["kind"] == "promotion" and won(entries, move)


def won(entries: Iterable[Entry], move: Mapping[str, Any]) -> bool:
    """Whether a look at this very pair, with the verdict that a promotion names, says PROMOTE."""
    for entry in judged(entries, "look"):
        verdict = entry["verdict"]
        pair = (verdict["production"]["digest"], verdict["candidate"]["digest"])
        named = entry["verdict_sha256"] == move.get("verdict_sha256")
        if named and pair == (move["from"], move["to"]) and verdict["decision"] == "PROMOTE":
            return True
    return False


def rolled_back(entries: Iterable[Entry]) -> set[str]:
    """Return the digests that were taken out of production and not put back since."""
    out: set[str] = set()
    for move in moves(entries):
        out.discard(move["to"])
        if move["kind"] == "rollback" and move["from"]:
            out.add(move["from"])
    return out


def current_holdout(entries: Iterable[Entry]) -> Holdout | None:
    """Return the line that began, or went on with, the holdout generation that the exam uses."""
    return _last([line for line in holdouts(entries) if not line.get("unlabelled")])


def unlabelled_holdout(entries: Iterable[Entry]) -> Holdout | None:
    """Return the line that began the generation of unlabelled rows in use."""
    return _last([line for line in holdouts(entries) if line.get("unlabelled")])


def _last(lines: list[Holdout]) -> Holdout | None:
    if not lines:
        return None
    return lines[-1]


def looks_left(entries: Sequence[Entry], policy: Policy, generation: int | None = None) -> int:
    """Return how many looks at a holdout generation, by default the one that the exam uses, are left under a policy.

    A generation has one alpha and one number of looks, fixed when it began; each look spends one of them, and the level
    it was taken at. So no edit of the policy brings spent looks back, and smaller steps are not more of them.

    A look that ends in PROMOTE is given back. Until the first promotion without a ground, only looks that promoted
    nothing have kept their level, and those sum to no more than alpha: so the chance of it stays below alpha. But each
    look tells something of the rows, whatever it ends in: a generation ends after twice as many of them at the latest.
    One for which labels are being bought is spent from the start: who gives it up and begins another has paid for both.
    """
    looks: list[Judged | Labelling] = judged(entries, "look") + unfinished(entries)
    holdout = current_holdout(entries)
    if generation is not None:
        holdout = _last([line for line in holdouts(entries) if line["generation"] == generation])
    if holdout is None:  # no generation has begun yet
        return _affordable(policy.alpha, [look for look in looks if not given_back(look)], policy)
    most = holdout.get("looks", Policy.looks)
    mine = [look for look in looks if look.get("generation") == holdout["generation"]]
    kept = [look for look in mine if not given_back(look)]
    left = (most - len(kept), READINGS * most - len(mine), _affordable(holdout["alpha"], kept, policy))
    return max(0, min(left))


def given_back(look: Judged | Labelling) -> bool:
    """Return whether a look ended in PROMOTE, so that its level may be spent again."""
    verdict: Any = look.get("verdict") or {}
    return bool(verdict.get("decision") == "PROMOTE")


def unfinished(entries: Sequence[Entry]) -> list[Labelling]:
    """Return the lines that began to buy labels and have no verdict yet."""
    ended = {look.get("labelling") for look in judged(entries, "look")}
    return [line for line in labellings(entries) if line["order"] not in ended]


def _affordable(alpha: float, looks: Sequence[Judged | Labelling], policy: Policy) -> int:
    """How many looks the policy's level allows with what these have left of alpha."""
    spent = sum(look["alpha"] for look in looks)
    return max(0, int((alpha - spent) / policy.alpha_look + 1e-6))


def verdict_on(
    entries: Iterable[Entry], production: str, candidate: str, rows: str, policy: str
) -> dict[str, Any] | None:
    """Return the verdict already given on this pair, these rows and this policy (digests), or None."""
    asked = {"production": production, "candidate": candidate, "rows": rows, "policy": policy}
    verdicts = [entry["verdict"] for entry in judged(entries)]
    found = [verdict for verdict in verdicts if all(verdict[part]["digest"] == name for part, name in asked.items())]
    if not found:
        return None
    return found[-1]


def now() -> str:
    """Return the time, in ISO 8601 (UTC)."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _digest(entry: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()


def _broken(name: str, number: int, why: str) -> MlgateError:
    return MlgateError(f"{name}, line {number}: {why}. {BRING_BACK}")
