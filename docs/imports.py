"""Draw the picture of imports in docs/ARCHITECTURE.md from the imports there are: `python docs/imports.py`.

The layers are those of the import-linter contract in pyproject.toml. An arrow is left out where a longer way leads to
the same package, so that the picture can be read: whatever is below an arrow's end may be imported as well.
"""

import tomllib
from pathlib import Path

import grimp  # import-linter's own graph

DOCS = Path(__file__).parent
PAGE = DOCS / "ARCHITECTURE.md"
BEGIN = "<!-- imports: drawn by docs/imports.py -->"
END = "<!-- /imports -->"

Arrow = tuple[str, str]


def layers() -> list[list[str]]:
    """Return the packages, layer by layer, the uppermost first."""
    settings = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    flow = next(contract for contract in contracts if contract["id"] == "flow")
    return [[name.strip() for name in layer.split("|")] for layer in flow["layers"]]


def arrows() -> set[Arrow]:
    """Return which package imports which."""
    graph = grimp.build_graph("mlgate", cache_dir=None)
    packages = {name for layer in layers() for name in layer}
    found = set()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            arrow = (_package(module), _package(imported))
            if arrow[0] != arrow[1] and packages.issuperset(arrow):
                found.add(arrow)
    return found


def _package(module: str) -> str:
    return module.partition(".")[2].partition(".")[0]


def without_detours(found: set[Arrow]) -> set[Arrow]:
    """Return the arrows that no longer way replaces."""
    return {arrow for arrow in found if not _leads(found - {arrow}, *arrow)}


def _leads(found: set[Arrow], start: str, end: str) -> bool:
    """Whether a way along these arrows leads from start to end."""
    return any(here == start and (there == end or _leads(found, there, end)) for here, there in found)


def draw() -> str:
    """Return the picture as a Mermaid block."""
    lines = ["```mermaid", "flowchart TD"]
    for number, layer in enumerate(layers()):
        lines.append(f'    subgraph layer{number}[" "]')
        lines += [f'        {_node(name)}["{name}"]' for name in layer]
        lines.append("    end")
    lines += [f"    {_node(start)} --> {_node(end)}" for start, end in sorted(without_detours(arrows()))]
    return "\n".join([*lines, "```"])


def _node(name: str) -> str:
    """A name that Mermaid does not take for a word of its own."""
    return f"p_{name.strip('_')}"


def as_svg() -> str:
    """Return the same picture as plain SVG, for pages that fetch no script: a row for each layer, arrows downwards."""
    rows = layers()
    places = {}
    for number, row in enumerate(rows):
        for index, name in enumerate(row):
            x = 480 + 170 * (index - (len(row) - 1) / 2) + 30 * (number % 2 * 2 - 1)
            places[name] = (x, 30 + 70 * number)
    parts = [
        f'<svg viewBox="0 0 960 {70 * len(rows)}" role="img" aria-label="which package imports which, downwards only"'
        ' style="max-width: 100%; font: 15px sans-serif">'
    ]
    for start, end in sorted(without_detours(arrows())):
        (from_x, from_y), (to_x, to_y) = places[start], places[end]
        way = f"M{from_x:g},{from_y + 16:g} C{from_x:g},{from_y + 50:g} {to_x:g},{to_y - 50:g} {to_x:g},{to_y - 16:g}"
        parts.append(f'<path d="{way}" fill="none" stroke="#7a8a99" stroke-width="1.2"/>')
    for name, (x, y) in places.items():
        parts.append(
            f'<rect x="{x - 62:g}" y="{y - 16:g}" width="124" height="32" rx="6" fill="#e4eff6" stroke="#005a8c"/>'
            f'<text x="{x:g}" y="{y + 5:g}" text-anchor="middle" fill="#1b1b1b">{name}</text>'
        )
    return "\n".join([*parts, "</svg>"])


def with_picture(page: str) -> str:
    """Return the page with the picture as it is now between the two marks."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{draw()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_picture(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{PAGE}: {len(arrows())} imports between packages, {len(without_detours(arrows()))} drawn")
