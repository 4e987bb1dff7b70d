"""A promoted model takes over within a second while requests flow; whatever is wrong with it, the old one goes on."""

import asyncio
import json
import os
import pickle
import shutil
import subprocess
import sys
import time

from mlgate import artifacts, ledger
from mlgate.artifacts import locked
from mlgate.service import watching
from mlgate.service.watching import View, Watcher

import joblib
import pytest
from chromium import wait_until
from servers import Load, answers, make_root, moved, put, served, tiny

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    made = make_root(tmp_path_factory.mktemp("swap") / "root")
    put(made, tiny(), "bootstrap")
    return made


@pytest.fixture(scope="module")
def server(root):
    with served(root) as running:
        yield running


class Evil:
    """Would leave a trace, were it ever unpickled."""

    def __reduce__(self):
        return os.system, ("touch /tmp/mlgate-evil-was-here",)


def write(root, data: bytes) -> None:
    """As careless people do it: in place, without a rename."""
    root.production.write_bytes(data)


def known(root, pipeline, data: bytes | None = None, **card) -> tuple[str, bytes]:
    """Make a file known: its card and a line in the ledger, but not the file. Its digest and bytes."""
    data = data or artifacts.dump(pipeline)
    name = artifacts.digest(data)
    with locked(root):
        (root.cards / f"{name}.json").write_bytes(artifacts.to_json({"digest": name, **card}))
        ledger.append(root, "promotion", **{"from": ledger.head(ledger.read(root)), "to": name})
    return name, data


def spoil(root, how: str) -> str:
    """Put a bad file into production. Words that the reason has to contain."""
    sound = artifacts.dump(tiny(C=77))
    name = artifacts.digest(sound)
    if how == "empty":
        write(root, b"")
    elif how == "garbage":
        write(root, os.urandom(100_000))
    elif how == "truncated":
        write(root, root.production.read_bytes()[:-100])
    elif how == "foreign pickle":
        write(root, pickle.dumps(Evil()))
    elif how == "missing":
        root.production.unlink()
        return "There is no file"
    elif how == "a folder":
        root.production.unlink()
        root.production.mkdir()
        return "not a file"
    elif how == "huge":
        with root.production.open("wb") as file:
            file.truncate(200_000_000)
        return "is not a file of at most"
    elif how == "never judged":
        write(root, sound)
        (root.cards / f"{name}.json").write_text(json.dumps({"digest": name}))  # a card alone is not enough
    elif how == "no card":
        name, sound = known(root, tiny(C=78))
        (root.cards / f"{name}.json").unlink()
        write(root, sound)
        return "has no card"
    return "The ledger does not say"


def make_room(root) -> None:
    if root.production.is_dir():
        root.production.rmdir()


@pytest.mark.parametrize("how", ["empty", "garbage", "truncated", "foreign pickle", "missing", "a folder", "huge",
                                 "never judged", "no card"])  # fmt: skip
def test_whatever_is_wrong_with_the_file_the_old_model_goes_on(server, root, how):
    good = put(root, tiny(C=1.5))
    server.until_serving(good)
    wait_until(lambda: server.health()["refused"] is None)
    refused, data = server.metric("mlgate_refused_files_total"), root.production.read_bytes()
    words = spoil(root, how)
    server.until_refused(words)
    status, found = server.ask("/predict", {"texts": ["a wonderful film"]})
    assert (status, found["model"]["digest"]) == (200, good)
    assert server.ask("/health")[0] == 200
    assert server.metric("mlgate_refused") == 1
    assert server.metric("mlgate_refused_files_total") > refused
    make_room(root)
    with locked(root):
        write(root, data)  # as it was before
    wait_until(lambda: server.health()["refused"] is None)
    assert server.serving() == good
    assert not os.path.exists("/tmp/mlgate-evil-was-here")


