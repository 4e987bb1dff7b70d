"""Build the site: `make docs`, or `python docs/build.py [--executed DIR] [--out site]`.

The pages are this repository's own documents and its notebooks as a run of the pipeline left them. Without --executed,
all notebooks run once in a folder of their own, unless that was done for this very code; no model or ledger of yours is
touched. A warning of Sphinx is an error, and so is a link that leads nowhere (docs/check.py).
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import mlgate  # noqa: F401  before numpy
from mlgate.notebooks.handover import KIND
from mlgate.notebooks.pages import for_people

import nbformat
from check import problems

REPOSITORY = Path(__file__).parents[1]
SITE = REPOSITORY / "docs/site"
RUNS = REPOSITORY / "runs/site"
PAGES = ["docs/*.md", "docs/decisions/*.md", "notebooks/*.md", "deploy/*.md", "[C-S]*.md"]
LEFT_OUT = {"README.md"}  # the front page says it for the site: docs/site/index.md
INPUTS = ["notebooks/**/*", "lib/**/*.py", "gate.toml", "requirements.lock", "artifacts_prod/pipeline.pkl"]
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s#]*)(#[^)\s]*)?\)")
PICTURES = {"06_reject_live": ("room", "docs/control_room.png")}  # a widget needs a kernel; its picture does not


def main() -> int:
    """Build, check, and say where it is. Returns the exit status."""
    parser = argparse.ArgumentParser(description="build the site")
    parser.add_argument("--executed", type=Path, help="a folder with executed notebooks (default: run them all)")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "site")
    options = parser.parse_args()
    executed = options.executed or execute(RUNS)
    with tempfile.TemporaryDirectory() as folder:
        gather(executed, Path(folder))
        status = sphinx(Path(folder), options.out)
    found = problems(options.out)
    for line in found:
        print(line, file=sys.stderr)
    if status or found:
        return 1
    print(f"The site is in {options.out}: open {options.out / 'index.html'}")
    return 0


def execute(folder: Path) -> Path:
    """Run every notebook in a folder of its own and keep them in `folder`, unless they are there for this very code."""
    stamp = folder / "made-from"
    state = state_of_the_code()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == state:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as root:
        shutil.copytree(REPOSITORY / "artifacts_prod", Path(root, "artifacts_prod"))
        shutil.copy(REPOSITORY / "gate.toml", root)
        subprocess.run([sys.executable, "-m", "mlgate", "--root", root, "run", "--every"], check=True)
        shutil.copytree(Path(root, "runs"), folder, ignore=shutil.ignore_patterns("*.html", "*.log", "selftest"))
    stamp.write_text(state, encoding="utf-8")
    return folder


def state_of_the_code() -> str:
    """Return a digest of all that the executed notebooks depend on."""
    digest = hashlib.sha256()
    for pattern in INPUTS:
        for path in sorted(REPOSITORY.glob(pattern)):
            if path.is_file():
                digest.update(path.relative_to(REPOSITORY).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def sphinx(source: Path, out: Path) -> int:
    """Have Sphinx make pages of what is gathered. Returns its exit status."""
    shutil.rmtree(out, ignore_errors=True)
    options = ["-W", "--keep-going", "-q", "-j", "2"]
    command = [sys.executable, "-m", "sphinx", "-b", "html", *options, str(source), str(out)]
    status = subprocess.run(command, check=False).returncode
    for folder in (".doctrees", "_sources"):
        shutil.rmtree(out / folder, ignore_errors=True)
    (out / ".buildinfo").unlink(missing_ok=True)
    return status


def gather(executed: Path, folder: Path) -> None:
    """Lay the pages out as in the repository, so that they lead to each other as they do there."""
    shutil.copytree(SITE, folder, dirs_exist_ok=True)
    for picture in REPOSITORY.glob("docs/*.png"):
        (folder / "docs").mkdir(exist_ok=True)
        shutil.copy(picture, folder / "docs")
    names = [name for name in pages() if name not in LEFT_OUT]
    notebooks = sorted(path.name for path in REPOSITORY.glob("notebooks/[0-9][0-9]_*.ipynb"))
    known = {*names, *(f"notebooks/{name}" for name in notebooks)}
    for name in names:
        text = (REPOSITORY / name).read_text(encoding="utf-8")
        write(folder / name, with_links(with_picture(text), name, known))
    contents = "```{toctree}\n:hidden:\n:glob:\n\n[0-9]*\n```\n"
    with (folder / "docs/decisions/README.md").open("a", encoding="utf-8") as file:
        file.write(f"\n{contents}")
    for name in notebooks:
        page = executed / name
        if not page.is_file():
            page = REPOSITORY / "notebooks" / name
        write(folder / "notebooks" / name, nbformat.writes(readable(page, known)))
    index = (SITE / "index.md").read_text(encoding="utf-8")
    others = [name.removesuffix(".md") for name in names if name.removesuffix(".md") not in index]
    index = index.replace("<!-- others -->", "\n".join(name for name in others if "/decisions/" not in name))
    write(folder / "index.md", index.replace("<!-- notebooks -->", "\n".join(entries(folder, notebooks))))


def pages() -> Iterator[str]:
    """Return each document's path in the repository."""
    for pattern in PAGES:
        for path in sorted(REPOSITORY.glob(pattern)):
            yield path.relative_to(REPOSITORY).as_posix()


