"""What the kept rows say: for a terminal, a script, and whoever labels them."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlgate import artifacts
from mlgate.corpus import files
from mlgate.errors import MlgateError
from mlgate.root import Root
from mlgate.watch import profile
from mlgate.watch.lights import LIGHTS
from mlgate.watch.settings import Settings
from mlgate.watch.store import Labelled, Store


def status(root: Root, settings: Settings, on_harm: Callable[[], None] | None = None) -> dict[str, Any]:
    """Return watch JSON about production's kept rows; with the lights, five rows since the first that is on.

    Raises MlgateError where no row was kept, or there is no profile.
    """
    digest = artifacts.digest(artifacts.read_production(root))
    store = Store(root.kept_rows, create=False)
    try:
        lights = store.advance(profile.read(root, digest), settings, on_harm)
        found = lights.report()
        times = [table["since_time"] for light in LIGHTS for table in found["lights"][light]["tables"] if table["on"]]
        since = min((time for time in times if time is not None), default=None)
        return {**found, "examples": [] if since is None else store.examples(since)}
    finally:
        store.close()


def take_labels(root: Root, path: Path, id_column: str = "id", label_column: str = "label") -> Labelled:
    """Take in the labels of kept rows from a file, joined by the id that /predict gave."""
    pairs: list[tuple[str | None, str | None]] = []
    for batch in files.read(path, [id_column, label_column]):
        ids = batch.column(id_column).to_pylist()
        pairs += zip(ids, batch.column(label_column).to_pylist(), strict=True)
    store = Store(root.kept_rows, create=False)
    try:
        return store.label([(row_id or "", label) for row_id, label in pairs if label])
    finally:
        store.close()


def export(root: Root, path: Path, count: int) -> int:
    """Write kept rows, id and text, for whoever labels them, and return how many. Their answers stay behind."""
    store = Store(root.kept_rows, create=False)
    try:
        rows = store.chosen(count)
    finally:
        store.close()
    if not rows:
        raise MlgateError(
            "No texts are kept. Set keep_texts = true under [watch] in gate.toml, and restart the service."
        )
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        writer.writerows(rows)
    return len(rows)


def spent(root: Root, settings: Settings) -> list[tuple[str, str | None]]:
    """Return ids and texts of kept rows that must not judge a model: they raised an alarm, or are labelled already.

    Whoever trains the next model has looked at them. None where no row was kept.
    """
    if not root.kept_rows.is_file():
        return []
    digest = artifacts.digest(artifacts.read_production(root))
    store = Store(root.kept_rows, create=False)
    try:
        if not profile.path_of(root, digest).is_file():  # then there is no alarm either
            return store.spent([])
        lights = store.peek(profile.read(root, digest), settings)
        alarms = [alarm for found in lights.detectors.values() for alarm in found.alarms if alarm is not None]
        times = [(alarm.began_time, alarm.time) for alarm in alarms]
        return store.spent([(began, ended) for began, ended in times if began is not None and ended is not None])
    finally:
        store.close()


def forget(root: Root, ids: list[str], before: float | None) -> int:
    """Remove kept rows, and return how many: no byte of them stays in the file, its log or its free pages."""
    store = Store(root.kept_rows, create=False)
    try:
        return store.forget(ids, before)
    finally:
        store.close()
