"""The workflow file, run: its own steps, in fresh clones, against a bare repository that stands for GitHub.

The recipes are the real ones on a small corpus of real reviews. Production is a reduced_dataset model (severity 0.2);
baseline is truly better, and reduced_dataset at severity 1 is the bad one.
"""

import copy
import json
import re
import shutil
import sys
from pathlib import Path

from mlgate import artifacts, corpus, exam, ledger, recipes
from mlgate.ledger import integrity
from mlgate.root import Root

import pandas as pd
import pytest
from conftest import GATE
from rehearse import Hub, Job, RefusedError, Run, git, working_tree

pytestmark = pytest.mark.slow
GOOD, BAD = ("baseline", ""), ("reduced_dataset", "severity = 1.0\n")
TAKEN = (
    r"\.github/|\.git\w+$|lib/|tools/lean/|notebooks/0[1-4]|artifacts_candidate/|"
    r"(Makefile|pyproject\.toml|requirements\.lock)$"
)
SIZES = {"train": 2_500, "validation": 700, "holdout": 1_200, "live": 100}
OLD = "1.0.0"  # the scikit-learn that production's card names, where a test wants a stale one


@pytest.fixture(scope="session")
def seed(tmp_path_factory) -> Root:
    """A root with a small corpus inside it and a production model."""
    root = Root(tmp_path_factory.mktemp("seed"))
    reviews = corpus.load()
    short = reviews[reviews["text"].str.len() < 1_200]
    parts = [short[short["split"] == name].sample(size, random_state=0) for name, size in SIZES.items()]
    pd.concat(parts).sort_index()[["text", "label", "source"]].to_csv(root.path / "reviews.csv", index=False)
    own = "\n[corpus]\npath = 'reviews.csv'\nslice_column = 'source'\n"
    root.policy.write_text(GATE.read_text(encoding="utf-8") + own, encoding="utf-8")
    recipe, train = recipes.named("reduced_dataset"), corpus.split("train", root)
    pipeline = recipe.train(train, 0.2)
    pipeline.named_steps["classifier"].max_iter += 1  # as another version would: the same answers, other bytes
    exam.bootstrap(root, pipeline, recipe.facts(train, 0.2))
    return root


@pytest.fixture(scope="module")
def untouched_hub(seed, tmp_path_factory) -> Hub:
    """This repository with the seed's corpus and production, one quick test, and nothing to lint but the workflow."""
    files: dict[str, Path | str] = {name: path for name, path in working_tree().items() if re.match(TAKEN, name)}
    for path in seed.path.rglob("*"):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(seed.path).parts):
            files[str(path.relative_to(seed.path))] = path
    files["ruff.toml"] = 'extend-exclude = ["lib", "notebooks"]\n'
    files["tests/test_nothing.py"] = "def test_nothing():\n    pass\n"
    made = Hub(tmp_path_factory.mktemp("hubs") / "hub", files, venv=Path(sys.prefix))
    made.without = {"Test the gate itself"}  # a minute, and tests/trust runs it
    return made


@pytest.fixture
def hub(untouched_hub, tmp_path, monkeypatch) -> Hub:
    """An `untouched_hub` of the test's own."""
    monkeypatch.setenv("ARGS", "-n 0")  # for `make test`, which has one quick test here
    return twin_of(untouched_hub, tmp_path / "hub")


def twin_of(hub: Hub, folder: Path) -> Hub:
    """The same hub in another folder."""
    twin = copy.copy(hub)
    twin.folder, twin.remote, twin.person = folder, folder / hub.remote.name, folder / hub.person.name
    shutil.copytree(hub.folder, folder, symlinks=True)
    git(twin.person, "remote", "set-url", "origin", str(twin.remote))
    return twin


@pytest.fixture(scope="module")
def untouched_race(untouched_hub, tmp_path_factory) -> list[Run]:
    """Two pushes of a better model one after the other, and the first one's run as far as its verdict."""
    hub = twin_of(untouched_hub, tmp_path_factory.mktemp("race") / "hub")
    runs = [quick(hub.push(f"Push {number}", candidate(hub, *GOOD))) for number in (1, 2)]
    for name in ("check", "gate"):
        runs[0].job(name)
    return runs


@pytest.fixture
def race(untouched_race, tmp_path) -> list[Run]:
    """An `untouched_race` on a hub of the test's own."""
    hub = twin_of(untouched_race[0].hub, tmp_path / "hub")
    runs = [copy.copy(run) for run in untouched_race]
    for run in runs:
        run.hub, run.folder, run.jobs = hub, hub.folder / run.folder.name, dict(run.jobs)
    return runs


