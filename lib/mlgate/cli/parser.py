"""The commands and their options. argparse, because `mlgate record` runs where nothing is installed."""

import argparse
from collections.abc import Callable
from pathlib import Path

import mlgate
from mlgate.ci.evidence import EXPECTED
from mlgate.cli import (
    commands,
    init_command,
    judge_commands,
    label_commands,
    mlflow_commands,
    tool_commands,
    watch_commands,
)
from mlgate.cli.exits import epilog

EPILOG = """exit status: 0 done (judge, label verdict: PROMOTE; watch: quiet); 3 HOLD and 4 REJECT (these, and run with
--fail-on); watch: 3 moved or harm estimated, 4 harm proven; 1 an error; 2 wrong usage; 5 (record) production moved
meanwhile"""


class Commands:
    """The commands as they are added, each with its help, its options and its function."""

    def __init__(self, parser: argparse.ArgumentParser, required: bool = True):
        self.parsers = parser.add_subparsers(title="commands", required=required, metavar="COMMAND")

    def add(self, name: str, function: Callable[[argparse.Namespace], int], help: str) -> argparse.ArgumentParser:
        """Add a command, and return its parser for its options."""
        parser = self.parsers.add_parser(name, help=help, description=help, epilog=epilog(name))
        parser.add_argument("--root", metavar="DIR", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        parser.set_defaults(command=function, usage=parser.error)
        return parser


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands, in the order in which people meet them."""
    parser = argparse.ArgumentParser(prog="mlgate", description="A gate for machine-learning models.", epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"mlgate {mlgate.__version__}")
    parser.add_argument(
        "--root", metavar="DIR", help="the pipeline's folder (default: $MLGATE_ROOT, or where gate.toml is)"
    )
    added = Commands(parser)
    _add_run(added)
    judge_commands.add(added)
    init_command.add(added)
    _add_moves(added)
    _add_history(added)
    watch_commands.add(added)
    _add_ci(added)
    _add_holdout(added)
    label_commands.add(added)
    mlflow_commands.add(added)
    _add_others(added)
    tool_commands.add(added)
    return parser


def _add_run(added: Commands) -> None:
    help = "train a candidate, compare it, decide, and do what was decided: notebooks 02 to 04"
    run = added.add("run", commands.run_command, help)
    run.add_argument("--recipe", metavar="NAME", help="how to train it: one of `mlgate recipes` (default: gate.toml)")
    run.add_argument("--severity", type=float, metavar="X", help="for a sabotaged recipe: 0 is harmless, 1 the worst")
    run.add_argument("--preview", action="store_true", help="notebooks 02 and 03 alone: decide on validation rows")
    run.add_argument("--fail-on", choices=tuple(commands.FAIL_ON), default="never", help="exit 4 or 3 on these")
    run.add_argument("--every", action="store_true", help="instead: every notebook once, in order, as it stands")


def _add_moves(added: Commands) -> None:
    promote = added.add(
        "promote", commands.promote_command, "put the candidate into production, on its verdict in the ledger"
    )
    promote.add_argument("--after-rollback", action="store_true", help="even one that was rolled back")
    help = "then ask the service there until it serves this model and answers validation rows as judged; else exit 1"
    promote.add_argument("--prove", metavar="URL", help=help)
    added.add("rollback", commands.rollback_command, "put the previous production model back")
    help = "train production again with the versions installed now; no look is spent"
    refresh = added.add("refresh", commands.refresh_command, help)
    refresh.add_argument("--force", action="store_true", help="even where production comes from these versions")


def _add_history(added: Commands) -> None:
    added.add("history", commands.history_command, "what the ledger says: looks, rejections, promotions, rollbacks")
    report = added.add("report", commands.report_command, "what the last run did, for a page, a terminal or a script")
    report.add_argument("--format", choices=("markdown", "text", "json"), default="text")
    report.add_argument("--summary", metavar="FILE", type=Path, help="add the page to this file as well")


def _add_ci(added: Commands) -> None:
    check = added.add("check", commands.check_command, "verify artifacts_prod/ against its ledger")
    check.add_argument("--base", metavar="REF", help="and did the change since REF leave it alone?")
    check.add_argument("--before", metavar="COMMIT", help="and does the ledger go on from the one in this commit?")
    check.add_argument("--output", metavar="FILE", type=Path, help="add commit=… and training=true or false to it")
    help = "carry what a run decided over to main, as one commit of artifacts_prod/"
    record = added.add("record", commands.record_command, help)
    record.add_argument("--judged", metavar="DIR", help="the root where it was decided (default: this one)")
    record.add_argument("--remote", default="origin")
    record.add_argument("--branch", default="main")
    record.add_argument(
        "--expect", choices=tuple(EXPECTED), help="what the run was started for: refuse whatever else it brings"
    )
    help = "with --expect: the recipe it was started to train (default: gate.toml)"
    record.add_argument("--recipe", metavar="NAME", help=help)
    record.add_argument("--severity", type=float, metavar="X", help="with --expect: and how bad, from 0 to 1")
    record.add_argument("--summary", metavar="FILE", type=Path, help="add what was done to this file as well")


def _add_holdout(added: Commands) -> None:
    help = "`holdout new FILE`: rows that nobody has read become the holdout"
    holdout = added.add("holdout", commands.holdout_command, help)
    holdout.add_argument("what", choices=("new",))
    holdout.add_argument("data", metavar="rows.csv", type=Path, help="labelled texts, CSV or Parquet")
    help = "they have no labels: each look buys those that its pair needs (mlgate label new)"
    holdout.add_argument("--unlabelled", action="store_true", help=help)
    judge_commands.add_columns(holdout)


def _add_others(added: Commands) -> None:
    added.add("recipes", commands.recipes_command, "the ways to train")
    help = "what the gate catches, whom it rejects wrongly, how often it is wrong"
    selftest = added.add("selftest", commands.selftest_command, help)
    selftest.add_argument("--seeds", type=int, default=2, help="how many laboratories (default: 2)")
    selftest.add_argument("--fresh", action="store_true", help="even where the result for this code and policy is kept")
    selftest.add_argument("--watch", action="store_true", help="instead: how often the watch cries wolf")
    selftest.add_argument("--rows", metavar="N", type=int, default=40_000_000, help="with --watch: so many rows")
    serve = added.add("serve", commands.serve_command, "answer requests with the production model")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8000)
