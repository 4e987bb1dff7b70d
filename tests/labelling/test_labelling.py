"""Promises 9 and 11: labels are bought only where they decide, in an order nobody can choose, and a look is paid once.

Everything happens in a root with data of its own: short texts of three classes, traffic without labels, and people.
"""

import csv
import json
import shutil
from types import SimpleNamespace

from mlgate import artifacts, corpus, exam, labelling, ledger, recipes, watch
from mlgate.ci import evidence
from mlgate.cli import main
from mlgate.errors import MlgateError
from mlgate.gate.sequential import follow
from mlgate.labelling import Traffic
from mlgate.labelling.session import order_of
from mlgate.labelling.standing import SECOND, errors_at, factor_at
from mlgate.ledger import arithmetic
from mlgate.reporting import report
from mlgate.root import Root
from mlgate.watch.store import Kept, Store

import pytest
from crashes import killed_at
from labellers import CANDIDATES, make_root, texts, truth, write_rows


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> SimpleNamespace:
    """A root with production, and candidates by name, each with the facts of its card; what the texts are about."""
    root = make_root(tmp_path_factory.mktemp("labelling") / "root")
    train = corpus.split("train", root)
    models = {}
    for name, (recipe, severity) in CANDIDATES.items():
        found = recipes.named(recipe)
        models[name] = (found.train(train, severity), found.facts(train, severity))
    artifacts.write_candidate(root, *models["better"])
    shutil.copytree(root.path, root.path.with_name("bare"))
    begun, _ = labelling.new(root, traffic(root), budget=150)
    return SimpleNamespace(root=root, models=models, truth=truth(), order=begun.line["order"])


@pytest.fixture
def bare(made, tmp_path) -> Root:
    """A root in which nobody has begun to label yet."""
    shutil.copytree(made.root.path.with_name("bare"), tmp_path / "bare")
    return Root(tmp_path / "bare")


@pytest.fixture
def root(made, tmp_path) -> Root:
    """A root in which labelling has begun for the better candidate, and no label is there."""
    shutil.copytree(made.root.path, tmp_path / "root")
    return Root(tmp_path / "root")


def traffic(root: Root, name: str = "traffic.csv") -> Traffic:
    return Traffic(root.path / name, slice_column="channel")


def demands(root: Root):
    return exam.policy_of(root)


def standing(root: Root):
    return labelling.stand(labelling.load(root), demands(root))


def label(root: Root, made, most: int = 1_000, annotator: str = "Ada", wrong: float = 0.0) -> int:
    """Label the next rows as they really are, until it is decided, or `most` are. Return how many."""
    session = labelling.load(root)
    given = 0
    while given < most and (places := standing(root).next_rows(annotator, min(20, most - given))):
        rows = [session.rows[place] for place in places]
        session.add(annotator, [(row.id, made.truth[row.text], False, 1.5) for row in rows])
        given += len(rows)
    return given


def lines(root: Root, kind: str) -> list:
    return [entry for entry in ledger.read(root) if entry["kind"] == kind]


# ---- from the first row to the promotion ----


def test_a_better_candidate_is_promoted_on_labels_of_disagreements_alone(root, made):
    session = labelling.load(root)
    assert 0 < len(session.rows) < 0.5 * session.line["rows"]["count"]
    assert labelling.conclude(root).decision == "HOLD"  # no label yet: free, and the look goes on
    assert label(root, made) < len(session.rows)
    verdict = labelling.conclude(root)
    assert (verdict.decision, verdict.difference.method) == ("PROMOTE", "corridor")
    assert verdict.labels["wins"] + verdict.labels["losses"] + verdict.labels["ties"] == verdict.labels["count"]
    assert 0 < verdict.difference.low < verdict.difference.estimate <= verdict.difference.high  # all may be wins
    assert (verdict.look.spent, verdict.look.left) == (True, 1)  # given back
    assert {check.name for check in verdict.checks_with("slice")} == {"slice chat", "slice mail"}
    assert main(["--root", str(root.path), "promote"]) == 0
    assert ledger.head(ledger.read(root)) == verdict.candidate.digest
    evidence.require_sound(root, root, ledger.read(root), 1)  # each line follows from itself
    with pytest.raises(MlgateError, match="Nobody has begun to label"):
        labelling.load(root)  # production is another one now


