"""Holdout generations: whose rows they are, how long they last, and how new ones take over.

A test set wears out by being asked. So looks are counted against a generation of rows, whose fingerprints are kept
beside the ledger: as long as one row is shared, the budget goes on. Rows that nobody has read begin a new generation.
"""

import csv
import io
from pathlib import Path

from mlgate import artifacts, corpus, ledger, promotion
from mlgate.artifacts import locked
from mlgate.corpus import Source
from mlgate.errors import MlgateError
from mlgate.root import Policy, Root, policy_from, write_atomically

WIDTH = 8  # bytes of a fingerprint


def generation(root: Root, policy: Policy) -> int:
    """The number of the generation that the holdout rows belong to, written into the ledger where it is not yet there.

    The caller holds the lock. Raises MlgateError where an earlier generation's fingerprints are missing or changed.
    """
    rows, keys = corpus.rows_of("holdout", root), _keys(corpus.split("holdout", root)["text"])
    entries = ledger.read(root)
    last = ledger.current_holdout(entries)
    if last and last["rows"]["digest"] == rows.digest:
        return last["generation"]
    kept = {entry["generation"]: (entry, _kept(root, entry)) for entry in entries if entry["kind"] == "holdout"}
    shared = next((number for number, (_, known) in kept.items() if known & keys), None)
    number = max(kept, default=0) + 1 if shared is None else shared
    alpha = policy.alpha if shared is None else kept[shared][0]["alpha"]
    data = b"".join(sorted(keys if shared is None else keys | kept[shared][1]))
    write_atomically(root.holdouts / f"{artifacts.digest(data)[:16]}.keys", data)
    facts = {"rows": {"count": len(keys), "digest": rows.digest}, "keys": artifacts.digest(data)}
    ledger.append(root, "holdout", generation=number, alpha=alpha, **facts)
    return number


def renew(root: Root, source: Source) -> str:
    """Make the rows of a file the holdout, and release the old ones for training. One line says what was done.

    Raises MlgateError, with nothing changed, where a row is in the corpus or was in an earlier holdout, where a label
    is unknown to the production model, where a required slice could not be judged, or where the file cannot be read.
    """
    with locked(root):
        promotion.tidy(root)
        policy = policy_from(root.settings())
        generation(root, policy)
        batches = list(corpus.rows_in(source).batches())
        texts, labels, slices = ([value for batch in batches for value in getattr(batch, name)] for name in _PARTS)
        _require_new(root, source.path, texts)
        _require_labels(root, source.path, labels)
        _require_slices(policy, source.path, slices)
        buffer = io.StringIO()
        csv.writer(buffer).writerows([("text", "label", "source"), *zip(texts, labels, slices, strict=True)])
        write_atomically(root.new_holdout, buffer.getvalue().encode())
        number = generation(root, policy)
        left = ledger.looks_left(ledger.read(root), policy)
    return f"Holdout generation {number}: {len(texts):,} rows, {left} looks. The old rows are training rows now."


_PARTS = ("texts", "labels", "slices")


def _require_new(root: Root, path: Path, texts: list[str]) -> None:
    keys = _keys(texts)
    if len(keys) < len(texts):
        raise MlgateError(f"{path} has {len(texts) - len(keys):,} duplicate texts. Keep one of each.")
    entries = [entry for entry in ledger.read(root) if entry["kind"] == "holdout"]
    known = _keys(corpus.load(root)["text"]).union(*(_kept(root, entry) for entry in entries))
    if keys & known:
        raise MlgateError(
            f"{len(keys & known):,} of {len(texts):,} rows in {path} are known already, from the corpus or an earlier"
            " holdout. A holdout takes rows that nobody has read: leave these out."
        )


def _require_labels(root: Root, path: Path, labels: list[str]) -> None:
    classes = {str(name) for name in artifacts.load_production(root).classes}
    if strange := sorted(set(labels) - classes):
        raise MlgateError(
            f"{path} has the label {strange[0]!r}; production's classes are {', '.join(sorted(classes))}."
        )
    if len(set(labels)) < 2:
        raise MlgateError(f"All rows of {path} have one label. Nothing could be compared: add the others.")


def _require_slices(policy: Policy, path: Path, slices: list[str]) -> None:
    for name in policy.required:
        if not policy.large_enough(rows := slices.count(name)):
            raise MlgateError(
                f"{path} has {rows:,} rows of the slice {name!r}, which gate.toml requires: at least"
                f" {policy.minimum_rows:,} are needed. Name the column with --slice-column, or add rows."
            )


def _keys(texts) -> set[bytes]:
    data = corpus.keys(texts)[:, 0].tobytes()
    return {data[start : start + WIDTH] for start in range(0, len(data), WIDTH)}


def _kept(root: Root, entry: dict) -> set[bytes]:
    path = root.holdouts / f"{entry['keys'][:16]}.keys"
    data = artifacts.read_bytes(path, "Bring artifacts_prod/ back: git checkout -- artifacts_prod.")
    if artifacts.digest(data) != entry["keys"]:
        raise MlgateError(f"{path} was changed. Bring artifacts_prod/ back: git checkout -- artifacts_prod.")
    return {data[start : start + WIDTH] for start in range(0, len(data), WIDTH)}
