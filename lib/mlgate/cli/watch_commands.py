"""`mlgate watch …`: its options, and what each command does."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlgate.root import find_root, to_json, write_atomically

if TYPE_CHECKING:
    from mlgate.cli.parser import Commands

QUIET, MOVED, HARM = 0, 3, 4


def add(added: "Commands") -> None:
    """Add `mlgate watch` and its commands."""
    watch: ArgumentParser = added.add("watch", usage, "has production's traffic moved, and does that harm?")
    inner = type(added)(watch)
    inner.add("profile", profile_command, "make the watch's reference from production's answers to validation rows")
    replay = inner.add("replay", replay_command, "watch the rows of a file, in its order: when does each light go on?")
    replay.add_argument("data", metavar="rows.csv", type=Path, help="texts, CSV or Parquet")
    replay.add_argument("--text-column", metavar="NAME", default="text")
    replay.add_argument("--label-column", metavar="NAME", help="the true labels (default: label, where there is one)")
    replay.add_argument("--json", metavar="watch.json", type=Path, help="write what was found there")


def usage(options: Namespace) -> int:
    options.usage("name what to do: mlgate watch --help lists it")
    return 2


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
    print(watch.text(found))
    if options.json:
        write_atomically(options.json, to_json(found))
    return status_of(found)


def status_of(report: dict[str, Any]) -> int:
    """Return the exit status: 0 quiet, 3 moved or harm estimated, 4 harm proven."""
    lights = report["lights"]
    if lights["proven_harm"]["on"]:
        return HARM
    if lights["moved"]["on"] or lights["estimated_harm"]["on"]:
        return MOVED
    return QUIET
