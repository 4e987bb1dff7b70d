"""The workflow file keeps what docs/ADOPT.md promises of it, before anything runs."""

import re
import subprocess
import sys
from pathlib import Path

from mlgate.recipes import RECIPES

import pytest
import yaml
from rehearse import WORKFLOW, Expression, RefusedError, condition

REPOSITORY = Path(__file__).parents[2]
TEXT = (REPOSITORY / WORKFLOW).read_text(encoding="utf-8")
FILE = yaml.safe_load(TEXT.replace("\non:", '\n"on":'))
JOBS = FILE["jobs"]
STEPS = [(name, step) for name, job in JOBS.items() for step in job["steps"]]
each_job = pytest.mark.parametrize("name", JOBS)


def test_the_drop_down_offers_the_recipes_there_are():
    inputs = FILE["on"]["workflow_dispatch"]["inputs"]
    assert sorted(inputs["recipe"]["options"]) == sorted(RECIPES)
    assert inputs["recipe"]["default"] in RECIPES
    assert inputs["submit"]["default"] is False


def test_every_action_is_pinned_to_a_commit_and_says_its_version():
    files = sorted((REPOSITORY / WORKFLOW).parent.glob("*.yaml"))
    used = re.findall(r"uses: (\S+)(.*)", "".join(path.read_text(encoding="utf-8") for path in files))
    assert used
    for action, comment in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action)
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment)
    assert len({action.split("@")[0] for action, _ in used}) == len({action for action, _ in used})


def test_one_job_may_write_and_all_others_read():
    assert FILE["permissions"] == {}
    assert {name: job["permissions"] for name, job in JOBS.items()} == {
        name: {"contents": "write" if name == "record" else "read"} for name in JOBS
    }


def test_credentials_stay_only_where_something_is_pushed():
    kept = {name: step["with"]["persist-credentials"] for name, step in STEPS if "checkout" in step.get("uses", "")}
    assert kept == {name: name == "record" for name in JOBS}


def test_the_job_that_writes_runs_one_command_and_installs_nothing():
    commands = [step["run"] for step in JOBS["record"]["steps"] if "run" in step]
    assert commands == [
        'python -m mlgate record --judged judged --branch "$BRANCH" --expect "$EXPECT"'
        ' ${RECIPE:+--recipe "$RECIPE"} ${SEVERITY:+--severity "$SEVERITY"} --summary "$GITHUB_STEP_SUMMARY"'
    ]
    assert not any("cache" in (step.get("with") or {}) for step in JOBS["record"]["steps"])


@pytest.mark.parametrize(
    ("what", "expected"), [(None, "promotion"), ("run", "promotion"), ("rollback", "rollback"), ("refresh", "refresh")]
)
def test_the_record_is_told_what_the_run_was_started_for(what, expected):
    """On a push and on Mondays there is no form, and so no `what`."""
    inputs = {"what": what} if what else {}
    source = JOBS["record"]["steps"][-1]["env"]["EXPECT"].removeprefix("${{").removesuffix("}}")
    assert Expression(source, {"inputs": inputs}, {}).value() == expected


@each_job
def test_every_job_has_an_end_and_every_step_a_name(name):
    assert 0 < JOBS[name]["timeout-minutes"] <= 60
    assert all(step.get("name") for step in JOBS[name]["steps"])


def test_no_expression_is_pasted_into_a_shell():
    assert [step["run"] for _, step in STEPS if "${{" in step.get("run", "")] == []


def test_no_secret_is_asked_for():
    assert "secrets." not in TEXT
    assert "pull_request_target" not in TEXT


def test_a_step_runs_a_make_target_or_a_command_that_people_have():
    targets = re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    offered = subprocess.check_output([sys.executable, "-m", "mlgate", "--help"], text=True)
    for _, step in STEPS:
        command = step.get("run", "")
        if target := re.fullmatch(r"make (\S+)( ARGS=\"[^\"]*\")?", command):
            assert target[1] in [*targets, ".venv"]
        elif command and not command.startswith("echo "):
            [(word, rest)] = re.findall(r"(\.venv/bin/mlgate|python -m mlgate) (\w+)", command)
            assert f" {rest} " in offered, word


def test_runs_on_main_queue_and_none_is_dropped():
    assert FILE["concurrency"]["queue"] == "max"
    assert FILE["concurrency"]["cancel-in-progress"] is False


def test_failures_in_a_pipe_count():
    assert FILE["defaults"]["run"]["shell"] == "bash"


# The rehearsal's reading of expressions

NAMES = {"github": {"event_name": "push", "ref": "refs/heads/main"}, "inputs": {"submit": True, "what": "run"}}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("github.event_name == 'push'", True),
        ("github.event_name == 'PUSH' && inputs.submit", True),
        ("!inputs.submit || inputs.what != 'run'", False),
        ("github.ref == 'refs/heads/main' && 'main' || 'other'", "main"),
        ("(inputs.submit || inputs.what == 'x') && github.ref != 'x'", True),
        ("inputs.absent == ''", True),
        ("inputs.absent != 'rollback'", True),
        ("'it''s'", "it's"),
    ],
)
def test_expressions_mean_what_they_mean_on_github(source, value):
    assert Expression(source, NAMES, {}).value() == value


@pytest.mark.parametrize(
    "source",
    [
        "github.actor",
        "secrets.TOKEN",
        "fromJSON('1')",
        "1 + 1",
        "github.ref == ",
        "inputs.submit == 'true'",
        "a b",
        "(",
    ],
)
def test_what_is_not_rehearsed_is_refused(source):
    with pytest.raises(RefusedError):
        Expression(source, NAMES, {}).value()


@pytest.mark.parametrize(
    ("source", "fine", "runs"),
    [(None, True, True), (None, False, False), ("inputs.submit", False, False), ("${{ !cancelled() }}", False, True)],
)
def test_a_condition_without_a_status_function_wants_all_before_it_to_have_worked(source, fine, runs):
    assert condition(source, NAMES, fine) is runs


# The linters find what they are for


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("          persist-credentials: false\n", "", "artipacked"),
        ("permissions: {}\n", "permissions: write-all\n", "excessive-permissions"),
        ("run: make lint", "run: echo ${{ github.head_ref }}", "template-injection"),
        ("3d3c42e5aac5ba805825da76410c181273ba90b1", "v7", "unpinned-uses"),
    ],
)
def test_zizmor_is_not_silenced(tmp_path, old, new, finding):
    assert old in TEXT
    path = tmp_path / ".github" / "workflows" / "x.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    command = [Path(sys.executable).with_name("zizmor"), "--offline", "--pedantic", "--quiet", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode
    assert finding in done.stdout
