"""Unlabelled rows: read, each text once, and answered by both models. Only where they differ, a label says anything."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from mlgate import corpus, watch
from mlgate.answers.scoring import ask
from mlgate.artifacts import Model, described, fenced
from mlgate.corpus import NO_SLICE, files, normalise
from mlgate.errors import MlgateError
from mlgate.root import Root

import numpy as np

USED = ("train", "validation", "holdout")  # what was tuned on, and what nobody may read


@dataclass(frozen=True)
class Traffic:
    """Where unlabelled texts are: a CSV or Parquet file, and its columns' names."""

    path: Path
    text_column: str = "text"
    id_column: str | None = None
    slice_column: str | None = None


class Row(NamedTuple):
    """A text to label. id: the user's own, else made of the text. key: of the text alone."""

    id: str
    key: str
    text: str
    slice: str = NO_SLICE


@dataclass
class Pool:
    """The rows that both models answered: how many, the digest of all texts, and those that were answered differently.

    production, candidate: their answers to `different`, in its order. slices: how many rows each has. repeated: texts
    that came again, and were left out.
    """

    name: str
    count: int = 0
    repeated: int = 0
    digest: str = ""
    different: list[Row] = field(default_factory=list)
    production: list[str] = field(default_factory=list)
    candidate: list[str] = field(default_factory=list)
    slices: Counter[str] = field(default_factory=Counter)


def answered(root: Root, traffic: Traffic, production: Model, candidate: Model) -> Pool:
    """Have both models answer the rows of a file, each text once, a batch at a time.

    Raises MlgateError naming the row where one is empty, has an id twice, or is a training, validation or holdout row
    of the corpus; and where one of the models cannot answer.
    """
    pool = Pool(traffic.path.name)
    classes = tuple(str(name) for name in production.classes)
    keys: list[str] = []
    with fenced(production) as in_use, fenced(candidate) as proposed:
        for rows in _batches(root, traffic, pool):
            texts = [row.text for row in rows]
            said = _places(in_use, texts, classes, f"Production cannot answer {pool.name}")
            says = _places(proposed, texts, classes, f"The candidate cannot answer {pool.name}")
            for place in np.flatnonzero(said != says).tolist():
                pool.different.append(rows[place])
                pool.production.append(classes[said[place]])
                pool.candidate.append(classes[says[place]])
            pool.slices.update(row.slice for row in rows)
            pool.count += len(rows)
            keys += [row.key for row in rows]
    pool.digest = hashlib.sha256(bytes.fromhex("".join(sorted(keys)))).hexdigest()
    return pool


def key_of(text: str) -> str:
    """Return the sha256 of a text as far as it matters (see corpus.normalise)."""
    return hashlib.sha256(normalise(text).encode(errors="backslashreplace")).hexdigest()


def _places(model: Model, texts: Sequence[str], classes: tuple[str, ...], wrong: str) -> np.ndarray:
    try:
        return ask(model, texts, classes).places
    except Exception as error:
        raise MlgateError(f"{wrong}: {described(error)}. Nothing was begun.") from error


def _batches(root: Root, traffic: Traffic, pool: Pool) -> Iterator[list[Row]]:
    """Yield the rows of a file, each text once."""
    path = traffic.path
    named = [name for name in (traffic.text_column, traffic.id_column, traffic.slice_column) if name]
    used = corpus.known_keys(root, *USED)
    watched = _watched(root)
    seen: set[str] = set()
    ids: set[str] = set()
    before = 0
    for batch in files.read(path, named, texts=[traffic.text_column]):
        columns = {name: batch.column(name).to_pylist() for name in named}
        texts = columns[traffic.text_column]
        corpus.require_filled(path, traffic.text_column, texts, before)
        keys = [key_of(text) for text in texts]
        _require_unused(path, keys, used, before)
        own = [key[:16] for key in keys]
        if traffic.id_column:
            own = columns[traffic.id_column]
            corpus.require_filled(path, traffic.id_column, own, before)
            _require_single(path, own, ids, before)
        parts = [NO_SLICE] * len(texts)
        if traffic.slice_column:
            parts = [value or "(empty)" for value in columns[traffic.slice_column]]
        _require_unwatched(path, own, keys, watched, before)
        rows = []
        for id, key, text, part in zip(own, keys, texts, parts, strict=True):
            if key not in seen:
                rows.append(Row(id, key, text, part))
            seen.add(key)
        pool.repeated += len(texts) - len(rows)
        before += len(texts)
        if rows:
            yield rows
    if not before:
        raise MlgateError(f"{path} has a header but no rows. Give it rows.")


def _require_unused(path: Path, keys: list[str], used: np.ndarray, before: int) -> None:
    first = np.frombuffer(bytes.fromhex("".join(key[:16] for key in keys)), dtype="<u8")
    known = np.flatnonzero(np.isin(first, used))
    if len(known):
        raise MlgateError(
            f"{path}, row {before + int(known[0]) + 1}: this is a training, validation or holdout row of the corpus"
            f" ({len(known):,} of these {len(keys):,} are). Rows that models were trained or tuned on cannot judge"
            " them, and nobody reads sealed rows: leave them out."
        )


def _watched(root: Root) -> set[str]:
    """Return the ids, and the keys of the texts, of rows that raised an alarm of the watch, or were labelled for it."""
    found = watch.spent(root, watch.settings_of(root))
    ids = {id for id, _ in found}
    return ids | {key_of(text) for _, text in found if text}


def _require_unwatched(path: Path, own: list[str], keys: list[str], watched: set[str], before: int) -> None:
    for number, (id, key) in enumerate(zip(own, keys, strict=True), before + 1):
        if id in watched or key in watched:
            raise MlgateError(
                f"{path}, row {number}: this row raised an alarm of the watch, or was labelled for it: an alarm must"
                " not choose the rows that judge. Leave such rows out, or wait for later ones."
            )


def _require_single(path: Path, own: list[str], ids: set[str], before: int) -> None:
    for number, id in enumerate(own, before + 1):
        if id in ids:
            raise MlgateError(f"{path}, row {number}: the id {id!r:.80} is there already. Give each row its own.")
        ids.add(id)
