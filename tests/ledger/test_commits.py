"""Promise 9: a ledger that was shortened gives no look back. Git remembers how long it was."""

import os
import subprocess

from mlgate import exam, ledger
from mlgate.cli import main
from mlgate.errors import MlgateError
from mlgate.ledger import commits
from mlgate.root import Root

import pytest
from crashes import judged, tiny_root


@pytest.fixture(autouse=True)
def nobodys_git(monkeypatch):
    """No one's own git settings, and no repository above the test's folder."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


def git(root: Root, *arguments: str) -> str:
    who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
    return subprocess.run(["git", *who, *arguments], cwd=root.path, capture_output=True, text=True, check=True).stdout


def commit(root: Root) -> str:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "-m", "As it is")
    return git(root, "rev-parse", "HEAD").strip()


@pytest.fixture
def root(tmp_path) -> Root:
    """A committed root whose ledger has a look."""
    root = tiny_root(tmp_path / "root")
    judged(root, 2.0, "HOLD")
    git(root, "init", "--quiet")
    commit(root)
    return root


def cut(root: Root) -> None:
    """Take the last line away: a look."""
    lines = root.ledger.read_bytes().splitlines(keepends=True)
    root.ledger.write_bytes(b"".join(lines[:-1]))
    assert ledger.read(root)[-1]["kind"] == "holdout"  # a sound chain by itself


def rewrite(root: Root) -> None:
    """The same number of lines, another look."""
    cut(root)
    judged(root, 3.0, "HOLD")


SHORTENED = {"a line less": cut, "another line": rewrite, "no line": lambda root: root.ledger.write_bytes(b"")}


@pytest.mark.parametrize("how", SHORTENED)
def test_a_ledger_that_does_not_go_on_from_the_last_commit_is_refused_by_exam_and_history(root, how, capsys):
    SHORTENED[how](root)
    before = root.ledger.read_bytes()
    words = r"does not go on from the 3 lines that it has in commit HEAD.*git checkout HEAD -- artifacts_prod"
    with pytest.raises(MlgateError, match=words) as error:
        exam.take(root)
    assert "\n" not in str(error.value)
    assert main(["--root", str(root.path), "history"]) == 1
    assert "does not go on from" in capsys.readouterr().err
    assert root.ledger.read_bytes() == before


def test_a_ledger_that_grew_since_the_last_commit_is_as_it_should_be(root):
    commits.require_remembered(root)
    judged(root, 3.0, "HOLD")
    commits.require_remembered(root)
    assert main(["--root", str(root.path), "history"]) == 0


def test_without_git_without_a_commit_and_outside_of_a_repository_nothing_is_remembered(root, tmp_path, monkeypatch):
    other = tiny_root(tmp_path / "plain")
    commits.require_remembered(other)
    git(other, "init", "--quiet")
    commits.require_remembered(other)
    commit(Root(tmp_path / "plain"))
    commits.require_remembered(other)
    cut(root)
    monkeypatch.setenv("PATH", str(tmp_path))
    commits.require_remembered(root)


def test_a_root_inside_a_repository_that_does_not_hold_it_is_left_alone(root):
    inside = tiny_root(root.path / "runs" / "classroom")
    commits.require_remembered(inside)
    judged(inside, 2.0)
    cut(inside)
    commits.require_remembered(inside)


@pytest.mark.parametrize("how", SHORTENED)
def test_a_push_is_compared_with_the_commit_before_it(root, how):
    before = git(root, "rev-parse", "HEAD").strip()
    SHORTENED[how](root)
    commit(root)
    with pytest.raises(MlgateError, match=f"in commit {before[:12]}"):
        commits.require_continued(root, before)


def test_check_takes_the_commit_before_a_push(root, capsys, monkeypatch):
    before = git(root, "rev-parse", "HEAD").strip()
    monkeypatch.setattr("mlgate.ledger.integrity.verify", lambda root: None)  # no fingerprints in this small root
    monkeypatch.setattr("mlgate.ledger.integrity.stale", lambda root: None)
    assert main(["--root", str(root.path), "check", "--before", before]) == 0
    assert main(["--root", str(root.path), "check", "--before", commits.NO_COMMIT]) == 0
    cut(root)
    commit(root)
    assert main(["--root", str(root.path), "check", "--before", before]) == 1
    assert "does not go on from" in capsys.readouterr().err
    assert main(["--root", str(root.path), "check", "--before", "1" * 40]) == 1
    assert "Git has no commit 111111111111 here" in capsys.readouterr().err


def test_to_start_again_the_folder_is_deleted_and_to_repair_a_ledger_a_sound_one_is_committed(root):
    sound = root.ledger.read_bytes()
    first = git(root, "rev-parse", "HEAD").strip()
    root.ledger.write_bytes(sound.replace(b"look", b"loke"))
    broken = commit(root)
    root.ledger.write_bytes(sound)
    commits.require_continued(root, broken)
    root.ledger.unlink()
    commits.require_continued(root, first)
