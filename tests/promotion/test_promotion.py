"""Promises 5 and 6: one commit point, whenever the process dies; only what was judged, against what it was judged."""

import contextlib
import itertools
import json
import os
import random
import shutil
import signal
import stat
import time

from mlgate import artifacts, ledger, promotion
from mlgate.artifacts import locked
from mlgate.errors import MlgateError
from mlgate.promotion import permission
from mlgate.root import Root, write_atomically

import pytest
from crashes import (
    Evil,
    ended,
    in_a_child,
    judged,
    killed_after,
    killed_at,
    moves,
    name_of,
    next_command,
    snapshot,
    tiny,
    tiny_bytes,
    tiny_root,
)

OLD, NEW = name_of(1.0), name_of(2.0)
KILLS = 60


@pytest.fixture
def pair(tmp_path) -> Root:
    """A root in which tiny(1) is production, and tiny(2) a candidate with a PROMOTE in the ledger."""
    root = tiny_root(tmp_path / "root")
    judged(root, 2.0)
    return root


@pytest.fixture
def promoted(pair) -> Root:
    """The same after the promotion: tiny(2) is production, tiny(1) the previous model."""
    promotion.promote(pair)
    return pair


@contextlib.contextmanager
def refused(root: Root, words: str):
    """What happens here is refused with these words, and artifacts_prod/ keeps every name and byte."""
    before = snapshot(root.production_folder)
    with pytest.raises(MlgateError, match=words) as error:
        yield
    assert "\n" not in str(error.value)
    assert snapshot(root.production_folder) == before


def state(root: Root) -> dict:
    """All that is in artifacts_prod/, the ledger without its clock."""
    lines = [{k: v for k, v in line.items() if k not in ("time", "begun", "before")} for line in ledger.read(root)]
    return {**snapshot(root.production_folder), "ledger.jsonl": lines}


def require_sound(root: Root) -> None:
    """Production is what the ledger says, previous.pkl what was there before, no move is missing or told twice."""
    entries = ledger.read(root)
    assert artifacts.load_production(root).digest == ledger.head(entries)
    assert artifacts.digest(root.previous.read_bytes()) == ledger.previous(entries)
    steps = moves(root)
    assert all(before[2] == after[1] for before, after in itertools.pairwise(steps))
    assert {path.stem for path in root.cards.iterdir()} == {to for _, _, to in steps}
    assert {path.name for path in root.production_folder.iterdir()} == {
        *("pipeline.pkl", "previous.pkl", "cards", "ledger.jsonl")
    }


# ---- one commit point ----


def first_model(root: Root) -> None:
    with locked(root):
        promotion.switch(root, tiny_bytes(2.0), artifacts.card_of(tiny(2.0), tiny_bytes(2.0), {}), "bootstrap")


def before_bootstrap(path) -> Root:
    path.mkdir()
    return Root(path)


def before_promotion(path) -> Root:
    root = tiny_root(path)
    judged(root, 2.0)
    return root


def before_rollback(path) -> Root:
    root = before_promotion(path)
    promotion.promote(root)
    return root


def refresh(root: Root) -> None:
    with locked(root):
        promotion.switch(root, tiny_bytes(2.0), artifacts.card_of(tiny(2.0), tiny_bytes(2.0), {}), "refresh")