def test_a_verdict_is_repeated_and_no_label_comes_after_it(root, made):
    label(root, made)
    first = labelling.conclude(root)
    assert labelling.conclude(root) == first
    assert len(lines(root, "look")) == 1
    row = labelling.load(root).rows[-1]
    with pytest.raises(MlgateError, match="has its verdict"):
        labelling.load(root).add("Eve", [(row.id, "payment", False, None)])
    again, _ = labelling.new(root, traffic(root))
    assert again.verdict["decision"] == "PROMOTE"
    assert len(lines(root, "labelling")) == 1


@pytest.mark.parametrize("flipped", [False, True])
def test_what_the_labels_say_decides_and_a_look_that_does_not_promote_is_spent(root, made, flipped):
    """With production's answers as the truth, or a coin, instead of the truth."""
    session = labelling.load(root)
    said = list(session.production)
    if not flipped:
        said[::2] = session.candidate[::2]  # in turn: nobody leads
    while places := standing(root).next_rows("Ada", 50):
        session.add("Ada", [(session.rows[place].id, said[place], False, None) for place in places])
    verdict = labelling.conclude(root)
    assert verdict.decision == ("REJECT" if flipped else "HOLD")
    assert verdict.labels["count"] == (9 if flipped else 150)
    assert verdict.look.left == 0
    assert main(["--root", str(root.path), "promote"]) == 1
    evidence.require_sound(root, root, ledger.read(root), 1)


def test_a_session_is_a_look_from_its_first_label_on_and_goes_on_when_it_is_begun_again(root, made):
    assert ledger.looks_left(ledger.read(root), demands(root)) == 0
    label(root, made, most=5)
    again, _ = labelling.new(root, traffic(root))
    assert (again.line["order"], len(again.labels())) == (made.order, 5)
    write_rows(root.path / "other.csv", [(text, part) for text, _, part in texts(900, seed=9)], ("text", "channel"))
    with pytest.raises(MlgateError, match="no look is left"):
        labelling.new(root, traffic(root, "other.csv"))


# ---- what begins nothing ----


def refused(root: Root, words: str, name: str = "traffic.csv", **facts) -> None:
    before = root.ledger.read_bytes()
    with pytest.raises(MlgateError, match=words):
        labelling.new(root, Traffic(root.path / name, **{"slice_column": "channel", **facts}))
    assert root.ledger.read_bytes() == before


def test_rows_that_cannot_judge_are_refused_by_name(root, made):
    known = corpus.split("validation", root)["text"][0]
    fresh = [(text, part) for text, _, part in texts(20, seed=5)]
    write_rows(root.path / "x.csv", [*fresh, (known.upper(), "mail")], ("text", "channel"))
    refused(root, "row 21: this is a training, validation or holdout row", "x.csv")
    write_rows(root.path / "x.csv", [*fresh, (" ", "mail")], ("text", "channel"))
    refused(root, "row 21: column 'text' is empty", "x.csv")
    write_rows(root.path / "x.csv", [("1", "a film"), ("1", "a book")], ("nr", "text"))
    refused(root, "row 2: the id '1' is there already", "x.csv", id_column="nr", slice_column=None)
    refused(root, "no column 'review'", text_column="review")


@pytest.mark.slow
def test_where_labels_could_decide_nothing_none_is_asked_for(root, made):
    artifacts.write_candidate(root, *made.models["worse"])
    refused(root, "No label is needed: REJECT")
    artifacts.write_candidate(root, *made.models["better"])
    write_rows(root.path / "few.csv", [(text, part) for text, _, part in texts(12, seed=6)], ("text", "channel"))
    refused(root, "no look is left", "few.csv")  # the session that has begun is the one there was


def test_a_budget_that_is_too_small_is_refused_before_a_look_is_spent(bare):
    with pytest.raises(MlgateError, match="4 labels are too few"):
        labelling.new(bare, traffic(bare), budget=4)
    assert lines(bare, "labelling") == []
    assert ledger.looks_left(ledger.read(bare), demands(bare)) == 1


