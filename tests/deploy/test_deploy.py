"""What watches the service cannot rot: rules fire and stay quiet; what they and the dashboards name is there."""

import contextlib
import http.server
import json
import re
import shutil
import socket
import subprocess
import sys
import threading
import urllib.request

from mlgate import cli

import pytest
import yaml
from chromium import wait_until
from conftest import REPOSITORY
from servers import keep_every_row, make_root, served

DEPLOY = REPOSITORY / "deploy"
RULES = DEPLOY / "prometheus/rules.yml"
DASHBOARDS = sorted((DEPLOY / "grafana/dashboards").glob("*.json"))
SERIES = 80  # at most, of a service with two classes: each costs Prometheus memory for ever
needs_prometheus = pytest.mark.skipif(not shutil.which("promtool"), reason="needs Debian's prometheus")
needs_alertmanager = pytest.mark.skipif(
    not (shutil.which("prometheus") and shutil.which("prometheus-alertmanager")),
    reason="needs Debian's prometheus and prometheus-alertmanager",
)


def checked(*command, cwd=None) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, cwd=cwd, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_prometheus
def test_each_rule_fires_stays_quiet_and_is_not_misled_by_no_data():
    checked("promtool", "test", "rules", "rules_test.yml", cwd=RULES.parent)


@needs_prometheus
def test_a_rule_whose_metric_was_renamed_is_found(tmp_path):
    shutil.copytree(RULES.parent, tmp_path / "prometheus")
    rules = tmp_path / "prometheus/rules.yml"
    rules.write_text(rules.read_text().replace("mlgate_watch_light", "mlgate_watch_lamp"))
    done = subprocess.run(
        ["promtool", "test", "rules", "rules_test.yml"], cwd=rules.parent, capture_output=True, check=False
    )
    assert done.returncode != 0


@needs_prometheus
def test_prometheus_takes_its_configuration():
    checked("promtool", "check", "config", DEPLOY / "prometheus/prometheus.yml")


@pytest.mark.skipif(not shutil.which("amtool"), reason="needs Debian's prometheus-alertmanager")
def test_alertmanager_takes_its_configuration():
    checked("amtool", "check-config", DEPLOY / "alertmanager/alertmanager.yml")


def rules() -> list[dict]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def test_every_alarm_has_its_test_and_says_how_urgent_it_is():
    tests = yaml.safe_load((RULES.parent / "rules_test.yml").read_text())["tests"]
    tried = {case["alertname"]: set() for test in tests for case in test["alert_rule_test"]}
    for case in [case for test in tests for case in test["alert_rule_test"]]:
        tried[case["alertname"]].add(bool(case["exp_alerts"]))
    for rule in rules():
        if "alert" in rule:
            assert rule["labels"]["severity"] in ("page", "ticket", "none")
            assert rule["annotations"]["summary"]
            assert tried[rule["alert"]] == ({True} if rule["alert"] == "Watchdog" else {True, False})


def questions() -> list[tuple[str, str]]:
    """Each question to Prometheus: where it stands, and what it asks."""
    found = [(rule.get("alert") or rule["record"], rule["expr"]) for rule in rules()]
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            found += [(f"{path.name}: {panel['title']}", target["expr"]) for target in panel["targets"]]
    return found


@needs_prometheus
def test_prometheus_understands_every_question(tmp_path):
    lines = [{"record": f"question:{place}", "expr": question} for place, (_, question) in enumerate(questions())]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "questions", "rules": lines}]}))
    checked("promtool", "check", "rules", path)


