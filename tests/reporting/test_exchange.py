"""A verdict as other people's tools read it: what blocks a candidate is red there too, and words stay words."""

import re
from dataclasses import replace
from xml.etree import ElementTree

from mlgate.gate import HOLD, PROMOTE, REJECT, judge
from mlgate.reporting import exchange
from mlgate.root import Policy

import pytest
from cards import plain
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from test_report import VERDICTS

EVIL = 'x"\n# EOF\n<a>&"\\]]> \x00\x1b[31m'


def case_of(verdict, name):
    [case] = [it for it in ElementTree.fromstring(exchange.junit(verdict)).iter("testcase") if it.get("name") == name]
    return case


@pytest.mark.parametrize("decision", [PROMOTE, HOLD, REJECT])
def test_in_junit_a_verdict_is_red_unless_it_promotes(decision):
    verdict = VERDICTS[decision]
    suite = ElementTree.fromstring(exchange.junit(verdict))
    assert (case_of(verdict, "decision").find("failure") is None) == (decision == PROMOTE)
    blocking = sum(check.blocks for check in verdict.checks)
    assert int(suite.get("failures")) == blocking + (decision != PROMOTE)
    assert int(suite.get("tests")) == len(verdict.checks) + 1
    assert int(suite.get("skipped")) == sum(not it.blocks and it.status != "pass" for it in verdict.checks)


@pytest.mark.parametrize("decision", [PROMOTE, HOLD, REJECT])
def test_in_openmetrics_the_numbers_are_the_verdicts(decision):
    verdict = VERDICTS[decision]
    families = {family.name: family for family in text_string_to_metric_families(exchange.openmetrics(verdict))}
    decided = {sample.labels["mlgate_decision"]: sample.value for sample in families["mlgate_decision"].samples}
    assert decided == {name: name == decision for name in (PROMOTE, HOLD, REJECT)}
    accuracy = {sample.labels["model"]: sample.value for sample in families["mlgate_accuracy"].samples}
    assert accuracy["production"] == verdict.production.accuracy
    assert families["mlgate_rows"].samples[0].value == verdict.rows.count
    if verdict.difference:
        bounds = {sample.labels["bound"]: sample.value for sample in families["mlgate_difference"].samples}
        assert bounds["low"] == verdict.difference.low


def test_what_strangers_wrote_stays_words():
    verdict = VERDICTS[REJECT]
    checks = (replace(verdict.checks[0], name=EVIL, reason=EVIL), *verdict.checks[1:])
    verdict = replace(verdict, reason=EVIL, checks=checks)
    suite = ElementTree.fromstring(exchange.junit(verdict))
    assert len(list(suite.iter("testcase"))) == len(checks) + 1
    said = exchange.openmetrics(verdict)
    assert len(re.findall("^# EOF$", said, re.MULTILINE)) == 1
    list(text_string_to_metric_families(said))


def test_in_openmetrics_another_metric_has_its_name():
    verdict = judge(plain(60, 30), Policy(metric="macro_f1"))
    families = {family.name: family for family in text_string_to_metric_families(exchange.openmetrics(verdict))}
    values = {sample.labels["model"]: sample for sample in families["mlgate_value"].samples}
    assert values["candidate"].value == verdict.candidate.value
    assert values["candidate"].labels["metric"] == "macro_f1"
    assert {sample.labels["metric"] for sample in families["mlgate_difference"].samples} == {"macro_f1"}
