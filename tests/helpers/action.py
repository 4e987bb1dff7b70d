"""Use action.yml as somebody else's workflow does."""

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).parents[2]
ACTION = yaml.safe_load((REPOSITORY / "action.yml").read_text(encoding="utf-8"))
GAINS = {"PROMOTE": (60, 20), "HOLD": (32, 30), "REJECT": (20, 60)}  # rows that one model alone gets right
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}


def install(folder: Path) -> Path:
    """A runner's folder for temporary files, in which the package is installed as the action installs it."""
    (folder / "mlgate" / "bin").mkdir(parents=True)
    python = folder / "mlgate" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return folder


def use(folder: Path, **inputs: str) -> tuple[int, dict[str, str], str]:
    """Run the step that judges with these inputs: its exit status, its outputs and the summary."""
    given = {name: spec.get("default", "") for name, spec in ACTION["inputs"].items()} | inputs
    filled = {}
    for name, value in STEPS["Judge"]["env"].items():
        filled[name] = given[re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", value)[1]]
    files = {"GITHUB_OUTPUT": folder / "output", "GITHUB_STEP_SUMMARY": folder / "summary"}
    for path in files.values():
        path.write_text("")
    environment = {**os.environ, **filled, **{name: str(path) for name, path in files.items()}}
    environment |= {"GITHUB_ACTION_PATH": str(REPOSITORY), "RUNNER_TEMP": str(folder)}
    environment["PYTHONPATH"] = str(REPOSITORY / "lib")
    command = ["bash", "-eo", "pipefail", "-c", STEPS["Judge"]["run"]]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    lines = files["GITHUB_OUTPUT"].read_text(encoding="utf-8").splitlines()
    assert "Traceback" not in done.stderr
    return done.returncode, dict(line.split("=", 1) for line in lines), files["GITHUB_STEP_SUMMARY"].read_text()


def write_answers(path: Path, wins: int, losses: int, candidate: str = "candidate") -> None:
    lines = [f"label,production,{candidate}"]
    lines += ["a,b,a", "b,a,b"] * (wins // 2) + ["b,b,a", "a,a,b"] * (losses // 2) + ["a,a,a", "b,b,b"] * 300
    path.write_text("\n".join(lines) + "\n")
