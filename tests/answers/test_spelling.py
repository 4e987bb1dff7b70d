"""Spelling cannot forge a win, and numbers that are no classes get no verdict."""

import re

from mlgate.answers import score_answers
from mlgate.errors import MlgateError
from mlgate.judge_files import judge_answers

import numpy as np
import pandas as pd
import pytest


def wins(count=2_000):
    """Labels beside the answers of a production right in 85 % of the rows and of a candidate right in 80 %."""
    random = np.random.default_rng(0)
    label = random.integers(0, 2, count)
    production = np.where(random.random(count) < 0.85, label, 1 - label)
    candidate = np.where(random.random(count) < 0.80, label, 1 - label)
    return pd.DataFrame({"y": label, "a": production, "b": candidate})


def written(frame, tmp_path, suffix="csv"):
    path = tmp_path / f"rows.{suffix}"
    if suffix == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)
    return path


def accuracies(frame, tmp_path, suffix="csv"):
    return score_answers(written(frame, tmp_path, suffix), "y", "a", "b").accuracy


def refused(frame, tmp_path, *said, suffix="csv", columns=("y", "a", "b")):
    with pytest.raises(MlgateError) as error:
        score_answers(written(frame, tmp_path, suffix), *columns)
    message = str(error.value)
    assert "\n" not in message
    for part in said:
        assert part in message or part.capitalize() in message


# ---- numerals ----


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("columns", [["a"], ["b"], ["y"], ["a", "b"], ["y", "a", "b"]], ids="+".join)
def test_a_column_of_numbers_is_compared_as_numbers_however_it_is_written(columns, suffix, tmp_path):
    frame = wins()
    expected = accuracies(frame, tmp_path, suffix)
    assert accuracies(frame.astype(dict.fromkeys(columns, float)), tmp_path, suffix) == expected


@pytest.mark.parametrize("spelling", ["{}.0", "{}.000", "{}e0", "+{}", "{}."])
def test_numerals_that_mean_the_same_number_are_the_same_answer(spelling, tmp_path):
    frame = wins()
    expected = accuracies(frame, tmp_path)
    assert accuracies(frame.assign(a=frame["a"].map(spelling.format)), tmp_path) == expected


def test_the_forged_win_of_a_worse_candidate_is_a_rejection(tmp_path):
    frame = wins().astype({"a": float})
    assert judge_answers(written(frame, tmp_path), "y", "a", "b").decision == "REJECT"


def test_huge_numbers_are_told_apart_to_the_last_digit(tmp_path):
    frame = wins()
    names = np.array(["90071992547409931", "90071992547409932"])
    named = pd.DataFrame({column: names[frame[column]] for column in frame})
    assert accuracies(named, tmp_path) == accuracies(frame, tmp_path)


# ---- other spellings ----

NAMES = np.array(["neg", "pos"])


@pytest.mark.parametrize("column", ["a", "b"])
@pytest.mark.parametrize(
    "spelling",
    [str.upper, str.title, "{} ".format, " {}".format, "{}\t".format, "\u200b{}".format, "\xa0{}".format,
     "'{}'".format, "{}.".format],
    ids=["upper", "title", "blank behind", "blank before", "tab", "no width", "no-break", "quoted", "full stop"],
)  # fmt: skip
def test_a_name_in_another_spelling_is_refused_with_both_spellings(spelling, column, tmp_path):
    frame = pd.DataFrame({name: NAMES[values] for name, values in wins().items()})
    frame[column] = frame[column].map(spelling)
    refused(frame, tmp_path, f"column '{column}'", "column 'y'", repr(spelling("neg")), "'neg'", "the same way")


@pytest.mark.parametrize(
    ("label", "answer"),
    [
        ("very_bad", "very bad"),
        ("very-bad", "very_bad"),
        ("e\u0301t\u00e9", "\u00e9t\u00e9"),
        ("01", "1"),
        ("x1", "\uff581"),
    ],
)
def test_one_odd_spelling_in_one_row_is_refused(label, answer, tmp_path):
    frame = pd.DataFrame({name: np.array([label, "good"])[values] for name, values in wins().items()})
    frame.loc[77, "a"] = answer
    refused(frame, tmp_path, "column 'a'", "column 'y'", repr(label), repr(answer))


def test_one_stray_label_does_not_make_another_spelling_a_class(tmp_path):
    frame = pd.DataFrame({name: NAMES[values] for name, values in wins().items()})
    frame["a"] = frame["a"].str.title()
    frame.loc[:1, "y"] = ["Neg", "Pos"]
    refused(frame, tmp_path, "column 'y'", "'Neg'", "'neg'")


def test_numbers_among_names_are_not_compared_as_numbers(tmp_path):
    frame = pd.DataFrame({name: np.array(["1", "other"])[values] for name, values in wins().items()})
    frame.loc[77, "a"] = "1.0"
    refused(frame, tmp_path, "column 'a'", "'1.0'", "'1'")


