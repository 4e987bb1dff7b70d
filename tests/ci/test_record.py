"""What a run decided reaches main whole or not at all, exactly once, and only while the verdict still holds."""

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mlgate import artifacts, corpus, exam, ledger, promotion, recipes, watch
from mlgate.ci import alarms, evidence, record
from mlgate.ci.evidence import Started
from mlgate.ci.record import Stale
from mlgate.errors import MlgateError
from mlgate.exam import holdout
from mlgate.ledger import integrity
from mlgate.root import Root

import pytest
from chromium import wait_until
from conftest import trained
from rehearse import REPOSITORY, Hub, clean_environment, git
from servers import keep_every_row, served

pytestmark = pytest.mark.slow


@pytest.fixture
def hub(root_with_production, tmp_path) -> Hub:
    """A bare repository whose main holds a sound artifacts_prod/."""
    kept = [path for path in root_with_production.path.rglob("*") if path.is_file() and not hidden(path)]
    return Hub(tmp_path / "hub", {str(path.relative_to(root_with_production.path)): path for path in kept})


@pytest.fixture(autouse=True)
def as_a_runner(monkeypatch):
    """No one's own git settings, and GitHub's variables."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    for name, value in clean_environment().items():
        if name.startswith("GIT_CONFIG"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setattr("time.sleep", lambda seconds: None)


@pytest.fixture(scope="session")
def other_model(small_train):
    """Another truly better model than `baseline_model`."""
    return trained("baseline", small_train.head(1_900))


@pytest.fixture(scope="session")
def similar_model(small_train):
    """A model that is about as good as `baseline_model`: it costs a look, and keeps it."""
    return trained("baseline", small_train.head(550))


def hidden(path: Path) -> bool:
    return path.name.startswith(".") and not path.name.startswith(".git")


def runner(hub: Hub, name: str) -> Root:
    """A clone that may push, as the record job's, in which a run can judge."""
    path = hub.clone(hub.folder / name)
    git(path, "config", "remote.origin.receivepack", "REHEARSAL_TOKEN=write git-receive-pack")
    return Root(path)


def put(root: Root, model) -> None:
    """Make this model the candidate, as if it had been trained on the root's own rows."""
    artifacts.write_candidate(root, model.pipeline, recipes.named("baseline").facts(corpus.split("train", root)))


@pytest.fixture(scope="session")
def judge(tmp_path_factory):
    """judge(root, model): the exam, and what it decides done (`act`). The same exam is not taken twice a session."""
    kept = tmp_path_factory.mktemp("exams")
    taken: dict[tuple, tuple[str, Path]] = {}

    def judge(root: Root, model, act: bool = True) -> str:
        key = (root.ledger.read_bytes(), root.policy.read_bytes(), model.digest, act)
        if key not in taken:
            put(root, model)
            verdict = exam.take(root)
            if act:
                exam.act_on(root, verdict)
            taken[key] = verdict.decision, shutil.copytree(root.production_folder, kept / str(len(taken)))
        decision, folder = taken[key]
        shutil.copytree(folder, root.production_folder, dirs_exist_ok=True)
        return decision

    return judge


def take_alone(root: Root, model) -> None:
    """An exam that no other root has taken: the same verdict, at another time."""
    put(root, model)
    exam.act_on(root, exam.take(root))


def on_main(hub: Hub) -> Root:
    """Main as anybody gets it now, its artifacts_prod/ found sound."""
    path = hub.folder / "reader"
    shutil.rmtree(path, ignore_errors=True)
    root = Root(hub.clone(path))
    integrity.verify(root)
    return root


def kinds(root: Root) -> list[str]:
    return [entry["kind"] for entry in ledger.read(root) if entry["kind"] != "holdout"]


def changed(hub: Hub, before: str) -> set[str]:
    names = git(hub.remote, "diff", "--name-only", before, "main").split()
    return {name.split("/")[0] for name in names}


# What is recorded


def test_a_promotion_is_one_commit_of_artifacts_prod_by_the_bot(hub, better_model, judge):
    run, before = runner(hub, "run"), hub.tip()
    assert judge(run, better_model) == "PROMOTE"
    said = record.record(run, run)
    assert said == f"Recorded on main: Promote {better_model.digest[:12]}."
    assert git(hub.remote, "rev-list", "--count", f"{before}..main").strip() == "1"
    assert changed(hub, before) == {"artifacts_prod"}
    assert git(hub.remote, "log", "-1", "--format=%an", "main").strip() == "github-actions[bot]"
    main = on_main(hub)
    assert kinds(main) == ["bootstrap", "look", "promotion"]
    assert artifacts.load_production(main).digest == better_model.digest
    assert main.ledger.read_bytes() == run.ledger.read_bytes()


def test_the_bots_commit_asks_for_no_workflow_whatever_the_token(hub, better_model, judge):
    run = runner(hub, "run")
    judge(run, better_model)
    record.record(run, run)
    assert "[skip ci]" in hub.message().splitlines()[0]


def test_a_rejection_is_recorded_and_production_stays_byte_for_byte(hub, worse_model, baseline_model, judge):
    run, before = runner(hub, "run"), hub.tip()
    assert judge(run, worse_model) == "REJECT"
    assert "Keep production: REJECT" in record.record(run, run)
    assert git(hub.remote, "diff", "--name-only", before, "main").split() == ["artifacts_prod/ledger.jsonl"]
    assert artifacts.load_production(on_main(hub)).digest == baseline_model.digest