@pytest.mark.parametrize("how", ["foreign pickle", "opens files", "cannot answer"])
def test_even_what_the_ledger_knows_has_to_load_and_to_answer(server, root, how, tmp_path):
    good = put(root, tiny(C=1.6))
    server.until_serving(good)
    pipeline, words = tiny(C=79), "must not be loaded"
    if how == "opens files":
        pipeline["tfidf"].set_params(input="filename")
        words = 'is not "content"'
    elif how == "cannot answer":
        pipeline["classifier"].coef_ = pipeline["classifier"].coef_[:, :-1]
        words = "It cannot answer: ValueError"
    joblib.dump(Evil() if how == "foreign pickle" else pipeline, tmp_path / "bad.pkl")
    _, data = known(root, None, (tmp_path / "bad.pkl").read_bytes())
    write(root, data)
    server.until_refused(words)
    assert server.ask("/predict", {"texts": ["a wonderful film"]})[1]["model"]["digest"] == good
    server.until_serving(put(root, tiny(C=1.7)))
    assert not os.path.exists("/tmp/mlgate-evil-was-here")


def test_files_that_arrive_in_the_wrong_order_are_served_once_the_last_one_is_there(server, root):
    """As with `git pull`: the pickle first, then its card, then the ledger."""
    old, data = put(root, tiny(C=1.8)), artifacts.dump(tiny(C=80))
    server.until_serving(old)
    name = artifacts.digest(data)
    write(root, data)
    server.until_refused("The ledger does not say")
    line = {"time": ledger.now(), "kind": "promotion", "from": old, "to": name}
    root.ledger.write_bytes(ledger.chained(root.ledger.read_bytes(), line))
    server.until_refused("has no card")
    (root.cards / f"{name}.json").write_bytes(artifacts.to_json({"digest": name}))
    server.until_serving(name)
    assert server.health()["refused"] is None


def test_a_broken_ledger_is_said_and_stops_nothing(server, root):
    good = put(root, tiny(C=1.9))
    server.until_serving(good)
    sound = root.ledger.read_bytes()
    root.ledger.write_bytes(sound.replace(b'"kind": "promotion"', b'"kind": "Promotion"', 1))
    server.until_refused("it was changed after it was written")
    assert server.ask("/predict", {"texts": ["a"]})[1]["model"]["digest"] == good
    root.ledger.write_bytes(sound)
    wait_until(lambda: server.health()["refused"] is None)


def test_a_model_that_was_rolled_back_is_not_served_again_because_somebody_copies_it(server, root):
    old = put(root, tiny(C=2.0))
    bad = put(root, tiny(C=2.1))
    data = root.production.read_bytes()
    put(root, tiny(C=2.0), "rollback")
    server.until_serving(old)
    write(root, data)
    server.until_refused(f"The ledger does not say that {bad[:12]} is in production")
    server.until_serving(put(root, tiny(C=2.2)))


def test_a_promotion_killed_right_after_its_rename_is_served(tmp_path):
    """The rename commits a promotion, also for a service that starts before anybody tidies up."""
    root = make_root(tmp_path / "root")
    put(root, tiny(), "bootstrap")
    name = put(root, tiny(C=3))
    entry = ledger.read(root)[-1]
    lines = root.ledger.read_bytes().splitlines(keepends=True)
    root.ledger.write_bytes(b"".join(lines[:-1]))  # as if its line had never been written
    stage = root.production_folder / ".promotion"
    stage.mkdir()
    (stage / "entry.json").write_bytes(artifacts.to_json(entry))
    assert watching.look(root, View()).serving.model.digest == name
    shutil.rmtree(stage)
    assert watching.look(root, View()).serving is None


def test_nothing_is_read_again_while_nothing_changes(tmp_path, monkeypatch):
    root = make_root(tmp_path / "root")
    put(root, tiny(), "bootstrap")
    write(root, b"garbage")
    looks = []
    monkeypatch.setattr(watching, "look", lambda *them: looks.append(them) or View())
    monkeypatch.setattr(watching, "SETTLED", 0.2)

    async def scene():
        watcher = Watcher(root)
        for _ in range(10):
            await watcher.check()
        first = len(looks)
        await asyncio.sleep(0.3)
        for _ in range(10):
            await watcher.check()
        return first, len(looks)

    assert asyncio.run(scene()) == (1, 2)  # once more when its time has come to tell versions apart


# ---- under load ----


