"""What a light says, in words: what moved, by how much against the profile, and since when."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlgate.watch.tables import FEATURES, WORDS

if TYPE_CHECKING:
    from mlgate.watch.lights import Lights

TITLES = {"moved": "Moved", "estimated_harm": "Estimated harm", "proven_harm": "Proven harm"}


def of_table(lights: "Lights", light: str, table: dict[str, Any]) -> str:
    """Return what a table says; "" while it is quiet."""
    if not table["on"]:
        return ""
    now = table["now"]
    usual = table["profile"]
    if light == "moved":
        what = _moved(lights, table["table"], now < usual)
    elif light == "estimated_harm":
        what = "by the model's own confidence, more answers are wrong"
    else:
        what = "by their labels, more answers are wrong"
    kind = "mean rank" if table["table"] in FEATURES else "mean"
    return f"{what}: {kind} {now:.3f}, in the profile {usual:.3f}, {_tolerated(table['band'])}; {_since(table, light)}"


def _moved(lights: "Lights", name: str, fell: bool) -> str:
    if name not in WORDS:
        return f"fewer {name!r}" if fell else f"more {name!r}"
    fall, rise = WORDS[name]
    if fell:
        return fall.format(top=lights.profile.top)
    return rise.format(top=lights.profile.top)


def _tolerated(band: list[float | None]) -> str:
    low, high = band
    if low is None:
        return f"tolerated up to {high:.3f}"
    return f"tolerated {max(low, 0):.3f} to {high:.3f}"


def _since(table: dict[str, Any], light: str) -> str:
    kind = "labelled row" if light == "proven_harm" else "row"
    return f"since about {kind} {_at(table['since'], table['since_time'])}, seen at {_at(table['row'], table['time'])}"


def _at(row: int, time: float | None) -> str:
    if time is None:
        return f"{row:,}"
    return f"{row:,} ({datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S} UTC)"


def of_light(lights: "Lights", light: str, tables: list[dict[str, Any]]) -> str:
    """Return a light's reason in one line."""
    found = [table["reason"] for table in tables if table["on"]]
    if light == "proven_harm":
        return "; ".join(found) or _no_proof(lights)
    if light == "estimated_harm" and not lights.believed:
        found = [*found, "not to be believed any more: texts moved away from those that the scores were calibrated on"]
    if found:
        return "; ".join(found)
    return f"no evidence of more than the tolerance of {lights.settings.tolerance:g} in {lights.rows:,} rows"


def _no_proof(lights: "Lights") -> str:
    if not lights.labelled:
        return "no labels, so nothing is known: only they show whether answers are right"
    share = 1 - lights.wrong / lights.labelled
    return f"no evidence of harm in {lights.labelled:,} labelled rows, of which {share:.1%} were answered right"


def text(report: dict[str, Any]) -> str:
    """Return a report for a terminal."""
    accuracy = report["accuracy"]
    lines = [f"{report['rows']:,} rows watched of model {report['model']['digest'][:12]}."]
    for light, title in TITLES.items():
        found = report["lights"][light]
        state = "ON " if found["on"] else "off"
        lines.append(f"{state} {title}: {found['reason']}.")
    believed = "" if accuracy["believed"] else " (not to be believed)"
    lines.append(
        f"Accuracy: {accuracy['profile']:.1%} in the profile; {accuracy['estimated']:.1%} estimated from the"
        f" last scores{believed}; {_labelled(accuracy)}."
    )
    lines.append(
        f"The promise: at most one false alarm in {report['rows_per_false_alarm']:,} rows, all tables together."
    )
    lines += [f"    {_example(row)}" for row in report.get("examples", ())]
    return "\n".join(lines)


def _example(row: dict[str, Any]) -> str:
    score = "" if row["score"] is None else f" ({row['score']:.2f})"
    return f"{row['id']} {row['answer']}{score}: {' '.join(row['text'].split())[:80]!a}"


def _labelled(accuracy: dict[str, Any]) -> str:
    if not accuracy["labelled"]:
        return "no labels"
    return f"{1 - accuracy['wrong'] / accuracy['labelled']:.1%} of {accuracy['labelled']:,} labelled rows"
