"""What a swap costs those who ask meanwhile, with the fence and without: each new model is opened and asked first.

Two servers of the same kind in turn, one of them without child processes. A client asks one text after the other while
production goes back to the previous model and forward again. Usage: bench_swap.py [SWAPS]
"""

import contextlib
import http.client
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench_serve import HERE, SHORT, Contender, started
from table import write_table

REPOSITORY = HERE.parent
MLGATE = [sys.executable, "-m", "mlgate", "--root"]
MOVES = (["rollback"], ["promote", "--after-rollback"])
ANSWERS = 200  # asked before each swap, and after it
SECONDS = 60  # in which the other model has to answer


@dataclass
class Swap:
    """Milliseconds that answers took: before, the first of the new model, those after it, and the slowest of all."""

    before: float
    first: float
    after: float
    slowest: float


class Client:
    """Asks for one text at a time, on one connection."""

    def __init__(self, url: str):
        self.connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=SECONDS)

    def ask(self) -> tuple[float, str]:
        """Return the milliseconds that an answer took, and the digest of the model that gave it."""
        begun = time.perf_counter()
        self.connection.request("POST", "/predict", json.dumps({"texts": [SHORT]}))
        answer = json.loads(self.connection.getresponse().read())
        return 1000 * (time.perf_counter() - begun), answer["model"]


def swap(url: str, root: Path, move: list[str]) -> Swap:
    """Move production while a client asks. Raises SystemExit where the other model never answers."""
    client = Client(url)
    before = [client.ask() for _ in range(ANSWERS)]
    during = []
    command = subprocess.Popen([*MLGATE, str(root), *move], stdout=subprocess.DEVNULL)
    end = time.monotonic() + SECONDS
    found = before[-1]
    while found[1] == before[0][1]:
        found = client.ask()
        during.append(found[0])
        if time.monotonic() > end:
            raise SystemExit(f"mlgate {' '.join(move)}: the other model did not answer within {SECONDS} s.")
    if command.wait():
        raise SystemExit(f"mlgate {' '.join(move)} failed.")
    after = [client.ask()[0] for _ in range(ANSWERS)]
    usual = statistics.median(each[0] for each in before)
    return Swap(usual, found[0], statistics.median(after), max(during))


def main() -> None:
    """Swap there and back, and write the table."""
    swaps = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    serve = ["serve", "--port", "{port}"]
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        made = Path(name) / "made"
        shutil.copytree(REPOSITORY / "artifacts_prod", made / "artifacts_prod")
        shutil.copy(REPOSITORY / "gate.toml", made)
        subprocess.run([*MLGATE, str(made), "run", "--recipe", "challenger"], check=True, stdout=subprocess.DEVNULL)
        roots = {kind: Path(name) / kind for kind in ("within it", "without a fence")}
        for root in roots.values():
            shutil.copytree(made, root)
        unfenced = [sys.executable, str(HERE / "plain" / "unfenced.py"), "--root"]
        commands = dict(zip(roots, (MLGATE, unfenced), strict=True))
        urls = {
            kind: stack.enter_context(started(Contender(kind, [*commands[kind], str(root), *serve]), {"LOGS": name}))
            for kind, root in roots.items()
        }
        found: dict[str, list[Swap]] = {kind: [] for kind in roots}
        for number in range(swaps):
            for kind, root in roots.items():
                found[kind].append(swap(urls[kind], root, MOVES[number % 2]))
    lines = []
    for kind, each in found.items():
        parts = ("before", "first", "after", "slowest")
        lines.append((kind, *(f"{statistics.median(getattr(one, part) for one in each):.1f} ms" for part in parts)))
    head = ("", "an answer before", "the new model's first", "an answer after", "the slowest meanwhile")
    write_table("swap", lines, head)


if __name__ == "__main__":
    main()
