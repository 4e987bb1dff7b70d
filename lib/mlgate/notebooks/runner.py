"""Run the numbered notebooks through papermill: the notebook is the pipeline."""

import logging
import os
import sys
import textwrap
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlgate.errors import MlgateError
from mlgate.notebooks.endings import CellError, cut_short, record_death
from mlgate.notebooks.handover import handed_on
from mlgate.notebooks.pages import prepare_page, write_index, write_page
from mlgate.notebooks.progress import Progress, quiet
from mlgate.notebooks.sources import (
    Parameters,
    cells_of,
    check_parameters,
    quietly,
    read_parameters,
    warm_up,
)
from mlgate.pinned import arithmetic
from mlgate.root import Root

if TYPE_CHECKING:
    from mlgate.notebooks.kernels import Kernels

Steps = list[tuple[Path, Parameters]]  # notebooks in order, each with its parameters
log = logging.getLogger("mlgate.notebooks")


@dataclass(frozen=True)
class Result:
    """One notebook that was run: what it is called, how long it took, where to look at it, what it hands on."""

    stem: str
    seconds: float
    executed: Path
    page: Path
    error: CellError | None
    handed: Parameters

    @property
    def rejected(self) -> bool:
        """Whether the notebook ended by rejecting the candidate. That is an answer, not a crash."""
        return self.error is not None and self.error.ename == "CandidateRejected"

    @property
    def ending(self) -> str:
        """How it ended, in a word or three."""
        if self.rejected:
            return "rejected the candidate"
        return "failed" if self.error else "done"


@dataclass(frozen=True)
class Ahead:
    """Code that a kernel may run before its notebook's turn. What it raises, its notebook will find: it is not told.

    shared: imports, for this kernel and those after it. at_once: as soon as the kernel is there. then: once the awaited
    file was written. check: at once, and what it refuses with an MlgateError is refused before the notebook begins.
    """

    shared: str = ""
    at_once: str = ""
    then: str = ""
    check: str = ""


def run(
    root: Root,
    steps: Steps,
    progress: bool = True,
    warm: bool = True,
    ahead: Mapping[str, Ahead] | None = None,
    awaited: Path | None = None,
    meanwhile: Callable[[], object] = lambda: None,
) -> list[Result]:
    """Run notebooks in order, each with its parameters, in `root`; stop at the first that does not get to its end.

    What a notebook hands on (handover.py) is a parameter of those after it that declare it.
    Each leaves runs/<name>.ipynb and runs/<name>.html, however it ends, and runs/index.html leads to them. A notebook
    that rejects the candidate is the last result. Any other failure is an MlgateError: which cell, what was raised,
    where to look. Only then runs/kernels.log stays: what kernels wrote past their notebooks. `progress` writes to
    stderr; `warm` lets kernels import what their notebooks import while they wait, and do what `ahead` says for the
    notebook of that name. awaited: a file that a notebook will write. meanwhile: called in a thread while the
    first notebook runs.
    """
    _prepare(root, steps)
    early = [(ahead or {}).get(path.stem, Ahead()) for path, _ in steps]
    codes = [("", "", "")] * len(steps)
    if warm:
        codes = [
            (warm_up(path) + own.shared, quietly(own.at_once) + own.check, quietly(own.then))
            for (path, _), own in zip(steps, early, strict=True)
        ]
    results: list[Result] = []
    pages = []
    handed: Parameters = {}
    stems = {path.stem for path, _ in steps}
    # While one notebook runs, the next kernel gets ready and a thread writes the page of the notebook before.
    with (
        ThreadPoolExecutor(1, "pages") as writer,
        _start_ahead(root, codes, awaited) as kernels,
        quiet(),
        Progress(steps, progress) as shown,
    ):
        import_papermill()
        if kernels:
            kernels.prepare()
        writer.submit(prepare_page)
        writer.submit(meanwhile)
        for path, parameters in steps:
            shown.begin(path.stem)
            declared = read_parameters(path)
            own = {name: value for name, value in handed.items() if name in declared}
            result = _Run(root, path, shown.at).do({**own, **parameters}, kernels)
            handed |= result.handed
            shown.end(result.stem, result.ending, result.seconds)
            results.append(result)
            pages.append(writer.submit(write_page, result.executed, result.page, stems))
            if result.error:
                break
    for page in pages:
        page.result()
    _link(root, steps, results)
    if results and results[-1].error and not results[-1].rejected:
        raise MlgateError(_explain(results[-1], results[-1].error))
    _kernels_log(root).unlink(missing_ok=True)  # kernels may log warnings at shutdown; nobody needs them
    return results


def _link(root: Root, steps: Steps, results: list[Result]) -> None:
    """Write the index. Where the run ended early, pages lead to those that are there."""
    done = {result.stem for result in results}
    if len(results) < len(steps):
        for result in results:
            write_page(result.executed, result.page, done)
    ran = {path for path, _ in steps}
    beside = {other for path in ran for other in path.parent.glob("[0-9][0-9]_*.ipynb")}
    write_index(root.runs, sorted(ran | beside, key=lambda path: path.stem))


