"""What happened here: the report that CI shows, from the files a run left behind, for a page or for a terminal.

A root holds at most one answer: a notebook that failed, a verdict, a preview, or nothing but production.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mlgate import ledger
from mlgate.artifacts.cards import card_from
from mlgate.errors import MlgateError
from mlgate.gate import Verdict, verdict_from
from mlgate.ledger import commits, integrity
from mlgate.recipes import recipes_of
from mlgate.reporting import report
from mlgate.reporting.markdown import flat, quote, table
from mlgate.root import Root


@dataclass(frozen=True)
class Summary:
    """What a run left: at most one of failure and verdict, what there is to warn of, how to get the same again."""

    root: Root
    failure: str | None
    verdict: Verdict | None
    preview: bool
    warning: str | None
    again: str | None
    lines: tuple[str, ...]
    production: str | None


def of(root: Root) -> Summary:
    """Return the summary of a root, from its files. Reads no model and no corpus."""
    failure = _failure(root)
    found = None
    if not failure:
        found = next((path for path in (root.verdict, root.preview) if path.is_file()), None)
    verdict = None
    if found:
        verdict = _read(found)
    entries = ledger.read(root)
    return Summary(
        root,
        failure,
        verdict,
        found == root.preview,
        integrity.stale(root),
        _again(root, preview=found != root.verdict),
        tuple(report.line(entry) for entry in entries[-5:]),
        ledger.head(entries),
    )


def markdown(said: Summary) -> str:
    """Return the page that CI shows."""
    parts = _heading(said, quote)
    if said.warning:
        parts.append(f"> **Warning:** {quote(said.warning)}")
    if said.verdict:
        parts += [report.markdown(said.verdict), *_flips(said.root, said.verdict)]
    if said.again:
        parts.append(f"**The same again:** `{said.again}`")
    if said.lines:
        parts.append("**The ledger's last lines**\n\n```\n" + "\n".join(said.lines) + "\n```")
    return "\n\n".join(part.strip() for part in parts) + "\n"


def text(said: Summary) -> str:
    """Return the same for a terminal, in fewer words."""
    parts = [line.lstrip("# ") for line in _heading(said, flat)]
    if said.verdict:
        parts = [report.text(said.verdict)]
    if said.warning:
        parts.append(f"Warning: {flat(said.warning)}")
    if said.again:
        parts.append(f"The same again: {said.again}")
    return "\n\n".join([*parts, "\n".join(said.lines)]).strip()


def to_json(said: Summary) -> str:
    """Return the same for scripts."""
    verdict = said.verdict.as_dict() if said.verdict else None
    facts = {"failure": said.failure, "preview": said.preview, "verdict": verdict, "production": said.production}
    return json.dumps({**facts, "warning": said.warning, "again": said.again}, indent=2, ensure_ascii=False)


def annotation(said: Summary) -> tuple[str, str]:
    """Return the one line that stands out in CI: how loud ("error", "warning" or "notice"), and the line."""
    if said.failure:
        return "error", said.failure
    if not said.verdict:
        return "notice", f"Production is {_name(said.production)}."
    loud = {"REJECT": "error", "HOLD": "warning"}.get(said.verdict.decision, "notice")
    line = f"{report.headline(said.verdict)}: {said.verdict.reason}"
    if said.preview:
        line = f"Preview: {line}"
    return loud, line


def _heading(said: Summary, words: Callable[[str], str]) -> list[str]:
    """Return what stands first. words: makes a stranger's words fit for the page or the terminal."""
    if said.failure:
        return ["## No verdict: the run failed", words(said.failure), f"Production stays {_name(said.production)}."]
    if said.verdict and said.preview:
        return ["_A preview on validation rows: nothing moves, no look is spent._"]
    if said.verdict:
        return []
    return [f"## Production is {_name(said.production)}", "No candidate was judged here."]


def _failure(root: Root) -> str | None:
    """Return the first notebook that did not get to its end since the candidate was written, in one line."""
    written = 0.0
    if root.candidate_card.is_file():
        written = root.candidate_card.stat().st_mtime
    for path in sorted(root.runs.glob("[0-9][0-9]_*.ipynb")):
        if path.stat().st_mtime < written:
            continue
        try:
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            outputs = [output for cell in cells for output in cell.get("outputs", [])]
            errors = [
                (output["ename"], str(output["evalue"])) for output in outputs if output["output_type"] == "error"
            ]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return f"{path.stem} is not a whole notebook: the run was interrupted"
        for name, value in errors:
            if name != "CandidateRejected":
                return f"{path.stem} stopped with {name}: {' '.join(value.split())}"[:500]
    return None


def _read(path: Path) -> Verdict:
    try:
        return verdict_from(json.loads(path.read_bytes()))
    except (ValueError, RecursionError) as error:
        raise MlgateError(f"{path.name} is no verdict of mlgate: judge the candidate again, in a new run.") from error


def _again(root: Root, preview: bool) -> str | None:
    """One command that trains and judges the same candidate."""
    try:
        card = card_from(json.loads(root.candidate_card.read_text(encoding="utf-8")))
        commit = commits.git(root, "rev-parse", "--short=12", "HEAD").strip()
    except (OSError, ValueError, MlgateError):
        return None
    if card.recipe not in recipes_of(root):  # people paste this line: no word of it is a stranger's
        return None
    mlgate = "mlgate"
    if (root.path / "lib" / "mlgate").is_dir():  # a clone
        mlgate = "make .venv && .venv/bin/mlgate"
    parts = [f"git checkout {commit} && {mlgate} run --recipe {card.recipe}"]
    if card.severity:
        parts.append(f"--severity {card.severity:g}")
    if preview:
        parts.append("--preview")
    return " ".join(parts)


def _flips(root: Root, verdict: Verdict) -> list[str]:
    """Return some validation reviews that one model alone gets right; [] where the models are not at hand."""
    from mlgate import artifacts, corpus
    from mlgate.reporting import explain

    paths = [path for path in (root.production, root.previous, root.candidate) if path.is_file()]
    models = {artifacts.digest(path.read_bytes()): path for path in paths}
    sides = (verdict.production, verdict.candidate)
    found = [models[side.digest] for side in sides if side.digest in models]
    loaded = [artifacts.load_file(path, artifacts.limits_of(root.settings())) for path in found]
    if len(loaded) < len(sides) or any(model.fault for model in loaded):
        return []
    production, candidate = loaded
    flips = explain.flips(production, candidate, corpus.split("validation", root))
    if flips.empty:
        return []
    shown = flips[["flip", "source", "truth", "excerpt"]]
    rows = [[quote(value) for value in row] for row in shown.to_numpy()]
    lines = table(list(shown.columns), rows)
    counted = ", ".join(f"{flips.attrs[name]:,} {name}" for name in (explain.LOST, explain.WON))
    head = f"<details><summary>Flipped validation reviews: {counted}</summary>"
    return ["\n".join([head, "", *lines, "", "</details>"])]


def _name(digest: str | None) -> str:
    if digest is None:
        return "not there yet"
    return f"`{digest[:12]}`"