def test_names_that_differ_by_more_than_spelling_are_classes_of_their_own(tmp_path):
    names = np.array(["C", "C++", "C#", "-", "--", "A-"])
    random = np.random.default_rng(0)
    frame = pd.DataFrame({column: random.choice(names, 600) for column in ("y", "a", "b")})
    assert set(score_answers(written(frame, tmp_path), "y", "a", "b").classes) == set(names)


# ---- no answer is ever a label ----


@pytest.mark.parametrize("column", ["a", "b"])
@pytest.mark.parametrize("names", [["True", "False"], ["N", "P"]], ids="+".join)
def test_answers_that_are_never_a_label_are_refused(names, column, tmp_path):
    frame = wins()
    frame[column] = np.array(names)[frame[column]]
    refused(frame, tmp_path, f"No answer in column '{column}' is ever a label", repr(min(names)), "'0'", "same way")


def test_a_candidate_that_says_nothing_at_all_is_at_fault(tmp_path):
    frame = wins().assign(b="")
    card = score_answers(written(frame, tmp_path), "y", "a", "b")
    assert card.candidate.fault == "some of its answers are empty"


@pytest.mark.parametrize(
    "columns",
    [("y", "y", "b"), ("y", "a", "y"), ("y", "a", "a"), ("y", "a", "b", "a"), ("y", "a", "b", "b")],
    ids="+".join,
)
def test_two_parts_that_name_one_column_are_refused(columns, tmp_path):
    twice = next(name for name in columns if columns.count(name) > 1)
    refused(wins(), tmp_path, f"Column {twice!r} is named twice", columns=columns)


def test_the_label_may_be_the_slice(tmp_path):
    assert score_answers(written(wins(), tmp_path), "y", "a", "b", "y").slices == ("0", "1")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("column", ["y", "a"])
def test_not_a_number_is_a_missing_value_and_no_class(column, suffix, tmp_path):
    frame = wins().astype(float)
    frame.loc[5, column] = np.nan
    refused(frame, tmp_path, "row 6", f"column '{column}' is empty", suffix=suffix)


def test_not_a_number_written_as_text_is_a_missing_value(tmp_path):
    frame = wins().astype(str)
    frame.loc[5, "y"] = "nan"
    frame.loc[5, "a"] = "nan"
    refused(frame, tmp_path, "column 'y'", "'nan'", "missing")


# ---- numbers that are no classes ----


def numbers(count, production_error, candidate_error, round_to=0):
    random = np.random.default_rng(1)
    target = random.normal(100, 30, count)
    columns = {"y": target, "a": target + random.normal(0, production_error, count)}
    columns["b"] = target + random.normal(0, candidate_error, count)
    frame = pd.DataFrame(columns).round(round_to)
    return frame.astype(int) if round_to == 0 else frame


@pytest.mark.parametrize("count", [60, 900, 20_000])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_whole_numbers_that_are_measured_get_no_verdict(count, suffix, tmp_path):
    refused(numbers(count, 5, 1), tmp_path, "column 'y'", "numbers, not classes", "right and wrong", suffix=suffix)


@pytest.mark.parametrize("count", [60, 800])
def test_fractions_get_no_verdict(count, tmp_path):
    refused(numbers(count, 5, 1, round_to=2), tmp_path, "column 'y'", "numbers, not classes")


@pytest.mark.parametrize("column", ["a", "b"])
@pytest.mark.parametrize("digits", [1, 2, 6])
def test_scores_beside_labels_get_no_verdict(digits, column, tmp_path):
    frame = wins(900)
    scores = np.clip(np.random.default_rng(0).normal(frame[column], 0.3), 0, 1).round(digits)
    refused(frame.assign(**{column: scores}), tmp_path, f"column '{column}'", "numbers, not classes")


@pytest.mark.parametrize("values", [range(10), range(100), range(-3, 500), np.arange(0.5, 5.5, 0.5)], ids=len)
@pytest.mark.parametrize("right", [0.3, 0.9])
def test_classes_that_are_numbered_get_their_verdict(values, right, tmp_path):
    random = np.random.default_rng(2)
    names = np.array(values)
    label = random.choice(names, 900 + 9 * len(names))
    answers = [np.where(random.random(len(label)) < right, label, random.choice(names, len(label))) for _ in "ab"]
    frame = pd.DataFrame({"y": label, "a": answers[0], "b": answers[1]})
    found = accuracies(frame, tmp_path)
    assert found == ((frame["a"] == frame["y"]).mean(), (frame["b"] == frame["y"]).mean())


def test_neighbours_taken_for_each_other_among_few_grades_are_classes_all_the_same(tmp_path):
    random = np.random.default_rng(3)
    stars = random.integers(1, 11, 900)
    frame = pd.DataFrame({"y": stars, "a": (stars + 1).clip(1, 10), "b": (stars - random.integers(0, 2, 900)).clip(1)})
    assert accuracies(frame, tmp_path)[1] == pytest.approx(0.5, abs=0.1)


def test_the_message_says_how_numbered_classes_can_be_judged_after_all(tmp_path):
    refused(numbers(900, 5, 1), tmp_path, "give them names")
    frame = numbers(900, 5, 1).map("class {}".format)
    assert re.match("class", score_answers(written(frame, tmp_path), "y", "a", "b").classes[0])
