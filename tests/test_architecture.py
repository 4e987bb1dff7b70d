"""docs/ARCHITECTURE.md shows the imports there are, and leads in one hop to what is there."""

import ast
import re

import imports
from conftest import REPOSITORY

TEXT = imports.PAGE.read_text(encoding="utf-8")
PLACE = re.compile(r"\]\(\.\./(lib/[\w/]+\.py)\)((?:,? `[\w.]+`)*)")
PROMISE = re.compile(r"^(\d+)\. \*\*.*?(?=^\d+\. |^## )", re.MULTILINE | re.DOTALL)


def test_the_picture_is_drawn_from_the_imports_there_are():
    assert imports.with_picture(TEXT) == TEXT, "run: make fix"


def test_the_picture_leaves_out_only_what_a_longer_way_says():
    assert imports.without_detours({("a", "b"), ("b", "c"), ("a", "c"), ("a", "d")}) == {
        ("a", "b"),
        ("b", "c"),
        ("a", "d"),
    }


def test_each_package_is_explained_in_a_line_of_its_own():
    explained = set(re.findall(r"^\| (\w+) \|", TEXT, re.MULTILINE))
    packages = {name for layer in imports.layers() for name in layer}
    assert packages - explained == {"__main__"}


def defined_in(file: str) -> set[str]:
    """The names that a module defines: functions, classes with their methods and fields, constants."""
    tree = ast.parse((REPOSITORY / file).read_text(encoding="utf-8"))
    names = set()
    for node in tree.body:
        own = names_of(node)
        names |= own
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{name}" for inner in node.body for name in names_of(inner)}
    return names


def names_of(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def missing(text: str) -> list[str]:
    named = [(file, name) for file, names in PLACE.findall(text) for name in re.findall(r"`([\w.]+)`", names)]
    assert named
    return [f"{file} {name}" for file, name in named if name not in defined_in(file)]


def test_each_name_that_the_page_leads_to_is_in_the_file_beside_it():
    assert missing(TEXT) == []


def test_a_name_that_is_not_in_its_file_is_found():
    assert missing("[x](../lib/mlgate/exam/looks.py) `RULES`, `gone`") == ["lib/mlgate/exam/looks.py gone"]


def promises() -> dict[str, str]:
    return {found[1]: found[0] for found in PROMISE.finditer(TEXT)}


def test_each_promise_names_the_tests_that_hold_it():
    assert list(promises()) == [str(number + 1) for number in range(len(promises()))]
    assert [number for number, text in promises().items() if "](../tests/" not in text] == []


def cited() -> list[tuple[str, str]]:
    """Each promise that a test or the code speaks of by its number, and the file."""
    found = []
    for path in [*REPOSITORY.glob("tests/**/*.py"), *REPOSITORY.glob("lib/**/*.py")]:
        for numbers in re.findall(
            r"\bpromises? ((?:\d+(?:, | and )?)+)", path.read_text(encoding="utf-8"), re.IGNORECASE
        ):
            found += [(number, path.name) for number in re.findall(r"\d+", numbers)]
    return found


def test_each_promise_that_is_cited_by_its_number_stands_in_the_page():
    assert len(cited()) > 5
    assert [each for each in cited() if each[0] not in promises()] == []
