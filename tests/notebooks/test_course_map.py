"""notebooks/README.md is true: each notebook in its order, and as many minutes as the notebook itself says."""

import re

import nbformat
from conftest import REPOSITORY

MAP = (REPOSITORY / "notebooks/README.md").read_text(encoding="utf-8")
NUMBERS = {"five": 5, "ten": 10, "fifteen": 15, "twenty": 20, "twenty-five": 25, "thirty": 30}
ROW = re.compile(r"^\| \[(\w+)\]\(\1\.ipynb\) \| (\d+) \|", re.MULTILINE)


def test_the_map_has_each_notebook_in_order_with_its_own_minutes():
    rows = ROW.findall(MAP)
    stems = [path.stem for path in sorted(REPOSITORY.glob("notebooks/[0-9][0-9]_*.ipynb"))]
    assert [stem for stem, _ in rows] == stems
    for stem, minutes in rows:
        first = nbformat.read(REPOSITORY / f"notebooks/{stem}.ipynb", as_version=4).cells[0].source
        told = re.search(rf"({'|'.join(NUMBERS)}) minutes", first, re.IGNORECASE)
        assert told, stem
        assert NUMBERS[told[1].lower()] == int(minutes), stem
