"""Promise 12: the service keeps rows, and whatever goes wrong with that, no request waits or fails."""

import json
import os
import shutil
import sqlite3
import time

from mlgate import cli, corpus
from mlgate.root import Root
from mlgate.watch import Keeper, Settings
from mlgate.watch.keeper import QUEUE
from mlgate.watch.store import TOGETHER

import pytest
from chromium import browser, wait_until
from conftest import REPOSITORY
from servers import Load, keep_every_row, make_root, put, served, tiny

ANSWERS = [("positive", 0.9), ("negative", 0.6), ("positive", None)]
TEXTS = ["A wonderful film.", "Dull.", "Great fun."]


@pytest.fixture(scope="module")
def model(small_train):
    from conftest import trained

    return trained("baseline", small_train.head(100))


@pytest.fixture
def keeper(tmp_path, model):
    root = make_root(tmp_path / "root")
    made = Keeper(root, Settings(keep_every=1), lambda: None)
    yield made
    if made._thread.is_alive():
        made.stop()


def until(condition):
    wait_until(condition, 20, "the thread got so far")


def test_one_row_of_a_request_is_kept_and_named_and_one_request_of_so_many(tmp_path, model):
    keeper = Keeper(make_root(tmp_path / "root"), Settings(keep_every=10), lambda: None)
    offered = [keeper.offer(model, TEXTS, ANSWERS) for _ in range(100)]
    kept = [found for found in offered if found]
    assert len(kept) == 10
    assert len({row_id for _, row_id in kept}) == 10
    assert {place for place, _ in kept} <= {0, 1, 2}


def test_a_flood_brings_no_more_rows_than_one_wants_and_none_counts_as_dropped(tmp_path, model):
    keeper = Keeper(make_root(tmp_path / "root"), Settings(keep_every=2, keep_a_second=5.0), lambda: None)
    begun = time.monotonic()
    kept = [bool(keeper.offer(model, TEXTS, ANSWERS)) for _ in range(2_000)]
    most = 5 * (2 + time.monotonic() - begun) + 1
    assert 10 <= sum(kept) <= most + 1
    assert kept[:20].count(True) == 10  # the first ones as ever
    assert keeper.dropped == 0


def test_kept_rows_are_written_without_their_texts(keeper, model):
    keeper.start()
    _, row_id = keeper.offer(model, ["A secret thing."], ANSWERS[:1])
    until(lambda: keeper.kept == 1)
    base = sqlite3.connect(keeper.root.kept_rows)
    line = base.execute("SELECT id, answer, score, length, text FROM rows").fetchone()
    base.close()
    assert line == (row_id, "positive", 0.9, 15.0, None)
    keeper.stop()
    assert not any(b"secret" in path.read_bytes() for path in keeper.root.kept_rows.parent.iterdir())


def test_a_row_is_held_until_it_is_written_whoever_waits_behind_it(keeper, model):
    _, first = keeper.offer(model, TEXTS, ANSWERS)
    _, second = keeper.offer(model, TEXTS, ANSWERS)
    assert keeper.holds({first, "nobody"})
    assert not keeper.holds({"nobody"})
    keeper._write()
    _, third = keeper.offer(model, TEXTS, ANSWERS)
    assert not keeper.holds({first, second})
    assert keeper.holds({third})


def test_more_rows_than_one_statement_takes_are_all_written_in_their_order(keeper, model):
    offered = [keeper.offer(model, TEXTS, ANSWERS)[1] for _ in range(2 * TOGETHER + 1)]
    keeper._write()
    base = sqlite3.connect(keeper.root.kept_rows)
    assert [line[0] for line in base.execute("SELECT id FROM rows ORDER BY seq")] == offered
    base.close()


def test_a_flood_is_dropped_and_counted_and_takes_no_more_memory(keeper, model):
    for _ in range(3 * QUEUE):
        keeper.offer(model, ["x" * 50_000], ANSWERS[:1])
    assert keeper.waiting == QUEUE
    assert keeper.dropped == 2 * QUEUE
    assert max(len(row.text) for row in keeper._queue) == 5_000


@pytest.mark.slow
def test_a_locked_file_makes_rows_wait_and_says_so(keeper, model):
    keeper.start()
    keeper.offer(model, TEXTS, ANSWERS)
    until(lambda: keeper.kept == 1)
    base = sqlite3.connect(keeper.root.kept_rows, isolation_level=None)
    base.execute("BEGIN EXCLUSIVE")
    keeper.offer(model, TEXTS, ANSWERS)
    until(lambda: keeper.fault)
    assert "does not take rows: database is locked" in keeper.health()["fault"]
    base.execute("ROLLBACK")
    base.close()
    until(lambda: keeper.kept == 2 and not keeper.fault)
    assert keeper.dropped == 0


@pytest.mark.slow
def test_a_file_that_was_lost_is_made_anew(keeper, model):
    keeper.start()
    keeper.offer(model, TEXTS, ANSWERS)
    until(lambda: keeper.kept == 1)
    shutil.rmtree(keeper.root.kept_rows.parent)
    keeper.offer(model, TEXTS, ANSWERS)
    until(lambda: keeper.kept == 2)
    base = sqlite3.connect(keeper.root.kept_rows)
    assert base.execute("SELECT count(*) FROM rows").fetchone() == (1,)
    base.close()


@pytest.mark.parametrize("trouble", ["garbage", "a file where the folder should be"])
def test_a_file_that_takes_nothing_is_told_and_rows_are_dropped_and_counted(keeper, model, trouble):
    folder = keeper.root.kept_rows.parent
    if trouble == "garbage":
        folder.mkdir()
        keeper.root.kept_rows.write_bytes(b"garbage" * 1_000)
    else:
        folder.write_bytes(b"")
    keeper.start()
    until(lambda: keeper.fault)
    assert str(keeper.root.kept_rows) in keeper.health()["fault"]
    for _ in range(QUEUE + 5):
        keeper.offer(model, TEXTS, ANSWERS)
    assert keeper.dropped == 5


