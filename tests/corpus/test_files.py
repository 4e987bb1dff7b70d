"""Tables are read as text, a batch at a time; what cannot be read gets one line that says what to do."""

import hashlib
import os
import re
from pathlib import Path

from mlgate.corpus import files
from mlgate.corpus import parquet as parquet_files
from mlgate.errors import MlgateError

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest


def rows(path, *columns):
    """Everything that is read, as a list of tuples, a tuple a row."""
    batches = list(files.read(path, columns or ("text", "label")))
    return [row for batch in batches for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)]


def csv(folder, text, encoding="utf-8"):
    path = folder / "rows.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def parquet(folder, **columns):
    path = folder / "rows.parquet"
    pyarrow.parquet.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "text,label\na,x\nb,y\n",
        "text,label\r\na,x\r\nb,y\r\n",
        "text,label\na,x\nb,y",
        '"text","label"\n"a","x"\n"b","y"\n',
        "\ufefftext,label\na,x\nb,y\n",
        "\n\ntext,label\na,x\n\nb,y\n",
        "label,other,text\nx,1,a\ny,é,b\n",
    ],
    ids=["plain", "crlf", "no last newline", "quoted", "utf-8 with bom", "blank lines", "other columns and order"],
)
def test_csv_is_read_whatever_program_wrote_it(tmp_path, text):
    assert rows(csv(tmp_path, text)) == [("a", "x"), ("b", "y")]


def test_csv_texts_hold_line_breaks_commas_and_quotation_marks(tmp_path):
    path = csv(tmp_path, 'text,label\n"one,\ntwo ""three""\r\nfour",x\nb,y\n')
    assert rows(path) == [('one,\ntwo "three"\r\nfour', "x"), ("b", "y")]


def test_csv_column_names_hold_line_breaks(tmp_path):
    assert rows(csv(tmp_path, '"the\ntext",label\na,x\n'), "the\ntext", "label") == [("a", "x")]


def test_csv_values_stay_the_text_they_are(tmp_path):
    values = ["NA", "null", "None", "nan", "007", "1.0", "1e3", "true", "2020-01-01", " padded "]
    assert rows(csv(tmp_path, "\n".join(["label,n", *(f"{value},0" for value in values)])), "label") == [
        (value,) for value in values
    ]


def test_csv_empty_cells_are_empty_texts(tmp_path):
    assert rows(csv(tmp_path, 'text,label\n,x\n"",y\n')) == [("", "x"), ("", "y")]


def test_csv_other_columns_may_be_hard_to_guess(tmp_path):
    """Types are never guessed: a column of numbers whose last row is a word is no problem, and not even looked at."""
    lines = ["text,label,n", *(f"a,x,{number}" for number in range(300_000)), "b,y,many"]
    assert rows(csv(tmp_path, "\n".join(lines)))[-1] == ("b", "y")


def test_csv_is_read_in_batches_without_losing_or_repeating_a_row(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "BLOCK", 1 << 12)
    texts = [f"{number}\n" + "é" * (number % 50) for number in range(2_000)]
    path = csv(tmp_path, "\n".join(["text,label", *(f'"{text}",{number}' for number, text in enumerate(texts))]))
    assert len(list(files.read(path, ["text"]))) > 10
    assert rows(path) == [(text, str(number)) for number, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["x", None], ["x", None]),
        ([1, -2], ["1", "-2"]),
        ([1, None], ["1", None]),
        ([True, False, None], ["True", "False", None]),
        (pa.array(["x", None, "y"]).dictionary_encode(), ["x", None, "y"]),
        (pa.array([3, 4, 3]).dictionary_encode(), ["3", "4", "3"]),
        (pa.array(["x"], pa.large_string()), ["x"]),
        (pa.array([1], pa.uint8()), ["1"]),
        (pa.nulls(1), [None]),
    ],
    ids=[
        "text",
        "integers",
        "integers with null",
        "booleans",
        "categories",
        "integer categories",
        "large",
        "u8",
        "null",
    ],
)
def test_parquet_columns_of_all_kinds_are_read_as_text(tmp_path, values, expected):
    assert [value for (value,) in rows(parquet(tmp_path, label=values), "label")] == expected


def test_parquet_and_csv_of_one_frame_are_the_same(tmp_path):
    frame = pd.DataFrame({"text": ["a", "b,\nc"], "label": [1, 0], "flag": [True, False], "kind": ["x", "y"]})
    frame["kind"] = frame["kind"].astype("category")
    frame.to_csv(tmp_path / "rows.csv", index=False)
    frame.to_parquet(tmp_path / "rows.parquet")
    names = list(frame.columns)
    assert rows(tmp_path / "rows.csv", *names) == rows(tmp_path / "rows.parquet", *names)


def test_suffixes_are_known_in_capitals_too(tmp_path):
    csv(tmp_path, "text,label\na,x\n").rename(tmp_path / "ROWS.CSV")
    assert rows(tmp_path / "ROWS.CSV") == [("a", "x")]


