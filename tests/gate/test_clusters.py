"""Rows of one user, document or prompt are not independent: they count as one, in every metric, guard and card."""

import json
from dataclasses import replace

from mlgate import cli, judge
from mlgate.errors import MlgateError
from mlgate.gate import HOLD, PROMOTE, REJECT, comparison
from mlgate.gate import judge as decided
from mlgate.root import Policy
from mlgate.scorecard import Scorecard, entries, placed

import numpy as np
import pandas as pd
import pytest
from cards import plain

NAMED = ["--production-column", "production", "--candidate-column", "candidate", "--cluster-column", "user"]


def scored(truth, production, candidate, clusters):
    """A scorecard of rows (n,) given as positions in two classes, in clusters."""
    rows = np.column_stack([np.zeros(len(truth), dtype=int), truth, production, candidate])
    cells, counts, places = placed(rows, np.ones(len(rows), dtype=np.int64))
    of = entries([f"{each:x}" for each in clusters], places, np.ones(len(rows), dtype=np.int64))
    return Scorecard(("bad", "good"), ("",), cells, counts, np.zeros((1, 4)), (("rows", len(rows), "0"),), clusters=of)


def together(random, groups, size, icc, right=0.8):
    """Rows of groups in which answers resemble each other, of two models that are equally good."""
    n = groups * size
    truth = random.integers(0, 2, n)
    answers = []
    for _ in range(2):
        alike = np.repeat(random.random(groups) < right, size)
        right_here = np.where(random.random(n) < np.sqrt(icc), alike, random.random(n) < right)
        answers.append(np.where(right_here, truth, 1 - truth))
    return truth, *answers, np.repeat(np.arange(groups), size)


# ---- what is measured ----


def test_the_error_is_that_of_cluster_sums():
    random = np.random.default_rng(1)
    truth, production, candidate, clusters = together(random, 60, 20, 0.3)
    kept = random.random(len(truth)) < 0.6  # of unequal size
    rows = [each[kept] for each in (truth, production, candidate, clusters)]
    gain = (rows[2] == rows[0]).astype(float) - (rows[1] == rows[0])
    groups = len(np.unique(rows[3]))
    sums = np.bincount(rows[3], gain - gain.mean())
    expected = np.sqrt(groups / (groups - 1) * (sums**2).sum()) / len(gain)
    found = replace(comparison.compared(scored(*rows), Policy()), swing=0)
    assert found.estimate == pytest.approx(gain.mean())
    assert found._error == pytest.approx(expected)
    assert (found.units, found.rows) == (groups, len(gain))


def test_clusters_of_one_row_are_rows():
    truth, production, candidate, _ = together(np.random.default_rng(2), 400, 5, 0.1)
    scorecard = scored(truth, production, candidate, np.arange(2_000))
    for metric in ("macro_f1", "balanced_accuracy"):
        policy = Policy(metric=metric)
        one = comparison.compared(scorecard, policy).difference(0.05)
        other = comparison.compared(replace(scorecard, clusters=None), policy).difference(0.05)
        assert (one.estimate, one.low, one.high) == pytest.approx((other.estimate, other.low, other.high))
    one = comparison.compared(scorecard, Policy()).difference(0.05)
    other = comparison.compared(replace(scorecard, clusters=None), Policy()).difference(0.05)
    assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=2e-4)


def test_swapped_models_swap_the_verdict():
    truth, production, candidate, clusters = together(np.random.default_rng(3), 40, 9, 0.3)
    for metric in ("accuracy", "macro_f1"):
        one = comparison.compared(scored(truth, production, candidate, clusters), Policy(metric=metric))
        other = comparison.compared(scored(truth, candidate, production, clusters), Policy(metric=metric))
        assert one.estimate == -other.estimate
        assert one.interval(0.9).low == pytest.approx(-other.interval(0.9).high)


# ---- what is decided ----


def test_rows_that_stand_five_times_are_no_more_evidence():
    labels = ["bad", "good"] * 200
    production = ["bad"] * 400
    candidate = list(np.where(np.arange(400) % 40 == 1, "good", "bad"))  # better on 10, worse on none
    candidate[0:12:2] = ["good"] * 6
    five = [labels * 5, production * 5, candidate * 5]
    assert judge(labels, production, candidate).decision == HOLD
    assert judge(*five).decision == PROMOTE
    held = judge(*five, clusters=list(range(400)) * 5)
    assert held.decision == HOLD
    assert held.rows.clusters == 400
    assert held.difference.method == "t and Hall on clusters"


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "macro_f1"])
def test_rows_written_fifty_times_tell_no_more_than_once(metric):
    labels = ["bad", "good"] * 30
    candidate = ["bad", "good"] * 3 + ["bad"] * 54  # better on three rows, worse on none
    once = [np.array(each) for each in (labels, ["bad"] * 60, candidate, range(60))]
    fifty = [np.repeat(each, 50) for each in once]
    assert [
        judge(*rows[:3], clusters=rows[3], metric=metric, policy=Policy(too_good_action="report")).decision
        for rows in (once, fifty)
    ] == [HOLD, HOLD]


