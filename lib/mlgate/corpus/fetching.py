"""Files that are elsewhere: standard input, and what pyarrow.fs reaches (s3, gs, abfs, hdfs). Copied while needed."""

import gzip
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, BinaryIO

from mlgate.errors import MlgateError

import pyarrow as pa

if TYPE_CHECKING:
    from pyarrow import fs  # else imported for a URL: it takes a while

STDIN = Path("-")
URL = re.compile(r"^(s3|gs|gcs|abfs|abfss|hdfs|viewfs|file):/+(.*)$")  # as a Path has it, which makes one slash of two
WEB = re.compile(r"^(https?|ftp):/")
HEAD = 1 << 16


@contextmanager
def fetched() -> Iterator["Fetcher"]:
    """Have a folder for copies, which goes with them in the end."""
    with TemporaryDirectory(prefix="mlgate-") as folder:
        fetcher = Fetcher(Path(folder))
        try:
            yield fetcher
        except MlgateError as error:
            raise MlgateError(fetcher.told(str(error))) from error


class Fetcher:
    """Copies files from elsewhere into a folder; what is here already stays where it is."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.copies: dict[Path, str] = {}  # where each is, and what people call it

    def local(self, name: Path) -> Path:
        """Return where a file, or a folder of files, is on this machine. Raises MlgateError where it cannot be had."""
        found = URL.match(name.as_posix())
        if name == STDIN:
            shown = "standard input"
            path = self._of_stdin()
        elif found:
            url = found[1] + (":///" if found[1] == "file" else "://") + found[2]
            shown = _without_secrets(url)
            path = self._of_url(url, shown)
        elif WEB.match(name.as_posix()):
            shown = _without_secrets(name.as_posix().replace(":/", "://", 1))
            raise MlgateError(f"{shown} is on the web, which is not read. Copy the file here, or pipe it in as -.")
        else:
            return name
        self.copies[path] = shown
        return path

    def told(self, message: str) -> str:
        """Return a message with the names that people gave in the place of those of the copies."""
        for path, shown in self.copies.items():
            message = message.replace(str(path), shown)
        return message

    def _new(self) -> Path:
        """Return a folder of its own for each: two files may have one name."""
        place = self.folder / str(len(self.copies))
        place.mkdir()
        return place

    def _of_stdin(self) -> Path:
        if "standard input" in self.copies.values():
            raise MlgateError("Standard input (-) can be read once. Name a file for the other.")
        path = self._new() / "stdin"
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        return path.rename(path.with_name(f"stdin{_suffix(path)}"))

    def _of_url(self, url: str, shown: str) -> Path:
        from pyarrow import fs

        try:
            system, path = fs.FileSystem.from_uri(url)
            about = system.get_file_info(path)
            if about.type == fs.FileType.NotFound:
                raise MlgateError(f"There is no file {shown}. Check the address.")
            place = self._new()
            if about.type != fs.FileType.Directory:
                return _copied(system, path, place)
            for item in system.get_file_info(fs.FileSelector(path)):
                if item.type == fs.FileType.File:
                    _copied(system, item.path, place)
        except (OSError, pa.ArrowException) as error:
            said = " ".join(str(error).replace(url, shown).split())
            raise MlgateError(
                f"{shown} cannot be reached: {said:.200}. Check the address and the credentials, or copy the file here."
            ) from error
        return place


def _without_secrets(url: str) -> str:
    """Return an address without the keys that may stand before its host, and without its options."""
    return re.sub(r"//[^/@]*@", "//", url).partition("?")[0]


def _copied(system: "fs.FileSystem", path: str, place: Path) -> Path:
    target = place / PurePosixPath(path).name
    with system.open_input_stream(path, compression=None) as stream, target.open("wb") as file:
        shutil.copyfileobj(stream, file)
    return target


def _suffix(path: Path) -> str:
    """Return what its first bytes say a file is: as its name would end."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if head[:4] == b"PAR1":
        return ".parquet"
    if head[:2] == b"\x1f\x8b":
        return f"{_of_text(_unfolded(path))}.gz"
    return _of_text(head)


def _unfolded(path: Path) -> bytes:
    with suppress(OSError, EOFError), gzip.open(path) as file:
        unfolded: BinaryIO = file  # type: ignore[assignment]
        return unfolded.read(HEAD)
    return b""


def _of_text(head: bytes) -> str:
    line = head.lstrip(b"\xef\xbb\xbf \t\r\n").partition(b"\n")[0]
    if line.startswith(b"{"):
        return ".jsonl"
    return ".tsv" if b"\t" in line and b"," not in line else ".csv"
