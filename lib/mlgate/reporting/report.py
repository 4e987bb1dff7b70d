"""A verdict in words: the lines scripts read, a text for terminals, Markdown for pull requests."""

from pathlib import Path

from mlgate.artifacts import to_json
from mlgate.gate import PROMOTE, REJECT, Verdict
from mlgate.root import write_atomically

MARKS = {"pass": "✓", "fail": "✗", "undecided": "?", "skipped": "-"}


def json_of(verdict: Verdict) -> bytes:
    """The bytes of verdict.json."""
    return to_json(verdict.as_dict())


def write(path: Path, verdict: Verdict) -> None:
    """Write verdict.json. Raises MlgateError where it cannot be written."""
    write_atomically(path, json_of(verdict))


def line(entry: dict) -> str:
    """One line of the ledger, for people."""
    time, kind = entry["time"][:16].replace("T", " "), entry["kind"]
    if "to" in entry:
        return f"{time}  {kind:<10} {str(entry['from'] or 'nothing')[:12]} -> {entry['to'][:12]}"
    if kind == "holdout":
        rows = f"{entry['rows']['count']:,} rows, alpha {entry['alpha']:g}"
        return f"{time}  {kind:<10} generation {entry['generation']}: {rows}"
    verdict = entry["verdict"]
    pair = f"{verdict['candidate']['digest'][:12]} against {verdict['production']['digest'][:12]}"
    return f"{time}  {kind:<10} {verdict['decision']}: {pair}: {_flat(verdict['reason'])}"


def headline(verdict: Verdict) -> str:
    """The decision in one line, as scripts read it."""
    if verdict.decision == PROMOTE:
        return "Promote new model"
    return "Reject new model" if verdict.decision == REJECT else f"Keep production model: {_flat(verdict.reason)}"


def closing_lines(verdict: Verdict) -> str:
    """The three lines that standard output ends with."""
    return (
        f"Production model accuracy: {_accuracy(verdict.production)}\n"
        f"Candidate model accuracy: {_accuracy(verdict.candidate)}\n"
        f"{headline(verdict)}"
    )


def text(verdict: Verdict) -> str:
    """The verdict for a terminal: who was compared, on which rows, and every check with its reason."""
    rows = f"{verdict.rows['count']:,} {_flat(verdict.rows['name'])} rows"
    lines = [f"{verdict.decision} on {rows}: {_flat(verdict.reason)}", ""]
    lines += [f"  {MARKS[check.status]} {_flat(check.name)}: {_flat(check.reason)}" for check in verdict.checks]
    lines += ["", *(f"  {part}" for part in (*prospects(verdict).splitlines(), looks(verdict)))]
    return "\n".join(lines)


def markdown(verdict: Verdict) -> str:
    """The verdict as Markdown: a banner, both models, the difference with its interval, every check, every slice."""
    lines = [f"## {verdict.decision}: {headline(verdict)}", "", _flat(verdict.reason), ""]
    lines += ["| | production | candidate |", "|---|---|---|"]
    for name, key in (("digest", "digest"), ("accuracy", "accuracy")):
        ours, theirs = verdict.production[key], verdict.candidate[key]
        lines.append(f"| {name} | {_cell(ours)} | {_cell(theirs)} |")
    rows = f"{verdict.rows['count']:,} rows of {_flat(verdict.rows['name'])}"
    lines += ["", f"{rows} (`{verdict.rows['digest'][:12]}`)", ""]
    lines += _difference(verdict)
    lines += ["| | check | |", "|---|---|---|"]
    for check in verdict.checks:
        lines.append(f"| {MARKS[check.status]} | {_inside(check.name)} | {_inside(check.reason)} |")
    if verdict.slices:
        lines += ["", "| slice | rows | difference |", "|---|---|---|"]
        lines += [f"| {_inside(part.name)} | {part.rows:,} | {_interval(part)} |" for part in verdict.slices]
    return "\n".join([*lines, "", *prospects(verdict).splitlines(), looks(verdict), ""])


def _difference(verdict: Verdict) -> list[str]:
    """The difference in words, and the disagreements it comes from; [] where there is none to speak of."""
    found, pair = verdict.difference, verdict.discordant
    if not found or not pair:
        return []
    disagreements = f"{pair[0]:,} rows only the candidate gets right, {pair[1]:,} only production"
    return [f"**Difference: {_interval(found)}** at confidence {found.confidence:.4g}; {disagreements}.", ""]


def _interval(part) -> str:
    return f"{part.estimate:+.2%} ({part.low:+.2%} to {part.high:+.2%})"


def looks(verdict: Verdict) -> str:
    """What the verdict cost, and what is left."""
    look = verdict.look
    if "left" not in look:
        return "No ledger here: nothing was counted. Judging the same rows again and again wears them out."
    left = f"{look['left']} look{'' if look['left'] == 1 else 's'} left on the holdout"
    return f"{'One look spent' if look['spent'] else 'No look spent'} ({look['why']}); {left}."


def prospects(verdict: Verdict) -> str:
    """What could be known before the look, without a label, and how fragile the verdict is."""
    look, lines = verdict.look, []
    if "needed" in look:
        points = 100 * (2 * look["needed"] - look["different"]) / verdict.rows["count"]
        lines.append(
            f"Before looking: {look['different']:,} rows are answered differently; the candidate has to win"
            f" {look['needed']:,} of them, a difference of {points:.2f} points, if all of them tell."
        )
    if verdict.fragility is not None:
        lines.append(
            f"{verdict.fragility:,} labels would have to be wrong, all one way, for the difference not to show."
        )
    return "\n".join(lines)


def _flat(text: str) -> str:
    """On one line: names of slices and files are whatever people wrote, and scripts read our lines."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _inside(text: str) -> str:
    """Fit for a cell of a Markdown table."""
    return _flat(text).replace("|", "\\|")


def _accuracy(side: dict) -> str:
    return "n/a" if side["accuracy"] is None else f"{side['accuracy']:.2f}"


def _cell(value: str | float | None) -> str:
    if value is None:
        return "n/a"
    return f"`{value[:12]}`" if isinstance(value, str) else f"{value:.2%}"
