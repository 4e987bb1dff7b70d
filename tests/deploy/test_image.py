"""deploy/Dockerfile, without Docker: what it copies is there and enough, what it starts is a command."""

import json
import re
import shlex
import tomllib

from mlgate.cli.parser import make_parser

from conftest import REPOSITORY

LINES = (REPOSITORY / "deploy/Dockerfile").read_text(encoding="utf-8").splitlines()
ROOT = (REPOSITORY / "tests/test_environment.py").read_text(encoding="utf-8")


def instructions(name: str) -> list[str]:
    return [line.removeprefix(f"{name} ") for line in LINES if line.startswith(f"{name} ")]


def test_it_copies_what_the_wheel_is_built_of_and_the_versions():
    copied = [word for line in instructions("COPY") for word in line.split()[:-1]]
    assert [name for name in copied if not (REPOSITORY / name).exists()] == []
    [(files, folder)] = re.findall(r'for name in \(("pyproject\.toml".*?)\):.*?ROOT / "(notebooks)"', ROOT, re.DOTALL)
    assert set(copied) == {*re.findall(r'"([^"]+)"', files), folder, "lib", "constraints.txt"}


def test_it_installs_an_extra_that_there_is_and_runs_as_nobody_special():
    [run] = instructions("RUN")
    extra = re.search(r"\.\[(\w+)\]", run)[1]
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert extra in project["optional-dependencies"]
    [user] = instructions("USER")
    assert f"useradd --system {user}" in run


def test_it_starts_the_service_and_asks_it_whether_it_is_well():
    [start] = map(json.loads, instructions("CMD"))
    options = make_parser().parse_args(start[1:])
    assert (start[0], options.host, options.port) == ("mlgate", "0.0.0.0", 8000)
    [check] = instructions("HEALTHCHECK")
    program = json.loads(check.removeprefix("CMD "))
    compile(program[2], "healthcheck", "exec")
    assert f":{options.port}/health" in program[2]


def test_the_page_names_the_image_and_mounts_what_it_serves():
    page = (REPOSITORY / "deploy/SERVE.md").read_text(encoding="utf-8")
    assert shlex.split(re.search(r"docker build .*", page)[0])[3] == "deploy/Dockerfile"
    [start] = map(json.loads, instructions("CMD"))
    assert f":{start[2]}:ro" in page
