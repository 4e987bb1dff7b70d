"""A gated pipeline for somebody's labelled texts: all that a repository needs to train, judge, promote and serve."""

import json
import re
import tomllib
from pathlib import Path

from mlgate.corpus import files
from mlgate.errors import MlgateError
from mlgate.init.places import NOBODY, default_branch, repository_of, source, write_new
from mlgate.init.roles import HOLDS, Named, Roles, roles_in
from mlgate.init.words import text, texts
from mlgate.root import policy_from, read_file, shipped, write_atomically

PARTS = ("text", "label")
NOTEBOOKS = "0[1-5]_*"
LINK = re.compile(r"\[([^\]]+)\]\(\.\./[^)]*\)")  # to a document that stays behind
IGNORED = (
    ".venv/",
    "__pycache__/",
    ".ipynb_checkpoints/",
    ".mlgate-cache/",
    ".mlgate.lock",
    "/artifacts_candidate/",
    "/artifacts_prod/.*",
    "/labels/",
    "/runs/",
    "/watch/",
)
ENOUGH = 1_200  # rows of a slice: a tenth of them are validation rows, and slices are judged from 100 on

RECIPES = '''\
"""Ways to train a model of our own. `mlgate recipes` lists them; [candidate] in gate.toml names the one that CI trains.

A recipe takes the training rows, a DataFrame with columns text and label, and returns a fitted scikit-learn Pipeline.
The same rows must give the same model: where there is chance in it, set random_state.
"""

from mlgate.recipes import logistic_regression, recipe


@recipe()
def letters(rows):
    """Groups of two to four letters, the 20,000 most frequent: for short texts, typing errors, many languages."""
    model = logistic_regression(analyzer="char_wb", ngram_range=(2, 4), max_features=20_000)
    return model.fit(rows["text"], rows["label"])
'''
WORKFLOW = """\
# Each push to the default branch trains what gate.toml names under [candidate], judges it, and rejects or promotes it.
# Pull requests get a preview. What the steps do: https://github.com/{owner}/blob/{commit}/.github/workflows/gate.yaml
name: gate
on:
  pull_request:
  push:
    branches: [{branch}]
  schedule:
    - cron: "23 4 * * 1" # Mondays: data and versions may have changed though no code did
  workflow_dispatch:
    inputs:
      what:
        description: "run: train and judge the recipe below. The other two need none"
        type: choice
        options: [run, rollback, refresh]
        default: run
      recipe:
        description: How to train it (empty for the one in gate.toml)
        type: string
        default: ""
      submit:
        description: Take the exam on the holdout, which may cost a look, and do what it decides (otherwise a preview)
        type: boolean
        default: false

permissions: {{}}

# Runs on one branch wait for each other, in order, and none is dropped. Pull requests do not wait.
concurrency:
  group: gate-${{{{ github.event_name == 'pull_request' && github.run_id || github.ref }}}}
  cancel-in-progress: false
  queue: max

jobs:
  gate:
    name: Gate
    permissions:
      contents: write # for the job that records what was decided; all others read
    uses: {owner}/.github/workflows/gate.yaml@{commit}
    with:
      mlgate: {owner}
      mlgate-ref: {commit}
      what: ${{{{ inputs.what || 'run' }}}}
      recipe: ${{{{ inputs.recipe || '' }}}}
      submit: ${{{{ inputs.submit || false }}}}
"""


def begin_pipeline(folder: Path, data: Path, named: Named, action: str | None = None) -> str:
    """Write gate.toml, recipes.py, notebooks and a workflow for a file of labelled texts; return what to do next.

    folder: the top of a repository; the file has to be inside. named, action: as for `begin`. Raises MlgateError where
    the file does not say enough, or something else is there already.
    """
    _require_top(folder)
    roles = roles_in(data, PARTS, named, ENOUGH)
    _require_texts(data, roles)
    uses = source(action)
    owner, _, commit = uses.partition("@")
    policy = _policy(folder, data, roles)
    policy_from(tomllib.loads(policy))
    workflow = WORKFLOW.format(branch=text(default_branch(folder)), owner=owner, commit=commit)
    written = {
        folder / "gate.toml": policy.encode(),
        folder / "recipes.py": RECIPES.encode(),
        folder / ".github/workflows/gate.yml": workflow.encode(),
        **{folder / "notebooks" / name: content for name, content in _notebooks().items()},
    }
    write_new(written)
    write_atomically(folder / ".gitignore", _ignored(folder / ".gitignore"))
    return _said(folder, roles, uses)


