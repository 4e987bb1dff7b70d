"""The options of `mlgate judge` for models that are never loaded: behind a command, a URL, or in a column of rows."""

import os
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from mlgate.errors import MlgateError

if TYPE_CHECKING:
    from mlgate.answers.asked import Asked

SIDES = ("production", "candidate")
PROTOCOLS = ("mlflow", "oip", "openai", "mlgate")
REMOTE = tuple(f"{side}_{kind}" for side in SIDES for kind in ("command", "http"))
MANNERS = ("protocol", "prompt", "pass_environment", "token_from", "seconds", "batch", "at_a_time")


def add(judge: ArgumentParser) -> None:
    """Add these options."""
    for side in SIDES:
        help = f"instead of {side}'s file: a program that reads rows and writes answers, as JSON lines"
        judge.add_argument(f"--{side}-command", metavar="'python predict.py'", help=help)
        help = f"or a service; #NAME behind it: {side}'s name there"
        judge.add_argument(f"--{side}-http", metavar="URL", help=help)
    judge.add_argument("--protocol", choices=PROTOCOLS, help="what these services speak")
    help = "for openai: what to say, with columns in braces (default: {text})"
    judge.add_argument("--prompt", metavar="TEXT", help=help)
    help = "environment variables that the commands may see, beside PATH, HOME and the like"
    judge.add_argument("--pass-environment", metavar="NAME", nargs="+", help=help)
    help = "the environment variable whose value services get as a bearer token"
    judge.add_argument("--token-from", metavar="NAME", help=help)
    judge.add_argument("--seconds", type=float, metavar="S", help="for each run or request (default: 60)")
    judge.add_argument("--batch", type=int, metavar="N", help="rows in a request (default: 100)")
    judge.add_argument("--at-a-time", type=int, metavar="N", help="requests at a time (default: 4)")


def asked(options: Namespace, side: str) -> "Asked":
    """Return the model of one side. Exactly one way to ask it must be named: else it is wrong usage."""
    from mlgate.answers.asked import Column
    from mlgate.answers.commands import Command
    from mlgate.answers.endpoints import Endpoint, Manners
    from mlgate.answers.protocols import Manner

    ways = {kind: getattr(options, f"{side}_{kind}") for kind in ("command", "http", "column")}
    named = [kind for kind, value in ways.items() if value]
    if len(named) != 1:
        options.usage(f"name one of --{side}-command, --{side}-http and --{side}-column")
    seconds = _at_least(options, "seconds", 60.0)
    if ways["column"]:
        return Column(ways["column"])
    if ways["command"]:
        return Command(ways["command"], seconds, options.pass_environment or (), options.positive)
    if not options.protocol:
        options.usage("--protocol is missing: what do the services speak?")
    token = _token(options.token_from)
    manners = Manners(int(_at_least(options, "batch", 100)), int(_at_least(options, "at_a_time", 4)), seconds, token)
    return Endpoint(ways["http"], options.protocol, Manner(text=options.text_column, prompt=_prompt(options)), manners)


def _prompt(options: Namespace) -> str:
    return options.prompt or "{" + options.text_column + "}"


def _at_least(options: Namespace, name: str, default: float) -> float:
    value = getattr(options, name)
    if value is None:
        return default
    if not 1 <= value <= 1_000_000:
        options.usage(f"--{name.replace('_', '-')} must be from 1 to 1,000,000")
    return value


def _token(name: str | None) -> str:
    if name is None:
        return ""
    token = os.environ.get(name, "")
    if not (token and token.isascii() and token.isprintable()):
        raise MlgateError(f"There is no {name!r} in the environment, or it is no token. Set it to one.")
    return token
