"""What pages, notebooks and gate.toml name is there: files, relative links, headings that are linked to."""

import json
import re
from pathlib import Path

from mlgate.root import Root

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [
    *ROOT.glob("*.md"),
    *ROOT.glob(".github/**/*.md"),
    *ROOT.glob("docs/*.md"),
    *ROOT.glob("docs/decisions/*.md"),
    *ROOT.glob("notebooks/*.md"),
    *ROOT.glob("notebooks/*.ipynb"),
    ROOT / "artifacts_candidate/README.md",
    ROOT / "gate.toml",
]
LINK = re.compile(r"\]\(([^)\s]+)\)")
FILE = re.compile(r"`([\w.-]+(?:/[\w.-]+)+/?|[\w-]+\.(?:ipynb|lock|md|toml|yml))`")


def text_of(page: Path) -> str:
    """The words of a page; of a notebook, those of its Markdown cells."""
    text = page.read_text(encoding="utf-8")
    if page.suffix != ".ipynb":
        return text
    return "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown")


def made_by_a_run() -> set[str]:
    """Files that are there once the pipeline has run: they cannot be opened in a fresh clone."""
    root = Root(Path())
    named = [value for value in map(root.__getattribute__, dir(Root)) if isinstance(value, Path)]
    pages = [f"runs/{path.stem}.{kind}" for path in ROOT.glob("notebooks/*.ipynb") for kind in ("html", "ipynb")]
    return {path.as_posix() for path in named} | {
        *pages,
        "runs/index.html",
        "runs/selftest/result.md",
        "runs/selftest/result.json",
    }


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ +(.+)$", text_of(page), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    written = re.findall(r'<a id="([^"]+)"></a>', text_of(page))
    return {heading.strip().replace(" ", "-") for heading in plain} | set(written)


def broken_links(page: Path) -> list[str]:
    broken = []
    for link in LINK.findall(text_of(page)):
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        path = (page.parent / target).resolve() if target else page
        if not path.exists() or (anchor and path.suffix == ".md" and anchor not in anchors(path)):
            broken.append(link)
    return broken


def missing_files(page: Path) -> list[str]:
    known = made_by_a_run()
    named = {name.rstrip("/") for name in FILE.findall(text_of(page))}
    places = (ROOT, page.parent)
    return sorted(name for name in named - known if not any((place / name).exists() for place in places))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_names_only_what_is_there(page):
    assert broken_links(page) == []
    assert missing_files(page) == []


def test_what_is_not_there_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("[a](gone.md) [b](#gone) [c](https://example.org/x) [d](#here-it-is) `runs/gone.md` `gate.toml`\n"
                    "# Here: it is!\n")  # fmt: skip
    assert broken_links(page) == ["gone.md", "#gone"]
    assert missing_files(page) == ["runs/gone.md"]


def test_each_decision_is_listed():
    folder = ROOT / "docs/decisions"
    listed = LINK.findall(text_of(folder / "README.md"))
    assert listed == sorted(path.name for path in folder.glob("[0-9]*.md"))
