"""action.yml, as somebody else's workflow uses it: what is decided becomes outputs and a summary; inputs stay words."""

import re
from pathlib import Path

import pytest
from action import ACTION, GAINS, STEPS, install, use, write_answers


@pytest.fixture
def folder(tmp_path) -> Path:
    """A runner's folder, in which the package is installed as the action installs it."""
    return install(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("decision", "code"), [("PROMOTE", 0), ("HOLD", 3), ("REJECT", 4)])
def test_a_verdict_becomes_outputs_and_a_summary(folder, decision, code):
    write_answers(folder / "answers.csv", *GAINS[decision])
    for fail_on, expected in (("hold", code), ("never", 0)):
        status, outputs, summary = use(folder, answers="answers.csv", **{"fail-on": fail_on})
        assert status == expected
        assert set(outputs) == set(ACTION["outputs"])
        assert outputs["decision"] == decision
        assert outputs["exit-code"] == str(expected)
        assert float(outputs["low"]) < float(outputs["difference"]) < float(outputs["high"])
        assert Path(outputs["verdict"]).is_file()
        assert f"## {decision}" in summary


@pytest.mark.slow
def test_a_metric_comes_with_the_policy_and_clusters_by_name(folder):
    write_answers(folder / "answers.csv", *GAINS["PROMOTE"])
    (folder / "gate.toml").write_text('[decision]\nmetric = "macro_f1"\n')
    status, _, summary = use(folder, answers="answers.csv", policy="gate.toml", **{"cluster-column": "label"})
    assert status == 3
    assert "in 2 clusters" in summary
    assert "points of macro F1" in summary


@pytest.mark.slow
def test_without_a_verdict_the_step_fails_and_no_output_says_promote(folder):
    (folder / "answers.csv").write_bytes(b"\x00\xff")
    status, outputs, summary = use(folder, answers="answers.csv", **{"fail-on": "never"})
    assert (status, outputs, summary) == (1, {"exit-code": "1"}, "")
    status, outputs, _ = use(folder, **{"fail-on": "never"})
    assert (status, outputs) == (2, {"exit-code": "2"})  # neither answers nor models


@pytest.mark.slow
@pytest.mark.parametrize("name", ["$(touch here)", "`touch here`", "--fail-on=never", 'x"; touch here; "', "a\nb=c"])
def test_an_input_is_a_word_whatever_stands_in_it(folder, name):
    write_answers(folder / "answers.csv", *GAINS["REJECT"])
    status, outputs, _ = use(folder, answers="answers.csv", **{"candidate-column": name})
    assert (status, outputs) == (1, {"exit-code": "1"})
    assert not (folder / "here").exists()


def test_the_action_is_small_and_its_inputs_reach_no_script():
    assert len(ACTION["inputs"]) <= 12
    assert [name for name, step in STEPS.items() if "${{" in step.get("run", "")] == []
    assert all(re.search("@[0-9a-f]{40}$", step["uses"]) for step in STEPS.values() if "uses" in step)
