"""The folder a pipeline lives in: where its files are, and what its gate.toml says."""

import contextlib
import os
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

SECTIONS = (
    *("candidate", "corpus", "artifacts", "decision", "guards", "floors", "slices", "flips", "probabilities"),
    *("suspicion", "robustness", "leakage", "cost", "provenance"),
)
WORDS = {float: "a number", int: "a whole number", str: "text in quotes", list: "a list of texts in quotes"}


class MlgateError(Exception):
    """Something a person can mend. The message is one line: what is wrong, and what to do about it."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the message, without the pages of traceback that would hide it."""
        return [f"{type(self).__name__}: {self}"]


@dataclass(frozen=True)
class Root:
    """The files of one pipeline. Nothing here needs to exist yet."""

    path: Path

    @property
    def policy(self) -> Path:
        return self.path / "gate.toml"

    @property
    def production_folder(self) -> Path:
        return self.path / "artifacts_prod"

    @property
    def production(self) -> Path:
        return self.production_folder / "pipeline.pkl"

    @property
    def previous(self) -> Path:
        return self.production_folder / "previous.pkl"

    @property
    def cards(self) -> Path:
        return self.production_folder / "cards"

    @property
    def ledger(self) -> Path:
        return self.production_folder / "ledger.jsonl"

    @property
    def holdouts(self) -> Path:
        return self.production_folder / "holdout"

    @property
    def new_holdout(self) -> Path:
        return self.holdouts / "rows.csv"

    @property
    def candidate_folder(self) -> Path:
        return self.path / "artifacts_candidate"

    @property
    def candidate(self) -> Path:
        return self.candidate_folder / "pipeline.pkl"

    @property
    def candidate_card(self) -> Path:
        return self.candidate_folder / "card.json"

    @property
    def candidate_keys(self) -> Path:
        return self.candidate_folder / "training.keys"

    @property
    def verdict(self) -> Path:
        return self.candidate_folder / "verdict.json"

    @property
    def preview(self) -> Path:
        return self.candidate_folder / "preview.json"

    @property
    def runs(self) -> Path:
        return self.path / "runs"

    def settings(self) -> dict:
        """What gate.toml says, section by section; {} where there is none."""
        return read_settings(self.policy) if self.policy.is_file() else {}

    @contextlib.contextmanager
    def locked(self, seconds: float = 60):
        """Hold the root's one lock: a second process waits, at most `seconds`. The system frees it when we die."""
        from filelock import FileLock, Timeout  # here, because `mlgate record` runs where nothing is installed

        lock = FileLock(self.path / ".mlgate.lock")
        try:
            lock.acquire(timeout=seconds)
        except Timeout as error:
            raise MlgateError(
                f"Another mlgate has been working in {self.path} for {seconds:g} s. Try again later."
            ) from error
        except OSError as error:
            raise MlgateError(f"{lock.lock_file} cannot be written: {_said(error)}. Mend that first.") from error
        try:
            yield
        finally:
            lock.release()


def find_root(folder: str | Path | None = None) -> Root:
    """The root: `folder`, else $MLGATE_ROOT, else the nearest folder from here upwards that has a gate.toml."""
    named = folder or os.environ.get("MLGATE_ROOT")
    if named:
        path = Path(named).expanduser().resolve()
        if not path.is_dir():
            raise MlgateError(f"The root {path} is not a folder. Name one with --root, or create it.")
        return Root(path)
    here = Path.cwd()
    for path in (here, *here.parents):
        if (path / "gate.toml").is_file():
            return Root(path)
    raise MlgateError(f"No gate.toml in {here} or above it. Go to your project's folder, or name it with --root.")


def read_settings(path: Path) -> dict:
    """A gate.toml, section by section. Raises MlgateError where it is not TOML or has a section that nobody knows."""
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise MlgateError(f"There is no file {path}. Check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise MlgateError(f"{path} cannot be read as TOML: {error}. Mend that line.") from error
    for name, value in settings.items():
        if name not in SECTIONS or not isinstance(value, dict):
            raise MlgateError(f"{path.name}: there is no section [{name}]; there are {', '.join(SECTIONS)}.")
    return settings


def section(settings: dict, name: str, types: dict[str, type]) -> dict:
    """One section of the settings, each key and type checked: a wrong one is a MlgateError that names it."""
    found = dict(settings.get(name, {}))
    for key, value in found.items():
        if key not in types:
            raise MlgateError(f"gate.toml: [{name}] has no key {key!r}; it has {', '.join(types)}.")
        kind = types[key]
        if kind is float and type(value) is int:
            found[key] = value = float(value)
        listed = kind is list and isinstance(value, list) and all(isinstance(item, str) for item in value)
        if type(value) is not kind or (kind is list and not listed):
            raise MlgateError(f"gate.toml: [{name}] {key} must be {WORDS[kind]}, not {value!r}.")
    return found


def write_atomically(path: Path, data: bytes) -> None:
    """Replace `path` by `data` in one step: a reader, or a crash, sees the old bytes or the new ones, never a part.

    Raises MlgateError, with the old bytes in place, where the folder or the disk does not take them.
    """
    try:
        _replace(path, data)
    except OSError as error:
        raise MlgateError(f"{path} cannot be written: {_said(error)}. Mend that, and repeat the command.") from error
    sync_folder(path.parent)


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise


def _said(error: OSError) -> str:
    return error.strerror or str(error)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut (where the system lets one open a folder)."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
