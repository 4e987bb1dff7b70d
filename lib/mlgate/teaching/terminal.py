"""A terminal in a notebook: a command of this package, and what it says."""

import os
import shlex
import subprocess
import sys
from pathlib import Path


def run(command: str, folder: Path) -> int:
    """Run `mlgate …` in a folder, print the first line and the last three of what it says, return its exit status."""
    words = [sys.executable, "-m", "mlgate", *shlex.split(command)[1:]]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        words, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    lines = (done.stdout + done.stderr).splitlines()
    print(f"$ {command}\n" + "\n".join([*lines[:1], "…", *lines[-3:]] if len(lines) > 4 else lines))
    return done.returncode
