"""`mlgate …`: the same steps as the notebooks, for scripts and CI."""

import argparse
import os
import sys
from pathlib import Path

from mlgate.errors import MlgateError
from mlgate.root import find_root

EXIT = {"PROMOTE": 0, "HOLD": 3, "REJECT": 4}
STALE = 5  # `record` alone: production moved meanwhile, and the verdict is given back


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status: 0, 3 HOLD, 4 REJECT, 1 an error, 2 wrong usage."""
    for stream in (sys.stdout, sys.stderr):  # a terminal that has no ✓ shows \u2713
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    options = parser().parse_args(arguments)
    try:
        return options.command(options)
    except (MlgateError, OSError) as error:  # OSError: a full disk, a folder that may not be written
        said = " ".join(str(error).split())
        print(f"mlgate: {said}", file=sys.stderr)
        _annotate("error", said)
        return 1
    except KeyboardInterrupt:
        print("mlgate: stopped.", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    parser = argparse.ArgumentParser(prog="mlgate", description="A gate for machine-learning models.")
    parser.add_argument(
        "--root", metavar="DIR", help="the pipeline's folder (default: $MLGATE_ROOT, or where gate.toml is)"
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, function, help: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=help, description=help)
        made.add_argument("--root", metavar="DIR", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        made.set_defaults(command=function, usage=made.error)
        return made

    run = command("run", _run, "train a candidate, compare it, decide, and do what was decided: notebooks 02 to 04")
    run.add_argument("--recipe", metavar="NAME", help="how to train it: one of `mlgate recipes` (default: gate.toml)")
    run.add_argument("--severity", type=float, metavar="X", help="for a sabotaged recipe: 0 is harmless, 1 the worst")
    run.add_argument("--preview", action="store_true", help="notebooks 02 and 03 alone: decide on validation rows")
    run.add_argument("--fail-on", choices=("never", "reject", "hold"), default="never", help="exit 4 or 3 on these")
    run.add_argument("--every", action="store_true", help="instead: every notebook once, in order, as it stands")

    judge = command("judge", _judge, "compare two models on your own rows: no notebook, no card, no ledger")
    judge.add_argument("--production", metavar="A.pkl", type=Path, help="a fitted scikit-learn Pipeline")
    judge.add_argument("--candidate", metavar="B.pkl", type=Path, help="the one that wants to replace it")
    judge.add_argument("--data", metavar="rows.csv", type=Path, help="labelled texts, CSV or Parquet")
    judge.add_argument("--answers", metavar="rows.csv", type=Path, help="instead: labels beside both models' answers")
    judge.add_argument("--production-column", metavar="NAME", help="with --answers: production's answers")
    judge.add_argument("--candidate-column", metavar="NAME", help="with --answers: the candidate's answers")
    judge.add_argument("--text-column", metavar="NAME", default="text")
    judge.add_argument("--label-column", metavar="NAME", default="label")
    judge.add_argument("--slice-column", metavar="NAME", help="a part of the traffic to guard on its own")
    judge.add_argument("--policy", metavar="gate.toml", type=Path, help="what to demand (default: no floors)")
    judge.add_argument("--json", metavar="verdict.json", type=Path, help="write the verdict there")

    promote = command("promote", _promote, "put the candidate into production, on its verdict in the ledger")
    promote.add_argument("--after-rollback", action="store_true", help="even one that was rolled back")
    command("rollback", _rollback, "put the previous production model back")
    refresh = command("refresh", _refresh, "train production again with the versions installed now; no look is spent")
    refresh.add_argument("--force", action="store_true", help="even where production comes from these versions")
    command("history", _history, "what the ledger says: looks, rejections, promotions, rollbacks")
    told = command("report", _report, "what the last run did, for a page, a terminal or a script")
    told.add_argument("--format", choices=("markdown", "text", "json"), default="text")
    told.add_argument("--summary", metavar="FILE", type=Path, help="add the page to this file as well")
    check = command("check", _check, "is artifacts_prod/ what its ledger says?")
    check.add_argument("--base", metavar="REF", help="and did the change since REF leave it alone?")
    check.add_argument("--output", metavar="FILE", type=Path, help="add commit=… and training=true or false to it")
    record = command("record", _record, "carry what a run decided over to main, as one commit of artifacts_prod/")
    record.add_argument("--judged", metavar="DIR", help="the root where it was decided (default: this one)")
    record.add_argument("--remote", default="origin")
    record.add_argument("--branch", default="main")
    record.add_argument("--summary", metavar="FILE", type=Path, help="add what was done to this file as well")
    holdout = command("holdout", _holdout, "`holdout new FILE`: rows that nobody has read become the holdout")
    holdout.add_argument("what", choices=("new",))
    holdout.add_argument("data", metavar="rows.csv", type=Path, help="labelled texts, CSV or Parquet")
    holdout.add_argument("--text-column", metavar="NAME", default="text")
    holdout.add_argument("--label-column", metavar="NAME", default="label")
    holdout.add_argument("--slice-column", metavar="NAME")
    command("recipes", _recipes, "the ways to train")
    tested = command("selftest", _selftest, "what the gate catches, whom it turns away, how often it is wrong")
    tested.add_argument("--seeds", type=int, default=2, help="how many laboratories (default: 2)")
    tested.add_argument("--fresh", action="store_true", help="even where the result for this code and policy is kept")
    serve = command("serve", _serve, "answer requests with the production model")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8000)
    return parser


def _run(options) -> int:
    from mlgate.gate import verdict_from
    from mlgate.notebooks import workflow

    root = find_root(options.root)
    if options.every:
        print(f"{workflow.run_every(root)} notebooks ran to their end. They are in {root.runs}.")
        return 0
    verdict = verdict_from(workflow.run(root, options.recipe, options.severity, options.preview))
    what = "A preview: nothing was promoted, no look was spent." if options.preview else ""
    _say(verdict, f"{what} The executed notebooks are in {root.runs}.".strip())
    wanted = {"never": (), "reject": ("REJECT",), "hold": ("REJECT", "HOLD")}[options.fail_on]
    return EXIT[verdict.decision] if verdict.decision in wanted else 0


def _judge(options) -> int:
    from mlgate import judge_files
    from mlgate.corpus import Source
    from mlgate.reporting import report

    models = {"--production": options.production, "--candidate": options.candidate, "--data": options.data}
    columns = {"--production-column": options.production_column, "--candidate-column": options.candidate_column}
    needed, others = (columns, models) if options.answers else (models, columns)
    missing = [name for name, value in needed.items() if value is None]
    extra = [name for name, value in others.items() if value is not None]
    if missing or extra:
        wrong = f"{missing[0]} is missing" if missing else f"{extra[0]} does not go with it"
        options.usage(f"judge takes --production, --candidate and --data, or --answers with its columns: {wrong}")
    if options.answers:
        names = (options.label_column, options.production_column, options.candidate_column, options.slice_column)
        verdict = judge_files.judge_answers(options.answers, *names, policy=options.policy)
    else:
        source = Source(options.data, options.text_column, options.label_column, options.slice_column)
        verdict = judge_files.judge_models(options.production, options.candidate, source, options.policy)
    if options.json:
        report.write(options.json, verdict)
    _say(verdict)
    return EXIT[verdict.decision]


def _say(verdict, message: str | None = None) -> None:
    from mlgate.reporting import report

    print(*[part for part in (report.text(verdict), message, report.closing_lines(verdict)) if part], sep="\n\n")


def _promote(options) -> int:
    from mlgate import promotion

    root = find_root(options.root)
    moved = promotion.promote(root, options.after_rollback)
    print("The candidate is production now." if moved else "The candidate is in production already.")
    return 0


def _rollback(options) -> int:
    from mlgate import promotion

    print(f"Production is {promotion.rollback(find_root(options.root))[:12]} again.")
    return 0


def _refresh(options) -> int:
    from mlgate.promotion.refresh import refresh

    print(refresh(find_root(options.root), options.force))
    return 0


def _report(options) -> int:
    from mlgate.ci import summary

    found = summary.of(find_root(options.root))
    page = summary.markdown(found) if options.summary or options.format == "markdown" else ""
    if options.summary:
        with options.summary.open("a", encoding="utf-8") as file:
            file.write(page)
    shown = {"markdown": lambda _: page, "text": summary.text, "json": summary.to_json}[options.format]
    print(shown(found).rstrip("\n"))
    _annotate(*summary.annotation(found))
    return 0


def _check(options) -> int:
    from mlgate.ledger import integrity

    root = find_root(options.root)
    production = integrity.verify(root)
    files = integrity.changed_since(root, options.base) if options.base else None
    if files is not None:
        integrity.require_untouched(files, options.base)
    if warning := integrity.stale(root):
        print(f"mlgate: {warning}", file=sys.stderr)
        _annotate("warning", warning)
    training = files is None or not integrity.only_prose(files)
    if options.output:
        commit = integrity.git(root, "rev-parse", "HEAD").strip()
        with options.output.open("a", encoding="utf-8") as file:
            file.write(f"commit={commit}\ntraining={str(training).lower()}\n")
    print(f"artifacts_prod/ is what its ledger says: {production[:12] if production else 'no production model yet'}.")
    return 0


def _record(options) -> int:
    from mlgate.ci.record import Stale, record

    root = find_root(options.root)
    judged = find_root(options.judged) if options.judged else root
    try:
        said, status = record(root, judged, options.remote, options.branch), 0
        print(said)
    except Stale as error:
        said, status = str(error), STALE
        print(f"mlgate: {said}", file=sys.stderr)
        _annotate("error", said)
    if options.summary:
        with options.summary.open("a", encoding="utf-8") as file:
            file.write(f"{said}\n")
    return status


def _annotate(loud: str, message: str) -> None:
    """Where GitHub runs us, a line that it shows beside the run: "error", "warning" or "notice"."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        said = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        print(f"::{loud} title=mlgate::{said}", flush=True)


def _history(options) -> int:
    from mlgate import exam, ledger
    from mlgate.reporting import report

    root = find_root(options.root)
    entries = ledger.read(root)
    for entry in entries:
        print(report.line(entry))
    print(f"{ledger.looks_left(entries, exam.policy_of(root))} looks left on the holdout.")
    return 0


def _holdout(options) -> int:
    from mlgate.corpus import Source
    from mlgate.exam import holdout

    source = Source(options.data, options.text_column, options.label_column, options.slice_column)
    print(holdout.renew(find_root(options.root), source))
    return 0


def _selftest(options) -> int:
    from mlgate.selftest import selftest

    root = find_root(options.root)
    result = selftest.run(root, tuple(range(options.seeds)), fresh=options.fresh)
    print(selftest.markdown(result))
    return 1 if result["problems"] else 0


def _recipes(options) -> int:
    from mlgate.recipes import RECIPES

    for name, recipe in RECIPES.items():
        default = f" (severity {recipe.severity:g})" if recipe.sabotaged else ""
        print(f"{name}{default}\n    {recipe.story.splitlines()[0]}")
    return 0


def _serve(options) -> int:
    from mlgate import service

    return service.serve(find_root(options.root), options.host, options.port)