def entries(folder: Path, notebooks: list[str]) -> Iterator[str]:
    """Return a line of the table of contents for each notebook: its number and its title."""
    for name in notebooks:
        cells = nbformat.read(folder / "notebooks" / name, as_version=4).cells
        title = cells[0].source.splitlines()[0].lstrip("# ")
        yield f"{name[:2]} {title} <notebooks/{name.removesuffix('.ipynb')}>"


def readable(path: Path, known: set[str]) -> nbformat.NotebookNode:
    """Return a notebook as a page shows it: figures with their words, no cells that a run put in, no widgets."""
    notebook = for_people(nbformat.read(path, as_version=4))
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = with_links(cell.source, f"notebooks/{path.name}", known)
        for output in cell.get("outputs", []):
            describe(cell, output)
    picture = PICTURES.get(path.stem)
    if picture and (REPOSITORY / picture[1]).is_file():
        replace_widget(notebook, *picture)
    return notebook


def describe(cell: nbformat.NotebookNode, output: nbformat.NotebookNode) -> None:
    """Give a figure the words that say what it shows, and leave out what is for machines alone."""
    output.get("data", {}).pop(KIND, None)
    if "image/png" in output.get("data", {}):
        words = output.metadata.get("image/png", {}).get("alt") or output.data.get("text/plain", "")
        cell.metadata["mystnb"] = {"image": {"alt": " ".join(words.split())}}


def replace_widget(notebook: nbformat.NotebookNode, cell_id: str, picture: str) -> None:
    """Put a picture where a widget would be."""
    for number, cell in enumerate(notebook.cells):
        if cell.id == cell_id:
            cell.outputs = []
            text = f"![The control room: verdict, interval, production's strip](../{picture})"
            notebook.cells.insert(number + 1, nbformat.v4.new_markdown_cell(text))
            return


def with_links(text: str, page: str, known: set[str]) -> str:
    """Return a page's text with links that lead somewhere on the site; or to the repository; else with none."""

    def link(found: re.Match[str]) -> str:
        words, target, anchor = found[1], found[2], found[3] or ""
        if not target or re.match(r"[a-z]+:", target):
            return found[0]
        path = Path(os.path.normpath(Path(page).parent / target)).as_posix()
        if path.endswith("GLOSSARY.md") and anchor:  # an anchor in HTML, of which Sphinx knows nothing: check.py does
            return f'<a href="{target.removesuffix(".md")}.html{anchor}">{words.strip("*")}</a>'
        if path in known:
            return found[0]
        if path in LEFT_OUT:
            return f"[{words}]({os.path.relpath('index.md', Path(page).parent)})"
        repository = os.environ.get("GITHUB_REPOSITORY")
        if repository:
            return f"[{words}](https://github.com/{repository}/blob/main/{path}{anchor})"
        return words

    return LINK.sub(link, text)


def with_picture(text: str) -> str:
    """Replace a Mermaid block, which needs a script of another host, by a picture in plain SVG (docs/imports.py)."""
    if "```mermaid" not in text:
        return text
    import imports

    return re.sub(r"```mermaid\n.*?```", lambda _: imports.as_svg(), text, flags=re.DOTALL)


def write(path: Path, text: str) -> None:
    """Write a page, and the folder that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
