"""Is a retraining due? An alarm of the watch starts one, once, and not more than one a day; the gate judges what comes.

The scheduled workflow asks the service, or reads a committed alarm.json, so that production holds no key to the
repository. It runs with nothing installed. When a retraining last began is its only memory.
"""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mlgate import ledger
from mlgate.errors import MlgateError
from mlgate.root import Root, read_file, section

ANSWER = 30.0  # seconds for the service to answer
MOST = 10_000_000  # bytes of an answer
ALARM_FILE = "alarm.json"


@dataclass(frozen=True)
class Due:
    """Whether a retraining is due, why, and by which recipe."""

    due: bool
    reason: str
    recipe: str = "baseline"

    def output(self) -> str:
        """Return it as lines for $GITHUB_OUTPUT."""
        return f"due={str(self.due).lower()}\nrecipe={self.recipe}\n"


def ask(root: Root, url: str | None = None) -> dict[str, Any] | None:
    """Return the watch JSON of the service at `url`, or of the root's alarm.json; None where there is neither."""
    if url:
        data = _fetched(f"{url.rstrip('/')}/watch.json")
    elif (root.path / ALARM_FILE).is_file():
        data = read_file(root.path / ALARM_FILE)
    else:
        return None
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise MlgateError(f"{url or ALARM_FILE} does not hold watch JSON. Check the address.") from error
    if not isinstance(found, dict):
        raise MlgateError(f"{url or ALARM_FILE} does not hold watch JSON. Check the address.")
    return found


def _fetched(url: str) -> bytes:
    if not url.startswith(("http://", "https://")):
        raise MlgateError(f"{url!r:.80} is no address. It begins with http:// or https://.")
    try:
        with urllib.request.urlopen(url, timeout=ANSWER) as answer:
            return bytes(answer.read(MOST))
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise MlgateError(
            f"Nothing answers at {url}: {error}. Is the service there, and reachable from here?"
        ) from error


def due(root: Root, found: dict[str, Any] | None, last: datetime | None, now: datetime, pause: timedelta) -> Due:
    """Say whether a retraining is due, given watch JSON, when the last one began, and the least pause between two.

    Harm calls for one, proven or estimated while the estimate can be believed; that traffic moved does not.
    """
    recipe = section(root.settings(), "candidate").get("recipe", "baseline")
    if found is None or "lights" not in found:
        return Due(False, f"Nothing to go by: {(found or {}).get('fault') or 'no service is named, and no alarm.json'}")
    try:
        light, began = _alarm(found)
        digest = found["model"]["digest"]
    except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise MlgateError(f"This is no watch JSON ({type(error).__name__}: {error}). Check the address.") from error
    if light is None:
        return Due(False, "No harm is seen.", recipe)
    if digest != ledger.head(ledger.read(root)):
        return Due(False, f"The alarm is about {digest[:12]}, which is not in production here.", recipe)
    if last is not None and began is not None and began <= last:
        return Due(False, f"{light}: answered already by the retraining that began {last:%Y-%m-%d %H:%M}.", recipe)
    if last is not None and now - last < pause:
        return Due(False, f"{light}: the last retraining began {last:%Y-%m-%d %H:%M}. Not so soon again.", recipe)
    return Due(True, f"{light}: a retraining is due. The gate judges what comes of it.", recipe)


def _alarm(found: dict[str, Any]) -> tuple[str | None, datetime | None]:
    """Return the light that calls for a retraining, and when it went on, if that is known."""
    lights = found["lights"]
    if lights["proven_harm"]["on"]:
        light = "proven_harm"
    elif lights["estimated_harm"]["on"] and found["accuracy"]["believed"]:
        light = "estimated_harm"
    else:
        return None, None
    times = [table["time"] for table in lights[light]["tables"] if table["on"] and table.get("time") is not None]
    if not times:
        return light, None
    return light, datetime.fromtimestamp(float(max(times)), UTC)


def time_from(text: str | None) -> datetime | None:
    """Return a time as GitHub writes it, 2026-11-26T23:00:00Z; None for an empty one."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise MlgateError(f"{text!r:.60} is no time. Write it as 2026-11-26T23:00:00Z.") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def write(due: Due, path: Path) -> None:
    """Add it to $GITHUB_OUTPUT."""
    with path.open("a", encoding="utf-8") as file:
        file.write(due.output())
