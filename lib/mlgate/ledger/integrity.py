"""Is artifacts_prod/ what its own ledger says? And did a change leave it alone?

Needs Python's standard library and git, nothing else, and unpickles nothing: the job that may write to main runs it.
"""

import hashlib
import json
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mlgate.errors import MlgateError
from mlgate.ledger import ledger
from mlgate.root import Root

FOLDER = "artifacts_prod"
MEND = f"Take {FOLDER}/ back to the last commit in which it was sound: git checkout COMMIT -- {FOLDER}"
PROSE = (".md", ".rst")


def verify(root: Root) -> str | None:
    """The digest of the production model, None where there is none yet.

    Raises MlgateError where artifacts_prod/ does not hold together: a line of the ledger was changed, production is not
    the model that the last move put there, a card describes another model, a promotion has no verdict.
    """
    entries = ledger.read(root)
    _verify_promotions(root, entries)
    for path in sorted(root.cards.glob("*.json")):
        _card(root, path.stem)
    for entry in entries:
        for path, expected in named_by(root, entry).items():
            if expected and _digest(path) != expected:
                raise MlgateError(
                    f"{FOLDER}/{path.relative_to(root.production_folder)} is not the one that the ledger and the cards"
                    f" speak of: it was changed, or is missing. {MEND}"
                )
    moves = [entry for entry in entries if entry["kind"] in ledger.MOVES]
    for path, key in ((root.production, "to"), (root.previous, "from")):
        expected = moves[-1][key] if moves else None
        found = _digest(path)
        if found != expected:
            raise MlgateError(
                f"{FOLDER}/{path.name} is {_short(found)}, but the ledger's last move says {_short(expected)}: it was"
                f" not put there by a promotion. {MEND}"
            )
        if expected:
            _card(root, expected)
    return ledger.head(entries)


def named_by(root: Root, entry: dict) -> dict[Path, str | None]:
    """The files that a line of the ledger brings along, each with the sha256 it has to have (None: see its card)."""
    if entry["kind"] in ledger.MOVES:
        card = root.cards / f"{entry['to']}.json"
        keys = _card(root, entry["to"]).get("keys")  # the fingerprints of its training rows
        return {card: None, **({card.with_suffix(".keys"): keys} if keys else {})}
    if entry["kind"] == "holdout":
        return {root.holdouts / f"{entry['keys'][:16]}.keys": entry["keys"]}
    return {}


def stale(root: Root) -> str | None:
    """What to say where production was trained with another scikit-learn than is installed here, else None."""
    found = ledger.head(ledger.read(root))
    then = _card(root, found).get("versions", {}).get("scikit-learn") if found else None
    try:
        now = version("scikit-learn")
    except PackageNotFoundError:
        return None
    if then in (None, now):
        return None
    return (
        f"Production {_short(found)} was trained with scikit-learn {then}, and {now} is installed: scikit-learn does"
        " not promise that it answers as before. Train it again with these versions: mlgate refresh"
    )


def changed_since(root: Root, base: str) -> list[str]:
    """The files changed from the merge base of `base` and HEAD to HEAD. MlgateError where git knows no such base."""
    fork = git(root, "merge-base", base, "HEAD").strip()
    return git(root, "diff", "--name-only", "--no-renames", "--relative", "-z", fork, "HEAD").split("\0")[:-1]


def require_untouched(files: list[str], base: str) -> None:
    """Raises MlgateError where one of the changed files is in artifacts_prod/."""
    edited = [name for name in files if name.startswith(f"{FOLDER}/")]
    if edited:
        others = f" and {len(edited) - 1} more" if edited[1:] else ""
        raise MlgateError(
            f"This change edits {edited[0]}{others}, but only a verdict on main moves production. Take it back with:"
            f" git checkout $(git merge-base {base} HEAD) -- {FOLDER}"
            " (and to change the model, name another recipe under [candidate] in gate.toml)"
        )


def only_prose(files: list[str]) -> bool:
    """Do these files only hold words for people, so that nothing has to be trained?"""
    return all(name.startswith("docs/") or name.endswith(PROSE) or name == "LICENSE" for name in files)


def git(root: Root, *arguments: str) -> str:
    """What git prints. Raises MlgateError with git's own words where it fails."""
    done = subprocess.run(["git", *arguments], cwd=root.path, capture_output=True, text=True, check=False)
    if done.returncode:
        said = " ".join(done.stderr.split()) or f"exit status {done.returncode}"
        raise MlgateError(f"git {arguments[0]} failed: {said}")
    return done.stdout


def _verify_promotions(root: Root, entries: list[dict]) -> None:
    """Each promotion has its PROMOTE about this pair, taken before it."""
    current, promoting = None, set()
    for number, entry in enumerate(entries, 1):
        if entry["kind"] == "look" and entry["verdict"]["decision"] == "PROMOTE":
            pair = entry["verdict"]["production"]["digest"], entry["verdict"]["candidate"]["digest"]
            promoting.add((entry["verdict_sha256"], *pair))
        if entry["kind"] in ledger.MOVES:
            wrong = entry["from"] != current and "it does not start from the model that was in production"
            if entry["kind"] == "promotion" and (entry["verdict_sha256"], entry["from"], entry["to"]) not in promoting:
                wrong = "no look before it says PROMOTE"
            if wrong:
                raise MlgateError(f"{root.ledger}, line {number}: this {entry['kind']} cannot be: {wrong}.")
            current = entry["to"]


def _card(root: Root, name: str) -> dict:
    path = root.cards / f"{name}.json"
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MlgateError(f"{FOLDER}/cards has no readable card of {_short(name)}: the model is not known.") from error
    if not isinstance(card, dict) or card.get("digest") != name:
        raise MlgateError(f"{FOLDER}/cards/{path.name} describes another model than its name says: it was changed.")
    return card


def _digest(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _short(name: str | None) -> str:
    return name[:12] if name else "nothing"
