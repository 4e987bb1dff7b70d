"""Keep some of the service's rows: a bounded queue, one thread that writes, and nothing that a request ever waits for.

Whatever fails (a full disk, a locked or lost file, a flood), rows are dropped and counted, and the service answers.
"""

import logging
import os
import random
import secrets
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from mlgate.artifacts import Model
from mlgate.errors import MlgateError
from mlgate.root import Root
from mlgate.watch import profile, tables
from mlgate.watch.lights import LIGHTS, Lights
from mlgate.watch.profile import Profile
from mlgate.watch.settings import Settings
from mlgate.watch.store import Kept, Store

QUEUE = 2_000  # rows that wait: of at most tables.READ characters each
BURST = 2.0  # seconds: as many rows as are due in that time may come at once
# Seconds between two turns: write what waits, look at what was written. Answers stand aside for some milliseconds each
# time, so few long turns leave the 99th percentile as it is, where many short ones do not.
PAUSE = 1.0
TRIM = 60.0  # seconds between two looks at age and size
HISTORY = 400  # points of the curves on the page, one every so many seconds:
STEP = 2.0
log = logging.getLogger("mlgate.watch")


class _Waiting(NamedTuple):
    """A row that waits to be written."""

    id: str
    time: float
    model: Model
    answer: str
    score: float
    text: str


class Keeper:
    """Takes rows from requests, writes them in a thread of its own, and keeps the lights up to date.

    serving: returns the model whose lights are shown. on_harm: what to do when labels have just proven harm.
    """

    def __init__(
        self,
        root: Root,
        settings: Settings,
        serving: Callable[[], Model | None],
        on_harm: Callable[[], None] | None = None,
    ) -> None:
        self.root = root
        self.settings = settings
        self.serving = serving
        self.on_harm = on_harm
        self.kept = 0
        self.dropped = 0
        self.fault: str | None = None
        self.lights: Lights | None = None
        self.history: deque[dict[str, Any]] = deque(maxlen=HISTORY)
        self._queue: deque[_Waiting] = deque()
        self._requests = random.randrange(max(settings.keep_every, 1))
        self._due = 0.0  # when the next row is, if rows come evenly
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mlgate-watch", daemon=True)
        self._store: Store | None = None
        self._inode = 0
        self._seen: object = None
        self._profile: Profile | None = None
        self._trimmed = self._drawn = 0.0
        self._counted: tuple[str, frozenset[str]] = ("", frozenset())

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, and end the thread."""
        self._stopping.set()
        self._thread.join(timeout=5)

    def offer(
        self, model: Model, texts: Sequence[str], answers: Sequence[tuple[object, float | None]]
    ) -> tuple[int, str] | None:
        """Keep one row of every so many requests, and so many a second: its place and its id, or None.

        Takes microseconds, never raises.
        """
        self._requests += 1
        if self._requests % self.settings.keep_every or self._too_soon():
            return None
        if len(self._queue) >= QUEUE:
            self.dropped += 1
            return None
        place = random.randrange(len(texts))
        row_id = secrets.token_hex(8)
        label, score = answers[place]
        chosen = 1.0 if score is None else score
        self._queue.append(_Waiting(row_id, time.time(), model, str(label), chosen, texts[place][: tables.READ]))
        return place, row_id

    def _too_soon(self) -> bool:
        """Whether enough rows were kept of late: what each costs is taken from the answers."""
        if not self.settings.keep_a_second:
            return False
        now = time.monotonic()
        due = max(self._due, now)
        if due - now > BURST:
            return True
        self._due = due + 1 / self.settings.keep_a_second
        return False

    @property
    def waiting(self) -> int:
        """How many rows wait to be written."""
        return len(self._queue)

    def holds(self, ids: Collection[str]) -> bool:
        """Whether one of these rows waits to be written."""
        return any(row.id in ids for row in self._queue.copy())

    def health(self) -> dict[str, Any]:
        """Return what /health says of the watch."""
        fault = self.fault
        if not self._thread.is_alive():
            fault = "The thread that keeps rows has ended. Restart the service."
        lights = self.lights
        return {
            "kept": self.kept,
            "dropped": self.dropped,
            "waiting": self.waiting,
            "fault": fault,
            "lights": lights and {light: lights.on(light) for light in LIGHTS},
        }

    def _run(self) -> None:
        self._turn()
        while not self._stopping.wait(PAUSE):
            self._turn()
        self._turn()
        if self._store is not None:
            self._store.close()

    def _turn(self) -> None:
        try:
            self._write()
            self._look()
            self.fault = None
        except MlgateError as error:
            self._failed(str(error))
        except (sqlite3.Error, OSError) as error:
            self._failed(f"{self.root.kept_rows} does not take rows: {error}.")
            self._store = None
        except Exception as error:
            self._failed(f"{type(error).__name__}: {error}")
            log.exception("The watch failed.")

    def _failed(self, reason: str) -> None:
        if reason != self.fault:
            log.warning("The watch: %s", reason)
        self.fault = reason

    def _opened(self) -> Store:
        """Return the store, opened anew where its file is not there any more."""
        if self._store is not None:
            try:
                if os.stat(self.root.kept_rows).st_ino == self._inode:
                    return self._store
            except OSError:
                pass
            self._store.close()
        self._store = Store(self.root.kept_rows)
        self._inode = os.stat(self.root.kept_rows).st_ino
        self._seen = None
        return self._store

    def _write(self) -> None:
        """Write what waits. Where the file does not take it now, it waits on; what cannot be measured is dropped."""
        store = self._opened()
        rows = [self._queue[place] for place in range(self.waiting)]
        if rows:
            try:
                store.add(self._measured(rows))
                self.kept += len(rows)
            except sqlite3.OperationalError:  # locked, full: perhaps not for long
                raise
            except Exception:
                self._drop(len(rows))
                self.dropped += len(rows)
                raise
            self._drop(len(rows))
        if time.monotonic() - self._trimmed > TRIM:
            store.trim(self.settings, time.time())
            self._trimmed = time.monotonic()

    def _drop(self, count: int) -> None:
        for _ in range(count):
            self._queue.popleft()

    def _measured(self, rows: Sequence[_Waiting]) -> list[Kept]:
        found = []
        for row in rows:
            features = tables.features(row.text, self._words(row.model))
            text = row.text if self.settings.keep_texts else None
            found.append(Kept(row.id, row.time, row.model.digest, row.answer, row.score, features, text))
        return found

    def _words(self, model: Model) -> frozenset[str]:
        """Return the words that a model counts: made once for each model."""
        if self._counted[0] != model.digest:
            self._counted = (model.digest, tables.words_of(model))
        return self._counted[1]

    def _look(self) -> None:
        """Bring the lights of the model that serves up to date."""
        model = self.serving()
        if model is None:
            return
        store = self._opened()
        seen = (model.digest, *store.newest())
        if seen != self._seen:
            if self._profile is None or self._profile.digest != model.digest:
                self.lights = None
                self._profile = profile.read(self.root, model.digest)
            self.lights = store.advance(self._profile, self.settings, self.on_harm)
            self._seen = seen
        if self.lights and time.monotonic() - self._drawn > STEP:
            self._drawn = time.monotonic()
            self.history.append(point(self.lights))


def point(lights: Lights) -> dict[str, Any]:
    """Return a point of the page's curves: the time, and the evidence of each light as a share of its threshold."""
    shares = {}
    for light, found in lights.detectors.items():
        shares[light] = 1.0 if lights.on(light) else float((found.evidence / found.thresholds).max())
    return {"time": time.time(), "rows": lights.rows, **shares}
