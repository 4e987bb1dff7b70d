"""`mlgate …`: the same steps as the notebooks, for scripts and CI."""

import atexit
import gc
import sys

from mlgate.cli.commands import STALE, annotate, serve_command
from mlgate.cli.judge_commands import judge_command
from mlgate.cli.parser import make_parser
from mlgate.cli.tool_commands import completion_command
from mlgate.errors import FROM, MlgateError
from mlgate.pinned import pin
from mlgate.reporting.markdown import flat

__all__ = ["STALE", "main"]

# At its end a process need not be searched for garbage: that takes half a second where scikit-learn is there.
atexit.register(gc.freeze)

EXTRAS = {
    judge_command: "sklearn",
    serve_command: "serve",
    completion_command: "completion",
}  # what else has to be installed; for all others "workbook"


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status: 0, 3 HOLD, 4 REJECT, 1 an error, 2 wrong usage."""
    for stream in (sys.stdout, sys.stderr):  # a terminal that has no ✓ shows \u2713
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    pin()
    options = make_parser().parse_args(arguments)
    try:
        return options.command(options)
    except (MlgateError, OSError) as error:  # OSError: a full disk, a folder that may not be written
        said = flat(str(error))
        print(f"mlgate: {said}", file=sys.stderr)
        annotate("error", said)
        return 1
    except ModuleNotFoundError as error:
        extra = EXTRAS.get(options.command, "workbook")
        print(f"mlgate: {error.name} is not installed. It comes with mlgate[{extra}]: {FROM}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("mlgate: stopped.", file=sys.stderr)
        return 130
