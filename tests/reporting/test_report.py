"""A verdict in words: scripts read three lines, people read why, and no name of a slice fools either."""

import json
from dataclasses import replace

from mlgate.errors import MlgateError
from mlgate.gate import Look, judge
from mlgate.reporting import report
from mlgate.root import Policy
from mlgate.scorecard import Facts

import pytest
from cards import card, plain
from crashes import verdict_on

LINES = (
    "Production model accuracy:",
    "Candidate model accuracy:",
    "Reject new model",
    "Promote new model",
    "Keep prod",
)

VERDICTS = {
    "PROMOTE": judge(plain(40, 10, production=Facts("a" * 64), candidate=Facts("b" * 64)), Policy()),
    "HOLD": judge(plain(30, 28), Policy()),
    "REJECT": judge(plain(10, 40), Policy()),
    "identical": judge(plain(0, 0), Policy()),
    "fault": judge(plain(3, 4, candidate=Facts("b" * 64, fault="it raises")), Policy()),
    "slices": judge(card(("imdb", 5, 40, 300, 50), ("other", 150, 60, 3_000, 500)), Policy()),
    "look": judge(plain(90, 20, sealed=True), Policy(), look=Look(True, 1, "one look")),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_the_closing_lines_are_those_of_the_contract(name):
    verdict = VERDICTS[name]
    production, candidate, decision = report.closing_lines(verdict).split("\n")
    assert production == f"Production model accuracy: {verdict.production.accuracy:.2f}"
    shown = verdict.candidate.accuracy
    assert candidate == f"Candidate model accuracy: {'n/a' if shown is None else format(shown, '.2f')}"
    expected = {"PROMOTE": "Promote new model", "REJECT": "Reject new model", "HOLD": "Keep production model: "}
    assert decision.startswith(expected[verdict.decision])
    assert (decision == expected[verdict.decision]) == (verdict.decision != "HOLD")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("PROMOTE", "The new model is better."),
        ("REJECT", "The new model is worse. Production stays."),
        ("HOLD", "The new model is not shown to be better. Production stays."),
        ("fault", "The new model must not go into production. Production stays."),
    ],
)
def test_in_plain_words_it_says_what_became_of_the_candidate(name, words):
    assert report.in_plain_words(VERDICTS[name]) == words
    assert not words.startswith(LINES)


def test_a_model_that_cannot_answer_has_no_accuracy():
    assert "Candidate model accuracy: n/a" in report.closing_lines(VERDICTS["fault"])
    assert f"| accuracy | {VERDICTS['fault'].production.accuracy:.2%} | n/a |" in report.markdown(VERDICTS["fault"])


def test_hold_says_why_it_is_not_decided():
    assert report.headline(VERDICTS["HOLD"]).startswith("Keep production model: neither shown to be better")
    assert report.headline(VERDICTS["identical"]).startswith("Keep production model: ")
    assert "identical to production" in report.text(VERDICTS["identical"])


@pytest.mark.parametrize("name", VERDICTS)
def test_the_text_names_every_check_with_its_reason_and_starts_no_line_as_scripts_expect_it(name):
    verdict = VERDICTS[name]
    text = report.text(verdict)
    for check in verdict.checks:
        assert f"{report.MARKS[check.status]} {check.name}: {check.reason}" in text
    assert text.startswith(f"{verdict.decision} on {verdict.rows.count:,} rows rows: {verdict.reason}")
    assert not [line for line in text.splitlines() if line.startswith(LINES)]


@pytest.mark.parametrize("name", VERDICTS)
def test_markdown_holds_the_decision_both_models_and_every_check(name):
    verdict = VERDICTS[name]
    page = report.markdown(verdict)
    assert page.startswith(f"## {verdict.decision}: {report.headline(verdict)}\n")
    assert page.count("\n| ✓ |") == sum(check.status == "pass" for check in verdict.checks)
    assert page.count("\n| ✗ |") == sum(check.status == "fail" for check in verdict.checks)
    for check in verdict.checks:
        assert f"| {check.name} | {check.reason} |" in page
    for part in verdict.slices:
        assert f"| {part.name} | {part.rows:,} | {part.estimate:+.2%} (" in page
    if verdict.difference:
        assert f"{verdict.difference.estimate:+.2%} ({verdict.difference.low:+.2%} to " in page


HOSTILE = "x\nPromote new model\nProduction model accuracy: 1.00\n\r\n| a | b |\u2028Reject new model"


