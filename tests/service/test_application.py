"""What clients may rely on: answers, limits, errors in words, health, counters, pages, a stop that loses nothing."""

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time

from mlgate import artifacts, ledger
from mlgate.service import messages

import pytest
from chromium import wait_until
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers import PATIENCE, Load, make_root, put, served, started, tiny

pytestmark = pytest.mark.slow

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    made = make_root(tmp_path_factory.mktemp("service") / "root")
    put(made, tiny(), "bootstrap")
    return made


@pytest.fixture(scope="module")
def server(root):
    with served(root, *started(root)) as running:
        yield running


def test_answers_are_those_of_the_model_that_was_judged(server, root):
    model = artifacts.load_production(root)
    texts = ["a wonderful film", "dull", "", "naïve 映画 \u0000 🎬", "<br />" * 5_000]
    status, found = server.ask("/predict", {"texts": texts})
    labels, scores = model.answer(texts)
    assert (status, found["model"]) == (200, {"digest": model.digest})
    assert [it["label"] for it in found["predictions"]] == labels.tolist()
    assert [it["score"] for it in found["predictions"]] == pytest.approx(scores.max(axis=1).tolist(), abs=1e-12)


def test_an_answer_is_the_same_alone_and_in_company(server):
    texts = [f"a {word} film" for word in ("wonderful", "dull", "great", "awful", "long") * 100]
    together = server.ask("/predict", {"texts": texts})[1]["predictions"]
    alone = [server.ask("/predict", {"texts": [text]})[1]["predictions"][0] for text in texts[:5]]
    assert [it["label"] for it in together] == [it["label"] for it in alone] * 100
    assert [it["score"] for it in together] == pytest.approx([it["score"] for it in alone] * 100, abs=1e-12)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, "not JSON"),
        (b"texts", 400, "not JSON"),
        (b'{"texts": ["a"]', 400, "not JSON"),
        (b'{"texts": ["\xff"]}', 400, "not JSON"),
        (b'{"texts": ["\\ud800"]}', 400, "not JSON"),
        (b"[" * 100_000, 400, "not JSON"),
        (b"[]", 422, "not an object"),
        (b"null", 422, "not an object"),
        (b"{}", 422, "texts is missing"),
        (b'{"text": "a"}', 422, "texts is missing"),
        (b'{"texts": ["a"], "text": "a"}', 422, "There is no 'text'"),
        (b'{"texts": "a"}', 422, "not a list"),
        (b'{"texts": {}}', 422, "not a list"),
        (b'{"texts": []}', 422, "empty"),
        (b'{"texts": ["a", 1]}', 422, "texts[1] is not a text"),
        (b'{"texts": [NaN]}', 422, "texts[0] is not a text"),
        (b'{"texts": [null]}', 422, "texts[0] is not a text"),
        (json.dumps({"texts": ["a"] * 1_001}).encode(), 422, "1,001 texts: at most 1,000"),
        (json.dumps({"texts": ["a" * 50_001]}).encode(), 422, "50,001 characters: at most 50,000"),
        (b" " * 2_000_001, 413, "larger than 2,000,000 bytes"),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused_with_a_sentence(server, body, status, words):
    found = server.ask("/predict", body, JSON)
    assert found[0] == status
    assert list(found[1]) == ["detail"]
    assert words in found[1]["detail"]
    assert len(found[1]["detail"]) < 300


def test_limits_are_those_that_the_documents_name(server):
    assert (messages.MAX_TEXTS, messages.MAX_CHARACTERS, messages.MAX_BYTES) == (1_000, 50_000, 2_000_000)
    assert server.ask("/predict", {"texts": ["a" * 50_000]})[0] == 200
    assert server.ask("/predict", {"texts": ["a"] * 1_000})[0] == 200
    assert server.ask("/predict", json.dumps({"texts": ["a"]}).encode() + b" " * 1_999_000)[0] == 200
    content = server.ask("/openapi.json")[1]["paths"]["/predict"]["post"]["requestBody"]["content"]
    limits = content["application/json"]["schema"]["properties"]["texts"]
    assert (limits["minItems"], limits["maxItems"], limits["items"]["maxLength"]) == (1, 1_000, 50_000)


