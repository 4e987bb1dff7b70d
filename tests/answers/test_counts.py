"""Parts that were counted where they are give the verdict of the whole, to the byte."""

import json
import sqlite3

from mlgate import cli
from mlgate.answers import Columns, count, score_answers, score_cards, score_counts
from mlgate.errors import MlgateError

import numpy as np
import pandas as pd
import pytest

COLUMNS = Columns("label", "production", "candidate", "channel")
NAMED = ["--production-column", "production", "--candidate-column", "candidate", "--slice-column", "channel"]
SELECT = """
    SELECT channel, label, production, candidate, COUNT(*) AS n
    FROM answers GROUP BY channel, label, production, candidate
"""


@pytest.fixture
def frame():
    random = np.random.default_rng(3)
    label = random.choice(["0", "1"], 1_600)
    frame = pd.DataFrame({"label": label, "channel": random.choice(["mail", "chat", ""], 1_600)})
    for name, right in (("production", 0.8), ("candidate", 0.87)):
        frame[name] = np.where(random.random(1_600) < right, label, random.choice(["0.0", "1.0"], 1_600))
    return frame


@pytest.fixture
def parts(frame, tmp_path):
    """Eight files, in which each part by itself may lack a label or write numbers in one way alone."""
    folder = tmp_path / "parts"
    folder.mkdir()
    order = frame.sort_values(["label", "production"])
    for number in range(8):
        order.iloc[number * 200 : number * 200 + 200].to_csv(folder / f"{number}.csv", index=False)
    return folder


def verdict(path, *arguments):
    assert cli.main(["judge", *map(str, arguments), "--json", str(path)]) == 0
    return path.read_bytes()


def test_cards_of_parts_give_the_verdict_of_the_files_byte_for_byte(parts, tmp_path):
    cards = []
    for path in sorted(parts.iterdir()):
        cards.append(tmp_path / f"{path.stem}.json")
        assert cli.main(["count", str(path), *NAMED, "--out", str(cards[-1])]) == 0
    whole = verdict(tmp_path / "whole", "--answers", parts, *NAMED)
    assert verdict(tmp_path / "added", "--cards", *cards) == whole
    turned = json.loads(verdict(tmp_path / "turned", "--cards", *cards[::-1]))
    assert turned["rows"]["digest"] == json.loads(whole)["rows"]["digest"]
    two = tmp_path / "two.json"
    assert cli.main(["count", *map(str, sorted(parts.iterdir())[:4]), *NAMED, "--out", str(two)]) == 0
    assert verdict(tmp_path / "mixed", "--cards", two, *cards[4:]) == whole


def test_what_an_sql_engine_counted_gives_the_numbers_of_the_rows(frame, tmp_path):
    with sqlite3.connect(":memory:") as database:
        frame.to_sql("answers", database)
        counted = pd.read_sql_query(SELECT, database)
    counted.to_csv(tmp_path / "counts.csv", index=False)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    rows = json.loads(verdict(tmp_path / "a", "--answers", tmp_path / "rows.csv", *NAMED))
    counts = json.loads(verdict(tmp_path / "b", "--counts", tmp_path / "counts.csv", *NAMED))
    for one in (rows, counts):
        del one["rows"]["name"], one["rows"]["digest"]
    assert rows == counts


@pytest.mark.parametrize("number", ["-1", "0", "1.5", "", "many", "9" * 30, "\uff11"])
def test_a_number_of_rows_that_is_none_is_named(tmp_path, number):
    path = tmp_path / "counts.csv"
    path.write_text(f"label,production,candidate,n\na,a,a,5\nb,b,b,{number}\n", encoding="utf-8")
    with pytest.raises(MlgateError, match=r"row 2: .* is no number of rows"):
        score_counts(path, Columns("label", "production", "candidate"))


CARD = {"schema": "mlgate/card/1", "columns": ["label", "a", "b"], "parts": [], "counts": []}
LINE = {"slice": "", "label": "x", "production": "x", "candidate": "x", "rows": 3}


@pytest.mark.parametrize(
    "card",
    [
        b"",
        b"[]",
        b"[" * 100_000,
        {**CARD, "schema": "mlgate/card/2"},
        {**CARD, "columns": ["label"]},
        {**CARD, "counts": [{**LINE, "rows": -3}]},
        {**CARD, "counts": [{**LINE, "rows": "3"}]},
        {**CARD, "counts": [{"rows": 3}]},
        {**CARD, "parts": [{"name": "x"}]},
        {"counts": []},
    ],
    ids=range(10),
)
def test_a_card_that_is_none_is_one_sentence(tmp_path, card):
    path = tmp_path / "card.json"
    path.write_bytes(card if isinstance(card, bytes) else json.dumps(card).encode())
    with pytest.raises(MlgateError, match=r"is no card of `mlgate count`") as said:
        score_cards(path)
    assert "\n" not in str(said.value)


def test_a_part_counts_once_and_columns_have_one_name(parts, tmp_path):
    one, other = sorted(parts.iterdir())[:2]
    paths = [tmp_path / "one.json", tmp_path / "again.json", tmp_path / "other.json"]
    paths[0].write_bytes(count(one, COLUMNS))
    paths[1].write_bytes(count(one, COLUMNS))
    paths[2].write_bytes(count(other, Columns("label", "candidate", "production", "channel")))
    with pytest.raises(MlgateError, match=r"again\.json counts 0\.csv once more"):
        score_cards(paths[:2])
    with pytest.raises(MlgateError, match="counts other columns"):
        score_cards([paths[0], paths[2]])
    with pytest.raises(MlgateError, match="one label"):
        score_answers(one, "label", "production", "candidate")


@pytest.mark.parametrize("metric", ["macro_f1", "balanced_accuracy", "pass_rate"])
def test_in_other_metrics_cards_give_the_verdict_of_the_files_too(parts, tmp_path, metric):
    cards = []
    for path in sorted(parts.iterdir()):
        cards.append(tmp_path / f"{path.stem}.json")
        assert cli.main(["count", str(path), *NAMED, "--out", str(cards[-1])]) == 0
    whole = verdict(tmp_path / "whole", "--answers", parts, *NAMED, "--metric", metric)
    assert verdict(tmp_path / "added", "--cards", *cards, "--metric", metric) == whole
    assert json.loads(whole)["difference"]["metric"] == metric
