"""Rehearse the CI workflow on this machine: its own steps, read from its own file.

A bare git repository on disk stands for GitHub, a fresh clone for the runner, and small local functions for the five
actions. Of the expression language there is what the file uses; anything else is refused, so that nothing passes here
because it was overlooked. Not rehearsed: the queue (concurrency), schedules, time limits of the platform.

As a script: a truly better model is pushed to main, and the run has to bring it into production there.
Not act: it needs Docker, and what has to be tried is what happens between runs (docs/decisions/07).
MLGATE_VENV=DIR spares each clone its own environment; without it `make .venv` is rehearsed as well.
"""

import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
WORKFLOW = ".github/workflows/mlops-cicd.yaml"
KEYS = {
    "workflow": {"name", "on", "permissions", "concurrency", "defaults", "env", "jobs"},
    "job": {"name", "needs", "if", "runs-on", "timeout-minutes", "permissions", "concurrency", "outputs", "env",
            "steps", "uses", "with"},
    "step": {"name", "id", "if", "run", "uses", "with", "env"},
}  # fmt: skip
SKIP = ("[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]")
PERSON = {f"GIT_{role}_{what}": f"person{at}" for role in ("AUTHOR", "COMMITTER")
          for what, at in (("NAME", ""), ("EMAIL", "@example.org"))}  # fmt: skip

# What GitHub decides by token: who may push, and where nobody may.
HOOK = """#!/bin/sh
if [ "$REHEARSAL_TOKEN" != write ] && [ "$REHEARSAL_TOKEN" != person ]; then
    echo "Permission to the repository denied to github-actions[bot]." >&2; exit 1
elif [ -f protected ] && [ "$REHEARSAL_TOKEN" != person ]; then
    echo "GH006: Protected branch update failed." >&2; exit 1
fi
"""


class RefusedError(Exception):
    """The workflow uses something that is not rehearsed."""


# ---- expressions


class Expression:
    """One expression of a workflow: names, texts, ==, !=, &&, ||, !, parentheses, and calls of `functions`."""

    TOKEN = re.compile(r"\s*('(?:[^']|'')*'|[A-Za-z_][\w.-]*|==|!=|&&|\|\||[!(),])")

    def __init__(self, source: str, names: dict, functions: dict):
        self.source, self.names, self.functions = source, names, functions
        self.tokens = self.TOKEN.findall(source)
        if self.TOKEN.sub("", source).strip():
            raise RefusedError(f"not rehearsed in an expression: {source}")

    def value(self):
        found = self._either()
        if self.tokens:
            raise RefusedError(f"not rehearsed: {self.tokens[0]} in {self.source}")
        return found

    def _next(self, *expected: str) -> str | None:
        return self.tokens.pop(0) if self.tokens and self.tokens[0] in expected else None

    def _either(self):
        left = self._both()
        while self._next("||"):
            right = self._both()
            left = left or right
        return left

    def _both(self):
        left = self._equal()
        while self._next("&&"):
            right = self._equal()
            left = left and right
        return left

    def _equal(self):
        left = self._not()
        while mark := self._next("==", "!="):
            pair = [("" if side is None else side) for side in (left, self._not())]
            if not all(isinstance(side, str) for side in pair):
                raise RefusedError(f"only texts are compared: {self.source}")
            left = (pair[0].lower() == pair[1].lower()) == (mark == "==")
        return left

    def _not(self):
        return not self._not() if self._next("!") else self._single()

    def _single(self):
        if not self.tokens:
            raise RefusedError(f"ends too early: {self.source}")
        if self._next("("):
            found = self._either()
            self._expect(")")
            return found
        token = self.tokens.pop(0)
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if self._next("("):
            if token not in self.functions:
                raise RefusedError(f"the function {token}() is not rehearsed: {self.source}")
            arguments = []
            while not self._next(")"):
                arguments.append(self._either())
                self._next(",")
            return self.functions[token](*arguments)
        return self._look_up(token)

    def _look_up(self, name: str):
        found = self.names
        for part in name.split("."):
            if not isinstance(found, dict) or part not in found:
                # what a step, a job or an event did not set is empty; what nobody could set is a mistake
                if name.split(".")[0] in ("steps", "needs", "inputs") and found is not self.names:
                    return None
                raise RefusedError(f"{name} is not rehearsed: {self.source}")
            found = found[part]
        return found

    def _expect(self, mark: str) -> None:
        if not self._next(mark):
            raise RefusedError(f"{mark} is missing: {self.source}")


