"""Notebooks run in order, in kernels of their own, and say what went wrong; what they leave behind is looked at."""

import inspect
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import mlgate
from mlgate import notebooks
from mlgate.errors import MlgateError
from mlgate.notebooks import kernel, kernels
from mlgate.notebooks.formulas import with_pictures
from mlgate.notebooks.runner import Ahead
from mlgate.root import Root

import check
import nbformat
import pytest
from bs4 import BeautifulSoup
from jupyter_client import AsyncKernelClient, KernelManager
from jupyter_client.provisioning import LocalProvisioner
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from papermill import engines
from papermill.clientwrap import PapermillNotebookClient

REPOSITORY = Path(mlgate.__file__).parents[2]
KERNELSPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}
PIDS = "import os; open('pids', 'a').write(f'{os.getpid()} ')"


def write(folder: Path, name: str, *sources: str, parameters: tuple[str, ...] = ("N = 1",)) -> Path:
    """A notebook: a heading, the cells tagged `parameters`, then one code cell a source."""
    tagged = [new_code_cell(source, metadata={"tags": ["parameters"]}) for source in parameters]
    cells = [new_markdown_cell("# Try it"), *tagged, *map(new_code_cell, sources)]
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.ipynb"
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNELSPEC}), path)
    return path


def run(root: Root, *steps: tuple[Path, dict], **options) -> list[notebooks.Result]:
    return notebooks.run(root, list(steps), **{"progress": False, "warm": False, **options})


def code(path: Path) -> list[dict]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def pids(root: Root) -> list[int]:
    return [int(pid) for pid in (root.path / "pids").read_text().split()]


def alive(pid: int) -> bool:
    """Is the process still running? (A zombie is not: nobody may be there to collect it in a container.)"""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


def gone(pids: list[int], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while any(map(alive, pids)) and time.monotonic() < end:
        time.sleep(0.05)
    return not any(map(alive, pids))


@pytest.fixture
def root(tmp_path) -> Root:
    return Root(tmp_path)


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "notebooks"


# What is run


def test_notebooks_are_found_by_pattern_in_their_order(root, folder):
    write(folder, "02_second")
    write(folder, "01_first")
    write(folder, "scratch")
    assert list(notebooks.find(root)) == ["01_first", "02_second"]


def test_a_root_without_notebooks_uses_those_beside_the_package(root):
    beside = {path.stem: path for path in sorted((REPOSITORY / "notebooks").glob("[0-9][0-9]_*.ipynb"))}
    if beside:
        assert notebooks.find(root) == beside
    else:
        with pytest.raises(MlgateError, match="No notebook called NN_"):
            notebooks.find(root)


def test_pick_takes_the_one_notebook_with_that_number(root, folder):
    path = write(folder, "02_second")
    found = notebooks.find(root)
    assert notebooks.pick(found, "02") == path
    with pytest.raises(MlgateError, match=r"0 notebooks start with 03_.*02_second"):
        notebooks.pick(found, "03")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ((), "0 cells tagged"),
        (("A = 1", "B = 2"), "2 cells tagged"),
        (("A = open('/etc/passwd')",), "may only hold lines like"),
        (("import os",), "may only hold lines like"),
        (("A = B = 1",), "may only hold lines like"),
        (("A = (",), "may only hold lines like"),
    ],
)
def test_a_notebook_has_exactly_one_parameters_cell_of_literals(root, folder, parameters, message):
    path = write(folder, "01_x", parameters=parameters)
    with pytest.raises(MlgateError, match=message):
        run(root, (path, {}))
    assert not root.runs.exists()


def test_parameters_may_be_commented_annotated_and_negative(folder):
    path = write(folder, "01_x", parameters=("A = -1.5  # by how much\nB: str | None = None\nC = ['x']",))
    assert notebooks.read_parameters(path) == {"A": -1.5, "B": None, "C": ["x"]}


def test_an_undeclared_parameter_is_refused_before_anything_runs(root, folder):
    good, bad = write(folder, "01_x", PIDS), write(folder, "02_y", parameters=("RECIPE = 'a'\nSEVERITY = 1",))
    with pytest.raises(MlgateError, match=r"02_y has no parameter RECIPES\. It has: RECIPE, SEVERITY"):
        run(root, (good, {}), (bad, {"RECIPES": "b"}))
    assert not (root.path / "pids").exists()


