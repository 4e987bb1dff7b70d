"""Kept rows: SQLite in WAL mode under the root, a ring by age and size. Any number of processes write; what each light
has seen stands in the same file, so that whoever looks next goes on from there, and each row counts once.

Where texts are not kept, no byte of them is written. What is forgotten leaves the file, its log and its free pages.
"""

import contextlib
import hashlib
import hmac
import itertools
import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from mlgate.errors import MlgateError
from mlgate.watch.lights import PROVEN, Lights
from mlgate.watch.profile import Profile
from mlgate.watch.settings import Settings
from mlgate.watch.tables import Answered

import numpy as np

WAIT = 2.0  # seconds for another process that writes
AT_ONCE = 50_000  # rows that are read into memory
# Rows that one statement writes, for each statement may hand the interpreter to another thread. Any SQLite takes 999
# values, and a row has ten.
TOGETHER = 99
EXAMPLES = 5
COLUMNS = ("id", "time", "model", "answer", "score", "length", "unknown", "capitals", "symbols", "text")
TABLES = """
CREATE TABLE IF NOT EXISTS rows (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, time REAL, model TEXT,
    answer TEXT, score REAL, length REAL, unknown REAL, capitals REAL, symbols REAL, text TEXT);
CREATE TABLE IF NOT EXISTS labels (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, time REAL, model TEXT,
    answer TEXT, label TEXT);
CREATE TABLE IF NOT EXISTS state (model TEXT PRIMARY KEY, basis TEXT, row INTEGER, label INTEGER, lights TEXT);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT);
"""


class Kept(NamedTuple):
    """A row as it is kept."""

    id: str
    time: float
    model: str
    answer: str
    score: float
    features: tuple[float, float, float, float]
    text: str | None = None


@dataclass(frozen=True)
class Labelled:
    """What became of some labels: new ones, the same ones again, changed ones, and those of rows that are not kept."""

    new: int = 0
    again: int = 0
    changed: int = 0
    foreign: int = 0