def _require_top(folder: Path) -> None:
    top = repository_of(folder)
    if (top / ".git").exists() and top.resolve() != folder.resolve():
        raise MlgateError(f"{folder} is inside the repository {top}. A pipeline is the top of one: mlgate init {top} …")


def _require_texts(data: Path, roles: Roles) -> None:
    """Raise MlgateError where the column of texts holds numbers, or a few words again and again."""
    name = roles.columns["text"]
    batch = next(files.read(data, [name], texts=[name]))
    values = [value for value in batch.column(name).to_pylist() if value]
    letters = sum(1 for value in values if re.search(r"[^\W\d_].*\s.*[^\W\d_]", value))
    if 2 * letters < len(values):
        raise MlgateError(
            f"{data}: column {name!r} holds no texts. Name another with --text-column; for a table, have both models"
            " answer and judge their answers: mlgate init --answers"
        )


def _policy(folder: Path, data: Path, roles: Roles) -> str:
    """Return this package's gate.toml, with all its comments, for other data."""
    try:
        said = read_file(shipped() / "gate.toml").decode().partition("# [corpus]")[0]
    except OSError as error:
        raise MlgateError("No gate.toml came with this package. Install mlgate again.") from error
    floor = 1 / len(roles.classes)
    changes = {
        r"^recipe = .*$": 'recipe = "baseline"         # one of `mlgate recipes`: yours are in recipes.py',
        r"^required = .*$": f"required = {texts(roles.slices)}  # must be there, and large enough, or production stays",
        r"^accuracy = .*$": f"accuracy = {floor:.2f}             # an absolute floor: raise it once you know your data",
        r" \(here: the source of a review\)": "",
        r" `docs/GLOSSARY.md` explains the words\.": "",
    }
    for pattern, line in changes.items():
        said = re.sub(pattern, line.replace("\\", r"\\"), said, count=1, flags=re.MULTILINE)
    lines = {"path": _inside(folder, data), **{f"{part}_column": name for part, name in roles.columns.items()}}
    if roles.slice:
        lines["slice_column"] = roles.slice
    own = "".join(f"{key} = {text(value)}\n" for key, value in lines.items())
    return f"{said}[corpus]                    # the labelled texts\n{own}"


def _inside(folder: Path, data: Path) -> str:
    try:
        return data.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError as error:
        raise MlgateError(f"{data} is not in {folder}: CI would not find it. Put it there first.") from error


def _notebooks() -> dict[str, bytes]:
    """Return the notebooks of the pipeline and their quizzes, without links to what stays behind."""
    home = shipped() / "notebooks"
    found = {path.name: _alone(read_file(path)) for path in sorted(home.glob(f"{NOTEBOOKS}.ipynb"))}
    if not found:
        raise MlgateError("No notebooks came with this package. Install mlgate again.")
    quizzes = home / "quizzes"
    return found | {f"quizzes/{path.name}": read_file(path) for path in sorted(quizzes.glob(f"{NOTEBOOKS}.json"))}


def _alone(data: bytes) -> bytes:
    notebook = json.loads(data)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            source = LINK.sub(r"\1", "".join(cell["source"]))
            cell["source"] = source.splitlines(keepends=True)
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def _ignored(path: Path) -> bytes:
    """Return a .gitignore's content with what a pipeline leaves behind."""
    there = path.read_bytes() if path.is_file() else b""
    missing = [name for name in IGNORED if name not in there.decode(errors="replace").splitlines()]
    if there and not there.endswith(b"\n"):
        there += b"\n"
    return there + "".join(f"{name}\n" for name in missing).encode()


def _said(folder: Path, roles: Roles, uses: str) -> str:
    lines = [f"{HOLDS[part].capitalize()}: column {name!r}." for part, name in roles.columns.items()]
    if roles.slice:
        lines.append(f"A guard for each value of {roles.slice!r}.")
    lines.append(f"Written into {folder}: gate.toml, recipes.py, notebooks/, .github/workflows/gate.yml, .gitignore")
    if uses == NOBODY:
        lines.append(f"The workflow uses {NOBODY}: put the owner and a commit there, or say it with --action.")
    return "\n".join([*lines, "Now:", f"    mlgate --root {folder} run", "Then commit, and push: CI does the same."])
