"""The forest plot: the paired difference overall and in each slice."""

from mlgate.gate import Difference, Slice, Status, Verdict
from mlgate.gate.metrics import in_units, unit_of
from mlgate.reporting.figures.canvas import (
    BLUE,
    GREY,
    INK,
    MINUS,
    ORANGE,
    blank_sheet,
    fit,
    minus,
    nothing_to_draw,
    squeeze,
    width_of,
    write,
)
from mlgate.reporting.figures.differences import draw_interval, draw_regions, interval_in_words, rows_in_words, scale_of

from matplotlib.figure import Figure

MAX_SLICES = 12
COLOURS_OF = {"better": BLUE, "not worse": BLUE, "worse": ORANGE}  # others in ink
WIDTH = 10  # inches, as all of these
PITCH = 0.52
BOTTOM = 0.85


def draw_forest(verdict: Verdict) -> Figure:
    """Draw the paired difference in points with its interval, overall and per slice, against 0 and the margin."""
    if verdict.difference is None:
        return nothing_to_draw("Nothing to compare", verdict.reason)
    shown = sorted(verdict.slices, key=lambda part: part.estimate)[:MAX_SLICES]
    lines: list[tuple[str, int, Difference | Slice, str]] = [
        ("overall", verdict.rows.count, verdict.difference, _outcome(verdict, verdict.difference))
    ]
    lines += [(part.name or "(no name)", part.rows, part, _outcome_of_slice(verdict, part)) for part in shown]
    hidden = len(verdict.slices) - len(shown)

    metric = verdict.difference.metric
    scale = scale_of(metric)
    alt = f"Candidate minus production, in {unit_of(metric)}: " + "; ".join(
        f"{name} {_interval_in_units(part, metric)}, {word}" for name, _, part, word in lines
    )
    height = BOTTOM + PITCH * len(lines) + 1.35
    figure, sheet = blank_sheet(WIDTH, height, alt)
    title = f"Candidate {MINUS} production on {rows_in_words(verdict)}"
    write(sheet, 0.3, height - 0.35, title, fit(title, 9.4, 17), weight="bold")

    # The names and rows on the left, the figures in words on the right, and the axis between them.
    names = [squeeze(name, 2.3, 15, "bold") for name, _, _, _ in lines]
    words = [minus(f"{in_units(part.estimate, metric)}  {word}") for _, _, part, word in lines]
    rows_width = max(width_of(f"{rows:,}", 13) for _, rows, _, _ in lines)
    left = 0.3 + max(width_of(name, 15, "bold") for name in names) + rows_width + 0.45
    right = WIDTH - 0.5 - max(width_of(word, 15, "bold") for word in words)
    tall = height - BOTTOM - 0.95
    axes = figure.add_axes((left / WIDTH, BOTTOM / height, (right - left) / WIDTH, tall / height))
    axes.set_ylim(-0.6, len(lines) + 0.15)
    draw_regions(axes, [part for _, _, part, _ in lines], verdict.policy.get("margin", 0.0), right - left, scale)

    for number, (_, rows, part, outcome) in enumerate(lines):
        y = len(lines) - 1 - number
        at = BOTTOM + (y + 0.6) / (len(lines) + 0.75) * tall
        weight = "bold" if number == 0 else "normal"
        colour = COLOURS_OF.get(outcome, INK)
        draw_interval(axes, y, part, colour, heavy=number == 0, scale=scale)
        write(sheet, 0.3, at, names[number], 15, weight=weight)
        write(sheet, left - 0.25, at, f"{rows:,}", 13, GREY, ha="right")
        write(sheet, right + 0.2, at, words[number], 15, colour, weight=weight)
    note = interval_in_words(verdict.difference)
    if any(part.guard_low is not None for part in shown):
        note += "; thin: the guards'"
    if hidden:
        note += f"; {hidden:,} more slices are not drawn"
    write(sheet, 0.3, 0.28, note, 13, GREY)
    return figure


def _interval_in_units(part: Difference | Slice, metric: str) -> str:
    return f"{in_units(part.estimate, metric)} ({in_units(part.low, metric)} to {in_units(part.high, metric)})"


def _outcome(verdict: Verdict, difference: Difference) -> str:
    """Say the overall result in a word: the check "difference", or where none was made, the interval itself."""
    if verdict.checks_with("identical") and verdict.discordant == (0, 0):
        return "identical"
    status = _status(verdict, difference)
    if status == "fail":
        return "worse"
    if status != "pass":
        return "cannot tell"
    return "better" if difference.low > 0 else "not worse"


def _status(verdict: Verdict, difference: Difference) -> Status:
    """How the check "difference" stands; where labelled checks were skipped, the same from the interval."""
    for check in verdict.checks_with("difference"):
        return check.status
    margin = verdict.policy.get("margin", 0.0)
    if difference.low > margin:
        return "pass"
    if difference.high < min(margin, 0):
        return "fail"
    return "undecided"


def _outcome_of_slice(verdict: Verdict, part: Slice) -> str:
    """Say a slice's result in a word. Its guard is stricter than the interval: where it passes, "worse?" at most."""
    statuses = [check.status for check in verdict.checks_with("slice") if check.name == f"slice {part.name}"]
    if "fail" in statuses or (not statuses and part.high < 0):
        return "worse"
    if part.low > 0:
        return "better"
    if part.high >= 0:
        return "cannot tell"
    if part.low > -verdict.policy.get("tolerance", 0.0):
        return "tolerated"
    return "worse?"
