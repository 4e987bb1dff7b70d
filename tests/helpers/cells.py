"""Executes a notebook's cells in the test's own process: without a kernel, which would import everything anew."""

import ast

import nbformat
from conftest import REPOSITORY
from IPython.core.formatters import DisplayFormatter


def execute(name: str, **parameters) -> dict:
    """Execute the code cells of a notebook; return what each cell shows last, by the cell's id, as a notebook would."""
    display = DisplayFormatter().format
    names = {"__name__": name, "display": display}
    shown = {}
    for cell in nbformat.read(next(REPOSITORY.glob(f"notebooks/{name}*.ipynb")), as_version=4).cells:
        if cell.cell_type != "code":
            continue
        body = ast.parse(cell.source).body
        last = body.pop() if isinstance(body[-1], ast.Expr) else None
        exec(compile(ast.Module(body, []), cell.id, "exec"), names)
        if "parameters" in cell.metadata.get("tags", []):
            assert parameters.keys() <= names.keys()
            names.update(parameters)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), cell.id, "eval"), names)
            shown[cell.id] = display(value)[0]
    return shown