def test_a_thread_that_is_dead_is_told(keeper):
    assert "has ended" in keeper.health()["fault"]


# The service as it runs


@pytest.fixture(scope="module")
def watched(tmp_path_factory) -> Root:
    """The committed production model, every request kept."""
    root = make_root(tmp_path_factory.mktemp("kept") / "root")
    shutil.copytree(REPOSITORY / "artifacts_prod", root.production_folder)
    keep_every_row(root)
    root.policy.write_text(root.policy.read_text().replace("keep_texts = false", "keep_texts = true"))
    return root


@pytest.fixture(scope="module")
def server(watched):
    with served(watched) as running:
        yield running


def run(root, *arguments):
    return cli.main(["--root", str(root.path), "watch", *map(str, arguments)])


@pytest.mark.slow
def test_drift_is_seen_over_http_told_in_metrics_status_and_page_and_labels_join_by_id(
    server, watched, tmp_path, capsys
):
    status = run(watched, "simulate", "--url", server.url, "--drift", "cut_short", "--after", 150, "--most", 400)
    assert status == 3
    said = capsys.readouterr().out
    assert "moved: the texts are shorter" in said
    assert server.metric("mlgate_watch_rows_total") == 400
    assert 'mlgate_watch_light{light="moved"} 1.0' in server.ask("/metrics")[1]
    assert server.health()["watch"]["lights"] == {"moved": True, "estimated_harm": False, "proven_harm": False}
    assert run(watched, "status", "--json", tmp_path / "watch.json") == 3
    found = json.loads((tmp_path / "watch.json").read_text())
    assert len(found["examples"]) == 5
    assert found["lights"]["moved"]["tables"][2]["time"] > time.time() - 100
    lines = ["id,label"]
    for text in corpus.split("live", watched)["text"].head(150):
        [answer] = server.ask("/predict", {"texts": [text]})[1]["predictions"]
        lines.append(f"{answer['id']},{'negative' if answer['label'] == 'positive' else 'positive'}")
    wait_until(lambda: server.health()["watch"]["waiting"] == 0, 20, "the last row is written")
    (tmp_path / "labels.csv").write_text("\n".join([*lines, "ffff,positive"]))
    capsys.readouterr()
    assert run(watched, "labels", tmp_path / "labels.csv") == 4
    assert "150 labels taken in, 0 known already, 0 changed, 1 of rows that are not kept" in capsys.readouterr().out
    wait_until(lambda: server.health()["watch"]["lights"]["proven_harm"], 20, "the service sees it, too")
    assert run(watched, "export", tmp_path / "out.csv", "--rows", 7) == 0
    assert len((tmp_path / "out.csv").read_text(encoding="utf-8").split("\n")) > 7
    with browser() as tab:
        tab.open(server.url + "/watch")
        tab.until("document.body.innerText.includes('the texts are shorter')")
        assert tab.value("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert run(watched, "forget", "--before", "2100-01-01") == 0
    assert "550 rows forgotten" in capsys.readouterr().out
    assert server.ask("/predict", {"texts": ["Still there."]})[0] == 200


@pytest.mark.slow
def test_under_load_no_request_fails_while_the_file_is_locked_lost_or_garbage(watched, server):
    place = watched.kept_rows
    with Load(server, clients=4) as load:
        wait_until(lambda: place.exists() and len(load.seen) > 20, 30, "rows are kept")
        base = sqlite3.connect(place, isolation_level=None)
        base.execute("BEGIN EXCLUSIVE")
        wait_until(lambda: server.health()["watch"]["fault"], 30, "it is locked")
        base.execute("ROLLBACK")
        base.close()
        shutil.rmtree(place.parent)
        place.parent.write_bytes(b"")
        wait_until(lambda: server.health()["watch"]["fault"], 30, "it is lost")
        wait_until(lambda: server.health()["watch"]["dropped"], 30, "rows are dropped and counted")
        os.unlink(place.parent)
        wait_until(lambda: not server.health()["watch"]["fault"], 30, "all is well again")
    assert load.failed == []
    assert server.health()["status"] == "ok"


@pytest.mark.slow
def test_the_profile_switches_with_the_model_and_harm_rolls_back_where_one_asks_for_it(tmp_path):
    root = make_root(tmp_path / "root")
    root.policy.write_text(root.policy.read_text().replace('on_harm = "report"', 'on_harm = "rollback"'))
    keep_every_row(root)
    old = put(root, tiny(1.0), "bootstrap")
    assert run(root, "profile") == 0
    new = put(root, tiny(2.0))
    assert run(root, "profile") == 0
    with served(root) as server:
        server.until_serving(new)
        lines = ["id,label"]
        for _ in range(300):
            [answer] = server.ask("/predict", {"texts": ["a wonderful film"]})[1]["predictions"]
            lines.append(f"{answer['id']},negative")
        wait_until(lambda: server.health()["watch"]["waiting"] == 0, 20, "the last row is written")
        (tmp_path / "labels.csv").write_text("\n".join(lines))
        run(root, "labels", tmp_path / "labels.csv")
        server.until_serving(old)
        server.ask("/predict", {"texts": ["a wonderful film"]})
        wait_until(lambda: server.ask("/watch.json")[1].get("rows") == 1, 20, "the old model's lights begin")
        assert server.ask("/watch.json")[1]["model"]["digest"] == old