def test_a_file_that_is_no_notebook_is_named(root, tmp_path):
    (tmp_path / "01_x.ipynb").write_text("{")
    with pytest.raises(MlgateError, match=r"01_x.ipynb is not a notebook"):
        run(root, (tmp_path / "01_x.ipynb", {}))


# What a run leaves


@pytest.mark.slow
def test_each_notebook_runs_in_the_root_with_its_parameters_and_leaves_its_results(tmp_path, monkeypatch, capfd):
    elsewhere, root = tmp_path / "elsewhere", Root(tmp_path / "a {root} with spaces")
    elsewhere.mkdir(), root.path.mkdir()
    monkeypatch.chdir(elsewhere)
    say = "import os\nprint(N, os.getcwd(), os.environ['MLGATE_ROOT'], os.environ['OMP_NUM_THREADS'])"
    first, second = (write(tmp_path / "notebooks", name, PIDS, say) for name in ("01_x", "02_y"))
    results = run(root, (first, {}), (second, {"N": -7.5}), progress=True)
    assert [(result.stem, result.error, result.rejected) for result in results] == [
        ("01_x", None, False),
        ("02_y", None, False),
    ]
    for result, expected in zip(results, ("1", "-7.5"), strict=True):
        [output] = code(result.executed)[-1].outputs
        assert output.text == f"{expected} {root.path} {root.path} 1\n"
        assert "02_y" not in result.stem or "injected-parameters" in code(result.executed)[1].metadata.tags
        assert result.executed == root.runs / f"{result.stem}.ipynb"
        assert str(root.path) in result.page.read_text(encoding="utf-8")
        assert result.seconds > 0
    assert [path.name for path in elsewhere.iterdir()] == []
    left = ["01_x.html", "01_x.ipynb", "02_y.html", "02_y.ipynb", "index.html"]
    assert sorted(path.name for path in root.runs.iterdir()) == left
    assert gone(pids(root), 0)
    printed, noise = capfd.readouterr()  # of this process and of its kernels
    assert printed == ""
    assert re.fullmatch(r"01_x done in [\d.]+ s\n02_y done in [\d.]+ s\n", noise)


@pytest.mark.slow
def test_what_a_notebook_hands_on_is_a_parameter_of_those_after_it_that_declare_it(root, folder):
    hands_on = "from mlgate import notebooks\nnotebooks.hand_on(N=7, OTHER='x')"
    keeps = "open(f'{NAME}-{N}', 'w').close()"
    first = write(folder, "01_first", hands_on, keeps, parameters=("N = 1\nNAME = 'first'",))
    second = write(folder, "02_second", keeps, parameters=("N = 1\nNAME = 'second'",))
    third = write(folder, "03_third", keeps, parameters=("N = 1\nNAME = 'third'",))
    run(root, (first, {}), (second, {}), (third, {"N": 3}))
    left = {path.name for path in root.path.iterdir() if "-" in path.name}
    assert left == {"first-1", "second-7", "third-3"}
    assert "To the next notebooks: N = 7, OTHER = 'x'" in (root.runs / "01_first.ipynb").read_text()


@pytest.mark.slow
def test_a_kernel_that_was_warmed_up_shows_what_a_cold_one_shows(root, folder):
    names = "first = dict(globals())\nprint(sorted(set(first) & {'plt', 'pandas', 'line', 'io', 'N'}), In)"
    figure = "import matplotlib.pyplot as plt, sys\nfig, ax = plt.subplots()\nax.plot([1, 3, 2]);"
    loaded = "print('pandas' in sys.modules)\nif False:\n    import pandas"
    path = write(folder, "01_x", names, figure, "%time\nimport no_such_module", parameters=("N = 1",))
    path = write(folder, "01_x", names, figure, loaded)
    [cold], [warm] = run(root, (path, {})), run(root, (path, {}), warm=True)
    shown = [cell.outputs for cell in code(cold.executed)]
    assert shown[1][0].text.startswith("['N'] [")
    assert "image/png" in shown[2][0].data
    assert [cell.outputs for cell in code(warm.executed)] == shown
    assert [cell.execution_count for cell in code(warm.executed)] == [1, 2, 3, 4]


