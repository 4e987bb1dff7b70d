"""What inspect, lm-eval and promptfoo write is read as it is; what is not clear in it is asked for."""

import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

from mlgate import cli
from mlgate.answers.results import Reading, score_results
from mlgate.errors import MlgateError
from mlgate.judge_files import judge_results

import pytest

ITEMS = 1_000
DICE = random.Random(0)
SHARES = {"production": 0.78, "candidate": 0.84}
BETTER = {model: [DICE.random() < share for _ in range(ITEMS)] for model, share in SHARES.items()}


def inspect(path: Path, right: list[bool], scores: tuple[str, ...] = ("match",), epochs: int = 1) -> Path:
    """As `inspect log dump` shows a log; with .eval, the archive."""
    samples = [
        {"id": number, "epoch": epoch, "input": "…", "target": "x", "scores": {
            name: {"value": "C" if well else "I", "answer": "x"} for name in scores}}
        for number, well in enumerate(right)
        for epoch in range(1, epochs + 1)
    ]  # fmt: skip
    if path.suffix == ".eval":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("summaries.json", json.dumps(samples))
    else:
        log = {"version": 2, "status": "success", "eval": {"task": "t", "model": "m"}, "plan": {}, "samples": samples}
        path.write_text(json.dumps(log))
    return path


def lm_eval(path: Path, right: list[bool], filters: tuple[str, ...] = ("none",)) -> Path:
    lines = [
        {"doc_id": number, "doc": {"question": "…"}, "target": "x", "arguments": {}, "resps": [["x"]], "filter": name,
         "filtered_resps": ["x"], "metrics": ["exact_match"], "doc_hash": "0", "exact_match": float(well)}
        for number, well in enumerate(right)
        for name in filters
    ]  # fmt: skip
    path.write_text("\n".join(json.dumps(line) for line in lines))
    return path


def promptfoo(path: Path, right: list[bool], prompts: int = 1) -> Path:
    found = [
        {"promptIdx": prompt, "testIdx": number, "success": well, "score": float(well), "vars": {"q": number},
         "namedScores": {"grade": 5 if well else 3}}
        for prompt in range(prompts)
        for number, well in enumerate(right)
    ]  # fmt: skip
    if path.suffix == ".jsonl":
        path.write_text("\n".join(json.dumps(line) for line in found))
    else:
        stats = {"successes": sum(right)}
        results = {"version": 3, "prompts": [], "results": found, "stats": stats}
        path.write_text(json.dumps({"evalId": "e", "results": results, "config": {}}))
    return path


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (inspect, "{}.json"),
        (inspect, "{}.eval"),
        (lm_eval, "samples_{}_2026-01-02T03-04-05.678.jsonl"),
        (promptfoo, "{}.json"),
        (promptfoo, "{}.jsonl"),
    ],
)
def test_a_better_model_is_promoted_and_the_mirror_rejected(tmp_path, capsys, write: Callable, name: str):
    paths = [write(folder(tmp_path / model) / name.format("t"), right) for model, right in BETTER.items()]
    options = ["--production-answers", "--candidate-answers"]
    for order, code in ((paths, 0), (paths[::-1], 4)):
        words = [str(word) for pair in zip(options, order, strict=True) for word in pair]
        assert cli.main(["judge", *words, "--fail-on", "hold"]) == code
        assert f"on {ITEMS:,} " in capsys.readouterr().out
    card = score_results(*paths, Reading())
    assert card.counts.sum() == ITEMS


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_runs_of_one_item_are_one_cluster(tmp_path):
    paths = [inspect(tmp_path / f"{model}.json", right, epochs=5) for model, right in BETTER.items()]
    once = [inspect(tmp_path / f"{model}1.json", right) for model, right in BETTER.items()]
    five_times = judge_results(*paths, Reading()).difference
    single = judge_results(*once, Reading()).difference
    assert five_times.estimate == pytest.approx(single.estimate)
    assert five_times.high - five_times.low > 0.9 * (single.high - single.low)