def test_a_text_that_comes_twice_counts_once(bare, made):
    rows = [(text, part) for text, _, part in texts(1_500, seed=1)]
    write_rows(bare.path / "twice.csv", [*rows, *((text.upper(), part) for text, part in rows)], ("text", "channel"))
    session, pool = labelling.new(bare, traffic(bare, "twice.csv"))
    assert (pool.count, pool.repeated) == (1_500, 1_500)
    assert session.line["rows"]["digest"] == labelling.load(made.root).line["rows"]["digest"]  # whatever their order


# ---- the order, and the files ----


def test_the_order_follows_from_the_ledger_and_nothing_else(root, made):
    session = labelling.load(root)
    line = session.line
    assert line["order"] == order_of(line["before"], line["production"], line["candidate"], line["rows"]["digest"])
    other = order_of("0" * 64, line["production"], line["candidate"], line["rows"]["digest"])
    assert other != line["order"]
    sides = [session.candidate[place] == made.truth[row.text] for place, row in enumerate(session.rows)]
    assert abs(sum(sides[:150]) / 150 - sum(sides) / len(sides)) < 0.15  # it says nothing of who is right


@pytest.mark.parametrize("name", ["rows.jsonl", "answers.json"])
def test_an_order_or_an_answer_edited_by_hand_is_refused_by_name(root, name):
    path = labelling.load(root).folder / name
    data = path.read_bytes()
    path.write_bytes(b"".join(data.splitlines(keepends=True)[::-1]))
    with pytest.raises(MlgateError, match=f"{name} was changed"):
        labelling.load(root)
    path.unlink()
    with pytest.raises(MlgateError, match=f"no file .*{name}"):
        labelling.load(root)


def test_a_horizon_edited_by_hand_is_refused(root):
    root.ledger.write_bytes(root.ledger.read_bytes().replace(b'"horizon": ', b'"horizon": 1'))
    with pytest.raises(MlgateError, match="it was changed after it was written"):
        labelling.load(root)


@pytest.mark.parametrize("edit", ["label", "annotator", "swap", "drop"])
def test_a_label_edited_by_hand_is_refused_by_its_line(root, made, edit):
    label(root, made, most=6)
    label(root, made, most=6, annotator="Bob")
    path = labelling.load(root).path
    found = path.read_bytes().splitlines(keepends=True)
    if edit == "label":
        line = json.loads(found[2])
        other = next(name for name in ("payment", "return") if name != line["label"])
        found[2] = json.dumps({**line, "label": other}).encode() + b"\n"
    elif edit == "annotator":
        found[2] = found[2].replace(b"Ada", b"Bob")
    elif edit == "swap":
        found[2:4] = found[3], found[2]
    else:
        del found[2]
    path.write_bytes(b"".join(found))
    with pytest.raises(MlgateError, match=r"labels.jsonl, line 3: it (was changed|does not follow)"):
        standing(root)


def test_a_label_that_was_being_written_is_all_that_a_kill_takes(root, made):
    label(root, made, most=3)
    session = labelling.load(root)
    with open(session.path, "ab") as file:
        file.write(b'{"id": "half a li')
    assert len(session.labels()) == 3
    label(root, made, most=2)
    assert len(session.lines()) == 5


@pytest.mark.slow
def test_killed_at_any_instant_each_label_that_was_confirmed_is_there(root, made, tmp_path):
    session = labelling.load(root)
    told = tmp_path / "told"
    told.touch()
    for step in range(1, 41):

        def one_label() -> None:
            place = standing(root).next_rows("Ada", 1)[0]
            session.add("Ada", [(session.rows[place].id, made.truth[session.rows[place].text], False, None)])
            with told.open("a") as file:
                file.write("!")

        killed_at(step, one_label)
        confirmed = len(told.read_text())
        assert confirmed <= len(session.labels()) <= confirmed + step
    assert set(session.place) >= set(session.labels())


# ---- what counts ----


def test_only_the_unbroken_beginning_of_the_order_counts(root, made):
    session = labelling.load(root)
    later = session.rows[10:40]
    session.add("Ada", [(row.id, made.truth[row.text], False, None) for row in later])
    assert (standing(root).walk.label, standing(root).next_rows("Bob", 3)) == (0, [0, 1, 2])
    session.add("Bob", [(row.id, made.truth[row.text], False, None) for row in session.rows[:10]])
    found = standing(root)
    assert found.walk == follow(found.outcomes, session.rule)
    assert len(found.outcomes) == 40