BAD = {
    "empty": ("", "is empty. Give it a header and rows"),
    "only blank lines": ("\n\n\n", "is empty. Give it a header and rows"),
    "header without newline": ("text,label", "has a header but no rows"),
    "missing column": ("text,stars\na,1\n", "has no column 'label'; it has 'text', 'stars'. Name the right one"),
    "other case": ("Text,Label\na,1\n", "has no column 'text'; it has 'Text', 'Label'"),
    "semicolons": ("text;label\na;x\n", "has no column 'text'; it has 'text;label' (are its columns separated by comm"),
    "tabs": ("text\tlabel\na\tx\n", "(are its columns separated by commas?)"),
    "twice the same column": ("text,label,text\na,x,b\n", "has more than one column 'text'. Rename"),
    "too many cells": ("text,label\na,x\nb,y,z\n", "a row has more or fewer columns than the header (Row #3: Exp"),
    "too few cells": ("text,label\na,x\nb\n", "a row has more or fewer columns than the header"),
    "latin-1": ("text,label\ncafé,x\n".encode("latin-1"), "it is not UTF-8 text. Save it as UTF-8."),
    "latin-1 header": ("text,label,naïf\na,x,1\n".encode("latin-1"), "it is not UTF-8 text"),
    "utf-16": ("text,label\na,x\n".encode("utf-16"), "it is not UTF-8 text. Save it as UTF-8."),
    "only the mark of utf-8": ("\ufeff", "is empty. Give it a header and rows"),
    "no name in the header": (",,\n1,2,3\n", "has no column 'text'; it has '', '', ''"),
    "huge header": ("text,label," + "n" * 200_000 + "\na,x,1\n", "has a header longer than 64 kB"),
    "header that never ends": ("text,label" * 20_000, "has a header longer than 64 kB"),
    "quotation mark in the header": ('"text,label\n' + "a,x\n" * 20_000, "perhaps a quotation mark is never closed"),
    "many columns": (",".join(map(str, range(10_000))) + "\n", "'19' and 9,980 more. Name the right one"),
    "parquet named csv": (b"PAR1\x15\x04\x15\x00\xff\xfe", "it is not UTF-8 text"),
}


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD.keys())
def test_bad_csv_gets_one_line_that_names_the_file_and_what_to_do(tmp_path, text, said):
    path = csv(tmp_path, text)
    with pytest.raises(MlgateError) as caught:
        rows(path)
    message = str(caught.value)
    assert said in message
    assert message.startswith(f"{path}")
    assert "\n" not in message
    assert len(message) < 400


def test_a_row_longer_than_a_batch_is_refused_instead_of_filling_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "BLOCK", 1 << 20)
    path = csv(tmp_path, "text,label\na,x\n" + "long " * 500_000 + ",y\nb,y\n")
    with pytest.raises(MlgateError, match="one row is longer than 1 MB; perhaps a quotation mark is never closed"):
        rows(path)


@pytest.mark.parametrize(
    ("lines", "said"),
    [(1, r"Row #2: Expected 2 columns, got 1.*Mend that row"), (1_000_000, "perhaps a quotation mark is never closed")],
)
def test_a_quotation_mark_that_is_never_closed_is_found(tmp_path, monkeypatch, lines, said):
    monkeypatch.setattr(files, "BLOCK", 1 << 20)
    with pytest.raises(MlgateError, match=said):
        rows(csv(tmp_path, 'text,label\n"a,x\n' + "b,y\n" * lines))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([[1], [2]], "holds list<element: int64>, neither text nor numbers. Name another column"),
        ([{"a": 1}], "holds struct<a: int64>, neither text nor numbers"),
        (pa.array([b"abcd"], pa.binary(4)), r"holds fixed_size_binary\[4\], neither text nor numbers"),
        ([b"\xff"], "it is not UTF-8 text"),
    ],
    ids=["lists", "records", "fixed bytes", "bytes"],
)
def test_parquet_columns_that_are_no_text_are_refused(tmp_path, values, said):
    with pytest.raises(MlgateError, match=said):
        rows(parquet(tmp_path, text=values, label=["x"] * len(values)))


def repeated(text, count):
    """A column that says one text so many times: a kilobyte of Parquet."""
    return pa.DictionaryArray.from_arrays(np.zeros(count, dtype=np.int32), [text])


@pytest.mark.parametrize("kind", ["categories", "text"])
def test_a_long_value_said_often_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(parquet_files, "SURELY", 1 << 30)
    values = repeated("long " * 40_000, 600)
    if kind == "text":
        values = values.cast(pa.string())
    path = parquet(tmp_path, text=repeated("a", 600), label=values)
    assert path.stat().st_size < 50_000
    with pytest.raises(MlgateError, match=r"row 1: column 'label' has more than 1,000 characters.*Name another column"):
        rows(path)
    before = pa.total_allocated_bytes()
    sizes = [pa.total_allocated_bytes() - before for _ in files.read(path, ["label", "text"], texts=["label"])]
    assert max(sizes) < 3 * parquet_files.PART


