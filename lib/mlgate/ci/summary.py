"""What happened here: the report that CI shows, from the files a run left behind, for a page or for a terminal.

A root holds at most one answer: a notebook that failed, a verdict, a preview, or nothing but production.
"""

import json
from dataclasses import dataclass

from mlgate import ledger
from mlgate.errors import MlgateError
from mlgate.gate import Verdict, verdict_from
from mlgate.ledger import commits, integrity
from mlgate.reporting import report
from mlgate.reporting.markdown import quote, table
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
    """The summary of a root, from its files. Reads no model and no corpus."""
    failure = _failure(root)
    found = None if failure else next((path for path in (root.verdict, root.preview) if path.is_file()), None)
    entries = ledger.read(root)
    return Summary(
        root,
        failure,
        verdict_from(json.loads(found.read_bytes())) if found else None,
        found == root.preview,
        integrity.stale(root),
        _again(root, preview=found != root.verdict),
        tuple(report.line(entry) for entry in entries[-5:]),
        ledger.head(entries),
    )


def markdown(said: Summary) -> str:
    """The page that CI shows."""
    parts = [*_heading(said), *([f"> **Warning:** {said.warning}"] if said.warning else [])]
    if said.verdict:
        parts += [report.markdown(said.verdict), *_flips(said.root, said.verdict)]
    if said.again:
        parts.append(f"**The same again:** `{said.again}`")
    if said.lines:
        parts.append("**The ledger's last lines**\n\n```\n" + "\n".join(said.lines) + "\n```")
    return "\n\n".join(part.strip() for part in parts) + "\n"


def text(said: Summary) -> str:
    """The same for a terminal, in fewer words."""
    parts = [report.text(said.verdict)] if said.verdict else [line.lstrip("# ") for line in _heading(said)]
    parts += [f"Warning: {said.warning}"] if said.warning else []
    parts += [f"The same again: {said.again}"] if said.again else []
    return "\n\n".join([*parts, "\n".join(said.lines)]).strip()


def to_json(said: Summary) -> str:
    """The same for scripts."""
    verdict = said.verdict.as_dict() if said.verdict else None
    facts = {"failure": said.failure, "preview": said.preview, "verdict": verdict, "production": said.production}
    return json.dumps({**facts, "warning": said.warning, "again": said.again}, indent=2, ensure_ascii=False)


def annotation(said: Summary) -> tuple[str, str]:
    """The one line that stands out in CI: how loud ("error", "warning" or "notice"), and the line."""
    if said.failure:
        return "error", said.failure
    if not said.verdict:
        return "notice", f"Production is {_name(said.production)}."
    loud = {"REJECT": "error", "HOLD": "warning"}.get(said.verdict.decision, "notice")
    return loud, f"{'Preview: ' if said.preview else ''}{report.headline(said.verdict)}: {said.verdict.reason}"


def _heading(said: Summary) -> list[str]:
    if said.failure:
        return ["## No verdict: the run failed", said.failure, f"Production stays {_name(said.production)}."]
    if said.verdict:
        return ["_A preview on validation rows: nothing moves, no look is spent._"] if said.preview else []
    return [f"## Production is {_name(said.production)}", "No candidate was judged here."]


def _failure(root: Root) -> str | None:
    """The first notebook that did not get to its end since the candidate was written, in one line."""
    written = root.candidate_card.stat().st_mtime if root.candidate_card.is_file() else 0
    for path in sorted(root.runs.glob("[0-9][0-9]_*.ipynb")):
        if path.stat().st_mtime < written:
            continue
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                if output["output_type"] == "error" and output["ename"] != "CandidateRejected":
                    said = " ".join(str(output["evalue"]).split())
                    return f"{path.stem} stopped with {output['ename']}: {said}"[:500]
    return None


def _again(root: Root, preview: bool) -> str | None:
    """One command that trains and judges the same candidate."""
    try:
        card = json.loads(root.candidate_card.read_text(encoding="utf-8"))
        commit = commits.git(root, "rev-parse", "--short=12", "HEAD").strip()
    except (OSError, ValueError, MlgateError):
        return None
    severity = f" --severity {card['severity']:g}" if card.get("severity") else ""
    command = f"mlgate run --recipe {card.get('recipe')}{severity}{' --preview' if preview else ''}"
    return f"git checkout {commit} && make .venv && .venv/bin/{command}"


def _flips(root: Root, verdict: Verdict) -> list[str]:
    """Some validation reviews on which one model is right and the other wrong; [] where the models are not at hand."""
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
    lost, won = (flips.attrs[name] for name in (explain.LOST, explain.WON))
    shown = flips[["flip", "source", "truth", "excerpt"]]
    rows = [[quote(value) for value in row] for row in shown.to_numpy()]
    lines = table(list(shown.columns), rows)
    head = f"<details><summary>Flipped validation reviews: {lost:,} {explain.LOST}, {won:,} {explain.WON}</summary>"
    return ["\n".join([head, "", *lines, "", "</details>"])]


def _name(digest: str | None) -> str:
    return f"`{digest[:12]}`" if digest else "not there yet"
