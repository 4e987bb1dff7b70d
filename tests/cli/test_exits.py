"""What scripts go by: exit statuses in --help and on one page, schemas of files, completion, [tool.mlgate]."""

import json
import re
import subprocess
import tomllib
from pathlib import Path

from mlgate import cli
from mlgate.cli.commands import EXIT, STALE
from mlgate.cli.exits import OWN, epilog
from mlgate.cli.parser import make_parser
from mlgate.cli.tool_commands import SCHEMAS, schema
from mlgate.errors import MlgateError
from mlgate.root import Root, find_root, policy_from, read_settings

import jsonschema
import pytest
from conftest import GATE, REPOSITORY

PAGE = (REPOSITORY / "docs/EXIT_CODES.md").read_text(encoding="utf-8")
COMMANDS = make_parser()._subparsers._group_actions[0].choices
ROWS = "label,production,candidate\n" + "a,b,a\nb,a,b\n" * 20 + "a,a,a\nb,b,b\n" * 300


def write_rows(folder: Path, rows: str = ROWS) -> list[str]:
    (folder / "rows.csv").write_text(rows)
    columns = ["--production-column", "production", "--candidate-column", "candidate"]
    return ["judge", "--answers", str(folder / "rows.csv"), *columns, "--json", str(folder / "verdict.json")]


def test_each_commands_help_ends_with_its_exit_statuses():
    assert set(OWN) <= set(COMMANDS)
    assert [name for name, parser in COMMANDS.items() if parser.epilog != epilog(name)] == []


def test_the_page_says_what_the_help_says():
    rows = {name: cells for name, *cells in re.findall(r"^\| `(\w+)[^|]*` \| (.*) \|$", PAGE, re.MULTILINE)}
    assert set(rows) == set(OWN)
    for name, statuses in OWN.items():
        for status, words in statuses.items():
            told = words if name != "label" else words.rpartition(": ")[2]
            assert told in rows[name][0].replace("`", ""), (name, status)
    assert {3, 4} == {EXIT["HOLD"], EXIT["REJECT"]}
    assert f"{STALE} given back" in PAGE


def test_unusable_is_told_from_worse(tmp_path, capsys):
    strange = ROWS.replace("a,b,a\n", "a,b,\n")
    for rows, unusable in ((ROWS.replace("a,b,a\nb,a,b\n", "a,a,b\nb,b,a\n"), False), (strange, True)):
        assert cli.main(write_rows(tmp_path, rows)) == 4
        verdict = json.loads((tmp_path / "verdict.json").read_text())
        assert ("unusable" in verdict) is unusable
        jsonschema.validate(verdict, schema("verdict"))


@pytest.mark.parametrize("what", SCHEMAS)
def test_a_schema_is_one(what, capsys):
    assert cli.main(["schema", what]) == 0
    found = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator.check_schema(found)
    assert found["$id"] == f"urn:mlgate:{what}:1"


def test_the_schema_of_a_verdict_and_of_a_card_hold_what_is_written(tmp_path):
    judge = write_rows(tmp_path)
    assert cli.main(judge) == 0
    verdict = json.loads((tmp_path / "verdict.json").read_text())
    jsonschema.validate(verdict, schema("verdict"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**verdict, "decision": "MAYBE"}, schema("verdict"))
    assert cli.main(["count", *judge[2:-2], "--out", str(tmp_path / "card.json")]) == 0
    jsonschema.validate(json.loads((tmp_path / "card.json").read_text()), schema("card"))


def test_the_schema_of_gate_toml_takes_the_shipped_one_and_refuses_what_the_gate_refuses():
    shipped = tomllib.loads(GATE.read_text(encoding="utf-8"))
    jsonschema.validate(shipped, schema("gate"))
    for wrong in (
        {"decision": {"alpha": 0.9}},
        {"decision": {"alfa": 0.1}},
        {"floors": {"accuracy_action": "x"}},
        {"x": {}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema("gate"))


def test_a_table_in_pyproject_toml_is_read_where_there_is_no_gate_toml(tmp_path, monkeypatch, capsys):
    project = tmp_path / "pyproject.toml"
    project.write_text('[project]\nname = "x"\n\n[tool.mlgate.decision]\nmargin = 0.25\n')
    (tmp_path / "inside").mkdir()
    monkeypatch.chdir(tmp_path / "inside")
    root = find_root()
    assert root.path == tmp_path.resolve()
    assert policy_from(root.settings()).margin == 0.25
    assert cli.main([*write_rows(tmp_path), "--policy", str(project)]) == 3
    (tmp_path / "gate.toml").write_text("[decision]\nmargin = 0.1\n")
    assert policy_from(find_root().settings()).margin == 0.1
    project.write_text('[project]\nname = "x"\n')
    with pytest.raises(Exception, match=r"no table \[tool.mlgate\]"):
        read_settings(project)


def test_a_torn_pyproject_toml_drops_no_demand(tmp_path):
    project = tmp_path / "pyproject.toml"
    project.write_text("[tool.mlgate.floors]\naccuracy = 0.9\n<<<<<<< HEAD\n")
    with pytest.raises(MlgateError, match="cannot be read as TOML"):
        Root(tmp_path).settings()
    project.write_text("[tool.other]\n<<<<<<< HEAD\n")
    assert Root(tmp_path).settings() == {}


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_shells_completion_knows_every_command(shell, capsys):
    pytest.importorskip("shtab")
    assert cli.main(["completion", shell]) == 0
    said = capsys.readouterr().out
    assert [name for name in COMMANDS if name not in said] == []
    if shell == "bash":
        assert subprocess.run(["bash", "-n"], input=said, text=True).returncode == 0