def test_a_loss_on_fewer_than_thirty_units_holds_as_a_gain_does():
    verdict = judge([1.0], [1.0], [0.0], metric="mae")
    assert verdict.decision == HOLD
    assert verdict.reason == "1 rows are too few to judge mean absolute error by: 30 are needed"


def test_fewer_than_thirty_clusters_hold_with_that_reason():
    truth, production, candidate, clusters = together(np.random.default_rng(5), 29, 50, 0.1)
    verdict = decided(scored(truth, production, truth, clusters), Policy(too_good_action="report"))
    assert verdict.decision == HOLD
    assert verdict.reason == "29 clusters are too few to judge accuracy by: 30 are needed"
    assert verdict.check("difference").status == "pass"
    del candidate


def test_harm_in_a_slice_of_few_clusters_counts_where_enough_of_them_show_it():
    labels = ["good", "bad"] * 2_000
    clusters = np.arange(4_000) // 10
    slices = np.where(clusters < 12, "small", "large")
    production = np.where(np.arange(4_000) % 5 == 0, "bad", labels)
    better = np.where(np.arange(4_000) % 15 == 0, labels, production)
    candidate = np.where(
        (slices == "small") & (np.arange(4_000) % 5 == 1), np.where(better == "good", "bad", "good"), better
    )
    verdict = judge(labels, production, candidate, slices=slices, clusters=clusters)
    assert verdict.decision == REJECT
    assert verdict.reason.startswith("worse on slice small, though it has 120 rows only: -")
    one = np.where(clusters == 3, "small", "large")  # all of it one user
    spared = judge(labels, production, np.where(one == "small", "bad", better), slices=one, clusters=clusters)
    assert spared.check("small slices pooled").status == "skipped"


