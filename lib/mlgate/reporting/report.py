"""A verdict in words: the lines scripts read, a text for terminals, Markdown for pull requests."""

from pathlib import Path

from mlgate import ledger
from mlgate.gate import PROMOTE, REJECT, Check, Difference, Side, Slice, Verdict
from mlgate.gate.metrics import WORDS, in_units, reading, unit_of
from mlgate.reporting.markdown import flat, quote, table
from mlgate.root import LOSSES, to_json, write_atomically

MARKS = {"pass": "✓", "fail": "✗", "undecided": "?", "skipped": "-"}
REPORTED = "!"  # failed, and its action is to report it


def json_of(verdict: Verdict) -> bytes:
    """Return the bytes of verdict.json."""
    return to_json(verdict.as_dict())


def write(path: Path, verdict: Verdict) -> None:
    """Write verdict.json. Raises MlgateError where it cannot be written."""
    write_atomically(path, json_of(verdict))


def line(entry: ledger.Entry) -> str:
    """One line of the ledger, for people. Whatever a file says in it, it can be printed."""
    when = flat(entry["time"][:16].replace("T", " "))
    return f"{when}  {flat(entry['kind']):<10} {flat(_told(entry))}".rstrip()


def _told(entry: ledger.Entry) -> str:
    if ledger.is_move(entry):
        return f"{(entry['from'] or 'nothing')[:12]} -> {entry['to'][:12]}"
    if ledger.is_judged(entry):
        verdict = entry["verdict"]
        pair = f"{verdict['candidate']['digest'][:12]} against {verdict['production']['digest'][:12]}"
        return f"{verdict['decision']}: {pair}: {verdict['reason']}"
    for begun in ledger.labellings([entry]):
        pair = f"{begun['candidate'][:12]} against {begun['production'][:12]}"
        rows = f"at most {begun['horizon']:,} of {begun['different']:,} disagreements, alpha {begun['alpha']:g}"
        return f"{pair}: {rows}"
    for holdout in ledger.holdouts([entry]):
        rows = f"{holdout['rows']['count']:,} rows, alpha {holdout['alpha']:g}"
        return f"generation {holdout['generation']}: {rows}"
    return ""


def headline(verdict: Verdict) -> str:
    """Return the decision in one line, as scripts read it."""
    if verdict.decision == PROMOTE:
        return "Promote new model"
    return "Reject new model" if verdict.decision == REJECT else f"Keep production model: {flat(verdict.reason)}"


def in_plain_words(verdict: Verdict, preview: bool = False) -> str:
    """Return what became of the candidate, for somebody who knows none of the other words."""
    if verdict.decision == PROMOTE:
        return "The new model is better. It would go into production." if preview else "The new model is better."
    if verdict.decision != REJECT:
        return "The new model is not shown to be better. Production stays."
    worse = verdict.difference is not None and verdict.difference.high < 0
    if worse:
        return "The new model is worse. Production stays."
    return "The new model must not go into production. Production stays."


def closing_lines(verdict: Verdict) -> str:
    """Return the three lines that standard output ends with."""
    metric = metric_of(verdict)
    return (
        f"Production model {WORDS[metric]}: {_short(verdict.production, metric)}\n"
        f"Candidate model {WORDS[metric]}: {_short(verdict.candidate, metric)}\n"
        f"{headline(verdict)}"
    )


def text(verdict: Verdict) -> str:
    """Return the verdict for a terminal: who was compared, on which rows, and every check with its reason."""
    rows = f"{verdict.rows.count:,} {flat(verdict.rows.name)} rows{_in_clusters(verdict)}"
    lines = [f"{verdict.decision} on {rows}: {flat(verdict.reason)}", ""]
    lines += [f"  {mark(check)} {flat(check.name)}: {flat(check.reason)}" for check in verdict.checks]
    lines += ["", *(f"  {line}" for line in closing_notes(verdict))]
    return "\n".join(lines)


def markdown(verdict: Verdict) -> str:
    """Return the verdict as Markdown: a banner, both models, the difference and its interval, all checks and slices."""
    production = verdict.production
    candidate = verdict.candidate
    metric = metric_of(verdict)
    models = [("digest", _digest(production), _digest(candidate))]
    if metric != "accuracy":
        models.append((WORDS[metric], value_of(production, metric), value_of(candidate, metric)))
    if production.accuracy is not None:
        models.append(("accuracy", value_of(production, "accuracy"), value_of(candidate, "accuracy")))
    checks = [(mark(check), quote(check.name), quote(check.reason)) for check in verdict.checks]
    lines = [f"## {verdict.decision}: {quote(headline(verdict))}", "", quote(verdict.reason), ""]
    lines += table(("", "production", "candidate"), models)
    rows = f"{verdict.rows.count:,} rows of {quote(verdict.rows.name)} (`{verdict.rows.digest[:12]}`)"
    lines += ["", f"{rows}{_in_clusters(verdict)}", ""]
    lines += _difference(verdict)
    lines += table(("", "check", ""), checks)
    if verdict.slices:
        slices = [(quote(part.name), f"{part.rows:,}", _interval(part, metric)) for part in verdict.slices]
        lines += ["", *table(("slice", "rows", "difference"), slices)]
    return "\n".join([*lines, "", *closing_notes(verdict), ""])


