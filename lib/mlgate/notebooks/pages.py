"""Executed notebooks as pages, and an index of them: what a page leads to is there."""

import contextlib
import html
import logging
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mlgate.errors import MlgateError
from mlgate.notebooks.formulas import with_pictures
from mlgate.notebooks.sources import cells_of

if TYPE_CHECKING:
    from nbconvert import HTMLExporter
    from nbformat import NotebookNode

# nbconvert's page, without the scripts it would fetch from other hosts (require.js, MathJax, Mermaid, widgets); with
# the words that say what a figure shows, a way back to the index, and the colours that the reader's screen asks for.
PAGE = """{%- extends "lab/index.html.j2" -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block jupyter_widgets -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block html_head_css -%}
{{ resources.include_css("static/theme-dark.css")
   | replace("<style", "<style media='(prefers-color-scheme: dark)'") }}
<style>
  main { max-width: 62rem; margin: 0 auto; }
  nav { font: 1rem sans-serif; padding: 0.8rem 0 0; }
  nav a { color: #2b7fb5; }
  .jp-OutputPrompt, .jp-InputPrompt { display: none; }
  .jp-Cell, .jp-Notebook { min-width: 0; }
  .jp-OutputArea-output { overflow-x: auto; }
  .jp-OutputArea-output pre { white-space: pre-wrap; }
  .jp-RenderedImage img { max-width: 100%; height: auto; background: white; }
  summary { cursor: pointer; font-weight: 600; }
</style>
{%- endblock -%}
{%- block body_loop -%}<nav><a href="index.html">All notebooks of this run</a></nav>{{ super() }}{%- endblock -%}
{%- block data_png scoped -%}
<div class="jp-RenderedImage jp-OutputArea-output"><img src="data:image/png;base64,{{ output.data['image/png'] }}"
{%- set width = output | get_metadata('width', 'image/png') %} {% if width %}width="{{ width }}"{% endif %}
 alt="{{ (output | get_metadata('alt', 'image/png') or output.data.get('text/plain', 'figure')) | escape_html }}"></div>
{%- endblock -%}"""

INDEX = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>The executed notebooks</title>
<style>
  :root { color-scheme: light dark; }
  body { font: 1.1rem/1.6 sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
  a { color: #2b7fb5; }
  li { margin: 0.5rem 0; }
  .absent { opacity: 0.7; }
</style></head>
<body><h1>The executed notebooks</h1>
<p>Notebooks as the last runs in this folder left them, with all they printed and drew.</p>
<ul>
%s
</ul></body></html>
"""
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)")
NOTEBOOK = re.compile(r"(?:.*/)?([0-9][0-9]_\w+)\.ipynb")


def prepare_page() -> None:
    """Import what writes pages and have it write one, which takes longer than each further page does."""
    from nbformat import v4

    cells = [v4.new_markdown_cell("words"), v4.new_code_cell("print()", outputs=[v4.new_output("stream", text="\n")])]
    language = {"language_info": {"name": "python", "pygments_lexer": "ipython3"}}
    _exporter().from_notebook_node(v4.new_notebook(cells=cells, metadata=language))


def write_page(executed: Path, page: Path, others: Iterable[str] = ()) -> None:
    """Write an executed notebook as one HTML file that needs no other host. others: stems of pages that lie beside it.

    nbconvert's embed_images stays off: it would end each <details> before what it is to hide. Figures are outputs, and
    those are in the file anyway.
    """
    import nbformat

    notebook = for_people(nbformat.read(executed, as_version=4))
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = with_links(cell.source, set(others))
    text, _ = _exporter().from_notebook_node(notebook, {"metadata": {"name": executed.stem}})
    page.write_text(text, encoding="utf-8")


@cache
def _exporter() -> "HTMLExporter":
    """Return what writes pages. Its template is compiled once."""
    from nbconvert import HTMLExporter

    quiet = logging.Logger("nbconvert")
    quiet.addHandler(logging.NullHandler())
    return HTMLExporter(raw_template=PAGE, log=quiet)


def for_people(notebook: "NotebookNode") -> "NotebookNode":
    """Take away what a page has no use for, widgets and cells in which a run sets parameters; draw formulas."""
    notebook.metadata.pop("widgets", None)  # without them their text is shown
    notebook.cells = [cell for cell in notebook.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = with_pictures(cell.source)
    return notebook


def with_links(text: str, others: set[str]) -> str:
    """Let links lead to pages that are there: another notebook's, else its line in the index. Others become words."""

    def link(found: re.Match[str]) -> str:
        words = found[1]
        target = found[2]
        if re.match(r"[a-z]+:|#", target):
            return found[0]
        notebook = NOTEBOOK.fullmatch(target)
        if notebook is None:
            return words
        if notebook[1] in others:
            return f"[{words}]({notebook[1]}.html)"
        return f"[{words}](index.html#{notebook[1]})"

    return LINK.sub(link, text)


def write_index(folder: Path, notebooks: Iterable[Path]) -> None:
    """Write index.html: a line for each notebook, with a link where its page is in the folder."""
    lines = []
    for path in notebooks:
        words = html.escape(f"{path.stem[:2]} {title_of(path)}")
        if (folder / f"{path.stem}.html").is_file():
            lines.append(f'<li id="{path.stem}"><a href="{path.stem}.html">{words}</a></li>')
        else:
            lines.append(f'<li id="{path.stem}" class="absent">{words}: not run here</li>')
    (folder / "index.html").write_text(INDEX % "\n".join(lines), encoding="utf-8")


def title_of(path: Path) -> str:
    """Return a notebook's title: its first heading, else its name."""
    with contextlib.suppress(MlgateError):  # it need not be one that ran
        for cell in cells_of(path):
            text = "".join(cell["source"])
            if cell["cell_type"] == "markdown" and text.startswith("# "):
                return text.splitlines()[0].removeprefix("# ")
    return path.stem
