"""The folder a pipeline lives in: where each of its files is."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgate.errors import MlgateError
from mlgate.root.policy import PYPROJECT, has_settings, read_settings


@dataclass(frozen=True)
class Root:
    """The files of one pipeline. Nothing here needs to exist yet."""

    path: Path

    @property
    def policy(self) -> Path:
        """gate.toml; where there is none, a pyproject.toml with a table [tool.mlgate]."""
        own = self.path / "gate.toml"
        project = self.path / PYPROJECT
        return project if not own.exists() and has_settings(project) else own

    @property
    def recipes(self) -> Path:
        return self.path / "recipes.py"

    @property
    def production_folder(self) -> Path:
        return self.path / "artifacts_prod"

    @property
    def production(self) -> Path:
        return self.production_folder / "pipeline.pkl"

    @property
    def previous(self) -> Path:
        return self.production_folder / "previous.pkl"

    @property
    def cards(self) -> Path:
        return self.production_folder / "cards"

    @property
    def ledger(self) -> Path:
        return self.production_folder / "ledger.jsonl"

    @property
    def holdouts(self) -> Path:
        return self.production_folder / "holdout"

    @property
    def new_holdout(self) -> Path:
        return self.holdouts / "rows.csv"

    @property
    def unlabelled_holdout(self) -> Path:
        return self.holdouts / "unlabelled.csv"

    @property
    def candidate_folder(self) -> Path:
        return self.path / "artifacts_candidate"

    @property
    def candidate(self) -> Path:
        return self.candidate_folder / "pipeline.pkl"

    @property
    def candidate_card(self) -> Path:
        return self.candidate_folder / "card.json"

    @property
    def candidate_keys(self) -> Path:
        return self.candidate_folder / "training.keys"

    @property
    def verdict(self) -> Path:
        return self.candidate_folder / "verdict.json"

    @property
    def preview(self) -> Path:
        return self.candidate_folder / "preview.json"

    @property
    def labels(self) -> Path:
        return self.path / "labels"

    @property
    def kept_rows(self) -> Path:
        return self.path / "watch" / "rows.sqlite"

    @property
    def runs(self) -> Path:
        return self.path / "runs"

    def settings(self) -> dict[str, Any]:
        """Return what gate.toml says, section by section; {} where there is none."""
        return read_settings(self.policy) if self.policy.is_file() else {}


def find_root(folder: str | Path | None = None) -> Root:
    """Find the root: `folder`, else $MLGATE_ROOT, else the nearest folder from here upwards that has a gate.toml.

    A pyproject.toml with [tool.mlgate] will do, too.
    """
    named = folder or os.environ.get("MLGATE_ROOT")
    if named:
        path = Path(named).expanduser().resolve()
        if not path.is_dir():
            raise MlgateError(f"The root {path} is not a folder. Name one with --root, or create it.")
        return Root(path)
    here = Path.cwd()
    for path in (here, *here.parents):
        if Root(path).policy.is_file():
            return Root(path)
    raise MlgateError(f"No gate.toml in {here} or above it. Go to your project's folder, or name it with --root.")
