"""Holdout generations: whose rows they are, how long they last, and how new ones take over.

A test set wears out by being asked. So looks are counted against a generation of rows, whose fingerprints are kept
beside the ledger: as long as one row is shared, the budget goes on, and a row with a sign more is the same row. Rows
that nobody has read begin a new generation.
"""

import csv
import io
from pathlib import Path

from mlgate import artifacts, corpus, ledger, promotion
from mlgate.artifacts import locked
from mlgate.corpus import Source
from mlgate.errors import MlgateError
from mlgate.exam.provenance import Keys, keys_of, more_than_chance, overlap
from mlgate.root import Policy, Root, policy_from, write_atomically

import numpy as np

LEVEL = 0.001  # how seldom fresh rows are taken for old ones, because they begin or end like them by chance


def generation(root: Root, policy: Policy) -> int:
    """Return the number of the holdout rows' generation, and write it into the ledger where it is not yet there.

    The caller holds the lock. Raises MlgateError where an earlier generation's fingerprints are missing or changed.
    """
    rows = corpus.rows_of("holdout", root)
    entries = ledger.read(root)
    lines = ledger.holdouts(entries)
    current = ledger.current_holdout(entries)
    if current and current["rows"]["digest"] == rows.digest:
        return current["generation"]
    keys = keys_of(root, "holdout")
    begun = _generation_of(root, keys, lines)

    # New rows begin with what gate.toml says; rows that were read keep what their generation began with.
    number = _next(lines)
    alpha = policy.alpha
    looks = policy.looks
    if begun:
        number = begun["generation"]
        alpha = begun["alpha"]
        looks = begun.get("looks", Policy.looks)
    data = np.unique(keys).tobytes()
    write_atomically(root.holdouts / f"{artifacts.digest(data)[:16]}.keys", data)
    counted = {"count": len(keys), "digest": rows.digest}
    budget = {"generation": number, "alpha": alpha, "looks": looks}
    ledger.append(root, "holdout", **budget, rows=counted, keys=artifacts.digest(data))
    return number


def renew(root: Root, source: Source) -> str:
    """Make the rows of a file the holdout, and release the old ones for training. One line says what was done.

    Raises MlgateError, with nothing changed, where a row is in the corpus or was in an earlier holdout, where a label
    is unknown to the production model, where a required slice could not be judged, or where the file cannot be read.
    """
    if source.path is None:
        raise MlgateError("New holdout rows come from a file. Name a CSV or Parquet file of labelled texts.")
    with locked(root):
        promotion.tidy(root)
        policy = policy_from(root.settings())
        generation(root, policy)
        texts: list[str] = []
        labels: list[str] = []
        slices: list[str] = []
        for batch in corpus.rows_in(source).batches():
            texts += batch.texts
            labels += batch.labels
            slices += batch.slices
        _require_new(root, source.path, texts)
        _require_labels(root, source.path, labels)
        _require_slices(policy, source.path, slices)
        buffer = io.StringIO()
        csv.writer(buffer).writerows([("text", "label", "source"), *zip(texts, labels, slices, strict=True)])
        write_atomically(root.new_holdout, buffer.getvalue().encode())
        number = generation(root, policy)
        left = ledger.looks_left(ledger.read(root), policy)
    return f"Holdout generation {number}: {len(texts):,} rows, {left} looks. The old rows are training rows now."


def freeze(root: Root, source: Source) -> str:
    """Make unlabelled rows of a file a generation of their own: each look at it buys labels for its pair alone.

    One line says what was done. Raises MlgateError as `renew` does.
    """
    columns = [source.text_column]
    if source.slice_column:
        columns.append(source.slice_column)
    with locked(root):
        promotion.tidy(root)
        policy = policy_from(root.settings())
        generation(root, policy)
        texts: list[str] = []
        slices: list[str] = []
        for batch in corpus.files.read(source.file, columns, texts=[source.text_column]):
            found = batch.column(source.text_column).to_pylist()
            corpus.require_filled(source.file, source.text_column, found, len(texts))
            texts += found
            named = [corpus.NO_SLICE] * len(found)
            if source.slice_column:
                named = [name or "(empty)" for name in batch.column(source.slice_column).to_pylist()]
            slices += named
        if not texts:
            raise MlgateError(f"{source.path} has a header but no rows. Give it rows.")
        _require_new(root, source.file, texts)
        _require_slices(policy, source.file, slices)
        buffer = io.StringIO()
        csv.writer(buffer).writerows([("text", "source"), *zip(texts, slices, strict=True)])
        data = buffer.getvalue().encode(errors="backslashreplace")
        keys = np.unique(corpus.keys(texts)).tobytes()
        write_atomically(root.unlabelled_holdout, data)
        write_atomically(root.holdouts / f"{artifacts.digest(keys)[:16]}.keys", keys)
        number = _next(ledger.holdouts(ledger.read(root)))
        facts = {"alpha": policy.alpha, "looks": policy.looks, "keys": artifacts.digest(keys), "unlabelled": True}
        counted = {"count": len(texts), "digest": artifacts.digest(data)}
        ledger.append(root, "holdout", generation=number, rows=counted, **facts)
    begin = "Begin one with mlgate label new, without a file."
    return f"Holdout generation {number}: {len(texts):,} unlabelled rows, {policy.looks} looks. {begin}"


