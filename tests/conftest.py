"""What many tests share: some real reviews, small models trained once a session, and roots of their own.

baseline_model, better_model and worse_model are real models of about 0.73, 0.79 and 0.60 accuracy: on a thousand
rows the gate tells them apart without doubt. Their frames and files must not be changed: every test of the session
sees them.
"""

import compileall
import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import mlgate
from mlgate import artifacts, corpus, exam, recipes
from mlgate.artifacts import Model, memory
from mlgate.exam import attempt
from mlgate.pinned import arithmetic
from mlgate.root import Root

import pandas as pd
import pytest

# jsonschema, which checks notebooks, does without this grammar of IRIs, and building it takes two seconds.
sys.modules["rfc3987_syntax"] = None
for name in ("MLGATE_ROOT", "MLGATE_CACHE", "GITHUB_ACTIONS"):  # what a developer, or CI, has set is none of ours
    os.environ.pop(name, None)
for name, value in arithmetic().items():  # for the processes that tests start: here numpy may have come first
    os.environ.setdefault(name, value)
REPOSITORY = Path(mlgate.__file__).parents[2]
# Where Python is told to write no byte code, each of the hundreds of processes that tests start would compile anew.
compileall.compile_dir(REPOSITORY / "lib", quiet=1)
# For clones whose lint is rehearsed: what mypy found out about a file here need not be found out again.
os.environ.setdefault("MYPY_CACHE_DIR", str(REPOSITORY / ".mypy_cache"))
# As it is shipped: who adopts mlgate changes the one above to suit their own data.
GATE = Path(__file__).parent / "gate.toml"


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    """Models of the same digest may be stubs that answer otherwise."""
    memory.REMEMBERED.clear()
    attempt.REMEMBERED.clear()


@pytest.fixture(scope="session")
def reviews() -> SimpleNamespace:
    """The corpus: `train` and `validation`, DataFrames with columns text, label, source and split."""
    return SimpleNamespace(train=corpus.split("train"), validation=corpus.split("validation"))


@pytest.fixture(scope="session")
def small_train(reviews) -> pd.DataFrame:
    """2,000 training rows."""
    return reviews.train.sample(2_000, random_state=0)


@pytest.fixture(scope="session")
def baseline_model(small_train) -> Model:
    """The baseline recipe on 500 rows: a weak but honest production model."""
    return trained("baseline", small_train.head(500))


@pytest.fixture(scope="session")
def better_model(small_train) -> Model:
    """The baseline recipe on 2,000 rows: better than `baseline_model` on every slice."""
    return trained("baseline", small_train)


@pytest.fixture(scope="session")
def worse_model(small_train) -> Model:
    """The noisy_labels recipe on 500 rows: worse than `baseline_model` on every slice."""
    return trained("noisy_labels", small_train.head(500), 0.8)


def trained(recipe: str, rows: pd.DataFrame, severity: float | None = None) -> Model:
    """A model as it is once it was saved and loaded again."""
    return artifacts.load(artifacts.dump(recipes.named(recipe).train(rows, severity)))


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory) -> Path:
    """A CSV of 4,700 real reviews: about 1,000 train, 1,500 validation, 2,000 holdout and 200 live rows."""
    sizes = {"train": 1_000, "validation": 1_500, "holdout": 2_000, "live": 200}
    everything = corpus.load()
    parts = [everything[everything["split"] == name].sample(size, random_state=0) for name, size in sizes.items()]
    path = tmp_path_factory.mktemp("corpus") / "reviews.csv"
    pd.concat(parts).sort_index()[["text", "label", "source"]].to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def untouched_root(tmp_path_factory, small_corpus) -> Root:
    """A root with the shipped gate.toml and a small corpus, and nothing else. Copy it; do not change it."""
    root = Root(tmp_path_factory.mktemp("untouched"))
    own = f"\n[corpus]\npath = '{small_corpus}'\nslice_column = 'source'\n"
    demands = GATE.read_text(encoding="utf-8").replace('reproduce = "retrain"', 'reproduce = "card"')
    root.policy.write_text(demands + own, encoding="utf-8")  # models here are trained on some rows, whatever cards say
    return root


@pytest.fixture(scope="session")
def untouched_production(tmp_path_factory, untouched_root, baseline_model) -> Root:
    """`untouched_root` with `baseline_model` bootstrapped as production. Copy it; do not change it."""
    root = Root(tmp_path_factory.mktemp("production") / "root")
    shutil.copytree(untouched_root.path, root.path)
    exam.bootstrap(root, baseline_model.pipeline, {"recipe": "baseline"})
    return root


@pytest.fixture
def root(untouched_root, tmp_path) -> Root:
    """A root of the test's own, without a production model: gate.toml and a small corpus (see `small_corpus`)."""
    shutil.copytree(untouched_root.path, tmp_path / "root")
    return Root(tmp_path / "root")


@pytest.fixture
def root_with_production(untouched_production, tmp_path) -> Root:
    """A root of the test's own in which `baseline_model` is production, by bootstrap."""
    shutil.copytree(untouched_production.path, tmp_path / "root")
    return Root(tmp_path / "root")


@pytest.fixture
def alike_root(tmp_path) -> Root:
    """A root whose rows all begin alike, and are all different."""
    root = Root(tmp_path)
    root.policy.write_text("[corpus]\npath = 'rows.csv'\n")
    alike = "I went to see this film on a Tuesday with my old friend"
    rows = [f"{alike} number {number} {side},{side}" for number in range(200) for side in ("good", "bad")]
    (tmp_path / "rows.csv").write_text("\n".join(["text,label", *rows]))
    return root
