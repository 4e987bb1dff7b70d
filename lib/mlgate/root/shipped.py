"""The files that come with this package beside its code: the notebooks, and a gate.toml with its comments."""

from pathlib import Path

SHARE = "share/mlgate"


def shipped() -> Path:
    """Return the folder with the notebooks and gate.toml: the clone's own, or where pip put them.

    Where there is neither, a folder that does not hold them.
    """
    clone = Path(__file__).parents[3]
    if (clone / "notebooks").is_dir() and (clone / "gate.toml").is_file():
        return clone
    from importlib import metadata  # here: a clone does without it

    try:
        files = metadata.distribution("mlgate").files or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.as_posix().endswith(f"{SHARE}/gate.toml"):
            return Path(str(file.locate())).parent
    return clone / SHARE