def test_nothing_decided_is_no_commit(hub, baseline_model, judge):
    run, before = runner(hub, "run"), hub.tip()
    assert judge(run, baseline_model) == "HOLD"
    assert record.record(run, run).startswith("Nothing to record")
    assert hub.tip() == before


def test_recording_twice_is_recording_once(hub, better_model, judge):
    run = runner(hub, "run")
    judge(run, better_model)
    record.record(run, run)
    after = hub.tip()
    assert record.record(run, run).startswith("Nothing to record")
    assert hub.tip() == after


def test_a_first_model_is_recorded_where_there_was_none(hub, baseline_model):
    removed = git(hub.person, "ls-files", "artifacts_prod").split()
    commit(hub, dict.fromkeys(removed))
    run = runner(hub, "run")
    exam.bootstrap(run, baseline_model.pipeline, {"recipe": "baseline"})
    assert record.record(run, run) == f"Recorded on main: First model {baseline_model.digest[:12]}."
    assert kinds(on_main(hub)) == ["bootstrap"]


def test_a_rollback_is_recorded(hub, better_model, baseline_model, judge):
    first = runner(hub, "first")
    judge(first, better_model)
    record.record(first, first)
    second = runner(hub, "second")
    promotion.rollback(second)
    assert record.record(second, second) == f"Recorded on main: Roll back to {baseline_model.digest[:12]}."
    main = on_main(hub)
    assert artifacts.load_production(main).digest == baseline_model.digest
    assert artifacts.digest(main.previous.read_bytes()) == better_model.digest


def commit(hub: Hub, files: dict) -> None:
    """Somebody else's commit on main."""
    git(hub.person, "fetch", "--quiet", "origin", "main")
    git(hub.person, "checkout", "--quiet", "-B", "main", "FETCH_HEAD")
    hub._commit("Something else", files)
    hub._push("HEAD:refs/heads/main")


def renew_holdout(root: Root, reviews, folder: Path) -> None:
    """Make 500 reviews that nobody has read the root's holdout."""
    rows, known = folder / "rows.csv", set(corpus.load(root)["text"])
    new = reviews.train[~reviews.train["text"].isin(known)].sample(500, random_state=0)
    new[["text", "label", "source"]].to_csv(rows, index=False)
    holdout.renew(root, corpus.Source(rows, slice_column="source"))


def test_a_new_holdout_is_recorded_with_its_rows(hub, reviews, tmp_path):
    run = runner(hub, "run")
    renew_holdout(run, reviews, tmp_path)
    assert record.record(run, run) == "Recorded on main: New holdout rows."
    main = on_main(hub)
    assert ledger.current_holdout(ledger.read(main))["generation"] == 2
    assert (corpus.load(main)["split"] == "holdout").sum() == 500


# Only what the run was started for


def forge_move(root: Root, model, kind: str) -> None:
    """A move that nobody judged, in a folder that holds together: the model, its card, a line."""
    old = root.production.read_bytes()
    root.previous.write_bytes(old)
    root.production.write_bytes(artifacts.dump(model.pipeline))
    (root.cards / f"{model.digest}.json").write_text(json.dumps({"digest": model.digest}))
    moved = {"from": artifacts.digest(old), "to": model.digest, "begun": ledger.now()}
    ledger.append(root, kind, **moved)


@pytest.mark.parametrize("kind", ["refresh", "rollback", "bootstrap"])
def test_a_run_that_judges_brings_no_other_kind_of_move(kind, hub, worse_model):
    run, before = runner(hub, "run"), hub.tip()
    forge_move(run, worse_model, kind)
    with pytest.raises(MlgateError, match=f"started for a promotion.* brings a {kind}|this {kind} cannot be"):
        record.record(run, run, started=Started("promotion"))
    assert hub.tip() == before


@pytest.mark.parametrize("expected", ["rollback", "refresh", "holdout"])
def test_a_run_that_judges_nothing_brings_no_verdict(expected, hub, better_model, judge):
    run, before = runner(hub, "run"), hub.tip()
    judge(run, better_model)
    with pytest.raises(MlgateError, match=f"started for a {expected}, and its ledger brings a look"):
        record.record(run, run, started=Started(expected))
    assert hub.tip() == before


def test_a_run_moves_production_once(hub, better_model, judge):
    run = runner(hub, "run")
    judge(run, better_model)
    line = ledger.moves(ledger.read(run))[-1]
    with pytest.raises(MlgateError, match="moves production 2 times"):
        evidence.require_expected(run, [line, line], Started("promotion"), {})


def test_what_a_run_was_started_for_is_recorded(hub, better_model, baseline_model, judge, capsys):
    from mlgate.cli import main

    first = runner(hub, "first")
    judge(first, better_model)
    assert main(["--root", str(first.path), "record", "--expect", "promotion"]) == 0
    second = runner(hub, "second")
    promotion.rollback(second)
    assert main(["--root", str(second.path), "record", "--expect", "promotion"]) == 1
    assert "started for a promotion, and its ledger brings a rollback" in capsys.readouterr().err
    assert main(["--root", str(second.path), "record", "--expect", "rollback"]) == 0
    assert artifacts.load_production(on_main(hub)).digest == baseline_model.digest