def _next(lines: list[ledger.Holdout]) -> int:
    return max((line["generation"] for line in lines), default=0) + 1


def _generation_of(root: Root, keys: Keys, lines: list[ledger.Holdout]) -> ledger.Holdout | None:
    """Return the first line of which a row is among these; None where nobody has read them."""
    if not lines:
        return None
    chance = _share_by_chance(root)
    for line in lines:
        whole, near = _known(keys, _kept(root, line))
        if whole or more_than_chance(near, len(keys), chance, LEVEL):
            return line
    return None


def _require_new(root: Root, path: Path, texts: list[str]) -> None:
    keys = corpus.keys(texts)
    count = len(keys)
    duplicates = count - len(np.unique(keys[:, 0]))
    if duplicates:
        raise MlgateError(f"{path} has {duplicates:,} duplicate texts. Keep one of each.")
    known = [corpus.keys(corpus.load(root)["text"]).ravel()]
    known += [_kept(root, line) for line in ledger.holdouts(ledger.read(root))]
    whole, near = _known(keys, np.concatenate(known))
    advice = "A holdout takes rows that nobody has read: leave these out."
    if whole:
        raise MlgateError(
            f"{whole:,} of {count:,} rows in {path} are known already, from the corpus or an earlier holdout. {advice}"
        )
    if more_than_chance(near, count, _share_by_chance(root), LEVEL):
        raise MlgateError(
            f"{near:,} of {count:,} rows in {path} begin or end with the same twelve words as rows of the corpus or of"
            f" an earlier holdout, more than by chance: they are known rows, changed a little. {advice}"
        )


def _known(keys: Keys, known: np.ndarray) -> tuple[int, int]:
    """How many of the rows are among the known ones exactly, and how many more only begin or end as one does."""
    whole, first, last = (np.isin(keys[:, column], known) for column in range(3))
    return int(whole.sum()), int(((first | last) & ~whole).sum())


def _share_by_chance(root: Root) -> float:
    """Return the share of the corpus's holdout rows that begin or end like one of its other rows."""
    own = keys_of(root, "holdout")
    others = np.concatenate([keys_of(root, name) for name in ("train", "validation", "live")])
    return (overlap(own, others)[1] + 1) / len(own)


def _require_labels(root: Root, path: Path, labels: list[str]) -> None:
    classes = {str(name) for name in artifacts.load_production(root).classes}
    unknown = sorted(set(labels) - classes)
    if unknown:
        raise MlgateError(
            f"{path} has the label {unknown[0]!r}; production's classes are {', '.join(sorted(classes))}."
        )
    if len(set(labels)) < 2:
        raise MlgateError(f"All rows of {path} have one label. Nothing could be compared: add the others.")


def _require_slices(policy: Policy, path: Path, slices: list[str]) -> None:
    for name in policy.required:
        rows = slices.count(name)
        if not policy.large_enough(rows):
            raise MlgateError(
                f"{path} has {rows:,} rows of the slice {name!r}, which gate.toml requires: at least"
                f" {policy.minimum_rows:,} are needed. Name the column with --slice-column, or add rows."
            )


def _kept(root: Root, line: ledger.Holdout) -> np.ndarray:
    """Return the fingerprints (m,) of a line's rows: of each whole, its beginning and its end.

    The first lines that were ever written kept those of the wholes alone.
    """
    path = root.holdouts / f"{line['keys'][:16]}.keys"
    data = artifacts.read_bytes(path, "Bring artifacts_prod/ back: git checkout -- artifacts_prod.")
    if artifacts.digest(data) != line["keys"]:
        raise MlgateError(f"{path} was changed. Bring artifacts_prod/ back: git checkout -- artifacts_prod.")
    return np.frombuffer(data, dtype="<u8")
