"""Promise 6's memory: an append-only history. What is added to it stays, and what was changed in it is named.

The chain of digests finds a line that was edited, deleted, inserted or moved. Two things are out of its reach, and are
not tested: whoever can write the file can compute the whole chain anew, and whole lines cut off at its end leave a
shorter chain that is sound. The second is noticed where a move is missing (production is not what the last line says);
for the rest there is git (test_commits.py), and `mlgate record` refuses a ledger that does not continue main's.
"""

import hashlib
import json
import os

from mlgate import artifacts, ledger, promotion
from mlgate.artifacts import locked
from mlgate.errors import MlgateError
from mlgate.ledger import integrity
from mlgate.root import Policy, Root

import pytest
from crashes import judged, killed_at, name_of, tiny, tiny_bytes, tiny_root, verdict_on

DEMANDS = Policy().digest

FACTS = {"note": "ein Füllwort … \u2028", "share": 0.1, "list": [1, None], "half a character": "\ud800"}
FACTS |= {"alpha": 0.0025, "verdict_sha256": "a" * 64, "verdict": verdict_on("b" * 64, "c" * 64)}


@pytest.fixture
def root(tmp_path) -> Root:
    """A root whose ledger has five lines."""
    root = Root(tmp_path)
    root.production_folder.mkdir()
    for number in range(5):
        ledger.append(root, "look", number=number, **FACTS)
    return root


def lines(root: Root) -> list[bytes]:
    return root.ledger.read_bytes().splitlines(keepends=True)


def rewrite(root: Root, changed: list[bytes]) -> None:
    root.ledger.write_bytes(b"".join(changed))


# ---- what it keeps ----


def test_what_is_appended_is_read_back_and_what_was_there_stays_byte_for_byte(root):
    before = root.ledger.read_bytes()
    returned = ledger.append(root, "look", number=5, **FACTS)
    entries = ledger.read(root)
    assert root.ledger.read_bytes().startswith(before)
    assert len(lines(root)) == 6
    assert entries[-1] == returned
    assert [entry["number"] for entry in entries] == [0, 1, 2, 3, 4, 5]
    assert all(FACTS.items() <= entry.items() for entry in entries)
    assert entries[0]["before"] == "0" * 64
    assert sorted(entry["time"] for entry in entries) == [entry["time"] for entry in entries]


MOVE = {"kind": "refresh", "from": "a" * 64, "to": "b" * 64}
LOOK = {"kind": "look", **FACTS}
ROWS = {"count": 5, "digest": "rows"}
HOLDOUT = {"kind": "holdout", "generation": 1, "alpha": 0.05, "looks": 20, "rows": ROWS, "keys": "0" * 64}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({}, "it is of no kind that there is: None"),
        ({"kind": ["look"]}, r"it is of no kind that there is: \['look'\]"),
        ({"kind": "look"}, "it has no verdict"),
        ({**LOOK, "verdict": 5}, "verdict is 5, and not an object"),
        ({**LOOK, "verdict": {}}, "it has no "),
        ({**LOOK, "verdict": {**FACTS["verdict"], "decision": "MAYBE"}}, "decision is 'MAYBE', and not one of PROMOTE"),
        ({**LOOK, "verdict": {**FACTS["verdict"], "candidate": {"digest": 5}}}, "digest is 5, and not a text"),
        ({**LOOK, "alpha": "x"}, "alpha is 'x', and not a number"),
        ({**LOOK, "alpha": float("nan")}, "alpha is nan, and not a number"),
        ({name: LOOK[name] for name in LOOK if name != "alpha"}, "it does not say at which level"),
        ({**LOOK, "time": "::error::a"}, "its time is none: '::error::a'"),
        ({**MOVE, "to": 5}, "to is 5, and not a text"),
        ({**MOVE, "to": "../../x"}, "its to is no sha256"),
        ({**MOVE, "from": []}, r"from is \[\], and not a text"),
        ({**HOLDOUT, "keys": "../x"}, "its keys is no sha256"),
        ({**HOLDOUT, "looks": True}, "looks is True, and not a whole number"),
        ({**HOLDOUT, "rows": {**ROWS, "count": 2.5}}, "count is 2.5, and not a whole number"),
    ],
)
def test_a_line_that_is_not_as_its_kind_is_gets_one_sentence(tmp_path, line, said):
    whole = ledger.chained(ledger.chained(b"", {"time": ledger.now(), **HOLDOUT}), {"time": ledger.now(), **line})
    with pytest.raises(MlgateError, match=rf"a.jsonl, line 2: {said}.*bring it back with git checkout"):
        ledger.parse(whole, "a.jsonl")


