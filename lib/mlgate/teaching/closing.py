"""What is taken down again: by `close`, at the end of a `with`, or with the process."""

import atexit
import contextlib
from typing import Self


class Closing:
    """Holds a service, a folder and the like on `stack`, until `close`.

    Opening another of its kind closes the one before, so that a cell may be run twice.
    """

    current: Self | None = None

    def __init__(self) -> None:
        kind = type(self)
        if kind.current:
            kind.current.close()
        kind.current = self
        self.stack = contextlib.ExitStack()
        atexit.register(self.close)

    def close(self) -> None:
        """Take everything down. Once more does no harm."""
        atexit.unregister(self.close)
        self.stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
