"""The cases of notebook 07: candidates that went wrong in ways to be found out from the evidence."""

import tempfile
import textwrap
from dataclasses import dataclass
from pathlib import Path

from mlgate import recipes
from mlgate.artifacts import Model, load_candidate
from mlgate.gate import PROMOTE, Verdict
from mlgate.reporting.tables import Table
from mlgate.root import Root
from mlgate.scorecard import Scorecard
from mlgate.selftest import laboratory
from mlgate.selftest.incidents import INCIDENTS, Incident
from mlgate.selftest.laboratory import Lab, Made
from mlgate.selftest.selftest import plain

import pandas as pd

SIZES = {"train": 2_000, "validation": 2_500, "holdout": 200}  # quick: nothing in notebook 07 takes an exam
MYSTERIES = ("bad_training_data", "one_source_only", "overconfidence", "exam_rows_in_training")
MILDER = {"bad_training_data": 0.4}  # at the incident's own severity it answers nearly always the same, as another does
_folders: list[tempfile.TemporaryDirectory] = []  # removed when Python ends


@dataclass(frozen=True)
class Case:
    """A mystery: a candidate, what it did on validation rows, and the gate's preview. `incident` is the solution."""

    incident: Incident
    candidate: Model
    scorecard: Scorecard
    verdict: Verdict


def open_lab(root: Root, seed: int = 0) -> Lab:
    """Make a small laboratory under the root's policy, in a temporary folder."""
    return laboratory.set_up(_folder(), root.policy, seed, SIZES)


def case(lab: Lab, number: int) -> Case:
    """Mystery 1, 2, ... in this laboratory."""
    incident = INCIDENTS[MYSTERIES[number - 1]]
    root = laboratory.fresh(lab, _folder() / "root")
    scorecard, verdict = laboratory.preview(lab, _made(incident, lab), root, incident.settings)
    return Case(incident, load_candidate(root), scorecard, verdict)


def _made(incident: Incident, lab: Lab) -> Made:
    if incident.name not in MILDER:
        return incident.make(lab)
    severity = MILDER[incident.name]
    return Made(recipes.named(incident.name).train(lab.train, severity), incident.name, severity)


def suspects() -> Table:
    """Everything that may have happened: names to answer with."""
    lines = [(name, _told(incident)) for name, incident in sorted(INCIDENTS.items())]
    return Table(f"{len(lines)} suspects", pd.DataFrame(lines, columns=["name", "how it happens"]))


def check(mystery: Case, answer: str | None) -> str:
    """Return what there is to say to an answer: a hint where it is wrong, the story where it is right."""
    solution = mystery.incident
    if answer is None:
        return "Not answered yet. (A wrong answer brings a hint.)"
    given = answer.strip().casefold().replace(" ", "_")
    if given not in INCIDENTS:
        return f"There is no suspect {answer!r}. Take a name from the table of suspects."
    if given != solution.name:
        return textwrap.fill(f"Not {given}: there one sees {INCIDENTS[given].seen}. Here: {solution.seen}.", 100)
    caught = mystery.verdict.check(solution.check)
    said = f"Right: {solution.name}. {_told(solution)}", f"The check {caught.name!r} says: {caught.reason}."
    return "\n".join(textwrap.fill(line, 100) for line in said)


def rules(lab: Lab) -> pd.DataFrame:
    """Which rule stops which incident, on validation rows: a row for each incident, a boolean column for each rule.

    The last column is the gate of a team that fears these incidents more, and has set what `stricter` lists.
    """
    folder = _folder()
    lines = {}
    for name, incident in INCIDENTS.items():
        made = incident.make(lab)
        _, shipped = laboratory.preview(lab, made, laboratory.fresh(lab, folder / name))
        strict = shipped
        if incident.settings:
            _, strict = laboratory.preview(lab, made, laboratory.fresh(lab, folder / f"{name}-2"), incident.settings)
        lines[name] = {
            "accuracy >": not plain(shipped),
            "as shipped": shipped.decision != PROMOTE,
            "stricter": strict.decision != PROMOTE,
        }
    return pd.DataFrame.from_dict(lines, orient="index")


def checks() -> dict[str, str]:
    """Return which check is meant to catch each incident. The self-test sees to it that it does."""
    return {name: incident.check for name, incident in INCIDENTS.items()}


def stricter() -> dict[str, str]:
    """Return the lines of gate.toml that the stricter gate changes, and their values."""
    return {line: value for incident in INCIDENTS.values() for line, value in incident.settings.items()}


def _told(incident: Incident) -> str:
    return " ".join(incident.story.replace("`severity` ", "").replace("`", "").split())


def _folder() -> Path:
    _folders.append(tempfile.TemporaryDirectory(prefix="mlgate-"))
    return Path(_folders[-1].name)