def _prepare(root: Root, steps: Steps) -> None:
    """Refuse wrong parameters, and remove what an earlier run left: it is not what this one did."""
    _kernels_log(root).unlink(missing_ok=True)
    for path, parameters in steps:
        check_parameters(path, parameters)
        for name in (f"{path.stem}.ipynb", f"{path.stem}.html", "index.html"):
            (root.runs / name).unlink(missing_ok=True)
    root.runs.mkdir(parents=True, exist_ok=True)


def _kernels_log(root: Root) -> Path:
    return root.runs / "kernels.log"


def import_papermill() -> None:
    """Import papermill without the grammar of IRIs, which no notebook needs and which takes two seconds to build.

    jsonschema, which checks notebooks, does without it where it is not installed.
    """
    grammar = "rfc3987_syntax"
    absent = grammar not in sys.modules
    if absent:
        sys.modules[grammar] = None  # type: ignore[assignment]  # as if it were not installed
    from mlgate.notebooks import engine  # noqa: F401  # which imports papermill

    if absent:
        del sys.modules[grammar]


def _start_ahead(
    root: Root, codes: list[tuple[str, str, str]], awaited: Path | None
) -> AbstractContextManager["Kernels | None"]:
    """Start kernels ahead of time. None where this version of Jupyter does not let us: then papermill starts them."""
    environment = {**arithmetic(), **os.environ, "MLGATE_ROOT": str(root.path)}
    try:
        from mlgate.notebooks.kernels import Kernels, Warm

        return Kernels([Warm(*code) for code in codes], root.path, environment, _kernels_log(root), awaited)
    except Exception as error:
        _say_plain(error)
        return nullcontext(None)


def _say_plain(error: Exception) -> None:
    said = f"{type(error).__name__}: {error}"
    log.warning("Kernels cannot be started ahead of time (%s): each notebook starts its own, and takes longer.", said)


class _Run:
    """One notebook on its way through papermill."""

    def __init__(self, root: Root, path: Path, at: Callable[[int], None]) -> None:
        self.root = root
        self.path = path
        self.at = at
        self.executed = root.runs / f"{path.stem}.ipynb"
        self.index = 0  # of the cell that runs
        self.begun = False
        self.handed: Parameters = {}

    def do(self, parameters: Parameters, kernels: "Kernels | None") -> Result:
        """Run it in a kernel that waits, or where that cannot be done in one that papermill starts."""
        begun = time.perf_counter()
        try:
            error = self._ahead(parameters, kernels)
        except Exception as failure:
            if kernels is None or self.begun or isinstance(failure, MlgateError):
                raise
            _say_plain(failure)
            error = self._plainly(parameters)
        page = self.root.runs / f"{self.path.stem}.html"
        seconds = time.perf_counter() - begun
        return Result(self.path.stem, seconds, executed=self.executed, page=page, error=error, handed=self.handed)

    def _ahead(self, parameters: Parameters, kernels: "Kernels | None") -> CellError | None:
        if kernels is None:
            return self._plainly(parameters)
        kernel = kernels.next()
        if kernel.refused:
            raise MlgateError(kernel.refused)
        error = self._execute(parameters, kernels.prepare, km=kernel)
        kernel.retire()
        return error

    def _plainly(self, parameters: Parameters) -> CellError | None:
        """Have papermill start the kernel. It takes the environment that we have, and the folder that we name."""
        before = os.environ.get("MLGATE_ROOT")
        os.environ["MLGATE_ROOT"] = str(self.root.path)
        try:
            return self._execute(parameters, lambda: None, cwd=str(self.root.path))
        finally:
            if before is None:
                del os.environ["MLGATE_ROOT"]
            else:
                os.environ["MLGATE_ROOT"] = before

    def _execute(self, parameters: Parameters, meanwhile: Callable[[], None], **options: Any) -> CellError | None:
        from mlgate.notebooks import engine

        import papermill
        from papermill.exceptions import PapermillExecutionError

        def begin_cell(cell: object, cell_index: int) -> None:
            self.begun = True
            self.index = cell_index
            meanwhile()
            self.at(cell_index)

        source = _without_braces(self.path)
        target = _without_braces(self.executed)
        options |= {"kernel_name": "python3", "language": "python", "progress_bar": False}
        options |= {"engine_name": engine.NAME}
        try:
            done = papermill.execute_notebook(source, target, parameters, on_cell_start=begin_cell, **options)
        except PapermillExecutionError as failure:
            return CellError(failure.exec_count, failure.ename, failure.evalue)
        except RuntimeError:  # nbclient's DeadKernelError is one, and so is a kernel that never answers
            return record_death(self.executed, self.index)
        self.handed = handed_on(done)
        return cut_short(cells_of(self.executed))


def _explain(result: Result, error: CellError) -> str:
    said = textwrap.shorten(error.evalue, 300).rstrip(".")
    return f"{result.stem} stopped in cell [{error.cell}] with {error.ename}: {said}. See {result.executed}"


def _without_braces(path: Path) -> str:
    """Escape a path for papermill, which fills in {names} in paths: a folder may be called anything."""
    return str(path).replace("{", "{{").replace("}", "}}")
