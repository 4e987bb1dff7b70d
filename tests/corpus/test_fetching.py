"""Answers from standard input and from URLs are judged as if they were files here; what cannot be reached says so."""

import gzip
import io
from pathlib import Path

from mlgate import cli
from mlgate.corpus.fetching import fetched
from mlgate.errors import MlgateError

import pyarrow.csv
import pyarrow.parquet
import pytest

ROWS = "label,production,candidate\n" + "a,b,a\nb,a,b\n" * 20 + "a,a,a\nb,b,b\n" * 300
COLUMNS = ("--production-column", "production", "--candidate-column", "candidate")


def as_parquet() -> bytes:
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(io.BytesIO(ROWS.encode())), out)
    return out.getvalue()


def as_json_lines() -> bytes:
    lines = [line.split(",") for line in ROWS.splitlines()[1:]]
    return "\n".join(f'{{"label": "{a}", "production": "{b}", "candidate": "{c}"}}' for a, b, c in lines).encode()


def judge(*answers: object) -> int:
    return cli.main(["judge", "--answers", *map(str, answers), *COLUMNS])


@pytest.fixture
def piped(monkeypatch):
    """Have these bytes on standard input."""

    def pipe(data: bytes) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))

    return pipe


@pytest.mark.parametrize(
    "data",
    [ROWS.encode(), ROWS.replace(",", "\t").encode(), as_json_lines(), as_parquet(), gzip.compress(ROWS.encode()),
     gzip.compress(as_json_lines())],
    ids=["csv", "tsv", "jsonl", "parquet", "csv.gz", "jsonl.gz"],
)  # fmt: skip
def test_standard_input_is_judged_whatever_of_these_it_is(data, piped, capsys):
    piped(data)
    assert judge("-") == 0
    assert "on 640 stdin." in capsys.readouterr().out


def test_standard_input_is_read_once(piped, capsys):
    piped(ROWS.encode())
    assert judge("-", "-") == 1
    assert "can be read once" in capsys.readouterr().err


def test_a_url_of_a_file_or_a_folder_is_judged_and_no_copy_is_left(tmp_path, capsys):
    folder = tmp_path / "answers"
    folder.mkdir()
    (folder / "1.csv").write_text(ROWS)
    assert judge((folder / "1.csv").as_uri()) == 0
    (folder / "2.csv").write_text(ROWS + "a,a,a\n")
    assert judge(folder.as_uri()) == 0
    assert "on 1,281 " in capsys.readouterr().out
    with fetched() as fetcher:
        copy = fetcher.local(Path((folder / "1.csv").as_uri()))
        assert copy.read_text() == ROWS
    assert not copy.exists()


def test_a_message_names_what_people_named(tmp_path, capsys):
    (tmp_path / "1.csv").write_text(ROWS.replace("production", "x"))
    assert judge((tmp_path / "1.csv").as_uri()) == 1
    assert f"mlgate: file://{tmp_path}/1.csv has no column 'production'" in capsys.readouterr().err
    assert judge((tmp_path / "2.csv").as_uri()) == 1
    assert "There is no file file:///" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    ["nonsense=1", pytest.param("endpoint_override=127.0.0.1:9&scheme=http&region=x", marks=pytest.mark.slow)],
)
def test_what_cannot_be_reached_is_one_line_without_the_keys(options):
    url = f"s3://key:secret@bucket/answers.csv?{options}"
    with (
        fetched() as fetcher,
        pytest.raises(MlgateError, match=r"^s3://bucket/answers.csv cannot be reached") as caught,
    ):
        fetcher.local(Path(url))
    assert "secret" not in str(caught.value)
    assert "copy the file here" in str(caught.value)


@pytest.mark.parametrize("scheme", ["http", "https", "ftp"])
def test_what_is_on_the_web_is_one_line_without_the_keys(scheme):
    said = f"^{scheme}://host/a.csv is on the web, which is not read"
    with fetched() as fetcher, pytest.raises(MlgateError, match=said) as caught:
        fetcher.local(Path(f"{scheme}://name:secret@host/a.csv?key=secret"))
    assert "secret" not in str(caught.value)
