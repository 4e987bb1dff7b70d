"""A gate for files of answers: gate.toml and a workflow, from what is in the file."""

from pathlib import Path

from mlgate.corpus import files
from mlgate.errors import MlgateError
from mlgate.init.places import NOBODY, default_branch, repository_of, source, write_new
from mlgate.init.roles import HOLDS, Named, Roles, roles_in
from mlgate.init.words import command, text, texts

PARTS = ("label", "production", "candidate")
WORKFLOW = Path(".github/workflows/gate.yml")

POLICY = """\
# What the gate demands of a candidate: mlgate judge --policy gate.toml. What is left out has a default; a wrong key,
# type or value is refused with a sentence that names it.

[decision]
alpha = 0.05                # the chance of promoting a candidate that is no better
margin = 0.0                # by how much it must be better: 0.01 is one point; below 0: not worse by more than that

[floors]
# accuracy = 0.8            # right on so many rows at least
one_class_action = "hold"   # no better than a model that always says {most}: a person looks

[classes]                   # the rows of each label: {classes}
tolerance = 0.05            # how much worse it may get on one of them
"""
SLICES = """
[slices]                    # parts of the traffic, each with a guard of its own
required = {required}
minimum_rows = 100          # they must have so many rows: otherwise production stays
tolerance = 0.0             # how much worse it may get on one of them
"""
STEPS = """\
# Judges the candidate of each pull request and push. It fails on REJECT, and on HOLD: `fail-on: reject` lets HOLD pass.
name: gate
on:
  pull_request:
  push:
    branches: [{branch}]

permissions: {{}}

jobs:
  gate:
    name: Gate
    runs-on: ubuntu-latest
    timeout-minutes: 10
    permissions:
      contents: read # to check out
    steps:
      - name: Check out
        uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
      # Where the answers are not in the repository, have both models answer here.
      - name: Judge
        uses: {uses}
        with:
"""


def begin(folder: Path, answers: Path, named: Named, action: str | None = None) -> str:
    """Write gate.toml and a workflow for a file of answers, and return what to do with them, in words.

    folder: where gate.toml goes; the workflow goes to the top of its git repository. named: which column plays which
    part, where somebody said it. action: OWNER/NAME@COMMIT of this package on GitHub, by default where it comes from.
    Raises MlgateError where the file does not say enough, or a file is there already.
    """
    [first, *_] = files.listed([answers])
    roles = roles_in(first, PARTS, named)
    top = repository_of(folder)
    policy = folder / "gate.toml"
    uses = source(action)
    written = {
        policy: _policy(roles).encode(),
        top / WORKFLOW: _workflow(answers, policy, roles, uses).encode(),
    }
    write_new(written)
    return _said(list(written), roles, uses, _command(answers, policy, roles))


def _policy(roles: Roles) -> str:
    said = POLICY.format(most=_one_line(roles.classes[0]), classes=_one_line(", ".join(roles.classes)))
    if roles.slice and roles.slices:
        said += SLICES.format(required=texts(roles.slices))
    return said


def _one_line(words: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in words[:60])


def _workflow(answers: Path, policy: Path, roles: Roles, uses: str) -> str:
    top = repository_of(policy.parent)
    inputs = {"answers": _inside(top, answers), "policy": _inside(top, policy)}
    inputs |= {f"{part}-column": name for part, name in roles.columns.items()}
    if roles.slice:
        inputs["slice-column"] = roles.slice
    lines = [f"          {name}: {text(value)}\n" for name, value in inputs.items()]
    return STEPS.format(branch=text(default_branch(top)), uses=uses) + "".join(lines)


def _inside(top: Path, path: Path) -> str:
    """Return where a file is in the repository. Raises MlgateError where it is elsewhere: CI has nothing else."""
    try:
        return path.resolve().relative_to(top.resolve()).as_posix()
    except ValueError as error:
        raise MlgateError(f"{path} is not in the repository {top}: CI would not find it. Put it there.") from error


def _command(answers: Path, policy: Path, roles: Roles) -> str:
    words = ["mlgate", "judge", "--answers", str(answers), "--policy", str(policy)]
    for part, name in roles.columns.items():
        words += [f"--{part}-column", name]
    if roles.slice:
        words += ["--slice-column", roles.slice]
    return command(words)


def _said(written: list[Path], roles: Roles, uses: str, command: str) -> str:
    lines = [f"{HOLDS[part].capitalize()}: column {name!r}." for part, name in roles.columns.items()]
    if roles.slice:
        lines.append(f"A guard for each value of {roles.slice!r}: {_one_line(', '.join(roles.slices))}.")
    lines += [f"Written: {path}" for path in written]
    if uses == NOBODY:
        lines.append(f"The workflow uses {NOBODY}: put the owner and a commit there, or say it with --action.")
    return "\n".join([*lines, "Now, and in CI:", f"    {command}"])