def retold(root: Root, change, sha256: bool = True) -> None:
    """Change the lines of a ledger and chain them anew. sha256: the look and the promotion name the changed verdict."""
    entries = change(ledger.read(root))
    named = {}
    data = b""
    for entry in entries:
        if sha256 and "verdict_sha256" in entry:
            if "verdict" in entry:
                named[entry["verdict_sha256"]] = artifacts.digest(artifacts.to_json(entry["verdict"]))
            entry["verdict_sha256"] = named.get(entry["verdict_sha256"], entry["verdict_sha256"])
        data = ledger.chained(data, entry)
    root.ledger.write_bytes(data)


def in_the(kind: str, **facts):
    """Change these facts in the last line of this kind. A name with dots is the way to it."""

    def change(entries: list) -> list:
        line = [entry for entry in entries if entry["kind"] == kind][-1]
        for way, value in facts.items():
            *folders, name = way.split("__")
            place = line
            for folder in folders:
                place = place[folder]
            place[name] = value
        return entries

    return change


def checks_that_pass(entries: list) -> list:
    for entry in entries:
        for check in entry["verdict"]["checks"] if entry["kind"] == "look" else []:
            check["status"] = "pass"
    return entries


def without_check(code: str):
    def change(entries: list) -> list:
        verdict = next(entry for entry in entries if entry["kind"] == "look")["verdict"]
        verdict["checks"] = [check for check in verdict["checks"] if check["code"] != code]
        return entries

    return change


def failing(code: str):
    def change(entries: list) -> list:
        verdict = next(entry for entry in entries if entry["kind"] == "look")["verdict"]
        next(check for check in verdict["checks"] if check["code"] == code)["status"] = "fail"
        return entries

    return change


