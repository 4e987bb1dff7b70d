"""The pipeline: which notebooks a run takes, with which parameters, and what they decided."""

import json

from mlgate import ledger, recipes
from mlgate.errors import MlgateError
from mlgate.notebooks import runner as notebooks
from mlgate.root import Root, policy_from, section


def run(root: Root, recipe: str | None, severity: float | None, preview: bool = False) -> dict:
    """Run notebooks 02, 03 and 04 (01 first where there is no production; a preview leaves out 04).

    Without a recipe, gate.toml's [candidate] says what to train. Returns the verdict as verdict.json holds it. Raises
    MlgateError where a notebook did not get to its end or left no verdict.
    """
    if recipe is None:
        chosen = section(root.settings(), "candidate")
        if "recipe" not in chosen:
            raise MlgateError("No recipe: name one with --recipe, or under [candidate] in gate.toml.")
        recipe, severity = chosen["recipe"], chosen.get("severity") if severity is None else severity
    recipes.named(recipe).resolve(severity)  # a typo is answered at once, and not by a notebook
    found = notebooks.find(root)
    training = {"RECIPE": recipe} | ({} if severity is None else {"SEVERITY": severity})
    steps = [] if root.production.exists() else [(notebooks.pick(found, "01"), {})]
    steps += [(notebooks.pick(found, "02"), training), (notebooks.pick(found, "03"), {})]
    outcome = root.preview if preview else root.verdict
    outcome.unlink(missing_ok=True)
    before = ledger.read(root)
    notebooks.run(root, steps if preview else [*steps, (notebooks.pick(found, "04"), {})])
    try:
        verdict = json.loads(outcome.read_bytes())
    except (OSError, ValueError) as error:
        raise MlgateError(f"The notebooks ended without a verdict in {outcome}. See {root.runs}.") from error
    looks = [[entry["kind"] for entry in entries].count("look") for entries in (before, ledger.read(root))]
    if verdict["look"]["spent"] and looks[0] == looks[1]:
        verdict["look"] = ledger.repeated(ledger.read(root), policy_from(root.settings()))
    return verdict


def run_every(root: Root) -> int:
    """Run every notebook once, in order, and return how many there are. A rejected candidate does not end them.

    Raises MlgateError where one does not get to its end.
    """
    found = notebooks.find(root).values()
    steps = [(path, {"ENFORCE": False} if "ENFORCE" in notebooks.read_parameters(path) else {}) for path in found]
    return len(notebooks.run(root, steps))
