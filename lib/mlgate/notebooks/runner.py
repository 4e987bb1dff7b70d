"""Run the numbered notebooks through papermill: the notebook is the pipeline."""

import ast
import contextlib
import json
import logging
import os
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import mlgate
from mlgate.errors import MlgateError
from mlgate.root import Root

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

# nbconvert's page, without the scripts it would fetch from other hosts (require.js, MathJax, Mermaid, widgets).
PAGE = """{%- extends "lab/index.html.j2" -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block jupyter_widgets -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}"""


@dataclass(frozen=True)
class CellError:
    """The exception that ended a notebook, and the number in brackets of the cell that raised it."""

    cell: int
    ename: str
    evalue: str


@dataclass(frozen=True)
class Result:
    """One notebook that was run: what it is called, how long it took, where to look at it."""

    stem: str
    seconds: float
    executed: Path
    page: Path
    error: CellError | None

    @property
    def rejected(self) -> bool:
        """Did the notebook end by rejecting the candidate? That is an answer, not a crash."""
        return self.error is not None and self.error.ename == "CandidateRejected"


def find(root: Root) -> dict[str, Path]:
    """The numbered notebooks by name: the root's own, else those beside this package. MlgateError if there are none."""
    folders = [root.path / "notebooks", Path(mlgate.__file__).parents[2] / "notebooks"]
    for folder in folders:
        if found := sorted(folder.glob("[0-9][0-9]_*.ipynb")):
            return {path.stem: path for path in found}
    raise MlgateError(f"No notebook called NN_*.ipynb in {' or '.join(map(str, folders))}. Work in a clone of mlgate.")


def pick(found: dict[str, Path], number: str) -> Path:
    """The one notebook whose name starts with `number`, such as "02". MlgateError unless there is exactly one."""
    matching = [path for stem, path in found.items() if stem.startswith(f"{number}_")]
    if len(matching) != 1:
        raise MlgateError(
            f"{len(matching)} notebooks start with {number}_; it takes one. There are: {', '.join(found)}."
        )
    return matching[0]


def read_parameters(path: Path) -> dict[str, object]:
    """What the notebook's cell tagged `parameters` declares: each name and its default value.

    MlgateError unless there is exactly one such cell, and it does nothing but give names to literals.
    """
    cells = [cell for cell in _cells(path) if "parameters" in cell["metadata"].get("tags", [])]
    if len(cells) != 1:
        raise MlgateError(f"{path} has {len(cells)} cells tagged `parameters`; it takes exactly one.")
    declared = {}
    try:
        for statement in ast.parse("".join(cells[0]["source"])).body:
            [target] = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            declared[target.id] = ast.literal_eval(statement.value)
    except (AttributeError, SyntaxError, TypeError, ValueError) as error:
        raise MlgateError(f"The cell tagged `parameters` in {path} may only hold lines like NAME = 0.5.") from error
    return declared


def check_parameters(path: Path, parameters: dict) -> None:
    """Refuse, with MlgateError, a parameter that the notebook does not declare: papermill would only log it."""
    declared = read_parameters(path)
    for name in parameters:
        if name not in declared:
            raise MlgateError(f"{path.stem} has no parameter {name}. It has: {', '.join(declared) or 'none'}.")


def warm_up(path: Path) -> str:
    """Code that imports what the notebook imports: it changes how soon a notebook can start, and nothing it does."""
    imports = []
    for cell in _code(_cells(path)):
        with contextlib.suppress(SyntaxError):  # a magic
            body = ast.parse("".join(cell["source"])).body
            imports += [ast.unparse(line) for line in body if isinstance(line, ast.Import | ast.ImportFrom)]
    return WARM_UP.format(imports=imports)


def run(root: Root, steps: list[tuple[Path, dict]], progress: bool = True, warm: bool = True) -> list[Result]:
    """Run notebooks in order, each with its parameters, in `root`; stop at the first that does not get to its end.

    Each leaves runs/<name>.ipynb and runs/<name>.html, however it ends. A notebook that rejects the candidate is the
    last result. Any other failure is an MlgateError: which cell, what was raised, where to look. Only then
    runs/kernels.log stays: what kernels wrote past their notebooks. `progress` writes to stderr; `warm` lets kernels
    import what their notebooks import while they wait.
    """
    from mlgate.notebooks.kernels import Kernels

    log = root.runs / "kernels.log"
    log.unlink(missing_ok=True)  # what an earlier run left is not what this one did
    for path, parameters in steps:
        check_parameters(path, parameters)
        for name in (f"{path.stem}.ipynb", f"{path.stem}.html"):
            (root.runs / name).unlink(missing_ok=True)
    root.runs.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "MLGATE_ROOT": str(root.path)}
    codes = [warm_up(path) if warm else "" for path, _ in steps]
    kernels = Kernels(codes, root.path, environment, log)
    results, pages = [], []
    # While one notebook runs, the next kernel gets ready and a thread writes the page of the notebook before.
    with ThreadPoolExecutor(1, "pages") as writer, kernels, _quiet(), _Progress(steps, progress) as shown:
        for path, parameters in steps:
            shown.begin(path.stem)
            result = _run_one(root, path, parameters, kernels, shown.at)
            shown.end(result)
            results.append(result)
            pages.append(writer.submit(write_page, result.executed, result.page))
            if result.error:
                break
    for page in pages:
        page.result()
    if results and results[-1].error and not results[-1].rejected:
        raise MlgateError(_explain(results[-1]))
    log.unlink(missing_ok=True)  # a kernel that is told to go may grumble
    return results


