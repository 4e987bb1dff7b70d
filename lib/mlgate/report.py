"""A verdict in words: the lines scripts read, a text for terminals, Markdown for pull requests."""

from pathlib import Path

from mlgate.artifacts import to_json
from mlgate.gate import PROMOTE, REJECT, Verdict
from mlgate.root import MlgateError, write_atomically

MARKS = {"pass": "✓", "fail": "✗", "undecided": "?", "skipped": "-"}


def json_of(verdict: Verdict) -> bytes:
    """The bytes of verdict.json."""
    return to_json(verdict.as_dict())


def write(path: Path, verdict: Verdict) -> None:
    """Write verdict.json. Raises MlgateError where it cannot be written."""
    try:
        write_atomically(path, json_of(verdict))
    except OSError as error:
        raise MlgateError(f"{path} cannot be written: {error.strerror}.") from error


def line(entry: dict) -> str:
    """One line of the ledger, for people."""
    time, kind = entry["time"][:16].replace("T", " "), entry["kind"]
    if "to" in entry:
        return f"{time}  {kind:<10} {str(entry['from'] or 'nothing')[:12]} -> {entry['to'][:12]}"
    verdict = entry["verdict"]
    pair = f"{verdict['candidate']['digest'][:12]} against {verdict['production']['digest'][:12]}"
    return f"{time}  {kind:<10} {verdict['decision']}: {pair}: {verdict['reason']}"


def headline(verdict: Verdict) -> str:
    """The decision in one line, as scripts read it."""
    if verdict.decision == PROMOTE:
        return "Promote new model"
    return "Reject new model" if verdict.decision == REJECT else f"Keep production model: {verdict.reason}"


def closing_lines(verdict: Verdict) -> str:
    """The three lines that standard output ends with."""
    return (
        f"Production model accuracy: {_accuracy(verdict.production)}\n"
        f"Candidate model accuracy: {_accuracy(verdict.candidate)}\n"
        f"{headline(verdict)}"
    )


def text(verdict: Verdict) -> str:
    """The verdict for a terminal: who was compared, on which rows, and every check with its reason."""
    lines = [f"{verdict.decision} on {verdict.rows['count']:,} {verdict.rows['name']} rows: {verdict.reason}", ""]
    lines += [f"  {MARKS[check.status]} {check.name}: {check.reason}" for check in verdict.checks]
    return "\n".join([*lines, "", f"  {looks(verdict)}"])


def markdown(verdict: Verdict) -> str:
    """The verdict as Markdown: a banner, both models, the difference, every check."""
    lines = [f"## {verdict.decision}: {headline(verdict)}", "", verdict.reason, ""]
    lines += ["| | production | candidate |", "|---|---|---|"]
    for name, key in (("digest", "digest"), ("accuracy", "accuracy")):
        ours, theirs = verdict.production[key], verdict.candidate[key]
        lines.append(f"| {name} | {_cell(ours)} | {_cell(theirs)} |")
    lines += ["", f"{verdict.rows['count']:,} rows of {verdict.rows['name']} (`{verdict.rows['digest'][:12]}`)", ""]
    lines += ["| | check | |", "|---|---|---|"]
    lines += [f"| {MARKS[check.status]} | {check.name} | {check.reason} |" for check in verdict.checks]
    return "\n".join([*lines, "", looks(verdict), ""])


def looks(verdict: Verdict) -> str:
    """What the verdict cost, and what is left."""
    look = verdict.look
    if "left" not in look:
        return "No ledger here: nothing was counted. Judging the same rows again and again wears them out."
    left = f"{look['left']} look{'' if look['left'] == 1 else 's'} left on the holdout"
    return f"{'One look spent' if look['spent'] else 'No look spent'} ({look['why']}); {left}."


def _accuracy(side: dict) -> str:
    return "n/a" if side["accuracy"] is None else f"{side['accuracy']:.2f}"


def _cell(value: str | float | None) -> str:
    if value is None:
        return "n/a"
    return f"`{value[:12]}`" if isinstance(value, str) else f"{value:.2%}"
