"""The profile: what production's traffic looks like when nothing is wrong, from validation rows, bound to one model.

It is made when a model is promoted and stands beside its card, by the model's digest: whatever model serves, after a
swap or a rollback, its own profile is the one that counts.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mlgate import corpus
from mlgate.artifacts import Model
from mlgate.errors import MlgateError
from mlgate.gate.statistics import clopper_pearson
from mlgate.root import Root, read_file, to_json
from mlgate.root.shapes import misfit
from mlgate.watch import tables
from mlgate.watch.detector import Band
from mlgate.watch.settings import Settings
from mlgate.watch.tables import Answered

import numpy as np
from scipy.special import ndtri

QUANTILES = 201
FAR = 0.995  # a text beyond this quantile, in any feature, is an outlier
UNLUCKY = 0.005  # the chance that some band, or the error's bound, misses the truth because of the rows it is made from
ADVICE = "Make it again: mlgate watch profile"


@dataclass(frozen=True)
class Profile:
    """What is known of the reference rows. grids (4, Q): quantiles of each feature; limits: beyond them, an outlier.

    means, deviations: of each table. calibration: the probabilities at which, and how often, an answer is right.
    """

    digest: str
    rows: dict[str, Any]
    classes: list[str]
    top: str
    grids: list[list[float]]
    limits: list[float]
    means: list[float]
    deviations: list[float]
    calibration: list[list[float]]
    estimated_error: list[float]
    errors: int

    @property
    def count(self) -> int:
        """How many reference rows there are."""
        return int(self.rows["count"])

    @property
    def accuracy(self) -> float:
        """The share of reference rows that the model gets right."""
        return 1 - self.errors / self.count

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The tables' names."""
        return tables.names_for(self.classes)

    def values(self, rows: Answered) -> np.ndarray:
        """Return the values (n, K) of the tables, each from 0 to 1."""
        ranked = tables.ranks(rows.features, np.array(self.grids))
        others = max(len(self.classes) - 1, 1)
        score = np.where(rows.labels == self.top, rows.scores, (1 - rows.scores) / others)
        far = (rows.features > np.array(self.limits)).any(axis=1)
        own = [rows.labels == name for name in self.classes if len(self.classes) > 2]
        return np.column_stack([score, rows.scores, ranked, far, *own]).astype(float)

    def chance_of_error(self, rows: Answered) -> np.ndarray:
        """Return the chance (n,) that each answer is wrong, if the scores mean what they meant on the reference."""
        scores, right = self.calibration
        return np.asarray(1 - np.interp(rows.scores, scores, right))

    def bands(self, settings: Settings) -> list[Band]:
        """Return each table's band: the reference's mean, give or take its own error and the tolerance."""
        wide = self._z / np.sqrt(self.count) * np.array(self.deviations) + settings.tolerance
        return [Band(mean - width, mean + width) for mean, width in zip(self.means, wide.tolist(), strict=True)]

    def estimated_band(self, settings: Settings) -> Band:
        """Return up to where the mean chance of an error may rise."""
        mean, deviation = self.estimated_error
        return Band(None, float(mean + self._z * deviation / np.sqrt(self.count) + settings.tolerance))

    def error_band(self, settings: Settings) -> Band:
        """Return up to where the share of errors may rise: an upper bound of the reference's, and the tolerance."""
        return Band(None, self._most_errors + settings.harm_tolerance)

    @cached_property
    def _most_errors(self) -> float:
        return clopper_pearson(self.errors, self.count, 1 - 2 * UNLUCKY).high

    @cached_property
    def _z(self) -> float:
        return -float(ndtri(UNLUCKY / (2 * len(self.names) + 1)))


