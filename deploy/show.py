"""Watch a service whose traffic drifts: `make watch`, or `make watch DRIFT=foreign_language`. Ctrl-C ends all of it.

Starts the service on a copy of production, Prometheus with these rules where it is installed, and traffic that drifts
after half a minute; then opens /watch. Everything listens on 127.0.0.1 and lies in a temporary folder.
"""

import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
import webbrowser
from pathlib import Path

from mlgate import watch
from mlgate.errors import MlgateError
from mlgate.root import Root

HERE = Path(__file__).parent
REPOSITORY = HERE.parent
RATE = 40.0  # requests a second


def copy_of_production(folder: Path) -> Root:
    """Return a root of its own, in which every second request is kept."""
    shutil.copytree(REPOSITORY / "artifacts_prod", folder / "artifacts_prod")
    text = (REPOSITORY / "gate.toml").read_text(encoding="utf-8")
    (folder / "gate.toml").write_text(text.replace("keep_every = 10 ", "keep_every = 2 "), encoding="utf-8")
    return Root(folder)


@contextlib.contextmanager
def running(*command: str):
    """A process, stopped at the end."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def prometheus(folder: Path, service: str) -> list[str] | None:
    """Return the command that starts Prometheus, or None where it is not installed."""
    if not shutil.which("prometheus"):
        return None
    text = (HERE / "prometheus/prometheus.yml").read_text(encoding="utf-8")
    text = text.replace("service:8000", service.removeprefix("http://").rstrip("/"))
    text = text.replace("rules.yml", str(HERE / "prometheus/rules.yml"))
    (folder / "prometheus.yml").write_text(text, encoding="utf-8")
    return [
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--web.listen-address=127.0.0.1:9090",
    ]


def main() -> None:
    """Start everything, and tell what happens."""
    drift = sys.argv[1] if len(sys.argv) > 1 else "cut_short"
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        root = copy_of_production(Path(name) / "root")
        serve = [sys.executable, "-m", "mlgate", "--root", str(root.path), "serve", "--port", "0"]
        service = stack.enter_context(running(*serve))
        url = next(word for word in service.stdout.readline().split() if word.startswith("http"))
        command = prometheus(Path(name), url)
        if command:
            stack.enter_context(running(*command))
            print("Prometheus: http://127.0.0.1:9090/alerts")
        else:
            print("Prometheus is not installed here (on Debian: apt install prometheus).")
        print(f"The lights: {url}watch")
        webbrowser.open(f"{url}watch")
        plan = watch.Plan(drift, after=int(30 * RATE), most=10**9, rate=RATE)
        for _ in range(20):  # until the service answers
            try:
                watch.simulate(root, url, plan)
            except MlgateError as error:
                print(error)
                time.sleep(1)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