def test_a_kernel_imports_beforehand_what_its_notebook_imports(folder):
    sources = "import os.path as p, json\nx = 1", "%magic", "from pathlib import Path\nimport no_such", "import shelve"
    path = write(folder, "01_x", *sources)
    check = "\nprint([name in sys.modules for name in ('json', 'pathlib', 'shelve')])"
    warmed = subprocess.check_output([sys.executable, "-S", "-c", notebooks.warm_up(path) + check], text=True)
    assert warmed.strip() == "[True, True, True]"


@pytest.mark.slow
def test_a_kernel_that_waits_goes_on_once_the_awaited_file_is_written(root, folder):
    (root.path / "model").write_text("an older one")
    write_it = "import os, time\nprint(os.path.exists('went on'))\nopen('model', 'w').write('new')"
    wait = "end = time.time() + 20\nwhile not os.path.exists('went on') and time.time() < end: time.sleep(0.02)"
    first = write(folder, "01_x", write_it, wait, "print(os.path.exists('went on'))")
    ahead = {"02_y": Ahead(then="open('went on', 'w').close()")}
    [result, _] = run(
        root, (first, {}), (write(folder, "02_y", "1"), {}), warm=True, ahead=ahead, awaited=root.path / "model"
    )
    cells = code(result.executed)
    assert (cells[1].outputs[0].text, cells[3].outputs[0].text) == ("False\n", "True\n")


@pytest.mark.slow
def test_a_kernel_that_goes_on_and_dies_of_it_is_replaced(root, folder):
    first = write(folder, "01_x", "open('model', 'w').close()", "1")
    second = write(folder, "02_y", "print('here')")
    ahead = {"02_y": Ahead(then="import os; os._exit(1)")}
    [_, result] = run(root, (first, {}), (second, {}), warm=True, ahead=ahead, awaited=root.path / "model")
    assert code(result.executed)[1].outputs[0].text == "here\n"


@pytest.mark.slow
def test_the_page_needs_no_other_host(root, folder):
    picture = "from IPython.display import HTML, Image\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]);"
    widget = "import ipywidgets\nipywidgets.IntSlider(value=3)"
    path = write(folder, "01_x", picture, widget)
    [result] = run(root, (path, {}))
    page = result.page.read_text(encoding="utf-8")
    assert "data:image/png;base64," in page
    assert "plt.plot" in re.sub("<[^>]*>", "", page)  # code is shown
    assert "IntSlider(value=3)" in page
    fetching = BeautifulSoup(page, "html.parser").select("[src], link[href], object[data], image")
    assert [tag for tag in fetching if not tag.get("src", "").startswith("data:")] == []
    assert re.findall(r"""(?:@import|\bfrom|\bimport|url\()\s*\(?["']?https?:[^"') ]*""", page) == []
    assert "cdnjs" not in page
    assert "unpkg" not in page


@pytest.mark.slow
def test_pages_lead_to_each_other_and_nowhere_else(root, folder):
    for name, link in (("01_x", "[on](02_y.ipynb)"), ("02_y", "[on](03_z.ipynb) [map](README.md)"), ("03_z", "")):
        path = write(folder, name, "N")
        notebook = nbformat.read(path, as_version=4)
        notebook.cells.append(new_markdown_cell(link))
        nbformat.write(notebook, path)
    run(root, (folder / "01_x.ipynb", {"N": 2}), (folder / "02_y.ipynb", {}))
    assert check.problems(root.runs) == []
    first, second, index = ((root.runs / f"{name}.html").read_text() for name in ("01_x", "02_y", "index"))
    assert 'href="02_y.html"' in first
    assert "N = 2" not in BeautifulSoup(first, "html.parser").text  # the cell that the run put in
    assert 'href="index.html#03_z"' in second
    assert "not run here" in index


@pytest.mark.slow
def test_a_page_leads_to_no_notebook_that_the_run_did_not_come_to(root, folder):
    first = write(folder, "01_x", "raise ValueError")
    notebook = nbformat.read(first, as_version=4)
    notebook.cells.insert(0, new_markdown_cell("[on](02_y.ipynb)"))
    nbformat.write(notebook, first)
    with pytest.raises(MlgateError):
        run(root, (first, {}), (write(folder, "02_y", "1"), {}))
    assert check.problems(root.runs) == []


