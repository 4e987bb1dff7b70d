"""Write the dashboards beside this file from the list below: `python deploy/grafana/dashboards.py`.

A panel is a title, a kind, its questions to Prometheus and its place; what all have in common stands here once.
"""

import json
from pathlib import Path

HERE = Path(__file__).parent / "dashboards"
SOURCE = {"type": "prometheus", "uid": "prometheus"}
SIZES = {"light": (8, 4), "lines": (12, 8), "log": (12, 8)}

WATCH = [
    ("Moved", "light", ['max(mlgate_watch_light{light="moved"})'], "none"),
    ("Estimated harm", "light", ['max(mlgate_watch_light{light="estimated_harm"})'], "none"),
    ("Proven harm", "light", ['max(mlgate_watch_light{light="proven_harm"})'], "none"),
    ("Evidence, as a share of what an alarm needs", "log", ["max by (light, table) (mlgate_watch_evidence)"], "none"),
    ("Tables, less the profile", "lines", ["max by (table) (mlgate_watch_mean)"], "none"),
    (
        "Accuracy: in the profile, estimated, labelled",
        "lines",
        [
            "max(mlgate_watch_profile_accuracy)",
            "max(mlgate_watch_estimated_accuracy) and max(mlgate_watch_believed) == 1",
            "1 - max(mlgate_watch_labelled_errors) / (max(mlgate_watch_labelled_rows) > 0)",
        ],
        "percentunit",
    ),
    (
        "Rows a second: kept, dropped",
        "lines",
        ["sum(rate(mlgate_watch_rows_total[5m]))", "sum(rate(mlgate_watch_dropped_rows_total[5m]))"],
        "none",
    ),
]
SERVICE = [
    ("Model", "lines", ["count by (digest) (mlgate_model_info)"], "none"),
    ("Requests a second", "lines", ["sum by (path, status) (rate(mlgate_requests_total[5m]))"], "reqps"),
    ("Answers a second", "lines", ["sum by (label) (rate(mlgate_answers_total[5m]))"], "none"),
    ("Slowest hundredth", "lines", ["mlgate:predict_seconds:p99"], "s"),
    ("Failures", "lines", ["mlgate:failures:ratio5m", "mlgate:failures:ratio1h"], "percentunit"),
    ("Too many failures: evidence, as a share of an alarm's", "log", ["max(mlgate_error_budget_evidence)"], "none"),
    ("Swaps and refusals", "lines", ["sum(mlgate_swaps_total)", "max(mlgate_refused)"], "none"),
]


def panel(number: int, place: dict, wanted: tuple) -> dict:
    """Return a panel as Grafana reads it. wanted: title, kind, questions, unit."""
    title, kind, questions, unit = wanted
    targets = [
        {"refId": chr(ord("A") + index), "expr": question, "datasource": SOURCE}
        for index, question in enumerate(questions)
    ]
    defaults: dict = {"unit": unit}
    if kind == "light":
        words = {"0": {"text": "off", "color": "green"}, "1": {"text": "ON", "color": "red"}}
        defaults["mappings"] = [{"type": "value", "options": words}]
    if kind == "log":
        defaults["custom"] = {"scaleDistribution": {"type": "log", "log": 10}}
    return {
        "id": number,
        "type": "stat" if kind == "light" else "timeseries",
        "title": title,
        "datasource": SOURCE,
        "gridPos": place,
        "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": []},
    }


def dashboard(uid: str, title: str, panels: list[tuple]) -> dict:
    """Return a dashboard: lights three in a row, everything else two in a row."""
    made = []
    left = top = 0
    for number, wanted in enumerate(panels, 1):
        width, height = SIZES[wanted[1]]
        made.append(panel(number, {"x": left, "y": top, "w": width, "h": height}, wanted))
        left += width
        if left + width > 24:
            left, top = 0, top + height
    return {
        "uid": uid,
        "title": title,
        "tags": ["mlgate"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "utc",
        "panels": made,
        "templating": {"list": []},
        "annotations": {"list": []},
    }


def main() -> None:
    """Write both dashboards."""
    for uid, title, panels in (
        ("mlgate-watch", "mlgate: has the traffic moved?", WATCH),
        ("mlgate-service", "mlgate: the service", SERVICE),
    ):
        text = json.dumps(dashboard(uid, title, panels), indent=1)
        (HERE / f"{uid}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
