"""`mlgate init`: the files a gate begins with."""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlgate.cli.parser import Commands


PARTS = ("text", "label", "production", "candidate", "slice")


def add(added: "Commands") -> None:
    """Add `mlgate init`."""
    help = "write what a gate begins with, from a file of answers, or a whole pipeline from labelled texts"
    init = added.add("init", init_command, help)
    init.add_argument("folder", metavar="DIR", type=Path, nargs="?", default=Path(), help="where (default: here)")
    what = init.add_mutually_exclusive_group(required=True)
    help = "labels beside both models' answers: gate.toml and a workflow that judges them"
    what.add_argument("--answers", metavar="rows.csv", type=Path, help=help)
    help = "labelled texts: gate.toml, recipes.py, notebooks and a workflow that trains, judges and promotes"
    what.add_argument("--data", metavar="rows.csv", type=Path, help=help)
    for part in PARTS:
        help = "which column that is (default: what the columns' names say)"
        init.add_argument(f"--{part}-column", metavar="NAME", help=help)
    help = "this package on GitHub (default: where it was installed from)"
    init.add_argument("--action", metavar="OWNER/NAME@COMMIT", help=help)


def init_command(options: Namespace) -> int:
    from mlgate.init import begin, begin_pipeline

    named = {part: getattr(options, f"{part}_column") for part in PARTS}
    if options.data:
        print(begin_pipeline(options.folder, options.data, named, options.action))
    else:
        print(begin(options.folder, options.answers, named, options.action))
    return 0