def spent(entries: list) -> list:
    """All looks but the last were taken before it."""
    at = next(number for number, entry in enumerate(entries) if entry["kind"] == "look")
    return [*entries[:at], *[entries[at]] * 40, *entries[at:]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (failing("slice"), "its own checks make REJECT, and it says PROMOTE"),
        (failing("negative_flips"), "its own checks make HOLD, and it says PROMOTE"),
        (without_check("leakage"), "PROMOTE without the check leakage"),
        (without_check("difference"), "PROMOTE without the check difference"),
        (in_the("look", verdict__discordant__candidate_only_right=1), "its own counts say fail of the difference"),
        (in_the("look", verdict__discordant__production_only_right=-1), "its counts do not fit its rows"),
        (in_the("look", verdict__candidate__accuracy=0.99), "its figures are not those of its counts"),
        (in_the("look", verdict__policy__alpha=0.5), "under other demands than gate.toml's"),
        (in_the("look", verdict__rows__digest="0" * 64), "about other rows than the holdout has"),
        (in_the("look", verdict__rows__count=1_000_000), "about other rows than the holdout has"),
        (in_the("look", alpha=0.05), "at another level than gate.toml's"),
        (in_the("look", generation=2), "another generation than the holdout's"),
        (in_the("look", corpus={"path": "mine.csv"}), r"another \[corpus\] than gate.toml names"),
        (in_the("look", verdict__checks=None), "it cannot be read"),
        (spent, "no look was left"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_verdict_that_does_not_follow_from_itself_is_refused_by_name(change, message, hub, better_model, judge):
    run, before = runner(hub, "run"), hub.tip()
    assert judge(run, better_model) == "PROMOTE"
    retold(run, change)
    with pytest.raises(MlgateError, match=f"is not believed: .*{message}.*Nothing was recorded"):
        record.record(run, run)
    assert hub.tip() == before


def test_what_a_run_brings_is_a_folder_and_no_checkout(hub, better_model, judge):
    run = runner(hub, "run")
    judged = Root(shutil.copytree(run.path, hub.folder / "judged", ignore=shutil.ignore_patterns(".git")))
    judge(judged, better_model)
    assert record.record(run, judged).startswith("Recorded on main: Promote")
    assert kinds(on_main(hub)) == ["bootstrap", "look", "promotion"]


def test_what_gate_toml_demands_is_read_from_the_commit_and_not_from_what_a_run_brings(hub, better_model, judge):
    run = runner(hub, "run")
    judged = Root(shutil.copytree(run.path, hub.folder / "judged"))
    laxer = judged.policy.read_text().replace("margin = 0.0 ", "margin = -0.5 ")
    judged.policy.write_text(laxer)
    assert judge(judged, better_model) == "PROMOTE"
    with pytest.raises(MlgateError, match="is not believed: its verdict was given under other demands than gate"):
        record.record(run, judged)
    assert kinds(on_main(hub)) == ["bootstrap"]


def test_a_copied_verdict_with_another_models_digest_is_refused(hub, better_model, worse_model, judge):
    """First by the verdict's sha256. Whoever mends that needs a card, and fingerprints, that say where it is from."""
    run, before = runner(hub, "run"), hub.tip()
    judge(run, better_model)
    run.production.write_bytes(artifacts.dump(worse_model.pipeline))
    card = run.cards / f"{worse_model.digest}.json"
    card.write_text(json.dumps({"digest": worse_model.digest}))

    def copied(entries: list) -> list:
        in_the("look", verdict__candidate__digest=worse_model.digest)(entries)
        return in_the("promotion", to=worse_model.digest)(entries)

    for sha256, said in (
        (False, "not the one whose sha256 it names"),
        (True, "its card does not say how it came to be"),
    ):
        retold(run, copied, sha256)
        with pytest.raises(MlgateError, match=said):
            record.record(run, run)
    for facts, said in (
        (
            {"recipe": "reduced_dataset"},
            "started to train the recipe baseline, and the model's card says 'reduced_dataset'",
        ),
        ({"rows": {"count": 1, "digest": "x"}}, "another number of training rows than there are fingerprints"),
    ):
        known = json.loads((run.cards / f"{better_model.digest}.json").read_text())
        card.write_text(json.dumps(known | facts | {"digest": worse_model.digest}))
        shutil.copy(run.cards / f"{better_model.digest}.keys", card.with_suffix(".keys"))
        with pytest.raises(MlgateError, match=said):
            record.record(run, run, started=Started("promotion"))
    assert hub.tip() == before


@pytest.mark.parametrize(
    ("facts", "message"),
    [({"looks": 100_000}, "budget is another one"), ({"generation": 3}, "generation does not follow")],
)
def test_a_holdout_generation_begins_with_gate_tomls_budget(facts, message, hub, reviews, tmp_path):
    run, before = runner(hub, "run"), hub.tip()
    renew_holdout(run, reviews, tmp_path)
    retold(run, in_the("holdout", **facts))
    with pytest.raises(MlgateError, match=message):
        record.record(run, run)
    assert hub.tip() == before


def test_a_refresh_is_of_productions_own_recipe(hub, baseline_model, better_model):
    run = runner(hub, "run")
    put(run, better_model)
    forge_move(run, better_model, "refresh")
    card = run.cards / f"{better_model.digest}.json"
    card.write_text(json.dumps({"digest": better_model.digest, "recipe": "challenger"}))
    with pytest.raises(MlgateError, match="names another recipe than that of the model it refreshes"):
        record.record(run, run, started=Started("refresh"))


def test_a_run_brings_the_recipe_that_it_was_started_for(hub, better_model, judge):
    run = runner(hub, "run")
    judge(run, better_model)
    with pytest.raises(MlgateError, match="to train the recipe challenger, and the model's card says 'baseline'"):
        record.record(run, run, started=Started("promotion", "challenger"))
    with pytest.raises(MlgateError, match=r"to train the severity 0\.5, and the model's card says 0\.0"):
        record.record(run, run, started=Started("promotion", "baseline", 0.5))
    assert record.record(run, run, started=Started("promotion", "baseline", 0.0)).startswith(
        "Recorded on main: Promote"
    )


# Main moved meanwhile


def test_a_rejection_that_comes_late_leaves_what_was_promoted_meanwhile(hub, better_model, worse_model, judge):
    late = runner(hub, "late")
    assert judge(late, worse_model) == "REJECT"
    run = runner(hub, "run")
    judge(run, better_model)
    record.record(run, run)
    record.record(late, late)
    assert kinds(on_main(hub)) == ["bootstrap", "look", "promotion", "rejection"]
    assert artifacts.load_production(on_main(hub)).digest == better_model.digest


def test_an_unrelated_commit_does_not_matter(hub, better_model, judge):
    run = runner(hub, "run")
    judge(run, better_model)
    commit(hub, {"README.md": "New words.\n"})
    record.record(run, run)
    main = on_main(hub)
    assert (main.path / "README.md").read_text() == "New words.\n"
    assert artifacts.load_production(main).digest == better_model.digest


def test_a_card_that_main_has_is_left_as_it_is(hub, better_model, judge):
    run = runner(hub, "run")
    judge(run, better_model)
    card = run.cards / f"{better_model.digest}.json"
    name = card.relative_to(run.path).as_posix()
    other = card.read_text() + "\n"
    commit(hub, {name: other})
    record.record(run, run)
    assert (on_main(hub).path / name).read_text() == other
    assert artifacts.load_production(on_main(hub)).digest == better_model.digest


def test_a_commit_between_fetch_and_push_is_fetched_and_tried_again(hub, better_model, monkeypatch, judge):
    run, plain, pushes = runner(hub, "run"), record.git, []
    judge(run, better_model)

    def git_with_a_rival(root, *arguments):
        if arguments[0] == "push":
            pushes.append(arguments)
            if len(pushes) < 3:
                commit(hub, {"README.md": f"{len(pushes)}\n"})
        return plain(root, *arguments)

    monkeypatch.setattr(record, "git", git_with_a_rival)
    record.record(run, run)
    assert len(pushes) == 3
    assert not any("force" in word or word.startswith("+") for push in pushes for word in push)
    assert kinds(on_main(hub)) == ["bootstrap", "look", "promotion"]
    assert (on_main(hub).path / "README.md").read_text() == "2\n"


def test_a_push_that_arrived_though_its_answer_was_lost_is_recorded_once(hub, better_model, monkeypatch, judge):
    run, plain, pushes = runner(hub, "run"), record.git, []
    judge(run, better_model)

    def git_with_a_bad_line(root, *arguments):
        said = plain(root, *arguments)
        if arguments[0] == "push":
            pushes.append(arguments)
            raise MlgateError("git: the remote end hung up unexpectedly")
        return said

    monkeypatch.setattr(record, "git", git_with_a_bad_line)
    assert record.record(run, run).startswith("Recorded on main")
    assert len(pushes) == 1
    assert kinds(on_main(hub)) == ["bootstrap", "look", "promotion"]


def test_a_main_that_never_rests_ends_with_a_sentence(hub, better_model, monkeypatch, judge):
    run, plain = runner(hub, "run"), record.git
    judge(run, better_model)

    def git_with_a_rival(root, *arguments):
        if arguments[0] == "push":
            commit(hub, {"README.md": os.urandom(8).hex()})
        return plain(root, *arguments)

    monkeypatch.setattr(record, "git", git_with_a_rival)
    with pytest.raises(Stale, match="main moved 5 times"):
        record.record(run, run)
    assert kinds(on_main(hub)) == ["bootstrap"]


def test_another_runs_line_is_kept_and_ours_follows_it(hub, worse_model, better_model, judge):
    one, other = runner(hub, "one"), runner(hub, "other")
    judge(one, better_model)
    judge(other, worse_model)
    record.record(other, other)
    record.record(one, one)
    assert kinds(on_main(hub)) == ["bootstrap", "rejection", "look", "promotion"]


def test_a_promotion_that_was_rolled_back_by_the_same_hand_moves_nothing_and_its_look_counts(hub, better_model, judge):
    run = runner(hub, "run")
    before = on_main(hub).production.read_bytes()
    judge(run, better_model)
    promotion.rollback(run)
    record.record(run, run)
    main = on_main(hub)
    assert kinds(main) == ["bootstrap", "look"]
    assert main.production.read_bytes() == before


def test_two_runs_with_the_same_better_model_promote_it_once(hub, better_model, judge):
    runs = [runner(hub, name) for name in ("one", "two")]
    judge(runs[0], better_model)
    take_alone(runs[1], better_model)
    assert record.record(runs[0], runs[0]).startswith("Recorded")
    assert record.record(runs[1], runs[1]).startswith("Nothing to record")
    assert kinds(on_main(hub)) == ["bootstrap", "look", "promotion"]


def test_a_verdict_on_a_production_that_is_gone_is_given_back_and_its_look_paid(hub, better_model, other_model, judge):
    late, first = runner(hub, "late"), runner(hub, "first")
    assert judge(late, other_model) == "PROMOTE"
    judge(first, better_model)
    record.record(first, first)
    with pytest.raises(Stale, match=f"given back: meanwhile {better_model.digest[:12]} came into production"):
        record.record(late, late)
    main = on_main(hub)
    assert kinds(main) == ["bootstrap", "look", "promotion", "look"]
    assert artifacts.load_production(main).digest == better_model.digest
    with pytest.raises(Stale):  # again: nothing more is written
        record.record(late, late)
    assert kinds(on_main(hub)) == ["bootstrap", "look", "promotion", "look"]


def test_a_model_rolled_back_meanwhile_does_not_come_back(hub, better_model, baseline_model, judge):
    late, first = runner(hub, "late"), runner(hub, "first")
    take_alone(late, better_model)
    judge(first, better_model)
    record.record(first, first)
    second = runner(hub, "second")
    promotion.rollback(second)
    record.record(second, second)
    with pytest.raises(Stale, match="rollback"):
        record.record(late, late)
    assert artifacts.load_production(on_main(hub)).digest == baseline_model.digest


def test_a_verdict_under_an_older_policy_is_given_back(hub, better_model, judge):
    run = runner(hub, "run")
    judge(run, better_model)
    policy = (run.path / "gate.toml").read_text()
    commit(hub, {"gate.toml": policy.replace("margin = 0.0 ", "margin = 0.2 ")})
    with pytest.raises(Stale, match="demands something else"):
        record.record(run, run)
    assert kinds(on_main(hub)) == ["bootstrap", "look"]


TRAINED = ("candidate", 'recipe = "baseline"', 'recipe = "challenger"')


def reworded(hub: Hub, old: str, new: str) -> None:
    """Main's gate.toml says something else from now on."""
    policy = (hub.person / "gate.toml").read_text(encoding="utf-8")
    assert policy.count(old) == 1
    commit(hub, {"gate.toml": policy.replace(old, new)})


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        TRAINED,
        ("corpus", "slice_column = 'source'", "label_column = 'label'"),
        ("artifacts", "max_megabytes = 20", "max_megabytes = 1"),
    ],
)
def test_a_run_that_is_started_again_does_not_promote_what_main_took_back(name, old, new, hub, better_model, judge):
    run = runner(hub, "run")
    judge(run, better_model)
    reworded(hub, old, new)
    with pytest.raises(Stale, match=rf"meanwhile gate.toml on main says something else under \[{name}\]"):
        record.record(run, run, started=Started("promotion"))
    assert kinds(on_main(hub)) == ["bootstrap", "look"]


