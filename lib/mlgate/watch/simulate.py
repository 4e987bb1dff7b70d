"""Traffic for a running service that drifts after a while, and when each light went on."""

import itertools
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mlgate import corpus
from mlgate.errors import MlgateError
from mlgate.root import Root
from mlgate.watch.drifts import DRIFTS, Drift
from mlgate.watch.lights import LIGHTS

PATIENCE = 10.0  # seconds for an answer
LOOK = 0.5  # seconds between two looks at the lights
SETTLED = 2.0  # seconds in which the last rows are written and seen


@dataclass
class Plan:
    """drift: a name, or "". after: requests before it. most: requests at most. rate: a second; 0: as many as can be."""

    drift: str = ""
    after: int = 500
    most: int = 5_000
    rate: float = 0.0
    seed: int = 0


def simulate(root: Root, url: str, plan: Plan, tell: Callable[[str], None] = print) -> dict[str, Any]:
    """Send the root's live rows, shuffled, one a request, and tell when each light goes on. Return the last watch JSON.

    Raises MlgateError where nothing answers there, or the service keeps no rows.
    """
    url = url.rstrip("/")
    drift = _named(plan.drift)
    if drift:
        tell(f"{drift.name}, after {plan.after:,} requests: {drift.story}")
    seen: dict[str, int] = {}
    begun = looked = time.monotonic()
    sent = 0
    for sent, text in enumerate(itertools.islice(_texts(root, plan, drift), plan.most), 1):
        _post(f"{url}/predict", {"texts": [text]})
        if plan.rate:
            time.sleep(max(0, begun + sent / plan.rate - time.monotonic()))
        if time.monotonic() - looked > LOOK:
            looked = time.monotonic()
            _tell_new(_get(f"{url}/watch.json"), seen, sent, tell)
    time.sleep(SETTLED)
    found = _get(f"{url}/watch.json")
    _tell_new(found, seen, sent, tell)
    quiet = [light for light in LIGHTS if light not in seen]
    tell(f"{sent:,} requests sent. Lights that stayed off: {', '.join(quiet) or 'none'}.")
    return found


def _named(name: str) -> Drift | None:
    if not name:
        return None
    if name not in DRIFTS:
        raise MlgateError(f"There is no drift {name!r:.60}; there are {', '.join(DRIFTS)}.")
    return DRIFTS[name]


def _texts(root: Root, plan: Plan, drift: Drift | None) -> Iterator[str]:
    rows = corpus.split("live", root)
    if rows.empty:
        raise MlgateError("The corpus has no live rows to send. Add rows.")
    for turn in itertools.count():
        shuffled = rows.sample(frac=1, random_state=plan.seed + turn).reset_index(drop=True)
        quiet = shuffled["text"].tolist()
        drifted = quiet
        if drift:
            drifted = drift.apply(shuffled, plan.seed + turn)["text"].tolist()
        for place, pair in enumerate(zip(quiet, drifted, strict=True)):
            yield pair[turn * len(rows) + place >= plan.after]


def _tell_new(found: dict[str, Any], seen: dict[str, int], sent: int, tell: Callable[[str], None]) -> None:
    if "lights" not in found:
        raise MlgateError(f"The service watches nothing: {found.get('fault')}")
    for light in LIGHTS:
        state = found["lights"][light]
        if state["on"] and light not in seen:
            seen[light] = sent
            tell(f"after {sent:,} requests, at kept row {state['row']:,}: {light}: {state['reason']}")


def _post(url: str, body: dict[str, Any]) -> None:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    _open(request, url)


def _get(url: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_open(urllib.request.Request(url), url))
    return found


def _open(request: urllib.request.Request, url: str) -> bytes:
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        raise MlgateError(f"{url} answered {error.code}: {error.read()[:200].decode(errors='replace')}") from error
    except (OSError, ValueError) as error:
        raise MlgateError(f"Nothing answers at {url}: {error}. Start it: mlgate serve") from error
