"""Numbers and scores are judged by what they are worth; what is no number is named; parts give the whole's verdict."""

import contextlib
import json

from mlgate import cli, judge
from mlgate.answers import Columns, count, score_cards
from mlgate.errors import MlgateError
from mlgate.gate import HOLD, PROMOTE, REJECT
from mlgate.gate import judge as decided
from mlgate.root import Policy

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as of_sklearn

NAMED = ["--production-column", "production", "--candidate-column", "candidate"]
NUMBERS = ("mae", "mse")
SCORES = ("log_loss", "brier", "auc")
FUNCTIONS = {
    "mae": of_sklearn.mean_absolute_error,
    "mse": of_sklearn.mean_squared_error,
    "log_loss": of_sklearn.log_loss,
    "brier": of_sklearn.brier_score_loss,
    "auc": of_sklearn.roc_auc_score,
}


def numbers(rows=2_000, seed=0):
    random = np.random.default_rng(seed)
    truth = random.normal(100, 20, rows)
    return pd.DataFrame(
        {
            "label": truth,
            "production": truth + random.normal(0, 5, rows),
            "candidate": truth + random.normal(0, 4, rows),
            "shop": random.choice(["a", "b"], rows),
            "user": [f"u{each}" for each in random.integers(0, 90, rows)],
        }
    )


def scores(rows=2_000, seed=0, share=0.3):
    random = np.random.default_rng(seed)
    frame = numbers(rows, seed)
    frame["label"] = (random.random(rows) < share).astype(int)
    for name, strength in (("production", 1.2), ("candidate", 1.8)):
        odds = 1.5 * (strength * frame["label"] + random.normal(size=rows)) - 1.5
        frame[name] = 1 / (1 + np.exp(-odds))
    return frame


def made(metric, **facts):
    return scores(**facts) if metric in SCORES else numbers(**facts)


def arrays(frame):
    return frame["label"], frame["production"], frame["candidate"]


# ---- what is decided ----


@pytest.mark.parametrize("metric", NUMBERS + SCORES)
def test_the_values_are_those_of_scikit_learn_and_the_better_model_is_promoted(metric):
    frame = made(metric)
    verdict = judge(*arrays(frame), slices=frame["shop"], metric=metric)
    assert verdict.decision == PROMOTE, verdict.reason
    expected = [FUNCTIONS[metric](frame["label"], frame[name]) for name in ("production", "candidate")]
    assert (verdict.production.value, verdict.candidate.value) == pytest.approx(expected, abs=1e-4)
    assert verdict.production.accuracy is verdict.discordant is None
    gain = expected[1] - expected[0] if metric == "auc" else expected[0] - expected[1]
    assert verdict.difference.estimate == pytest.approx(gain, abs=1e-4)
    assert {check.code for check in verdict.checks} >= {"difference", "slice"}
    turned = judge(*arrays(frame)[::2], frame["production"], slices=frame["shop"], metric=metric)
    assert turned.decision == REJECT
    assert turned.difference.low == pytest.approx(-verdict.difference.high)


@pytest.mark.parametrize("metric", NUMBERS + SCORES)
def test_the_same_answers_are_held_as_identical(metric):
    frame = made(metric, rows=300)
    verdict = judge(frame["label"], frame["production"], frame["production"], metric=metric)
    assert verdict.decision == HOLD
    assert verdict.check("identical").status == "undecided"


def test_harm_in_a_slice_rejects_in_the_unit_of_the_answers():
    frame = numbers()
    harmed = frame["shop"] == "b"
    frame["candidate"] = np.where(harmed, frame["label"] + 6, frame["label"] + 0.1)
    verdict = judge(*arrays(frame), slices=frame["shop"], metric="mae")
    assert verdict.decision == REJECT
    assert verdict.reason.startswith("worse on slice b: -1.9")
    assert "less mean absolute error" in verdict.reason
    tolerated = judge(*arrays(frame), slices=frame["shop"], policy=Policy(metric="mae", tolerance=2.5))
    assert tolerated.check("slice b").status == "pass"


