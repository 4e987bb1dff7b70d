"""One writer at a time: the lock of a root."""

import contextlib
from collections.abc import Iterator

from mlgate.errors import MlgateError
from mlgate.root import Root, reason_of

from filelock import FileLock, Timeout


@contextlib.contextmanager
def locked(root: Root, seconds: float = 60) -> Iterator[None]:
    """Hold the root's one lock: a second process waits, at most `seconds`. The system frees it when we die."""
    lock = FileLock(root.path / ".mlgate.lock")
    try:
        lock.acquire(timeout=seconds)
    except Timeout as error:
        raise MlgateError(
            f"Another mlgate has been working in {root.path} for {seconds:g} s. Try again later."
        ) from error
    except OSError as error:
        raise MlgateError(f"{lock.lock_file} cannot be written: {reason_of(error)}. Fix that first.") from error
    try:
        yield
    finally:
        lock.release()