@pytest.mark.parametrize("file", ["lib/mlgate/recipes/recipes.py", "recipes.py"])
def test_a_recipe_that_changed_meanwhile_is_another_one(hub, better_model, judge, file):
    run = runner(hub, "run")
    judge(run, better_model)
    commit(hub, {file: "# another way to train\n"})
    with pytest.raises(Stale, match=rf"meanwhile {re.escape(file)} changed on main"):
        record.record(run, run, started=Started("promotion"))


@pytest.fixture
def moved_twice(hub, better_model, other_model, judge) -> Root:
    """A run that takes production back, and then promotes another model."""
    first = runner(hub, "first")
    judge(first, better_model)
    record.record(first, first)
    run = runner(hub, "run")
    promotion.rollback(run)
    assert judge(run, other_model) == "PROMOTE"
    return run


def test_of_several_moves_the_last_is_the_commits_title(hub, other_model, moved_twice):
    record.record(moved_twice, moved_twice)
    title = git(hub.remote, "log", "-1", "--format=%s", "main")
    assert title.startswith(f"Promote {other_model.digest[:12]}")


def test_of_several_moves_the_last_says_what_they_rest_on(hub, moved_twice):
    """A rollback rests on the ledger alone, the promotion after it on the recipes, too."""
    commit(hub, {"recipes.py": "# another\n"})
    with pytest.raises(Stale, match=r"given back: meanwhile recipes\.py changed on main"):
        record.record(moved_twice, moved_twice)