def as_text(value) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


# ---- what stands for GitHub


class Hub:
    """A bare repository, and what GitHub keeps beside it: artifacts and caches. `venv` is shared by all runners.

    branch: the name of the default branch. workflow: the file that is rehearsed.
    """

    def __init__(self, folder: Path, files: dict[str, Path | str] | None = None, venv: Path | None = None, show=None,
                 branch: str = "main", workflow: str = WORKFLOW):  # fmt: skip
        self.workflow = workflow
        self.others: dict[str, dict[str, Path]] = {}  # OWNER/NAME: the files of other repositories on this GitHub
        self.folder, self.venv, self.show = Path(folder), venv, show or (lambda line: None)
        self.branch, self.ref = branch, f"refs/heads/{branch}"
        self.remote, self.person = self.folder / "remote.git", self.folder / "person"
        self.runs = 0
        self.without: set[str] = set()  # for tests: the names of steps that no run makes
        self.person.mkdir(parents=True)
        git(self.folder, "init", "--quiet", "--bare", f"--initial-branch={branch}", str(self.remote))
        hook = self.remote / "hooks" / "pre-receive"
        hook.write_text(HOOK)
        hook.chmod(0o755)
        git(self.person, "init", "--quiet", f"--initial-branch={branch}")
        git(self.person, "remote", "add", "origin", str(self.remote))
        self._commit("Start", files or working_tree())
        self._push(f"HEAD:{self.ref}")

    def _commit(self, message: str, files: dict[str, Path | str | None]) -> None:
        for name, content in files.items():
            path = self.person / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Path):
                shutil.copy(content, path)
            elif content is None:
                path.unlink()
            else:
                path.write_text(content, encoding="utf-8")
        git(self.person, "add", "--all")
        git(self.person, "commit", "--quiet", "--allow-empty", "-m", message, **PERSON)

    def _push(self, what: str) -> None:
        git(self.person, "push", "--quiet", "--force", "origin", what, REHEARSAL_TOKEN="person")

    def push(self, message: str, files: dict[str, str | None], who: str = "person") -> "Run":
        """Somebody commits these files to main and pushes. The run that this starts has not begun yet."""
        git(self.person, "fetch", "--quiet", "origin", self.branch)
        git(self.person, "checkout", "--quiet", "-B", self.branch, "FETCH_HEAD")
        self._commit(message, files)
        before = self.tip()
        self._push(f"HEAD:{self.ref}")
        return self.event("push", self.ref, before=before)

    def pull_request(self, message: str, files: dict[str, str | None]) -> "Run":
        """Somebody proposes these changes from a fork. The run that this starts has not begun yet."""
        git(self.person, "fetch", "--quiet", "origin", self.branch)
        git(self.person, "checkout", "--quiet", "-B", "proposal", "FETCH_HEAD")
        self._commit(message, files)
        git(self.person, "checkout", "--quiet", "-B", "merged", "FETCH_HEAD")
        git(self.person, "merge", "--quiet", "--no-ff", "--no-edit", "proposal", **PERSON)
        ref = f"refs/pull/{self.runs + 1}/merge"
        self._push(f"HEAD:{ref}")
        return self.event("pull_request", ref, base_ref=self.branch)

    def dispatch(self, ref: str | None = None, **inputs) -> "Run":
        """Somebody starts the workflow by hand. The run has not begun yet."""
        return self.event("workflow_dispatch", ref or self.ref, inputs=inputs)

    def event(self, name: str, ref: str, **facts) -> "Run":
        """The run that an event starts. Raises RefusedError where it starts none."""
        self.runs += 1
        run = Run(self, self.runs, name, ref, **facts)
        if name == "push" and any(mark in self.message(ref) for mark in SKIP):
            raise RefusedError("a commit that says [skip ci] starts no workflow")
        if name not in run.workflow["on"]:
            raise RefusedError(f"the event {name} starts nothing")
        if name == "push" and ref.removeprefix("refs/heads/") not in run.workflow["on"]["push"]["branches"]:
            raise RefusedError(f"a push to {ref} starts nothing")
        return run

    def message(self, ref: str | None = None) -> str:
        return git(self.remote, "log", "-1", "--format=%B", ref or self.ref)

    def tip(self, ref: str | None = None) -> str:
        return git(self.remote, "rev-parse", ref or self.ref).strip()

    def clone(self, folder: Path) -> Path:
        """A fresh clone of main, as anybody would get it."""
        git(self.folder, "clone", "--quiet", str(self.remote), str(folder))
        return folder


