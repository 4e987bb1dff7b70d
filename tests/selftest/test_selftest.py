"""The self-test counts what it says, says what is wrong, is kept for its code and policy; and the gate passes it."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

from mlgate import cli
from mlgate.gate import HOLD, PROMOTE, REJECT, Check, Side, judge
from mlgate.root import Root
from mlgate.selftest import equal_models, laboratory, mysteries, selftest
from mlgate.selftest.harmless import HARMLESS
from mlgate.selftest.incidents import INCIDENTS
from mlgate.selftest.tampering import TAMPERING

import numpy as np
import pytest
from conftest import GATE


@pytest.fixture(scope="session")
def small_lab(tmp_path_factory):
    """A laboratory in which equal models can be compared quickly."""
    sizes = {"train": 600, "validation": 600, "holdout": 300}
    return laboratory.set_up(tmp_path_factory.mktemp("small-lab"), GATE, 3, sizes)


@pytest.fixture
def root(tmp_path) -> Root:
    shutil.copy(GATE, tmp_path / "gate.toml")
    return Root(tmp_path)


def verdict(decision: str, *checks: tuple[str, str], action: str = "reject") -> SimpleNamespace:
    made = tuple(Check(name, status, action, "because") for name, status in checks)
    return SimpleNamespace(decision=decision, checks=made)


@pytest.mark.parametrize(
    ("decision", "status", "caught"),
    [
        (REJECT, "fail", True),
        (HOLD, "undecided", True),
        (HOLD, "pass", False),
        (REJECT, "skipped", False),
        (PROMOTE, "fail", False),
    ],
)
def test_caught_means_not_promoted_and_stopped_by_the_named_check(decision, status, caught):
    item = SimpleNamespace(check="brier")
    assert selftest.is_caught(item, verdict(decision, ("other", "fail"), ("brier", status))) == caught
    assert not selftest.is_caught(item, verdict(decision, ("other", "fail")))


def test_where_the_policy_only_reports_it_is_enough_to_have_seen_it():
    item = SimpleNamespace(check="brier")
    assert selftest.is_caught(item, verdict(PROMOTE, ("brier", "fail"), action="report"))
    assert not selftest.is_caught(item, verdict(PROMOTE, ("brier", "pass"), action="report"))


@pytest.mark.slow
def test_a_team_s_own_margin_does_not_change_what_is_tested(tmp_path):
    (tmp_path / "lab").mkdir()
    shutil.copy(GATE, tmp_path / "gate.toml")
    laboratory.demand(Root(tmp_path), {"decision.margin": -0.02})
    lab = laboratory.set_up(
        tmp_path / "lab", tmp_path / "gate.toml", 0, {"train": 300, "validation": 400, "holdout": 400}
    )
    assert equal_models.policy_of(lab.root).margin == 0


@pytest.mark.parametrize(
    ("production", "candidate", "promotes"), [(0.8, 0.81, True), (0.8, 0.8, False), (0.8, None, False)]
)
def test_the_plain_rule_compares_two_numbers(production, candidate, promotes):
    found = SimpleNamespace(production=Side("a", production), candidate=Side("b", candidate))
    assert selftest.plain(found) == promotes


def result(**changes) -> dict:
    """A result without problems, and then some."""
    trials = [
        {"name": "a", "kind": "incident", "seed": 0, "good": True, "decision": REJECT, "reason": "r", "plain": True},
        {"name": "b", "kind": "harmless", "seed": 0, "good": True, "decision": HOLD, "reason": "r", "plain": False},
        {
            "name": "c",
            "kind": "tampering",
            "seed": 0,
            "good": True,
            "decision": "refused",
            "reason": "r",
            "plain": None,
        },
    ]
    counts = {
        "times": 1_000,
        "plain": 480,
        "promoted": 50,
        "promoted_sealed": 2,
        "rejected": 9,
        "rejected_small": 9,
        "not_mirrored": 0,
    }
    counts |= {"alpha": 0.05, "alpha_look": 0.0025, "guards_alpha": 0.05}
    counts |= changes.pop("counts", {})
    for trial in trials:
        trial["good"] = trial["name"] not in changes.get("bad", ())
    line = {"share": 0.5, "wrong": changes.pop("wrong", 40), "true": 16.9, "closed": 9.3}
    whole = {"times": 1_000, "looks": 20, "alpha": 0.05, "lines": [line]}
    return {"trials": trials, "equal": equal_models.together([counts]), "lives": whole}


def test_a_clean_result_has_no_problems():
    assert selftest.problems(result()) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bad": ["a"]}, "a (seed 0): missed: REJECT"),
        ({"bad": ["b"]}, "b (seed 0): rejected, though harmless"),
        ({"bad": ["c"]}, "c (seed 0): not refused"),
        ({"counts": {"promoted": 75}}, "equal models promoted, on open rows: 7.50%"),
        ({"counts": {"promoted_sealed": 12}}, "by one look at sealed rows: 1.20%"),
        ({"counts": {"rejected": 80}}, "stopped by a guard: 8.00%"),
        ({"counts": {"not_mirrored": 1}}, "1 verdicts were not mirrored"),
        ({"wrong": 90}, "a baseless promotion in 9.00% of 1,000 lives"),
    ],
)
def test_each_miss_and_each_broken_promise_is_a_problem(changes, words):
    [problem] = selftest.problems(result(**changes))
    assert words in problem


def test_rates_of_several_laboratories_are_added_before_their_interval_is_taken():
    one = {
        "times": 100,
        "plain": 40,
        "promoted": 5,
        "promoted_sealed": 0,
        "rejected": 1,
        "rejected_small": 1,
        "not_mirrored": 0,
    }
    one |= {"alpha": 0.05, "alpha_look": 0.0025, "guards_alpha": 0.05}
    total = equal_models.together([one, one, one])
    assert (total["times"], total["promoted"], total["alpha"]) == (300, 15, 0.05)
    assert total["rates"]["promoted"]["rate"] == 0.05
    assert total["rates"]["promoted"]["low"] == pytest.approx(0.0283, abs=1e-4)  # Clopper-Pearson, 15 of 300


def test_the_report_names_everything_and_both_rules():
    text = selftest.markdown({**result(bad=["a"]), "problems": ["a (seed 0): missed"]})
    assert "**a (seed 0): missed**" in text
    assert "| a | REJECT | promotes |" in text
    assert "Incidents: 0 of 1 as they should be" in text
    assert "| equal models promoted, on open rows | 5.00% | 3.73% to 6.54% | 5.00% |" in text


def test_two_models_made_equal_are_exchanged_row_by_row(small_lab):
    other = INCIDENTS["noisy_labels"].make(small_lab).pipeline
    model = SimpleNamespace(**{**vars(small_lab.production), "pipeline": other, "answer": None})
    model.answer = lambda texts: (other.predict(texts), other.predict_proba(texts))
    pair = equal_models.pair_of(small_lab.production, model, small_lab.validation)
    drawn = np.arange(len(small_lab.validation))
    card, swapped = (pair.scorecard(drawn, np.full(len(drawn), side)) for side in (0, 1))
    assert card.discordant == swapped.discordant[::-1]
    assert card.brier == pytest.approx(swapped.brier[::-1])
    assert card.discordant[0] < card.discordant[1]  # the noisy one is the candidate
    assert card.accuracy[0] == (small_lab.production.answer(small_lab.validation["text"].tolist())[0]
                                == small_lab.validation["label"]).mean()  # fmt: skip


@pytest.mark.slow
def test_a_gate_that_promotes_too_easily_is_found_out(small_lab, monkeypatch):
    lax = equal_models.policy_of(small_lab.root)
    monkeypatch.setattr(
        equal_models, "judge", lambda card, policy: judge(card, equal_models.replace(policy, alpha=0.3))
    )
    total = equal_models.together([equal_models.count(small_lab, times=60)])
    assert total["alpha"] == lax.alpha
    assert any("promoted, on open rows" in line for line in equal_models.problems(total))


@pytest.mark.slow
def test_equal_models_are_promoted_as_seldom_as_promised_here_too(small_lab):
    total = equal_models.together([equal_models.count(small_lab, times=150)])
    assert equal_models.problems(total) == []
    assert 0.3 < total["plain"] / total["times"] < 0.6


@pytest.mark.slow
def test_a_result_is_kept_for_its_code_and_policy(root, monkeypatch):
    calls = []

    class Pool:
        def __init__(self, processes): ...
        def __enter__(self):
            return self

        def __exit__(self, *_): ...

        def map(self, function, policies, seeds):
            calls.append(tuple(seeds))
            counts = {key: value for key, value in result()["equal"].items() if key != "rates"}
            return [([], counts) for _ in seeds]

    monkeypatch.setattr(selftest, "ProcessPoolExecutor", Pool)
    first = selftest.run(root)
    assert selftest.run(root) == first == json.loads((root.runs / "selftest" / "result.json").read_bytes())
    assert len(calls) == 1
    assert "No problem found" in (root.runs / "selftest" / "result.md").read_text()
    selftest.run(root, fresh=True)
    laboratory.demand(root, {"decision.alpha": 0.01})
    selftest.run(root)
    assert len(calls) == 3


@pytest.mark.slow
def test_the_digest_covers_what_the_gate_is_made_of():
    names = {path.stem for path in selftest.sources(Path(selftest.__file__))}
    assert {
        "judging",
        "verdict",
        "parts",
        "difference",
        "guards",
        "policy",
        "statistics",
        "scorecard",
        "scoring",
        "exam",
        "incidents",
    } <= names
    assert not {"cli", "service", "runner", "control_room"} & names


def test_problems_make_the_command_fail(root, monkeypatch, capsys):
    monkeypatch.setattr(selftest, "run", lambda *_, **__: {**result(), "problems": []})
    assert cli.main(["selftest", "--root", str(root.path)]) == 0
    monkeypatch.setattr(selftest, "run", lambda *_, **__: {**result(), "problems": ["x: missed"]})
    assert cli.main(["selftest", "--root", str(root.path)]) == 1
    assert "**x: missed**" in capsys.readouterr().out


@pytest.mark.slow
def test_the_cases_answer_none_wrong_unknown_and_right(small_lab):
    mystery = mysteries.case(small_lab, 1)
    assert "Not answered yet" in mysteries.check(mystery, None)
    assert "There is no suspect 'a ghost'" in mysteries.check(mystery, "a ghost")
    assert mysteries.check(mystery, "lucky seed").startswith("Not lucky_seed")
    assert mysteries.check(mystery, " Bad_Training_Data ").startswith("Right: bad_training_data. An export stopped")


@pytest.mark.slow
def test_every_case_can_be_solved(root):
    lab = mysteries.open_lab(root)
    for number in range(1, len(mysteries.MYSTERIES) + 1):
        mystery = mysteries.case(lab, number)
        assert selftest.is_caught(mystery.incident, mystery.verdict)
        assert mysteries.check(mystery, mystery.incident.name).startswith("Right:")


@pytest.mark.slow
@pytest.mark.long
def test_the_gate_passes_its_own_test(root):
    found = selftest.run(root, seeds=(2,), processes=1)
    assert found["problems"] == []
    assert len(found["trials"]) == len(INCIDENTS) + len(HARMLESS) + len(TAMPERING)