OPERATIONS = {
    "bootstrap": (before_bootstrap, first_model),
    "refresh": (tiny_root, refresh),
    "promotion": (before_promotion, promotion.promote),
    "rollback": (before_rollback, promotion.rollback),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", OPERATIONS)
def test_killed_before_any_system_call_production_is_the_old_or_the_new_model_and_the_next_command_tidies_up(
    name, tmp_path, monkeypatch
):
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    prepare, work = OPERATIONS[name]
    start = prepare(tmp_path / "start")
    done = Root(tmp_path / "done")
    shutil.copytree(start.path, done.path)
    work(done)
    before, after = state(start), state(done)
    before.setdefault("cards", None)
    seen, root = [], Root(tmp_path / "root")
    for step in range(1, 1000):
        shutil.copytree(start.path, root.path)
        if killed_at(step, lambda: work(root)) == "done":
            break
        now = in_production(root)
        if now:
            assert artifacts.load_production(root).digest == now  # before anything is tidied up
        next_command(root)
        kept = in_production(root)
        if name in ("promotion", "rollback"):
            assert kept == now
        assert state(root) | {"cards": None} == (after if kept == after_digest(after) else before)
        again = state(root)
        next_command(root)
        assert state(root) == again
        seen.append(kept)
        shutil.rmtree(root.path)
    assert seen.count(after_digest(before)) > 20
    assert seen.count(after_digest(after)) > 5
    assert seen == sorted(seen, key=lambda kept: kept == after_digest(after))  # one commit point: never back again


def in_production(root: Root) -> str | None:
    return artifacts.digest(root.production.read_bytes()) if root.production.exists() else None


def after_digest(files: dict) -> str | None:
    return artifacts.digest(files["pipeline.pkl"]) if "pipeline.pkl" in files else None


@pytest.mark.slow
def test_killed_while_it_tidies_up_after_a_kill_the_next_command_still_tidies_up(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    start, root = before_promotion(tmp_path / "start"), Root(tmp_path / "root")
    done = Root(tmp_path / "done")
    shutil.copytree(start.path, done.path)
    promotion.promote(done)
    before, after = state(start), state(done)
    stages = {}
    for step in range(1, 1000):  # each different thing that a kill can leave behind
        shutil.copytree(start.path, root.path)
        outcome = killed_at(step, lambda: promotion.promote(root))
        names = frozenset(str(path.relative_to(root.path)) for path in root.path.rglob("*") if ".tmp" not in path.name)
        stages.setdefault((names, root.production.read_bytes()), snapshot(root.path))
        shutil.rmtree(root.path)
        if outcome == "done":
            break
    assert len(stages) > 8
    for number, files in enumerate(stages.values()):
        for step in range(1 + number % 3, 1000, 3):
            restore(root, files)
            outcome = killed_at(step, lambda: next_command(root))
            expected = after if root.production.read_bytes() == tiny_bytes(2.0) else before
            next_command(root)
            assert state(root) == expected
            if outcome == "done":
                break


def restore(root: Root, files: dict) -> None:
    shutil.rmtree(root.path, ignore_errors=True)
    root.path.mkdir()
    for name in sorted(files):
        if files[name] is None:
            (root.path / name).mkdir()
    for name, data in files.items():
        if data is not None:
            (root.path / name).write_bytes(data)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_killed_at_several_hundred_random_instants_production_always_loads_and_the_ledger_says_what_happened_once(
    seed, promoted, monkeypatch
):
    """The child promotes and rolls back without end; each new child begins by tidying up after the one before it."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)

    def work() -> None:
        while True:
            promotion.rollback(promoted)
            promotion.promote(promoted, after_rollback=True)

    def resume() -> None:
        if artifacts.digest(promoted.production.read_bytes()) == OLD:
            promotion.promote(promoted, after_rollback=True)
        work()

    random_instants = random.Random(seed)
    left, done = 0, len(moves(promoted))
    for kill in range(KILLS):
        assert killed_after(random_instants.uniform(0, 0.03), resume) == "killed"
        assert artifacts.load_production(promoted).digest in (OLD, NEW)
        left += (promoted.production_folder / ".promotion").exists()
        if kill % 3 == 0:  # otherwise the next child has to tidy up, and may be killed over it
            next_command(promoted)
            require_sound(promoted)
    assert left > KILLS / 20  # kills hit something; how many depends on how busy the machine is
    next_command(promoted)
    require_sound(promoted)
    assert len(moves(promoted)) > done + KILLS / 20


def test_a_promotion_that_fails_midway_leaves_the_old_model_and_the_next_command_tidies_up(pair, monkeypatch):
    before = state(pair)
    monkeypatch.setattr(os, "replace", broken_for("pipeline.pkl", os.replace))
    with pytest.raises((OSError, MlgateError), match="No space left"):
        promotion.promote(pair)
    assert pair.production.read_bytes() == tiny_bytes(1.0)
    monkeypatch.undo()
    next_command(pair)
    assert state(pair) == before
    assert promotion.promote(pair)
    require_sound(pair)


@pytest.mark.parametrize("write", range(1, 8))
def test_a_disk_that_is_full_at_any_write_is_said_in_one_line_and_leaves_the_old_or_the_new_model(
    write, pair, monkeypatch
):
    before, left = state(pair), write

    def full(handle: int) -> None:
        nonlocal left
        left -= stat.S_ISREG(os.fstat(handle).st_mode)
        if left == 0:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MlgateError, match=r"cannot be written: No space left on device\. Fix that, and repeat"):
        promotion.promote(pair)
    monkeypatch.undo()
    # model, previous model, line, fingerprints, profile and card are written before the commit point, the ledger after
    if write < 7:
        assert pair.production.read_bytes() == tiny_bytes(1.0)
        next_command(pair)
        assert state(pair) == before
    assert promotion.promote(pair) is (write < 7)
    require_sound(pair)


def broken_for(name, replace):
    def broken(source, target):
        if os.path.basename(target) == name and ".promotion" not in os.fspath(target):
            raise OSError(28, "No space left on device")
        replace(source, target)

    return broken


# ---- the lock ----


@pytest.mark.slow
@pytest.mark.parametrize("attempt", range(5))
def test_of_two_that_promote_at_once_one_wins_and_the_other_is_told_that_its_verdict_is_stale(attempt, pair, tmp_path):
    class Other(Root):
        """The same root, with another candidate and another verdict in hand."""

        candidate_folder = tmp_path / "other"

    other = Other(pair.path)
    judged(other, 3.0)
    gate, go = os.pipe()
    hear, tell = os.pipe()

    def promote(root: Root) -> None:
        os.read(gate, 1)
        try:
            said = str(promotion.promote(root))
        except MlgateError as error:
            said = str(error)
        os.write(tell, (said + "\n").encode())

    children = [in_a_child(lambda root=root: promote(root)) for root in (pair, other)]
    os.write(go, b"!!")
    assert [ended(child) for child in children] == ["done", "done"]
    winner, loser = sorted(os.read(hear, 10_000).decode().splitlines(), reverse=True)
    assert winner == "True"
    assert loser.startswith(f"The verdict is about production {OLD[:12]}")
    assert "Run notebook 04 again" in loser
    require_sound(pair)
    for handle in (gate, go, hear, tell):
        os.close(handle)


def test_the_lock_is_free_again_when_its_holder_is_killed_and_held_until_then(pair):
    ready, tell = os.pipe()

    def hold() -> None:
        with locked(pair):
            os.write(tell, b"!")
            time.sleep(60)

    child = in_a_child(hold)
    os.read(ready, 1)
    with refused(pair, "Another mlgate has been working"), locked(pair, 0.1):
        pass
    os.kill(child, signal.SIGKILL)
    assert ended(child) == "killed"
    assert promotion.promote(pair)


# ---- compare-and-swap ----


def test_a_promoted_model_is_the_candidate_byte_for_byte_with_its_card_its_line_and_the_way_back(pair):
    card = pair.candidate_card.read_bytes()
    assert promotion.promote(pair) is True
    assert pair.production.read_bytes() == pair.candidate.read_bytes() == tiny_bytes(2.0)
    assert pair.previous.read_bytes() == tiny_bytes(1.0)
    assert (pair.cards / f"{NEW}.json").read_bytes() == card
    line = ledger.read(pair)[-1]
    assert (line["kind"], line["from"], line["to"]) == ("promotion", OLD, NEW)
    assert line["verdict_sha256"] == artifacts.digest(pair.verdict.read_bytes())
    require_sound(pair)


def test_promoting_twice_changes_nothing_the_second_time(promoted):
    before = snapshot(promoted.production_folder)
    assert promotion.promote(promoted) is False
    assert snapshot(promoted.production_folder) == before


def test_a_verdict_about_another_production_does_not_promote(pair):
    judged(pair, 3.0)
    stale = pair.candidate.read_bytes(), pair.candidate_card.read_bytes(), pair.verdict.read_bytes()
    judged(pair, 2.0)
    promotion.promote(pair)
    for path, data in zip((pair.candidate, pair.candidate_card, pair.verdict), stale, strict=True):
        path.write_bytes(data)
    with refused(pair, f"about production {OLD[:12]}, but {NEW[:12]} is in production now. Run notebook 04 again"):
        promotion.promote(pair)


def test_a_candidate_that_changed_after_its_verdict_is_not_promoted(pair):
    verdict = pair.verdict.read_bytes()
    artifacts.write_candidate(pair, tiny(3.0), {})
    with refused(pair, "There is no file .*verdict.json. Run notebook 04 first"):
        promotion.promote(pair)
    pair.verdict.write_bytes(verdict)
    with refused(pair, "not the one that was judged. Run notebook 04 again"):
        promotion.promote(pair)


def test_a_candidate_that_changed_by_one_byte_is_not_promoted(pair):
    pair.candidate.write_bytes(tiny_bytes(2.0)[:-1] + b"\x00")
    with refused(pair, "not the one that was judged"):
        promotion.promote(pair)


def test_a_verdict_under_other_demands_than_gate_toml_has_now_does_not_promote(pair):
    shipped = pair.policy.read_text()
    pair.policy.write_text(f"{shipped}[decision]\nmargin = 0.01\n")
    with refused(pair, "gate.toml demands something else since the verdict was given. Run notebook 04 again"):
        promotion.promote(pair)
    pair.policy.write_text(f"# in other words\n{shipped}[decision]\nmargin = 0.0\n")
    assert promotion.promote(pair)


def test_a_verdict_on_another_corpus_than_gate_toml_names_now_does_not_promote(pair):
    shipped = pair.policy.read_text()
    pair.policy.write_text("[decision]\n[corpus]\npath = 'other.csv'\n")
    with refused(pair, r"gate.toml names another \[corpus\] since the verdict was given. Run notebooks 02 to 04 again"):
        promotion.promote(pair)
    pair.policy.write_text(f"{shipped}[candidate]\nrecipe = 'another than was named by hand'\n")
    assert promotion.promote(pair)


def test_a_verdict_on_other_holdout_rows_than_those_in_use_does_not_promote(pair):
    rows = {"count": 10, "digest": "rows that nobody has read"}
    ledger.append(pair, "holdout", generation=2, alpha=0.05, looks=20, rows=rows, keys="0" * 64)
    with refused(pair, "The holdout has other rows since the verdict was given. Run notebook 04 again"):
        promotion.promote(pair)


def test_a_verdict_by_labels_is_about_the_rows_that_they_were_bought_of(pair):
    look = ledger.read(pair)[-1]
    rows = [{"digest": "others"}, look["verdict"]["rows"]]
    bought = [{"kind": "labelling", "order": order, "rows": each} for order, each in zip("ab", rows, strict=True)]
    assert permission.look_for(pair, [*bought, {**look, "labelling": "b"}], (OLD, NEW), after_rollback=True)
    with pytest.raises(MlgateError, match="The holdout has other rows since the verdict was given"):
        permission.look_for(pair, [*bought, {**look, "labelling": "a"}], (OLD, NEW), after_rollback=True)


FORGERIES = {
    "decision": lambda it: artifacts.to_json({**it, "decision": "PROMOTE"}),
    "candidate": lambda it: artifacts.to_json({**it, "candidate": {"digest": name_of(3.0), "accuracy": 1.0}}),
    "all of it": lambda it: artifacts.to_json({**it, "decision": "PROMOTE", "reason": "because", "policy": {}}),
    "a space": lambda it: artifacts.to_json(it) + b" ",
    "empty": lambda it: b"",
    "no JSON": lambda it: b"\x00\xff{",
    "deep": lambda it: b"[" * 100_000,
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_verdict_that_does_not_stand_in_the_ledger_does_not_promote(forgery, tmp_path):
    root = tiny_root(tmp_path / "root")
    verdict = judged(root, 3.0, decision="REJECT")
    root.verdict.write_bytes(FORGERIES[forgery](verdict))
    with refused(root, "The ledger has no such verdict .*Run notebook 04"):
        promotion.promote(root)


@pytest.mark.parametrize(("kind", "decision"), [("look", "HOLD"), ("look", "REJECT"), ("rejection", "REJECT")])
def test_only_promote_promotes(kind, decision, tmp_path):
    root = tiny_root(tmp_path / "root")
    judged(root, 3.0, decision, kind)
    with refused(root, f"The verdict is {decision}: so it is. Production stays"):
        promotion.promote(root)


def test_a_promote_verdict_that_was_no_look_does_not_promote(tmp_path):
    root = tiny_root(tmp_path / "root")
    judged(root, 3.0, "PROMOTE", "bootstrap-like")
    with refused(root, "line 3: it is of no kind that there is: 'bootstrap-like'"):
        promotion.promote(root)


def test_without_a_verdict_promote_says_what_to_run(pair):
    pair.verdict.unlink()
    with refused(pair, "There is no file .*verdict.json. Run notebook 04 first"):
        promotion.promote(pair)


def test_without_a_candidate_promote_says_so(pair):
    pair.candidate.unlink()
    with refused(pair, "There is no file .*artifacts_candidate/pipeline.pkl. Run notebook 02 first"):
        promotion.promote(pair)


CARDS = {
    "missing": None,
    "another's": b'{"digest": "0000"}',
    "garbage": b"\x00\xff",
    "a list": b"[]",
    "deep": b"[" * 100_000,
    "a number that JSON has not": json.dumps({"digest": NEW, "x": float("nan")}).encode(),
    "a number too large": b'{"digest": "%b", "x": 1e999}' % NEW.encode(),
}


@pytest.mark.parametrize("card", CARDS)
def test_a_candidate_without_a_card_of_its_own_is_not_promoted(card, pair):
    pair.candidate_card.unlink()
    if CARDS[card] is not None:
        pair.candidate_card.write_bytes(CARDS[card])
    with refused(pair, "The candidate's card.json does not describe it. Run notebook 02 again"):
        promotion.promote(pair)


def test_a_planted_card_cannot_make_the_promoted_model_unknown(pair):
    (pair.cards / f"{NEW}.json").write_text('{"digest": "something else"}')
    promotion.promote(pair)
    assert artifacts.load_production(pair).digest == NEW
    require_sound(pair)


def test_a_card_and_the_fingerprints_beside_it_are_written_once(promoted):
    before = snapshot(promoted.cards)
    assert before.keys() == {f"{OLD}.json", f"{NEW}.json", f"{NEW}.keys", f"{NEW}.profile"}
    promotion.rollback(promoted)
    artifacts.write_candidate(promoted, tiny(2.0), {"recipe": "told otherwise", "keys": b"others.." * 3})
    assert promotion.promote(promoted, after_rollback=True)
    assert snapshot(promoted.cards) == before


def test_the_card_is_there_before_the_model_is(pair, monkeypatch):
    seen = []

    def watching(source, target):
        if os.fspath(target) == os.fspath(pair.production):
            seen.append(artifacts.read_card(pair.cards / f"{NEW}.json", NEW))
        replace(source, target)

    replace = os.replace
    monkeypatch.setattr(os, "replace", watching)
    promotion.promote(pair)
    assert [card.digest for card in seen] == [NEW]


# ---- production at fault ----


def test_production_replaced_by_hand_stops_every_move(promoted):
    promoted.production.write_bytes(tiny_bytes(1.0))  # even by a known model
    for move in (promotion.promote, promotion.rollback):
        with refused(promoted, f"{OLD[:12]}, but the ledger's last move put {NEW[:12]} there: .*git checkout"):
            move(promoted)


def test_an_evil_production_is_never_loaded(promoted, tmp_path):
    marker = tmp_path / "marker"
    promoted.production.write_bytes(bytes(Evil(marker)))
    for move in (promotion.promote, promotion.rollback):
        with refused(promoted, "changed by hand"):
            move(promoted)
    with refused(promoted, "has no card"):
        artifacts.load_production(promoted)
    assert not marker.exists()


@pytest.mark.parametrize("data", [None, b""])
def test_without_a_ledger_nothing_moves(data, promoted):
    promoted.ledger.unlink()
    if data is not None:
        promoted.ledger.write_bytes(data)
    for move in (promotion.promote, promotion.rollback):
        with refused(promoted, "ledger does not say how .* its lines are gone.*git checkout"):
            move(promoted)


def test_with_a_broken_ledger_nothing_moves(promoted):
    data = promoted.ledger.read_bytes()
    promoted.ledger.write_bytes(data.replace(b'"promotion"', b'"promotiom"'))
    for move in (promotion.promote, promotion.rollback):
        with refused(promoted, "ledger.jsonl, line 4: it was changed after it was written"):
            move(promoted)


def test_without_production_nothing_moves(promoted):
    promoted.production.unlink()
    for move in (promotion.promote, promotion.rollback):
        with refused(promoted, "There is no file .*artifacts_prod/pipeline.pkl"):
            move(promoted)


# ---- rollback ----


def test_rollback_brings_the_previous_model_back_and_the_ledger_says_so(promoted):
    assert promotion.rollback(promoted) == OLD
    assert promoted.production.read_bytes() == tiny_bytes(1.0)
    assert promoted.previous.read_bytes() == tiny_bytes(2.0)
    assert moves(promoted)[-1] == ("rollback", NEW, OLD)
    require_sound(promoted)


def test_rolling_back_twice_is_refused(promoted):
    promotion.rollback(promoted)
    with refused(promoted, f"{NEW[:12]} is the one that was rolled back. Nothing was changed"):
        promotion.rollback(promoted)


def test_rolling_back_the_first_model_is_refused(pair):
    with refused(pair, "There is no previous production model to go back to. Nothing was changed"):
        promotion.rollback(pair)
    pair.previous.write_bytes(tiny_bytes(1.0))  # one that was put there by hand is none
    with refused(pair, "There is no previous production model"):
        promotion.rollback(pair)


TAMPERED = {"another known model": tiny_bytes(2.0), "one byte": tiny_bytes(1.0) + b"\x00", "empty": b""}


@pytest.mark.parametrize("what", [*TAMPERED, "evil", "missing", "no card"])
def test_a_previous_model_that_was_changed_by_hand_does_not_come_back(what, promoted, tmp_path):
    marker = tmp_path / "marker"
    if what in ("missing", "no card"):
        (promoted.previous if what == "missing" else promoted.cards / f"{OLD}.json").unlink()
    else:
        promoted.previous.write_bytes(TAMPERED.get(what) or bytes(Evil(marker)) * (what == "evil"))
    with refused(promoted, "previous.pkl.*git checkout"):
        promotion.rollback(promoted)
    assert not marker.exists()


def test_a_model_that_was_rolled_back_comes_back_only_on_request_and_can_be_rolled_back_again(promoted):
    promotion.rollback(promoted)
    with refused(promoted, "was rolled back. To promote it all the same: mlgate promote --after-rollback"):
        promotion.promote(promoted)
    promoted.verdict.unlink()  # the exam has written HOLD over it in the meantime
    assert promotion.promote(promoted, after_rollback=True)
    assert moves(promoted)[-1] == ("promotion", OLD, NEW)
    assert promotion.rollback(promoted) == OLD
    assert promotion.promote(promoted, after_rollback=True)
    require_sound(promoted)


def test_after_a_rollback_too_only_a_promote_in_the_ledger_promotes(promoted):
    promotion.rollback(promoted)
    judged(promoted, 3.0, "HOLD")
    with refused(promoted, "The verdict is HOLD"):
        promotion.promote(promoted, after_rollback=True)
    artifacts.write_candidate(promoted, tiny(4.0), {})
    promoted.verdict.write_bytes(artifacts.to_json({"decision": "PROMOTE"}))
    with refused(promoted, "The ledger has no such verdict"):
        promotion.promote(promoted, after_rollback=True)


def test_after_a_rollback_a_promote_against_another_production_does_not_count(promoted):
    promotion.rollback(promoted)
    judged(promoted, 3.0)
    promotion.promote(promoted)
    artifacts.write_candidate(promoted, tiny(2.0), {})  # it won against tiny(1), not against tiny(3)
    with refused(promoted, "The ledger has no such verdict"):
        promotion.promote(promoted, after_rollback=True)


def test_after_a_rollback_the_look_that_was_won_counts_and_no_later_rejection_hides_it(promoted):
    promotion.rollback(promoted)
    judged(promoted, 2.0, "REJECT", "rejection")
    assert promotion.promote(promoted, after_rollback=True)


def test_after_a_rollback_the_last_look_counts(promoted):
    promotion.rollback(promoted)
    judged(promoted, 2.0, "HOLD")
    with refused(promoted, "The verdict is HOLD"):
        promotion.promote(promoted, after_rollback=True)


def test_another_model_may_still_be_promoted_after_a_rollback_and_rolled_back_to_the_right_one(promoted):
    promotion.rollback(promoted)
    judged(promoted, 3.0)
    assert promotion.promote(promoted)
    assert promotion.rollback(promoted) == OLD
    require_sound(promoted)


def test_what_tidying_up_drops_is_only_what_the_killed_command_left(pair):
    """A card that belongs to a model of the ledger survives a rollback that died before its commit point."""
    promotion.promote(pair)
    before = state(pair)
    stage = pair.production_folder / ".promotion"
    write_atomically(stage / "pipeline.pkl", tiny_bytes(1.0))
    write_atomically(
        stage / "entry.json", artifacts.to_json({"kind": "rollback", "from": NEW, "to": OLD, "begun": "x"})
    )
    (pair.cards / ".half.json.abc.tmp").write_bytes(b"{")
    (pair.candidate_folder / ".verdict.json.abc.tmp").write_bytes(b"{")
    next_command(pair)
    assert state(pair) == before
    assert not list(pair.path.rglob("*.tmp"))


CLAIMS = {
    "a refresh": {"kind": "refresh"},
    "a first model": {"kind": "bootstrap"},
    "a promotion that nobody judged": {"kind": "promotion", "verdict_sha256": "0" * 64},
    "a promotion without a verdict": {"kind": "promotion"},
    "a rollback to a model that was never there": {"kind": "rollback"},
    "a move from another model": {"kind": "promotion", "from": name_of(3.0)},
    "no move": {"kind": "look"},
    "no digest": {"kind": "refresh", "to": "../../gate"},
    "a list": None,
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_model_laid_beside_a_claim_that_the_ledger_does_not_bear_out_gets_no_line(claim, tmp_path):
    """pipeline.pkl, its card and .promotion/entry.json written by hand: no command makes them production."""
    root = tiny_root(tmp_path / "root")
    entry = {"from": OLD, "to": NEW, "begun": ledger.now(), **(CLAIMS[claim] or {})}
    stage = promotion.stage_of(root)
    write_atomically(stage / "entry.json", artifacts.to_json(entry if CLAIMS[claim] else [entry]))
    write_atomically(root.cards / f"{NEW}.json", artifacts.to_json({"digest": NEW}))
    root.production.write_bytes(tiny_bytes(2.0))
    lines = root.ledger.read_bytes()
    next_command(root)
    assert root.ledger.read_bytes() == lines
    assert root.policy.exists()
    with refused(root, "the ledger's last move put .* there: .*git checkout"):
        promotion.rollback(root)


@pytest.mark.parametrize("odd", [{"kind": "look"}, {"begun": ""}, {"to": "../../gate"}, {"from": "nobody"}], ids=str)
def test_a_claim_with_an_odd_field_is_none(odd, tmp_path):
    root = tiny_root(tmp_path / "root")
    entry = {"kind": "refresh", "from": OLD, "to": NEW, "begun": ledger.now()}
    write_atomically(promotion.stage_of(root) / "entry.json", artifacts.to_json(entry))
    assert promotion.begun_move(root) == entry
    write_atomically(promotion.stage_of(root) / "entry.json", artifacts.to_json(entry | odd))
    assert promotion.begun_move(root) is None


def test_a_promotion_killed_right_after_its_rename_gets_its_line_because_its_look_stands_in_the_ledger(pair):
    promotion.promote(pair)
    lines = pair.ledger.read_bytes().splitlines(keepends=True)
    entry = ledger.read(pair)[-1]
    pair.ledger.write_bytes(b"".join(lines[:-1]))
    write_atomically(promotion.stage_of(pair) / "previous.pkl", tiny_bytes(1.0))
    write_atomically(promotion.stage_of(pair) / "entry.json", artifacts.to_json(entry))
    next_command(pair)
    require_sound(pair)
    assert moves(pair)[-1] == ("promotion", OLD, NEW)


def test_after_a_rollback_a_look_at_another_model_meanwhile_hides_nothing(promoted):
    promotion.rollback(promoted)
    judged(promoted, 3.0, "HOLD")
    artifacts.write_candidate(promoted, tiny(2.0), {"keys": b"8 bytes." * 3})
    assert promotion.promote(promoted, after_rollback=True)
    assert artifacts.load_production(promoted).digest == NEW
