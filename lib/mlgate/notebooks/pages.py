"""Executed notebooks as pages."""

import logging
from pathlib import Path

# nbconvert's page, without the scripts it would fetch from other hosts (require.js, MathJax, Mermaid, widgets).
PAGE = """{%- extends "lab/index.html.j2" -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block jupyter_widgets -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}"""


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
