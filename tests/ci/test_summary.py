"""The report says what happened, whatever happened."""

import json
import os
import shutil
import subprocess

from mlgate import corpus, exam, recipes
from mlgate.answers import scoring
from mlgate.artifacts import load_candidate, load_production, write_candidate
from mlgate.ci import summary
from mlgate.cli import commands, main
from mlgate.errors import MlgateError
from mlgate.root import Root

import pytest


def put(root: Root, model) -> None:
    write_candidate(root, model.pipeline, recipes.named("baseline").facts(corpus.split("train", root)))


@pytest.fixture(scope="module")
def untouched_preview(untouched_production, worse_model, tmp_path_factory) -> Root:
    root = Root(tmp_path_factory.mktemp("preview") / "root")
    shutil.copytree(untouched_production.path, root.path)
    put(root, worse_model)
    exam.preview(root, scoring.score(load_production(root), load_candidate(root), corpus.rows_of("validation", root)))
    return root


@pytest.fixture
def previewed(untouched_preview, tmp_path) -> Root:
    """A root of the test's own with a preview that says REJECT."""
    shutil.copytree(untouched_preview.path, tmp_path / "root")
    return Root(tmp_path / "root")


def executed(root: Root, name: str, *outputs: dict) -> None:
    """A notebook that was run just now."""
    root.runs.mkdir(exist_ok=True)
    cells = [{"cell_type": "markdown"}, {"cell_type": "code", "outputs": list(outputs)}]
    (root.runs / f"{name}.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")


def error(name: str, value: str) -> dict:
    return {"output_type": "error", "ename": name, "evalue": value}


@pytest.mark.slow
def test_a_preview_is_told_as_one(previewed):
    said = summary.of(previewed)
    page = summary.markdown(said)
    assert page.startswith("_A preview on validation rows")
    for part in (
        "## REJECT",
        "**Difference: -",
        "| slice imdb",
        "Flipped validation reviews",
        "right → wrong",
        "looks left",
    ):
        assert part in page
    assert summary.annotation(said)[0] == "error"
    assert summary.annotation(said)[1].startswith("Preview: Reject new model: ")
    assert summary.text(said).startswith("REJECT on")


@pytest.mark.slow
def test_reviews_cannot_break_the_page(previewed):
    page = summary.markdown(summary.of(previewed))
    table = page.split("<details>")[1].split("</details>")[0].split("</summary>")[1]
    assert "<" not in table
    rows = [line.replace("\\|", "") for line in table.strip().splitlines()]
    assert {row.count("|") for row in rows} == {5}


@pytest.mark.slow
def test_no_sealed_row_is_shown(root_with_production, better_model):
    root = root_with_production
    put(root, better_model)
    exam.act_on(root, exam.take(root))
    page = summary.markdown(summary.of(root))
    assert "## PROMOTE" in page
    assert "Flipped validation reviews" in page  # both models are still at hand: one is the previous one now
    assert not any(text[:60] in page for text in corpus.split("holdout", root)["text"])


def test_a_notebook_that_died_is_named_before_any_older_verdict(previewed):
    executed(previewed, "03_compare_models", error("CandidateRejected", "an answer"))
    assert summary.of(previewed).failure is None
    executed(previewed, "04_promote_winner", error("DeadKernelError", "the kernel\ndied"))
    said = summary.of(previewed)
    assert said.failure == "04_promote_winner stopped with DeadKernelError: the kernel died"
    assert said.verdict is None
    assert "## No verdict: the run failed" in summary.markdown(said)
    assert summary.annotation(said) == ("error", said.failure)


def test_what_an_older_run_left_is_not_what_this_one_did(previewed):
    executed(previewed, "04_promote_winner", error("ValueError", "long ago"))
    os.utime(previewed.runs / "04_promote_winner.ipynb", (0, 0))
    assert summary.of(previewed).failure is None


def test_without_a_candidate_it_says_what_is_in_production(root_with_production):
    said = summary.of(root_with_production)
    assert f"## Production is `{said.production[:12]}`" in summary.markdown(said)
    assert summary.annotation(said)[0] == "notice"


def test_without_anything_it_still_says_so(root):
    assert "not there yet" in summary.markdown(summary.of(root))


