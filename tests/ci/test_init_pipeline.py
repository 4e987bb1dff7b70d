"""`mlgate init DIR --data FILE`: out of nothing but a data file, a repository whose CI trains, judges and promotes."""

import re
import sys
from pathlib import Path

from mlgate import artifacts, cli, corpus, ledger
from mlgate.root import Root

import pytest
import yaml
from rehearse import Hub, git, working_tree
from tickets import QUEUES, tickets

TAKEN = r"lib/|Makefile$|requirements\.lock$|pyproject\.toml$|\.github/workflows/gate\.yaml$"
US = "some-org/mlgate"


def init(folder: Path, *more: str) -> int:
    (folder / "tickets.csv").write_text(tickets(4_000, typos=True))
    columns = ("--label-column", "queue", "--action", f"{US}@c0ffee")
    return cli.main(["init", str(folder), "--data", str(folder / "tickets.csv"), *columns, *more])


def files_of(folder: Path) -> dict[str, Path]:
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path for name, path in found.items() if not name.startswith(".git/")}


@pytest.fixture
def repository(tmp_path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=trunk")
    return folder


def test_a_data_file_becomes_a_corpus_a_policy_a_recipe_and_notebooks(repository, capsys):
    assert init(repository) == 0
    said = capsys.readouterr().out
    assert "The texts: column 'body'" in said
    root = Root(repository)
    frame = corpus.load(root)
    assert sorted(set(frame["label"])) == sorted(QUEUES)
    assert set(frame["source"]) == {"email", "chat"}
    assert root.settings()["slices"]["required"] == ["chat", "email"]
    for path in sorted((repository / "notebooks").glob("*.ipynb")):
        assert "../docs" not in path.read_text(encoding="utf-8")
    assert cli.main(["--root", str(repository), "recipes"]) == 0
    assert "letters" in capsys.readouterr().out


def test_it_replaces_nothing_and_keeps_what_is_ignored(repository, capsys):
    (repository / ".gitignore").write_text("mine")
    assert init(repository) == 0
    assert (repository / ".gitignore").read_text().startswith("mine\n.venv/\n")
    (repository / "recipes.py").write_text("# my own\n")
    assert init(repository) == 1
    assert "recipes.py is there already" in capsys.readouterr().err
    assert (repository / "recipes.py").read_text() == "# my own\n"


def test_a_table_is_led_to_answers(repository, capsys):
    (repository / "table.csv").write_text(
        "text,label\n" + "".join(f"{number}.5,{number % 2}\n" for number in range(50))
    )
    assert cli.main(["init", str(repository), "--data", str(repository / "table.csv")]) == 1
    assert "mlgate init --answers" in capsys.readouterr().err
    assert not (repository / "gate.toml").exists()


def test_a_folder_inside_a_repository_is_refused(repository, capsys):
    (repository / "inside").mkdir()
    assert init(repository / "inside") == 1
    assert "A pipeline is the top of one" in capsys.readouterr().err


@pytest.mark.slow
def test_its_ci_trains_the_first_production_model_then_promotes_a_better_recipe(repository, tmp_path):
    """On a default branch called trunk, with mlgate checked out from elsewhere, as the called workflow says."""
    assert init(repository) == 0
    hub = Hub(
        tmp_path / "hub", files_of(repository), Path(sys.prefix), branch="trunk", workflow=".github/workflows/gate.yml"
    )
    hub.others[US] = {name: path for name, path in working_tree().items() if re.match(TAKEN, name)}
    hub.without = {"Test the gate itself"}  # minutes, and tests/selftest runs it
    first = hub.push("Begin", {}).finish()
    print(*[f"== {job.name} ==\n{job.log}" for job in first.jobs.values()], sep="\n")
    assert first.results == {"check": "success", "gate": "success", "record": "success"}
    policy = (repository / "gate.toml").read_text().replace('recipe = "baseline"', 'recipe = "letters"')
    better = hub.push("A better recipe", {"gate.toml": policy})
    better.without.add("Report")  # the first run's has worked
    better.finish()
    print(*[f"== {job.name} ==\n{job.log}" for job in better.jobs.values()], sep="\n")
    assert better.jobs["record"].result == "success"
    clone = Root(hub.clone(tmp_path / "clone"))
    assert [entry["kind"] for entry in ledger.moves(ledger.read(clone))] == ["bootstrap", "promotion"]
    assert artifacts.load_production(clone).card.recipe == "letters"


def test_the_workflow_asks_for_no_secret_and_one_job_writes():
    text = working_tree()[".github/workflows/gate.yaml"].read_text(encoding="utf-8")
    assert "secrets." not in text
    jobs = yaml.safe_load(text)["jobs"]
    assert {name for name, job in jobs.items() if job["permissions"] != {"contents": "read"}} == {"record"}
    assert [step["run"] for job in jobs.values() for step in job["steps"] if "${{" in step.get("run", "")] == []
