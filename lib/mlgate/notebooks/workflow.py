"""The pipeline: which notebooks a run takes, with which parameters, and what they decided."""

import json
from pathlib import Path
from typing import Any

from mlgate import notebooks
from mlgate.errors import MlgateError
from mlgate.notebooks.runner import Ahead, Steps
from mlgate.notebooks.sources import Parameters
from mlgate.root import Root, section


def run(root: Root, recipe: str | None, severity: float | None, preview: bool = False) -> dict[str, Any]:
    """Run notebooks 02, 03 and 04 (01 first where there is no production; a preview leaves out 04).

    Without a recipe, gate.toml's [candidate] says what to train. Returns the verdict as verdict.json holds it. Raises
    MlgateError where a notebook did not get to its end or left no verdict.
    """
    training = _training(root, recipe, severity)
    found = notebooks.find(root)
    steps: Steps = [(notebooks.pick(found, "02"), training), (notebooks.pick(found, "03"), {})]
    if not root.production.exists():
        steps.insert(0, (notebooks.pick(found, "01"), {}))
    outcome = root.preview
    if not preview:
        steps.append((notebooks.pick(found, "04"), _without_lesson(notebooks.pick(found, "04"))))
        outcome = root.verdict
    outcome.unlink(missing_ok=True)
    notebooks.run(root, steps, ahead=_ahead(steps), awaited=root.candidate, meanwhile=_import_report)
    try:
        verdict: dict[str, Any] = json.loads(outcome.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise MlgateError(f"The notebooks ended without a verdict in {outcome}. See {root.runs}.") from error
    return verdict


def _import_report() -> None:
    """Import what whoever runs the pipeline will say the verdict with."""
    from mlgate.reporting import report  # noqa: F401


# what training and opening a model import first
TRAINING = "import mlgate.artifacts.unpickling, sklearn.feature_extraction.text, sklearn.linear_model\n"
IMPORTS = "from mlgate import recipes\nfrom mlgate.exam import ahead\nfrom mlgate.root import find_root\n"


def _ahead(steps: Steps) -> dict[str, Ahead]:
    """Return what kernels do while they wait: ask models what notebooks 03 and 04 would, and refuse a wrong recipe."""
    found = {}
    for path, parameters in steps:
        if path.stem.startswith("02_"):
            chosen = f"recipes.named({parameters['RECIPE']!r}, find_root()).resolve({parameters.get('SEVERITY')!r})"
            found[path.stem] = Ahead(shared=TRAINING, check=IMPORTS + chosen)
        if path.stem.startswith("03_"):
            found[path.stem] = Ahead(
                at_once=f"{IMPORTS}ahead.ask_production(find_root(), 'validation')",
                then=f"{IMPORTS}ahead.ask_candidate(find_root(), 'validation')",
            )
        if path.stem.startswith("04_"):
            found[path.stem] = Ahead(
                at_once=f"{IMPORTS}ahead.ask_production(find_root(), 'validation', 'holdout')",
                then=f"{IMPORTS}ahead.prepare_exam(find_root())",
            )
    return found


def _training(root: Root, recipe: str | None, severity: float | None) -> Parameters:
    """Return notebook 02's parameters. Raises MlgateError where neither the caller nor gate.toml names a recipe."""
    if recipe is None:
        chosen = section(root.settings(), "candidate")
        if "recipe" not in chosen:
            raise MlgateError("No recipe: name one with --recipe, or under [candidate] in gate.toml.")
        recipe = str(chosen["recipe"])
        if severity is None:
            severity = chosen.get("severity")
    if severity is None:
        return {"RECIPE": recipe}
    return {"RECIPE": recipe, "SEVERITY": severity}


def _without_lesson(path: Path) -> Parameters:
    """Return the parameter that leaves out what notebook 04 only shows to people; an older notebook has none."""
    if "SHOW_A_LOOK" in notebooks.read_parameters(path):
        return {"SHOW_A_LOOK": False}
    return {}


def run_every(root: Root) -> int:
    """Run every notebook once, in order, and return how many there are. A rejected candidate does not end them.

    Raises MlgateError where one does not get to its end.
    """
    steps: Steps = []
    for path in notebooks.find(root).values():
        enforces = "ENFORCE" in notebooks.read_parameters(path)
        steps.append((path, {"ENFORCE": False} if enforces else {}))
    return len(notebooks.run(root, steps))