def make(model: Model, texts: Sequence[str], labels: Sequence[str], rows: dict[str, Any]) -> Profile:
    """Return the profile of a model on labelled reference rows; `rows` names and counts them."""
    from sklearn.isotonic import IsotonicRegression  # here: lights that are looked at are quick without it

    found = tables.answered(model, texts)
    right = found.labels == np.array([str(label) for label in labels])
    grids = np.quantile(found.features, np.linspace(0, 1, QUANTILES), axis=0).T.round(6)
    limits = np.quantile(found.features, FAR, axis=0).round(6)
    fit = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(found.scores, right)
    curve = [fit.X_thresholds_.round(6).tolist(), fit.y_thresholds_.round(6).tolist()]
    names, counts = np.unique(found.labels, return_counts=True)
    known = {
        "digest": model.digest,
        "rows": rows,
        "classes": [str(name) for name in model.classes],
        "top": str(names[counts.argmax()]),
        "grids": grids.tolist(),
        "limits": limits.tolist(),
        "calibration": curve,
        "errors": int((~right).sum()),
    }
    draft = Profile(**known, means=[], deviations=[], estimated_error=[])
    values = draft.values(found)
    errors = draft.chance_of_error(found)
    return Profile(
        **known,
        means=values.mean(axis=0).round(6).tolist(),
        deviations=values.std(axis=0).round(6).tolist(),
        estimated_error=[round(float(errors.mean()), 6), round(float(errors.std()), 6)],
    )


def make_for(root: Root, model: Model) -> Profile:
    """Return the profile of a model on the root's validation rows."""
    frame = corpus.split("validation", root)
    if frame.empty:
        raise MlgateError("The corpus has no validation rows, and a profile is made from them. Add rows.")
    rows = {"name": "validation", "count": len(frame), "digest": corpus.fingerprint(frame)}
    return make(model, frame["text"].tolist(), frame["label"].astype(str).tolist(), rows)


def path_of(root: Root, digest: str) -> Path:
    """Return where a model's profile stands."""
    return root.cards / f"{digest}.profile"


def to_bytes(profile: Profile) -> bytes:
    """Return a profile as the bytes of its file: JSON."""
    return to_json(asdict(profile))


def read(root: Root, digest: str) -> Profile:
    """Return the profile of the model with this digest. Raises MlgateError where there is none, or it is not sound."""
    path = path_of(root, digest)
    try:
        found = json.loads(read_file(path))
    except FileNotFoundError as error:
        raise MlgateError(f"{digest[:12]} has no profile yet. Make it: mlgate watch profile") from error
    except (OSError, ValueError, RecursionError) as error:
        raise MlgateError(f"The profile {path} cannot be read. {ADVICE}") from error
    wrong = misfit(found, Profile) or _why_unsound(found, digest)
    if wrong:
        raise MlgateError(f"The profile of {digest[:12]} was changed: {wrong}. {ADVICE}")
    return Profile(**found)


def _why_unsound(found: dict[str, Any], digest: str) -> str | None:
    """Return why a profile of the right types cannot be used, or None."""
    if set(found) != set(Profile.__dataclass_fields__):
        return "it has other fields"
    if found["digest"] != digest:
        return "it describes another model"
    count = found["rows"].get("count")
    if not isinstance(count, int) or not 0 <= found["errors"] <= count or not count:
        return "its rows or errors are no counts"
    tables_there = len(tables.names_for(found["classes"]))
    lengths = [len(found["means"]), len(found["deviations"])]
    if lengths != [tables_there] * 2 or len(found["grids"]) != 4 or len(found["limits"]) != 4:
        return "a table is missing"
    shares = [*found["means"], *found["deviations"], *found["estimated_error"], *found["calibration"][-1]]
    if len(found["estimated_error"]) != 2 or not all(0 <= share <= 1 for share in shares):
        return "a mean is not from 0 to 1"
    if len(found["calibration"]) != 2 or len({len(part) for part in found["calibration"]}) != 1:
        return "its calibration is no curve"
    if any(not grid or sorted(grid) != grid for grid in found["grids"]):
        return "its quantiles are not in order"
    return None
