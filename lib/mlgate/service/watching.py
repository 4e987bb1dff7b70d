"""The swap: a promoted model is loaded beside the one that serves, and takes over by one assignment.

The files of artifacts_prod/ are looked at ten times a second. Whenever one of them has changed, the whole question is
asked anew: is this a model that the ledger knows? If not, the old model goes on serving, and the reason is there to
read. Files that arrive in pieces or in the wrong order, as with `git pull`, need nothing more: the last one settles it.
"""

import asyncio
import logging
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from mlgate import artifacts, ledger, promotion
from mlgate.errors import MlgateError
from mlgate.reporting.markdown import flat
from mlgate.root import Root
from mlgate.service.batching import TARGET, Serving

PAUSE = 0.1  # seconds between two looks at the files
SETTLED = 1.0  # seconds after which a file's time tells its versions apart
SAMPLES = ("", "A wonderful film, full of life.", "Dull and far too long. <br /> I left, half-way through!")
log = logging.getLogger("mlgate.service")


@dataclass(frozen=True)
class Refusal:
    """Why the file in artifacts_prod/ is not served. `digest` is None where it cannot even be read."""

    digest: str | None
    reason: str
    time: str


@dataclass(frozen=True)
class View:
    """What is served, what is refused, and the ledger's lines: replaced as a whole, never changed."""

    serving: Serving | None = None
    refused: Refusal | None = None
    entries: tuple[ledger.Entry, ...] = ()

    @property
    def since(self) -> str | None:
        """Return when the serving model came into production: the ledger says it, None until its line is written."""
        if self.serving is None:
            return None
        name = self.serving.model.digest
        times = [move["time"] for move in ledger.moves(self.entries) if move["to"] == name]
        return times[-1] if times else None


def look(root: Root, before: View) -> View:
    """Return the view after a look at the files. Never raises: a fault becomes a refusal, and the old model stays."""
    entries = before.entries
    name = None
    try:
        entries = tuple(ledger.read(root))
        data = _read(root)
        name = artifacts.digest(data)
        _require_in_ledger(root, name, entries)
        serving = before.serving
        if serving is None or serving.model.digest != name:
            serving = _load(root, data, name)
        return View(serving, None, entries)
    except MlgateError as error:
        reason = str(error)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
    reason = flat(reason)[:500]
    known = before.refused
    if known and (known.digest, known.reason) == (name, reason):
        return replace(before, entries=entries)
    return replace(before, refused=Refusal(name, reason, ledger.now()), entries=entries)


def _read(root: Root) -> bytes:
    """Return the production model's bytes. Raises MlgateError where there are none, or far too many."""
    limit = artifacts.limits_of(root.settings()).bytes
    if root.production.exists() and (not root.production.is_file() or root.production.stat().st_size > limit):
        raise MlgateError(f"artifacts_prod/pipeline.pkl is not a file of at most {limit:,} bytes.")
    return artifacts.read_production(root)


def _load(root: Root, data: bytes, name: str) -> Serving:
    """Return the model in these bytes, warmed up: a child process opens and asks it first, within limits.

    Raises MlgateError where it may not, or cannot, be served.
    """
    card = artifacts.read_card(root.cards / f"{name}.json", name)
    if card is None:
        raise MlgateError(f"{name[:12]} has no card in artifacts_prod/cards: it is not known.")
    limits = artifacts.limits_of(root.settings())

    def try_out(_: bytes) -> bytes:
        _opened(data, limits, card)
        return b""

    with artifacts.Fence(try_out, limits) as child:
        child.ask(b"")
    return _opened(data, limits, card)


def _opened(data: bytes, limits: artifacts.Limits, card: artifacts.Card) -> Serving:
    model = artifacts.load(data, limits, card, known=True)
    if model.fault:
        raise MlgateError(model.fault)
    return warmed_up(model)


def _require_in_ledger(root: Root, name: str, entries: tuple[ledger.Entry, ...]) -> None:
    if not _stands_in_ledger(root, name, entries):
        raise MlgateError(
            f"The ledger does not say that {name[:12]} is in production: the file is still being written, or it never"
            " passed the gate."
        )


def _stands_in_ledger(root: Root, name: str, entries: tuple[ledger.Entry, ...]) -> bool:
    """Say whether this model was moved into production, and not taken out of it by a rollback.

    A move's line is written after the rename that commits it; in between, its entry.json counts where the ledger has
    the look that won it, or it goes back to the previous model.
    """
    moved = {move["to"] for move in ledger.moves(entries)}
    if name in moved and name not in ledger.rolled_back(entries):
        return True
    begun = promotion.begun_move(root)
    return begun is not None and begun["to"] == name and ledger.follows(entries, begun)


def warmed_up(model: artifacts.Model) -> Serving:
    """Return the model ready to serve: it has answered before. Raises MlgateError where it cannot answer."""
    serving = Serving(model, ledger.now())
    times = []
    try:
        serving.answers(SAMPLES)
        for text in SAMPLES:
            begun = time.perf_counter()
            serving.answers([text])
            times.append(time.perf_counter() - begun)
    except Exception as error:
        raise MlgateError(f"It cannot answer: {artifacts.described(error)}") from error
    return replace(serving, slow=statistics.median(times) > TARGET)


Mark = tuple[int, int, int, int] | None  # of a file: when it was written and changed, its size, its inode


def marks(root: Root) -> tuple[Mark | bool, ...]:
    """Return what changes whenever one of the files does that decide what is served: a few microseconds to find out."""
    begun = promotion.stage_of(root) / "entry.json"
    found = [_mark(path) for path in (root.production, root.ledger, root.cards, begun, root.policy)]
    # Two writes within one tick of the system's clock look alike, so we look once more when a file has come of age.
    settled = all(time.time() - mark[0] / 1e9 > SETTLED for mark in found if mark)
    return (*found, settled)


def _mark(path: Path) -> Mark:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


class Watcher:
    """Keeps `view` up to date. `told` hears of each change: (before, after)."""

    def __init__(self, root: Root, told: Callable[[View, View], None] = lambda before, after: None) -> None:
        self.root = root
        self.told = told
        self.view = View()
        self._seen: tuple[Mark | bool, ...] | None = None

    async def check(self) -> None:
        """Look again, if a file changed. Reading and loading happen in a thread: requests go on meanwhile."""
        found = marks(self.root)
        if found == self._seen:
            return
        before = self.view
        after = await asyncio.to_thread(look, self.root, before)
        self._seen = found  # taken before the look: what changed during it is seen next time
        self.view = after  # the swap
        _log(before, after)
        self.told(before, after)

    async def run(self) -> None:
        """Check for ever."""
        while True:
            await asyncio.sleep(PAUSE)
            try:
                await self.check()
            except Exception:  # whatever it is, the old model goes on serving, and so does the watch
                log.exception("The look at artifacts_prod/ failed.")


def _log(before: View, after: View) -> None:
    if after.serving is not None and after.serving is not before.serving:
        log.info("Now serving %s.", after.serving.model.digest[:12])
    if after.refused and after.refused != before.refused:
        log.warning("Not served: %s", after.refused.reason)
