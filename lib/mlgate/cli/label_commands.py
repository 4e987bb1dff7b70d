"""`mlgate label …`: its options, and what each step does."""

import argparse
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from mlgate.cli.commands import EXIT, say
from mlgate.root import Root, find_root

if TYPE_CHECKING:
    from mlgate.cli.parser import Commands


def add(added: "Commands") -> None:
    """Add `mlgate label` and its steps."""
    help = "no labels at hand? Label only the rows that decide, and stop when the verdict is certain"
    label = added.add("label", label_command, help)
    steps = label.add_subparsers(dest="step", required=True, metavar="STEP")
    new = _step(
        steps, "new", "both models answer these rows; fix the order in which those answered differently are labelled"
    )
    help = (
        "unlabelled texts, CSV or Parquet (default: the unlabelled holdout: mlgate holdout new rows.csv --unlabelled)"
    )
    new.add_argument("data", metavar="rows.csv", nargs="?", type=Path, help=help)
    new.add_argument("--text-column", metavar="NAME", default="text")
    new.add_argument("--id-column", metavar="NAME", help="your own names of the rows (default: made of the texts)")
    new.add_argument("--slice-column", metavar="NAME", help="a part of the traffic to guard on its own")
    new.add_argument("--budget", metavar="N", type=int, default=400, help="labels, at most (default: 400)")
    _step(steps, "status", "the lead in its corridor, and what is to be expected: for you, not for who labels")
    export = _step(steps, "export", "write the rows to label next into a file, for a spreadsheet or a labelling tool")
    export.add_argument("file", metavar="FILE", type=Path)
    export.add_argument("--rows", metavar="N", type=int, help="only the next N")
    take_in = _step(steps, "import", "add the labels in a file: all, or none where one cannot be taken")
    take_in.add_argument("file", metavar="FILE", type=Path)
    take_in.add_argument("--annotator", metavar="NAME", help="who gave them (default: what the file says)")
    for step in (export, take_in):
        formats = ("csv", "label-studio", "argilla", "prodigy", "doccano")
        step.add_argument("--format", choices=formats, default="csv")
    page = _step(steps, "page", "a page on this machine to label on: one text, a key for each class, and nothing else")
    page.add_argument("--annotator", metavar="NAME", default="you", help="who labels (default: you)")
    help = "label once more, by chance, what others have labelled: 30 rows tell how noisy labels are"
    page.add_argument("--second", action="store_true", help=help)
    page.add_argument("--port", type=int, default=8001)
    verdict = _step(steps, "verdict", "what the labels show: PROMOTE, HOLD or REJECT")
    verdict.add_argument("--json", metavar="verdict.json", type=Path, help="write the verdict there, too")


def _step(steps: argparse._SubParsersAction, name: str, help: str) -> ArgumentParser:
    """Add a step of a command, and return its parser for its options."""
    step: ArgumentParser = steps.add_parser(name, help=help, description=help)
    step.add_argument("--root", metavar="DIR", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return step


def label_command(options: Namespace) -> int:
    root = find_root(options.root)
    steps = {
        "new": _label_new,
        "status": _label_status,
        "page": _label_page,
        "export": _label_export,
        "import": _label_import,
        "verdict": _label_verdict,
    }
    return steps[options.step](root, options)


def _label_new(root: Root, options: Namespace) -> int:
    from mlgate import labelling

    traffic = None
    if options.data:
        traffic = labelling.Traffic(options.data, options.text_column, options.id_column, options.slice_column)
    session, pool = labelling.new(root, traffic, options.budget)
    if pool.repeated:
        print(f"{pool.repeated:,} rows repeat a text that was there before, and were left out.")
    print(labelling.plan(session))
    print("Now: mlgate label page (or export FILE, and import FILE); then mlgate label verdict.")
    return 0


def _label_status(root: Root, options: Namespace) -> int:
    from mlgate import exam, labelling

    print(labelling.status(labelling.stand(labelling.load(root), exam.policy_of(root))))
    return 0


def _label_page(root: Root, options: Namespace) -> int:
    from mlgate.labelling import page

    return page.serve(root, options.annotator, options.second, options.port)


def _label_export(root: Root, options: Namespace) -> int:
    from mlgate import exam, labelling

    print(labelling.export(root, exam.policy_of(root), options.file, options.format, options.rows))
    return 0


def _label_import(root: Root, options: Namespace) -> int:
    from mlgate import labelling

    print(labelling.take_in(root, options.file, options.format, options.annotator))
    return 0


def _label_verdict(root: Root, options: Namespace) -> int:
    from mlgate import labelling
    from mlgate.reporting import report

    verdict = labelling.conclude(root)
    if options.json:
        report.write(options.json, verdict)
    say(verdict)
    return EXIT[verdict.decision]
