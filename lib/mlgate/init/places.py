"""Where files go, and where this package comes from: what git and the installation know."""

import json
import os
import re
from importlib import metadata
from pathlib import Path

import mlgate
from mlgate.errors import MlgateError
from mlgate.ledger.commits import git
from mlgate.root import Root, read_file, write_atomically

NOBODY = "your-org/mlgate@main"  # where nobody knows: for people to fill in
ACTION = re.compile(r"[\w.-]+/[\w.-]+@[\w./-]+", re.ASCII)
GITHUB = re.compile(r"github\.com[:/]+([\w.-]+/[\w.-]+?)(?:\.git)?/?$")


def repository_of(folder: Path) -> Path:
    """Return the top folder of the git repository that a folder is in, or will be; where there is none, this folder."""
    whole = folder.resolve()
    there = next(path for path in (whole, *whole.parents) if path.is_dir())
    words = _git(there, "rev-parse", "--show-toplevel")
    if words:
        return Path(words)
    return Path.cwd() if whole.is_relative_to(Path.cwd()) else whole


def default_branch(folder: Path) -> str:
    """Return the repository's default branch: what its remote says, else the branch it is on."""
    words = _git(folder, "symbolic-ref", "--short", "refs/remotes/origin/HEAD")
    if words:
        return words.removeprefix("origin/")
    return _git(folder, "symbolic-ref", "--short", "HEAD") or _git(folder, "config", "init.defaultBranch") or "main"


def source(said: str | None = None) -> str:
    """Return OWNER/NAME@COMMIT of this package on GitHub: as said, else of its clone, or of what pip installed.

    NOBODY where none of them knows. Raises MlgateError where something else was said.
    """
    if said is not None:
        if not ACTION.fullmatch(said):
            raise MlgateError(f"{said!r:.80} is no OWNER/NAME@COMMIT. Write --action {NOBODY}, say.")
        return said
    here = Path(mlgate.__file__).parents[2]
    url = ""
    commit = ""
    if (here / "action.yml").is_file():
        url = _git(here, "remote", "get-url", "origin")
        commit = _git(here, "rev-parse", "HEAD")
    else:
        url, commit = _installed_from()
    name = GITHUB.search(url)
    return f"{name[1]}@{commit}" if name and commit else NOBODY


def _installed_from() -> tuple[str, str]:
    """Return the address and the commit that pip wrote down when it installed this package from git."""
    try:
        words = metadata.distribution("mlgate").read_text("direct_url.json")
        found = json.loads(words or "{}")
        return found["url"], found["vcs_info"]["commit_id"]
    except (metadata.PackageNotFoundError, ValueError, KeyError):
        return "", ""


def _git(folder: Path, *arguments: str) -> str:
    """Return what git says there, or nothing where it says no or is not there."""
    try:
        return git(Root(folder), *arguments).strip()
    except (MlgateError, OSError):
        return ""


def write_new(files: dict[Path, bytes]) -> None:
    """Write files, none of which may be there with other contents: nothing of anybody's is replaced."""
    for path, data in files.items():
        if os.path.lexists(path) and (not path.is_file() or read_file(path) != data):
            raise MlgateError(
                f"{path} is there already, and nothing was written. Move it away, or take another folder."
            )
    for path, data in files.items():
        write_atomically(path, data)
