"""How a notebook ended early: the exception of a cell, cells that were skipped, a kernel that died."""

from dataclasses import dataclass
from pathlib import Path

from mlgate.notebooks.sources import Cell, code_of


@dataclass(frozen=True)
class CellError:
    """The exception that ended a notebook, and the number in brackets of the cell that raised it."""

    cell: int
    ename: str
    evalue: str


def cut_short(cells: list[Cell]) -> CellError | None:
    """Find what papermill takes for success and is none: sys.exit(0) in a cell, which skips all the cells after it."""
    for number, cell in enumerate(code_of(cells), start=1):
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                return CellError(number, output["ename"], f"{output['evalue']} (a notebook has to get to its end)")
        if cell["execution_count"] is None:
            return CellError(number, "NotExecuted", "this cell was skipped")
    return None


def record_death(executed: Path, index: int) -> CellError:
    """Write into the cell that was running that its kernel died: nobody else does."""
    import nbformat

    notebook = nbformat.read(executed, as_version=4)
    number = len(code_of(notebook.cells[: index + 1]))
    said = "the kernel died: memory ran out, it was killed, or compiled code crashed (then kernels.log says where)"
    if notebook.cells[index].cell_type == "code":
        trace = [f"DeadKernelError: {said}"]
        dead = nbformat.v4.new_output("error", ename="DeadKernelError", evalue=said, traceback=trace)
        notebook.cells[index].outputs.append(dead)
        nbformat.write(notebook, executed)
    return CellError(number, "DeadKernelError", said)
