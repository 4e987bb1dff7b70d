"""Names from before there was a package per stage: `from mlgate.statistics import tango` goes on working.

A finder at the end of sys.meta_path is asked only for what is not found otherwise, so it costs nobody anything.
"""

import importlib
import importlib.machinery
import sys
from types import ModuleType

MOVED = {
    "mlgate.checks": "mlgate.gate.difference",
    "mlgate.explain": "mlgate.reporting.explain",
    "mlgate.figures": "mlgate.reporting.figures",
    "mlgate.guards": "mlgate.gate.guards",
    "mlgate.holdout": "mlgate.exam.holdout",
    "mlgate.judging": "mlgate.judge_files",
    "mlgate.lessons": "mlgate.teaching.guesses",
    "mlgate.pipeline": "mlgate.notebooks.workflow",
    "mlgate.policy": "mlgate.root.policy",
    "mlgate.probes": "mlgate.answers.probing",
    "mlgate.provenance": "mlgate.exam.provenance",
    "mlgate.report": "mlgate.reporting.report",
    "mlgate.scoring": "mlgate.answers.scoring",
    "mlgate.statistics": "mlgate.gate.statistics",
    "mlgate.tables": "mlgate.corpus.files",
    "mlgate.training_cache": "mlgate.recipes.cache",
    "mlgate.unpickling": "mlgate.artifacts.unpickling",
}


class MovedFinder:
    """Finds a module under the name that it used to have: a finder and a loader (importlib.abc is slow to import)."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> importlib.machinery.ModuleSpec | None:
        """Return a spec for an old name, None for every other."""
        return importlib.machinery.ModuleSpec(name, self) if name in MOVED else None  # type: ignore[arg-type]

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        """Leave it to Python to make the module."""

    def exec_module(self, module: ModuleType) -> None:
        """Put the module that has the name now in the old one's place."""
        sys.modules[module.__name__] = importlib.import_module(MOVED[module.__name__])


sys.meta_path.append(MovedFinder())