def working_tree() -> dict[str, Path]:
    """This repository's files as they are now, committed or not, without what is ignored."""
    names = git(REPOSITORY, "ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")[:-1]
    return {name: REPOSITORY / name for name in names if (REPOSITORY / name).is_file()}


# ---- what stands for a run and its runners


@dataclass
class Job:
    """What came of a job: its result, its outputs, all it printed, its summary, and the steps that ran."""

    name: str
    result: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    log: str = ""
    summary: str = ""
    steps: dict[str, str] = field(default_factory=dict)
    workspace: Path | None = None


class Run:
    """One run of the workflow, as the commit at `ref` has it."""

    def __init__(self, hub: Hub, number: int, event: str, ref: str, **facts):
        """facts: what the event brings: base_ref of a pull request, before of a push, inputs of a form."""
        self.hub, self.number, self.event, self.ref, self.sha = hub, number, event, ref, hub.tip(ref)
        self.workflow = yaml.safe_load(
            git(hub.remote, "show", f"{self.sha}:{hub.workflow}").replace("\non:", '\n"on":')
        )
        know("workflow", self.workflow)
        self.github = {
            "event": {"repository": {"default_branch": hub.branch}, "before": facts.get("before", "")},
            "event_name": event,
            "ref": ref,
            "ref_name": ref.removeprefix("refs/heads/").removeprefix("refs/pull/"),
            "run_id": str(number),
            "base_ref": facts.get("base_ref", ""),
        }
        self.inputs = self._inputs(facts.get("inputs", {})) if event == "workflow_dispatch" else {}
        self._call_others()
        self.folder = hub.folder / f"run{number}"
        self.jobs: dict[str, Job] = {}
        self.environment: dict[str, str] = {}  # for tests: set in every step of the run
        self.without = set(hub.without)  # the names of steps to leave out

    def _call_others(self) -> None:
        """Take over the jobs of a workflow of another repository, where the only job calls one."""
        [caller, *more] = self.workflow["jobs"].values()
        if "uses" not in caller:
            return
        if more:
            raise RefusedError("only one job that calls another workflow is rehearsed")
        know("job", caller)
        place, _, path = caller["uses"].partition("/.github/")
        path = f".github/{path.partition('@')[0]}"
        called = yaml.safe_load(self.hub.others[place][path].read_text(encoding="utf-8").replace("\non:", '\n"on":'))
        know("workflow", called)
        declared = called["on"]["workflow_call"]["inputs"]
        names = {"inputs": self.inputs, "github": self.github, "true": True, "false": False}
        given = {name: self._fill(value, names) for name, value in caller.get("with", {}).items()}
        if unknown := set(given) - set(declared):
            raise RefusedError(f"the called workflow has no input {unknown}")
        if missing := [name for name, spec in declared.items() if spec.get("required") and not given.get(name)]:
            raise RefusedError(f"the called workflow wants {missing}")
        for job in called["jobs"].values():
            if "write" in job["permissions"].values() and caller["permissions"] != {"contents": "write"}:
                raise RefusedError("a called job may not write where its caller may not")
        self.inputs = {name: given.get(name, spec.get("default")) for name, spec in declared.items()}
        self.workflow = {**self.workflow, "defaults": called["defaults"], "jobs": called["jobs"]}

    @staticmethod
    def _fill(value, names: dict):
        """A value of `with`: an expression keeps its type."""
        whole = re.fullmatch(r"\$\{\{(.*)\}\}", str(value))
        return Expression(whole[1], names, {}).value() if whole else value

    def _inputs(self, given: dict) -> dict:
        declared = self.workflow["on"]["workflow_dispatch"]["inputs"]
        for name, value in given.items():
            if name not in declared or value not in declared[name].get("options", [value]):
                raise RefusedError(f"the form has no {name}={value}")
        return {name: given.get(name, spec["default"]) for name, spec in declared.items()}

    def finish(self) -> "Run":
        """Run the jobs that have not run yet, each after the ones it needs."""
        waiting = [name for name in self.workflow["jobs"] if name not in self.jobs]
        while waiting:
            ready = next(name for name in waiting if not set(self.needs(name)) & set(waiting))
            self.job(ready)
            waiting.remove(ready)
        return self

    def needs(self, name: str) -> list[str]:
        needed = self.workflow["jobs"][name].get("needs", [])
        return [needed] if isinstance(needed, str) else needed

    @property
    def results(self) -> dict[str, str]:
        return {name: job.result for name, job in self.jobs.items()}

    def job(self, name: str) -> Job:
        """Run one job, or skip it, and return what came of it. What it needs has run before."""
        spec = self.workflow["jobs"][name]
        know("job", spec)
        job = self.jobs[name] = Job(name)
        needed = {other: self.jobs[other] for other in self.needs(name)}
        names = {
            "github": self.github,
            "inputs": self.inputs,
            "needs": {other: {"result": done.result, "outputs": done.outputs} for other, done in needed.items()},
        }
        fine = all(done.result == "success" for done in needed.values())
        if not condition(spec.get("if"), names, fine):
            job.result = "skipped"
            self.hub.show(f"{name}: skipped")
            return job
        runner = Runner(self, job, spec, names)
        runner.work()
        self.hub.show(f"{name}: {job.result}")
        return job


