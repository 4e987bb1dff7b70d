"""Sphinx's settings for the site. docs/build.py gathers the pages, and calls Sphinx with this file."""

import os

import mlgate

REPOSITORY = os.environ.get("GITHUB_REPOSITORY")  # set where CI builds: elsewhere nothing leads to a repository

project = "mlgate"
author = "The mlgate authors"
copyright = author
version = release = mlgate.__version__
html_title = "mlgate"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "index"
exclude_patterns = ["_build"]
nb_execution_mode = "off"  # the pages show what a run of the pipeline did, not what a page builder did
nb_ipywidgets_js = {}  # would come from another host
nb_merge_streams = True
nb_render_markdown_format = "myst"  # a verdict that shows itself has tables, which plain CommonMark has not
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
suppress_warnings = ["myst.header"]  # the folded corners begin with a small heading
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
python_use_unqualified_type_names = True

html_theme = "sphinx_book_theme"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/icon.svg"
html_permalinks = False
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "home_page_in_toc": True,
    "navbar_persistent": [],  # the side bar has a search field of its own
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
if REPOSITORY:
    html_theme_options |= {
        "repository_url": f"https://github.com/{REPOSITORY}",
        "repository_branch": "main",
        "use_repository_button": True,
    }
