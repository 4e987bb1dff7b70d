"""Cards, verdicts, ledgers and gate.toml are checked when they are read: whatever stands in them is used or named."""

import json

from mlgate import artifacts, ledger, promotion
from mlgate.artifacts import card_from, limits_of
from mlgate.ci import evidence, summary
from mlgate.corpus import source_of
from mlgate.gate import Policy, judge, verdict_from
from mlgate.ledger import integrity
from mlgate.reporting import report
from mlgate.root import KEYS, Root, policy_from, read_settings, section

import pytest
import tomli_w
from cards import card, plain
from conftest import GATE
from crashes import judged, tiny, tiny_bytes, tiny_root
from hypothesis import given
from mutations import changed_bytes, changed_value, fuzzed, one_sentence

VERDICTS = [
    judge(card(("imdb", 5, 40, 300, 50), ("other", 150, 60, 3_000, 500)), Policy()).as_dict(),
    judge(plain(3, 4), Policy()).as_dict(),
]
CARD = artifacts.card_of(tiny(), tiny_bytes(), {"recipe": "baseline", "severity": 0.5, "keys": b"8 bytes." * 3})
TOML = read_settings(GATE)
TOML = {**TOML, "corpus": {"path": "a.csv", "text_column": "text"}, "artifacts": {"seconds": 5, "allow": ["a.B"]}}


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Root:
    """A root with a promotion behind it, whose files are written anew for each example."""
    root = tiny_root(tmp_path_factory.mktemp("values") / "root")
    judged(root, 2.0)
    promotion.promote(root)
    return root


@pytest.fixture(scope="module")
def lines(root) -> list:
    """The lines of its ledger, as they were."""
    return [json.loads(line) for line in root.ledger.read_bytes().splitlines()]


def as_json(value) -> str:
    return json.dumps(value)


@fuzzed(50)
@given(value=changed_value([json.loads(json.dumps(verdict)) for verdict in VERDICTS]))
def test_verdicts(root, value):
    root.verdict.write_text(as_json(value), encoding="utf-8")
    with one_sentence():
        page = summary.of(root)
        for form in (summary.markdown, summary.text, summary.to_json, summary.annotation):
            form(page)
    with one_sentence(ValueError):
        verdict = verdict_from(value)
        assert report.closing_lines(verdict).count("\n") == 2
        report.json_of(verdict)
    with one_sentence():
        promotion.promote(root)


@fuzzed(60)
@given(value=changed_value([CARD.as_dict()]))
def test_cards(root, value):
    with one_sentence():
        artifacts.to_json(card_from(value))
    path = root.cards / f"{ledger.head(ledger.read(root))}.json"
    sound = path.read_bytes()
    try:
        path.write_text(as_json(value), encoding="utf-8")
        for work in (integrity.verify, integrity.stale, artifacts.load_production):
            with one_sentence():
                work(root)
    finally:
        path.write_bytes(sound)


@pytest.fixture
def sound_again(root, lines):
    yield
    root.ledger.write_bytes(chained(lines))


def chained(lines: list) -> bytes:
    data = b""
    for line in lines:
        data = ledger.chained(data, {name: value for name, value in line.items() if name != "sha256"})
    return data


def test_ledgers(root, lines, sound_again):
    @fuzzed(80)
    @given(value=changed_value([lines, lines[:2]]))
    def whole_chains(value):
        if not isinstance(value, list) or not all(isinstance(line, dict) for line in value):
            return
        read(chained(value))

    @fuzzed(30)
    @given(data=changed_bytes([root.ledger.read_bytes()]))
    def broken_chains(data):
        read(data)

    def read(data: bytes) -> None:
        root.ledger.write_bytes(data)
        with one_sentence():
            entries = ledger.read(root)
            for entry in entries:
                assert report.line(entry).isprintable()
            ledger.looks_left(entries, Policy())
            ledger.rolled_back(entries)
            ledger.verdict_on(entries, "a", "b", "c", "d")
        for work in (integrity.verify, integrity.stale, promotion.rollback, summary.of):
            with one_sentence():
                work(root)
        with one_sentence():
            evidence.require_sound(root, root, ledger.read(root), 0)

    whole_chains()
    broken_chains()


@fuzzed(80)
@given(value=changed_value([TOML]))
def test_settings(root, value):
    path = root.path / "other.toml"
    try:
        path.write_bytes(tomli_w.dumps(value).encode())
    except (TypeError, AttributeError, ValueError):  # TOML cannot say it
        return
    read_all(path)


@fuzzed(60)
@given(data=changed_bytes([GATE.read_bytes()]))
def test_changed_bytes_of_settings(root, data):
    path = root.path / "other.toml"
    path.write_bytes(data)
    read_all(path)


def read_all(path) -> None:
    with one_sentence():
        settings = read_settings(path)
        for name in KEYS:
            with one_sentence():
                section(settings, name)
        with one_sentence():
            limits_of(settings)
        policy_from(settings).digest.encode()


def test_settings_of_a_root(tmp_path):
    @fuzzed(30)
    @given(value=changed_value([TOML]))
    def sources(value):
        try:
            (tmp_path / "gate.toml").write_bytes(tomli_w.dumps(value).encode())
        except (TypeError, AttributeError, ValueError):
            return
        with one_sentence():
            source_of(Root(tmp_path))

    sources()
