"""How long `mlgate run --recipe challenger` takes, against three plain scripts that train, evaluate and copy.

Both train the same pipeline on the same rows and compare it with production on the same holdout. Ours also executes
three notebooks with their figures, exports them as pages, judges on validation rows first, and keeps a ledger. The two
take turns; the ratio is taken pair by pair. Usage: bench_run.py [PAIRS]
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from table import write_table

HERE = Path(__file__).parent
REPOSITORY = HERE.parent


def plain(folder: Path) -> float:
    """Seconds the three scripts take."""
    shutil.copy(REPOSITORY / "artifacts_prod" / "pipeline.pkl", folder / "production.pkl")
    begun = time.perf_counter()
    for name in ("train", "evaluate", "promote"):
        subprocess.run([sys.executable, HERE / "plain" / f"{name}.py", folder], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def ours(folder: Path) -> float:
    """Seconds `mlgate run` takes in a fresh copy of the committed root."""
    shutil.copytree(REPOSITORY / "artifacts_prod", folder / "artifacts_prod")
    shutil.copy(REPOSITORY / "gate.toml", folder)
    command = [Path(sys.executable).with_name("mlgate"), "--root", folder, "run", "--recipe", "challenger"]
    begun = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - begun
    if not done.stdout.endswith("Promote new model\n"):
        raise SystemExit(f"The challenger was not promoted; is production still the committed baseline?\n{done.stdout}")
    return seconds


def main() -> None:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    seconds = []
    for number in range(pairs + 1):  # the first pair warms the disk's cache and is not counted
        pair = []
        for measure in (plain, ours):
            with tempfile.TemporaryDirectory() as folder:
                pair.append(measure(Path(folder)))
        seconds.append(pair)
        print(f"pair {number}: three plain scripts {pair[0]:.1f} s, mlgate run {pair[1]:.1f} s", flush=True)
    ratio = statistics.median(mine / other for other, mine in seconds[1:])
    theirs, mine = (statistics.median(column) for column in zip(*seconds[1:], strict=True))
    ours_is = "`mlgate run --recipe challenger`: three notebooks, figures, pages, statistics, ledger"
    lines = [
        ("three plain scripts: train, evaluate, copy", f"{theirs:.1f} s", "1"),
        (ours_is, f"{mine:.1f} s", f"{ratio:.2f}"),
    ]
    write_table("run", lines)


if __name__ == "__main__":
    main()