def test_unsure_and_none_of_these_move_nothing_and_are_counted(root, made):
    session = labelling.load(root)
    rows = session.rows
    given = [
        (rows[0].id, None, False, None),
        (rows[1].id, None, True, None),
        (rows[2].id, session.candidate[2], False, None),
    ]
    session.add("Ada", given)
    found = standing(root)
    assert (found.outcomes, found.walk.ties, found.unsure) == ([0, 0, 1], (1, 2), 1)


def test_a_label_taken_back_is_gone_and_that_is_written_down(root, made):
    session = labelling.load(root)
    label(root, made, most=2)
    assert session.undo("Bob") is None
    assert session.undo("Ada") == session.rows[1].id
    assert list(session.labels()) == [session.rows[0].id]
    assert [line["mark"] for line in session.lines()] == ["class", "class", "undo"]
    assert session.undo("Ada") == session.rows[0].id
    assert session.undo("Ada") is None


def test_a_second_person_labels_thirty_by_chance_and_measures_the_noise_without_moving_anything(root, made):
    label(root, made, most=40)
    before = standing(root)
    places = before.next_rows("Bob", 100, second=True)
    assert len(places) == SECOND
    assert places != sorted(places)
    assert before.next_rows("Ada", 100, second=True) == []  # she labelled them all herself
    session = before.session
    for number, place in enumerate(places):
        row = session.rows[place]
        said = made.truth[row.text] if number >= 3 else next(n for n in session.classes if n != made.truth[row.text])
        session.add("Bob", [(row.id, said, False, None)])
    after = standing(root)
    assert after.walk == before.walk
    assert (after.noise.rows, after.noise.alike) == (30, 27)
    assert after.noise.errors == pytest.approx(0.05279, abs=5e-6)
    assert after.noise.interval.low < 0.05279 < after.noise.interval.high
    assert "27 of 30 rows: about 5% of labels are wrong" in labelling.status(after)


@pytest.mark.parametrize(
    ("agreement", "errors", "factor"),
    [(0.995, 0.00251, 1.010), (0.95, 0.02566, 1.111), (0.9, 0.05279, 1.25), (0.82, 0.1, 1.5625), (0.68, 0.2, 2.778)],
)
def test_agreement_says_how_many_labels_are_wrong_and_what_that_costs(agreement, errors, factor):
    assert errors_at(agreement) == pytest.approx(errors, abs=5e-6)
    assert factor_at(errors_at(agreement)) == pytest.approx(factor, abs=5e-4)
    assert errors_at(0.4) == 0.5


@pytest.mark.slow
def test_labels_bought_for_an_earlier_pair_count_when_their_turn_comes(made, tmp_path):
    root = make_root(tmp_path / "fresh", looks=3)
    artifacts.write_candidate(root, *made.models["similar"])
    first, _ = labelling.new(root, traffic(root))
    label(root, made, most=25)
    labels = first.labels()
    artifacts.write_candidate(root, *made.models["better"])
    second, _ = labelling.new(root, traffic(root))
    bought = {row.key for row in first.rows if row.id in labels}  # fewer, where fewer decided
    shared = bought & {row.key for row in second.rows}
    assert shared
    known = standing(root)
    assert set(known.earlier) >= shared
    assert second.labels() == {}
    assert [row.key in shared for row in second.rows] == [
        known.outcome(place) is not None for place in range(len(second.rows))
    ]


# ---- slices ----


def test_a_slice_is_settled_before_a_promotion_and_can_stop_one(root, made):
    """Everywhere the candidate is right, but on the slice mail: its rows come next once the lead is out."""
    session = labelling.load(root)

    def say(place: int) -> str:
        return session.production[place] if session.rows[place].slice == "mail" else session.candidate[place]

    while places := standing(root).next_rows("Ada", 14):
        lucky = len(session.labels()) == 0  # the first mail rows
        given = [session.candidate[place] if lucky else say(place) for place in places]
        session.add(
            "Ada", [(session.rows[place].id, name, False, None) for place, name in zip(places, given, strict=True)]
        )
    verdict = labelling.conclude(root)
    assert standing(root).walk.status == "pass"
    assert all(part.settled for part in standing(root).slices)
    assert verdict.decision == "REJECT"
    assert "worse on slice mail" in verdict.reason