def test_a_formula_is_a_picture_with_words():
    text = with_pictures("Let\n\n$$1 + \\frac{b}{2}\n(x)$$\n\nfor $x$; it costs $5, or 6 $.")
    assert text.startswith("Let\n\n![the formula 1 + frac{b}{2} (x)](data:image/png;base64,")
    assert text.endswith(")\n\nfor *x*; it costs $5, or 6 $.")


@pytest.mark.slow
def test_a_figure_says_in_words_what_it_shows(root, folder):
    figure = "from mlgate.reporting.figures import draw_coin\ndraw_coin(3, 8)"
    [result] = run(root, (write(folder, "01_x", figure), {}))
    assert check.problems(root.runs) == []
    assert "11 disagreements" in BeautifulSoup(result.page.read_text(), "html.parser").img["alt"]


@pytest.mark.slow
def test_answers_stay_folded_on_the_page(root, folder):
    path = write(folder, "01_x", PIDS)
    notebook = nbformat.read(path, as_version=4)
    asked = "<details><summary>Why?</summary>\n\nBecause of `that`.\n\n</details>"
    notebook.cells.append(nbformat.v4.new_markdown_cell(asked))
    nbformat.write(notebook, path)
    [result] = run(root, (path, {}))
    [folded] = BeautifulSoup(result.page.read_text(encoding="utf-8"), "html.parser").select("details")
    assert folded.p.text == "Because of that."


@pytest.mark.slow
def test_a_notebook_can_run_notebooks(root, folder):
    """JupyterLab's kernel has an event loop that is already running."""
    inner = write(folder, "01_x", PIDS, "print(N)")
    drive = (
        "from pathlib import Path; from mlgate import notebooks; from mlgate.root import Root\n"
        f"[result] = notebooks.run(Root(Path('.').resolve()), [(Path({str(inner)!r}), {{'N': 5}})], progress=False)\n"
        "print(result.error)"
    )
    outer = write(folder, "02_y", drive)
    [result] = run(root, (outer, {}))
    assert [output.text for output in code(result.executed)[1].outputs] == ["None\n"]
    assert code(root.runs / "01_x.ipynb")[-1].outputs[0].text == "5\n"
    assert gone(pids(root), 0)


@pytest.mark.slow
def test_a_notebook_is_written_now_and_then_and_whole_at_its_end(root, folder, monkeypatch):
    written = []
    write_down = engines.write_ipynb
    monkeypatch.setattr(engines, "write_ipynb", lambda *of: written.append(write_down(*of)))
    slow = "import time; time.sleep(1.1); print(len(open('runs/01_x.ipynb').read()) > 0)"
    path = write(folder, "01_x", *["print(1)"] * 20, slow, "print('the end')")
    [result] = run(root, (path, {}))
    assert 3 <= len(written) < 12  # at the start, after the slow cell, at the end: not twice a cell
    assert [cell.outputs[0].text for cell in code(result.executed)[-2:]] == ["True\n", "the end\n"]


# How a run ends