class Runner:
    """A fresh machine for one job."""

    def __init__(self, run: Run, job: Job, spec: dict, names: dict):
        self.run, self.job, self.spec, self.names = run, job, spec, {**names, "steps": {}}
        self.folder = run.folder / job.name
        self.workspace = job.workspace = self.folder / "workspace"
        self.workspace.mkdir(parents=True)
        self.files = {name: self.folder / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV")}
        for path in self.files.values():
            path.touch()
        self.after: list = []
        self.path: list[str] = []

    def work(self) -> None:
        fine = True
        for number, step in enumerate(self.spec["steps"]):
            know("step", step)
            title = step["name"]
            if title in self.run.without or not condition(step.get("if"), self.names, fine, self._functions()):
                self.job.steps[title] = "skipped"
                continue
            self.files["GITHUB_OUTPUT"].write_text("")
            worked = self._uses(step) if "uses" in step else self._run(step, number)
            fine = fine and worked
            self.job.steps[title] = "success" if worked else "failure"
            self.run.hub.show(f"  {'✓' if worked else '✗'} {title}")
            outputs = dict(line.split("=", 1) for line in self.files["GITHUB_OUTPUT"].read_text().splitlines())
            if "id" in step:
                self.names["steps"][step["id"]] = {"outputs": outputs}
        for finish in self.after if fine else []:
            finish()
        self.job.result = "success" if fine else "failure"
        self.job.outputs = {key: self.fill(value) for key, value in self.spec.get("outputs", {}).items()}
        self.job.summary = self.files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")

    def fill(self, value) -> str:
        """A value of the file, its expressions replaced."""
        return re.sub(r"\$\{\{(.*?)\}\}", lambda found: as_text(self._value(found[1])), as_text(value))

    def _value(self, source: str):
        return Expression(source, self.names, self._functions()).value()

    def _functions(self) -> dict:
        return {"hashFiles": self._hash_files}

    def _hash_files(self, *patterns: str) -> str:
        found = sorted({path for pattern in patterns for path in self.workspace.glob(pattern) if path.is_file()})
        return hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in found)).hexdigest()

    def _run(self, step: dict, number: int) -> bool:
        if self.run.workflow["defaults"]["run"]["shell"] != "bash":
            raise RefusedError("only `shell: bash` is rehearsed: GitHub's default swallows failures in pipes")
        if "${{" in step["run"]:
            raise RefusedError(f"an expression inside `run`: what it holds would be executed: {step['run']}")
        script = self.folder / f"step{number}.sh"
        script.write_text(step["run"])
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
        log = self.folder / f"step{number}.log"
        with log.open("wb") as out:
            done = subprocess.run(
                command, cwd=self.workspace, env=self._environment(step), stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, timeout=60 * self.spec["timeout-minutes"], check=False,
            )  # fmt: skip
        said = log.read_text(encoding="utf-8", errors="replace")
        self.job.log += said
        if done.returncode:
            self.run.hub.show("    " + "\n    ".join(said.splitlines()[-20:]))
        return done.returncode == 0

    def _environment(self, step: dict) -> dict[str, str]:
        own = clean_environment()
        own["PATH"] = os.pathsep.join([*self.path, own["PATH"]])
        own |= {"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_RUN_ID": str(self.run.number)}
        own |= {"GITHUB_SERVER_URL": "https://github.example", "GITHUB_REPOSITORY": "someone/something"}
        own |= {name: str(path) for name, path in self.files.items()}
        if self.run.hub.venv:
            code = ".mlgate/lib" if self.run.hub.others else "lib"
            own |= {"MLGATE_VENV": str(self.run.hub.venv), "PYTHONPATH": str(self.workspace / code)}
        for part in (self.run.workflow, self.spec, step):
            own |= {name: self.fill(value) for name, value in (part.get("env") or {}).items()}
        own |= dict(line.split("=", 1) for line in self.files["GITHUB_ENV"].read_text().splitlines())
        return own | self.run.environment

    # ---- the actions

    def _uses(self, step: dict) -> bool:
        action = step["uses"].split("@")[0]
        options = {name: self.fill(value) for name, value in (step.get("with") or {}).items()}
        does = {
            "actions/checkout": self._checkout,
            "actions/setup-python": self._setup_python,
            "actions/cache": self._cache,
            "actions/upload-artifact": self._upload,
            "actions/download-artifact": self._download,
        }
        if action not in does:
            raise RefusedError(f"the action {action} is not rehearsed")
        try:
            does[action](**{name.replace("-", "_"): value for name, value in options.items()})
        except OSError as error:
            self.job.log += f"{action}: {error}\n"
            self.run.hub.show(f"    {error}")
            return False
        return True

    def _checkout(self, persist_credentials: str, ref: str = "", fetch_depth: str = "1", repository: str = "",
                  path: str = "") -> None:  # fmt: skip
        if repository:
            for name, file in self.run.hub.others[repository].items():
                target = self.workspace / path / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target)
            return
        remote = f"file://{self.run.hub.remote}"  # a path would make git link files instead of sending them
        what = ref or self.run.sha
        git(self.workspace, "init", "--quiet")
        git(self.workspace, "remote", "add", "origin", remote)
        everything = ["+refs/heads/*:refs/remotes/origin/*"] if fetch_depth == "0" else []
        depth = [] if fetch_depth == "0" else [f"--depth={fetch_depth}"]
        git(self.workspace, "fetch", "--quiet", "--no-tags", *depth, "origin", what, *everything)
        commit = git(self.workspace, "rev-parse", "FETCH_HEAD").strip()
        git(self.workspace, "checkout", "--quiet", "--detach", commit)
        if persist_credentials == "true":
            may = self.spec["permissions"]["contents"] if self.run.event != "pull_request" else "read"
            git(self.workspace, "config", "remote.origin.receivepack", f"REHEARSAL_TOKEN={may} git-receive-pack")

    def _setup_python(self, python_version: str, cache: str = "pip", cache_dependency_path: str = "") -> None:
        if cache_dependency_path and not (self.workspace / cache_dependency_path).is_file():
            raise FileNotFoundError(cache_dependency_path)
        tools = self.folder / "tools"
        tools.mkdir()
        for name in ("python", "python3"):  # this machine's own, without the environment that the rehearsal runs in
            (tools / name).symlink_to(getattr(sys, "_base_executable", sys.executable))
        self.path.insert(0, str(tools))

    def _cache(self, path: str, key: str) -> None:
        kept = self.run.hub.folder / "caches" / hashlib.sha256(key.encode()).hexdigest()
        if kept.is_dir():
            shutil.copytree(kept, self.workspace / path)
        elif self.run.event != "pull_request":  # what a pull request keeps, main does not see
            self.after.append(lambda: (self.workspace / path).is_dir() and shutil.copytree(self.workspace / path, kept))

    def _upload(self, name: str, path: str, if_no_files_found: str, overwrite: str) -> None:
        store = self.run.folder / "artifacts" / name
        found = [Path(hit) for line in path.split() for hit in glob.glob(str(self.workspace / line))]
        if not found and if_no_files_found == "error":
            raise FileNotFoundError(path)
        shutil.rmtree(store, ignore_errors=True)
        hidden = shutil.ignore_patterns(".*")
        if len(path.split()) == 1 and found[0].is_dir():  # one folder: its inside becomes the artifact's root
            shutil.copytree(found[0], store, ignore=hidden)
            return
        for hit in found:
            shutil.copytree(hit, store / hit.relative_to(self.workspace), ignore=hidden)

    def _download(self, name: str, path: str) -> None:
        shutil.copytree(self.run.folder / "artifacts" / name, self.workspace / path)