def test_a_large_slice_of_few_clusters_is_too_small():
    labels = ["good", "bad"] * 2_000
    production = np.where(np.arange(4_000) % 5 == 0, "bad", labels)
    candidate = np.where(np.arange(4_000) % 15 == 0, labels, production)
    slices = np.where(np.arange(4_000) < 400, "few", "many")
    policy = Policy(required=("few", "many"))
    verdict = judge(labels, production, candidate, slices=slices, clusters=np.arange(4_000) // 20, policy=policy)
    assert verdict.check("slice few").reason == "slice few has 20 clusters; at least 30 are needed to judge it"
    assert verdict.decision == HOLD


# ---- the level ----


def promoted(groups, icc, times, size=20):
    """How often equally good models, whose answers in a group are alike, are told apart: by clusters, and by rows."""
    random = np.random.default_rng(7)
    alike = random.choice([-1, 0, 1], p=[0.05, 0.9, 0.05], size=(times, groups))
    same = random.binomial(size, np.sqrt(icc), size=(times, groups))  # rows that do as their group does
    wins = random.binomial(size - same, 0.05)
    losses = random.binomial(size - same - wins, 0.05 / 0.95)
    wins += same * (alike > 0)
    losses += same * (alike < 0)
    found = np.zeros(2)
    for b, c in zip(wins, losses, strict=True):
        facts = {"metric": "accuracy", "rows": groups * size, "estimate": (b - c).sum() / (groups * size)}
        clusters = comparison._over_clusters(b - c, np.full(groups, size), b - c, swing=1.0, **facts)
        rows = comparison.Paired(int(b.sum()), int(c.sum()), groups * size)
        found += [each.standing(0, 0.05) == "pass" for each in (clusters, rows)]
    return found / times


@pytest.mark.slow
@pytest.mark.parametrize("icc", [0, 0.05, 0.3])
@pytest.mark.parametrize("groups", [30, 100])
def test_models_that_are_no_better_are_promoted_at_their_level_though_rows_resemble_each_other(groups, icc):
    by_clusters, by_rows = promoted(groups, icc, 400)
    assert by_clusters <= 0.065 + 2 * np.sqrt(0.065 * 0.935 / 400)
    assert by_rows > 0.1 or icc < 0.3


# ---- files ----


@pytest.fixture
def frame():
    random = np.random.default_rng(6)
    truth, production, candidate, clusters = together(random, 90, 12, 0.1)
    frame = pd.DataFrame({"label": truth, "production": production, "candidate": candidate})
    frame["candidate"] = np.where(random.random(len(frame)) < 0.4, frame["label"], frame["candidate"])
    frame["user"] = [f"user {each}" for each in clusters]
    frame["id"] = np.arange(len(frame))
    return frame.sample(frac=1, random_state=1)


def told(path, *arguments):
    cli.main(["judge", *map(str, arguments), "--json", str(path), "--fail-on", "never"])
    return path.read_bytes()


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
def test_cards_of_parts_give_the_verdict_of_the_file_though_a_cluster_lies_in_many(frame, tmp_path, metric):
    cards = []
    files = []
    for number in range(8):
        files.append(tmp_path / f"{number}.csv")
        frame[number::8].to_csv(files[-1], index=False)
        cards.append(tmp_path / f"{number}.json")
        assert cli.main(["count", str(files[-1]), *NAMED, "--out", str(cards[-1])]) == 0
    whole = told(tmp_path / "whole", "--answers", *files, *NAMED, "--metric", metric)
    assert told(tmp_path / "added", "--cards", *cards, "--metric", metric) == whole
    assert json.loads(whole)["rows"]["clusters"] == 90
    assert b"user 1" not in cards[0].read_bytes()
    counts = frame.groupby(["label", "production", "candidate", "user"]).size().rename("n").reset_index()
    counts.to_csv(tmp_path / "counts.csv", index=False)
    counted = json.loads(told(tmp_path / "counted", "--counts", tmp_path / "counts.csv", *NAMED, "--metric", metric))
    assert counted["difference"] == json.loads(whole)["difference"]


def test_two_files_that_are_joined_have_clusters_beside_the_labels(frame, tmp_path):
    frame.rename(columns={"production": "answer"}).to_csv(tmp_path / "a.csv", index=False)
    frame[["id", "candidate"]].rename(columns={"candidate": "answer"}).to_csv(tmp_path / "b.csv", index=False)
    files = ["--production-answers", tmp_path / "a.csv", "--candidate-answers", tmp_path / "b.csv"]
    verdict = json.loads(told(tmp_path / "joined", *files, "--cluster-column", "user"))
    frame.to_csv(tmp_path / "both.csv", index=False)
    same = json.loads(told(tmp_path / "both", "--answers", tmp_path / "both.csv", *NAMED))
    assert verdict["difference"] == same["difference"]


def test_a_card_without_clusters_does_not_add_to_one_with(frame, tmp_path, capsys):
    frame.to_csv(tmp_path / "rows.csv", index=False)
    frame[:100].to_csv(tmp_path / "others.csv", index=False)
    assert cli.main(["count", str(tmp_path / "rows.csv"), *NAMED, "--out", str(tmp_path / "one.json")]) == 0
    assert cli.main(["count", str(tmp_path / "others.csv"), *NAMED[:4], "--out", str(tmp_path / "other.json")]) == 0
    assert cli.main(["judge", "--cards", str(tmp_path / "one.json"), str(tmp_path / "other.json")]) == 1
    assert "counts other columns than" in capsys.readouterr().err


def test_a_missing_cluster_is_named(frame, tmp_path, capsys):
    frame["user"] = frame["user"].where(frame["user"] != "user 3", "")
    frame.to_csv(tmp_path / "rows.csv", index=False)
    assert cli.main(["judge", "--answers", str(tmp_path / "rows.csv"), *NAMED]) == 1
    assert "column 'user' is empty" in capsys.readouterr().err
    with pytest.raises(MlgateError, match=r"clusters\[1\] is missing"):
        judge(["a", "b"], ["a", "b"], ["a", "b"], clusters=["x", None])


def test_rows_that_repeat_an_id_are_told_and_clusters_are_the_answer(frame, tmp_path):
    frame["id"] = frame["id"] // 2
    frame.to_csv(tmp_path / "rows.csv", index=False)
    named = ["--answers", tmp_path / "rows.csv", "--id-column", "id"]
    verdict = json.loads(told(tmp_path / "json", *named, *NAMED[:4]))
    [repeats] = [check for check in verdict["checks"] if check["code"] == "repeats"]
    assert (repeats["status"], repeats["action"], repeats["observed"]) == ("fail", "report", 0.5)
    assert repeats["reason"].startswith("540 of 1,080 rows (50.0%) repeat an id or a text")
    for others in (NAMED, [*NAMED[:4], "--cluster-column", "id"]):
        checks = json.loads(told(tmp_path / "json", *named, *others))["checks"]
        assert "repeats" not in {check["code"] for check in checks}


def test_few_repeats_are_not_worth_a_word():
    codes = [{check.code for check in decided(plain(40, 10, repeats=repeats), Policy()).checks} for repeats in (10, 11)]
    assert [("repeats" in each) for each in codes] == [False, True]