def candidate(hub: Hub, recipe: str, severity: str) -> dict[str, str]:
    """A gate.toml that makes CI train this."""
    policy = (hub.person / "gate.toml").read_text(encoding="utf-8")
    return {"gate.toml": re.sub(r'recipe = "\w+".*\n(severity = .*\n)?', f'recipe = "{recipe}"\n{severity}', policy)}


def served(hub: Hub) -> str:
    """The digest that a fresh clone of main would serve: it is verified, and the model loads."""
    clone = Root(hub.clone(hub.folder / f"served{len(list(hub.folder.iterdir()))}"))
    assert artifacts.load_production(clone).digest == integrity.verify(clone)
    return artifacts.load_production(clone).digest


def lines(hub: Hub) -> list[str]:
    text = git(hub.remote, "show", "main:artifacts_prod/ledger.jsonl")
    return [json.loads(line)["kind"] for line in text.splitlines() if json.loads(line)["kind"] != "holdout"]


def results(run: Run) -> list[str]:
    """What came of the three jobs. What they printed is shown where a test fails."""
    print(*[f"== {job.name} ==\n{job.log}" for job in run.jobs.values()], sep="\n")
    return [run.jobs[name].result for name in ("check", "gate", "record")]


def quick(run: Run) -> Run:
    """Without lint and tests, which other tests here run."""
    run.without |= {"Lint", "Test"}
    return run


def test_a_better_model_is_promoted_once_though_runs_race_and_after_a_rollback_only_by_hand(race):
    hub = race[0].hub
    before, start = served(hub), hub.tip("main~2")
    race[1].without.add("Report")  # the first one's is read below
    for name in ("check", "gate"):  # as if there were no queue: neither is recorded yet
        race[1].job(name)
    for run in race:
        run.job("record")
    assert [results(run) for run in race] == [["success"] * 3] * 2
    assert lines(hub) == ["bootstrap", "look", "promotion"]
    better = served(hub)
    assert better != before
    assert f"Promote {better[:12]} [skip ci]" in hub.message()
    added = git(hub.remote, "log", "--format=%an %s", f"{start}..main").splitlines()
    assert [line.split()[0] for line in added] == ["github-actions[bot]", "person", "person"]
    assert "Recorded on main" in race[0].jobs["record"].summary
    assert "Nothing to record" in race[1].jobs["record"].summary
    page = race[0].jobs["gate"].summary
    for part in ("## PROMOTE", "**Difference: +", "| slice |", "Flipped validation reviews", "looks left", before[:12]):
        assert part in page
    assert "**The same again:** `git checkout" in page
    assert "::notice title=mlgate::Promote new model" in race[0].jobs["gate"].log
    kept = race[0].folder / "artifacts" / "judged"
    assert (kept / "runs" / "04_promote_winner.html").is_file()
    verdict = json.loads((kept / "artifacts_candidate" / "verdict.json").read_text())
    assert verdict["decision"] == "PROMOTE"
    [reproducible] = [check for check in verdict["checks"] if check["code"] == "reproducible"]
    assert reproducible["reason"] == "this very run trained it"

    with pytest.raises(RefusedError, match="skip ci"):  # no loop: what the bot pushed starts nothing
        hub.event("push", "refs/heads/main")

    back = hub.dispatch(what="rollback").finish()
    assert results(back) == ["success"] * 3
    assert served(hub) == before
    assert f"Production is `{before[:12]}`" in back.jobs["gate"].summary

    after = quick(hub.push("The same model once more", {})).finish()  # no look, no commit
    assert results(after) == ["success"] * 3
    assert hub.message().strip() == "The same model once more"
    assert "HOLD" in after.jobs["gate"].summary
    assert "was rolled back" in after.jobs["gate"].summary
    assert "::warning title=mlgate::Keep production model" in after.jobs["gate"].log
    assert after.jobs["notebooks"].result == "skipped"
    assert served(hub) == before
    assert lines(hub) == ["bootstrap", "look", "promotion", "rollback"]


