"""`make lab` opens the course map, as root in a container too, and takes further options."""

import os
import shlex
import shutil
import subprocess
import sys

import pytest
from chromium import browser
from conftest import REPOSITORY
from jupyter_lab import started

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="needs make")


def command(arguments: str = "") -> list[str]:
    """What `make lab` would run."""
    make = ["make", "--dry-run", "--no-print-directory", "lab", f"ARGS={arguments}", f"MLGATE_VENV={sys.prefix}"]
    printed = subprocess.check_output(make, cwd=REPOSITORY, text=True)
    words = shlex.split(printed.replace("\\\n", " ").splitlines()[-1])
    assert words[:2] == [".venv/bin/jupyter", "lab"]
    return words[2:]


def test_it_takes_further_options_and_root_is_welcome():
    words = command("--port 9000 --no-browser")
    assert words[-3:] == ["--port", "9000", "--no-browser"]
    assert ("--allow-root" in words) == (os.geteuid() == 0)


@pytest.mark.slow
def test_the_course_map_is_what_one_sees_first(tmp_path):
    options = [word for word in command("--no-browser") if "ServerApp" not in word]
    with browser() as page, started(tmp_path, options, REPOSITORY) as address:
        page.size(1280, 720)
        page.open(f"{address}/?token=t")
        page.until("document.querySelector('.jp-MarkdownViewer h1')?.innerText.includes('a course map')", 90)
        assert "Jupyter news" not in page.value("document.body.innerText")
