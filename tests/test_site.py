"""The site is built from documents and executed notebooks; it can be read on a phone, in the dark, and offline."""

import base64
import functools
import os
import re
import shutil
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from mlgate.notebooks import run
from mlgate.root import Root

import check
import nbformat
import pytest
from chromium import browser
from conftest import REPOSITORY

BUILT = os.environ.get("MLGATE_SITE")  # where CI has built it from all notebooks; else one of them is executed here
SHORT = REPOSITORY / "notebooks/01_train_production.ipynb"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    if BUILT:
        return REPOSITORY / BUILT
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(REPOSITORY / "artifacts_prod", folder / "artifacts_prod")
    shutil.copy(REPOSITORY / "gate.toml", folder)
    run(Root(folder), [(SHORT, {"RECIPE": "baseline"})], progress=False)
    command = [sys.executable, REPOSITORY / "docs/build.py", "--executed", folder / "runs", "--out", folder / "site"]
    surroundings = {name: value for name, value in os.environ.items() if name != "GITHUB_REPOSITORY"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=surroundings)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


@pytest.fixture(scope="module")
def address(site):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def pages(site: Path) -> list[str]:
    return [path.relative_to(site).as_posix() for path in site.rglob("*.html") if "_static" not in path.parts]


@pytest.mark.long
def test_every_notebook_and_document_is_a_page_that_leads_on(site):
    found = set(pages(site))
    stems = [path.stem for path in sorted(REPOSITORY.glob("notebooks/[0-9][0-9]_*.ipynb"))]
    documents = {f"docs/{path.stem}.html" for path in REPOSITORY.glob("docs/*.md")}
    assert {f"notebooks/{stem}.html" for stem in stems} | documents | {"index.html", "api.html", "search.html"} <= found
    assert check.problems(site) == []
    first = (site / "notebooks" / f"{stems[0]}.html").read_text(encoding="utf-8")
    assert f'href="{stems[1]}.html"' in first
    assert "33,434" in first  # an output: it was executed
    for name in found:
        text = (site / name).read_text(encoding="utf-8")
        assert '.ipynb"' not in text, name
        assert "injected-parameters" not in text, name
        assert "headerlink" not in text, name


@pytest.mark.long
def test_each_page_fits_a_phone_and_a_desk_in_both_themes_and_asks_no_other_host(site, address):
    wide = []
    shown = [name for name in pages(site) if BUILT or "decisions/" not in name]  # those are alike
    with browser() as page:
        for name in shown:
            page.open(f"{address}/{name}")
            for width in (390, 1280):
                for dark in (False, True):
                    page.size(width, 900, dark=dark)
                    theme = "dark" if dark else "light"
                    page.until(f"document.documentElement.dataset.theme === '{theme}'")
                    if page.value("document.scrollingElement.scrollWidth > innerWidth"):
                        wide.append((name, width))
            broken = "[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
            assert page.value(broken) == [], name
        assert wide == []
        assert page.hosts <= {address.removeprefix("http://"), ""}
        assert page.errors == []


@pytest.mark.long
def test_search_finds_a_word(site, address):
    with browser() as page:
        page.open(f"{address}/search.html?q=holdout")
        page.until("document.querySelectorAll('#search-results li a').length > 3")


@pytest.mark.long
def test_a_quiz_answers_without_a_kernel(site, address):
    with browser() as page:
        page.open(f"{address}/notebooks/{SHORT.stem}.html")
        page.until("document.querySelectorAll('.MultipleChoiceQn').length > 2")
        for word in ("false", "true"):
            page.value(f"document.querySelector('.MCButton[data-correct={word}]').click()")
            page.until(f"document.querySelector('.Feedback.{'in' * (word == 'false')}correct').innerText.length > 9")
        assert page.hosts <= {address.removeprefix("http://"), ""}


@pytest.mark.long
def test_the_handout_is_one_sheet_of_paper(site, address):
    with browser() as page:
        page.open(f"{address}/docs/HANDOUT.html")
        sheets = re.search(rb"/Type /Pages\s*/Count (\d+)", base64.b64decode(page.call("Page.printToPDF")["data"]))
    assert int(sheets[1]) == 1


def test_what_is_wrong_with_a_page_is_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<p id="here"><a href="gone.html">x</a><a href="#here">x</a><a href="#gone">x</a><a href="https://example.org">x</a>'
        '<img src="a.html"><img src="a.html" alt="words"><script src="https://example.org/x.js"></script>'
        '<link rel="next" href="a.html"><p>| a | b |</p>'
    )
    assert check.problems(tmp_path) == [
        "a.html: dead link #gone",
        "a.html: dead link gone.html",
        "a.html: fetches https://example.org/x.js",
        "a.html: no table, but its source: | a | b |",
        "a.html: no words for a.html",
    ]


def test_cells_that_a_run_put_in_and_widgets_are_left_out(tmp_path):
    import build

    notebook = nbformat.v4.new_notebook(metadata={"widgets": {"x": {}}})
    injected = nbformat.v4.new_code_cell("A = 1", metadata={"tags": ["injected-parameters"]})
    link = nbformat.v4.new_markdown_cell("[a](../lib/mlgate/errors.py) [b](../docs/GLOSSARY.md#x) [c](../README.md)")
    notebook.cells = [injected, link]
    nbformat.write(notebook, tmp_path / "09_x.ipynb")
    shown = build.readable(tmp_path / "09_x.ipynb", {"docs/GLOSSARY.md"})
    assert "widgets" not in shown.metadata
    assert [cell.source for cell in shown.cells] == ['a <a href="../docs/GLOSSARY.html#x">b</a> [c](../index.md)']
