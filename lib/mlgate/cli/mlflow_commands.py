"""`mlgate mlflow judge`: its options, and what it does."""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from mlgate.cli.commands import EXIT, STALE, say
from mlgate.errors import FROM, MlgateError
from mlgate.root import METRICS

if TYPE_CHECKING:
    from mlgate.cli.parser import Commands


def add(added: "Commands") -> None:
    """Add `mlgate mlflow` and its command."""
    from mlgate.cli.parser import Commands

    help = "judge the models of an MLflow registry, and move its alias on the verdict"
    mlflow = added.add("mlflow", lambda options: 2, help)
    judge = Commands(mlflow).add("judge", judge_command, "judge the challenger against the champion")
    judge.add_argument("name", metavar="NAME", help="the registered model (MLFLOW_TRACKING_URI says where)")
    judge.add_argument("--data", metavar="rows.csv", type=Path, required=True, help="labelled rows")
    judge.add_argument("--features", metavar="a,b,c", help="columns for the models (default: all others)")
    judge.add_argument("--label-column", metavar="NAME", default="label")
    judge.add_argument("--slice-column", metavar="NAME", help="a part of the traffic to guard on its own")
    judge.add_argument("--champion", metavar="ALIAS", default="champion", help="production's alias")
    judge.add_argument("--challenger", metavar="ALIAS", default="challenger", help="the candidate's alias")
    judge.add_argument("--policy", metavar="gate.toml", type=Path, help="what to demand (default: no floors)")
    judge.add_argument("--metric", choices=METRICS, help="what decides (default: gate.toml's, else accuracy)")
    judge.add_argument("--json", metavar="verdict.json", type=Path, help="write the verdict there")
    judge.add_argument("--seconds", type=float, default=60.0, metavar="S", help="for each batch (default: 60)")


def judge_command(options: Namespace) -> int:
    from mlgate.corpus import Source
    from mlgate.reporting import report

    try:
        from mlgate.registry.champions import Contest, Moved, judge
    except ImportError as error:
        raise MlgateError(f"MLflow is not installed here. It comes with mlgate[mlflow]: {FROM}") from error
    features = tuple(options.features.split(",")) if options.features else ()
    source = Source(
        options.data, label_column=options.label_column, slice_column=options.slice_column, features=features
    )
    contest = Contest(options.name, options.champion, options.challenger)
    try:
        verdict, followed = judge(contest, source, options.policy, options.metric, options.seconds)
    except Moved as error:
        print(error)
        return STALE
    if options.json:
        report.write(options.json, verdict)
    say(verdict, followed)
    return EXIT[verdict.decision]
