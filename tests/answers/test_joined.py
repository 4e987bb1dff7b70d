"""Two files joined by an id, many files, and answers in memory: one verdict, whichever way the rows come in."""

import gzip
import json
from dataclasses import replace

import mlgate
from mlgate import cli
from mlgate.answers import Pair, score_answers, score_arrays, score_joined
from mlgate.errors import MlgateError

import numpy as np
import pandas as pd
import pytest

COLUMNS = ("label", "production", "candidate")


@pytest.fixture
def frame():
    random = np.random.default_rng(3)
    label = random.choice(["no", "yes"], 900)
    wrong = np.where(label == "no", "yes", "no")
    frame = pd.DataFrame({"id": [f"row {number}" for number in range(900)], "label": label})
    frame["production"] = np.where(random.random(900) < 0.8, label, wrong)
    frame["candidate"] = np.where(random.random(900) < 0.9, label, wrong)
    frame["where"] = random.choice(["mail", "chat"], 900)
    return frame


def written(frame, path):
    if path.suffix == ".parquet":
        frame.to_parquet(path)
        return path
    text = frame.to_csv(index=False, sep="\t" if ".tsv" in path.suffixes else ",")
    if ".jsonl" in path.suffixes or ".ndjson" in path.suffixes:
        text = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in frame.to_dict("records"))
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def pair_of(frame, folder, suffix=".csv"):
    """Write two files: ids, labels and production's answers; ids and the candidate's, in another order."""
    first = frame[["id", "label", "where"]].assign(answer=frame["production"])
    second = frame[["id"]].assign(answer=frame["candidate"]).sample(frac=1, random_state=0)
    a, b = written(first, folder / f"a{suffix}"), written(second, folder / f"b{suffix}")
    return Pair(a, b, id="id", answer="answer", label="label", slice="where")


def cells(scorecard):
    return {tuple(cell): count for cell, count in zip(scorecard.cells.tolist(), scorecard.counts.tolist(), strict=True)}


SUFFIXES = [".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".csv.gz", ".tsv.gz", ".jsonl.gz"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_whatever_the_form_of_the_file_the_counts_are_the_same(frame, tmp_path, suffix):
    expected = score_answers(written(frame, tmp_path / "expected.csv"), *COLUMNS, "where")
    found = score_answers(written(frame, tmp_path / f"rows{suffix}"), *COLUMNS, "where")
    assert cells(found) == cells(expected)
    assert cells(score_joined(pair_of(frame, tmp_path, suffix))) == cells(expected)


@pytest.mark.slow
def test_answers_in_memory_give_the_same_counts_and_a_verdict_that_shows_itself(frame, tmp_path):
    expected = score_answers(written(frame, tmp_path / "rows.csv"), *COLUMNS, "where")
    ways = [list(frame[name]) for name in (*COLUMNS, "where")], [frame[name] for name in (*COLUMNS, "where")]
    for labels, production, candidate, slices in ways:
        assert cells(score_arrays(labels, production, candidate, slices)) == cells(expected)
        verdict = mlgate.judge(labels, production, candidate, slices=slices)
        assert verdict.decision == verdict.as_dict()["decision"] == "PROMOTE"
        assert verdict._repr_markdown_().startswith("## PROMOTE")
        assert verdict.figure().axes


def test_a_folder_a_pattern_and_several_files_are_the_whole(frame, tmp_path, monkeypatch):
    whole = score_answers(written(frame, tmp_path / "whole.csv"), *COLUMNS)
    parts = tmp_path / "parts"
    parts.mkdir()
    for number, suffix in enumerate(SUFFIXES):
        written(frame.iloc[number :: len(SUFFIXES)], parts / f"part{number}{suffix}")
    (parts / "README.md").write_text("not rows")
    monkeypatch.chdir(parts)
    for names in (parts, [parts], "part*", [str(parts / "part*")], sorted(parts.glob("part*"))):
        found = score_answers(names, *COLUMNS)
        assert cells(found) == cells(whole)
        assert len(found.parts) == len(SUFFIXES)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a, b: (a, pd.concat([b, b.tail(1)])), "more than once"),
        (lambda a, b: (pd.concat([a, a.head(1)]), b), "has the id 'row 0' more than once"),
        (lambda a, b: (a.iloc[1:], b), "1 ids that are not in"),
        (lambda a, b: (a.assign(id=""), b), "column 'id' is empty"),
        (lambda a, b: (a.assign(answer=""), b), "column 'answer' is empty"),
        (lambda a, b: (a.head(0), b), "rows"),
        (lambda a, b: (a.drop(columns="id"), b), "has no column 'id'"),
        (lambda a, b: (a, b.rename(columns={"answer": "said"})), "has no column 'answer'"),
    ],
)
def test_ids_that_do_not_fit_are_named(frame, tmp_path, change, said):
    pair = pair_of(frame, tmp_path)
    for path, changed in zip(
        (pair.production, pair.candidate), change(*map(pd.read_csv, (pair.production, pair.candidate))), strict=True
    ):
        changed.to_csv(path, index=False)
    with pytest.raises(MlgateError, match=said):
        score_joined(pair)


