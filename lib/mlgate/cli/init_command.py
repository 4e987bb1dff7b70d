"""`mlgate init`: the files a gate begins with."""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlgate.cli.parser import Commands


def add(added: "Commands") -> None:
    """Add `mlgate init`."""
    help = "write what a gate begins with: gate.toml and a workflow, from a file of answers"
    init = added.add("init", init_command, help)
    init.add_argument("folder", metavar="DIR", type=Path, nargs="?", default=Path(), help="where (default: here)")
    help = "labels beside both models' answers: a file, a folder or a pattern"
    init.add_argument("--answers", metavar="rows.csv", type=Path, required=True, help=help)
    for part in ("label", "production", "candidate", "slice"):
        help = "which column that is (default: what the columns' names say)"
        init.add_argument(f"--{part}-column", metavar="NAME", help=help)
    help = "this package on GitHub (default: where it was installed from)"
    init.add_argument("--action", metavar="OWNER/NAME@COMMIT", help=help)


def init_command(options: Namespace) -> int:
    from mlgate.init import begin

    named = {part: getattr(options, f"{part}_column") for part in ("label", "production", "candidate", "slice")}
    print(begin(options.folder, options.answers, named, options.action))
    return 0
