"""Where only right and wrong are known, that is enough; a word that is neither is named."""

import json

from mlgate import cli, judge
from mlgate.errors import MlgateError
from mlgate.gate import HOLD, PROMOTE, REJECT

import numpy as np
import pandas as pd
import pytest

WAYS = [(True, False), ("1", "0"), ("pass", "fail"), ("PASSED", " failed "), ("C", "I"), (1.0, 0.0), ("yes", "no")]
GATE = "[floors]\none_class_action = 'reject'\none_answer_action = 'reject'\n"


def rows(words=(1, 0), seed=0, size=600):
    """What two models were right on, the second one more often."""
    random = np.random.default_rng(seed)
    right, wrong = words
    return [[right if each else wrong for each in random.random(size) < share] for share in (0.8, 0.88)]


def told(path, *arguments):
    status = cli.main(["judge", *map(str, arguments), "--json", str(path)])
    return status, json.loads(path.read_text())


@pytest.mark.parametrize("words", WAYS, ids=str)
def test_columns_that_say_what_was_right_are_judged(words, tmp_path):
    a, b = rows(words)
    pd.DataFrame({"a": a, "b": b, "task": ["x", "y"] * 300}).to_csv(tmp_path / "rows.csv", index=False)
    (tmp_path / "gate.toml").write_text(GATE)
    named = ["--answers", tmp_path / "rows.csv", "--policy", tmp_path / "gate.toml", "--slice-column", "task"]
    status, verdict = told(tmp_path / "json", *named, "--right-columns", "a", "b")
    assert (status, verdict["decision"]) == (0, PROMOTE)
    assert verdict["production"]["accuracy"] == pytest.approx(np.mean([each == words[0] for each in a]))
    assert {check["status"] for check in verdict["checks"] if check["code"] in ("one_class", "one_answer")} == {
        "skipped"
    }
    status, verdict = told(tmp_path / "json", *named, "--right-columns", "b", "a", "--metric", "pass_rate")
    assert (status, verdict["decision"]) == (4, REJECT)
    assert verdict["difference"]["metric"] == "pass_rate"


def test_a_model_may_be_wrong_on_every_row():
    never = [False] * 200
    sometimes = [number % 12 == 0 for number in range(200)]
    assert judge(None, never, sometimes).decision == PROMOTE
    assert judge(None, sometimes, never).decision == REJECT
    assert judge(None, sometimes, sometimes).decision == HOLD
    assert judge(None, [True] * 200, sometimes).decision == REJECT


def test_runs_of_a_prompt_are_a_cluster():
    right = [np.repeat(each, 5) for each in rows(size=80, seed=3)]
    assert judge(None, *right).decision == PROMOTE
    assert judge(None, *right, clusters=np.repeat(np.arange(80), 5)).decision == HOLD


def test_what_is_neither_right_nor_wrong_is_named():
    with pytest.raises(MlgateError, match=r"Column 'candidate' says 'maybe', which is neither right nor wrong\. Write"):
        judge(None, [True, False], ["true", "maybe"])
    assert judge(None, [True, False] * 50, [True, None] * 50).check("usable").status == "fail"
    with pytest.raises(MlgateError, match=r"production\[1\] is missing"):
        judge(None, [True, None], [True, False])


def test_a_metric_that_needs_labels_is_refused(tmp_path):
    with pytest.raises(MlgateError, match="The metric macro_f1 needs labels"):
        judge(None, [True, False], [True, True], metric="macro_f1")


def test_right_columns_go_with_answers_alone(tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["judge", "--answers", "x.csv", "--right-columns", "a", "b", "--production-column", "a"])
    assert caught.value.code == 2
    assert "--production-column does not go with it" in capsys.readouterr().err


@pytest.mark.parametrize("grade", ["nan", "inf", "1e999"])
def test_a_grade_that_nothing_can_pass_is_wrong_usage(grade, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["judge", "--answers", "a.csv", "--right-columns", "old", "new", "--pass-from", grade])
    assert ended.value.code == 2
    assert "invalid grade value" in capsys.readouterr().err
