"""The record: what a run decided becomes one commit on main. Nothing else writes there, and nothing here unpickles.

A run works in a copy of some commit (its base). What it added to the ledger, and the model it put into production, are
carried over to main as it is now: looks and rejections always, because they happened; a promotion, rollback or refresh
only where production has not moved since. The push is the one instant at which main changes; it is never forced.
"""

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mlgate import ledger
from mlgate.ci import evidence
from mlgate.ci.evidence import Started
from mlgate.errors import MlgateError
from mlgate.ledger import Entry, commits
from mlgate.ledger.commits import FOLDER, git
from mlgate.ledger.integrity import named_by, verify
from mlgate.reporting.markdown import flat
from mlgate.root import Root, policy_from, section, write_atomically

ATTEMPTS = 5
BOT = ("github-actions[bot]", "41898282+github-actions[bot]@users.noreply.github.com")
RECIPES = {"lib/mlgate/recipes", "recipes.py"}  # where a root is a clone, and beside gate.toml
# The sections of gate.toml that say what a model is. A rollback rests on nothing but the ledger.
RESTS_ON: dict[ledger.MoveKind, set[str]] = {
    "promotion": {"candidate", "corpus", "artifacts"},
    "bootstrap": {"corpus", "artifacts"},
    "refresh": {"corpus", "artifacts"},
    "rollback": set(),
}
TITLES = {"bootstrap": "First model", "promotion": "Promote", "rollback": "Roll back to", "refresh": "Refresh as"}


class Stale(MlgateError):
    """Production on main is not the one that the verdict is about any more: the verdict is given back."""


def record(
    root: Root, judged: Root, remote: str = "origin", branch: str = "main", started: Started | None = None
) -> str:
    """Carry what happened in `judged` since HEAD's commit over to `branch`, and say what was done in one line.

    started: what the run was started for, which lets it bring nothing else; None where a person records what was done
    by hand.

    Does nothing where main holds it already, so it can be repeated. Raises Stale where production has moved meanwhile
    (looks are recorded all the same), and MlgateError, with nothing written, where something is wrong or refused.
    """
    verify(judged)
    run = _Run(root, judged, _lines_before(root, judged), ledger.read(judged), started)
    if started:
        evidence.require_expected(judged, run.lines, started, section(root.settings(), "candidate"))
    evidence.require_sound(root, judged, run.entries, run.count)
    for attempt in range(ATTEMPTS):
        git(root, "fetch", "--quiet", "--no-tags", remote, branch)
        tip = git(root, "rev-parse", "FETCH_HEAD").strip()
        with _checked_out(root, tip) as main:
            added, moved, given_back = _continue(main, run)
            if not added:
                break
            _write(main, judged, added, moved)
            refused = _push(main, added, remote, branch)
        if refused is None:
            break
        if git(root, "ls-remote", remote, f"refs/heads/{branch}").split()[:1] == [tip] and attempt:
            raise MlgateError(_explain(refused, branch))
        time.sleep(attempt)
    else:
        raise Stale(f"{branch} moved {ATTEMPTS} times while this was being recorded. Run the workflow again.")
    if given_back:
        raise Stale(given_back)
    if not added:
        return f"Nothing to record: {branch} holds it already, or nothing was decided."
    return f"Recorded on {branch}: {_title(added)}."


@dataclass(frozen=True)
class _Run:
    """What a run brings. root: a checkout of the commit that it judged. count: how many lines its ledger had there."""

    root: Root
    judged: Root
    count: int
    entries: list[Entry]
    started: Started | None

    @property
    def lines(self) -> list[Entry]:
        """Return the lines that the run added."""
        return self.entries[self.count :]


def _lines_before(root: Root, judged: Root) -> int:
    """Return how many lines the ledger had in HEAD's commit."""
    base = commits.ledger_in(root, "HEAD")
    now = b""
    if judged.ledger.is_file():
        now = judged.ledger.read_bytes()
    if not now.startswith(base):
        raise MlgateError(
            "The ledger to record does not continue the one in HEAD's commit. Check out that run's commit."
        )
    return len(base.splitlines())


def _continue(main: Root, run: _Run) -> tuple[list[Entry], bool, str | None]:
    """Return the lines to add to main's ledger, whether production moves with them, and why it may not (or None)."""
    count = run.count
    current = verify(main)
    on_main = ledger.read(main)
    if run.entries[:count] != on_main[:count]:
        raise MlgateError("The ledger on main is not the one that this run began with: somebody rewrote it.")
    meanwhile = on_main[count:]
    lines = [line for line in run.lines if not _holds(on_main, line)]
    events = [line for line in lines if not ledger.is_move(line) and not _known(on_main, meanwhile, line)]
    moves = ledger.moves(lines)
    if not moves or moves[-1]["to"] == current:
        return events, False, None
    why = _why_not(main, meanwhile, lines) or _what_changed(main, run, moves[-1])
    if why is None:
        return lines, True, None
    return events, False, f"The verdict on {moves[-1]['to'][:12]} is given back: {why}. Run the workflow again."


def _holds(entries: list[Entry], line: Entry) -> bool:
    """Whether these lines hold this one, wherever in the chain."""
    return any({**entry, "before": None} == {**line, "before": None} for entry in entries)


def _why_not(main: Root, meanwhile: list[Entry], lines: list[Entry]) -> str | None:
    """Why production on main may not move on this evidence, or None."""
    verdicts = [line["verdict"] for line in ledger.judged(lines, "look")]
    moves = ledger.moves(meanwhile)
    if moves:
        return f"meanwhile {moves[-1]['to'][:12]} came into production on main ({moves[-1]['kind']})"
    if ledger.holdouts(meanwhile):
        return "meanwhile main got other holdout rows"
    policy = policy_from(main.settings())
    if any(verdict["policy"]["digest"] != policy.digest for verdict in verdicts):
        return "meanwhile gate.toml on main demands something else"
    if meanwhile and verdicts and not ledger.looks_left(ledger.read(main), policy):
        return "meanwhile others took the last look at the holdout"
    return None