def test_a_row_that_the_candidate_did_not_answer_is_its_fault(frame, tmp_path):
    pair = pair_of(frame, tmp_path)
    pd.read_csv(pair.candidate).iloc[5:].to_csv(pair.candidate, index=False)
    assert score_joined(pair).candidate.fault == "some of its answers are empty"
    assert score_arrays(["a", "b"], ["a", "b"], ["a", None]).candidate.fault == "some of its answers are empty"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "line 2: it is not JSON"),
        (b"[1]", "line 2: it is no object"),
        (b'{"label": [1]}', "line 2: 'label' holds neither text nor a number"),
        (b"[" * 100_000, "line 2: it is not JSON"),
        (b'{"label": "\xff"}', "UTF-8"),
        (b'{"label": "\\ud800"}', "UTF-8"),
        (b'{"label": ' + b"9" * 5_000 + b"}", "line 2: it is not JSON"),
        (b" " * 3_000_000, "line 2: it is longer than 2 MB"),
    ],
    ids=range(8),
)
def test_lines_that_are_no_rows_are_named(tmp_path, line, said):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"label": "a", "production": "a", "candidate": "a"}\n' + line + b"\n")
    with pytest.raises(MlgateError, match=said):
        score_answers(path, *COLUMNS)


TORN = gzip.compress(b"label,production,candidate\na,a,a\n" * 99)[:-9]


@pytest.mark.parametrize("data", [b"", b"no gzip", TORN], ids=["empty", "not folded", "torn"])
def test_a_folded_file_that_is_torn_is_one_sentence(tmp_path, data):
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(data)
    with pytest.raises(MlgateError, match=r"rows\.csv\.gz (cannot be read|is empty)"):
        score_answers(path, *COLUMNS)


@pytest.mark.slow
def test_a_folded_file_may_unfold_a_thousandfold_and_no_further(tmp_path, monkeypatch):
    monkeypatch.setattr("mlgate.corpus.parquet.SURELY", 1 << 20)
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(gzip.compress(b"label,production,candidate\n" + b"a,a,a\n" * 10_000_000)))
    path.write_bytes(gzip.decompress(path.read_bytes()))
    with pytest.raises(MlgateError, match="unfolds to more than"):
        score_answers(path, *COLUMNS)


def test_a_file_that_is_named_twice_is_refused(frame, tmp_path):
    path = written(frame, tmp_path / "rows.csv")
    with pytest.raises(MlgateError, match="named twice"):
        score_answers([path, tmp_path], *COLUMNS)
    with pytest.raises(MlgateError, match="no file of rows in"):
        score_answers(tmp_path / "nothing*", *COLUMNS)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((["a", "b"], ["a"], ["a", "b"]), "2 labels, 1 production, 2 candidate"),
        ((["a", None], ["a", "b"], ["a", "b"]), r"labels\[1\] is missing"),
        ((["a", "b"], [float("nan"), "b"], ["a", "b"]), r"production\[0\] is missing"),
        (([], [], []), "There are no rows"),
        ((["a", "b"], np.array([["a"], ["b"]]), ["a", "b"]), r"production must be \(n,\)"),
    ],
)
def test_arrays_that_do_not_fit_are_named(given, said):
    with pytest.raises(MlgateError, match=said):
        mlgate.judge(*given)


def test_the_command_joins_two_files(frame, tmp_path, capsys):
    pair = pair_of(frame, tmp_path, ".jsonl")
    files = ["--production-answers", str(pair.production), "--candidate-answers", str(pair.candidate)]
    assert cli.main(["judge", *files, "--slice-column", "where"]) == 0
    assert "PROMOTE on 900 a.jsonl + b.jsonl rows" in capsys.readouterr().out
    with pytest.raises(SystemExit) as usage:
        cli.main(["judge", *files[:2]])
    assert usage.value.code == 2
    assert "--candidate-answers is missing" in capsys.readouterr().err


@pytest.mark.parametrize("part", ["slice", "cluster"])
def test_one_column_may_play_two_parts_but_that_of_the_answers_none(frame, tmp_path, part):
    pair = pair_of(frame, tmp_path)
    assert score_joined(replace(pair, **{part: "label"})).count == 900
    assert score_joined(replace(pair, slice="where", cluster="where")).clusters.number == 2
    for other in (part, "label", "id"):
        with pytest.raises(MlgateError, match="'answer' is named twice"):
            replace(pair, **{other: "answer"})
