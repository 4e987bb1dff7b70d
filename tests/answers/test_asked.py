"""A model behind a command or a URL is asked, never loaded; what goes wrong there has a name, and is never promoted."""

import contextlib
import csv
import json
import os
import random
import re
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from mlgate import cli
from mlgate.answers import endpoints
from mlgate.answers.asked import Faulty
from mlgate.answers.commands import Command
from mlgate.answers.endpoints import Endpoint, Manners
from mlgate.answers.protocols import Manner
from mlgate.errors import MlgateError

import fastapi
import pytest
import uvicorn
from conftest import REPOSITORY
from servers import make_root, put, served, tiny

ROWS = [{"id": number, "text": f"text {number}", "size": number / 2} for number in range(1, 8)]
READS = "import sys, json, os, time\nrows = [json.loads(line) for line in sys.stdin]\n"
ANSWERS = "for row in rows: print(json.dumps({'id': row['id'], 'answer': 'big' if row['size'] > 2 else 'small'}))\n"


def program(tmp_path, text):
    path = tmp_path / f"program{random.random()}.py"
    path.write_text(READS + text)
    return f"{sys.executable} {path}"


# ---- commands ----


def test_a_command_answers_rows(tmp_path):
    command = Command(program(tmp_path, ANSWERS), 30)
    assert command.answer(ROWS) == ["small"] * 4 + ["big"] * 3
    assert command.counters.requests == 1


def test_answers_may_come_in_any_order_with_more_than_is_asked(tmp_path):
    more = (
        "for row in rows[::-1]: print(json.dumps({'id': str(row['id']), 'answer': row['id'] % 2 == 0, 'scores': {}}))"
    )
    assert Command(program(tmp_path, more), 30).answer(ROWS)[:3] == ["False", "True", "False"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sys.exit('no model here')", "it ended with status 1: no model here"),
        ("os.kill(os.getpid(), 11)", "it ended with status -11"),
        ("time.sleep(60)", "it did not answer within 0.5 s"),
        ("os.close(1); os.close(2); time.sleep(60)", "it did not end within 0.5 s"),
        ("print('Loading the model')", "line 1 of its output is no JSON: 'Loading the model'"),
        ("print('{\"id\": 1}')", 'is no {"id": …, "answer": …}'),
        ("print('[' * 100000)", "is no JSON"),
        (f"rows = rows[:3]\n{ANSWERS}", "it answered 3 of 7 rows"),
        (f"rows += rows[:1]\n{ANSWERS}", "answers row '1', which is not open"),
        (ANSWERS.replace("'big'", "None"), "neither text nor a number: null"),
        (ANSWERS.replace("'big'", "float('nan')"), "no number"),
        (ANSWERS.replace("'big'", "' '"), "an answer is empty"),
        ("while True: print('x' * 10000)", "it wrote more than"),
        ("print('\\x1b[2J\\nPromote new model')", "is no JSON: '[2J'"),
        ("while True: print('x' * 10000, file=sys.stderr)", "it did not answer within 0.5 s"),
    ],
)
def test_what_a_command_does_wrong_has_a_name(tmp_path, text, words):
    started = time.monotonic()
    with pytest.raises(Faulty) as caught:
        Command(program(tmp_path, text), 30 if "within" not in words else 0.5).answer(ROWS)
    assert words in str(caught.value)
    assert str(caught.value).isprintable()
    assert time.monotonic() - started < 30


def test_a_line_ends_where_json_lines_do(tmp_path):
    strange = "for row in rows: print(json.dumps({'id': row['id'], 'answer': 'a\\u2028b\\x85c'}, ensure_ascii=False))"
    line = f"{sys.executable} -X utf8 {program(tmp_path, strange).split()[-1]}"
    assert Command(line, 30).answer(ROWS) == ["a\u2028b\x85c"] * 7


def test_a_command_that_is_none_is_wrong_usage_not_a_fault():
    for line, words in (("nothing-of-this-name x", "No such file"), ("'", "quotation"), (" ", "cannot be started")):
        with pytest.raises(MlgateError, match=words) as caught:
            Command(line, 30).answer(ROWS)
        assert not isinstance(caught.value, Faulty)


