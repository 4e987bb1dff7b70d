"""`mlgate judge` on what evaluation harnesses write: its options, and when they are meant."""

import math
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlgate.answers.results import Reading

FORMATS = ("inspect", "lm-eval", "promptfoo")


def add(parser: ArgumentParser) -> None:
    """Add the options."""
    help = "the two files are what this wrote (default: what their content says)"
    parser.add_argument("--format", choices=FORMATS, help=help)
    parser.add_argument("--score", metavar="NAME", help="with such files: which score, where they have several")
    help = "with scores or --right-columns that hold grades: which grade passes, and all above it"
    parser.add_argument("--pass-from", metavar="GRADE", type=grade, help=help)


def grade(text: str) -> float:
    """Return a grade. Raises ValueError where it is none that answers could be compared with."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def meant(options: Namespace) -> bool:
    """Whether the two files are a harness's: by name, or by their content where no column is named."""
    production: Path | None = options.production_answers
    if options.format:
        return True
    if production is None or options.id_column or options.answer_column:
        return False
    from mlgate.answers.results import format_of

    return format_of(production) is not None


def reading(options: Namespace) -> "Reading":
    """Return how to read them."""
    from mlgate.answers.results import Reading

    return Reading(options.format, options.score, options.pass_from)
