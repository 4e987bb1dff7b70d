"""docs/ADOPT.md, done literally: another corpus, another recipe, another branch. CI is green, production is trained."""

import re
import sys
from pathlib import Path

from mlgate import artifacts, ledger
from mlgate.root import Root

import pytest
from rehearse import WORKFLOW, Hub, git, working_tree
from tickets import QUEUES, tickets

pytestmark = pytest.mark.slow
CORPUS = '[corpus]\npath = "tickets.csv"\ntext_column = "body"\nlabel_column = "queue"\nslice_column = "channel"\n'
RECIPE = '''

@recipe()
def letters(rows):
    """Groups of letters, for texts full of typing errors."""
    return logistic_regression(analyzer="char_wb", ngram_range=(2, 4)).fit(rows["text"], rows["label"])
'''
# Of the tests that read the repository's own files, those that take seconds; all others have files of their own.
READERS = (
    "tests/ci/test_workflow.py tests/recipes tests/root tests/corpus tests/test_environment.py tests/test_pages.py"
)


def adopted() -> dict[str, str]:
    """What the steps "Bring your data" and "Bring your recipe" change."""
    tree = working_tree()
    policy = tree["gate.toml"].read_text(encoding="utf-8").partition("# [corpus]")[0] + CORPUS
    policy = re.sub(r"^required = .*$", 'required = ["email", "chat"]', policy, flags=re.MULTILINE)
    policy = re.sub(r"^accuracy = .*$", "accuracy = 0.5", policy, flags=re.MULTILINE)
    policy = re.sub(r"^recipe = .*$", 'recipe = "letters"', policy, flags=re.MULTILINE)
    recipes = "lib/mlgate/recipes/recipes.py"
    workflow = tree[WORKFLOW].read_text(encoding="utf-8")
    return {
        "tickets.csv": tickets(2_500),
        "gate.toml": policy,
        recipes: tree[recipes].read_text(encoding="utf-8") + RECIPE,
        WORKFLOW: workflow.replace(
            "          - reduced_dataset\n", "          - reduced_dataset\n          - letters\n"
        ),
    }


def test_the_steps_of_the_page_end_in_a_green_run_that_trains_the_first_production_model(tmp_path, monkeypatch):
    monkeypatch.setenv("ARGS", f"-n 0 -p no:cacheprovider -m 'not slow' {READERS}")
    kept = {name: path for name, path in working_tree().items() if not name.startswith("artifacts_prod/")}
    hub = Hub(tmp_path / "hub", kept, venv=Path(sys.prefix), branch="master")
    hub.without = {"Test the gate itself"}  # minutes, and tests/selftest runs it
    run = hub.push("Bring data and a recipe", adopted()).finish()
    print(*[f"== {job.name} ==\n{job.log}" for job in run.jobs.values()], sep="\n")
    assert [run.jobs[name].result for name in ("check", "gate", "record")] == ["success"] * 3
    clone = Root(hub.clone(tmp_path / "clone"))
    assert sorted(artifacts.load_production(clone).classes) == sorted(QUEUES)
    assert ledger.read(clone)[0]["kind"] == "bootstrap"
    assert git(hub.remote, "branch", "--format=%(refname:short)").split() == ["master"]