def test_rows_that_changed_meanwhile_are_other_rows(hub, better_model, judge, small_corpus):
    """Where they are a file of the repository, which the commit that was judged had as well."""
    policy = (hub.person / "gate.toml").read_text(encoding="utf-8").replace(str(small_corpus), "rows.csv")
    commit(hub, {"gate.toml": policy, "rows.csv": small_corpus})
    run = runner(hub, "run")
    judge(run, better_model)
    commit(hub, {"rows.csv": small_corpus.read_text(encoding="utf-8") + "Another film.,positive,mine\n"})
    with pytest.raises(Stale, match=r"meanwhile rows\.csv changed on main"):
        record.record(run, run, started=Started("promotion"))


def test_a_recipe_named_by_hand_does_not_ask_what_main_trains_by_itself(hub, better_model, judge):
    run = runner(hub, "run")
    judge(run, better_model)
    reworded(hub, *TRAINED[1:])
    assert record.record(run, run, started=Started("promotion", "baseline")).startswith("Recorded on main: Promote")


def test_a_rollback_is_recorded_whatever_gate_toml_says_meanwhile(hub, better_model, judge):
    first = runner(hub, "first")
    judge(first, better_model)
    record.record(first, first)
    second = runner(hub, "second")
    promotion.rollback(second)
    reworded(hub, *TRAINED[1:])
    assert record.record(second, second, started=Started("rollback")).startswith("Recorded on main: Roll back")


def test_a_verdict_on_other_holdout_rows_than_mains_is_given_back(hub, better_model, judge, reviews, tmp_path):
    late, first = runner(hub, "late"), runner(hub, "first")
    assert judge(late, better_model) == "PROMOTE"
    renew_holdout(first, reviews, tmp_path)
    record.record(first, first)
    with pytest.raises(Stale, match="meanwhile main got other holdout rows"):
        record.record(late, late)
    assert kinds(on_main(hub)) == ["bootstrap", "look"]


def test_nobody_wins_with_a_look_that_others_took(hub, better_model, similar_model, judge):
    policy = (hub.person / "gate.toml").read_text()
    commit(hub, {"gate.toml": policy.replace("looks = 20", "looks = 1")})
    late, first = runner(hub, "late"), runner(hub, "first")
    assert judge(late, better_model) == "PROMOTE"
    assert judge(first, similar_model) == "HOLD"
    assert kinds(first)[-1] == "look"
    record.record(first, first)
    with pytest.raises(Stale, match="last look"):
        record.record(late, late)
    assert "promotion" not in kinds(on_main(hub))


# What is refused


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: root.production.write_bytes(b"evil"), "pipeline.pkl is .* but the ledger's last move says"),
        (lambda root: root.previous.write_bytes(b"evil"), "previous.pkl is .* but the ledger's last move says"),
        (lambda root: root.previous.unlink(), "previous.pkl is nothing"),
        (lambda root: next(root.cards.glob("*.json")).write_text("{}"), "describes another model"),
        (lambda root: [path.unlink() for path in root.cards.iterdir()], "no readable card"),
        (lambda root: root.ledger.write_text(root.ledger.read_text().replace("look", "loke")), "was changed after"),
        (lambda root: root.ledger.write_text(root.ledger.read_text()[:-1]), "not complete"),
        (lambda root: forge(root), "no look before it says PROMOTE"),
        (lambda root: root.ledger.unlink(), "does not continue HEAD's|last move says nothing"),
    ],
)
def test_a_folder_that_does_not_hold_together_is_refused(hub, better_model, spoil, message, judge):
    run, before = runner(hub, "run"), hub.tip()
    judge(run, better_model)
    spoil(run)
    with pytest.raises(MlgateError, match=message):
        record.record(run, run)
    assert hub.tip() == before


def forge(root: Root) -> None:
    """A ledger whose chain is sound, with a promotion that nobody judged."""
    data = b""
    for entry in ledger.read(root):
        data = data if entry["kind"] == "look" else ledger.chained(data, entry)
    root.ledger.write_bytes(data)


def test_a_main_changed_by_hand_is_refused_with_what_to_do(hub, better_model, judge):
    run = runner(hub, "run")
    judge(run, better_model)
    commit(hub, {"artifacts_prod/pipeline.pkl": "by hand"})
    before = hub.tip()
    with pytest.raises(MlgateError, match=r"not put there by a promotion\. Take artifacts_prod/ back"):
        record.record(run, run)
    assert hub.tip() == before