@pytest.mark.slow
def test_parquet_that_unfolds_to_a_thousand_times_its_size_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_files, "SURELY", 1 << 20)
    path = parquet(tmp_path, text=repeated("long " * 1_000, 20_000), label=["x"] * 20_000)
    with pytest.raises(MlgateError, match=r"unfolds to more than 1,000 times its size.*Write its rows into a CSV"):
        list(files.read(path, ["text"], texts=["text"]))
    pyarrow.parquet.write_table(pa.table({"text": ["a" * 50_000_000]}), path, compression="zstd", use_dictionary=False)
    with pytest.raises(MlgateError, match="unfolds to more than"):  # before a page is decompressed
        list(files.read(path, ["text"], texts=["text"]))


def test_a_value_longer_than_a_row_of_csv_may_be_is_refused_in_parquet_too(tmp_path):
    path = parquet(tmp_path, text=["a" * 3_000_000], label=["x"])
    with pytest.raises(MlgateError, match=r"a value in column 'text' is longer than 2 MB. Shorten it"):
        list(files.read(path, ["text"], texts=["text"]))


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_long_name_is_refused_with_its_row_or_cut(tmp_path, suffix):
    names = ["é" * 1_000] * 9_000 + ["é" * 1_001, "x"]
    frame = pd.DataFrame({"text": ["a"] * len(names), "label": names})
    path = tmp_path / f"rows.{suffix}"
    if suffix == "csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    with pytest.raises(MlgateError, match=r"row 9001: column 'label' has more than 1,000 characters"):
        rows(path)
    frame["label"] = frame["label"] + "!"
    batches = files.read(path, ["label"], cut=["label"])
    assert [value for batch in batches for value in batch.column(0).to_pylist()] == names


def test_parquet_rows_stay_in_order_however_they_are_cut(tmp_path):
    texts = [f"{number} " + "é" * (number % 900) for number in range(20_000)]
    texts[7_000] = None
    batches = list(files.read(parquet(tmp_path, text=texts), ["text"], texts=["text"]))
    assert [value for batch in batches for value in batch.column(0).to_pylist()] == texts
    assert max(batch.num_rows for batch in batches) <= parquet_files.MOST_ROWS


def test_parquet_text_that_is_not_utf_8_is_refused(tmp_path):
    path = parquet(tmp_path, text=["a", "b"], label=["mild", "cold"])
    path.write_bytes(path.read_bytes().replace(b"mild", b"\x80ild"))
    with pytest.raises(MlgateError, match=r"it is not UTF-8 text. Save it as UTF-8"):
        rows(path)


def test_parquet_without_the_column_says_which_it_has(tmp_path):
    with pytest.raises(MlgateError, match=r"has no column 'label'; it has 'text', 'stars'"):
        rows(parquet(tmp_path, text=["a"], stars=[1]))


def test_damaged_parquet_is_refused(tmp_path):
    (tmp_path / "rows.parquet").write_bytes(b"text,label\na,x\n")
    with pytest.raises(MlgateError, match="cannot be read: Parquet magic bytes not found"):
        rows(tmp_path / "rows.parquet")
    whole = parquet(tmp_path, text=["a"] * 1_000, label=["x"] * 1_000).read_bytes()
    (tmp_path / "rows.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(MlgateError, match="cannot be read"):
        rows(tmp_path / "rows.parquet")


@pytest.mark.parametrize("name", ["rows.txt", "rows.xlsx", "rows", "rows.parquet.gz", "rows.gz", "csv"])
def test_other_files_are_refused_by_their_suffix(tmp_path, name):
    (tmp_path / name).write_text("text,label\na,x\n")
    with pytest.raises(MlgateError, match=r"is none of \.csv, .* Convert it"):
        rows(tmp_path / name)


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_a_file_that_is_not_there_is_named(tmp_path, name):
    with pytest.raises(MlgateError, match=re.escape(f"There is no file {tmp_path / name}. Check the path.")):
        rows(tmp_path / name)
    (tmp_path / name).mkdir()
    with pytest.raises(MlgateError, match="There is no file"):
        rows(tmp_path / name)


def test_digest_is_that_of_sha256sum(tmp_path):
    data = np.random.default_rng(0).bytes(3 << 20)
    (tmp_path / "rows.csv").write_bytes(data)
    assert files.digest(tmp_path / "rows.csv") == hashlib.sha256(data).hexdigest()
    with pytest.raises(MlgateError, match="There is no file"):
        files.digest(tmp_path / "other.csv")
    with pytest.raises(MlgateError, match="cannot be read: Is a directory"):
        files.digest(tmp_path)
    os.mkfifo(tmp_path / "pipe.csv")
    for endless in (tmp_path / "pipe.csv", Path("/dev/zero")):
        with pytest.raises(MlgateError, match="is no file, but a pipe or a device"):
            files.digest(endless)