def test_every_line_names_the_one_before_it(root):
    names = [json.loads(line)["sha256"] for line in lines(root)]
    assert [entry["before"] for entry in ledger.read(root)] == ["0" * 64, *names[:-1]]


def test_without_a_ledger_there_is_no_history(tmp_path):
    assert ledger.read(Root(tmp_path)) == []
    assert ledger.head([]) is ledger.previous([]) is ledger.since([]) is None


def test_killed_at_any_step_an_append_is_there_or_it_is_not(root):
    before = root.ledger.read_bytes()
    seen = []
    for step in range(1, 100):
        root.ledger.write_bytes(before)
        if killed_at(step, lambda: ledger.append(root, "look", number=5, **FACTS)) == "done":
            break
        seen.append(len(ledger.read(root)))
    assert set(seen) == {5, 6}
    assert seen == sorted(seen)


# ---- what was changed is named ----

CHANGES = {
    "an edited word": (lambda it: [*it[:2], it[2].replace(b'"look"', b'"lock"'), *it[3:]], 3, "changed after it was"),
    "an edited number": (lambda it: [it[0].replace(b'"number": 0,', b'"number": 7,'), *it[1:]], 1, "changed after"),
    "an edited time": (lambda it: [*it[:4], it[4].replace(b'"time": "2', b'"time": "3')], 5, "changed after it was"),
    "an edited digest": (lambda it: [*it[:4], it[4][:-5] + b'0"}\n'], 5, "changed after it was"),
    "a field more": (lambda it: [*it[:3], it[3].replace(b"{", b'{"x": 1, ', 1), it[4]], 4, "changed after it was"),
    "a field less": (lambda it: [*it[:3], it[3].replace(b'"number": 3, ', b""), it[4]], 4, "changed after it was"),
    "a deleted line": (lambda it: it[:2] + it[3:], 3, "does not follow the line before it"),
    "a deleted first line": (lambda it: it[1:], 1, "does not follow the line before it"),
    "an inserted line": (lambda it: [*it[:2], it[4], *it[2:]], 3, "does not follow the line before it"),
    "a line told twice": (lambda it: [*it[:3], it[2], *it[3:]], 4, "does not follow the line before it"),
    "lines in another order": (lambda it: [it[0], it[2], it[1], *it[3:]], 2, "does not follow the line before it"),
    "an empty line": (lambda it: [*it[:2], b"\n", *it[2:]], 3, "cannot be read"),
    "an empty line at the end": (lambda it: [*it, b"\n"], 6, "cannot be read"),
    "a torn last line": (lambda it: [*it[:4], it[4][:-9]], 5, "is not complete"),
    "a last line without its end": (lambda it: [*it[:4], it[4][:-1]], 5, "is not complete"),
    "garbage": (lambda it: [*it[:3], b"\x00\xff\xfe\n", *it[3:]], 4, "cannot be read"),
    "no object": (lambda it: [*it[:3], b"[1]\n", *it[3:]], 4, "cannot be read"),
    "a number": (lambda it: [*it[:3], b"1\n", *it[3:]], 4, "cannot be read"),
    "no digest": (lambda it: [*it[:4], it[4].replace(b'"sha256"', b'"sha255"')], 5, "cannot be read"),
    "too deep to read": (lambda it: [*it[:4], b"[" * 100_000 + b"\n"], 5, "cannot be read"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_ledger_is_an_error_that_names_the_line_and_takes_no_more_lines(change, root):
    made, number, words = CHANGES[change]
    before = lines(root)
    rewrite(root, made(before))
    changed = root.ledger.read_bytes()
    assert changed != b"".join(before)
    for use in (lambda: ledger.read(root), lambda: ledger.append(root, "look")):
        with pytest.raises(MlgateError, match=rf"ledger.jsonl, line {number}: it .*{words}.*git checkout") as error:
            use()
        assert "\n" not in str(error.value)
    assert root.ledger.read_bytes() == changed


def test_a_line_whose_fields_stand_in_another_order_is_the_same_line(root):
    before = ledger.read(root)
    turned = [json.dumps(dict(reversed(json.loads(line).items()))).encode() + b"\n" for line in lines(root)]
    assert turned != lines(root)
    rewrite(root, turned)
    assert ledger.read(root) == before


def test_two_histories_that_part_do_not_go_together_again(root):
    """As when git merges two branches: both added a line after the same one."""
    before = root.ledger.read_bytes()
    ledger.append(root, "look", number=5, side="mine", **FACTS)
    mine = lines(root)[-1]
    root.ledger.write_bytes(before)
    ledger.append(root, "look", number=5, side="other", **FACTS)
    root.ledger.write_bytes(root.ledger.read_bytes() + mine)
    with pytest.raises(MlgateError, match="line 7: it does not follow the line before it"):
        ledger.read(root)


def test_a_move_cut_off_at_the_end_is_noticed_because_production_says_otherwise(tmp_path):
    root = tiny_root(tmp_path / "root")
    judged(root, 2.0)
    promotion.promote(root)
    rewrite(root, lines(root)[:-1])
    assert len(ledger.read(root)) == 3  # a sound chain by itself: see the top of this file
    with pytest.raises(MlgateError, match="but the ledger's last move put"):
        promotion.rollback(root)


def test_a_file_that_is_not_the_ledgers_is_named_by_twelve_characters_and_so_is_the_one_it_should_be(tmp_path):
    root = tiny_root(tmp_path / "root")
    root.ledger.write_bytes(lines(root)[0])  # without the line of a holdout whose fingerprints are not there
    root.production.write_bytes(b"another")
    found = hashlib.sha256(b"another").hexdigest()[:12]
    with pytest.raises(MlgateError, match=rf"pkl is {found}, but .* says {name_of(1.0)[:12]}: it was"):
        integrity.verify(root)


def test_a_move_brings_the_files_along_that_its_card_speaks_of(tmp_path):
    root = tiny_root(tmp_path / "root")
    [move] = ledger.moves(ledger.read(root))
    card = root.cards / f"{name_of(1.0)}.json"
    assert set(integrity.named_by(root, move)) == {card, card.with_suffix(".profile")}
    card.write_text(json.dumps({**json.loads(card.read_text()), "keys": "a" * 64}))
    assert integrity.named_by(root, move)[card.with_suffix(".keys")] == "a" * 64
    root.ledger.write_bytes(lines(root)[0])  # without the line of a holdout whose fingerprints are not there
    with pytest.raises(MlgateError, match=r"\.keys is not the one that the ledger and the cards speak of"):
        integrity.verify(root)


def test_production_is_stale_where_another_scikit_learn_trained_it_and_only_there(tmp_path):
    root = tiny_root(tmp_path / "root")
    card = root.cards / f"{name_of(1.0)}.json"
    known = json.loads(card.read_text())
    for then, said in ((known["versions"]["scikit-learn"], False), ("0.1", True), (None, False)):
        card.write_text(json.dumps({**known, "versions": {"scikit-learn": then} if then else {}}))
        found = integrity.stale(root)
        assert bool(found) == said
        assert not said or "trained with scikit-learn 0.1" in found


def test_a_rollback_to_a_model_that_was_not_there_before_cannot_be(tmp_path):
    root = tiny_root(tmp_path / "root")
    judged(root, 2.0)
    promotion.promote(root)
    with locked(root):
        ledger.append(root, "rollback", **{"from": name_of(2.0), "to": name_of(3.0)})
    with pytest.raises(MlgateError, match="does not go back to the model that was in production before"):
        integrity.verify(root)


@pytest.mark.skipif(os.name == "nt", reason="Windows says it in other words")
def test_a_ledger_that_cannot_be_opened_is_said_in_one_line(tmp_path):
    root = Root(tmp_path)
    root.ledger.mkdir(parents=True)
    with pytest.raises(MlgateError, match=r"ledger.jsonl cannot be read: Is a directory\. Bring it back"):
        ledger.read(root)


# ---- what is read out of it ----


def move(kind: str, old: str | None, new: str) -> dict:
    return {"kind": kind, "from": old, "to": new, "time": f"at {new}"}


HISTORY = [move("bootstrap", None, "a"), move("promotion", "a", "b"), {"kind": "holdout"}, move("rollback", "b", "a")]


def test_the_last_move_says_what_is_in_production_since_when_and_what_was_there_before():
    assert (ledger.head(HISTORY), ledger.previous(HISTORY), ledger.since(HISTORY)) == ("a", "b", "at a")
    assert (ledger.head(HISTORY[:3]), ledger.previous(HISTORY[:3])) == ("b", "a")
    assert (ledger.head(HISTORY[:1]), ledger.previous(HISTORY[:1])) == ("a", None)


def test_a_ledger_in_which_a_move_comes_from_nowhere_is_not_sound(tmp_path):
    root = tiny_root(tmp_path / "root")
    judged(root, 2.0)
    promotion.promote(root)
    promotion.rollback(root)
    for kind, start, end in (("rollback", 1.0, 2.0), ("bootstrap", 1.0, 2.0)):
        before = root.ledger.read_bytes()
        ledger.append(root, kind, **{"from": name_of(start), "to": name_of(end)}, begun=ledger.now())
        with pytest.raises(MlgateError, match=f"line 6: this {kind} cannot be"):
            integrity.verify(root)
        root.ledger.write_bytes(before)


def test_rolled_back_is_what_was_taken_out_and_did_not_come_back():
    assert ledger.rolled_back(HISTORY[:3]) == set()
    assert ledger.rolled_back(HISTORY) == {"b"}
    assert ledger.rolled_back([*HISTORY, move("promotion", "a", "c")]) == {"b"}
    assert ledger.rolled_back([*HISTORY, move("promotion", "a", "b")]) == set()
    assert ledger.rolled_back([*HISTORY, move("promotion", "a", "b"), move("rollback", "b", "a")]) == {"b"}
    assert ledger.rolled_back([*HISTORY, move("promotion", "a", "c"), move("rollback", "c", "a")]) == {"b", "c"}


def look(alpha: float) -> dict:
    return {"kind": "look", "alpha": alpha}


def test_each_look_is_counted_once_and_only_looks_are():
    policy = Policy(alpha=0.05, looks=20)
    assert ledger.looks_left([], policy) == 20
    assert [ledger.looks_left([look(0.0025)] * spent, policy) for spent in range(23)] == [*range(20, 0, -1), 0, 0, 0]
    assert ledger.looks_left([*HISTORY[:2], {"kind": "rejection"}, look(0.0025)], policy) == 19


def test_a_look_counts_for_the_level_it_was_taken_at_so_that_no_edit_of_the_policy_brings_it_back():
    half = [look(0.0025)] * 10
    assert ledger.looks_left(half, Policy(alpha=0.05, looks=20)) == 10
    assert ledger.looks_left(half, Policy(alpha=0.05, looks=40)) == 20  # half of alpha is left, at 0.00125 each
    assert ledger.looks_left(half, Policy(alpha=0.05, looks=4)) == 2
    assert ledger.looks_left([look(0.05)], Policy(alpha=0.05, looks=100)) == 0


def test_what_floating_point_loses_costs_no_look_and_a_millionth_of_one_gives_none():
    assert ledger.looks_left([], Policy(alpha=0.3, looks=3)) == 3  # 0.3 / 0.1 is 2.9999999999999996
    nearly = Policy(alpha=0.05, looks=2)
    short = nearly.alpha_look * 1.5e-6
    assert ledger.looks_left([look(short / 2)], nearly) == 2
    assert ledger.looks_left([look(short)], nearly) == 1


def test_the_number_of_looks_belongs_to_the_generation_as_alpha_does():
    began = {"kind": "holdout", "generation": 1, "alpha": 0.05, "looks": 20}
    spent = [{**look(0.0025), "generation": 1}] * 3
    assert ledger.looks_left([began], Policy(alpha=0.05, looks=20)) == 20
    assert ledger.looks_left([began, *spent], Policy(alpha=0.05, looks=20)) == 17
    assert ledger.looks_left([began, *spent], Policy(alpha=0.05, looks=100_000)) == 17  # smaller steps are not more
    assert ledger.looks_left([began, *spent], Policy(alpha=0.05, looks=4)) == 3  # larger ones are fewer
    assert ledger.looks_left([{**began, "looks": 40}, *spent], Policy(alpha=0.05, looks=40)) == 34  # 3 cost 6
    old = {name: value for name, value in began.items() if name != "looks"}  # as lines were, under 20 looks
    assert ledger.looks_left([old, *spent], Policy(alpha=0.05, looks=100_000)) == 17
    assert ledger.looks_left([began, *spent, {**began, "generation": 2}], Policy(alpha=0.05, looks=20)) == 20


def test_looks_are_left_of_the_generation_that_is_asked_about():
    began = [
        {"kind": "holdout", "generation": number, "alpha": 0.05, "looks": looks} for number, looks in ((1, 20), (2, 10))
    ]
    entries = [began[0], *[{**look(0.0025), "generation": 1}] * 3, began[1], {**look(0.005), "generation": 2}]
    policy = Policy(alpha=0.05, looks=20)
    assert [ledger.looks_left(entries, policy, generation) for generation in (1, 2, None)] == [17, 9, 9]


def ended(*decisions: str) -> list[dict]:
    """A generation that began with 20 looks at alpha 0.05, and looks that ended so."""
    began = {"kind": "holdout", "generation": 1, "alpha": 0.05, "looks": 20}
    looks = [{**look(0.0025), "generation": 1, "verdict": {"decision": decision}} for decision in decisions]
    return [began, *looks]


def test_a_look_that_ends_in_promote_is_given_back_and_one_that_rejects_or_holds_is_not():
    history = ["HOLD", "HOLD", "PROMOTE", "REJECT", "PROMOTE", "PROMOTE", "HOLD"]
    left = [ledger.looks_left(ended(*history[:count]), Policy()) for count in range(8)]
    assert left == [20, 19, 18, 18, 17, 17, 17, 16]


def test_a_generation_ends_after_twice_its_looks_however_many_of_them_promoted():
    left = [ledger.looks_left(ended(*["PROMOTE"] * count), Policy()) for count in (0, 20, 21, 30, 39, 40, 41)]
    assert left == [20, 20, 19, 10, 1, 0, 0]
    assert ledger.looks_left(ended(*["PROMOTE"] * 30, *["HOLD"] * 8), Policy()) == 2


def test_a_verdict_is_repeated_for_the_same_pair_rows_and_policy_and_for_nothing_else():
    entries = [{"kind": "rejection", "verdict": {**verdict_on("a", "b", "REJECT"), "reason": "the first"}}]
    entries += [*HISTORY, {"kind": "look", "verdict": verdict_on("a", "b")}]
    assert ledger.verdict_on(entries, "a", "b", "rows", DEMANDS)["decision"] == "PROMOTE"
    assert ledger.verdict_on(entries[:-1], "a", "b", "rows", DEMANDS)["decision"] == "REJECT"
    for names in (
        ("b", "b", "rows", DEMANDS),
        ("a", "a", "rows", DEMANDS),
        ("b", "a", "rows", DEMANDS),
        ("a", "b", "other rows", DEMANDS),
        ("a", "b", "rows", "other demands"),
    ):
        assert ledger.verdict_on(entries, *names) is None


def test_the_model_the_ledger_names_is_the_bootstrapped_one(tmp_path):
    assert ledger.head(ledger.read(tiny_root(tmp_path / "root"))) == name_of(1.0)


def test_people_can_read_a_line(root):
    assert "ein Füllwort … ".encode() in root.ledger.read_bytes()


def test_more_spent_than_the_level_now_allows_leaves_nothing_where_no_generation_has_begun():
    spent = [{"kind": "look", "alpha": 0.02, "verdict": {}, "verdict_sha256": ""} for _ in range(3)]
    assert ledger.looks_left(spent, Policy(alpha=0.05, looks=20)) == 0


@pytest.mark.parametrize("other", [{}, {"from": "c"}, {"to": "c"}, {"verdict_sha256": "c"}, {"decision": "HOLD"}])
def test_a_promotion_is_won_by_a_look_at_this_very_pair_that_says_so(other):
    verdict = verdict_on("a", "b") | {"decision": other.get("decision", "PROMOTE")}
    won = [{"kind": "look", "verdict": verdict, "verdict_sha256": "v"}]
    move = {"kind": "promotion", "from": "a", "to": "b", "verdict_sha256": "v"} | other
    assert ledger.won(won, move) is (not other)


@pytest.mark.parametrize("field", [{"versions": []}, {"versions": {"scikit-learn": 1}}, {"keys": ["a"]}], ids=str)
def test_a_card_with_a_field_of_another_type_is_one_sentence(tmp_path, field):
    root = tiny_root(tmp_path / "root")
    path = root.cards / f"{name_of(1.0)}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **field}), encoding="utf-8")
    for command in (integrity.verify, integrity.stale):
        with pytest.raises(MlgateError, match=r"cards/.*\.json was changed: .* and not .*git checkout"):
            command(root)


@pytest.mark.parametrize("card", [{"digest": "a" * 64}, [], "a card"], ids=str)
def test_a_card_of_another_model_or_of_none_is_one_sentence(tmp_path, card):
    root = tiny_root(tmp_path / "root")
    (root.cards / f"{name_of(1.0)}.json").write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(MlgateError, match="describes another model than its name says: it was changed"):
        integrity.verify(root)


def test_new_holdout_rows_bring_their_fingerprints_along(tmp_path):
    root = tiny_root(tmp_path / "root")
    [line] = [entry for entry in ledger.read(root) if entry["kind"] == "holdout"]
    assert integrity.named_by(root, line) == {root.holdouts / f"{'0' * 16}.keys": "0" * 64}
    assert integrity.named_by(root, {"kind": "look"}) == {}


def test_the_previous_model_is_the_one_that_the_last_move_replaced(tmp_path):
    root = Root(tmp_path)
    for C, kind in ((1.0, "bootstrap"), (2.0, "refresh")):
        card = artifacts.card_of(tiny(C), tiny_bytes(C), {})
        with locked(root):
            promotion.switch(root, tiny_bytes(C), card, kind)
    assert integrity.verify(root) == name_of(2.0)
    root.previous.write_bytes(b"another")
    with pytest.raises(MlgateError, match=rf"previous\.pkl is .*, but the ledger's last move says {name_of(1.0)[:12]}"):
        integrity.verify(root)
