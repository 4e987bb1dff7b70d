"""A recipes.py beside gate.toml: found, run once, cached as the built-in ones are; or told what to mend."""

from mlgate import cli
from mlgate.errors import MlgateError
from mlgate.exam import provenance
from mlgate.recipes import RECIPES, named, recipes_of
from mlgate.root import Root, policy_from

import pandas as pd
import pytest

OWN = '''
from mlgate.recipes import logistic_regression, recipe


@recipe()
def ours(rows):
    """Words of our own."""
    with open(__file__ + ".log", "a") as file:
        file.write("trained\\n")
    return logistic_regression(C={c}).fit(rows["text"], rows["label"])
'''


@pytest.fixture
def root(tmp_path) -> Root:
    (tmp_path / "gate.toml").touch()
    (tmp_path / "recipes.py").write_text(OWN.format(c=2))
    return Root(tmp_path)


def rows() -> pd.DataFrame:
    return pd.DataFrame({"text": ["good film", "bad film", "good play", "bad play"], "label": ["y", "n", "y", "n"]})


def test_a_recipe_beside_gate_toml_is_found_and_no_other_root_has_it(root, capsys):
    assert named("ours", root).story == "Words of our own."
    assert list(recipes_of(root)) == [*RECIPES, "ours"]
    with pytest.raises(MlgateError, match="There is no recipe 'ours'"):
        named("ours")
    assert cli.main(["--root", str(root.path), "recipes"]) == 0
    assert "ours\n    Words of our own." in capsys.readouterr().out


def test_it_trains_from_the_cache_until_its_file_changes(root, tmp_path, monkeypatch):
    monkeypatch.setenv("MLGATE_CACHE", str(tmp_path / "cache"))
    log = root.recipes.with_name("recipes.py.log")
    for expected in (1, 1):
        assert named("ours", root).train(rows()).named_steps["classifier"].C == 2
        assert log.read_text().count("trained") == expected
    root.recipes.write_text(OWN.format(c=3))
    assert named("ours", root).train(rows()).named_steps["classifier"].C == 3
    assert log.read_text().count("trained") == 2


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def", "recipes.py fails with SyntaxError"),
        ("1 / 0", "recipes.py fails with ZeroDivisionError"),
        ("raise SystemExit", "recipes.py fails with SystemExit"),
        (OWN.format(c=1).replace("def ours", "def baseline"), "there is a built-in recipe 'baseline' already"),
    ],
)
def test_a_file_that_cannot_be_used_says_so_in_one_line(root, capsys, code, said):
    root.recipes.write_text(code)
    assert cli.main(["--root", str(root.path), "recipes"]) == 1
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("words", ["", '""" """'])
def test_a_recipe_that_says_nothing_of_itself_is_listed(root, capsys, words):
    root.recipes.write_text(
        f"from mlgate.recipes import recipe\n@recipe()\ndef silent(rows):\n    {words}\n    return rows\n"
    )
    assert cli.main(["--root", str(root.path), "recipes"]) == 0
    assert "silent\n    Its function has no docstring" in capsys.readouterr().out


def test_a_card_that_names_it_is_followed_where_the_file_is_there(root_with_production):
    from mlgate import artifacts, corpus

    root = root_with_production
    root.recipes.write_text(OWN.format(c=2))
    train = corpus.split("train", root)
    made = named("ours", root)
    candidate = artifacts.write_candidate(root, made.train(train), made.facts(train))
    policy = policy_from({"provenance": {"reproduce": "retrain"}})
    assert provenance.reproducible(root, policy, candidate).status == "pass"
    root.recipes.unlink()
    assert "is not among `mlgate recipes`" in provenance.reproducible(root, policy, candidate).reason
