"""The numbered notebooks as files: where they are, which parameters they declare, what they import."""

import ast
import contextlib
import json
from pathlib import Path
from typing import Any

from mlgate.errors import MlgateError
from mlgate.root import Root, shipped

Parameters = dict[str, object]  # each name and its value
Cell = dict[str, Any]

# What a kernel does before its notebook needs it: that notebook's imports, reading the corpus (which stays in memory),
# and a drawing, which loads the fonts.
WARM_UP = """
import contextlib, io, sys
for line in {imports}:
    with contextlib.suppress(Exception):
        exec(line, {{}})
if "mlgate.corpus" in sys.modules:
    with contextlib.suppress(Exception):
        sys.modules["mlgate.corpus"].load(sys.modules["mlgate.root"].find_root())
if "matplotlib" in sys.modules:
    __import__("matplotlib.figure").figure.Figure().add_subplot(title="fonts").figure.savefig(io.BytesIO())
"""

QUIETLY = """
import contextlib
with contextlib.suppress(Exception):
    exec({code!r})
"""


def find(root: Root) -> dict[str, Path]:
    """Find the numbered notebooks by name: the root's own, else those that come with this package.

    Raises MlgateError if there are none.
    """
    folders = [root.path / "notebooks", shipped() / "notebooks"]
    for folder in folders:
        if found := sorted(folder.glob("[0-9][0-9]_*.ipynb")):
            return {path.stem: path for path in found}
    raise MlgateError(f"No notebook called NN_*.ipynb in {' or '.join(map(str, folders))}. Run: mlgate init")


def pick(found: dict[str, Path], number: str) -> Path:
    """Return the one notebook whose name starts with `number`, such as "02". Raises MlgateError unless there is one."""
    matching = [path for stem, path in found.items() if stem.startswith(f"{number}_")]
    if len(matching) != 1:
        raise MlgateError(
            f"{len(matching)} notebooks start with {number}_; it takes one. There are: {', '.join(found)}."
        )
    return matching[0]


def read_parameters(path: Path) -> Parameters:
    """Read what the notebook's cell tagged `parameters` declares: each name and its default value.

    Raises MlgateError unless there is exactly one such cell, and it does nothing but give names to literals.
    """
    tagged = [cell for cell in cells_of(path) if "parameters" in cell["metadata"].get("tags", [])]
    if len(tagged) != 1:
        raise MlgateError(f"{path} has {len(tagged)} cells tagged `parameters`; it takes exactly one.")
    try:
        body = ast.parse("".join(tagged[0]["source"])).body
        return dict(_declared(statement) for statement in body)
    except (SyntaxError, TypeError, ValueError) as error:
        raise MlgateError(f"The cell tagged `parameters` in {path} may only hold lines like NAME = 0.5.") from error


def _declared(statement: ast.stmt) -> tuple[str, object]:
    """Return the name and the value of a line like NAME = 0.5. Raises ValueError or TypeError for any other line."""
    target: ast.expr
    if isinstance(statement, ast.Assign):
        [target] = statement.targets
        value = statement.value
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        target = statement.target
        value = statement.value
    else:
        raise ValueError("no assignment")
    if not isinstance(target, ast.Name):
        raise ValueError("no name")
    return target.id, ast.literal_eval(value)


def check_parameters(path: Path, parameters: Parameters) -> None:
    """Refuse, with MlgateError, a parameter that the notebook does not declare: papermill would only log it."""
    declared = read_parameters(path)
    for name in parameters:
        if name not in declared:
            raise MlgateError(f"{path.stem} has no parameter {name}. It has: {', '.join(declared) or 'none'}.")


def warm_up(path: Path) -> str:
    """Return code that imports what the notebook imports: the notebook starts sooner, and does nothing else."""
    imports = []
    for cell in code_of(cells_of(path)):
        with contextlib.suppress(SyntaxError):  # a magic
            body = ast.parse("".join(cell["source"])).body
            imports += [ast.unparse(line) for line in body if isinstance(line, ast.Import | ast.ImportFrom)]
    return WARM_UP.format(imports=imports)


def quietly(code: str) -> str:
    """Return code that does the same, and raises nothing."""
    if not code:
        return ""
    return QUIETLY.format(code=code)


def cells_of(path: Path) -> list[Cell]:
    """Read the notebook's cells. Raises MlgateError where the file is no notebook."""
    try:
        cells: list[Cell] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError) as error:
        raise MlgateError(f"{path} is not a notebook ({type(error).__name__}).") from error
    return cells


def code_of(cells: list[Cell]) -> list[Cell]:
    """Return the cells that get a number when they run."""
    return [cell for cell in cells if cell["cell_type"] == "code" and "".join(cell["source"]).strip()]
