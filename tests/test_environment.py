"""Whoever sets this up, with make, conda or Binder, gets the same versions; `make reset` takes only what it says."""

import ast
import configparser
import importlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import mlgate

import pytest
from packaging.requirements import Requirement
from tickets import tickets

ROOT = Path(__file__).parents[1]
BESIDE = ("mlflow", "dask")  # in an environment of their own, which is not locked
PIN = re.compile(r"^([a-z0-9-]+)(?:\[[a-z,-]+\])?==(\S+?)(?: ; (.+?))?(?: \\)?$", re.MULTILINE)
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
ENVIRONMENT = (ROOT / "environment.yml").read_text(encoding="utf-8")


def asked_for() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [line for name, lines in project["optional-dependencies"].items() if name not in BESIDE for line in lines]
    found = [Requirement(line) for line in project["dependencies"] + extras]
    return [requirement for requirement in found if requirement.name != "mlgate"]  # an extra that goes on from another


def locked() -> dict[str, str]:
    return {name: version for name, version, _ in PIN.findall(LOCK)}


def test_environment_names_each_dependency_once_with_its_locked_version():
    listed = re.findall(r"^ +- ([a-z0-9-]+)==(\S+)", ENVIRONMENT, re.MULTILINE)
    expected = [(requirement.name, locked()[requirement.name]) for requirement in asked_for()]
    assert sorted(listed) == sorted(expected), "see 'Add or upgrade a dependency' in CONTRIBUTING.md"


def test_environment_says_what_each_dependency_is_for():
    lines = [line for line in ENVIRONMENT.splitlines() if "==" in line]
    assert [line for line in lines if not re.search(r" # \S", line)] == []


def test_what_dependencies_bring_along_has_its_locked_version_in_conda_too():
    assert PIN.findall((ROOT / "constraints.txt").read_text(encoding="utf-8")) == PIN.findall(LOCK)
    assert "- -c constraints.txt\n" in ENVIRONMENT


def test_environment_installs_mlgate_itself():
    assert ENVIRONMENT.endswith("- -e .\n")


def test_environment_python_is_one_that_we_support():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    python = re.search(r"^  - python=(\S+)$", ENVIRONMENT, re.MULTILINE)[1]
    assert python in Requirement(f"python{project['requires-python']}").specifier


def test_lock_satisfies_the_project():
    versions = locked()
    assert [str(asked) for asked in asked_for() if versions[asked.name] not in asked.specifier] == []


def test_lock_has_one_version_a_package_and_a_hash_for_each():
    entries = [entry for entry in re.split(r"\n(?=\S)", LOCK) if not entry.startswith("#")]
    assert [entry for entry in entries if not (PIN.match(entry) and "    --hash=sha256:" in entry)] == []
    assert len(locked()) == len(entries)


def test_lock_pins_what_is_asked_for_with_an_extra_as_it_is_asked_for():
    # pip takes `coverage==1` for no pin of `coverage[toml]` once there is a newer one, and refuses the whole lock
    asked = [Requirement(line) for found in importlib.metadata.distributions() for line in found.requires or []]
    bare = {name for name in locked() if f"\n{name}==" in LOCK}
    with_extra = {found.name for found in asked if found.extras and (not found.marker or found.marker.evaluate())}
    assert with_extra & bare == set()


def test_lock_names_no_address():
    assert "://" not in LOCK
    assert "index-url" not in LOCK


def imported() -> set[str]:
    """The top-level names that lib/ imports, the standard library's and our own left out."""
    found = set()
    for path in (ROOT / "lib").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            if isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module)
    return {name.partition(".")[0] for name in found} - sys.stdlib_module_names - {"mlgate"}


@pytest.mark.slow
def test_the_contract_of_record_names_every_third_party_package():
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    contracts = tools["importlinter"]["contracts"]
    [contract] = [contract for contract in contracts if contract["id"] == "standard-library"]
    assert set(contract["forbidden_modules"]) == imported()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE", "gate.toml"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    shutil.copytree(ROOT / "lib", folder / "lib", ignore=shutil.ignore_patterns("*.egg-info"))
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", "dist", "."]
    do(build, folder)
    [wheel] = (folder / "dist").glob("*.whl")
    return wheel


@pytest.mark.slow
def test_a_wheel_brings_types_and_pages_along(wheel):
    assert {"mlgate/py.typed", "mlgate/service/page.html"} <= set(zipfile.ZipFile(wheel).namelist())