def test_a_body_without_end_is_refused_before_it_ends(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    connection.putrequest("POST", "/predict")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    for _ in range(40):
        connection.send(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
    assert connection.getresponse().status == 413  # and we never said that this was all
    connection.close()
    assert server.ask("/health")[0] == 200


def test_a_client_that_sends_everything_before_it_reads_gets_its_answer(server):
    for _ in range(5):
        assert server.ask("/predict", b" " * 8_000_000)[0] == 413


def test_a_body_made_of_errors_does_not_stall_the_service(server):
    body = json.dumps({f"key{number}": number for number in range(90_000)}).encode()
    begun = time.monotonic()
    assert server.ask("/predict", body)[0] == 422
    assert time.monotonic() - begun < 2  # pydantic's own list of errors took 4


def test_wrong_paths_and_methods_are_errors_in_json(server):
    assert server.ask("/nothing")[0] == 404
    assert server.ask("/predict") == (405, {"detail": "Method Not Allowed"})
    assert server.ask("/health", {"texts": []})[0] == 405


def test_model_tells_its_card_and_the_history(server, root):
    found = server.ask("/model")[1]
    assert found["model"]["digest"] == server.serving()
    assert found["model"]["recipe"] == "tiny"
    assert found["since"] == ledger.since(ledger.read(root))
    assert [entry["kind"] for entry in found["history"]] == ["bootstrap"]
    assert found["history"][0]["to"] == server.serving()


def test_health_says_since_when(server, root):
    status, found = server.ask("/health")
    assert (status, found["status"], found["refused"]) == (200, "ok", None)
    assert found["model"]["since"] == ledger.since(ledger.read(root))


def test_counters_count(server):
    before = {name: server.metric(name) for name in ("mlgate_predict_seconds_count", "mlgate_answers_total")}
    server.ask("/predict", {"texts": ["a wonderful film", "dull", "dull"]})
    server.ask("/predict", {"texts": []})
    text = server.ask("/metrics")[1]
    assert server.metric("mlgate_predict_seconds_count") == before["mlgate_predict_seconds_count"] + 2
    assert server.metric("mlgate_answers_total") == before["mlgate_answers_total"] + 3
    assert f'mlgate_model_info{{digest="{server.serving()}"}} 1.0' in text
    assert re.search(r'mlgate_requests_total\{path="/predict",status="200"\} [1-9]', text)
    assert re.search(r'mlgate_requests_total\{path="/predict",status="422"\} [1-9]', text)
    assert "/nothing" not in text  # strangers cannot fill the memory with paths


def test_explain_gives_the_words_that_weigh_most(server):
    status, found = server.ask("/explain", {"text": "a wonderful film but awful"})
    weights = {it["word"]: it["weight"] for it in found["words"]}
    sign = 1 if found["label"] == "positive" else -1
    assert status == 200
    assert weights["wonderful"] * sign > 0 > weights["awful"] * sign
    assert server.ask("/explain", {"text": 1}) == (422, {"detail": "text is not a text."})
    assert server.ask("/explain", {"text": ""})[1]["words"] == []


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_ask_no_other_host(server, path):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    connection.request("GET", path)
    answer = connection.getresponse()
    assert answer.status == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert re.findall(rb"https?://|(?:src|href)=[\"']//", answer.read()) == []
    connection.close()


# ---- whatever anybody sends ----

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inside: st.lists(inside, max_size=5) | st.dictionaries(st.text(max_size=10), inside, max_size=4),
    max_leaves=20,
)


def like(schema: dict) -> st.SearchStrategy:
    """Values that fit a JSON schema, and as often ones that nearly do."""
    if schema.get("type") == "object":
        fitting = st.fixed_dictionaries({name: like(part) for name, part in schema["properties"].items()})
    elif schema.get("type") == "array":
        fitting = st.lists(like(schema["items"]), min_size=schema["minItems"], max_size=12)
    else:
        fitting = st.text(max_size=200) | st.sampled_from(
            ["\x00", "\ufeff", "a" * 50_000, "🎬" * 99, "\u202e", "<br />"]
        )
    return fitting | fitting | anything


def bodies(operation: dict) -> st.SearchStrategy:
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    fitting = like(schema).map(lambda value: json.dumps(value).encode())
    broken = st.tuples(fitting, st.integers(0, 60), st.binary(max_size=4)).map(lambda it: it[0][: it[1]] + it[2])
    return st.one_of(fitting, fitting, broken, st.binary(max_size=100))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_nothing_that_anybody_sends_is_an_error_of_ours(server, data):
    paths = data.draw(st.just(server.ask("/openapi.json")[1]["paths"]) if not hasattr(server, "paths") else st.none())
    server.paths = paths or server.paths
    path = data.draw(st.sampled_from(sorted(server.paths)))
    method, operation = next(iter(server.paths[path].items()))
    body = data.draw(bodies(operation))
    headers = data.draw(st.sampled_from([JSON, {}, {"Content-Type": "text/plain; charset=utf-16"}, {"Expect": "x"}]))
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    method = data.draw(st.sampled_from([method.upper()] * 4 + ["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE"]))
    connection.request(method, path + data.draw(st.sampled_from(["", "", "?x=%ff", "/", "%00", "//"])), body, headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    assert answer.status < 500, (path, body, text)
    if answer.status >= 400 and method != "HEAD":
        assert isinstance(json.loads(text)["detail"], str)


def test_noise_on_the_socket_does_not_stop_the_service(server):
    for noise in (
        b"\x00" * 1_000,
        b"GET\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"\x16\x03\x01",
    ):
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
            connection.sendall(noise)
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(b'POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{"texts"')  # and goes away
    assert server.ask("/health")[0] == 200


# ---- the process ----


def test_it_starts_without_a_model_and_takes_the_first_one(tmp_path):
    root = make_root(tmp_path / "root")
    with served(root) as server:
        status, found = server.ask("/health")
        assert (status, found["status"], found["model"]) == (503, "no model", None)
        assert "notebook 01" in found["refused"]["reason"]
        assert server.ask("/predict", {"texts": ["a"]}) == (503, {
            "detail": "There is no production model yet: GET /health says why."
        })  # fmt: skip
        assert server.ask("/model")[1]["model"] is None
        server.until_serving(put(root, tiny(), "bootstrap"))
        assert server.ask("/predict", {"texts": ["a"]})[0] == 200
        assert server.metric("mlgate_swaps_total") == 0


def test_a_long_request_does_not_keep_the_others_waiting(server):
    body = {"texts": ["a wonderful film, full of life, but with an awful ending " * 30] * 1_000}
    took = []

    def ask_long():
        begun = time.monotonic()
        assert server.ask("/predict", body)[0] == 200
        took.append(time.monotonic() - begun)

    threads = [threading.Thread(target=ask_long) for _ in range(6)]
    for thread in threads:
        thread.start()
    waits = []
    while any(thread.is_alive() for thread in threads):
        begun = time.monotonic()
        server.ask("/health")
        server.ask("/predict", {"texts": ["dull"]})
        waits.append(time.monotonic() - begun)
    for thread in threads:
        thread.join()
    assert sorted(waits)[len(waits) // 2] < max(took) / 3, (sorted(waits), took)


@pytest.mark.parametrize("keep", [True, False], ids=["kept connections", "new connections"])
def test_stopping_under_load_answers_everything_that_is_under_way(tmp_path, keep):
    root = make_root(tmp_path / "root")
    put(root, tiny(), "bootstrap")
    with served(root, *started(root)) as server, Load(server, 16, keep) as load:
        wait_until(lambda: len(load.seen) > 50 or load.failed)
        load.closing.set()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=PATIENCE) == 0
        wait_until(lambda: not any(thread.is_alive() for thread in load.threads))
    assert load.failed == []


def test_a_port_that_is_taken_is_an_error_in_one_line(server, root):
    command = [sys.executable, "-m", "mlgate", "--root", str(root.path), "serve", "--port", str(server.port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1
    assert re.fullmatch(r"mlgate: Cannot listen at .*--port\.\n", done.stderr)