def trouble(root, number: int) -> None:
    """One of the things that happen to a serving folder."""
    kind = number % 5
    if kind == 0:
        put(root, tiny(C=10 + number))
    elif kind == 1:
        put(root, tiny(C=9 + number), "rollback")
    elif kind == 2:
        data = root.production.read_bytes()
        with root.production.open("r+b") as file:  # torn: half of it is old, half is new
            file.write(os.urandom(len(data) // 2))
        time.sleep(0.02)
        write(root, data)
    elif kind == 3:
        data = root.production.read_bytes()
        with root.production.open("wb") as file:  # slowly
            for start in range(0, len(data), len(data) // 8):
                file.write(data[start : start + len(data) // 8])
                file.flush()
                time.sleep(0.005)
    else:
        os.replace(root.policy, root.policy.with_suffix(".away"))
        os.replace(root.policy.with_suffix(".away"), root.policy)


def test_promotions_rollbacks_and_torn_files_fail_no_request(server, root):
    with Load(server) as load:
        for number in range(60):
            trouble(root, number)
            time.sleep(0.05)
        last = put(root, tiny(C=500))
        wait_until(lambda: any(digest == last for _, digest in load.seen[-50:]))
    assert load.failed == []
    assert {digest for _, digest in load.seen} <= moved(root)
    assert len({digest for _, digest in load.seen}) > 5


def test_every_swap_is_visible_within_a_second(server, root):
    with Load(server, clients=2) as load:
        times = []
        for number in range(8):
            name = put(root, tiny(C=600 + number))
            begun = time.monotonic()
            wait_until(lambda name=name: any(digest == name for _, digest in load.seen[-50:]))
            times.append(time.monotonic() - begun)
    assert load.failed == []
    assert sorted(times)[4] < 1, times  # the middle one: the machine may be busy with something else for a moment


def test_git_pull_in_the_serving_folder_swaps_and_fails_no_request(tmp_path):
    def git(*words, folder):
        said = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
        subprocess.run(["git", *said, *words], cwd=folder, check=True, capture_output=True)

    def commit(root):
        git("add", "-A", "artifacts_prod", "gate.toml", folder=root.path)
        git("commit", "-qm", "promotion", folder=root.path)

    origin = make_root(tmp_path / "origin")
    git("init", "-q", folder=origin.path)
    put(origin, tiny(), "bootstrap")
    commit(origin)
    git("clone", "-q", str(origin.path), str(tmp_path / "clone"), folder=tmp_path)
    clone = type(origin)(tmp_path / "clone")
    with served(clone) as server, Load(server, clients=4) as load:
        for number in range(6):
            name = put(origin, tiny(C=5 + number))
            commit(origin)
            git("pull", "-q", "--no-rebase", folder=clone.path)
            server.until_serving(name)
        assert server.health()["refused"] is None
    assert load.failed == []
    assert {digest for _, digest in load.seen} <= moved(origin)


def test_a_hundred_swaps_do_not_grow_memory(tmp_path):
    root = make_root(tmp_path / "root")
    models = [tiny(C=number) for number in (1, 2)]
    words = [f"word{number}" for number in range(5_000)]
    for model in models:  # hundreds of kilobytes each: what stays behind would show
        model["tfidf"].fit(words)
        model["classifier"].fit(model["tfidf"].transform(["word1", "word2"]), ["a", "b"])
    put(root, models[0], "bootstrap")
    view, sizes = View(), []
    with open("/proc/self/statm") if sys.platform == "linux" else pytest.skip("reads /proc") as statm:
        data = {put(root, model): artifacts.dump(model) for model in models}
        for number in range(100):
            root.production.write_bytes(data[sorted(data)[number % 2]])
            view = watching.look(root, view)
            assert view.serving.model.digest == sorted(data)[number % 2]
            view.serving.answers(["word7"])
            statm.seek(0)
            sizes.append(int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6)
    assert sizes[-1] - sizes[20] < 25, sizes[::20]


def test_every_worker_takes_the_new_model_over(tmp_path):
    root = make_root(tmp_path / "root")
    put(root, tiny(), "bootstrap")
    port = 20_000 + os.getpid() % 10_000
    code = (
        f"import uvicorn\nif __name__ == '__main__':\n    print('http://127.0.0.1:{port}', flush=True)\n"
        f"    uvicorn.run('mlgate.service:app', port={port}, workers=2)"
    )
    command = (sys.executable, "-c", code)
    with served(root, *command) as server:
        name = put(root, tiny(C=4))
        wait_until(lambda: answers(server))
        wait_until(lambda: all(server.serving() == name for _ in range(40)))
