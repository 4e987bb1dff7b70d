"""What each command does. Imports stand inside: `mlgate record` runs where nothing is installed."""

import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from mlgate.errors import MlgateError
from mlgate.reporting.markdown import flat, quote
from mlgate.root import Root, find_root

if TYPE_CHECKING:
    from mlgate.gate import Verdict

EXIT = {"PROMOTE": 0, "HOLD": 3, "REJECT": 4}
STALE = 5  # `record` alone: production moved meanwhile, and the verdict is given back
FAIL_ON = {"never": (), "reject": ("REJECT",), "hold": ("REJECT", "HOLD")}


def run_command(options: Namespace) -> int:
    from mlgate.notebooks import workflow

    root = find_root(options.root)
    if options.every:
        print(f"{workflow.run_every(root)} notebooks ran to their end. They are in {root.runs}: open index.html.")
        return 0
    found = workflow.run(root, options.recipe, options.severity, options.preview)

    # only now: kernels start sooner
    from mlgate.gate import verdict_from
    from mlgate.reporting import report

    verdict = verdict_from(found)
    where = f"The executed notebooks are in {root.runs}: open index.html."
    if options.preview:
        where = f"A preview: nothing was promoted, no look was spent. {where}"
    say(verdict, where, report.in_plain_words(verdict, options.preview))
    if verdict.decision in FAIL_ON[options.fail_on]:
        return EXIT[verdict.decision]
    return 0


def say(verdict: "Verdict", message: str = "", first: str = "") -> None:
    from mlgate.reporting import report

    parts = [first, report.text(verdict), message, report.closing_lines(verdict)]
    print("\n\n".join(part for part in parts if part))


def promote_command(options: Namespace) -> int:
    from mlgate import promotion

    root = find_root(options.root)
    if options.prove and not root.candidate.exists():
        print("There is no candidate here, so nothing is promoted.")
    elif promotion.promote(root, options.after_rollback):
        print("The candidate is production now.")
    else:
        print("The candidate is in production already.")
    if options.prove:
        from mlgate.promotion.proof import prove

        print(prove(root, options.prove))
    return 0


def rollback_command(options: Namespace) -> int:
    from mlgate import promotion

    print(f"Production is {promotion.rollback(find_root(options.root))[:12]} again.")
    return 0


def refresh_command(options: Namespace) -> int:
    from mlgate.promotion.refresh import refresh

    print(refresh(find_root(options.root), options.force))
    return 0


def report_command(options: Namespace) -> int:
    from mlgate.ci import summary

    found = summary.of(find_root(options.root))
    if options.summary:
        _append(options.summary, summary.markdown(found))
    forms = {"markdown": summary.markdown, "text": summary.text, "json": summary.to_json}
    print(forms[options.format](found).rstrip("\n"))
    annotate(*summary.annotation(found))
    return 0


def check_command(options: Namespace) -> int:
    from mlgate.ledger import commits, integrity

    root = find_root(options.root)
    production = integrity.verify(root)
    training = True
    if options.base:
        files = commits.changed_since(root, options.base)
        commits.require_untouched(files, options.base)
        training = not commits.only_prose(files)
    if options.before:
        commits.require_continued(root, options.before)
    if warning := integrity.stale(root):
        warning = flat(warning)
        print(f"mlgate: {warning}", file=sys.stderr)
        annotate("warning", warning)
    if options.output:
        commit = commits.git(root, "rev-parse", "HEAD").strip()
        _append(options.output, f"commit={commit}\ntraining={str(training).lower()}\n")
    name = production[:12] if production else "no production model yet"
    print(f"artifacts_prod/ is what its ledger says: {name}.")
    return 0


def record_command(options: Namespace) -> int:
    from mlgate.ci.evidence import Started
    from mlgate.ci.record import Stale, record

    root = find_root(options.root)
    judged = find_root(options.judged) if options.judged else root
    started = None
    if options.expect:
        started = Started(options.expect, options.recipe, options.severity)
    status = 0
    try:
        outcome = record(root, judged, options.remote, options.branch, started=started)
        print(outcome)
    except Stale as error:
        status = STALE
        outcome = flat(str(error))
        print(f"mlgate: {outcome}", file=sys.stderr)
        annotate("error", outcome)
    if options.summary:
        _append(options.summary, f"{quote(outcome)}\n")
    return status


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def annotate(loud: str, message: str) -> None:
    """Where GitHub runs us, a line that it shows beside the run: "error", "warning" or "notice"."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        said = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        print(f"::{loud} title=mlgate::{said}", flush=True)


def history_command(options: Namespace) -> int:
    from mlgate import exam, ledger
    from mlgate.ledger import commits
    from mlgate.reporting import report

    root = find_root(options.root)
    commits.require_remembered(root)
    entries = ledger.read(root)
    for entry in entries:
        print(report.line(entry))
    print(f"{ledger.looks_left(entries, exam.policy_of(root))} looks left on the holdout.")
    return 0


def holdout_command(options: Namespace) -> int:
    from mlgate.corpus import Source
    from mlgate.exam import holdout

    source = Source(options.data, options.text_column, options.label_column, options.slice_column)
    take = holdout.freeze if options.unlabelled else holdout.renew
    print(take(find_root(options.root), source))
    return 0


def selftest_command(options: Namespace) -> int:
    from mlgate.selftest import selftest

    root = find_root(options.root)
    if options.watch:
        return _null_runs(root, options.rows)
    result = selftest.run(root, tuple(range(options.seeds)), fresh=options.fresh)
    print(selftest.markdown(result))
    return 1 if result["problems"] else 0


def _null_runs(root: Root, rows: int) -> int:
    from mlgate.selftest import null_runs

    found = null_runs.run(root, rows)
    print(null_runs.markdown(found))
    return 0 if all(run.kept for run in found) else 1


def recipes_command(options: Namespace) -> int:
    from mlgate.recipes import recipes_of

    for name, recipe in recipes_of(_root_if_any(options)).items():
        default = f" (severity {recipe.severity:g})" if recipe.sabotaged else ""
        print(f"{name}{default}\n    {recipe.story.splitlines()[0]}")
    return 0


def _root_if_any(options: Namespace) -> Root | None:
    try:
        return find_root(options.root)
    except MlgateError:
        return None


def serve_command(options: Namespace) -> int:
    from mlgate import service

    return service.serve(find_root(options.root), options.host, options.port)