@pytest.mark.parametrize(
    ("losses", "count"), [(7, 7), (8, 8), (10, 10), (16, 20), (23, 30), (29, 40), (40, 60), (63, 100), (104, 174)]
)
def test_so_many_losses_of_a_slice_object(losses, count):
    from mlgate.labelling.deciding import loss_p

    assert loss_p(count - losses, losses, 0.5) <= 0.005 < loss_p(count - losses + 1, losses - 1, 0.5)


# ---- what a stranger's ledger may say ----


def test_the_record_works_a_corridor_out_by_itself():
    from mlgate.gate import corridor

    for horizon, alpha, ties in ((20, 0.05, ()), (60, 0.0025, (3, 9)), (100, 0.05, range(2, 101, 2))):
        assert arithmetic.corridor(horizon, alpha, set(ties)) == corridor(horizon, alpha, ties=ties)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"wins": 1_000}, "add up"),
        ({"count": 5, "wins": 5, "losses": 0, "ties": 0, "tied": []}, "decide nothing yet|says undecided|otherwise"),
        ({"horizon": 2_000}, "not as many as were planned"),
    ],
)
def test_labels_that_do_not_make_their_verdict_are_not_recorded(root, made, change, words):
    label(root, made)
    labelling.conclude(root)
    entries = ledger.read(root)
    look = entries[-1]
    verdict = {**look["verdict"], "labels": {**look["verdict"]["labels"], **change}}
    entries[-1] = {**look, "verdict": verdict, "verdict_sha256": artifacts.digest(artifacts.to_json(verdict))}
    with pytest.raises(MlgateError, match=words):
        evidence.require_sound(root, root, entries, len(entries) - 1)


def test_a_report_says_what_was_paid_in_labels_and_what_is_promised(root, made):
    label(root, made, most=3)
    said = report.text(labelling.conclude(root))
    assert "3 labels so far, of at most 150" in said
    assert "One look spent (begun with the labels); 0 looks left" in said
    label(root, made)
    session = labelling.load(root)
    again = standing(root).next_rows("Bob", 30, second=True)
    session.add("Bob", [(session.rows[place].id, made.truth[session.rows[place].text], False, None) for place in again])
    verdict = labelling.conclude(root)
    said = report.text(verdict)
    assert f"{verdict.labels['count']} labels decided, of at most 150" in said
    assert "either decision is wrong at most 0.05 of the time" in said
    assert "PROMOTE gives it back" in said
    assert "A second person agreed on" in said
    assert "0% of labels are wrong" in said
    assert report.closing_lines(verdict).endswith("Promote new model")
    assert "| digest |" in report.markdown(verdict)


def test_the_commands_end_as_judge_does(root, made, capsys):
    def mlgate(*words: str) -> int:
        return main(["--root", str(root.path), "label", *words])

    assert mlgate("verdict") == 3
    assert capsys.readouterr().out.splitlines()[-1].startswith("Keep production model: not decided yet")
    assert mlgate("export", str(root.path / "out.csv"), "--rows", "60") == 0
    rows = list(csv.DictReader((root.path / "out.csv").open(newline="")))
    write_rows(root.path / "in.csv", [(row["id"], made.truth[row["text"]]) for row in rows], ("id", "label"))
    assert mlgate("import", str(root.path / "in.csv"), "--annotator", "Ada") == 0
    assert mlgate("status") == 0
    said = capsys.readouterr().out
    assert "60 labels count, of 60 there (at most 150)." in said
    assert "better than production" in said
    assert mlgate("import", str(root.path / "nowhere.csv")) == 1
    assert mlgate("new", str(root.path / "traffic.csv"), "--slice-column", "channel") == 0
    assert "A candidate better by 1 point wins" in capsys.readouterr().out
    label(root, made)
    assert mlgate("verdict", "--json", str(root.path / "told.json")) == 0
    assert json.loads((root.path / "told.json").read_bytes())["decision"] == "PROMOTE"
    assert root.verdict.read_bytes() == (root.path / "told.json").read_bytes()