def test_a_rewritten_ledger_on_main_is_refused(hub, better_model, other_model, judge):
    first = runner(hub, "first")
    judge(first, better_model)
    record.record(first, first)
    run, old = runner(hub, "run"), git(hub.remote, "rev-parse", "main~1").strip()
    judge(run, other_model, act=False)
    git(hub.person, "push", "--quiet", "--force", "origin", f"{old}:refs/heads/main", REHEARSAL_TOKEN="person")
    with pytest.raises(MlgateError, match="somebody rewrote it"):
        record.record(run, run)
    assert hub.tip() == old


def test_a_protected_branch_names_the_setting(hub, better_model, judge):
    run = runner(hub, "run")
    judge(run, better_model)
    (hub.remote / "protected").touch()
    before = hub.tip()
    with pytest.raises(MlgateError, match=r"Rulesets > Bypass list: .*GH006: Protected branch"):
        record.record(run, run)
    assert hub.tip() == before


def test_a_token_that_may_not_write_is_told_what_is_missing(hub, better_model, judge):
    run = runner(hub, "run")
    judge(run, better_model)
    git(run.path, "config", "--unset", "remote.origin.receivepack")
    with pytest.raises(MlgateError, match=r"needs `contents: write`.*denied to github-actions"):
        record.record(run, run)


def test_the_callers_own_checkout_is_left_alone(hub, better_model, judge):
    run = runner(hub, "run")
    judge(run, better_model)
    (run.path / "notes.txt").write_text("mine")
    before = git(run.path, "status", "--porcelain", "--branch")
    record.record(run, run)
    assert git(run.path, "status", "--porcelain", "--branch").splitlines()[1:] == before.splitlines()[1:]
    assert git(run.path, "worktree", "list").count("\n") == 1


# Killed


SHIM = """#!/bin/sh
read -r count < "{counter}"
count=$((count + 1))
echo "$count" > "{counter}"
if [ "$count" = "$KILL_AT" ] && [ "$KILL_WHEN" = before ]; then
    kill -KILL "$PPID"
    exit 1
fi
"{git}" "$@"
status=$?
if [ "$count" = "$KILL_AT" ]; then
    kill -KILL "$PPID"
fi
exit "$status"
"""


def test_killed_at_any_step_main_is_before_or_after_and_the_next_one_ends_it(hub, better_model, tmp_path, judge):
    run, before = runner(hub, "run"), hub.tip()
    judge(run, better_model)
    counter, shim = tmp_path / "count", tmp_path / "shim" / "git"
    shim.parent.mkdir()
    shim.write_text(SHIM.format(counter=counter, git=shutil.which("git")))
    shim.chmod(0o755)
    path = os.pathsep.join([str(shim.parent), os.environ["PATH"]])
    seen, number, when, done = [], 1, "before", None
    while done is None or done.returncode:
        counter.write_text("0\n")
        environment = os.environ | {"PATH": path, "KILL_AT": str(number), "KILL_WHEN": when}
        environment |= {"PYTHONPATH": str(REPOSITORY / "lib")}
        command = [sys.executable, "-S", "-m", "mlgate", "record"]
        done = subprocess.run(command, cwd=run.path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode in (0, -9), done.stderr
        main = on_main(hub)
        seen.append(kinds(main))
        assert seen[-1] in (["bootstrap"], ["bootstrap", "look", "promotion"])
        assert git(hub.remote, "rev-list", "--count", f"{before}..main").strip() == str(len(seen[-1]) // 3)
        if done.returncode == -9 and len(seen[-1]) == 3:  # killed after the push: main is put back, to go on
            git(
                hub.person,
                "push",
                "--quiet",
                "--force",
                "origin",
                f"{before}:refs/heads/main",
                REHEARSAL_TOKEN="person",
            )
        number, when = (number, "after") if when == "before" else (number + 1, "before")
    assert len(seen) > 20
    assert ["bootstrap", "look", "promotion"] in seen[:-1]  # some kills came after the push
    assert seen[-1] == ["bootstrap", "look", "promotion"]


def test_the_job_that_writes_needs_nothing_installed_and_opens_no_pickle():
    code = "import sys, mlgate.ci.record, mlgate.ledger.integrity, mlgate.cli; print(*sorted(sys.modules))"
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "lib")}
    command = [sys.executable, "-S", "-c", code]
    modules = subprocess.check_output(command, env=environment, text=True, cwd="/").split()
    assert not {"pickle", "numpy", "joblib", "sklearn", "filelock"} & set(modules)


# mlgate check


def test_check_says_what_a_change_to_artifacts_prod_has_to_do(hub, capsys):
    from mlgate.cli import main

    run = runner(hub, "run")
    git(run.path, "checkout", "--quiet", "-b", "mine")
    card = next(run.cards.glob("*.json"))
    card.write_text(json.dumps(json.loads(card.read_text()) | {"note": "by hand"}))
    git(run.path, "-c", "user.name=x", "-c", "user.email=x", "commit", "--quiet", "-a", "-m", "By hand")
    assert main(["--root", str(run.path), "check", "--base", "origin/main"]) == 1
    printed = capsys.readouterr()
    assert f"This change edits artifacts_prod/cards/{card.name}, but only a verdict on main" in printed.err
    assert "git checkout $(git merge-base origin/main HEAD) -- artifacts_prod" in printed.err
    assert printed.out.startswith("::error title=mlgate::This change edits")


