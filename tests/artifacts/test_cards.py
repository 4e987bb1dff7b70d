"""A card is checked when it is read: one sentence, no traceback. So are files that are no files, or too large."""

import hashlib
import json
import os
from pathlib import Path

import mlgate
from mlgate import artifacts
from mlgate.artifacts import Card, Limits, TrainingRows
from mlgate.errors import MlgateError
from mlgate.root import Root

import pytest
from crashes import name_of, tiny, tiny_bytes, tiny_root

REPOSITORY = Path(mlgate.__file__).parents[2]
WHOLE = {
    "digest": "d" * 64,
    "bytes": 10,
    "classes": ["a", "b"],
    "recipe": "baseline",
    "severity": 0.5,
    "rows": {"count": 3, "digest": "e" * 64},
    "keys": "f" * 64,
    "versions": {"numpy": "2"},
    "machine": "x86_64",
}
WRONG = [
    ("digest", 7), ("bytes", -1), ("bytes", "10"), ("bytes", True), ("classes", "ab"), ("classes", [1]), ("recipe", 5),
    ("recipe", None), ("severity", "x"), ("severity", 2), ("severity", False), ("rows", []), ("rows", {}),
    ("rows", {"count": "3", "digest": "e"}), ("rows", {"count": 3}), ("keys", []), ("versions", ["numpy"]),
    ("versions", {"numpy": 2}), ("machine", {}), ("severity", 10**400), ("recipe", "\ud800" and ["a\nb"]),
]  # fmt: skip


@pytest.fixture
def root(tmp_path) -> Root:
    return tiny_root(tmp_path / "root")


def test_a_card_is_what_its_file_holds():
    card = artifacts.card_from(WHOLE)
    assert card.rows == TrainingRows(3, "e" * 64)
    assert card.classes == ("a", "b")
    assert card.as_dict() == WHOLE
    assert list(card.as_dict()) == list(WHOLE)


def test_only_the_digest_is_never_missing():
    assert artifacts.card_from({"digest": "d"}) == Card("d")
    assert Card("d").as_dict() == {"digest": "d"}
    for found in ({}, [], "card", None, {"bytes": 3}):
        with pytest.raises(MlgateError, match="digest"):
            artifacts.card_from(found)


@pytest.mark.parametrize(("name", "value"), WRONG, ids=str)
def test_a_field_of_another_type_is_named_in_one_line(name, value):
    with pytest.raises(MlgateError, match=f"The card's {name} must be ") as error:
        artifacts.card_from({**WHOLE, name: value})
    assert str(error.value).isprintable()


def test_the_committed_card_is_written_again_to_the_byte():
    for path in (REPOSITORY / "artifacts_prod" / "cards").glob("*.json"):
        card = artifacts.read_card(path, path.stem)
        assert card is not None
        assert artifacts.to_json(card) == path.read_bytes()


def test_a_candidate_with_such_a_card_is_at_fault_and_production_an_error(root):
    artifacts.write_candidate(root, tiny(2.0), {})
    root.candidate_card.write_text(json.dumps({"digest": name_of(2.0), "severity": "x"}))
    assert "The card's severity must be a number from 0 to 1" in artifacts.load_candidate(root).fault
    (root.cards / f"{name_of(1.0)}.json").write_text(json.dumps({"digest": name_of(1.0), "rows": 5}))
    with pytest.raises(MlgateError, match="The card's rows must be an object"):
        artifacts.load_production(root)


# ---- files that are none ----


def test_a_pipe_is_refused_and_not_waited_for(root):
    for path, load in ((root.candidate, artifacts.load_candidate), (root.production, artifacts.load_production)):
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        with pytest.raises(MlgateError, match="it is a pipe or a device, not a file"):
            load(root)
    with pytest.raises(MlgateError, match="it is a pipe or a device, not a file"):
        artifacts.load_file(Path("/dev/zero"), Limits())


def test_a_folder_is_no_model(root):
    root.candidate.mkdir(parents=True)
    with pytest.raises(MlgateError, match="cannot be read"):
        artifacts.load_candidate(root)


def test_a_file_above_the_limit_is_not_read_into_memory_and_is_a_fault(root, monkeypatch):
    artifacts.write_candidate(root, tiny(2.0), {})
    os.truncate(root.candidate, 50_000_000)
    model = artifacts.load_candidate(root)
    assert "too large: 50.0 MB, and max_megabytes is 20.0" in model.fault
    assert model.digest == hashlib.sha256(root.candidate.read_bytes()).hexdigest()
    assert model.size == 50_000_000
    assert artifacts.load_file(root.candidate, Limits()).fault == model.fault


def test_a_file_that_is_no_model_by_its_size_is_not_even_read_to_its_end(root):
    artifacts.write_candidate(root, tiny(2.0), {})
    os.truncate(root.candidate, 10**12)  # sparse: it takes no room
    with pytest.raises(MlgateError, match=r"is larger than 10,000 MB: that is no model"):
        artifacts.load_candidate(root)


def test_a_file_of_exactly_the_limit_is_loaded(tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(tiny_bytes())
    size = path.stat().st_size
    assert artifacts.load_file(path, Limits(bytes=size)).fault is None
    assert "too large" in artifacts.load_file(path, Limits(bytes=size - 1)).fault
