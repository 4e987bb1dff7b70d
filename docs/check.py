"""What is wrong with a folder of HTML pages: dead links, tables not drawn, figures without words, other hosts asked."""

import re
from collections import defaultdict
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

FETCHED = {("img", "src"), ("script", "src"), ("link", "href"), ("iframe", "src"), ("source", "src"), ("video", "src")}
NOT_FETCHED = {"canonical", "next", "prev", "search", "index", "author"}  # <link rel=…> that a browser leaves alone


class Parsed(HTMLParser):
    """The addresses and anchors of one page."""

    def __init__(self, text: str):
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.anchors: set[str] = set()
        self.silent: list[str] = []  # figures without words
        self.pipes = re.findall(r"<p>(\|[^<]{0,40})", text)  # tables that nobody drew
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag names."""
        found = {name: value or "" for name, value in attrs}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if tag == "img" and not found.get("alt"):
            self.silent.append(found.get("src", "")[:80])
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        for name in ("src", "href"):
            if (tag, name) in FETCHED and name in found and found.get("rel") not in NOT_FETCHED:
                self.fetched.append(found[name])


def problems(folder: Path) -> list[str]:
    """Return what is wrong, a line each."""
    pages = [path for path in sorted(folder.rglob("*.html")) if "_static" not in path.parts]  # there: templates
    parsed = {path.resolve(): Parsed(path.read_text(encoding="utf-8")) for path in pages}
    found = defaultdict(set)
    for path, page in parsed.items():
        name = path.relative_to(folder.resolve()).as_posix()
        found[name] |= {f"no words for {image}" for image in page.silent}
        found[name] |= {f"no table, but its source: {start}" for start in page.pipes}
        found[name] |= {f"fetches {address}" for address in page.fetched if urlsplit(address).netloc}
        found[name] |= {f"dead link {link}" for link in page.links + page.fetched if is_dead(path, link, parsed)}
    return [f"{name}: {line}" for name, lines in found.items() for line in sorted(lines)]


def is_dead(path: Path, link: str, parsed: dict[Path, Parsed]) -> bool:
    """Whether a link of the page at `path` leads nowhere. Other hosts are not asked."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return False
    target = path
    if parts.path:
        target = (path.parent / unquote(parts.path)).resolve()
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return True
    return bool(parts.fragment) and target in parsed and unquote(parts.fragment) not in parsed[target].anchors
