"""What the service takes for production: the model that the ledger speaks of, and no other."""

import asyncio
import itertools
import logging
import os
from types import SimpleNamespace

from mlgate import artifacts, ledger, promotion
from mlgate.errors import MlgateError
from mlgate.root import Root
from mlgate.service import watching
from mlgate.service.watching import View

import pytest
from crashes import judged, name_of, tiny, tiny_bytes, tiny_root

OLD, NEW = name_of(1.0), name_of(2.0)


@pytest.fixture
def root(tmp_path) -> Root:
    """A root in which tiny(1) is production, and tiny(2) a candidate with a PROMOTE in the ledger."""
    root = tiny_root(tmp_path / "root")
    judged(root, 2.0)
    return root


def left_behind(root: Root, **entry) -> None:
    """Put tiny(2), its card and this entry.json where a promotion would, without a line in the ledger."""
    stage = root.production_folder / ".promotion"
    stage.mkdir(exist_ok=True)
    (stage / "entry.json").write_bytes(artifacts.to_json({"to": NEW, "begun": ledger.now(), **entry}))
    (root.cards / f"{NEW}.json").write_bytes(artifacts.to_json(artifacts.card_of(tiny(2.0), tiny_bytes(2.0), {})))
    root.production.write_bytes(tiny_bytes(2.0))


def promotion_entry(root: Root) -> dict:
    """What a promotion of tiny(2) writes down before its commit point."""
    return {"kind": "promotion", "from": OLD, "verdict_sha256": artifacts.digest(root.verdict.read_bytes())}


def serving(root: Root, before: View | None = None) -> str | None:
    view = watching.look(root, before or View())
    return view.serving and view.serving.model.digest


def test_a_promotion_is_served_from_its_commit_point_on_before_its_line_is_written(root):
    before = watching.look(root, View())
    left_behind(root, **promotion_entry(root))
    assert serving(root, before) == NEW


def test_an_entry_left_by_a_move_from_another_model_gets_nothing_served(root):
    before = watching.look(root, View())
    left_behind(root, **promotion_entry(root) | {"from": name_of(3.0)})
    assert serving(root, before) == OLD
    assert serving(root) is None


@pytest.mark.parametrize("kind", ["refresh", "bootstrap", "rollback", "promotion"])
def test_a_model_laid_beside_a_claim_that_the_ledger_does_not_bear_out_is_not_served(root, kind):
    before = watching.look(root, View())
    left_behind(root, kind=kind, **{"from": OLD})
    assert serving(root, before) == OLD
    assert serving(root) is None


def test_a_rollback_is_served_from_its_commit_point_on(root):
    promotion.promote(root)
    before = watching.look(root, View())
    stage = promotion.stage_of(root)
    stage.mkdir()
    claim = {"kind": "rollback", "from": NEW, "to": OLD, "begun": ledger.now()}
    (stage / "entry.json").write_bytes(artifacts.to_json(claim))
    root.production.write_bytes(tiny_bytes(1.0))
    assert serving(root, before) == OLD


def test_what_was_rolled_back_is_not_served_again(root):
    promotion.promote(root)
    promotion.rollback(root)
    before = watching.look(root, View())
    root.production.write_bytes(tiny_bytes(2.0))
    assert serving(root, before) == OLD


def test_a_file_of_just_as_many_bytes_as_there_may_be_is_served(root, monkeypatch):
    size = root.production.stat().st_size
    monkeypatch.setattr(artifacts, "limits_of", lambda settings: artifacts.Limits(bytes=size))
    assert serving(root) == OLD
    monkeypatch.setattr(artifacts, "limits_of", lambda settings: artifacts.Limits(bytes=size - 1))
    assert watching.look(root, View()).refused.reason.startswith("artifacts_prod/pipeline.pkl is not a file of at most")


@pytest.mark.slow
def test_a_model_that_takes_too_long_to_open_is_not_served(root):
    before = watching.look(root, View())
    root.policy.write_text("[artifacts]\nseconds = 1\nmax_objects = 1_000_000_000\n")
    data = b"\x80\x04N" + b"q\0" * 9_000_000 + b"."
    with artifacts.locked(root):
        promotion.switch(root, data, artifacts.Card(artifacts.digest(data)), "refresh")
    after = watching.look(root, before)
    assert after.serving is before.serving
    assert "did not answer within 1 s" in after.refused.reason


@pytest.mark.parametrize("how", ["gone", "a pipe", "a folder"])
def test_a_ledger_that_is_gone_is_said_and_the_model_goes_on(root, how):
    before = watching.look(root, View())
    root.ledger.unlink()
    if how == "a pipe":
        os.mkfifo(root.ledger)
    elif how == "a folder":
        root.ledger.mkdir()
    after = watching.look(root, before)
    assert after.serving is before.serving
    assert after.refused.reason.startswith("The ledger does not say" if how == "gone" else f"{root.ledger} cannot be")


def test_a_card_that_is_a_pipe_is_not_waited_for(root):
    card = root.cards / f"{OLD}.json"
    card.unlink()
    os.mkfifo(card)
    assert "has no card" in watching.look(root, View()).refused.reason


