"""`mlgate watch …`: its options, and what each command does."""

from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlgate.errors import MlgateError
from mlgate.root import find_root, to_json, write_atomically

if TYPE_CHECKING:
    from mlgate.cli.parser import Commands

QUIET, MOVED, HARM = 0, 3, 4


def add(added: "Commands") -> None:
    """Add `mlgate watch` and its commands."""
    help = "has production's traffic moved, and does that harm? Without more: status"
    watch: ArgumentParser = added.add("watch", status_command, help)
    watch.set_defaults(json=None)
    inner = type(added)(watch, required=False)
    status = inner.add("status", status_command, "the three lights over the rows that the service kept")
    status.add_argument("--json", metavar="watch.json", type=Path, help="write what was found there")
    labels = inner.add("labels", labels_command, "take in the labels of kept rows, joined by the id that /predict gave")
    labels.add_argument("data", metavar="rows.csv", type=Path, help="ids and labels, CSV or Parquet")
    labels.add_argument("--id-column", metavar="NAME", default="id")
    labels.add_argument("--label-column", metavar="NAME", default="label")
    export = inner.add("export", export_command, "kept texts to be labelled, chosen by a keyed hash: id,text")
    export.add_argument("file", metavar="FILE", type=Path)
    export.add_argument("--rows", metavar="N", type=int, default=500, help="how many at most (default: 500)")
    help = "send a running service rows that drift after a while, and say when each light goes on"
    simulate = inner.add("simulate", simulate_command, help)
    simulate.add_argument("--drift", metavar="NAME", default="", help="one of `mlgate watch drifts` (default: none)")
    simulate.add_argument("--url", metavar="URL", default="http://127.0.0.1:8000", help="where the service is")
    simulate.add_argument("--after", metavar="N", type=int, default=500, help="requests before it (default: 500)")
    simulate.add_argument("--most", metavar="N", type=int, default=5_000, help="requests in all (default: 5000)")
    simulate.add_argument("--rate", metavar="R", type=float, default=0.0, help="requests a second (default: many)")
    simulate.add_argument("--json", metavar="watch.json", type=Path, help="write what was found in the end there")
    due = inner.add("due", due_command, "in CI: does an alarm call for a retraining, now?")
    due.add_argument("--url", metavar="URL", help="the service to ask (default: alarm.json, where there is one)")
    due.add_argument("--last", metavar="TIME", help="when a retraining last began; an older alarm is answered by it")
    due.add_argument(
        "--cool-down", metavar="HOURS", type=float, default=24.0, help="at least between two (default: 24)"
    )
    due.add_argument("--output", metavar="FILE", type=Path, help="add due=true or false, and recipe=…, to it")
    inner.add("drifts", drifts_command, "the drifts, and how they come about")
    forget = inner.add("forget", forget_command, "remove kept rows so that no byte of them is left")
    which = forget.add_mutually_exclusive_group(required=True)
    which.add_argument("--id", metavar="ID", action="append", default=[], help="this one; may be repeated")
    which.add_argument("--before", metavar="TIME", help="all that are older, as in 2026-11-26 or 2026-11-26T12:00")
    inner.add("profile", profile_command, "make the watch's reference from production's answers to validation rows")
    replay = inner.add("replay", replay_command, "watch the rows of a file, in its order: when does each light go on?")
    replay.add_argument("data", metavar="rows.csv", type=Path, help="texts, CSV or Parquet")
    replay.add_argument("--text-column", metavar="NAME", default="text")
    replay.add_argument("--label-column", metavar="NAME", help="the true labels (default: label, where there is one)")
    replay.add_argument("--json", metavar="watch.json", type=Path, help="write what was found there")


def status_command(options: Namespace) -> int:
    from mlgate import watch
    from mlgate.promotion.harm import action_on_harm

    root = find_root(options.root)
    settings = watch.settings_of(root)
    found = watch.status(root, settings, action_on_harm(root, settings))
    return _said(found, options.json)


def _said(found: dict[str, Any], path: Path | None) -> int:
    from mlgate import watch

    print(watch.text(found))
    if path:
        write_atomically(path, to_json(found))
    return status_of(found)


def labels_command(options: Namespace) -> int:
    from mlgate import watch

    taken = watch.take_labels(find_root(options.root), options.data, options.id_column, options.label_column)
    print(
        f"{taken.new:,} labels taken in, {taken.again:,} known already, {taken.changed:,} changed,"
        f" {taken.foreign:,} of rows that are not kept."
    )
    return status_command(Namespace(root=options.root, json=None))


def export_command(options: Namespace) -> int:
    from mlgate import watch

    count = watch.export(find_root(options.root), options.file, options.rows)
    print(f"{count:,} rows are in {options.file}. Add a column label, then: mlgate watch labels {options.file}")
    return 0


def simulate_command(options: Namespace) -> int:
    from mlgate import watch

    plan = watch.Plan(options.drift, options.after, options.most, max(options.rate, 0.0))
    found = watch.simulate(find_root(options.root), options.url, plan, lambda line: print(line, flush=True))
    if options.json:
        write_atomically(options.json, to_json(found))
    return status_of(found)


def due_command(options: Namespace) -> int:
    from mlgate.ci import alarms

    root = find_root(options.root)
    last = alarms.time_from(options.last)
    found = alarms.due(root, alarms.ask(root, options.url), last, datetime.now(UTC), timedelta(hours=options.cool_down))
    if options.output:
        alarms.write(found, options.output)
    print(found.reason)
    return 0


def drifts_command(options: Namespace) -> int:
    from mlgate.watch import DRIFTS

    for name, drift in DRIFTS.items():
        print(f"{name}\n    {drift.story}")
    return 0


def forget_command(options: Namespace) -> int:
    from mlgate import watch

    before = options.before and _seconds(options.before)
    print(f"{watch.forget(find_root(options.root), options.id, before):,} rows forgotten.")
    return 0


def _seconds(text: str) -> float:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise MlgateError(f"{text!r:.60} is no time. Write it as in 2026-11-26 or 2026-11-26T12:00.") from error
    return found.timestamp()


def profile_command(options: Namespace) -> int:
    from mlgate import artifacts, watch

    root = find_root(options.root)
    with artifacts.locked(root):
        model = artifacts.load_production(root)
        made = watch.make_for(root, model)
        write_atomically(watch.path_of(root, model.digest), watch.to_bytes(made))
    print(
        f"The profile of {model.digest[:12]} is made from {made.count:,} validation rows, of which it answers"
        f" {made.accuracy:.1%} right."
    )
    return 0


def replay_command(options: Namespace) -> int:
    from mlgate import watch

    found = watch.replay(find_root(options.root), options.data, options.text_column, options.label_column)
    return _said(found, options.json)


def status_of(report: dict[str, Any]) -> int:
    """Return the exit status: 0 quiet, 3 moved or harm estimated, 4 harm proven."""
    lights = report["lights"]
    if lights["proven_harm"]["on"]:
        return HARM
    if lights["moved"]["on"] or lights["estimated_harm"]["on"]:
        return MOVED
    return QUIET
