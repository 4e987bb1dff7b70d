"""Starts a JupyterLab with one notebook, for what people do in a browser there."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from chromium import wait_until


@contextlib.contextmanager
def lab(folder: Path, notebook: Path, home: Path) -> Iterator[str]:
    """A JupyterLab of our own with one notebook; its address."""
    (folder / "notebooks").mkdir()
    shutil.copy(notebook, folder / "notebooks")
    quiet = folder / "settings" / "@jupyterlab" / "apputils-extension"
    quiet.mkdir(parents=True)
    (quiet / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    (folder / "tmp").mkdir()
    places = {f"JUPYTER_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    places |= {f"JUPYTERLAB_{name}_DIR": str(folder / name.lower()) for name in ("SETTINGS", "WORKSPACES")}
    environment = {**os.environ, **places, "MLGATE_ROOT": str(home), "TMPDIR": str(folder / "tmp")}
    options = [
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port=0",
        "--expose-app-in-browser",
    ]
    options += ["--IdentityProvider.token=t", f"--ServerApp.root_dir={folder / 'notebooks'}"]
    command, silent = [sys.executable, "-m", "jupyterlab", *options], subprocess.DEVNULL
    process = subprocess.Popen(command, env=environment, stdout=silent, stderr=silent)
    try:
        wait_until(lambda: list((folder / "runtime").glob("jpserver-*.json")), 60, "JupyterLab starts")
        [facts] = (folder / "runtime").glob("jpserver-*.json")
        wait_until(lambda: facts.read_text().endswith("}"), 10)
        yield f"http://127.0.0.1:{json.loads(facts.read_text())['port']}/lab/tree/{notebook.name}?token=t"
    finally:
        process.terminate()
        process.wait(60)


RUN_ALL = """(async () => {
  const shown = [...jupyterapp.shell.widgets('main')].find(one => one.sessionContext);
  jupyterapp.shell.activateById(shown.id);
  await shown.sessionContext.ready;
  jupyterapp.commands.execute('notebook:run-all-cells');
})()"""
KERNEL = "window.jupyterapp && [...jupyterapp.shell.widgets('main')].some(one => one.sessionContext?.session?.kernel)"