@pytest.mark.slow
def test_a_wheel_and_its_three_dependencies_judge_answers_in_an_empty_folder(wheel, tmp_path):
    """In an environment where nothing else is installed, and a folder where nothing can be written."""
    venv.create(tmp_path / "empty", symlinks=True)
    python = tmp_path / "empty" / "bin" / "python"
    [packages] = (tmp_path / "empty" / "lib").glob("python*/site-packages")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-index", "--no-deps"]
    do([*pip, str(wheel)], tmp_path)
    for name in ("numpy", "pyarrow", "scipy"):
        for path in Path(importlib.import_module(name).__file__).parents[1].glob(f"{name}*"):
            (packages / path.name).symlink_to(path)
    folder = tmp_path / "folder"
    folder.mkdir()
    rows = tmp_path / "rows.csv"
    rows.write_text("label,old,new\n" + "a,b,a\n" * 60 + "b,b,a\n" * 20 + "a,a,a\nb,b,b\n" * 300)
    folder.chmod(0o500)
    columns = ["--production-column", "old", "--candidate-column", "new"]
    command = [python.with_name("mlgate"), "judge"]
    done = subprocess.run([*command, "--answers", rows, *columns], cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\nPromote new model\n")
    assert list(folder.iterdir()) == []
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "tickets.csv").write_text(tickets(200))
    init = [command[0], "init", mine, "--data", mine / "tickets.csv", "--label-column", "queue"]
    done = subprocess.run(init, cwd=mine, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert (mine / "notebooks" / "02_train_candidate.ipynb").is_file()
    models = ["--production", rows, "--candidate", rows, "--data", rows]
    done = subprocess.run([*command, *models], cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(
        r"mlgate: \w+ is not installed. It comes with mlgate\[sklearn\]: pip install with the path of a clone, .*\n",
        done.stderr,
    )


def test_the_citation_names_the_version_there_is():
    assert f"\nversion: {mlgate.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_a_container_has_a_python_that_we_support_and_sets_up_as_people_do():
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    image, python = container["image"].split(":")
    assert (image, container["postCreateCommand"]) == ("python", "make .venv")
    assert python in Requirement(f"python{project['requires-python']}").specifier
    assert 8000 in container["forwardPorts"]


def test_editors_and_ruff_agree():
    editors = configparser.ConfigParser()
    editors.read_string("[*everywhere]\n" + (ROOT / ".editorconfig").read_text(encoding="utf-8"))
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]
    assert editors.getint("*.py", "max_line_length") == ruff["line-length"]
    assert editors["Makefile"]["indent_style"] == "tab"


def test_production_and_the_policy_have_owners_and_adopt_says_whom_to_name():
    lines = (ROOT / ".github/CODEOWNERS").read_text(encoding="utf-8").splitlines()
    owned = [line.split() for line in lines if line and not line.startswith("#")]
    assert {"/artifacts_prod/", "/gate.toml"} <= {path for path, *_ in owned}
    assert "`.github/CODEOWNERS`" in (ROOT / "docs/ADOPT.md").read_text(encoding="utf-8")


def do(command: list[str], folder: Path) -> str:
    """Run in `folder`, whatever repository a git hook may be running us for. Returns what it printed."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(command, cwd=folder, env=surroundings, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def copy(tmp_path):
    """A committed copy in which a learner has promoted something and edited a notebook."""
    files = {
        "artifacts_prod/pipeline.pkl": "good",
        "artifacts_candidate/README.md": "what will be here",
        "notebooks/01_first.ipynb": "{}",
        "gate.toml": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / ".gitignore", tmp_path)
    do(["git", "init"], tmp_path)
    do(["git", "add", "."], tmp_path)
    do(["git", "-c", "user.name=x", "-c", "user.email=x", "-c", "commit.gpgsign=false", "commit", "-m", "x"], tmp_path)
    for name in ("artifacts_prod/cards", "runs"):
        (tmp_path / name).mkdir()
    (tmp_path / "artifacts_prod/pipeline.pkl").write_text("mine")
    (tmp_path / "artifacts_prod/cards/mine.json").write_text("{}")
    (tmp_path / "artifacts_prod/.promotion").write_text("left over")
    (tmp_path / "artifacts_candidate/pipeline.pkl").write_text("mine")
    (tmp_path / "runs/04.ipynb").write_text("{}")
    (tmp_path / "notebooks/01_first.ipynb").write_text('{"mine": true}')
    (tmp_path / "notebooks/my_own.ipynb").write_text("{}")
    return tmp_path


@pytest.mark.skipif(not (shutil.which("make") and shutil.which("git")), reason="needs make and git")
@pytest.mark.parametrize("staged", [False, True])
def test_reset_returns_the_artifacts_to_the_commit_and_keeps_what_people_wrote(copy, staged):
    if staged:
        do(["git", "add", "."], copy)
    printed = do(["make", "reset"], copy)
    left = {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file() and ".git" not in path.parts}
    assert left == {
        "Makefile",
        ".gitignore",
        "gate.toml",
        "artifacts_prod/pipeline.pkl",
        "artifacts_candidate/README.md",
        "notebooks/01_first.ipynb",
        "notebooks/my_own.ipynb",
    }
    assert (copy / "artifacts_prod/pipeline.pkl").read_text() == "good"
    assert (copy / "notebooks/01_first.ipynb").read_text() == '{"mine": true}'
    assert do(["git", "status", "--porcelain", "artifacts_prod", "artifacts_candidate", "runs"], copy) == ""
    assert "To undo them too: git restore" in printed


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_setting_up_leaves_alone_the_environment_that_a_link_points_to(tmp_path):
    others, folder = tmp_path / "others", tmp_path / "clone"
    (others / "bin").mkdir(parents=True)
    (others / "bin/tool").write_text("somebody needs it")
    folder.mkdir()
    (folder / ".venv").symlink_to(others)
    (folder / "requirements.lock").touch()
    (folder / "pyproject.toml").write_text("this ends the set-up")
    shutil.copy(ROOT / "Makefile", folder)
    plain = {name: value for name, value in os.environ.items() if name not in ("MLGATE_VENV", "MAKEFLAGS")}
    subprocess.run(["make", ".venv", f"PYTHON={sys.executable}"], cwd=folder, env=plain, check=False)
    assert [str(path.relative_to(others)) for path in others.rglob("*")] == ["bin", "bin/tool"]
    assert (folder / ".venv/bin/python").exists()
    assert not (folder / ".venv").is_symlink()
