"""Writes a benchmark's lines into docs/MEASURED.md, between two marks, with the machine they were measured on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

from mlgate.reporting.markdown import table

PAGE = Path(__file__).parent.parent / "docs/MEASURED.md"


def machine() -> str:
    """One line about the machine and the versions."""
    names = ("scikit-learn", "numpy", "papermill")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"{system}, {versions}"


def write_table(name: str, lines: list[tuple[str, ...]], head: tuple[str, ...] = ("", "median", "ratio")) -> None:
    """Print the lines as a table and put it into the page between <!-- bench:NAME --> and <!-- /bench:NAME -->."""
    rows = "\n".join(table(head, lines))
    text = f"{rows}\n\n<sub>{machine()}</sub>"
    print(text)
    begin, end = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    _, found, after = rest.partition(end)
    if found:
        PAGE.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
