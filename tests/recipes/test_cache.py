"""The same training is done once; what comes out of the cache is, byte for byte, what training gives."""

import subprocess
import sys

from mlgate import artifacts, recipes
from mlgate.recipes import cache

import pytest


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MLGATE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def rows(small_train):
    return small_train.head(200)


def trainings(folder, rows, *names: str, severity: float | None = None) -> int:
    """How many trainings there have been after these."""
    for name in names:
        recipes.named(name).train(rows, severity)
    return len(list(folder.iterdir()))


def test_without_the_variable_nothing_is_kept(rows, tmp_path, monkeypatch):
    monkeypatch.delenv("MLGATE_CACHE", raising=False)
    monkeypatch.chdir(tmp_path)
    recipes.named("baseline").train(rows)
    assert list(tmp_path.iterdir()) == []


def test_the_same_training_is_done_once(rows, folder, monkeypatch):
    first = artifacts.dump(recipes.named("baseline").train(rows))
    monkeypatch.setattr("sklearn.linear_model.LogisticRegression.fit", lambda *_: pytest.fail("trained again"))
    assert artifacts.dump(recipes.named("baseline").train(rows)) == first


@pytest.mark.slow
def test_another_process_gets_the_same_bytes(rows, folder, tmp_path):
    frame = tmp_path / "rows.pickle"
    rows.to_pickle(frame)
    code = (
        "from mlgate import artifacts, recipes; import pandas as pd\n"
        f"print(artifacts.digest(artifacts.dump(recipes.named('challenger').train(pd.read_pickle({str(frame)!r})))))"
    )
    printed = [subprocess.check_output([sys.executable, "-c", code], text=True) for _ in range(2)]
    assert len(list(folder.iterdir())) == 1
    assert printed[0] == printed[1]


@pytest.mark.slow
def test_another_recipe_severity_order_or_label_type_is_another_training(rows, folder):
    assert trainings(folder, rows, "baseline", "noisy_labels", "baseline") == 2
    assert trainings(folder, rows, "noisy_labels", severity=0.5) == 3
    assert trainings(folder, rows.iloc[::-1], "baseline", "baseline") == 4
    numbers = (rows["label"] == "positive").astype(int)
    assert trainings(folder, rows.assign(label=numbers), "baseline", "baseline") == 5
    assert trainings(folder, rows.assign(label=numbers.astype(str)), "baseline", "baseline") == 6


def test_another_version_or_source_is_another_training(rows, monkeypatch):
    function = recipes.named("baseline").function
    key = cache.key_of(function, "source", rows, 0.0)
    assert cache.key_of(function, "source", rows, 0.0) == key
    assert cache.key_of(function, "changed", rows, 0.0) != key
    monkeypatch.setattr(artifacts, "versions", lambda: {"scikit-learn": "0"})
    assert cache.key_of(function, "source", rows, 0.0) != key


@pytest.mark.slow
@pytest.mark.parametrize(
    "spoil", [lambda data: data[:-1], lambda data: b"", lambda data: data[:100] + b"x" + data[101:]]
)
def test_a_spoilt_file_is_trained_again(rows, folder, spoil):
    first = artifacts.dump(recipes.named("baseline").train(rows))
    [path] = folder.iterdir()
    path.write_bytes(spoil(path.read_bytes()))
    assert artifacts.dump(recipes.named("baseline").train(rows)) == first


def test_an_evil_file_runs_no_code(rows, folder, tmp_path):
    import pickle

    recipes.named("baseline").train(rows)
    [path] = folder.iterdir()

    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    data = pickle.dumps(Evil())
    path.write_bytes(data + artifacts.digest(data).encode())
    assert hasattr(recipes.named("baseline").train(rows), "classes_")
    assert not (tmp_path / "ran").exists()


def test_a_recipe_without_a_file_is_never_cached(rows, folder):
    scope: dict = {"__name__": "no_such_module"}
    exec("def own(rows):\n    return 'trained'", scope)
    assert cache.remember(lambda: "trained", scope["own"], rows, 0.0) == "trained"
    assert not folder.exists()