def test_the_dashboards_are_those_that_their_list_makes(tmp_path, monkeypatch):
    sys.path.insert(0, str(DEPLOY / "grafana"))
    try:
        import dashboards
    finally:
        sys.path.pop(0)
    monkeypatch.setattr(dashboards, "HERE", tmp_path)
    dashboards.main()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        path.name: path.read_text() for path in DASHBOARDS
    }


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_has_a_name_of_its_own_and_panels_that_do_not_overlap(path):
    found = json.loads(path.read_text())
    assert found["uid"] == path.stem
    places = [panel["gridPos"] for panel in found["panels"]]
    taken = [
        (x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
    assert len({panel["id"] for panel in found["panels"]}) == len(places)
    sources = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"]
    used = {target["datasource"]["uid"] for panel in found["panels"] for target in panel["targets"]}
    assert used == {source["uid"] for source in sources}


def test_compose_starts_what_is_configured_here_and_nothing_that_others_can_reach():
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    assert set(services) == {"service", "prometheus", "alertmanager", "grafana"}
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        for volume in service["volumes"]:
            assert (DEPLOY / volume.split(":")[0]).exists()


# The real parts


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    root = make_root(tmp_path_factory.mktemp("deploy") / "root")
    shutil.copytree(REPOSITORY / "artifacts_prod", root.production_folder)
    keep_every_row(root)
    with served(root) as server:
        for _ in range(3):
            server.ask("/predict", {"texts": ["A wonderful film."]})
        wait_until(lambda: "mlgate_watch_light" in server.ask("/metrics")[1], 30, "the lights are there")
        yield root, server


@pytest.mark.slow
def test_every_metric_and_label_that_is_asked_for_exists_in_a_live_scrape(watched):
    _, server = watched
    scraped = server.ask("/metrics")[1]
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    names = {line.split("{")[0].split()[0] for line in scraped.splitlines() if not line.startswith("#")}
    for where, question in questions():
        asked = set(re.findall(r"\bmlgate[\w:]+", re.sub(r'"[^"]*"', "", question)))
        assert asked - recorded <= names, where
        for name, labels in re.findall(r"(mlgate_\w+)\{([^}]*)\}", question):
            lines = [line for line in scraped.splitlines() if line.startswith(name + "{")]
            for label, _, value in re.findall(r'(\w+)(=~?)"([^"]*)"', labels):
                assert any(re.search(rf'{label}="', line) for line in lines), (where, label)
                assert label == "status" or any(f'{label}="{value}"' in line for line in lines), (where, value)
    own = [line for line in scraped.splitlines() if line.startswith("mlgate_") and "_created" not in line]
    assert len(own) <= SERIES


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


@contextlib.contextmanager
def running(*command, log):
    with log.open("wb") as file:
        process = subprocess.Popen([*map(str, command)], stdout=file, stderr=file)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextlib.contextmanager
def webhook():
    """Somebody who is called: the alarms that came."""
    came = []

    class Bell(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            came.extend(alert["labels"]["alertname"] for alert in body["alerts"] if alert["status"] == "firing")
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bell)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port, came
    finally:
        server.shutdown()


@pytest.mark.slow
@needs_alertmanager
def test_drift_goes_in_and_somebody_is_called(watched, tmp_path):
    root, server = watched
    scrape, alarm = free_port(), free_port()
    with webhook() as (bell, came):
        manager = yaml.safe_load((DEPLOY / "alertmanager/alertmanager.yml").read_text())
        manager["route"] |= {"group_wait": "0s", "group_interval": "1s"}
        for receiver in manager["receivers"]:
            receiver["webhook_configs"][0]["url"] = f"http://127.0.0.1:{bell}/"
        (tmp_path / "alertmanager.yml").write_text(yaml.safe_dump(manager))
        prometheus = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
        prometheus["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        prometheus["rule_files"] = [str(RULES)]
        prometheus["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{alarm}"]
        prometheus["scrape_configs"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{server.port}"]
        (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(prometheus))
        watching = running(
            "prometheus",
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{scrape}",
            "--rules.alert.resend-delay=2s",  # what it sends before it has found Alertmanager is lost
            log=tmp_path / "prometheus.log",
        )
        calling = running(
            "prometheus-alertmanager",
            f"--config.file={tmp_path / 'alertmanager.yml'}",
            f"--storage.path={tmp_path / 'alerts'}",
            f"--web.listen-address=127.0.0.1:{alarm}",
            "--cluster.listen-address=",
            log=tmp_path / "alertmanager.log",
        )
        with calling, watching:
            wait_until(lambda: "Watchdog" in came, 60, "the heartbeat comes")
            assert "TrafficMoved" not in came
            where = ["--url", server.url, "--after", "50", "--most", "250"]
            cli.main(["--root", str(root.path), "watch", "simulate", "--drift", "foreign_language", *where])
            wait_until(lambda: "TrafficMoved" in came, 60, "somebody is called")
            assert "HarmProven" not in came
            assert "ServiceAbsent" not in came
            with urllib.request.urlopen(f"http://127.0.0.1:{scrape}/api/v1/rules", timeout=30) as answer:
                groups = json.loads(answer.read())["data"]["groups"]
            assert {rule["health"] for group in groups for rule in group["rules"]} == {"ok"}
