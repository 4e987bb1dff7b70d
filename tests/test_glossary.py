"""Every word that gate.toml and a verdict use is explained: beside the key, or in docs/GLOSSARY.md."""

import re
from typing import get_args

from mlgate.gate import Code
from mlgate.root import KEYS, SECTIONS, Policy

import pytest
from conftest import GATE, REPOSITORY

PAGE = REPOSITORY / "docs/GLOSSARY.md"
ENTRIES = re.findall(r"^- \*\*(.+?)\*\*(.*(?:\n  .*)*)", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
WORDS = [word.lower() for entry, _ in ENTRIES for word in entry.split(", ")]
IN_CODE = {name for _, text in ENTRIES for name in re.findall(r"`([\w.]+)`", text)}
LINES = GATE.read_text(encoding="utf-8").splitlines()
DEMANDS = sorted({(field.metadata["part"], field.metadata["key"]) for field in Policy.__dataclass_fields__.values()})
SETTINGS = sorted((part, key) for part, keys in KEYS.items() for key in keys)


def explained_beside(name: str, section: str) -> bool:
    """Whether the line of gate.toml that holds this key, or opens this section, has a comment at its end."""
    here = ""
    for line in LINES:
        text = line.removeprefix("# ")
        if text.startswith("["):
            here = text.partition("]")[0][1:]
        if here == section and re.match(rf"(\[{name}\]|{name} =)[^#]*#", text):
            return True
    return False


def is_word(name: str) -> bool:
    words = name.replace("_", " ")
    return words in WORDS or name in IN_CODE or f"[{name}]" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("code", get_args(Code))
def test_each_check_has_an_entry_that_names_its_code(code):
    assert code in IN_CODE


@pytest.mark.parametrize("section", SECTIONS)
def test_each_section_of_gate_toml_is_explained(section):
    assert explained_beside(section, section) or is_word(section)


@pytest.mark.parametrize(("section", "key"), DEMANDS + SETTINGS)
def test_each_key_of_gate_toml_is_explained(section, key):
    assert explained_beside(key, section) or any(is_word(part) for part in [key, *key.split("_")])


def test_the_words_are_in_order_and_each_has_one_entry():
    heads = [entry.lower() for entry, _ in ENTRIES]
    assert len(heads) > 40
    assert heads == sorted(set(heads))


def test_gate_toml_says_where_its_words_are_explained():
    assert "docs/GLOSSARY.md" in LINES[1]
    assert not is_word("gone")
    assert not explained_beside("looks", "guards")