@pytest.mark.parametrize(
    ("files", "training"),
    [(["README.md"], "false"), (["docs/a.png", "LICENSE"], "false"), (["README.md", "gate.toml"], "true")],
)
def test_check_says_whether_there_is_anything_to_train(hub, tmp_path, files, training):
    from mlgate.cli import main

    run, output = runner(hub, "run"), tmp_path / "output"
    git(run.path, "checkout", "--quiet", "-b", "mine")
    for name in files:
        (run.path / name).parent.mkdir(exist_ok=True)
        with (run.path / name).open("a") as file:
            file.write("# more\n")
    git(run.path, "add", ".")
    git(run.path, "-c", "user.name=x", "-c", "user.email=x", "commit", "--quiet", "-m", "Mine")
    assert main(["--root", str(run.path), "check", "--base", "origin/main", "--output", str(output)]) == 0
    commit = git(run.path, "rev-parse", "HEAD").strip()
    assert output.read_text() == f"commit={commit}\ntraining={training}\n"


def test_check_names_a_base_that_git_does_not_know(hub, capsys):
    from mlgate.cli import main

    assert main(["--root", str(runner(hub, "run").path), "check", "--base", "nowhere"]) == 1
    assert "git merge-base failed" in capsys.readouterr().err


def test_a_production_from_another_scikit_learn_is_named(hub, capsys):
    from mlgate.cli import main

    run = runner(hub, "run")
    card = run.cards / f"{integrity.verify(run)}.json"
    facts = json.loads(card.read_text())
    card.write_text(json.dumps(facts | {"versions": facts["versions"] | {"scikit-learn": "1.2.3"}}))
    assert main(["--root", str(run.path), "check"]) == 0
    assert "was trained with scikit-learn 1.2.3" in capsys.readouterr().err


# The loop: drift, alarm, retraining, verdict, commit


def test_an_alarm_of_the_running_service_ends_as_a_promotion_on_main_and_is_answered_once(
    hub, better_model, judge, tmp_path
):
    served_from = Root(hub.clone(hub.folder / "server"))
    keep_every_row(served_from)
    run = runner(hub, "run")
    began = datetime.now(UTC)
    with served(served_from) as server:
        assert not alarms.due(run, alarms.ask(run, server.url), None, datetime.now(UTC), timedelta(days=1)).due
        lines = ["id,label"]
        for _ in range(150):
            [answer] = server.ask("/predict", {"texts": ["A wonderful film."]})[1]["predictions"]
            lines.append(f"{answer['id']},{'negative' if answer['label'] == 'positive' else 'positive'}")
        wait_until(lambda: server.health()["watch"]["kept"] == 150, 20, "the rows are written")
        (tmp_path / "labels.csv").write_text("\n".join(lines))
        watch.take_labels(served_from, tmp_path / "labels.csv")
        wait_until(lambda: server.health()["watch"]["lights"]["proven_harm"], 20, "harm is proven")
        found = alarms.due(run, alarms.ask(run, server.url), None, datetime.now(UTC), timedelta(days=1))
        assert found.due, found.reason
        assert judge(run, better_model) == "PROMOTE"
        assert record.record(run, run).startswith("Recorded on main: Promote")
        tip = hub.tip()
        later = datetime.now(UTC) + timedelta(days=9)
        for last in (began + timedelta(minutes=5), None):  # answered already; and about a model that has gone
            assert not alarms.due(on_main(hub), alarms.ask(run, server.url), last, later, timedelta(days=1)).due
        git(served_from.path, "checkout", "--", "gate.toml")
        git(served_from.path, "pull", "--quiet")
        server.until_serving(better_model.digest)
        wait_until(lambda: server.ask("/watch.json")[1].get("rows") == 0, 20, "the new model's lights begin")
    assert hub.tip() == tip


def test_of_several_verdicts_the_commit_tells_the_last(monkeypatch):
    monkeypatch.delenv("GITHUB_RUN_ID", raising=False)
    verdicts = [{"decision": "HOLD", "reason": f"reason {name}", "candidate": {"digest": name * 64}} for name in "ab"]
    lines = [{"kind": "look", "verdict": verdict} for verdict in verdicts]
    assert record._title(lines) == f"Keep production: HOLD for {'b' * 12}"
    assert record._body(lines) == "reason b"


def test_the_commit_says_why_and_from_which_run_where_there_is_one(monkeypatch):
    line = {"kind": "look", "verdict": {"reason": "right on 12 rows more"}}
    monkeypatch.setenv("GITHUB_REPOSITORY", "someone/something")
    monkeypatch.setenv("GITHUB_RUN_ID", "7")
    monkeypatch.delenv("GITHUB_SERVER_URL", raising=False)
    assert record._body([line]) == "right on 12 rows more"
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.example")
    place = "https://github.example/someone/something/actions/runs/7"
    assert record._body([{"kind": "refresh"}, line]) == f"right on 12 rows more\n\n{place}"
    assert record._body([{"kind": "refresh"}]) == place
