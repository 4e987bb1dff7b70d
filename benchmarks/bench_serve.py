"""Requests a second and slowest answers of `mlgate serve`, against what people would reach for instead.

All servers hold the same pipeline.pkl and are loaded in turn, round after round; ratios are taken within a round, and
the median counts. MLflow comes into an environment of its own, in ~/.cache/mlgate-bench. Usage: bench_serve.py [rounds]
"""

import contextlib
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from mlgate import corpus

from table import write_table

HERE = Path(__file__).parent
PLAIN = HERE / "plain"
CACHE = Path.home() / ".cache" / "mlgate-bench"
SECONDS = 2
SHORT = "A wonderful film, full of life."
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}
LOADS = (("short", 1), ("short", 8), ("short", 64), ("reviews", 8), ("reviews", 64))
Measured = tuple[float, float]  # requests a second, 99th percentile in milliseconds


@dataclass(frozen=True)
class Contender:
    """A server to measure: how to start it, where it answers, and how it wants the texts to be called."""

    name: str
    command: list[str]
    path: str = "/predict"
    ready: str = "/health"
    key: str = "texts"
    programs: str = ""  # a folder of programs that come first: MLflow starts uvicorn by name


def measure(url: str, connections: int, bodies: Path | None) -> Measured:
    """One load of SECONDS by a compiled client. Raises RuntimeError where a request failed."""
    script = ["-s", str(PLAIN / "post.lua")] if bodies else []
    rest = ["--", str(bodies)] if bodies else []
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency", *script, url, *rest]
    if not shutil.which("wrk"):
        first = bodies.with_suffix(".first") if bodies else None
        post = ["-m", "POST", "-T", "application/json", "-D", str(first)] if first else []
        command = ["hey", "-z", f"{SECONDS}s", "-c", str(connections), *post, url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if re.search(r"Non-2xx|Socket errors|\[[45]\d\d\]|Error distribution", said):
        raise RuntimeError(f"{url}: requests failed:\n{said}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])
    slow = re.search(r"99% (?:in )?\s*([\d.]+) ?(us|ms|secs|s)", said)
    return rate, float(slow[1]) * UNITS[slow[2].removesuffix("ecs")]


@contextlib.contextmanager
def started(contender: Contender, environment: dict):
    """The server, answering: its address. Stopped at the end."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    command = [part.format(port=port) for part in contender.command]
    paths = os.pathsep.join(filter(None, (contender.programs, os.environ["PATH"])))
    log = Path(environment["LOGS"]) / f"{port}.log"
    with log.open("wb") as file:
        given = {**os.environ, **environment, "PATH": paths}
        process = subprocess.Popen(command, cwd=PLAIN, env=given, stdout=file, stderr=file)
    try:
        wait_for(f"http://127.0.0.1:{port}{contender.ready}", process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def wait_for(url: str, process: subprocess.Popen, log: Path) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=5)
            return
        if process.poll() is not None:
            break
        time.sleep(0.2)
    raise RuntimeError(f"{' '.join(process.args)} did not start:\n{log.read_text()[-2000:]}")


def mlflow(pipeline: Path, folder: Path) -> Contender | None:
    """MLflow's server, installed if need be; None, and why, where that does not work."""
    home = CACHE / "mlflow"
    try:
        if not (home / "ready").exists():
            print("Installing MLflow into an environment of its own: minutes, once.", flush=True)
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
            versions = [f"{name}=={pinned(name)}" for name in ("scikit-learn", "numpy", "joblib")]
            subprocess.run([home / "bin" / "pip", "install", "-q", "mlflow", *versions], check=True, timeout=1200)
            (home / "ready").touch()
        made = folder / "mlflow"
        subprocess.run([home / "bin" / "python", PLAIN / "mlflow_save.py", pipeline, made], check=True, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"Without MLflow: {error}")
        return None
    serve = [str(home / "bin" / "mlflow"), "models", "serve", "-m", str(made), "-p", "{port}", "--env-manager", "local"]
    serve += ["--workers", "1"]
    return Contender("`mlflow models serve`", serve, "/invocations", "/ping", "inputs", str(home / "bin"))


def pinned(name: str) -> str:
    from importlib.metadata import version

    return version(name)


def write_bodies(folder: Path, key: str) -> dict[str, Path]:
    """Files with a request a line: one short text, and real reviews from the live split."""
    reviews = corpus.split("live")["text"].tolist()[:1000]
    files = {}
    for name, texts in (("short", [SHORT]), ("reviews", reviews)):
        files[name] = folder / f"{name}-{key}.txt"
        lines = [json.dumps({key: [text]}) for text in texts]
        files[name].write_text("\n".join(lines), encoding="utf-8")
        files[name].with_suffix(".first").write_text(lines[0], encoding="utf-8")
    return files


@contextlib.contextmanager
def long_requests(url: str):
    """Somebody else sends 200 reviews a request, one request after the other."""
    texts = corpus.split("live")["text"].tolist()[:200]
    request = urllib.request.Request(url, json.dumps({"texts": texts}).encode(), {"Content-Type": "application/json"})
    stop = threading.Event()

    def send() -> None:
        while not stop.is_set():
            urllib.request.urlopen(request, timeout=60).read()

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def rounds(count: int, contenders: list[Contender], urls: dict[str, str], bodies: dict) -> dict[tuple, list[Measured]]:
    """Every contender under every load, `count` times."""
    found: dict[tuple, list[Measured]] = {}
    for _ in range(count):
        for kind, connections in LOADS if shutil.which("wrk") else LOADS[:3]:
            for it in contenders:
                result = measure(urls[it.name] + it.path, connections, bodies[it.key][kind])
                found.setdefault((kind, connections, it.name), []).append(result)
        for it in contenders[:2]:
            with long_requests(urls[it.name] + it.path):
                for kind, path, sent in (("short beside 200", it.path, bodies[it.key]["short"]),
                                         ("/health beside 200", "/health", None)):  # fmt: skip
                    found.setdefault((kind, 1, it.name), []).append(measure(urls[it.name] + path, 1, sent))
    return found


def lines_of(found: dict[tuple, list[Measured]], ours: str) -> list[tuple[str, ...]]:
    """A line for each load and contender; ratios are ours to theirs."""
    lines = []
    for (kind, connections, name), results in found.items():
        mine = found[kind, connections, ours]
        rate, slow = (statistics.median(column) for column in zip(*results, strict=True))
        ratios = [(a[0] / b[0], a[1] / b[1]) for a, b in zip(mine, results, strict=True)]
        faster, sooner = (statistics.median(column) for column in zip(*ratios, strict=True))
        lines.append((f"{kind}, {connections}", name, f"{rate:,.0f}", f"{faster:.2f}", f"{slow:.1f} ms",
                      f"{sooner:.2f}"))  # fmt: skip
    return lines


def main() -> None:
    client = next((name for name in ("wrk", "hey") if shutil.which(name)), None)
    if client is None:
        sys.exit("No compiled client here: apt install wrk (or hey). A Python client would measure itself.")
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        root = folder / "root"
        for part in ("artifacts_prod", "gate.toml"):
            source, copy = HERE.parent / part, root / part
            root.mkdir(exist_ok=True)
            shutil.copytree(source, copy) if source.is_dir() else shutil.copy(source, copy)
        pipeline = root / "artifacts_prod" / "pipeline.pkl"
        uvicorn = [sys.executable, "-m", "uvicorn", "serve:app", "--port", "{port}", "--no-access-log"]
        ours = [sys.executable, "-m", "mlgate", "--root", str(root), "serve", "--port", "{port}"]
        contenders = [
            Contender("`mlgate serve`", ours),
            Contender("plain FastAPI", uvicorn),
            Contender("FastAPI, parsing only", uvicorn, "/parse"),
        ]
        contenders += [it] if (it := mlflow(pipeline, folder)) else []
        given = {"PIPELINE": str(pipeline), "LOGS": str(folder)}
        urls = {it.name: stack.enter_context(started(it, given)) for it in contenders}
        bodies = {it.key: write_bodies(folder, it.key) for it in contenders}
        found = rounds(int(sys.argv[1]) if len(sys.argv) > 1 else 5, contenders, urls, bodies)
    print(f"Client: {client}, {SECONDS} s a load. Ratios: ours to theirs, within a round.\n")
    head = ("load, connections", "server", "requests/s", "ratio", "p99", "ratio")
    write_table("serve", lines_of(found, contenders[0].name), head)


if __name__ == "__main__":
    main()
