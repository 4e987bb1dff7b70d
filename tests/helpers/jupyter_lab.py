"""Starts a JupyterLab, for what people do in a browser there."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from chromium import wait_until

RUN_ALL = """(async () => {
  const shown = [...jupyterapp.shell.widgets('main')].find(one => one.sessionContext);
  jupyterapp.shell.activateById(shown.id);
  await shown.sessionContext.ready;
  jupyterapp.commands.execute('notebook:run-all-cells');
})()"""
KERNEL = "window.jupyterapp && [...jupyterapp.shell.widgets('main')].some(one => one.sessionContext?.session?.kernel)"


@contextlib.contextmanager
def lab(folder: Path, notebook: Path, home: Path) -> Iterator[str]:
    """A JupyterLab with a copy of one notebook, whose root is `home`; the notebook's address."""
    (folder / "notebooks").mkdir()
    shutil.copy(notebook, folder / "notebooks")
    quiet = folder / "settings" / "@jupyterlab" / "apputils-extension"
    quiet.mkdir(parents=True)
    (quiet / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    options = [
        "--no-browser",
        "--allow-root",
        "--expose-app-in-browser",
        f"--ServerApp.root_dir={folder / 'notebooks'}",
    ]
    with started(folder, options, home) as address:
        yield f"{address}/lab/tree/{notebook.name}?token=t"


@contextlib.contextmanager
def started(folder: Path, options: list[str], home: Path) -> Iterator[str]:
    """A JupyterLab that keeps all its own files in `folder`; its address. The token is t."""
    (folder / "tmp").mkdir()
    places = {f"JUPYTER_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    places |= {f"JUPYTERLAB_{name}_DIR": str(folder / name.lower()) for name in ("SETTINGS", "WORKSPACES")}
    environment = {**os.environ, **places, "MLGATE_ROOT": str(home), "TMPDIR": str(folder / "tmp")}
    options = [*options, "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0", "--IdentityProvider.token=t"]
    command = [sys.executable, "-m", "jupyterlab", *options]
    silent = subprocess.DEVNULL
    process = subprocess.Popen(command, env=environment, cwd=home, stdout=silent, stderr=silent)
    try:
        wait_until(lambda: list((folder / "runtime").glob("jpserver-*.json")), 60, "JupyterLab starts")
        [facts] = (folder / "runtime").glob("jpserver-*.json")
        wait_until(lambda: facts.read_text().endswith("}"), 10)
        yield f"http://127.0.0.1:{json.loads(facts.read_text())['port']}"
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:  # now and then it does not hear the first word
            process.kill()
            process.wait(20)
