"""Files: replaced in one step, so that a reader or a crash never sees a part; read only where they are files; JSON."""

import contextlib
import errno
import json
import os
import stat
import tempfile
from pathlib import Path
from typing import BinaryIO

from mlgate.errors import MlgateError


def to_json(value: object) -> bytes:
    """Return a value as the bytes of a JSON file that people can read. Raises ValueError where a number is none."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return text.encode(errors="backslashreplace")  # half a character becomes JSON's \udXXX


def write_atomically(path: Path, data: bytes) -> None:
    """Replace `path` by `data` in one step: a reader, or a crash, sees the old bytes or the new ones, never a part.

    Raises MlgateError, with the old bytes in place, where the folder or the disk does not take them.
    """
    try:
        _replace(path, data)
    except OSError as error:
        raise MlgateError(f"{path} cannot be written: {reason_of(error)}. Fix that, and repeat the command.") from error
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


def open_file(path: Path) -> BinaryIO:
    """Open a file to read its bytes. Raises OSError where it is none: a pipe would be waited for, for ever."""
    file = open(path, "rb", opener=_open_without_waiting)  # noqa: SIM115  (the caller closes it)
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise OSError(errno.EINVAL, "it is a pipe or a device, not a file")


def read_file(path: Path) -> bytes:
    """Return the bytes of a file. Raises OSError where it is none."""
    with open_file(path) as file:
        return file.read()


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def reason_of(error: OSError) -> str:
    """Return what the system says of an error, without the path."""
    return error.strerror or str(error)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut (where the system lets one open a folder)."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