def test_margin_and_floor_are_in_the_unit_of_the_answers():
    frame = numbers()
    assert judge(*arrays(frame), policy=Policy(metric="mae", margin=0.5)).decision == PROMOTE
    assert judge(*arrays(frame), policy=Policy(metric="mae", margin=2.0)).decision == HOLD
    assert judge(*arrays(frame), policy=Policy(metric="mse", floor=30.0)).check("floor").status == "pass"
    assert judge(*arrays(frame), policy=Policy(metric="mse", floor=5.0)).check("floor").status == "fail"
    assert judge(*arrays(scores()), policy=Policy(metric="auc", floor=0.99)).check("floor").status == "fail"


@pytest.mark.parametrize("metric", NUMBERS + SCORES)
def test_clusters_count_as_one(metric):
    frame = made(metric, rows=400)
    five = pd.concat([frame] * 5)
    alone = judge(*arrays(frame), metric=metric).difference
    together = judge(*arrays(five), clusters=list(range(400)) * 5, metric=metric).difference
    assert (together.estimate, together.low, together.high) == pytest.approx(
        (alone.estimate, alone.low, alone.high), rel=5e-3, abs=1e-6
    )
    assert judge(*arrays(five), metric=metric).difference.low > together.low


# ---- AUC ----


def delong(label, production, candidate):
    """The AUCs' difference and its variance, from all pairs of rows: DeLong, DeLong & Clarke-Pearson 1988."""
    parts = []
    for score in (production, candidate):
        above = np.sign(np.subtract.outer(score[label == 1], score[label == 0])) / 2 + 0.5
        parts.append((above.mean(axis=1), above.mean(axis=0)))
    gain = [parts[1][side] - parts[0][side] for side in (0, 1)]
    return gain[0].mean(), sum(np.var(each, ddof=1) / len(each) for each in gain)


@pytest.mark.parametrize("share", [0.5, 0.03])
def test_the_aucs_interval_is_delongs(share):
    frame = scores(rows=4_000, share=share)
    estimate, variance = delong(*(frame[name].to_numpy() for name in ("label", "production", "candidate")))
    found = judge(*arrays(frame), metric="auc").difference
    assert found.estimate == pytest.approx(estimate, abs=0.1 * np.sqrt(variance))
    assert (found.high - found.low) / 2 == pytest.approx(1.645 * np.sqrt(variance), rel=0.04)


def test_two_scores_with_few_values_are_told_apart_exactly():
    """Ties count half: grades, and a marker of few values, have bins of their own."""
    random = np.random.default_rng(8)
    label = np.repeat([0, 1], [72, 41])
    grade = np.clip(np.round(label * 1.4 + random.normal(2, 1, 113)), 1, 5)
    marker = np.round(np.exp(random.normal(-1.6 + 0.7 * label, 0.6)), 2)
    ranks = [1 / (1 + np.exp(2 - pd.Series(each).rank(method="dense") / 20)) for each in (marker, grade)]
    estimate, variance = delong(label, marker, grade)
    found = judge(label, *ranks, metric="auc")
    assert found.difference.estimate == pytest.approx(estimate, abs=1e-12)
    low, high = found.difference.low, found.difference.high
    assert (high - low) / 2 == pytest.approx(1.66 * np.sqrt(variance), rel=0.03)


def test_rows_that_repeat_an_id_are_told(tmp_path):
    frame = numbers(300)
    frame["id"] = frame.index // 2
    frame.to_csv(tmp_path / "rows.csv", index=False)
    named = ["--answers", tmp_path / "rows.csv", *NAMED, "--id-column", "id", "--metric", "mae"]
    checks = json.loads(told(tmp_path / "json", *named))["checks"]
    assert [check["observed"] for check in checks if check["code"] == "repeats"] == [0.5]