def test_a_command_sees_no_secret_that_is_not_named(tmp_path, monkeypatch):
    monkeypatch.setenv("API_KEY", "secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    text = "print('\\n'.join(json.dumps({'id': row['id'], 'answer': '+'.join(os.environ)}) for row in rows))"
    seen = Command(program(tmp_path, text), 30, ["API_KEY"]).answer(ROWS)[0].split("+")
    assert "API_KEY" in seen
    assert "AWS_SECRET_ACCESS_KEY" not in seen
    with pytest.raises(MlgateError, match="no 'NOT_THERE' in the environment"):
        Command("true", 30, ["NOT_THERE"])


@pytest.mark.slow
def test_nothing_of_a_command_is_left_running(tmp_path):
    child = "import subprocess\nchild = subprocess.Popen(['sleep', '60'])\n"
    child += f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\n"
    with pytest.raises(Faulty):
        Command(program(tmp_path, child + "time.sleep(60)"), 1).answer(ROWS)
    pid = int((tmp_path / "pid").read_text())
    for _ in range(100):
        with contextlib.suppress(FileNotFoundError):
            state = Path(f"/proc/{pid}/stat").read_text().split()[2]
            if state != "Z":
                time.sleep(0.05)
                continue
        return
    raise AssertionError(f"{pid} is still running")


# ---- services ----


def sizes(values):
    return ["big" if value > 2 else "small" for value in values]


@pytest.fixture(scope="module")
def service():
    """A real server of our own that speaks oip and openai."""
    application = fastapi.FastAPI()

    @application.post("/v2/models/sizes/infer")
    async def infer(request: fastapi.Request):
        inputs = {part["name"]: part for part in (await request.json())["inputs"]}
        assert inputs["size"]["datatype"] == "FP64"
        assert inputs["text"]["datatype"] == "BYTES"
        assert inputs["text"]["shape"] == [len(inputs["text"]["data"])]
        answers = {"name": "label", "datatype": "BYTES", "data": sizes(inputs["size"]["data"])}
        return {"model_name": "sizes", "model_version": "3", "outputs": [answers]}

    @application.post("/v1/chat/completions")
    async def chat(request: fastapi.Request):
        if request.headers.get("authorization") != "Bearer a token":
            raise fastapi.HTTPException(401, "no\ntoken")
        asked = await request.json()
        said = sizes([float(asked["messages"][0]["content"].removeprefix("How big is "))])[0]
        choice = {"message": {"role": "assistant", "content": f" {said}\n"}}
        return {"model": asked["model"], "system_fingerprint": "fp_1", "choices": [choice]}

    server = uvicorn.Server(uvicorn.Config(application, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def test_a_service_that_speaks_oip_answers(service):
    endpoint = Endpoint(f"{service}/v2/models/sizes", "oip", manners=Manners(batch=2))
    assert endpoint.answer(ROWS) == ["small"] * 4 + ["big"] * 3
    assert endpoint.counters.requests == 4
    assert endpoint.counters.versions == {"sizes 3"}


def test_a_service_that_speaks_openai_answers_one_prompt_at_a_time(service):
    manner = Manner(prompt="How big is {size}")
    endpoint = Endpoint(f"{service}/v1#judge-1", "openai", manner, Manners(token="a token"))
    assert endpoint.answer(ROWS) == ["small"] * 4 + ["big"] * 3
    assert endpoint.counters.requests == 7
    assert endpoint.counters.versions == {"judge-1 fp_1"}
    with pytest.raises(Faulty, match="with status 401") as caught:
        Endpoint(f"{service}/v1#judge-1", "openai", manner).answer(ROWS)
    assert str(caught.value).isprintable()


@pytest.mark.slow
def test_the_service_of_this_package_answers_and_says_its_digest(tmp_path):
    root = make_root(tmp_path / "root")
    digest = put(root, tiny(), "bootstrap")
    with served(root) as server:
        endpoint = Endpoint(server.url, "mlgate")
        assert endpoint.answer([{"id": 1, "text": "great fun"}, {"id": 2, "text": "an awful ending"}]) == [
            "positive",
            "negative",
        ]
        assert endpoint.counters.versions == {digest[:12]}


class Rude(BaseHTTPRequestHandler):
    """Does what its path says."""

    times = 0

    def do_POST(self):
        Rude.times += 1
        length = int(self.headers["Content-Length"])
        count = len(json.loads(self.rfile.read(length))["dataframe_split"]["data"])
        good = json.dumps({"predictions": ["small"] * count})
        replies = {
            "busy": (503 if Rude.times < 3 else 200, good),
            "always": (503, "busy\n\x1b[2J"),
            "broken": (500, "Traceback"),
            "garbage": (200, "<html>"),
            "deep": (200, "[" * 100_000),
            "other": (200, '{"predictions": {"a": 1}}'),
            "lists": (200, json.dumps({"predictions": [[0.1, 0.9]] * count})),
            "half": (200, json.dumps({"predictions": ["small"] * (count // 2)})),
            "away": (302, ""),
        }
        name = self.path.split("/")[1]
        if name == "drop":
            return self.connection.close()
        status, text = replies.get(name, (200, good))
        self.send_response(status)
        self.send_header("Location", "http://127.0.0.1:9/")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if name == "drip":
            for letter in text:
                self.wfile.write(letter.encode())
                time.sleep(0.2)
        return self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def rude(monkeypatch):
    """A server that misbehaves, and no pause before it is asked again."""
    monkeypatch.setattr(endpoints, "PAUSES", (0.01, 0.01))
    Rude.times = 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Rude)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_passes_is_asked_again_and_counted(rude):
    endpoint = Endpoint(f"{rude}/busy", "mlflow")
    assert endpoint.answer(ROWS) == ["small"] * 7
    assert (endpoint.counters.requests, endpoint.counters.retries) == (1, 2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("always", "with status 503: busy"),
        ("broken", "with status 500: Traceback"),
        ("garbage", "its reply is no JSON: '<html>'"),
        ("deep", "its reply is no JSON"),
        ("other", "its reply is not what the protocol says"),
        ("lists", "neither text nor a number: [0.1, 0.9]"),
        ("half", "it answered 3 of 7 rows"),
        ("away", "with status 302"),
        ("drop", "it cannot be reached"),
        ("drip", "it did not answer within 1 s"),
    ],
)
def test_what_a_service_does_wrong_has_a_name(rude, name, words):
    with pytest.raises(Faulty) as caught:
        Endpoint(f"{rude}/{name}", "mlflow", manners=Manners(seconds=1)).answer(ROWS)
    assert words in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_url_that_is_none_is_wrong_usage():
    for url in (
        "localhost:80",
        "ftp://a/b",
        "http://user:secret@a/",
        "http://:secret@a/",
        "http://a/?key=secret",
        "http://a..b/",
        "http://" + "a" * 64 + "/",
        "http://[a",
        "http://a/b c",
        "http://a/é",
        "http://a:x/",
    ):
        with pytest.raises(MlgateError) as caught:
            Endpoint(url, "oip")
        assert "secret" not in str(caught.value)


# ---- the judge ----


@pytest.fixture
def judge(tmp_path, capsys):
    """`mlgate judge` on 400 rows, of which a quarter is labelled by chance."""
    chance = random.Random(0)
    path = tmp_path / "rows.csv"
    with open(path, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "size", "place", "label", "old"])
        for number in range(400):
            size = chance.random() * 4
            label = "big" if size > 2 else "small"
            rows.writerow([f"text {number}", size, chance.choice("ns"), label, label if number % 4 else "small"])

    def run(*options, policy=()):
        code = cli.main(["judge", "--data", str(path), *map(str, options), *policy])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def test_two_commands_are_judged_on_the_same_rows(judge, tmp_path):
    worse = program(tmp_path, ANSWERS.replace("> 2", "> 1.2"))
    better = program(tmp_path, ANSWERS)
    code, said = judge("--production-command", worse, "--candidate-command", better, "--slice-column", "place")
    assert "Candidate model accuracy: 1.00" in said
    assert "0 of 100 rows answered otherwise when asked once more" in said
    assert judge("--production-command", better, "--candidate-command", worse)[0] == 4
    code, said = judge("--production-column", "old", "--candidate-command", better)
    assert "Production model accuracy: 0.8" in said
    assert code in (0, 3)


def test_commands_that_answer_with_numbers_are_judged_by_their_errors(tmp_path, capsys):
    path = tmp_path / "rows.csv"
    path.write_text("size,label\n" + "".join(f"{number},{number * 3 + number % 5}\n" for number in range(300)))
    answers = "for row in rows: print(json.dumps({'id': row['id'], 'answer': row['size'] * 3 + NOISE}))"
    worse, better = (program(tmp_path, answers.replace("NOISE", noise)) for noise in ("9 * (row['size'] % 2)", "2"))
    options = ["judge", "--data", str(path), "--production-command", worse, "--candidate-command", better]
    assert cli.main([*options, "--metric", "mae"]) == 0
    assert "Candidate model mean absolute error: 1.2" in capsys.readouterr().out


def test_a_label_is_never_shown_to_a_model_nor_the_answers_of_the_other(judge, tmp_path):
    names = "for row in rows: print(json.dumps({'id': row['id'], 'answer': '+'.join(row)}))"
    code, said = judge("--production-column", "old", "--candidate-command", program(tmp_path, names))
    assert code == 1
    assert "it says 'id+text+size+place'" in said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sys.exit(3)", "it ended with status 3"),
        ("print('garbage')", "is no JSON"),
        (f"rows = rows[::2]\n{ANSWERS}", "it answered 200 of 400 rows"),
        (ANSWERS.replace("'big'", "str(time.time_ns())"), "which is neither a label"),
    ],
)
def test_a_fault_behind_a_wall_is_never_promoted(judge, tmp_path, text, words):
    bad = program(tmp_path, text)
    good = program(tmp_path, ANSWERS)
    code, said = judge("--production-command", good, "--candidate-command", bad)
    assert code == 4
    assert words in said
    assert "Candidate model accuracy: n/a" in said
    code, said = judge("--production-command", bad, "--candidate-command", good)
    assert code != 0
    assert "Promote" not in said


def test_answers_that_change_are_reported(judge, tmp_path):
    changing = program(tmp_path, ANSWERS.replace("row['size'] > 2", "row['size'] > 1 + os.urandom(1)[0] % 2"))
    code, said = judge("--production-column", "old", "--candidate-command", changing)
    assert "! asked candidate" in said
    assert code in (3, 4)


def test_scores_of_a_command_are_judged_by_auc(judge, tmp_path):
    line = "for row in rows: print(json.dumps({'id': row['id'], 'answer': 'big', 'scores': {'big': SCORE}}))"
    good = program(tmp_path, line.replace("SCORE", "min(row['size'] / 4, 1)"))
    bad = program(tmp_path, line.replace("SCORE", "row['id'] % 10 / 10"))
    code, said = judge("--production-command", bad, "--candidate-command", good, "--metric", "auc", "--positive", "big")
    assert "Candidate model AUC: 1" in said or "Candidate model auc: 1" in said, said
    assert code in (0, 3)


def test_what_does_not_go_together_is_wrong_usage(judge):
    for options in (
        ("--candidate-command", "x"),
        ("--production-command", "x", "--candidate-command", "y", "--candidate-http", "http://a"),
        ("--production-http", "http://a", "--candidate-http", "http://b"),
        ("--production-command", "x", "--candidate-command", "y", "--seconds", "0"),
        ("--production-command", "x", "--candidate", "a.pkl"),
    ):
        with pytest.raises(SystemExit) as caught:
            judge(*options)
        assert caught.value.code == 2
    os.environ.pop("NO_TOKEN", None)
    urls = ("--production-http", "http://127.0.0.1:9", "--candidate-http", "http://127.0.0.1:9", "--protocol", "mlflow")
    code, said = judge(*urls, "--token-from", "NO_TOKEN")
    assert code == 1
    assert said.endswith("mlgate: There is no 'NO_TOKEN' in the environment, or it is no token. Set it to one.\n")


@pytest.mark.slow
def test_the_page_does_what_it_says(tmp_path):
    text = (REPOSITORY / "docs/BEHIND_A_WALL.md").read_text(encoding="utf-8")
    programs = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    [command, _] = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "predict.py").write_text(programs[0])
    subprocess.run([sys.executable, "-c", programs[1]], cwd=tmp_path, check=True)
    command = command.replace("python", sys.executable).replace("mlgate", f"{sys.executable} -m mlgate", 1)
    surroundings = {**os.environ, "PYTHONPATH": str(REPOSITORY / "lib")}
    done = subprocess.run(command, shell=True, cwd=tmp_path, env=surroundings, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
