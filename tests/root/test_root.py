"""Where the root is, what its gate.toml may say, and promise 5's ground: a file is written whole or not at all."""

import os
import random
import stat

from mlgate.artifacts import locked
from mlgate.errors import MlgateError
from mlgate.root import Root, find_root, read_settings, section, write_atomically

import pytest
from crashes import ended, in_a_child, killed_after, killed_at


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder deep inside one that has a gate.toml, as the working directory."""
    deep = tmp_path / "project" / "notebooks" / "deep"
    deep.mkdir(parents=True)
    (tmp_path / "project" / "gate.toml").touch()
    (tmp_path / "named").mkdir()
    (tmp_path / "in the environment").mkdir()
    monkeypatch.delenv("MLGATE_ROOT", raising=False)
    monkeypatch.chdir(deep)
    return tmp_path


# ---- finding the root ----


def test_the_root_is_the_one_named_else_the_environments_else_the_nearest_with_a_gate_toml(here, monkeypatch):
    assert find_root().path == here / "project"
    monkeypatch.setenv("MLGATE_ROOT", str(here / "in the environment"))
    assert find_root().path == here / "in the environment"
    assert find_root("").path == here / "in the environment"
    assert find_root(here / "named").path == here / "named"
    assert find_root("../../../named").path == here / "named"
    monkeypatch.setenv("MLGATE_ROOT", "")
    assert find_root().path == here / "project"


def test_the_nearest_gate_toml_wins_and_a_folder_of_that_name_is_none(here):
    (here / "project" / "notebooks" / "gate.toml").touch()
    (here / "project" / "notebooks" / "deep" / "gate.toml").mkdir()
    assert find_root().path == here / "project" / "notebooks"


def test_without_a_root_one_line_says_what_to_do(here, monkeypatch):
    with pytest.raises(MlgateError, match=r"root .*missing is not a folder\. Name one with --root"):
        find_root(here / "missing")
    with pytest.raises(MlgateError, match=r"gate\.toml is not a folder"):
        find_root(here / "project" / "gate.toml")
    monkeypatch.setenv("MLGATE_ROOT", str(here / "missing"))
    with pytest.raises(MlgateError, match="missing is not a folder"):
        find_root()
    monkeypatch.delenv("MLGATE_ROOT")
    monkeypatch.chdir(here)
    with pytest.raises(MlgateError, match=r"No gate.toml in .* or above it\..*--root"):
        find_root()


def test_nothing_of_a_root_has_to_exist(tmp_path):
    assert Root(tmp_path / "not yet").settings() == {}


# ---- gate.toml ----


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[decision\n", "cannot be read as TOML: .*line 1"),
        ("[decision]\nalpha = 0,05\n", "cannot be read as TOML: .*line 2"),
        ("[desicion]\nalpha = 0.05\n", r"there is no section \[desicion\]; there are .*decision"),
        ("alpha = 0.05\n", r"there is no section \[alpha\]"),
        ("decision = 3\n", r"there is no section \[decision\]"),
    ],
)
def test_a_gate_toml_with_a_mistake_is_an_error_that_names_it(text, words, tmp_path):
    path = tmp_path / "gate.toml"
    path.write_text(text)
    with pytest.raises(MlgateError, match=words) as error:
        Root(tmp_path).settings()
    assert "\n" not in str(error.value)


def test_a_gate_toml_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(MlgateError, match=r"There is no file .*gate.toml\. Check the path"):
        read_settings(tmp_path / "gate.toml")
    with pytest.raises(MlgateError, match="cannot be read as TOML"):
        read_settings(tmp_path)
    (tmp_path / "gate.toml").write_bytes(b"[decision]\nalpha = \xff\n")
    with pytest.raises(MlgateError, match="cannot be read as TOML"):
        read_settings(tmp_path / "gate.toml")


TYPES = {"share": float, "count": int, "word": str, "words": list}


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("shore", 1, r"\[made\] has no key 'shore'; it has share, count, word, words"),
        ("share", "0.1", r"\[made\] share must be a number, not '0.1'"),
        ("share", True, "share must be a number"),
        ("count", 1.0, "count must be a whole number, not 1.0"),
        ("count", True, "count must be a whole number"),
        ("word", ["a"], "word must be text in quotes"),
        ("words", "a", "words must be a list of texts in quotes, not 'a'"),
        ("words", ["a", 1], "words must be a list of texts in quotes"),
    ],
)
def test_a_wrong_key_or_type_is_an_error_that_names_it(key, value, words):
    with pytest.raises(MlgateError, match=words):
        section({"made": {key: value}}, "made", TYPES)


def test_a_section_comes_back_checked_and_whole_numbers_do_where_numbers_are_wanted():
    values = {"share": 1, "count": 2, "word": "x", "words": []}
    found = section({"made": values}, "made", TYPES)
    assert found == {"share": 1.0, "count": 2, "word": "x", "words": []}
    assert type(found["share"]) is float
    assert section({}, "made", TYPES) == {}


# ---- a file is written whole or not at all ----

OLD, NEW = b"old" * 1_000_000, b"new!" * 1_000_000


def leftovers(path):
    return [other for other in path.parent.iterdir() if other != path]


def test_killed_before_any_system_call_a_file_has_its_old_bytes_or_its_new_ones(tmp_path):
    path, seen = tmp_path / "file", []
    for step in range(1, 100):
        path.write_bytes(OLD)
        if killed_at(step, lambda: write_atomically(path, NEW)) == "done":
            break
        seen.append(path.read_bytes())
    assert path.read_bytes() == NEW
    assert seen.count(OLD) > 2
    assert seen == sorted(seen, reverse=True)  # never the old ones again once the new ones are there
    assert set(seen) == {OLD, NEW}


@pytest.mark.slow
def test_killed_at_random_instants_a_file_has_its_old_bytes_or_its_new_ones(tmp_path):
    path, instants, torn = tmp_path / "file", random.Random(0), 0
    path.write_bytes(OLD)

    def work() -> None:
        while True:
            write_atomically(path, NEW)
            write_atomically(path, OLD)

    for _ in range(40):
        assert killed_after(instants.uniform(0, 0.02), work) == "killed"
        assert path.read_bytes() in (OLD, NEW)
        torn += any(0 < other.stat().st_size < len(NEW) for other in leftovers(path))
    assert leftovers(path)  # which promotion.tidy clears away


def test_the_bytes_are_on_the_disk_before_the_rename_and_the_rename_after_it(tmp_path, monkeypatch):
    seen, fsync, replace = [], os.fsync, os.replace
    kinds = {True: "folder", False: "file"}
    monkeypatch.setattr(
        os, "fsync", lambda handle: (seen.append(kinds[stat.S_ISDIR(os.fstat(handle).st_mode)]), fsync(handle))
    )
    monkeypatch.setattr(os, "replace", lambda *paths: (seen.append("rename"), replace(*paths)))
    write_atomically(tmp_path / "file", b"bytes")
    assert seen == ["file", "rename", "folder"]


def test_a_file_is_written_with_permissions_for_all_readers_whatever_the_umask(tmp_path):
    before = os.umask(0o077)
    try:
        write_atomically(tmp_path / "folder" / "file", b"bytes")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "folder" / "file").stat().st_mode) == 0o644
    assert (tmp_path / "folder" / "file").read_bytes() == b"bytes"


@pytest.mark.parametrize("name", ["fsync", "chmod", "replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_goes_wrong_leaves_the_old_bytes_and_no_temporary_file(name, error, tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(OLD)

    def fail(*arguments):
        raise error

    monkeypatch.setattr(os, name, fail)
    expected = MlgateError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as raised:
        write_atomically(path, NEW)
    if expected is MlgateError:
        said = f"{path} cannot be written: No space left on device. Fix that, and repeat the command."
        assert str(raised.value) == said
    assert path.read_bytes() == OLD
    assert not leftovers(path)


def test_a_folder_that_takes_no_files_is_said_in_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(MlgateError, match=r"file/folder/below cannot be written: Not a directory\."):
        write_atomically(tmp_path / "file" / "folder" / "below", b"bytes")
    (tmp_path / "taken").mkdir()
    with pytest.raises(MlgateError, match="taken cannot be written: Is a directory"):
        write_atomically(tmp_path / "taken", b"bytes")


# ---- the lock ----


def test_only_one_holds_the_lock_and_who_waits_too_long_is_told_so(tmp_path):
    root = Root(tmp_path)

    def second() -> None:
        late = r"Another mlgate has been working in .* for 0.1 s\. Try again later"
        with pytest.raises(MlgateError, match=late), locked(root, 0.1):
            pass

    with locked(root):
        assert ended(in_a_child(second)) == "done"
    with locked(root, 0.1):
        pass


def test_the_lock_is_free_again_after_an_error_which_comes_through_as_it_is(tmp_path):
    root = Root(tmp_path)
    with pytest.raises(OSError, match="mine"), locked(root):
        raise OSError(5, "mine")
    with locked(root, 0.1):
        pass


def test_a_root_that_cannot_be_locked_is_said_in_one_line(tmp_path):
    (tmp_path / ".mlgate.lock").mkdir()
    said = r"\.mlgate\.lock cannot be written: .*\. Fix that first"
    with pytest.raises(MlgateError, match=said), locked(Root(tmp_path), 0.1):
        pass
