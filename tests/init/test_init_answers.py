"""`mlgate init --answers`: what it writes is a gate that works; it says what it took for what, and replaces nothing."""

import csv
import random
import subprocess
from pathlib import Path

from mlgate import cli
from mlgate.init import roles_in
from mlgate.root import policy_from, read_settings

import pytest
import yaml
from action import ACTION, install, use

MINE = ("ticket", "queue", "production", "candidate", "channel")
QUEUES = ["billing", "login", 'it\'s "other"']


def write_answers(path: Path, header: tuple[str, ...] = MINE, right: float = 0.9) -> Path:
    """2,000 support tickets: production is right on 80 %."""
    dice = random.Random(0)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(header)
        for number in range(2_000):
            queue = dice.choice(QUEUES)
            answers = [queue if dice.random() < share else dice.choice(QUEUES) for share in (0.8, right)]
            rows.writerow([number, queue, *answers, dice.choice(["mail", "chat"])])
    return path


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path, monkeypatch) -> Path:
    """A clone of somebody's repository whose default branch is called trunk; we are on a branch of our own."""
    folder = tmp_path / "mine"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=trunk", "remote.git")
    git(tmp_path, "init", "--quiet", "--initial-branch=trunk", "mine")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@b.example", "commit", "--quiet", "--allow-empty", "-m", "x")
    git(folder, "remote", "add", "origin", "../remote.git")
    git(folder, "push", "--quiet", "--set-upstream", "origin", "trunk")
    git(folder, "remote", "set-head", "origin", "--auto")
    git(folder, "checkout", "--quiet", "-b", "try-a-gate")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("right", "decision"), [(0.9, "PROMOTE"), (0.6, "REJECT")])
def test_a_file_of_answers_becomes_a_gate_that_decides_in_somebody_elses_ci(repository, capsys, right, decision):
    write_answers(repository / "answers.csv", right=right)
    assert cli.main(["init", "--answers", "answers.csv", "--action", "some/mlgate@c0ffee"]) == 0
    said = capsys.readouterr().out
    workflow = yaml.safe_load((repository / ".github/workflows/gate.yml").read_text().replace("\non:", '\n"on":'))
    assert workflow["on"]["push"]["branches"] == ["trunk"]
    assert workflow["permissions"] == {}
    assert workflow["jobs"]["gate"]["permissions"] == {"contents": "read"}
    _, judge = workflow["jobs"]["gate"]["steps"]
    assert judge["uses"] == "some/mlgate@c0ffee"
    assert set(judge["with"]) <= set(ACTION["inputs"])
    install(repository)
    _, outputs, _ = use(repository, **judge["with"])
    assert outputs["decision"] == decision
    command = said.splitlines()[-1].split()
    assert command[:4] == ["mlgate", "judge", "--answers", "answers.csv"]
    assert cli.main(command[1:]) == int(outputs["exit-code"])


def test_it_says_which_column_it_took_for_what(repository, capsys):
    write_answers(repository / "answers.csv")
    cli.main(["init", "--answers", "answers.csv"])
    said = capsys.readouterr().out
    for words in ("The labels: column 'queue'", "Production's answers: column 'production'", "'channel': chat, mail"):
        assert words in said


def test_a_policy_of_odd_words_reads_back_as_they_are(repository):
    rows = "".join(f'{label},{label},{label},"a ""b"" \\n 😀\x7f"\n{label},{label},{label},b\n' for label in "yn" * 200)
    Path("rows.csv").write_text(f"y,a,b,where\n{rows}")
    assert cli.main(["init", "--answers", "rows.csv"]) == 0
    assert set(policy_from(read_settings(Path("gate.toml"))).required) == {'a "b" \\n 😀\x7f', "b"}
    steps = yaml.safe_load(Path(".github/workflows/gate.yml").read_text())["jobs"]["gate"]["steps"]
    assert steps[1]["with"]["slice-column"] == "where"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (("id", "truth", "baseline", "challenger", "x"), ("truth", "baseline", "challenger")),
        (("id", "y", "model_a", "model_b", "x"), ("y", "model_a", "model_b")),
        (("id", "LABEL", "pred-prod", "pred-new", "x"), ("LABEL", "pred-prod", "pred-new")),
    ],
)
def test_a_column_is_known_by_what_people_call_it(tmp_path, header, expected):
    path = write_answers(tmp_path / "rows.csv", header)
    found = roles_in(path, ("label", "production", "candidate"), {})
    assert tuple(found.columns.values()) == expected