@pytest.mark.slow
def test_a_rejected_candidate_is_an_answer_and_ends_the_run(root, folder, capfd):
    rejects = "class CandidateRejected(Exception): pass\nraise CandidateRejected('0.61 against 0.85')"
    path = write(folder, "01_x", "print('drawn')", rejects, "print('never')")
    after = write(folder, "02_y", PIDS)
    results = run(root, (path, {}), (after, {}), progress=True)
    [result] = results
    assert result.rejected
    assert (result.error.cell, result.error.evalue) == (3, "0.61 against 0.85")
    assert [bool(cell.outputs) for cell in code(result.executed)] == [False, True, True, False]
    assert "0.61 against 0.85" in result.page.read_text(encoding="utf-8")
    assert not (root.path / "pids").exists()
    assert re.fullmatch(r"01_x rejected the candidate in [\d.]+ s\n", capfd.readouterr().err)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("raise ValueError('first\\nsecond')", r"cell \[3\] with ValueError: first second\. See .*01_x\.ipynb$"),
        ("import sys; sys.exit(0)", r"cell \[3\] with SystemExit: 0 \(a notebook has to get to its end\)"),
        ("import sys; sys.exit(3)", r"cell \[3\] with SystemExit: 3"),
        ("import os; os._exit(0)", r"cell \[3\] with DeadKernelError: the kernel died"),
        ("import os; os.kill(os.getpid(), 9)", r"cell \[3\] with DeadKernelError: the kernel died"),
        ("raise", r"cell \[3\] with RuntimeError: No active exception"),
        ("x = (", r"cell \[3\] with SyntaxError"),
    ],
)
def test_a_notebook_that_does_not_get_to_its_end_is_a_failure_and_is_written(root, folder, caplog, source, message):
    path, after = write(folder, "01_x", PIDS, source, "print('never')"), write(folder, "02_y", PIDS)
    for name in ("01_x", "02_y"):  # what an earlier run left
        for suffix in ("ipynb", "html"):
            root.runs.mkdir(exist_ok=True)
            (root.runs / f"{name}.{suffix}").write_text("old")
    with pytest.raises(MlgateError, match=f"01_x stopped in {message}") as raised:
        run(root, (path, {}), (after, {}))
    assert "\n" not in str(raised.value)
    assert caplog.records == []  # papermill and nbclient would have said it in lines of their own
    cells = code(root.runs / "01_x.ipynb")
    assert "error" in [output.output_type for output in cells[2].outputs]
    assert cells[3].execution_count is None
    assert cells[2].outputs[0].ename in (root.runs / "01_x.html").read_text(encoding="utf-8")
    assert not (root.runs / "02_y.ipynb").exists()
    assert not (root.runs / "02_y.html").exists()
    assert len(pids(root)) == 1
    assert gone(pids(root), 0)


@pytest.mark.slow
def test_exit_skips_no_cell_unseen(root, folder):
    """IPython's exit() and quit() stop the kernel a moment later: the cells after it run, or the run fails."""
    slow = "import time; time.sleep(0.5); open('reached', 'a').write('x')"
    path = write(folder, "01_x", "quit()", slow, slow, slow)
    failed = False
    try:
        run(root, (path, {}))
    except MlgateError:
        failed = True
    assert failed or (root.path / "reached").read_text() == "xxx"


@pytest.mark.slow
def test_what_cells_started_ends_with_their_kernel_even_a_dead_one(root, folder):
    starts = "import subprocess, os; sleeps = subprocess.Popen(['sleep', '60'])"
    notes = "open('pids', 'w').write(str(sleeps.pid)); os._exit(1)"
    with pytest.raises(MlgateError, match="the kernel died"):
        run(root, (write(folder, "01_x", starts, notes), {}))
    assert gone(pids(root), 2)


def test_a_kernel_may_clean_up_after_itself(root, folder):
    cleans = "import atexit, pathlib\natexit.register(pathlib.Path('cleaned').touch);"
    run(root, (write(folder, "01_x", cleans), {}))
    assert (root.path / "cleaned").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("place", "name"), [(kernels.Kernels, "__init__"), (kernel.Kernel, "start"),
                                           (kernel.Kernel, "warm_up"), (kernel.Kernel, "client")])  # fmt: skip
def test_where_no_kernel_can_be_started_ahead_papermill_starts_it(root, folder, monkeypatch, caplog, place, name):
    def changed(*_arguments, **_options):
        raise TypeError("another version of Jupyter")

    monkeypatch.setattr(place, name, changed)
    source = f"{PIDS}\nprint(os.environ['MLGATE_ROOT'], os.getcwd(), N)"
    [result] = run(root, (write(folder, "01_x", source), {"N": 7}))
    assert code(result.executed)[-1].outputs[0].text == f"{root.path} {root.path} 7\n"
    assert "another version of Jupyter" in caplog.text
    assert gone(pids(root))
    assert "MLGATE_ROOT" not in os.environ


@pytest.mark.slow
def test_where_nothing_that_starts_a_kernel_can_be_imported_papermill_starts_it(root, folder, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, kernel.__name__, None)
    steps = [(write(folder, f"0{number}_x", f"print({number})"), {}) for number in (1, 2)]
    results = run(root, *steps, warm=True)
    assert [code(result.executed)[1].outputs[0].text for result in results] == ["1\n", "2\n"]
    assert "import of mlgate.notebooks.kernel halted" in caplog.text