@pytest.mark.slow
def test_the_command_adds_the_page_to_a_file_and_annotates_for_github(previewed, tmp_path, monkeypatch, capsys):
    page = tmp_path / "page.md"
    page.write_text("before\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert main(["--root", str(previewed.path), "report", "--summary", str(page)]) == 0
    assert page.read_text(encoding="utf-8").startswith("before\n_A preview")
    assert capsys.readouterr().out.splitlines()[-1].startswith("::error title=mlgate::Preview: Reject")
    monkeypatch.delenv("GITHUB_ACTIONS")
    assert main(["--root", str(previewed.path), "report", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"]["decision"] == "REJECT"


@pytest.mark.parametrize(
    "field",
    [{"recipe": "baseline; echo pwned #"}, {"severity": "0.1; echo pwned"}, {"recipe": None}, []],
    ids=["recipe", "severity", "no recipe", "no card"],
)
def test_the_same_again_is_built_from_known_names_alone(previewed, field):
    card = json.loads(previewed.candidate_card.read_text(encoding="utf-8"))
    git = ["git", "-C", str(previewed.path), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "a"], check=True)
    assert "--recipe baseline --preview" in summary.of(previewed).again
    changed = {**card, **field} if field else field
    previewed.candidate_card.write_text(json.dumps(changed), encoding="utf-8")
    assert summary.of(previewed).again is None
    assert "pwned" not in summary.text(summary.of(previewed))


STRANGE = "x\n\n## Promote\r\n<h2>a</h2>\n::error::b ##[error]c \x1b[31m![d](https://e) @f www.g `h`\u202e"


def test_words_of_strangers_stay_words_on_the_page_in_the_terminal_and_in_the_log(previewed, monkeypatch, capsys):
    executed(previewed, "04_promote_winner", error("ValueError", STRANGE))
    said = summary.of(previewed)
    page = summary.markdown(said)
    assert "\\#\\# Promote &lt;h2&gt;a&lt;/h2&gt;" in page
    for part in ("<h2>", "##[", "![", "://", "www.", "\n::", "\x1b", "\u202e"):
        assert part not in page
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert main(["--root", str(previewed.path), "report"]) == 0
    *lines, annotation = capsys.readouterr().out.splitlines()
    assert annotation.startswith("::error title=mlgate::04_promote_winner stopped with ValueError: x ## Promote")
    for line in lines:
        assert not line.lstrip().startswith("::")
        assert "##[" not in line
        assert line.isprintable()


@pytest.mark.parametrize("said", ["a\n::b", "a\r\n::error::b", "100%0A::b", "\x1b[2Ja"])
def test_an_error_is_one_line_of_the_terminal_and_one_of_the_log(said, monkeypatch, capsys):
    def fails(options):
        raise MlgateError(said)

    monkeypatch.setattr(commands, "recipes_command", fails)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert main(["recipes"]) == 1
    shown = capsys.readouterr()
    assert shown.err.count("\n") == shown.out.count("\n") == 1
    assert shown.err.strip("\n").isprintable()
    assert "%0A" not in shown.out.replace("%250A", "")


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"decision": 1}', '{"decision": "PROMOTE", "checks": 5}'])
def test_a_file_that_is_no_verdict_is_one_sentence(previewed, content):
    previewed.preview.write_text(content, encoding="utf-8")
    with pytest.raises(MlgateError, match=r"preview\.json is no verdict.*(03|again)"):
        summary.of(previewed)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("production", "digest"), 5),
        (("candidate", "accuracy"), "0.9"),
        (("rows", "count"), 10**30),
        (("checks",), [[]]),
        (("checks", 0, "status"), "maybe"),
        (("checks", 0, "reason"), None),
        (("slices",), "imdb"),
        (("slices", 0, "low"), float("nan")),
        (("discordant", "candidate_only_right"), "5"),
        (("look", "left"), "many"),
        (("policy",), 5),
        (("versions",), {"python": 3}),
        (("fragility",), [1]),
        (("reason",), {"a": 1}),
    ],
    ids=str,
)
def test_a_field_of_another_type_is_no_verdict(previewed, place, value):
    verdict = json.loads(previewed.preview.read_text(encoding="utf-8"))
    part = verdict
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = value
    previewed.preview.write_text(json.dumps(verdict), encoding="utf-8")
    with pytest.raises(MlgateError, match=r"preview\.json is no verdict"):
        summary.of(previewed)


@pytest.mark.parametrize("content", ["{", "[]", '{"cells": 5}', '{"cells": [5]}'])
def test_half_a_notebook_is_a_run_that_failed(previewed, content):
    previewed.runs.mkdir(exist_ok=True)
    (previewed.runs / "03_compare_models.ipynb").write_text(content, encoding="utf-8")
    assert "03_compare_models" in summary.of(previewed).failure
