"""A verdict for other people's tools: JUnit for what shows tests, OpenMetrics for what draws numbers."""

from xml.etree import ElementTree

from mlgate.gate import HOLD, PROMOTE, REJECT, Verdict
from mlgate.reporting.markdown import flat


def junit(verdict: Verdict) -> str:
    """Return the verdict as JUnit XML: each check a test, which fails where it stands in the candidate's way.

    The decision is a test too, so that HOLD is a failure even where no check failed.
    """
    suite = ElementTree.Element("testsuite", name="mlgate")
    decision = _case(suite, "decision")
    if verdict.decision != PROMOTE:
        _outcome(decision, "failure", f"{verdict.decision}: {verdict.reason}")
    for check in verdict.checks:
        case = _case(suite, check.name)
        if check.blocks:
            _outcome(case, "failure", check.reason)
        elif check.status != "pass":
            _outcome(case, "skipped", check.reason)
    for attribute, kind in (("tests", "testcase"), ("failures", "failure"), ("skipped", "skipped")):
        suite.set(attribute, str(len(list(suite.iter(kind)))))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ElementTree.Element, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname="mlgate", name=flat(name))


def _outcome(case: ElementTree.Element, kind: str, reason: str) -> None:
    ElementTree.SubElement(case, kind, message=flat(reason))


def openmetrics(verdict: Verdict) -> str:
    """Return the verdict's numbers in the OpenMetrics text format, as GitLab's widget and Prometheus read them."""
    lines = ["# TYPE mlgate_rows gauge", f"mlgate_rows {verdict.rows.count}", "# TYPE mlgate_accuracy gauge"]
    for model, side in (("production", verdict.production), ("candidate", verdict.candidate)):
        if side.accuracy is not None:
            lines.append(_sample("mlgate_accuracy", side.accuracy, model=model))
    lines += _value(verdict)
    if verdict.difference:
        lines.append("# TYPE mlgate_difference gauge")
        for bound in ("estimate", "low", "high"):
            lines.append(
                _sample("mlgate_difference", getattr(verdict.difference, bound), bound=bound, **_named(verdict))
            )
    lines.append("# TYPE mlgate_decision stateset")
    for decision in (PROMOTE, HOLD, REJECT):
        lines.append(_sample("mlgate_decision", int(verdict.decision == decision), mlgate_decision=decision))
    lines.append("# TYPE mlgate_check_blocks gauge")
    for check in verdict.checks:
        lines.append(_sample("mlgate_check_blocks", int(check.blocks), check=check.name))
    return "\n".join([*lines, "# EOF", ""])


def _value(verdict: Verdict) -> list[str]:
    """Return the metric that decides, of both models, where it is not accuracy."""
    lines = []
    for model, side in (("production", verdict.production), ("candidate", verdict.candidate)):
        if side.value is not None:
            lines.append(_sample("mlgate_value", side.value, model=model, **_named(verdict)))
    return ["# TYPE mlgate_value gauge", *lines] if lines else []


def _named(verdict: Verdict) -> dict[str, str]:
    metric = verdict.policy.get("metric", "accuracy")
    return {} if metric == "accuracy" else {"metric": metric}


def _sample(name: str, value: float, **labels: str) -> str:
    quoted = ",".join(f'{label}="{_escaped(words)}"' for label, words in labels.items())
    return f"{name}{{{quoted}}} {value}"


def _escaped(words: str) -> str:
    return flat(words).replace("\\", r"\\").replace('"', r"\"")