def test_the_private_parts_that_kernels_are_started_through_are_there():
    assert "client_factory" in KernelManager.class_trait_names()
    assert {"provisioner", "_kernel_spec"} <= set(vars(KernelManager))
    assert {"process", "pgid"} <= set(vars(LocalProvisioner))
    assert "km" in inspect.signature(PapermillNotebookClient).parameters
    assert callable(engines.NotebookExecutionManager.save)
    assert inspect.signature(AsyncKernelClient.wait_for_ready).parameters.keys() == {"self", "timeout"}


@pytest.mark.slow
def test_an_import_that_ends_the_kernel_is_seen_in_its_cell(root, folder):
    (root.path / "fatal.py").write_text("import os\nos.abort()")
    with pytest.raises(MlgateError, match=r"01_x stopped in cell \[2\] with DeadKernelError"):
        run(root, (write(folder, "01_x", "import fatal"), {}), warm=True)
    assert "Aborted" in (root.runs / "kernels.log").read_text()


# Interrupting it


@pytest.mark.slow
@pytest.mark.parametrize("forked", [True, False])
@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGKILL, -signal.SIGKILL)],
)
def test_no_kernel_outlives_the_run(root, folder, number, status, forked):
    path = write(folder, "01_x", "import time; time.sleep(60)")
    paths = [path, *(write(folder, f"0{i}_y") for i in (2, 3, 4))]
    ahead = f"{{name: Ahead(at_once={PIDS.replace('pids', 'warmed')!r}) for name in {[p.stem for p in paths]}}}"
    steps = f"[(Path(p), {{}}) for p in {[str(p) for p in paths]}]"
    script = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored in a background job
        "from pathlib import Path; from mlgate.root import Root; from mlgate import notebooks\n"
        f"from mlgate.notebooks import kernels; kernels.SUPPORTED &= {forked}\n"
        "from mlgate.notebooks.runner import Ahead\n"
        f"notebooks.run(Root(Path({str(root.path)!r})), {steps}, progress=False, ahead={ahead})"
    )
    driver = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 30
    while time.monotonic() < end and not (
        (root.path / "warmed").exists() and len((root.path / "warmed").read_text().split()) == 3
    ):
        time.sleep(0.05)
    kernels = [int(pid) for pid in (root.path / "warmed").read_text().split()]
    assert len(kernels) == 3  # one runs, two wait
    assert all(map(alive, kernels))
    driver.send_signal(number)
    _, noise = driver.communicate(timeout=20)
    assert driver.returncode == status
    assert gone(kernels, 5 if number == signal.SIGKILL else 0)
    if number != signal.SIGKILL:
        assert "asyncio" not in noise.replace("asyncio/", "")
        assert "was destroyed" not in noise
        assert code(root.runs / "01_x.ipynb")[1].execution_count == 2
    if number == signal.SIGTERM:
        assert noise == ""


def test_importing_it_stays_quick():
    heavy = "{'papermill', 'nbconvert', 'nbformat', 'jupyter_client', 'zmq', 'tqdm', 'numpy'}"
    check = f"import sys, mlgate.notebooks; print({heavy} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", check], text=True).strip() == "set()"


# The repository's own notebooks

OWN = sorted((REPOSITORY / "notebooks").glob("[0-9][0-9]_*.ipynb"))
each_own = pytest.mark.parametrize("path", OWN, ids=[path.stem for path in OWN])


@each_own
def test_our_notebooks_are_committed_without_results(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"] >= 5) == (4, True)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert "papermill" not in notebook["metadata"]
    assert "widgets" not in notebook["metadata"]
    names = [cell["id"] for cell in notebook["cells"]]
    assert len(set(names)) == len(names)
    for cell in notebook["cells"]:
        assert not {"papermill", "execution", "collapsed", "scrolled", "ExecuteTime"} & set(cell["metadata"])
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


@each_own
def test_our_notebooks_declare_their_parameters(path):
    assert notebooks.read_parameters(path)


@each_own
def test_our_notebooks_are_short_enough_to_read(path):
    cells = nbformat.read(path, as_version=4).cells
    assert len(cells) <= 35
    assert max(len(cell.source.strip().splitlines()) for cell in cells if cell.cell_type == "code") <= 16
    assert not any(re.search(r"^\s*!", cell.source, re.M) for cell in cells if cell.cell_type == "code")


@each_own
def test_our_notebooks_open_with_a_title_and_close_with_a_recap(path):
    prose = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
    assert prose[0].startswith("# ")
    assert "In this notebook, we saw" in "".join(prose[-4:])