def test_a_bad_model_never_reaches_main_and_a_pull_request_writes_nothing(hub):
    before, tip = served(hub), hub.tip()
    proposal = hub.pull_request("A bad model", candidate(hub, *BAD)).finish()
    assert results(proposal) == ["success", "failure", "skipped"]
    assert proposal.jobs["check"].steps["Lint"] == proposal.jobs["check"].steps["Test"] == "success"
    assert "_A preview on validation rows: nothing moves, no look is spent._" in proposal.jobs["gate"].summary
    assert "REJECT" in proposal.jobs["gate"].summary
    assert hub.tip() == tip

    run = quick(hub.push("A bad model", candidate(hub, *BAD))).finish()
    assert results(run) == ["success", "failure", "success"]
    assert "## REJECT" in run.jobs["gate"].summary
    assert "::error title=mlgate::Reject new model" in run.jobs["gate"].log
    assert run.jobs["gate"].steps["Keep notebooks, verdict and models"] == "success"
    assert lines(hub) == ["bootstrap", "rejection"]
    assert served(hub) == before

    ledger = git(hub.remote, "show", "main:artifacts_prod/ledger.jsonl")
    shorter = "".join(ledger.splitlines(keepends=True)[:-1])
    cut = quick(hub.push("A line less", {"artifacts_prod/ledger.jsonl": shorter})).finish()
    assert results(cut) == ["failure", "skipped", "skipped"]
    assert "does not go on from" in cut.jobs["check"].log
    hub.push("As it was", {"artifacts_prod/ledger.jsonl": ledger})

    tip = hub.tip()
    prose = quick(hub.pull_request("Words", {"README.md": "# Words\n", "docs/more.md": "# More\n"})).finish()
    assert results(prose) == ["success", "skipped", "skipped"]

    by_hand = hub.pull_request("By hand", {"artifacts_prod/pipeline.pkl": "mine"})
    assert results(by_hand.finish()) == ["failure", "skipped", "skipped"]
    assert "it was not put there by a promotion" in by_hand.jobs["check"].log

    forged = hub.pull_request("A card by hand", {"artifacts_prod/cards/note.txt": "mine"}).finish()
    assert results(forged) == ["failure", "skipped", "skipped"]
    assert "This change edits artifacts_prod/cards/note.txt" in forged.jobs["check"].log
    assert hub.tip() == tip


def refresh_nobody_asked_for(judged: Root) -> None:
    """A line and a model that no exam saw, in a folder that holds together."""
    data = artifacts.dump(
        recipes.named("reduced_dataset").train(corpus.split("train").sample(2_500, random_state=0), 1.0)
    )
    old = judged.previous.read_bytes()
    judged.production.write_bytes(data)
    (judged.cards / f"{artifacts.digest(data)}.json").write_text(json.dumps({"digest": artifacts.digest(data)}))
    move = {"from": artifacts.digest(old), "to": artifacts.digest(data), "begun": ledger.now()}
    judged.ledger.write_bytes(b"".join(judged.ledger.read_bytes().splitlines(keepends=True)[:2]))
    ledger.append(judged, "refresh", **move)


def verdict_of_another_model(judged: Root) -> None:
    """The verdict of the model that won, with another one's digest in it."""
    data = b""
    for entry in ledger.read(judged):
        if entry["kind"] == "look":
            entry["verdict"]["candidate"]["digest"] = "0" * 64
        if entry["kind"] == "promotion":
            continue
        data = ledger.chained(data, entry)
    judged.ledger.write_bytes(data)
    judged.production.write_bytes(judged.previous.read_bytes())
    judged.previous.unlink()


def test_what_the_gate_job_could_forge_and_what_main_took_back_are_not_recorded(race):
    run, hub = race[0], race[0].hub
    before = served(hub)
    assert [run.jobs[name].result for name in ("check", "gate")] == ["success"] * 2
    judged = run.folder / "artifacts" / "judged"
    honest = shutil.copytree(judged, run.folder / "honest")
    for forge, said in (
        (refresh_nobody_asked_for, "started for a promotion, and its ledger brings a refresh"),
        (verdict_of_another_model, "its verdict is not the one whose sha256 it names"),
    ):
        tip = hub.tip()
        forge(Root(judged))
        forged = again(run)
        assert forged.result == "failure", forged.log
        assert said in forged.log
        assert hub.tip() == tip
        shutil.rmtree(judged)
        shutil.copytree(honest, judged)
    hub.push("Taken back", candidate(hub, *BAD))
    late = again(run)
    assert late.result == "failure", late.log
    assert "meanwhile gate.toml on main says something else under [candidate]" in late.log
    assert lines(hub) == ["bootstrap", "look"]
    assert served(hub) == before