def _in_clusters(verdict: Verdict) -> str:
    return "" if verdict.rows.clusters is None else f" in {verdict.rows.clusters:,} clusters"


def mark(check: Check) -> str:
    """Return a sign for how a check stands: "!" where it failed and only tells, so that no ✗ stands beside PROMOTE."""
    if check.status == "fail" and check.action == "report":
        return REPORTED
    return MARKS[check.status]


def closing_notes(verdict: Verdict) -> list[str]:
    """Return what stands below the checks: how to read the interval, how sure the verdict is, and what it cost."""
    return [*interval_note(verdict), *prospects(verdict), *bought(verdict), looks(verdict)]


def interval_note(verdict: Verdict) -> list[str]:
    """Which interval stands beside the difference, and why that one; [] where there is none."""
    if not verdict.difference:
        return []
    confidence = verdict.difference.confidence
    level = (1 - confidence) / 2
    return [
        f"The interval is a {100 * confidence:.4g} % one: each of its ends is a one-sided test at {100 * level:.3g} %,"
        " the level of this decision."
    ]


def _difference(verdict: Verdict) -> list[str]:
    """Return the difference in words, and the disagreements it comes from; [] where there is none to speak of."""
    if not verdict.difference:
        return []
    said = f"**Difference: {_interval(verdict.difference, verdict.difference.metric)}**"
    if verdict.discordant:
        wins, losses = verdict.discordant
        said += f"; {wins:,} rows only the candidate gets right, {losses:,} only production"
    return [f"{said}.", ""]


def _interval(part: Difference | Slice, metric: str) -> str:
    if metric == "accuracy":
        return f"{part.estimate:+.2%} ({part.low:+.2%} to {part.high:+.2%})"
    ends = [in_units(value, metric) for value in (part.estimate, part.low, part.high)]
    return f"{ends[0]} {unit_of(metric)} ({ends[1]} to {ends[2]})"


def looks(verdict: Verdict) -> str:
    """Return what the verdict cost, and what is left."""
    look = verdict.look
    if look.left is None:
        return "No ledger here: nothing was counted. Judging the same rows again and again wears them out."
    plural = "" if look.left == 1 else "s"
    spent = "One look spent" if look.spent else "No look spent"
    return f"{spent} ({flat(look.why)}); {look.left} look{plural} left on the holdout."


def bought(verdict: Verdict) -> list[str]:
    """Return what a verdict cost in labels; [] where none were bought for it."""
    labels = verdict.labels
    if not labels:
        return []
    line = f"{_labels_so_far(verdict)} of at most {labels['horizon']:,}; rows on which both models agree need none."
    if verdict.difference:
        alpha = (1 - verdict.difference.confidence) / 2
        line += f" Whenever one stops, either decision is wrong at most {alpha:.3g} of the time."
    agreement = labels.get("agreement")
    if not agreement:
        return [line]
    cost = "which says nothing at all"
    if agreement["factor"] is not None:
        cost = f"which takes {agreement['factor']:.2f} times as many"
    return [
        line,
        f"A second person agreed on {agreement['alike']:,} of {agreement['rows']:,} rows: about"
        f" {agreement['errors']:.0%} of labels are wrong ({agreement['errors_low']:.0%} to"
        f" {agreement['errors_high']:.0%}), {cost}.",
    ]


def _labels_so_far(verdict: Verdict) -> str:
    labels = verdict.labels or {}
    if any(check.status == "undecided" for check in verdict.checks_with("difference")):
        return f"{labels['count']:,} labels so far,"
    return f"{labels['count']:,} labels decided,"


def prospects(verdict: Verdict) -> list[str]:
    """Return what could be known before the look, without a label, and how fragile the verdict is."""
    look = verdict.look
    lines = []
    if look.needed is not None and look.different is not None:
        points = 100 * (2 * look.needed - look.different) / verdict.rows.count
        lines.append(
            f"Before looking: {look.different:,} rows are answered differently; the candidate must be right on at least"
            f" {look.needed:,} of them ({points:+.2f} points if one model is right on each)."
        )
    if verdict.fragility is not None:
        lines.append(
            f"The verdict on the difference would change only if {verdict.fragility:,} labels were wrong,"
            " all favouring the same model."
        )
    return lines


def metric_of(verdict: Verdict) -> str:
    """Return the metric that decided."""
    return str(verdict.policy.get("metric", "accuracy"))


def value_of(side: Side, metric: str) -> str:
    """Return one model's metric in words: "n/a" where it could not answer."""
    value = side.accuracy if metric == "accuracy" else side.value
    return "n/a" if value is None else reading(value, metric)


def _short(side: Side, metric: str) -> str:
    """Return one model's metric as scripts read it: a share with two digits."""
    value = side.accuracy if metric == "accuracy" else side.value
    if value is None:
        return "n/a"
    return f"{value:.4g}" if metric in LOSSES else f"{value:.2f}"


def _digest(side: Side) -> str:
    return "n/a" if side.digest is None else f"`{side.digest[:12]}`"