def test_several_tasks_are_slices(tmp_path):
    for model, right in BETTER.items():
        home = folder(tmp_path / model)
        for task in ("arc_easy", "gsm8k"):
            lm_eval(home / f"samples_{task}_2026-01-0{len(model) % 9}T03-04-05.6.jsonl", right)
    verdict = judge_results(tmp_path / "production", tmp_path / "candidate", Reading())
    assert {check.name for check in verdict.checks if check.code == "slice"} == {"slice arc_easy", "slice gsm8k"}


def test_a_grade_passes_from_where_one_says(tmp_path, capsys):
    paths = [promptfoo(tmp_path / f"{model}.json", right) for model, right in BETTER.items()]
    with pytest.raises(MlgateError, match="--pass-from"):
        score_results(*paths, Reading(score="grade"))
    assert judge_results(*paths, Reading(score="grade", pass_from=4)).decision == "PROMOTE"
    lines = [f"{5 if a else 3},{4 if b else 1}" for a, b in zip(*BETTER.values(), strict=True)]
    (tmp_path / "grades.csv").write_text("\n".join(["old,new", *lines]))
    words = ["judge", "--answers", str(tmp_path / "grades.csv"), "--right-columns", "old", "new"]
    assert cli.main([*words, "--pass-from", "4"]) == 0
    assert cli.main(words) == 1
    assert "--pass-from" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("write", "reading", "said"),
    [
        (lambda path, right: inspect(path, right, ("a", "b")), Reading(), "has the scores a, b: name one with --score"),
        (lambda path, right: inspect(path, right), Reading(score="c"), "has no score 'c'; it has match"),
        (lambda path, right: promptfoo(path, right, 2), Reading(), "more than one prompt or provider"),
        (lambda path, right: inspect(path, right), Reading(format="promptfoo"), "is not as promptfoo writes"),
        (lambda path, right: inspect(path, []), Reading(), "holds no results"),
        (lambda path, right: path.write_text("{}") and path, Reading(), "name it with --format"),
    ],
)
def test_what_is_not_clear_is_one_sentence(tmp_path, write, reading, said):
    paths = [write(tmp_path / f"{model}.json", right) for model, right in BETTER.items()]
    with pytest.raises(MlgateError, match=said):
        score_results(*paths, reading)


def test_two_filters_are_told_apart(tmp_path):
    paths = [lm_eval(tmp_path / f"{model}.jsonl", right, ("strict", "loose")) for model, right in BETTER.items()]
    with pytest.raises(MlgateError, match="more than one filter"):
        score_results(*paths, Reading())
    homes = [folder(tmp_path / model) / "samples_t.jsonl" for model in BETTER]
    both = [lm_eval(*pair, ("strict", "loose")) for pair in zip(homes, BETTER.values(), strict=True)]
    assert judge_results(*both, Reading(score="exact_match,strict")).decision == "PROMOTE"


def test_a_run_without_a_score_is_the_candidates_fault_and_productions_error(tmp_path):
    paths = [inspect(tmp_path / f"{model}.json", right) for model, right in BETTER.items()]
    log = json.loads(paths[1].read_text())
    log["samples"][3]["scores"] = None
    paths[1].write_text(json.dumps(log))
    verdict = judge_results(*paths, Reading())
    assert verdict.decision == "REJECT"
    assert "empty" in verdict.reason
    with pytest.raises(MlgateError, match="has no score for '3/1'"):
        score_results(*paths[::-1], Reading())


def test_other_items_are_an_error(tmp_path):
    paths = [inspect(tmp_path / "a.json", [True, False] * 50), inspect(tmp_path / "b.json", [True, False] * 60)]
    with pytest.raises(MlgateError, match=r"20 rows that are not in"):
        score_results(*paths, Reading())