class Store:
    """The file of kept rows. One thread at a time; `close` it."""

    def __init__(self, path: Path, create: bool = True) -> None:
        if not create and not path.is_file():
            raise MlgateError(
                f"No row was kept yet: there is no {path}. The service keeps rows where [watch] in gate.toml says so."
            )
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.base = sqlite3.connect(path, timeout=WAIT, isolation_level=None, check_same_thread=False)
            self.base.execute("PRAGMA journal_mode = WAL")
            self.base.execute("PRAGMA synchronous = NORMAL")
            self.base.execute("PRAGMA secure_delete = ON")
            self.base.executescript(TABLES)
        except (sqlite3.Error, OSError) as error:
            raise MlgateError(f"{path} cannot be used: {error}. Fix that, or move the file away.") from error

    def close(self) -> None:
        """Close the file."""
        self.base.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Everything inside is written together, or not at all."""
        self.base.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.base.execute("ROLLBACK")
            raise
        self.base.execute("COMMIT")

    def add(self, rows: Sequence[Kept]) -> None:
        """Keep rows. Raises sqlite3.Error where the file does not take them: then none is kept."""
        lines = [(row.id, row.time, row.model, row.answer, row.score, *row.features, row.text) for row in rows]
        with self.writing():
            for start in range(0, len(lines), TOGETHER):
                part = lines[start : start + TOGETHER]
                self.base.execute(_insert(len(part)), list(itertools.chain.from_iterable(part)))

    def trim(self, settings: Settings, now: float) -> None:
        """Remove what is too old, and the oldest tenth as often as the rest is too large."""
        with self.writing():
            self.base.execute("DELETE FROM rows WHERE time < ?", [now - settings.keep_days * 86_400])
        while self._used() > settings.keep_megabytes * 1e6 and self.count():
            with self.writing():
                self.base.execute(
                    "DELETE FROM rows WHERE seq <= (SELECT min(seq) + (max(seq) - min(seq)) / 10 FROM rows)"
                )

    def _used(self) -> int:
        pages = self._one("PRAGMA page_count") - self._one("PRAGMA freelist_count")
        return int(pages * self._one("PRAGMA page_size"))

    def _one(self, question: str, values: Sequence[Any] = ()) -> Any:
        return self.base.execute(question, values).fetchone()[0]

    def count(self) -> int:
        """How many rows are there."""
        return int(self._one("SELECT count(*) FROM rows"))

    def newest(self) -> tuple[int, ...]:
        """Return what changes whenever there is something to see: the numbers of the last row, label and count."""
        return tuple(
            self.base.execute(
                "SELECT (SELECT max(seq) FROM rows), (SELECT max(seq) FROM labels), (SELECT total(label) FROM state)"
            ).fetchone()
        )

    def label(self, labels: Sequence[tuple[str, str]]) -> Labelled:
        """Take in labels, (row id, label), and say what they were. After a changed one all are counted again."""
        counts = {"new": 0, "again": 0, "changed": 0, "foreign": 0}
        with self.writing():
            for row_id, label in labels:
                counts[self._label(row_id, label)] += 1
        return Labelled(**counts)

    def _label(self, row_id: str, label: str) -> str:
        known = self.base.execute("SELECT label, model FROM labels WHERE id = ?", [row_id]).fetchone()
        if known is None:
            row = self.base.execute("SELECT model, answer FROM rows WHERE id = ?", [row_id]).fetchone()
            if row is None:
                return "foreign"
            self.base.execute(
                "INSERT INTO labels (id, time, model, answer, label) VALUES (?, ?, ?, ?, ?)",
                [row_id, time.time(), *row, label],
            )
            return "new"
        if known[0] == label:
            return "again"
        self.base.execute("UPDATE labels SET label = ? WHERE id = ?", [label, row_id])
        self.base.execute("UPDATE state SET label = -1 WHERE model = ?", [known[1]])
        return "changed"

    def advance(self, profile: Profile, settings: Settings, on_harm: Callable[[], None] | None = None) -> Lights:
        """Take in all rows and labels of this model that no light has seen yet, and return the lights.

        on_harm: called when proven harm has just gone on, by whoever sees it first.
        """
        lights = Lights(profile, settings)
        with self.writing():
            place = self._restore(lights)
            before = lights.on(PROVEN)
            row = self._add_rows(lights, place[0])
            label = self._add_labels(lights, place[1])
            if (row, label) != place:
                values = [profile.digest, _basis(lights), row, label, json.dumps(lights.as_dict())]
                self.base.execute("INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?, ?)", values)
        if on_harm and lights.on(PROVEN) and not before:
            on_harm()
        return lights

    def peek(self, profile: Profile, settings: Settings) -> Lights:
        """Return the lights as `advance` would, and leave the file as it is: whoever acts on harm still sees it."""
        lights = Lights(profile, settings)
        row, label = self._restore(lights)
        self._add_rows(lights, row)
        self._add_labels(lights, label)
        return lights

    def _restore(self, lights: Lights) -> tuple[int, int]:
        """Go on from the state that is kept, and return the last row and label in it; (0, 0) where it is another's."""
        known = self.base.execute(
            "SELECT basis, row, label, lights FROM state WHERE model = ?", [lights.profile.digest]
        ).fetchone()
        if known is None or known[0] != _basis(lights):
            return 0, 0
        lights.restore(json.loads(known[3]))
        if known[2] < 0:
            lights.forget_labels()
            return known[1], 0
        return known[1], known[2]

    def _add_rows(self, lights: Lights, last: int) -> int:
        while True:
            found = self.base.execute(
                "SELECT seq, time, answer, score, length, unknown, capitals, symbols FROM rows"
                " WHERE seq > ? AND model = ? ORDER BY seq LIMIT ?",
                [last, lights.profile.digest, AT_ONCE],
            ).fetchall()
            if not found:
                return last
            numbers = np.array([[line[1], *line[3:]] for line in found], dtype=float)
            labels = np.array([line[2] for line in found])
            lights.add(Answered(numbers[:, 2:], labels, numbers[:, 1]), numbers[:, 0])
            last = int(found[-1][0])

    def _add_labels(self, lights: Lights, last: int) -> int:
        found = self.base.execute(
            "SELECT seq, time, label != answer FROM labels WHERE seq > ? AND model = ? ORDER BY seq",
            [last, lights.profile.digest],
        ).fetchall()
        if not found:
            return last
        lights.label(np.array([line[2] for line in found]), np.array([line[1] for line in found]))
        return int(found[-1][0])

    def examples(self, since: float) -> list[dict[str, Any]]:
        """Return five rows kept since a time, with their texts, where texts are kept."""
        found = self.base.execute(
            "SELECT id, answer, score, text FROM rows WHERE time >= ? AND text IS NOT NULL ORDER BY seq LIMIT ?",
            [since, EXAMPLES],
        )
        return [{"id": line[0], "answer": line[1], "score": line[2], "text": line[3][:300]} for line in found]

    def forget(self, ids: Sequence[str] = (), before: float | None = None) -> int:
        """Remove rows, by id or older than a time, from file, log and free pages. Return how many."""
        with self.writing():
            count = 0
            for row_id in ids:
                count += self.base.execute("DELETE FROM rows WHERE id = ?", [row_id]).rowcount
                self.base.execute("DELETE FROM labels WHERE id = ?", [row_id])
            if before is not None:
                count += self.base.execute("DELETE FROM rows WHERE time < ?", [before]).rowcount
                self.base.execute("DELETE FROM labels WHERE id NOT IN (SELECT id FROM rows)")
        self.base.execute("VACUUM")
        self._empty_log()
        return count

    def _empty_log(self) -> None:
        """Write the log into the file, and cut it to nothing. Raises MlgateError where a reader stays in the way."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if not self._one("PRAGMA wal_checkpoint(TRUNCATE)"):
                return
            time.sleep(0.1)
        raise MlgateError(
            f"The rows are removed, but somebody reads {self.path} all the time, so its log still holds their bytes."
            " Repeat the command when that has ended."
        )

    def chosen(self, count: int) -> list[tuple[str, str]]:
        """Return ids and texts of so many kept rows, by a keyed hash of the id: nobody, and no alarm, chooses them."""
        key = self._key()
        found = self.base.execute("SELECT id, text FROM rows WHERE text IS NOT NULL").fetchall()
        ranked = sorted(found, key=lambda line: hmac.digest(key, line[0].encode(), hashlib.sha256))
        return ranked[:count]

    def spent(self, alarms: Sequence[tuple[float, float]]) -> list[tuple[str, str | None]]:
        """Return ids and texts of rows that raised an alarm, kept from one time to another, or have a label already."""
        found = dict(self.base.execute("SELECT id, text FROM rows WHERE id IN (SELECT id FROM labels)").fetchall())
        for times in alarms:
            found.update(self.base.execute("SELECT id, text FROM rows WHERE time BETWEEN ? AND ?", times).fetchall())
        return list(found.items())

    def _key(self) -> bytes:
        """Return the key of this store: random, made once."""
        with self.writing():
            self.base.execute("INSERT OR IGNORE INTO facts VALUES ('key', ?)", [secrets.token_hex(32)])
        return bytes.fromhex(self._one("SELECT value FROM facts WHERE name = 'key'"))


def _insert(count: int) -> str:
    places = ", ".join([f"({', '.join('?' * len(COLUMNS))})"] * count)
    return f"INSERT INTO rows ({', '.join(COLUMNS)}) VALUES {places}"


def _basis(lights: Lights) -> str:
    """Return what the state depends on: another profile or another promise, and the lights begin anew."""
    profile = lights.profile
    return json.dumps([profile.rows, profile.means, profile.errors, profile.estimated_error, lights.settings.promise])
