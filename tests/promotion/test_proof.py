"""Promise 4 over HTTP: what was judged is what the running service answers with, or one is told what is served."""

import http.server
import json
import threading

from mlgate import artifacts, cli
from mlgate.errors import MlgateError
from mlgate.promotion.proof import prove

import pytest
from servers import served


class Fake(http.server.BaseHTTPRequestHandler):
    """Something between the service and those who ask, which changes one answer."""

    model, change, serves = None, {}, None

    def do_GET(self):
        self.say({"model": {"digest": self.serves}})

    def do_POST(self):
        texts = json.loads(self.rfile.read(int(self.headers["content-length"])))["texts"]
        labels, scores = self.model.answer(texts)
        answers = [{"label": label, "score": max(row)} for label, row in zip(labels, scores.tolist(), strict=True)]
        answers[-1] |= self.change
        self.say({"model": {"digest": self.serves}, "predictions": answers})

    def say(self, value):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def fake(root_with_production):
    model = artifacts.load_production(root_with_production)
    kind = type("Between", (Fake,), {"model": model, "serves": model.digest, "change": {}})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    kind.url = f"http://127.0.0.1:{server.server_port}"
    yield kind
    server.shutdown()


def test_the_same_answers_are_proof(root_with_production, fake):
    assert "300 validation rows get the same answers and scores" in prove(root_with_production, fake.url)


@pytest.mark.parametrize("change", [{"label": "other"}, {"score": 0.123}, {"score": None}])
def test_one_other_answer_is_told_with_its_row(root_with_production, fake, change):
    fake.change = change
    with pytest.raises(MlgateError, match="answers validation row 50 with"):
        prove(root_with_production, fake.url)


def test_what_is_no_answer_of_ours_is_told(root_with_production, fake):
    fake.say = lambda self, value: Fake.say(self, value if "predictions" not in value else {"predictions": [{}]})
    with pytest.raises(MlgateError, match="does not answer as mlgate does"):
        prove(root_with_production, fake.url)


def test_another_model_is_told_by_its_name(root_with_production, fake):
    fake.serves = "f" * 64
    with pytest.raises(MlgateError, match="serves ffffffffffff, and not"):
        prove(root_with_production, fake.url, patience=0.3)


def test_nothing_that_answers_is_told(root_with_production):
    with pytest.raises(MlgateError, match="Nothing that is mlgate answers"):
        prove(root_with_production, "http://127.0.0.1:9", patience=0.1)


@pytest.mark.slow
def test_the_real_service_proves_it_and_the_command_exits_1_where_it_cannot(root_with_production, capsys, monkeypatch):
    """There is no candidate here: what is in production is proven."""
    root = root_with_production
    with served(root) as server:
        assert cli.main(["--root", str(root.path), "promote", "--prove", server.url]) == 0
    assert "get the same answers and scores" in capsys.readouterr().out
    monkeypatch.setattr("mlgate.promotion.proof.prove.__defaults__", (0.1,))
    assert cli.main(["--root", str(root.path), "promote", "--prove", server.url]) == 1
    assert "mlgate: Nothing that is mlgate answers" in capsys.readouterr().err
