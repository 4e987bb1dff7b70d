"""Each "Try it" has a folded solution that runs: after the cells that it needs, and in no other order."""

import ast
import builtins
import re
from pathlib import Path

from mlgate import artifacts, corpus, recipes
from mlgate.root import Root
from mlgate.selftest import incidents

import nbformat
import pytest
from conftest import REPOSITORY

SOLUTION = re.compile(r"<details><summary>(A solution|What is seen)</summary>(.*?)</details>", re.DOTALL)
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)
NOTEBOOKS = [
    REPOSITORY / f"notebooks/{path.stem}.ipynb" for path in sorted(REPOSITORY.glob("notebooks/quizzes/*.json"))
]
SMALL = ("01", "02", "03", "04")  # for these a small corpus will do; the others make a classroom or a laboratory


def cells_of(path: Path, kind: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def try_it(path: Path) -> str:
    """What stands under "Try it"."""
    text = "\n".join(cell.source for cell in cells_of(path, "markdown"))
    return text.partition("## Try it")[2].partition("\n## ")[0]


def solutions(path: Path) -> list[str]:
    return [code for _, text in SOLUTION.findall(try_it(path)) for code in CODE.findall(text)]


def names(code: str) -> tuple[set[str], set[str]]:
    """Return the names that some code takes from outside, roughly, and those that it gives."""
    nodes = list(ast.walk(ast.parse(code)))
    given = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    given |= {(alias.asname or alias.name) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)
              for alias in node.names}  # fmt: skip
    taken = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return taken - given - set(vars(builtins)), given


def needed(path: Path) -> list[str]:
    """The notebook's cells that its solutions need, directly or not, in their order."""
    cells = [cell.source for cell in cells_of(path, "code")]
    wanted = set().union(*(names(code)[0] for code in solutions(path)))
    chosen = []
    for cell in reversed(cells):
        taken, given = names(cell)
        if given & wanted:
            chosen.insert(0, cell)
            wanted |= taken
    return chosen


@pytest.fixture
def root_with_candidate(root_with_production) -> Root:
    recipe = recipes.named("noisy_labels")
    rows = corpus.split("train", root_with_production)
    artifacts.write_candidate(root_with_production, recipe.train(rows), recipe.facts(rows))
    return root_with_production


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem[:2])
def test_each_thing_to_try_has_a_solution(path):
    asked = re.findall(r"^- ", try_it(path), re.MULTILINE)
    assert len(SOLUTION.findall(try_it(path))) == len(asked) > 0


@pytest.mark.long
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem[:2])
def test_the_solutions_run(path, request, monkeypatch):
    monkeypatch.setattr(incidents, "INCIDENTS", dict(incidents.INCIDENTS))
    root = REPOSITORY
    if path.stem[:2] in SMALL:
        root = request.getfixturevalue("root_with_candidate").path
    monkeypatch.setenv("MLGATE_ROOT", str(root))
    space = {"__name__": path.stem}
    try:
        for code in [*needed(path), *solutions(path)]:
            exec(compile(code, path.stem, "exec"), space)
    finally:
        for name in ("room", "session", "rooms"):
            if name in space and hasattr(space[name], "close"):
                space[name].close()