def test_a_candidate_whose_scores_say_nothing_is_told():
    frame = scores()
    random = np.random.default_rng(2)
    for candidate, status in (
        (frame["candidate"], "pass"),
        (1 - frame["candidate"], "fail"),
        (random.random(2_000), "undecided"),
    ):
        verdict = judge(frame["label"], frame["production"], candidate, metric="auc")
        assert verdict.check("one class").status == status
    assert "not shown to be better than the same score for every row: AUC 5" in verdict.check("one class").reason


def test_few_rows_of_one_label_hold():
    verdict = judge(*arrays(scores(rows=600, share=0.03)), metric="auc")
    assert verdict.decision == HOLD
    assert "rows of the rarer label are too few to judge AUC by: 30 are needed" in verdict.reason


def test_a_slice_of_one_label_has_no_auc():
    frame = scores()
    frame["shop"] = np.where(frame["label"] == 1, "a", "b")
    policy = Policy(metric="auc", required=("a", "b"))
    verdict = judge(*arrays(frame), slices=frame["shop"], policy=policy)
    assert verdict.decision == HOLD
    assert verdict.check("slice a").reason == "slice a has no rows of both labels, and so no AUC"


# ---- what is read ----


@pytest.mark.parametrize(("label", "positive"), [("spam", "spam"), ("ham", "ham"), ("True", None), ("1.0", None)])
def test_the_label_that_scores_are_of_is_said_or_plain(label, positive):
    frame = scores()
    other = {"spam": "ham", "ham": "spam", "True": "False", "1.0": "0.0"}[label]
    named = np.where(frame["label"] == 1, label, other)
    for metric in SCORES:
        found = judge(named, frame["production"], frame["candidate"], metric=metric, positive=positive)
        assert found.difference == judge(*arrays(frame), metric=metric).difference


def test_what_is_no_number_or_no_probability_is_named():
    for answers, words in (
        ((["1", "much"], [1, 2], [1, 2]), r"row 2: column 'labels' says 'much', which is no number"),
        (([1, 2], [1, float("inf")], [1, 2]), r"row 2: column 'production' says 'inf', which is no number"),
        (([1, 2], [1, None], [1, 2]), r"production\[1\] is missing"),
    ):
        with pytest.raises(MlgateError, match=words):
            judge(*answers, metric="mae")
    with pytest.raises(MlgateError, match=r"column 'production' says '1.2', which is no probability from 0 to 1"):
        judge([0, 1], [0.5, 1.2], [0.5, 0.5], metric="auc")
    with pytest.raises(MlgateError, match=r"Which label are the scores the probability of\?.* --positive"):
        judge(["a", "b"], [0.5, 0.2], [0.5, 0.5], metric="auc")
    with pytest.raises(MlgateError, match=r"never says 'c'"):
        judge(["a", "b"], [0.5, 0.2], [0.5, 0.5], metric="auc", positive="c")
    for candidate in ([1, None], [1, "much"], [1, float("nan")], [1, 1e300]):
        verdict = judge([1, 2], [1, 2], candidate, metric="mae")
        assert verdict.decision == REJECT
        assert verdict.check("usable").status == "fail"
    assert judge([0, 1], [0.5, 0.2], [0.5, -0.1], metric="brier").decision == REJECT


def test_an_accuracy_that_is_demanded_of_numbers_is_refused(tmp_path, capsys):
    numbers(50).to_csv(tmp_path / "rows.csv", index=False)
    (tmp_path / "gate.toml").write_text("[floors]\naccuracy = 0.8\n")
    named = ["--answers", str(tmp_path / "rows.csv"), *NAMED, "--policy", str(tmp_path / "gate.toml")]
    assert cli.main(["judge", *named, "--metric", "mae"]) == 1
    assert "[floors] accuracy is of classes, and mae is of numbers" in capsys.readouterr().err


# ---- files and parts ----