def _run_one(root: Root, path: Path, parameters: dict, kernels, at: Callable[[int], None]) -> Result:
    from mlgate.notebooks.kernels import quick_import

    with quick_import():
        import papermill
        from papermill.exceptions import PapermillExecutionError

    executed, page = root.runs / f"{path.stem}.ipynb", root.runs / f"{path.stem}.html"
    begun = time.perf_counter()
    index = 0

    def begin_cell(cell, cell_index: int) -> None:
        nonlocal index
        index = cell_index
        kernels.prepare()
        at(cell_index)

    kernel = kernels.next()
    try:
        papermill.execute_notebook(
            _braces(path), _braces(executed), parameters, km=kernel, kernel_name="python3", language="python",
            progress_bar=False, on_cell_start=begin_cell,
        )  # fmt: skip
        error = _cut_short(_cells(executed))
    except PapermillExecutionError as failure:
        error = CellError(failure.exec_count, failure.ename, failure.evalue)
    except RuntimeError:  # nbclient's DeadKernelError is one, and so is a kernel that never answers
        error = _record_death(executed, index)
    kernel.retire()
    return Result(path.stem, time.perf_counter() - begun, executed, page, error)


def _cut_short(cells: list[dict]) -> CellError | None:
    """What papermill takes for success and is none: sys.exit(0) in a cell, which skips all the cells after it."""
    for number, cell in enumerate(_code(cells), start=1):
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                return CellError(number, output["ename"], f"{output['evalue']} (a notebook has to get to its end)")
        if cell["execution_count"] is None:
            return CellError(number, "NotExecuted", "this cell was skipped")
    return None


def _record_death(executed: Path, index: int) -> CellError:
    """Write into the cell that was running that its kernel died: nobody else does."""
    import nbformat

    notebook = nbformat.read(executed, as_version=4)
    number = len(_code(notebook.cells[: index + 1]))
    said = "the kernel died: memory ran out, it was killed, or compiled code crashed (then kernels.log says where)"
    if notebook.cells[index].cell_type == "code":
        dead = nbformat.v4.new_output(
            "error", ename="DeadKernelError", evalue=said, traceback=[f"DeadKernelError: {said}"]
        )
        notebook.cells[index].outputs.append(dead)
        nbformat.write(notebook, executed)
    return CellError(number, "DeadKernelError", said)


def write_page(executed: Path, page: Path) -> None:
    """Write an executed notebook as one HTML file that needs no other host.

    nbconvert's embed_images stays off: it would end each <details> before what it is to hide. Figures are outputs, and
    those are in the file anyway.
    """
    import nbformat
    from nbconvert import HTMLExporter

    quiet = logging.Logger("nbconvert")
    quiet.addHandler(logging.NullHandler())
    exporter = HTMLExporter(raw_template=PAGE, log=quiet)
    notebook = nbformat.read(executed, as_version=4)
    notebook.metadata.pop("widgets", None)  # they could not be drawn without a script: show their text
    html, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": executed.stem}})
    page.write_text(html, encoding="utf-8")


def _explain(result: Result) -> str:
    said = textwrap.shorten(result.error.evalue, 300).rstrip(".")
    where = f"{result.stem} stopped in cell [{result.error.cell}]"
    return f"{where} with {result.error.ename}: {said}. See {result.executed}"


def _cells(path: Path) -> list[dict]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError) as error:
        raise MlgateError(f"{path} is not a notebook ({type(error).__name__}).") from error


def _code(cells: list[dict]) -> list[dict]:
    """The cells that get a number when they run."""
    return [cell for cell in cells if cell["cell_type"] == "code" and "".join(cell["source"]).strip()]


def _braces(path: Path) -> str:
    """papermill fills in {names} in paths; a folder may be called anything."""
    return str(path).replace("{", "{{").replace("}", "}}")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What papermill and nbclient log, we say ourselves, in one line."""
    logger = logging.getLogger("papermill")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)


class _Progress:
    """On a terminal one bar over all cells of all notebooks; elsewhere, as in a CI log, one line a notebook."""

    def __init__(self, steps: list[tuple[Path, dict]], shown: bool):
        from tqdm import tqdm

        self.terminal = sys.stderr.isatty()
        self.lines = shown and not self.terminal
        self.counts = {path.stem: len(_cells(path)) + bool(parameters) for path, parameters in steps}
        self.done = 0
        self.bar = tqdm(total=sum(self.counts.values()), unit="cell", disable=not (shown and self.terminal))

    def __enter__(self) -> "_Progress":
        return self

    def begin(self, stem: str) -> None:
        self.bar.set_description(stem)
        if self.lines:
            print(stem, end=" ", file=sys.stderr, flush=True)

    def at(self, cell: int) -> None:
        self.bar.n = self.done + cell
        self.bar.refresh()

    def end(self, result: Result) -> None:
        self.done += self.counts[result.stem]
        if not result.error:
            self.at(0)
        if self.lines:
            ending = "rejected the candidate" if result.rejected else "failed" if result.error else "done"
            print(f"{ending} in {result.seconds:.1f} s", file=sys.stderr, flush=True)

    def __exit__(self, *_) -> None:
        self.bar.close()
