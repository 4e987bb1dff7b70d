"""Promise 11: the page on which people label is blind, loses nothing, and is for this machine alone."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from types import SimpleNamespace

from mlgate import artifacts, corpus, labelling, recipes
from mlgate.labelling import Traffic
from mlgate.root import Root

import pytest
from chromium import FAINT, browser
from labellers import CANDIDATES, make_root, truth

SECRETS = ("production", "candidate", "lead", "wins", "losses", "corridor", "slice", "chat", "mail", "accuracy")


@pytest.fixture(scope="module")
def begun(tmp_path_factory) -> Root:
    root = make_root(tmp_path_factory.mktemp("page") / "root")
    recipe = recipes.named(CANDIDATES["better"][0])
    train = corpus.split("train", root)
    artifacts.write_candidate(root, recipe.train(train), recipe.facts(train))
    labelling.new(root, Traffic(root.path / "traffic.csv", slice_column="channel"), budget=60)
    return root


@pytest.fixture
def root(begun, tmp_path) -> Root:
    shutil.copytree(begun.path, tmp_path / "root")
    return Root(tmp_path / "root")


@contextlib.contextmanager
def served(root: Root, *options: str):
    """`mlgate label page` in a process of its own: its address, and the process."""
    command = [sys.executable, "-m", "mlgate", "--root", str(root.path), "label", "page", "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ)
    try:
        said = process.stdout.readline()
        yield SimpleNamespace(url=re.search(r"http://127\.0\.0\.1:\d+/", said)[0], process=process)
    finally:
        process.kill()
        process.wait(30)
        process.stdout.close()


def get(url: str, body: object = None, **headers: str) -> SimpleNamespace:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return SimpleNamespace(status=answer.status, text=answer.read().decode(), headers=str(answer.headers))
    except urllib.error.HTTPError as error:
        return SimpleNamespace(status=error.code, text=error.read().decode(), headers=str(error.headers))


@pytest.fixture(scope="module")
def page():
    with browser() as tab:
        yield tab


def labels(root: Root) -> list:
    return labelling.load(root).lines()


@pytest.mark.slow
def test_a_session_on_the_page_in_a_browser(root, page):
    session = labelling.load(root)
    truths = truth()
    with served(root, "--annotator", "Ada") as server:
        page.size(390, 800, dark=True)
        page.open(server.url)
        shown = "document.getElementById('text').textContent"
        page.until(f"{shown} === {json.dumps(session.rows[0].text)}")
        assert page.value(FAINT) == []
        page.size(1280, 800)
        assert page.value(FAINT) == []

        # a key for each class, unsure, none of these; and taken back
        place = {name: str(number) for number, name in enumerate(session.classes, 1)}
        for number in range(3):
            key = place[truths[session.rows[number].text]]
            page.press(key, ord(key))
            page.until(f"{shown} === {json.dumps(session.rows[number + 1].text)}")
        page.press(" ", 32)
        page.press("0", 48)
        page.until("document.getElementById('done').textContent === '5 done'")
        page.press("u", 85)
        page.until(f"{shown} === {json.dumps(session.rows[4].text)}")
        marks = [(line["mark"], line["label"]) for line in labels(root)]
        assert marks[:3] == [("class", truths[row.text]) for row in session.rows[:3]]
        assert [mark for mark, _ in marks[3:]] == ["unsure", "none of these", "undo"]

        # a pause hides the text, and nothing is said meanwhile
        page.press("Escape", 27)
        assert "A pause" in page.value(shown)
        page.press("1", 49)
        page.press("Escape", 27)
        assert page.value(shown) == session.rows[4].text
        assert len(labels(root)) == 6

        # the next text does not wait for an answer
        page.value("window.real = window.fetch; window.fetch = () => new Promise(() => {}); 1")
        page.press("1", 49)
        assert page.value(shown) == session.rows[5].text

        # and it is blind
        everything = (
            "document.documentElement.outerHTML + location.href + document.cookie + JSON.stringify(localStorage)"
        )
        dom = page.value(everything)
        assert page.hosts == {server.url.split("/")[2]}
        assert page.errors == []
    digests = (session.line[name][:8] for name in ("production", "candidate", "order"))
    for secret in (*SECRETS, *digests):
        assert secret not in dom.lower()


@pytest.mark.slow
def test_the_server_says_nothing_more_than_the_page_shows_and_answers_this_machine_alone(root):
    session = labelling.load(root)
    with served(root) as server:
        answers = [get(server.url), get(f"{server.url}state")]
        row = json.loads(answers[1].text)["rows"][0]
        answers.append(get(f"{server.url}label", {"id": row["id"], "label": "payment", "seconds": 2.5}))
        answers.append(get(f"{server.url}label", {"id": row["id"], "label": "payment"}))  # again: refused
        answers.append(get(f"{server.url}label", {"id": "nobody", "label": "payment"}))
        answers.append(get(f"{server.url}label", {"id": "nobody", "label": ["x"]}))
        answers.append(get(f"{server.url}undo", {}))
        answers.append(get(f"{server.url}openapi.json"))
        assert [answer.status for answer in answers] == [200, 200, 200, 409, 409, 422, 200, 404]
        assert set(json.loads(answers[1].text)) == {"rows", "classes", "done"}
        said = "".join(answer.text + answer.headers for answer in answers).lower()
        for secret in (*SECRETS, session.line["production"][:8], session.line["candidate"][:8]):
            assert secret not in said
        assert "set-cookie" not in said

        # another host's page: neither by a name that leads here, nor by a form
        assert get(server.url, Host="evil.example").status == 400
        plain = {"Content-Type": "text/plain", "Origin": "http://evil.example"}
        assert get(f"{server.url}label", {"id": row["id"], "label": "payment"}, **plain).status == 422
        assert "access-control" not in get(f"{server.url}state", Origin="http://evil.example").headers.lower()
        server.process.send_signal(signal.SIGKILL)
    assert [line["mark"] for line in labels(root)] == ["class", "undo"]


@pytest.mark.slow
def test_a_second_person_sees_nothing_of_the_first_and_a_verdict_closes_the_page(root):
    session = labelling.load(root)
    said = zip(session.rows[:60], session.production, strict=False)
    session.add("Ada", [(row.id, name, False, None) for row, name in said])
    with served(root, "--annotator", "Bob", "--second") as server:
        state = json.loads(get(f"{server.url}state").text)
        assert state["done"] == 0
        assert {row["id"] for row in state["rows"]} <= {row.id for row in session.rows[:60]}
        assert labelling.conclude(root).decision == "REJECT"
        late = get(f"{server.url}label", {"id": state["rows"][0]["id"], "label": "payment"})
        assert late.status == 409
        assert "has its verdict" in late.text
