"""A table in a file is what pandas reads from it, a batch at a time."""

from mlgate.corpus import Source, Table, table_in
from mlgate.errors import MlgateError

import numpy as np
import pandas as pd
import pytest

FRAME = pd.DataFrame(
    {
        "whole": [1, -2, 3, 40],
        "real": [0.1, 1e300, -2.5, 3.0],
        "gaps": [1.0, np.nan, 3.0, 4.0],
        "words": ["a", "b, c", None, "é"],
        "code": ["01", "02", "x", "03"],
        "truth": [True, False, True, True],
        "label": ["yes", "no", "yes", "no"],
        "where": ["n", "s", "n", "s"],
    }
)


def read(path, **options):
    batches = list(table_in(Source(path, slice_column="where", **options)).batches())
    return batches, pd.concat([batch.table.frame(list(batch.table.columns)) for batch in batches], ignore_index=True)


@pytest.mark.parametrize("kind", ["csv", "tsv", "parquet", "jsonl"])
def test_a_table_is_what_pandas_reads(tmp_path, kind):
    path = tmp_path / f"rows.{kind}"
    if kind == "parquet":
        FRAME.to_parquet(path)
    elif kind == "jsonl":
        FRAME.to_json(path, orient="records", lines=True, double_precision=15)
    else:
        FRAME.to_csv(path, index=False, sep="\t" if kind == "tsv" else ",")
    batches, found = read(path)
    expected = FRAME.drop(columns=["label", "where"])
    pd.testing.assert_frame_equal(found, expected)
    assert batches[0].labels == FRAME["label"].tolist()
    assert batches[0].slices == FRAME["where"].tolist()
    assert len(batches[0].inputs) == 4


def test_a_missing_value_is_what_pandas_takes_for_one(tmp_path):
    words = ["NA", "null", "", "nan", "x", "none", "N/A", "0", " 1 "]
    frame = pd.DataFrame(
        {"a": words, "b": ["1", "NA", "", "nan", "2", "3", "n/a", "0", "1"], "label": "y", "where": "n"}
    )
    frame.to_csv(tmp_path / "rows.csv", index=False)
    _, found = read(tmp_path / "rows.csv")
    expected = pd.read_csv(tmp_path / "rows.csv")[["a", "b"]]
    pd.testing.assert_frame_equal(found, expected)


def test_text_in_parquet_stays_text_and_narrow_numbers_stay_as_they_are(tmp_path):
    frame = pd.DataFrame({"zip": ["01234", ""], "x": np.array([0.1, 2], np.float32), "label": ["a", "b"], "where": "n"})
    frame.to_parquet(tmp_path / "rows.parquet")
    _, found = read(tmp_path / "rows.parquet")
    pd.testing.assert_frame_equal(found, frame[["zip", "x"]])


def test_columns_may_be_named_and_what_is_not_there_is_said(tmp_path):
    FRAME.to_csv(tmp_path / "rows.csv", index=False)
    _, found = read(tmp_path / "rows.csv", features=("real", "whole"))
    assert found.columns.tolist() == ["real", "whole"]
    for features, words in ((("label",), "holds the labels"), (("nowhere",), "has no column 'nowhere'")):
        with pytest.raises(MlgateError, match=words):
            read(tmp_path / "rows.csv", features=features)


def test_a_model_that_names_no_columns_gets_all_in_their_order():
    assert Table({"b": np.zeros(2), "a": np.ones(2)}).frame().tolist() == [[0, 1], [0, 1]]