def condition(source, names: dict, fine: bool, functions: dict | None = None) -> bool:
    """Does a job or a step with this `if` run? `fine`: nothing before it failed."""
    source = "success()" if source is None else re.sub(r"^\$\{\{(.*)\}\}$", r"\1", str(source).strip(), flags=re.S)
    asks = {"success": lambda: fine, "failure": lambda: not fine, "always": lambda: True, "cancelled": lambda: False}
    value = Expression(source, names, {**(functions or {}), **asks}).value()
    return bool(value) and (fine or any(f"{name}()" in source for name in asks))


def know(part: str, spec: dict) -> None:
    if unknown := set(spec) - KEYS[part]:
        raise RefusedError(f"not rehearsed in a {part}: {', '.join(sorted(unknown))}")


def clean_environment() -> dict[str, str]:
    """This machine's environment without what belongs to the one who rehearses: git's, Python's, mlgate's, GitHub's."""
    own = {name: value for name, value in os.environ.items()
           if not re.match("GIT_|GITHUB_|RUNNER_|PYTHON|MLGATE|VIRTUAL_ENV|MAKE|MFLAGS|PYTEST|COV", name)}  # fmt: skip
    mine = str(Path(sys.prefix) / "bin")
    own["PATH"] = os.pathsep.join(part for part in own["PATH"].split(os.pathsep) if part != mine)
    return own | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def git(folder: Path, *arguments: str, **environment: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, env=clean_environment() | environment, text=True,
                          capture_output=True, check=False)  # fmt: skip
    if done.returncode:
        raise OSError(f"git {' '.join(arguments)}: {done.stderr}")
    return done.stdout


def main() -> int:
    """Push a truly better model to main, and see it arrive in production."""
    venv = os.environ.get("MLGATE_VENV")
    with tempfile.TemporaryDirectory(prefix="mlgate-rehearsal-") as folder:
        hub = Hub(Path(folder) / "hub", venv=Path(venv) if venv else None, show=lambda line: print(line, flush=True))
        before = hub.tip()
        policy = (REPOSITORY / "gate.toml").read_text(encoding="utf-8")
        run = hub.push("A better model", {"gate.toml": re.sub('recipe = "[a-z_]+"', 'recipe = "challenger"', policy)})
        run.finish()
        print("\n" + run.jobs["gate"].summary)
        clone = hub.clone(Path(folder) / "clone")
        changed = git(clone, "diff", "--name-only", before, "HEAD").split()
        print(f"main: {hub.message().splitlines()[0]}; changed: {', '.join(changed)}")
        good = run.jobs["record"].result == "success" and hub.message().startswith("Promote ")
    print("The rehearsal ended well." if good else "The better model did not reach main: see above.")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
