"""How long `mlgate run` takes, against three plain scripts that train, evaluate and copy.

Both train a pipeline on the same rows and compare it with production. Ours also executes three notebooks with their
figures, exports them as pages, judges on validation rows first, and keeps a ledger. The scripts train the challenger;
`mlgate run` once the challenger, and once noisy_labels, which is rejected on validation rows. That trains as fast as
the baseline does, so scripts that train the baseline stand beside it. All take turns; ratios are taken within a turn.
The last turn's runs are taken apart: where did their time go? Usage: bench_run.py [TURNS]
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from table import write_table

HERE = Path(__file__).parent
REPOSITORY = HERE.parent


# What a cell mainly does, by what it calls.
KINDS = {
    "training": ("recipe.train(", "write_candidate("),
    "answering": ("scoring.score(", "exam.take(", "explain.flip_table(", "model.answer("),
    "loading": ("load_pair(", "load_production("),
    "figures": ("figures.",),
    "promotion": ("act_on(",),
}
SCRIPTS = ("train", "evaluate", "promote")


@dataclass
class Taken:
    """What a command took: seconds on the clock, seconds of processors, and the most memory of one process in MB."""

    wall: float
    processor: float
    memory: float


def timed(commands: list[list[object]], said: str = "") -> Taken:
    """Run commands one after the other. Raises SystemExit where the last does not say what it should."""
    taken = Taken(0.0, 0.0, 0.0)
    for command in commands:
        with tempfile.TemporaryFile("w+") as output:
            begun = time.perf_counter()
            child = subprocess.Popen(list(map(str, command)), stdout=output, stderr=subprocess.STDOUT)
            _, status, used = os.wait4(child.pid, 0)  # of the child and of all that it waited for
            child.returncode = os.waitstatus_to_exitcode(status)
            taken.wall += time.perf_counter() - begun
            taken.processor += used.ru_utime + used.ru_stime
            taken.memory = max(taken.memory, used.ru_maxrss / 1024)
            output.seek(0)
            words = output.read()
        if child.returncode:
            raise SystemExit(f"{command} failed:\n{words}")
    if said not in words:
        raise SystemExit(f"Not as it should be; is production still the committed baseline?\n{words}")
    return taken


def plain(folder: Path, recipe: str) -> Taken:
    """Run the three scripts."""
    shutil.copy(REPOSITORY / "artifacts_prod" / "pipeline.pkl", folder / "production.pkl")
    os.environ["PLAIN_RECIPE"] = recipe
    return timed([[sys.executable, HERE / "plain" / f"{name}.py", folder] for name in SCRIPTS])


def gated(folder: Path, recipe: str, said: str) -> Taken:
    """Run the pipeline in a fresh copy of the committed root."""
    shutil.copytree(REPOSITORY / "artifacts_prod", folder / "artifacts_prod")
    shutil.copy(REPOSITORY / "gate.toml", folder)
    mlgate = Path(sys.executable).with_name("mlgate")
    return timed([[mlgate, "--root", folder, "run", "--recipe", recipe, "--fail-on", "never"]], said)


def profile(folder: Path, taken: Taken) -> dict[str, float]:
    """Return the seconds that went into each part of a run: from the times that papermill wrote into its cells."""
    parts = dict.fromkeys(("start-up", *KINDS, "other cells", "between notebooks", "pages and exit"), 0.0)
    executed = [json.loads(path.read_text()) for path in sorted((folder / "runs").glob("[0-9]*.ipynb"))]
    for notebook in executed:
        for cell in notebook["cells"]:
            source = "".join(cell["source"])
            kind = next((name for name, calls in KINDS.items() if any(call in source for call in calls)), "other cells")
            parts[kind] += cell["metadata"].get("papermill", {}).get("duration") or 0.0
    begun = datetime.fromisoformat(executed[0]["metadata"]["papermill"]["start_time"])
    ended = datetime.fromisoformat(executed[-1]["metadata"]["papermill"]["end_time"])
    parts["between notebooks"] = (ended - begun).total_seconds() - sum(parts.values())
    parts["start-up"] = begun.timestamp() - taken_at[folder]
    parts["pages and exit"] = taken.wall - sum(parts.values())
    return parts


taken_at: dict[Path, float] = {}  # when the run in a folder began


RUNS = {
    "three plain scripts: train, evaluate, copy": lambda folder: plain(folder, "challenger"),
    "`mlgate run --recipe challenger`: promoted": lambda folder: gated(folder, "challenger", "Promote new model"),
    "`mlgate run --recipe noisy_labels`: rejected": lambda folder: gated(folder, "noisy_labels", "Reject new model"),
    "three plain scripts that train the baseline": lambda folder: plain(folder, "baseline"),
}


def main() -> None:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # a package is compiled once, not at each start
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    taken: dict[str, list[Taken]] = {name: [] for name in RUNS}
    profiles = {}
    for number in range(turns + 1):  # the first turn warms the disk's cache and is not counted
        for name, run in RUNS.items():
            with tempfile.TemporaryDirectory() as folder:
                taken_at[Path(folder)] = time.time()
                found = run(Path(folder))
                if "mlgate" in name:
                    profiles[name] = profile(Path(folder), found)
            if number:
                taken[name].append(found)
        print(f"turn {number}: " + ", ".join(f"{each[-1].wall:.1f} s" for each in taken.values() if each), flush=True)
    first = next(iter(RUNS))
    lines = []
    for name, each in taken.items():
        ratio = statistics.median(one.wall / other.wall for one, other in zip(each, taken[first], strict=True))
        wall = statistics.median(one.wall for one in each)
        processor = statistics.median(one.processor for one in each)
        memory = max(one.memory for one in each)
        lines.append((name, f"{wall:.1f} s", f"{ratio:.2f}", f"{processor:.1f} s", f"{memory:,.0f} MB"))
    write_table("run", lines, ("", "median", "ratio", "processor time", "largest process"))
    parts = [(part, *(f"{found[part]:.1f} s" for found in profiles.values())) for part in next(iter(profiles.values()))]
    write_table("run-profile", parts, ("the last turn's runs", "promoted", "rejected"))


if __name__ == "__main__":
    main()