def _what_changed(main: Root, run: _Run, move: ledger.Move) -> str | None:
    """Return what the move rests on that is not the same on main as in the commit that was judged, or None.

    A run that is started again judges its old commit, and what was taken back meanwhile must stay away.
    """
    then = run.root.settings()
    now = main.settings()
    sections = set(RESTS_ON[move["kind"]])
    if run.started and run.started.recipe:
        sections.discard("candidate")
    for name in sorted(sections):
        if section(then, name) != section(now, name):
            return f"meanwhile gate.toml on main says something else under [{name}]"
    if not sections:
        return None
    files = RECIPES | {section(now, "corpus").get("path", "recipes.py")}
    base = git(run.root, "rev-parse", "HEAD").strip()
    inside = [name for name in files if not Path(name).is_absolute()]
    changed = git(main, "diff", "--name-only", "--relative", base, "HEAD", "--", *inside).splitlines()
    if changed:
        return f"meanwhile {changed[0]} changed on main"
    return None


def _known(on_main: list[Entry], meanwhile: list[Entry], line: Entry) -> bool:
    """Whether there is nothing to add: main has a verdict on this pair, rows and policy, or newer holdout rows."""
    if ledger.is_judged(line):
        names = [line["verdict"][part]["digest"] for part in ("production", "candidate", "rows", "policy")]
        return ledger.verdict_on(on_main, *names) is not None
    return bool(ledger.holdouts(meanwhile))


def _write(main: Root, judged: Root, added: list[Entry], moved: bool) -> None:
    """Put lines, and the files that belong to them, into a checkout of main; then hold it against its own ledger."""
    data = main.ledger.read_bytes() if main.ledger.is_file() else b""
    for line in added:
        data = ledger.chained(data, line)
        for path in named_by(judged, line):
            _copy(path, judged, main, again=False)
        if line["kind"] == "holdout":
            _copy(judged.new_holdout, judged, main)
            _copy(judged.unlabelled_holdout, judged, main)
    write_atomically(main.ledger, data)
    if moved:
        _copy(judged.production, judged, main)
        _copy(judged.previous, judged, main)
    verify(main)


def _copy(path: Path, judged: Root, main: Root, again: bool = True) -> None:
    """Copy a file, if it is there, to the same place in main; what is written once is left as it is."""
    target = main.path / path.relative_to(judged.path)
    if path.is_file() and (again or not target.exists()):
        write_atomically(target, path.read_bytes())


def _push(main: Root, added: list[Entry], remote: str, branch: str) -> str | None:
    """Commit artifacts_prod/, and only that, and push. None, or what git said when it was refused."""
    git(main, "add", "--", FOLDER)
    who = ["-c", f"user.name={BOT[0]}", "-c", f"user.email={BOT[1]}"] if os.environ.get("GITHUB_ACTIONS") else []
    # [skip ci]: GITHUB_TOKEN's pushes start no workflow anyway; another token's would, and would go round in circles.
    git(main, *who, "commit", "--quiet", "--no-verify", "-m", f"{_title(added)} [skip ci]", "-m", _body(added))
    try:
        git(main, "push", "--quiet", remote, f"HEAD:refs/heads/{branch}")
    except MlgateError as error:
        tip = git(main, "ls-remote", remote, f"refs/heads/{branch}").split()[:1]
        return None if tip == [git(main, "rev-parse", "HEAD").strip()] else str(error)
    return None


@contextlib.contextmanager
def _checked_out(root: Root, commit: str) -> Iterator[Root]:
    """Check `commit` out beside the user's own checkout, which is left alone."""
    with tempfile.TemporaryDirectory(prefix="mlgate-record-") as folder:
        path = Path(folder) / "main"
        git(root, "worktree", "add", "--quiet", "--detach", str(path), commit)
        try:
            inside = git(root, "rev-parse", "--show-prefix").strip()
            yield Root(path / inside)
        finally:
            git(root, "worktree", "remove", "--force", str(path))


def _title(added: list[Entry]) -> str:
    moves = ledger.moves(added)
    if moves:
        return f"{TITLES[moves[-1]['kind']]} {moves[-1]['to'][:12]}"
    judged = ledger.judged(added)
    if not judged:
        return f"New {added[-1]['kind']} rows"
    verdict = judged[-1]["verdict"]
    return f"Keep production: {verdict['decision']} for {verdict['candidate']['digest'][:12]}"


def _body(added: list[Entry]) -> str:
    """Return what a reader of the history wants to know: the reason, and the run it comes from."""
    parts = []
    judged = ledger.judged(added)
    if judged:
        parts.append(flat(judged[-1]["verdict"]["reason"]))
    server, repository, run = (os.environ.get(f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    if server and repository and run:
        parts.append(f"{server}/{repository}/actions/runs/{run}")
    return "\n\n".join(parts) or "By hand."


def _explain(refused: str, branch: str) -> str:
    """Return what to do about a push that was refused though nobody else had pushed."""
    return (
        f"The push to {branch} was refused, and nothing was written. If {branch} is protected, let this job through:"
        " Settings > Rules > Rulesets > Bypass list: add a deploy key and give it to the record job's checkout"
        " (docs/ADOPT.md, step 4); if permission was denied, the job needs `contents: write`."
        f" In git's own words: {refused}"
    )
