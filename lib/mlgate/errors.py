"""The error that every package raises for what its user can fix."""


class MlgateError(Exception):
    """An error that the user can fix. The message is one line: what is wrong, and what to do about it."""

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows: the message, without the pages of traceback that would hide it."""
        return [f"{type(self).__name__}: {self}"]


# How to install an extra. mlgate is on no index: its bare name there would be a stranger's package.
FROM = "pip install with the path of a clone, and the extra behind it"