@pytest.mark.parametrize("name", ["production", "ledger", "policy", "cards", "entry"])
def test_whatever_decides_what_is_served_is_looked_at_again_once_it_changes(root, name):
    stage = promotion.stage_of(root)
    stage.mkdir()
    entry = stage / "entry.json"
    entry.write_bytes(b"{}")
    for path in (root.production, root.ledger, root.policy, root.cards, entry):
        os.utime(path, (1, 1))
    before = watching.marks(root)
    assert before == watching.marks(root)
    assert before[-1]  # all files are old: their times tell their versions apart
    os.utime({"entry": entry}.get(name) or getattr(root, name))
    after = watching.marks(root)
    assert after[:-1] != before[:-1]
    assert not after[-1]  # written just now: another write may look the same
    assert sum(one != other for one, other in zip(before[:-1], after[:-1], strict=True)) == 1


def test_a_reason_is_cut_to_what_a_page_can_show(root, monkeypatch):
    def refuse(*_):
        raise MlgateError("x" * 1_000)

    monkeypatch.setattr(watching, "_require_in_ledger", refuse)
    assert len(watching.look(root, View()).refused.reason) == 500


def test_a_swap_is_logged_once_and_a_look_that_changes_nothing_is_not(root, caplog):
    caplog.set_level(logging.INFO, logger="mlgate.service")
    heard = []
    watcher = watching.Watcher(root, lambda before, after: heard.append(after.serving.model.digest))
    asyncio.run(watcher.check())
    asyncio.run(watcher.check())
    assert caplog.messages == [f"Now serving {OLD[:12]}."]
    os.utime(root.policy)
    asyncio.run(watcher.check())
    assert caplog.messages == [f"Now serving {OLD[:12]}."]
    promotion.promote(root)
    asyncio.run(watcher.check())
    assert caplog.messages[1:] == [f"Now serving {NEW[:12]}."]
    root.production.write_bytes(b"evil")
    asyncio.run(watcher.check())
    assert len(caplog.messages) == 3
    assert caplog.messages[2].startswith("Not served: ")
    assert heard[0] == OLD
    assert heard[-1] == NEW


def test_a_model_is_slow_where_one_answer_takes_longer_than_a_batch_may(monkeypatch):
    model = artifacts.load(tiny_bytes(1.0))
    assert not watching.warmed_up(model).slow
    monkeypatch.setattr(watching, "TARGET", 0.0)
    assert watching.warmed_up(model).slow


def test_a_model_that_takes_just_as_long_as_it_may_is_not_slow(monkeypatch):
    ticks = itertools.count()
    monkeypatch.setattr(watching, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    for target, slow in ((1, False), (0.5, True)):
        monkeypatch.setattr(watching, "TARGET", target)
        assert watching.warmed_up(artifacts.load(tiny_bytes(1.0))).slow is slow


def test_the_files_are_looked_at_ten_times_a_second(root, monkeypatch):
    slept = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            raise asyncio.CancelledError

    monkeypatch.setattr(asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(watching.Watcher(root).run())
    assert slept == [0.1, 0.1]


def test_the_watch_goes_on_for_ever(root, monkeypatch):
    """Two swaps, one after the other, by the same task."""
    monkeypatch.setattr(watching, "PAUSE", 0.01)
    watcher = watching.Watcher(root, lambda before, after: None)

    async def until(name: str) -> None:
        while watcher.view.serving is None or watcher.view.serving.model.digest != name:
            await asyncio.sleep(0.01)

    async def story() -> None:
        task = asyncio.create_task(watcher.run())
        await asyncio.wait_for(until(OLD), 20)
        promotion.promote(root)
        await asyncio.wait_for(until(NEW), 20)
        promotion.rollback(root)
        await asyncio.wait_for(until(OLD), 20)
        task.cancel()

    asyncio.run(story())


def test_what_is_refused_for_the_same_reason_is_refused_since_then(root):
    watcher = watching.Watcher(root, lambda before, after: None)

    async def story() -> None:
        await watcher.check()
        root.production.write_bytes(b"torn")
        await watcher.check()
        refused = watcher.view.refused
        assert refused is not None
        os.utime(root.production, ns=(1, 1))  # looked at again, and the same
        await watcher.check()
        assert watcher.view.refused is refused

    asyncio.run(story())


def test_a_model_serves_since_it_last_came_into_production(root):
    def since() -> str | None:
        return watching.look(root, View()).since

    assert View().since is None
    assert since() == ledger.moves(ledger.read(root))[0]["time"]
    promotion.promote(root)
    promotion.rollback(root)
    promotion.promote(root, after_rollback=True)
    promotion.rollback(root)
    times = [move["time"] for move in ledger.moves(ledger.read(root)) if move["to"] == OLD]
    assert len(times) == 3
    assert since() == times[-1]


def test_files_are_looked_at_once_more_when_the_newest_has_come_of_age(root):
    for path in root.path.rglob("*"):
        os.utime(path, (1, 1))
    old = watching.marks(root)
    assert old[-1] is True
    os.utime(root.policy)
    fresh = watching.marks(root)
    assert fresh[-1] is False
    assert fresh[:4] == old[:4]


@pytest.mark.parametrize(("age", "settled"), [(1.0, False), (1.5, True)])
def test_a_files_time_tells_its_versions_apart_after_more_than_a_second(root, monkeypatch, age, settled):
    for path in root.path.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    monkeypatch.setattr(watching.time, "time", lambda: 1_000_000_000 + age)
    assert watching.marks(root)[-1] is settled
