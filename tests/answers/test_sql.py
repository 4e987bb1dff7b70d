"""docs/COUNTS.md: what it tells DuckDB to write, `mlgate judge --counts` reads, and the verdict is that on the rows."""

import csv
import random
import re
import shlex

from mlgate import cli
from mlgate.answers import Columns
from mlgate.judge_files import judge_answers, judge_counts

import pytest
from conftest import REPOSITORY

PAGE = (REPOSITORY / "docs/COUNTS.md").read_text(encoding="utf-8")
NAMES = {"label": "label", "production": "production", "candidate": "candidate"}


def statements() -> dict[str, str]:
    """The page's SQL by engine."""
    return dict(re.findall(r"^(DuckDB|Spark|BigQuery).*?\n```sql\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL))


def test_the_three_statements_count_the_same():
    assert set(statements()) == {"DuckDB", "Spark", "BigQuery"}
    for sql in statements().values():
        assert re.search(r"SELECT (/\*.*?\*/ )?channel, label, production, candidate, COUNT\(\*\) AS n\b", sql)


def test_duckdb_counts_what_the_page_says_and_the_verdict_is_that_on_the_rows(tmp_path, monkeypatch, capsys):
    duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed: pip install duckdb")
    monkeypatch.chdir(tmp_path)
    dice = random.Random(0)
    (tmp_path / "answers").mkdir()
    with open("rows.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["channel", "label", "production", "candidate"])
        for _ in range(3_000):
            label = dice.choice(["ham", "spam, eggs", 'say "x"'])
            answers = [label if dice.random() < share else "ham" for share in (0.8, 0.86)]
            rows.writerow([dice.choice(["mail", "chat"]), label, *answers])
    duckdb.sql("COPY (FROM read_csv('rows.csv', all_varchar = true)) TO 'answers/1.parquet'")
    duckdb.sql(statements()["DuckDB"])
    command = re.search(r"```sh\n(.*?)```", PAGE, re.DOTALL)[1].replace("\\\n", " ")
    status = cli.main(shlex.split(command)[1:])
    assert capsys.readouterr().out.splitlines()[0].split(" ")[0] in ("PROMOTE", "HOLD", "REJECT")
    counted = judge_counts(tmp_path / "counts.csv", Columns(*NAMES, "channel"))
    whole = judge_answers(tmp_path / "rows.csv", **NAMES, slices="channel")
    assert (counted.decision, counted.difference) == (whole.decision, whole.difference)
    assert counted.slices == whole.slices
    assert status == {"PROMOTE": 0, "HOLD": 3, "REJECT": 4}[whole.decision]