def test_what_the_names_do_not_say_is_asked_for_and_not_guessed(repository, capsys):
    write_answers(repository / "rows.csv", ("id", "truth", "one", "two", "channel"))
    assert cli.main(["init", "--answers", "rows.csv"]) == 1
    assert "which column holds production's answers does not follow" in capsys.readouterr().err
    assert not Path("gate.toml").exists()
    columns = ["--production-column", "one", "--candidate-column", "two"]
    assert cli.main(["init", "--answers", "rows.csv", *columns]) == 0


def test_what_is_there_stays(repository, capsys):
    write_answers(repository / "answers.csv")
    Path("gate.toml").write_text("[decision]\nmargin = 0.1\n")
    assert cli.main(["init", "--answers", "answers.csv"]) == 1
    assert "gate.toml is there already" in capsys.readouterr().err
    assert Path("gate.toml").read_text() == "[decision]\nmargin = 0.1\n"
    assert not Path(".github").exists()


def test_a_name_that_github_would_fill_in_is_refused(repository, capsys):
    write_answers(repository / "answers.csv", ("id", "label", "production", "candidate", "${{ secrets.X }}"))
    assert cli.main(["init", "--answers", "answers.csv"]) == 1
    assert "cannot stand in a workflow" in capsys.readouterr().err


def test_a_column_that_is_not_there_is_named_and_nothing_is_written(repository, capsys):
    write_answers(repository / "answers.csv")
    for part in ("slice", "label"):
        assert cli.main(["init", "--answers", "answers.csv", f"--{part}-column", "nowhere"]) == 1
        assert f"has no column 'nowhere'; it has {MINE[0]!r}" in capsys.readouterr().err
    assert not Path("gate.toml").exists()


def test_a_link_that_leads_nowhere_is_not_replaced(repository, capsys):
    write_answers(repository / "answers.csv")
    Path("gate.toml").symlink_to("elsewhere/gate.toml")
    assert cli.main(["init", "--answers", "answers.csv", "--label-column", "queue"]) == 1
    assert "gate.toml is there already" in capsys.readouterr().err
    assert Path("gate.toml").is_symlink()


@pytest.mark.parametrize("action", ["mlgate", "a/b", "a/b@c\n    evil: true", "a/b@"])
def test_an_action_that_is_none_gets_into_no_workflow(repository, capsys, action):
    write_answers(repository / "answers.csv")
    assert cli.main(["init", "--answers", "answers.csv", "--label-column", "queue", "--action", action]) == 1
    assert "is no OWNER/NAME@COMMIT" in capsys.readouterr().err
    assert not Path(".github").exists()


def test_the_printed_command_steers_no_terminal_and_names_the_column(repository, capsys):
    odd = "q\\ueue's\n\x1b[2J"
    write_answers(repository / "answers.csv", ("id", odd, "production", "candidate", "channel"))
    assert cli.main(["init", "--answers", "answers.csv", "--label-column", odd]) == 0
    said = capsys.readouterr().out
    assert said.replace("\n", "").isprintable()
    words = said.splitlines()[-1].strip().removeprefix("mlgate ")
    shown = subprocess.run(["bash", "-c", f"printf '%s|' {words}"], capture_output=True, text=True, check=True)
    assert odd in shown.stdout.split("|")