# ---- the unlabelled holdout ----


def frozen(root: Root, name: str = "traffic.csv") -> int:
    return main(
        ["--root", str(root.path), "holdout", "new", str(root.path / name), "--unlabelled", "--slice-column", "channel"]
    )


@pytest.mark.slow
def test_unlabelled_rows_become_a_holdout_with_looks_of_its_own_whose_labels_are_bought_pair_by_pair(made, tmp_path):
    root = make_root(tmp_path / "fresh", looks=2)
    assert frozen(root) == 0
    entries = ledger.read(root)
    line = ledger.unlabelled_holdout(entries)
    assert (line["generation"], line["rows"]["count"]) == (2, 1_500)
    assert ledger.current_holdout(entries)["generation"] == 1  # the exam goes on with its own
    artifacts.write_candidate(root, *made.models["similar"])
    first, _ = labelling.new(root, budget=100)
    assert (first.line["generation"], first.line["alpha"]) == (2, 0.025)
    label(root, made)
    assert labelling.conclude(root).look.left == 1
    assert ledger.looks_left(ledger.read(root), demands(root)) == 2
    artifacts.write_candidate(root, *made.models["better"])
    labelling.new(root)
    bought = len(standing(root).earlier)
    assert 0 < bought < 101
    label(root, made)
    assert labelling.conclude(root).decision == "PROMOTE"
    assert main(["--root", str(root.path), "promote"]) == 0
    evidence.require_sound(root, root, ledger.read(root), 1)
    assert exam.load_pair(root)[0].digest == ledger.head(ledger.read(root))


def test_rows_that_somebody_read_are_no_unlabelled_holdout(bare, capsys):
    known = corpus.split("validation", bare)["text"][0]
    write_rows(bare.path / "x.csv", [(known, "mail"), ("a new text", "chat")], ("text", "channel"))
    assert frozen(bare, "x.csv") == 1
    assert "1 of 2 rows in" in capsys.readouterr().err
    with pytest.raises(MlgateError, match="There is no unlabelled holdout"):
        labelling.new(bare)
    assert frozen(bare) == 0
    bare.unlabelled_holdout.write_bytes(bare.unlabelled_holdout.read_bytes() + b"one more,mail\r\n")
    with pytest.raises(MlgateError, match=r"unlabelled.csv was changed"):
        labelling.new(bare)


@pytest.mark.slow
def test_rows_that_raised_an_alarm_or_were_labelled_for_it_cannot_judge(bare, made):
    digest = artifacts.digest(bare.production.read_bytes())
    found = [text for text, _, _ in texts(1_500, seed=1)]
    store = Store(bare.kept_rows)
    calm = (70.0, 0.0, 0.0, 0.0)
    store.add([Kept(f"kept {n}", 1_000.0 + n, digest, "payment", 0.5, calm, found[n]) for n in range(3)])
    store.label([("kept 1", "payment")])
    refused(bare, "row 2: this row raised an alarm of the watch, or was labelled for it")
    assert store.spent([(1_002.0, 1_003.0)]) == [("kept 1", found[1]), ("kept 2", found[2])]
    store.forget(["kept 1"])
    labelling.new(bare, traffic(bare))


@pytest.mark.slow
def test_the_rows_of_an_alarm_are_those_from_where_it_began_to_where_it_was_seen(bare, made):
    digest = artifacts.digest(bare.production.read_bytes())
    found = [text for text, _, _ in texts(1_500, seed=1)]
    store = Store(bare.kept_rows)
    strange = (5_000.0, 0.9, 0.9, 0.9)
    store.add([Kept(f"kept {n}", 1_000.0 + n, digest, "payment", 0.5, strange, found[n]) for n in range(400)])
    refused(bare, r"row \d+: this row raised an alarm of the watch")
    lights = store.advance(watch.read(bare, digest), watch.settings_of(bare))
    assert lights.on("moved")  # asking did not take it from those who act on it
    seen = {id for id, _ in watch.spent(bare, watch.settings_of(bare))}
    store.close()
    assert 0 < len(seen) < 400
    assert "kept 399" not in seen