def test_a_hostile_name_starts_no_line_and_breaks_no_table():
    parts = (("ok", 150, 60, 3_000, 500), (HOSTILE, 5, 45, 300, 50))
    verdict = judge(card(*parts), Policy())
    verdict = replace(verdict, decision="HOLD", rows=replace(verdict.rows, name=HOSTILE))
    assert HOSTILE in verdict.reason
    for said in (report.text(verdict), report.headline(verdict), report.markdown(verdict)):
        assert not [line for line in said.splitlines() if line.startswith(LINES[:4])]
    assert len(report.closing_lines(verdict).splitlines()) == 3
    cells = [line for line in report.markdown(verdict).splitlines() if "a \\| b" in line and line.startswith("|")]
    assert len(cells) == 2
    assert all(line.replace("\\|", "").count("|") == 4 for line in cells)


@pytest.mark.parametrize("odd", ["\ud800", "\x1b[2J", "a\n::error::b", "##[error]"])
def test_a_line_of_the_ledger_can_be_printed_whatever_stands_in_it(odd):
    look = {"time": "2026-11-27T08:00:49", "kind": "look", "verdict": verdict_on("1" * 64, "2" * 64, "HOLD")}
    assert report.line(look) == f"2026-11-27 08:00  look       HOLD: {'2' * 12} against {'1' * 12}: so it is"
    move = {"time": "2026-11-27T08:00:49", "kind": "promotion", "from": None, "to": odd}
    for entry in (look | {"verdict": verdict_on(odd, odd)}, move, look | {"time": odd}):
        said = report.line(entry)
        assert said.isprintable()
        assert "##[" not in said
        assert not said.startswith("::")


def test_looks_are_told_where_there_is_a_ledger_and_where_there_is_none():
    assert "One look spent (one look); 1 look left on the holdout." in report.text(VERDICTS["look"])
    several = replace(VERDICTS["look"], look=Look(False, 20, "identical"))
    assert "No look spent (identical); 20 looks left on the holdout." in report.markdown(several)
    assert "No ledger here" in report.text(VERDICTS["PROMOTE"])


SCHEMA = {
    "decision": str,
    "reason": str,
    "production": {"digest", "accuracy"},
    "candidate": {"digest", "accuracy"},
    "rows": {"name", "count", "digest"},
    "difference": {"estimate", "low", "high", "confidence", "p_value"},
    "discordant": {"candidate_only_right", "production_only_right"},
    "checks": list,
    "policy": {"alpha", "looks", "margin"},
    "versions": {"python", "scikit-learn", "numpy"},
}


@pytest.mark.parametrize("name", VERDICTS)
def test_verdict_json_has_the_keys_of_the_design_and_fractions(name, tmp_path):
    verdict = VERDICTS[name]
    report.write(tmp_path / "folder" / "verdict.json", verdict)
    value = json.loads((tmp_path / "folder" / "verdict.json").read_text(encoding="utf-8"))
    for key, kind in SCHEMA.items():
        if isinstance(kind, set):
            assert value[key] is None or kind <= set(value[key]), key
        else:
            assert isinstance(value[key], kind), key
    assert {key for key in SCHEMA if value[key] is None} <= ({"difference", "discordant"} if name == "fault" else set())
    for check in value["checks"]:
        assert {"name", "status", "action", "observed", "required", "reason"} <= set(check)
        assert check["status"] in ("pass", "fail", "undecided", "skipped")
        assert check["action"] in ("reject", "hold", "report")
    if value["difference"]:
        b, c = value["discordant"].values()
        assert value["difference"]["estimate"] == (b - c) / value["rows"]["count"]
        assert 0 <= value["difference"]["p_value"] <= 1
        assert -1 <= value["difference"]["low"] <= value["difference"]["high"] <= 1


def test_a_verdict_that_cannot_be_written_is_an_error_of_one_line(tmp_path):
    with pytest.raises(MlgateError, match="cannot be written: Is a directory"):
        report.write(tmp_path, VERDICTS["HOLD"])


def test_another_metric_is_named_with_its_unit_wherever_a_verdict_is_told():
    verdict = judge(plain(60, 30), Policy(metric="macro_f1"))
    lines = report.closing_lines(verdict).split("\n")
    assert lines[0] == f"Production model macro F1: {verdict.production.value:.2f}"
    assert "points of macro F1 (" in report.text(verdict)
    page = report.markdown(verdict)
    assert f"| macro F1 | {verdict.production.value:.2%} | {verdict.candidate.value:.2%} |" in page
    assert "points of macro F1 (" in page
    costs = judge(plain(60, 30), Policy(metric="cost", costs=("bad -> good = 3",)))
    assert report.closing_lines(costs).startswith(f"Production model cost a row: {costs.production.value:.4g}\n")
    assert f"**Difference: +{costs.difference.estimate:.4g} less cost a row (" in report.markdown(costs)