def told(path, *arguments):
    cli.main(["judge", *map(str, arguments), "--json", str(path), "--fail-on", "never"])
    return path.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("clusters", [[], ["--cluster-column", "user"]], ids=["rows", "clusters"])
@pytest.mark.parametrize("metric", ["mse", "log_loss", "auc"])
def test_cards_of_parts_give_the_verdict_of_the_files_byte_for_byte(metric, clusters, tmp_path):
    frame = made(metric)
    named = [*NAMED, "--slice-column", "shop", *clusters]
    parts, cards = [], []
    for number in range(8):
        parts.append(tmp_path / f"{number}.csv")
        frame[number::8].to_csv(parts[-1], index=False)
        cards.append(tmp_path / f"{number}.json")
        assert cli.main(["count", str(parts[-1]), *named, "--metric", metric, "--out", str(cards[-1])]) == 0
    whole = told(tmp_path / "whole", "--answers", *parts, *named, "--metric", metric)
    assert told(tmp_path / "added", "--cards", *cards, "--metric", metric) == whole
    turned = json.loads(told(tmp_path / "turned", "--cards", *cards[::-1], "--metric", metric))
    assert turned["difference"] == json.loads(whole)["difference"]


def test_a_card_is_judged_by_what_it_was_counted_for(tmp_path, capsys):
    numbers(200).to_csv(tmp_path / "rows.csv", index=False)
    card = tmp_path / "card.json"
    assert cli.main(["count", str(tmp_path / "rows.csv"), *NAMED, "--metric", "mae", "--out", str(card)]) == 0
    assert cli.main(["judge", "--cards", str(card)]) == 1
    assert "was counted for mae. Judge it so: --metric mae." in capsys.readouterr().err
    assert told(tmp_path / "json", "--cards", card, "--metric", "mae")
    with pytest.raises(SystemExit):
        cli.main(["judge", "--cards", str(card), "--metric", "mae", "--positive", "x"])
    assert "--positive does not go with it" in capsys.readouterr().err
    for text in (
        card.read_text().replace('"fault": null', '"fault": 3'),
        card.read_text().replace('"sums": [', '"sums": [1,'),
    ):
        card.write_text(text)
        assert cli.main(["judge", "--cards", str(card), "--metric", "mae"]) == 1
        assert "is no card of `mlgate count`" in capsys.readouterr().err


def test_a_card_that_was_edited_is_an_error_or_a_card(tmp_path):
    random = np.random.default_rng(0)
    scores(120).to_csv(tmp_path / "rows.csv", index=False)
    for metric in ("brier", "auc"):
        card = count([tmp_path / "rows.csv"], Columns("label", "production", "candidate", "shop", "user"), metric)
        signs = np.frombuffer(b'0123456789abcdef-"{}[],:', dtype=np.uint8)
        for _ in range(30):
            changed = bytearray(card)
            for place in random.integers(0, len(card), 2):
                changed[place] = random.choice(signs)
            (tmp_path / "card.json").write_bytes(changed)
            with contextlib.suppress(MlgateError):
                verdict = decided(score_cards([tmp_path / "card.json"], metric), Policy(metric=metric))
                assert verdict.difference is None or np.isfinite(verdict.difference.low)


def test_two_files_are_joined_by_id(tmp_path):
    frame = numbers(500)
    frame["id"] = frame.index
    frame.rename(columns={"production": "answer"}).to_csv(tmp_path / "a.csv", index=False)
    frame[["id", "candidate"]].rename(columns={"candidate": "answer"})[::-1].to_csv(tmp_path / "b.csv", index=False)
    files = ["--production-answers", tmp_path / "a.csv", "--candidate-answers", tmp_path / "b.csv"]
    verdict = json.loads(told(tmp_path / "joined", *files, "--metric", "mae"))
    assert verdict["difference"] == judge(*arrays(frame), metric="mae").as_dict()["difference"]
