"""`mlgate schema` and `mlgate completion`: for editors, programs and shells."""

import json
from argparse import SUPPRESS, ArgumentParser, Namespace, _SubParsersAction
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlgate.cli.parser import Commands

SCHEMAS = ("verdict", "gate", "card")


def add(added: "Commands") -> None:
    """Add the commands."""
    schema = added.add("schema", schema_command, "print a JSON schema: of verdict.json, gate.toml or a card of counts")
    schema.add_argument("what", choices=SCHEMAS)
    help = "print a shell's completion: mlgate completion bash > ~/.local/share/bash-completion/completions/mlgate"
    completion = added.add("completion", completion_command, help)
    completion.add_argument("shell", choices=("bash", "zsh"))


def schema_command(options: Namespace) -> int:
    print(json.dumps(schema(options.what), indent=2))
    return 0


def schema(what: str) -> dict[str, object]:
    """Return the JSON schema of a file: one of SCHEMAS."""
    from mlgate.root import gate_schema

    if what == "gate":
        return gate_schema()
    if what == "card":
        from mlgate.answers.counts import schema as of_cards

        return of_cards()
    from mlgate.gate.written import schema as of_verdicts

    return of_verdicts()


def completion_command(options: Namespace) -> int:
    from mlgate.cli.parser import make_parser

    import shtab

    parser = make_parser()
    _complete_files(parser)
    print(shtab.complete(parser, shell=options.shell))
    return 0


def _complete_files(parser: ArgumentParser) -> None:
    """Have what takes a path complete to files; what --help does not show is left out."""
    import shtab

    for action in list(parser._actions):
        if isinstance(action, _SubParsersAction):
            for inner in dict.fromkeys(action.choices.values()):
                _complete_files(inner)
        elif action.help is SUPPRESS:
            action.help = "the pipeline's folder"
        elif action.type is Path:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
