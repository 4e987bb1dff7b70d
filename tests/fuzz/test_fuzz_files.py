"""Whatever stands in a file of answers or of rows, the gate says a verdict or one sentence."""

import io

from mlgate import corpus
from mlgate.judge_files import judge_answers
from mlgate.reporting import report

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutations import changed_bytes, fuzzed, one_sentence

random = np.random.default_rng(0)
TABLE = pd.DataFrame({name: random.choice(["cold", "mild", "hot"], 60) for name in ("label", "a", "b", "place")})
TABLE["text"] = [f'text {number}, "é"\n' for number in range(60)]
VALUES = [
    "",
    " ",
    "x",
    "X",
    "x ",
    "1",
    "1.0",
    "01",
    "nan",
    "None",
    "True",
    "é",
    "e\u0301",
    "\0",
    "\n",
    '"',
    ",",
    "a" * 1_001,
]
NUMBERS = st.one_of(st.integers(-3, 3), st.floats(), st.integers(-(2**60), 2**60))
CELLS = st.one_of(st.sampled_from(VALUES), st.text(max_size=5), st.none())


def csv(frame):
    return frame.to_csv(index=False).encode()


def parquet(frame, **options):
    file = io.BytesIO()
    pyarrow.parquet.write_table(pa.Table.from_pandas(frame), file, **options)
    return file.getvalue()


PARQUET = [parquet(TABLE), parquet(TABLE.astype("category"), compression="gzip"), parquet(TABLE, use_dictionary=False)]
PARQUET += [parquet(TABLE, data_page_version="2.0", compression="zstd", data_page_size=64)]


CSV = [
    csv(TABLE),
    csv(TABLE.astype(str)),
    csv(TABLE).replace(b"\n", b"\r"),
    csv(TABLE)[:200],
    b"label,a,b\n",
    b"\xef\xbb\xbf",
]


def judge(path):
    with one_sentence():
        verdict = judge_answers(path, "label", "a", "b", "place")
        assert report.closing_lines(verdict).count("\n") == 2
        report.text(verdict)
        report.markdown(verdict)
        report.json_of(verdict)
    with one_sentence():
        for batch in corpus.rows_in(corpus.Source(path, "text", "label", "place")).batches():
            assert len(batch.texts) == len(batch.labels) == len(batch.slices)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "files"), [("csv", CSV), ("parquet", PARQUET)])
@fuzzed(40)
@given(data=st.data())
def test_changed_bytes(folder, suffix, files, data):
    path = folder / f"rows.{suffix}"
    path.write_bytes(data.draw(changed_bytes(files)))
    judge(path)


@pytest.mark.slow
@fuzzed(15)
@given(
    cells=st.one_of(
        st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), max_size=40),
        st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, CELLS), max_size=40),
    ),
    suffix=st.sampled_from(["csv", "parquet"]),
)
def test_odd_cells(folder, cells, suffix):
    frame = pd.DataFrame(cells, columns=["label", "a", "b", "place"])
    frame["text"] = frame["label"]
    path = folder / f"rows.{suffix}"
    try:
        path.write_bytes(csv(frame) if suffix == "csv" else parquet(frame))
    except (pa.ArrowException, UnicodeError, OverflowError):  # not even a file
        return
    judge(path)