def again(run: Run) -> Job:
    """Run the record job, on a fresh machine."""
    shutil.rmtree(run.folder / "record", ignore_errors=True)
    return run.job("record")


def test_by_hand_a_preview_a_submission_and_a_refresh(hub):
    before, tip = served(hub), hub.tip()
    show = hub.dispatch(recipe="reduced_dataset", severity="1").finish()
    assert results(show) == ["success", "failure", "skipped"]
    assert show.jobs["check"].steps["Test"] == "skipped"  # on a stage, seconds count
    assert "REJECT" in show.jobs["gate"].summary
    assert "--recipe reduced_dataset --severity 1 --preview" in show.jobs["gate"].summary
    assert hub.tip() == tip

    submitted = hub.dispatch(recipe="reduced_dataset", severity="1", submit=True)
    submitted.without.add("Report")  # the preview's is read above
    submitted.finish()
    assert results(submitted) == ["success", "failure", "success"]
    assert lines(hub) == ["bootstrap", "rejection"]

    elsewhere = hub.dispatch(ref=hub.pull_request("x", {}).ref, what="rollback").finish()
    assert results(elsewhere) == ["failure", "skipped", "skipped"]
    assert "Choose the default branch" in elsewhere.jobs["check"].log
    with pytest.raises(RefusedError, match="the form has no recipe=own"):
        hub.dispatch(recipe="own")

    fresh = hub.dispatch(what="refresh").finish()
    assert results(fresh) == ["success"] * 3
    assert "Nothing to refresh" in fresh.jobs["gate"].log
    card = f"artifacts_prod/cards/{before}.json"
    facts = json.loads(git(hub.remote, "show", f"main:{card}"))
    facts["versions"]["scikit-learn"] = OLD
    hub.push("Trained long ago", {card: json.dumps(facts)})
    fresh = hub.dispatch(what="refresh").finish()
    assert f"was trained with scikit-learn {OLD}" in fresh.jobs["check"].log
    assert results(fresh) == ["success"] * 3
    assert lines(hub) == ["bootstrap", "rejection", "refresh"]
    assert served(hub) != before
    assert hub.message().startswith(f"Refresh as {served(hub)[:12]}")


def spoil(hub: Hub, name: str, source: str) -> dict[str, str]:
    """A notebook with one more cell, after its setup."""
    path = next((hub.person / "notebooks").glob(f"{name}_*.ipynb"))
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cell = {
        "cell_type": "code",
        "id": "spoilt",
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }
    cells = notebook["cells"]
    place = next(number for number, cell in enumerate(cells) if "find_root()" in "".join(cell["source"])) + 1
    notebook["cells"] = [*cells[:place], cell | {"execution_count": None}, *cells[place:]]
    return {f"notebooks/{path.name}": json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"}


def test_whatever_dies_fails_the_job_and_main_stays(hub):
    before = served(hub)
    full = "raise OSError(28, 'No space left on device')"
    dead = quick(hub.push("Dies", spoil(hub, "02", full))).finish()
    assert results(dead) == ["success", "failure", "success"]
    assert "## No verdict: the run failed" in dead.jobs["gate"].summary
    said = dead.jobs["gate"].summary.replace("\\", "")  # of Markdown
    assert "02_train_candidate stopped with OSError: [Errno 28] No space left" in said
    assert "Nothing to record" in dead.jobs["record"].summary
    assert (dead.folder / "artifacts" / "judged" / "runs" / "02_train_candidate.html").is_file()

    git(hub.person, "checkout", "--quiet", "HEAD~1", "--", "notebooks")
    killed = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    silent = quick(hub.push("Killed", spoil(hub, "02", killed))).finish()
    assert results(silent) == ["success", "failure", "success"]
    assert "DeadKernelError" in silent.jobs["gate"].summary
    assert lines(hub) == ["bootstrap"]
    assert served(hub) == before


def test_a_full_disk_and_a_lost_artifact_fail_their_jobs(hub):
    run = hub.dispatch(what="rollback", submit=True)
    run.job("check")
    run.environment["GITHUB_STEP_SUMMARY"] = "/dev/full"
    gate = run.job("gate")
    assert gate.steps["Roll back"] == "failure"  # there is nothing to go back to, and it says so
    assert gate.steps["Report"] == "failure"
    assert "No space left on device" in gate.log
    (run.folder / "artifacts" / "judged").rename(run.folder / "lost")
    assert run.job("record").result == "failure"
