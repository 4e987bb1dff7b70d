"""The ledger: append-only, hash-chained history of looks, promotions and rollbacks; how many looks are left."""

import hashlib
import json
from datetime import UTC, datetime

from mlgate.errors import MlgateError
from mlgate.root import Policy, Root, write_atomically

START = "0" * 64
MOVES = ("bootstrap", "promotion", "rollback", "refresh")  # the kinds of line that change production


def read(root: Root) -> list[dict]:
    """Every line, oldest first, the chain verified; [] without a ledger. Raises MlgateError naming a bad line."""
    try:
        lines = root.ledger.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise MlgateError(
            f"{root.ledger} cannot be read: {error.strerror}. Bring it back with git checkout."
        ) from error
    if lines.pop() != b"":
        raise _broken(root, len(lines) + 1, "it is not complete")
    entries, before = [], START
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            named = entry.pop("sha256")
        except (ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
            raise _broken(root, number, "it cannot be read") from error
        if entry.get("before") != before:
            raise _broken(root, number, "it does not follow the line before it")
        if _digest(entry) != named:
            raise _broken(root, number, "it was changed after it was written")
        entries.append(entry)
        before = named
    return entries


def append(root: Root, kind: str, **facts) -> dict:
    """Add one line. The caller holds the root's lock. The file is replaced in one step: no line is ever torn."""
    data = root.ledger.read_bytes() if read(root) else b""
    data = chained(data, {"time": now(), "kind": kind, **facts})
    write_atomically(root.ledger, data)
    return {name: value for name, value in json.loads(data.splitlines()[-1]).items() if name != "sha256"}


def chained(data: bytes, entry: dict) -> bytes:
    """A sound ledger's bytes, and one more line: the entry, made to follow the last one."""
    before = json.loads(data.splitlines()[-1])["sha256"] if data else START
    entry = {**entry, "before": before}
    line = json.dumps({**entry, "sha256": _digest(entry)}, ensure_ascii=False)
    return data + line.encode(errors="backslashreplace") + b"\n"  # half a character becomes JSON's \udXXX


def head(entries: list[dict]) -> str | None:
    """The digest of the model that ought to be in production."""
    return next((entry["to"] for entry in reversed(entries) if entry["kind"] in MOVES), None)


def previous(entries: list[dict]) -> str | None:
    """The digest of the model that was in production before it."""
    return next((entry["from"] for entry in reversed(entries) if entry["kind"] in MOVES), None)


def since(entries: list[dict]) -> str | None:
    """When the model in production came there, in ISO 8601 (UTC)."""
    return next((entry["time"] for entry in reversed(entries) if entry["kind"] in MOVES), None)


def rolled_back(entries: list[dict]) -> set[str]:
    """The digests that were taken out of production and not put back since."""
    out: set[str] = set()
    for entry in entries:
        if entry["kind"] in MOVES:
            out.discard(entry["to"])
        if entry["kind"] == "rollback":
            out.add(entry["from"])
    return out


def current_holdout(entries: list[dict]) -> dict | None:
    """The line that began, or went on with, the holdout generation in use."""
    return next((entry for entry in reversed(entries) if entry["kind"] == "holdout"), None)


def looks_left(entries: list[dict], policy: Policy) -> int:
    """How many looks at this holdout generation the policy still allows.

    A generation has one alpha, fixed when it began; each look spends the level it was taken at. So no edit of the
    policy brings spent looks back.
    """
    holdout = current_holdout(entries)
    number, alpha = (holdout["generation"], holdout["alpha"]) if holdout else (None, policy.alpha)
    looks = [entry for entry in entries if entry["kind"] == "look" and entry.get("generation") == number]
    return max(0, int((alpha - sum(entry["alpha"] for entry in looks)) / policy.alpha_look + 1e-6))


def repeated(entries: list[dict], policy: Policy) -> dict:
    """What to say of looks where a verdict of the ledger is given once more."""
    why = "this pair was judged before: the ledger's verdict is repeated"
    return {"spent": False, "left": looks_left(entries, policy), "why": why}


def verdict_on(entries: list[dict], production: str, candidate: str, rows: str, policy: str) -> dict | None:
    """The verdict already given on this pair, these rows and this policy (digests), or None."""
    for entry in reversed(entries):
        verdict = entry.get("verdict")
        if verdict and (production, candidate, rows, policy) == (
            verdict["production"]["digest"],
            verdict["candidate"]["digest"],
            verdict["rows"]["digest"],
            verdict["policy"]["digest"],
        ):
            return verdict
    return None


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _digest(entry: dict) -> str:
    return hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()


def _broken(root: Root, number: int, why: str) -> MlgateError:
    return MlgateError(
        f"{root.ledger}, line {number}: {why}. The ledger is only ever added to; bring it back with git checkout."
    )
