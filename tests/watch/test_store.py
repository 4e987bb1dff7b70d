"""Promise 12: each kept row counts once, labels find theirs, and what is forgotten is gone to the last byte."""

import json
import sqlite3
import subprocess
import sys
import time

from mlgate import artifacts, watch
from mlgate.errors import MlgateError
from mlgate.root import Root
from mlgate.watch import Settings
from mlgate.watch.store import Kept, Store

import numpy as np
import pytest
from conftest import GATE, REPOSITORY

PROFILE = watch.read(Root(REPOSITORY), artifacts.digest((REPOSITORY / "artifacts_prod/pipeline.pkl").read_bytes()))
SETTINGS = Settings(keep_every=1, keep_texts=True)
SECRET = "my telephone number is 555-0142"


def rows(count, begin=0, text=None, answer="positive"):
    random = np.random.default_rng(begin)
    found = []
    for number in range(begin, begin + count):
        features = (float(random.integers(100, 2_000)), 0.01, 0.03, 0.04)
        found.append(Kept(f"{number:016x}", 1_000.0 + number, PROFILE.digest, answer, 0.8, features, text))
    return found


@pytest.fixture
def store(tmp_path):
    opened = Store(tmp_path / "watch" / "rows.sqlite")
    yield opened
    opened.close()


def test_each_row_counts_once_whoever_looks_and_after_a_restart(store):
    store.add(rows(300))
    other = Store(store.path)
    assert store.advance(PROFILE, SETTINGS).rows == 300
    assert other.advance(PROFILE, SETTINGS).rows == 300
    store.add(rows(200, 300))
    assert other.advance(PROFILE, SETTINGS).rows == 500
    other.close()
    again = Store(store.path)
    found = again.advance(PROFILE, SETTINGS)
    again.close()
    whole = watch.Lights(PROFILE, SETTINGS)
    store._add_rows(whole, 0)
    for light, detector in whole.detectors.items():
        assert np.allclose(found.detectors[light].coins, detector.coins, rtol=1e-9, atol=0)


def test_another_promise_begins_anew_from_the_rows_that_are_there(store):
    store.add(rows(50))
    store.advance(PROFILE, SETTINGS)
    assert store.advance(PROFILE, Settings(tolerance=0.05)).rows == 50


def test_labels_that_are_late_doubled_changed_or_foreign_are_told_apart(store):
    store.add(rows(4))
    first = [("0" * 15 + "0", "positive"), ("0" * 15 + "1", "negative"), ("nobody", "positive")]
    taken = store.label(first)
    assert (taken.new, taken.again, taken.changed, taken.foreign) == (2, 0, 0, 1)
    lights = store.advance(PROFILE, SETTINGS)
    assert (lights.labelled, lights.wrong) == (2, 1)
    taken = store.label([first[0], ("0" * 15 + "1", "positive"), ("0" * 15 + "2", "positive")])
    assert (taken.new, taken.again, taken.changed, taken.foreign) == (1, 1, 1, 0)
    lights = store.advance(PROFILE, SETTINGS)
    assert (lights.labelled, lights.wrong) == (3, 0)


def test_labels_count_even_where_their_rows_have_gone_since(store):
    store.add(rows(2))
    store.label([("0" * 16, "negative")])
    store.trim(Settings(keep_days=0.001), now=10_000.0)
    assert store.count() == 0
    assert store.advance(PROFILE, SETTINGS).wrong == 1


def test_harm_that_has_just_been_proven_is_acted_on_once(store):
    store.add(rows(400))
    store.label([(row.id, "negative") for row in rows(400)])
    acted = []
    for _ in range(2):
        assert store.advance(PROFILE, SETTINGS, lambda: acted.append(1)).on("proven_harm")
    assert acted == [1]


def test_rows_that_are_too_old_or_too_many_go_the_oldest_first(store):
    store.add(rows(3_000, text="x" * 900))
    store.trim(Settings(keep_megabytes=1), now=4_000.0)
    assert 200 < store.count() < 1_000
    assert store._one("SELECT max(time) FROM rows") == 3_999.0
    assert store._one("SELECT min(time) FROM rows") > 3_000


def bytes_with(folder, text):
    return [path.name for path in folder.iterdir() if text.encode() in path.read_bytes()]


@pytest.mark.parametrize("how", ["id", "time", "ring"])
def test_no_byte_of_what_is_forgotten_is_left_in_file_log_or_free_pages(store, how):
    store.add(rows(1_000, text="an ordinary text, long enough to fill pages"))
    store.add(rows(1, 1_000, SECRET))
    store.add(rows(1_000, 1_001, "another ordinary text, long enough to fill pages"))
    folder = store.path.parent
    assert bytes_with(folder, SECRET)
    if how == "id":
        assert store.forget(ids=[f"{1_000:016x}"]) == 1
    elif how == "time":
        assert store.forget(before=2_000.5) == 1_001
    else:
        store.trim(Settings(keep_days=0.001), now=2_000.5 + 86.4)
        store.forget()
    assert bytes_with(folder, SECRET) == []
    assert store.count() in (2_000, 1_000)


def test_by_default_no_text_is_written():
    assert not Settings().keep_texts
    assert not watch.settings_of(Root(GATE.parent)).keep_texts


def test_rows_for_labellers_are_chosen_by_a_key_and_not_by_what_they_say(store):
    store.add(rows(200, text="a"))
    chosen = [row_id for row_id, _ in store.chosen(20)]
    assert chosen != sorted(chosen)
    store.add(rows(200, 200, text="an alarm!", answer="negative"))
    later = [row_id for row_id, _ in store.chosen(400)]
    assert [row_id for row_id in later if int(row_id, 16) < 200][:20] == chosen
    assert 5 < sum(int(row_id, 16) < 200 for row_id in later[:40]) < 35


def test_a_file_that_is_no_database_is_said_in_one_sentence(tmp_path):
    (tmp_path / "rows.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(MlgateError, match="cannot be used"):
        Store(tmp_path / "rows.sqlite")


KILLED = """
import sys
sys.path.insert(0, {tests!r})
from test_store import Store, rows
from pathlib import Path
store = Store(Path({path!r}))
for number in range({begin}, 10**9, 20):
    store.add(rows(20, number))
    print(number + 20, flush=True)
"""


@pytest.mark.slow
def test_no_row_that_was_written_is_lost_or_torn_when_a_writer_is_killed(tmp_path):
    path = tmp_path / "rows.sqlite"
    begin = 0
    random = np.random.default_rng(0)
    for _ in range(3):
        script = KILLED.format(tests=str(REPOSITORY / "tests/watch"), path=str(path), begin=begin)
        environment = {"PYTHONPATH": f"{REPOSITORY / 'lib'}:{REPOSITORY / 'tests'}", "PATH": "/usr/bin:/bin"}
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment)
        written = int(process.stdout.readline())
        time.sleep(float(random.uniform(0, 0.05)))
        process.kill()
        written = int(([str(written), *process.stdout.read().split()])[-1])
        process.wait()
        base = sqlite3.connect(path)
        found = base.execute("SELECT count(*), count(DISTINCT id), max(seq) FROM rows").fetchone()
        assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        base.close()
        assert found[0] == found[1] >= written
        assert found[0] % 20 == 0
        begin = found[0]


def test_the_state_is_json_without_a_word_of_any_text(store):
    store.add(rows(30, text=SECRET))
    store.advance(PROFILE, SETTINGS)
    state = store._one("SELECT lights FROM state")
    assert json.loads(state)["labelled"] == 0
    assert SECRET not in state
