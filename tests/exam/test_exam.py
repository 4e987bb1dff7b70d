"""Promises 3, 6 and 9: what a look costs and what costs none, what is refused before it, and what it is good for.

Everything happens in a root with data of its own: 3,000 short texts of three classes in a CSV, its columns renamed.
"""

import copy
import csv
import io
import json
import random
import re
import shutil
from dataclasses import replace
from types import SimpleNamespace

from mlgate import artifacts, corpus, exam, gate, ledger, promotion, recipes
from mlgate.answers import scoring
from mlgate.artifacts import unpickling
from mlgate.errors import MlgateError
from mlgate.exam import CandidateRejected, attempt, holdout
from mlgate.gate import HOLD, PROMOTE, REJECT
from mlgate.reporting import report
from mlgate.root import Root

import joblib
import numpy as np
import pytest
from crashes import Evil, moves, snapshot, verdict_on
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline

POLICY = """
[decision]
looks = 20
[floors]
accuracy = 0.5
[flips]
action = "report"
[suspicion]
action = "report"
[robustness]
action = "report"
[artifacts]
allow = []
[corpus]
path = "rows.csv"
text_column = "what they wrote"
label_column = "about"
slice_column = "channel"
"""
CLASSES = ("delivery", "payment", "return")


def texts(count: int, seed: int) -> list[tuple[str, str, str]]:
    """Rows of text, label and channel: 8 words, a third of which hint at the label."""
    chance = random.Random(seed)
    rows = []
    for _ in range(count):
        label = chance.choice(CLASSES)
        hints = [f"{label}{chance.randrange(60)}" for _ in range(8)]
        noise = [f"{chance.choice((*CLASSES, 'any', 'thing'))}{chance.randrange(60)}" for _ in range(8)]
        words = [hint if chance.random() < 0.3 else other for hint, other in zip(hints, noise, strict=True)]
        rows.append((" ".join(words), label, chance.choice(("mail", "chat"))))
    return rows


def write_rows(path, rows) -> None:
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([("what they wrote", "about", "channel"), *rows])


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> SimpleNamespace:
    """A root with a production model (by reduced_dataset), and candidates by name, each with the facts of its card."""
    root = Root(tmp_path_factory.mktemp("exam") / "root")
    root.path.mkdir()
    root.policy.write_text(POLICY)
    write_rows(root.path / "rows.csv", texts(3_000, seed=0))
    train = corpus.split("train", root)
    ways = {
        "production": ("reduced_dataset", 0.5),
        "better": ("baseline", None),
        "best": ("challenger", None),
        "worse": ("noisy_labels", 1.0),
        "similar": ("reduced_dataset", 0.52),
    }
    models = {}
    for name, (recipe, severity) in ways.items():
        made = recipes.named(recipe)
        models[name] = (made.train(train, severity), made.facts(train, severity))
    exam.bootstrap(root, *models["production"])
    return SimpleNamespace(root=root, models=models, train=train)


@pytest.fixture
def root(made, tmp_path) -> Root:
    shutil.copytree(made.root.path, tmp_path / "root")
    return Root(tmp_path / "root")


@pytest.fixture
def submit(made, root):
    """Make one of the candidates (or any pipeline) the root's candidate."""

    def submit(what) -> str:
        pipeline, facts = made.models[what] if isinstance(what, str) else (what, made.models["better"][1])
        return artifacts.write_candidate(root, pipeline, facts).digest

    return submit


def train_again(root: Root) -> None:
    """What notebook 02 does with the baseline recipe: on the training rows as they are now."""
    recipe, rows = recipes.named("baseline"), corpus.split("train", root)
    artifacts.write_candidate(root, recipe.train(rows), recipe.facts(rows))


def told(verdict) -> dict:
    """The verdict as verdict.json holds it."""
    return json.loads(artifacts.to_json(verdict.as_dict()))


def looks(root: Root) -> int:
    return sum(entry["kind"] == "look" for entry in ledger.read(root))


def without_ledger(root: Root) -> dict:
    return {name: data for name, data in snapshot(root.production_folder).items() if name != "ledger.jsonl"}


def change(root: Root, old: str, new: str) -> None:
    text = root.policy.read_text()
    assert old in text
    root.policy.write_text(text.replace(old, new))


# ---- the cycle ----


@pytest.mark.slow
def test_on_data_of_ones_own_a_worse_candidate_is_rejected_and_a_better_one_promoted(root, submit, made):
    submit("worse")
    before = without_ledger(root)
    verdict = exam.take(root)
    assert verdict.decision == REJECT
    assert verdict.rows.name == "validation"
    assert exam.act_on(root, verdict).startswith("REJECT: production stays")
    assert without_ledger(root) == before
    assert looks(root) == 0
    digest = submit("better")
    verdict = exam.take(root)
    assert (verdict.decision, verdict.rows.name) == (PROMOTE, "holdout")
    assert "PROMOTE gives it back); 20 looks left" in report.text(verdict)
    assert verdict.candidate.digest == digest
    assert looks(root) == 1
    assert without_ledger(root) == before  # the verdict moves nothing by itself
    assert exam.act_on(root, verdict) == f"Production is now {digest[:12]}."
    assert artifacts.load_production(root).digest == digest
    assert exam.act_on(root, verdict) == f"Production is {digest[:12]} already."
    again = exam.take(root)
    assert (again.decision, again.look.spent) == (HOLD, False)
    assert "identical to production" in again.reason
    assert looks(root) == 1


@pytest.mark.slow
def test_verdict_json_is_the_verdict_and_its_digest_stands_in_the_ledger(root, submit):
    submit("better")
    verdict = exam.take(root)
    data = root.verdict.read_bytes()
    assert json.loads(data) == told(verdict) == told(gate.verdict_from(json.loads(data)))
    line = ledger.read(root)[-1]
    assert line["verdict_sha256"] == artifacts.digest(data)
    assert line["verdict"] == json.loads(data)
    assert line["alpha"] == 0.05 / 20


@pytest.mark.slow
def test_no_row_of_the_holdout_leaves_the_exam(root, submit):
    submit("better")
    exam.take(root)
    everything = root.verdict.read_text() + root.ledger.read_text()
    assert not any(text in everything for text in corpus.split("holdout", root)["text"])


# ---- what costs a look, and what does not ----


@pytest.mark.slow
def test_rejecting_the_same_candidate_all_day_adds_one_line_and_spends_no_look(root, submit):
    submit("worse")
    before, count = without_ledger(root), len(ledger.read(root))
    verdicts = [exam.take(root) for _ in range(5)]
    assert {verdict.decision for verdict in verdicts} == {REJECT}
    assert len(ledger.read(root)) == count + 1
    assert ledger.read(root)[-1]["kind"] == "rejection"
    assert looks(root) == 0
    submit("worse")  # trained again: the same bytes
    assert told(exam.take(root)) == told(verdicts[0])
    assert len(ledger.read(root)) == count + 1
    assert without_ledger(root) == before
    with pytest.raises(MlgateError, match="The verdict is REJECT"):
        promotion.promote(root)


def test_production_itself_as_a_candidate_is_held_and_adds_nothing_to_the_ledger(root, submit):
    submit("production")
    before = snapshot(root.production_folder)
    verdict = exam.take(root)
    assert (verdict.decision, verdict.look.spent) == (HOLD, False)
    assert "identical to production: the same model" in verdict.reason
    assert snapshot(root.production_folder) == before


@pytest.mark.slow
def test_a_candidate_with_the_same_answers_is_held_and_adds_nothing_to_the_ledger(root, submit, made):
    root.policy.write_text(root.policy.read_text() + '[provenance]\nreproduce = "card"\n')
    pipeline = joblib.load(root.production)
    pipeline.steps[-1][1].coef_ = pipeline.steps[-1][1].coef_ * (1 + 1e-12)
    pipeline.steps[-1][1].tol = 1e-5
    assert submit(pipeline) != artifacts.digest(root.production.read_bytes())
    before = snapshot(root.production_folder)
    verdict = exam.take(root)
    assert (verdict.decision, verdict.look.spent) == (HOLD, False)
    assert "identical to production: the same answer to each of" in verdict.reason
    assert snapshot(root.production_folder) == before


@pytest.mark.slow
def test_the_same_pair_on_the_same_rows_under_the_same_policy_costs_one_look(root, submit):
    submit("better")
    first = exam.take(root)
    data, lines = root.verdict.read_bytes(), root.ledger.read_bytes()
    submit("better")
    root.policy.write_text("# a comment is no demand\n" + root.policy.read_text())
    again = exam.take(root)
    assert told(replace(again, look=first.look)) == told(first)
    assert (again.look.spent, again.look.repeated, again.look.left) == (False, True, first.look.left)
    assert json.loads(root.verdict.read_bytes()) == {**json.loads(data), "look": again.look.as_dict()}
    assert root.ledger.read_bytes() == lines
    root.verdict.write_bytes(root.verdict.read_bytes().replace(b'"count": ', b'"count": 1'))
    with pytest.raises(MlgateError, match="The ledger has no such verdict"):
        promotion.promote(root)
    exam.take(root)
    assert promotion.promote(root)


@pytest.mark.slow
def test_another_policy_or_other_rows_cost_another_look(root, submit):
    submit("better")
    change(root, "looks = 20", "looks = 20\nmargin = 0.2")  # what nobody is shown to be better by
    assert exam.take(root).look.left == 19
    change(root, "margin = 0.2", "margin = 0.21")
    assert exam.take(root).look.left == 18
    rows = texts(3_000, seed=0)
    write_rows(root.path / "rows.csv", [*rows, *texts(20, seed=1)])
    train_again(root)
    assert exam.take(root).look.left == 17  # shared rows: the same generation of the holdout
    assert looks(root) == 3


def test_other_validation_rows_are_asked_though_both_models_were_asked_before(root, submit):
    submit("better")
    pair = exam.load_pair(root)
    asked = attempt.Attempt(root, *pair).on_validation
    assert attempt.Attempt(root, *pair).on_validation is asked
    write_rows(root.path / "rows.csv", [*texts(3_000, seed=0), *texts(50, seed=1)])
    [(_, count, digest)] = attempt.Attempt(root, *pair).on_validation.parts
    assert count > asked.parts[0][1]
    assert digest != asked.parts[0][2]


@pytest.mark.slow
def test_no_look_is_spent_where_a_check_that_reads_no_label_stands_in_the_way(root, submit):
    write_rows(root.path / "rows.csv", [*texts(3_000, seed=0), *texts(20, seed=1)])
    submit("better")  # whose card names the rows as they were
    verdict = exam.take(root)
    assert (verdict.decision, verdict.look.spent, looks(root)) == (HOLD, False, 0)
    assert verdict.reason == "its card names other training rows than the corpus has"
    assert verdict.check("prospect").reason == f"nothing could be won: {verdict.reason}"
    root.policy.write_text(root.policy.read_text() + '[provenance]\naction = "report"\n')
    assert exam.take(root).look.spent


@pytest.mark.slow
def test_no_look_is_spent_where_being_right_on_every_difference_would_not_be_enough(root, submit, made):
    change(root, "[floors]", '[provenance]\nreproduce = "card"\n[floors]')
    almost = copy.deepcopy(made.models["production"][0])
    almost[-1].intercept_ = almost[-1].intercept_ + np.array([0.004, 0.0, 0.0])
    submit(almost)
    verdict = exam.take(root)
    assert (verdict.decision, verdict.look.spent, looks(root)) == (HOLD, False, 0)
    expected = r"nothing could be won: only [1-9] holdout rows? (are|is) answered differently"
    assert re.fullmatch(expected, verdict.check("prospect").reason)


def test_no_look_is_spent_where_a_required_slice_has_too_few_rows(root, submit):
    change(root, "[floors]", '[slices]\nrequired = ["letter"]\n[floors]')
    submit("better")
    verdict = exam.take(root)
    assert (verdict.decision, verdict.look.spent, looks(root)) == (HOLD, False, 0)
    assert verdict.check("prospect").reason == "nothing could be won: too few holdout rows of the slice letter"


@pytest.mark.slow
def test_a_required_slice_of_exactly_the_least_number_of_rows_is_large_enough_for_a_look(root, submit):
    submit("better")
    rows = (corpus.split("holdout", root)["source"] == "mail").sum()
    change(root, "[floors]", f'[slices]\nrequired = ["mail"]\nminimum_rows = {rows + 1}\n[floors]')
    assert exam.take(root).check("prospect").reason == "nothing could be won: too few holdout rows of the slice mail"
    change(root, f"minimum_rows = {rows + 1}", f"minimum_rows = {rows}")
    assert exam.take(root).look.spent


@pytest.mark.slow
def test_a_repeated_verdict_can_be_promoted_after_an_update_of_python_too(root, submit, monkeypatch):
    submit("better")
    exam.take(root)
    monkeypatch.setattr(gate.judging, "versions", lambda: {"python": "4.0.0"})
    exam.take(root)
    assert promotion.promote(root)


@pytest.mark.slow
def test_a_look_that_ends_in_promote_is_given_back(root, submit):
    change(root, "looks = 20", "looks = 1")
    for name in ("better", "best"):
        submit(name)
        verdict = exam.take(root)
        assert (verdict.decision, verdict.look.spent, verdict.look.left) == (PROMOTE, True, 1)
        assert verdict.look.why == "one look at the holdout; PROMOTE gives it back"
        assert exam.take(root).look.left == 1  # as the ledger says it now


@pytest.mark.slow
def test_rows_that_were_read_twice_as_often_as_looks_are_worn_out_whatever_it_ended_in(root, submit):
    for _ in range(40):
        ledger.append(root, "look", alpha=0.0025, generation=1, verdict=verdict_on("a", "b"), verdict_sha256="")
    submit("better")
    assert exam.take(root).check("looks").status == "undecided"


@pytest.mark.slow
def test_with_no_look_left_the_holdout_is_not_read_and_the_way_out_is_said(root, submit, monkeypatch):
    change(root, "looks = 20", "looks = 1\nmargin = 0.2")
    submit("better")
    assert exam.take(root).decision == HOLD
    submit("best")
    before, seen, score = snapshot(root.production_folder), [], scoring.score

    def watched(production, candidate, rows, **how):
        seen.append(rows.name)
        return score(production, candidate, rows, **how)

    monkeypatch.setattr(scoring, "score", watched)
    verdict = exam.take(root)
    assert (verdict.decision, verdict.look.spent, verdict.look.left) == (HOLD, False, 0)
    assert "no look is left on these holdout rows: bring new ones" in verdict.reason
    assert seen == ["validation"]
    assert snapshot(root.production_folder) == before
    with pytest.raises(MlgateError, match="The ledger has no such verdict"):
        promotion.promote(root)


@pytest.mark.slow
def test_the_way_out_is_one_new_rows_bring_new_looks_and_old_rows_do_not(root, submit):
    change(root, "looks = 20", "looks = 1")
    change(root, "[floors]", '[classes]\naction = "report"\n[floors]')
    submit("similar")
    exam.take(root)
    assert looks(root) == 1
    source = corpus.Source(root.path / "new.csv", "what they wrote", "about", "channel")
    write_rows(source.path, texts(3_000, seed=0)[:500])
    with pytest.raises(MlgateError, match="are known already"):
        holdout.renew(root, source)
    disguised = [(f"{text} .", *others) for text, *others in texts(3_000, seed=0)[:500]]
    write_rows(source.path, disguised)
    with pytest.raises(MlgateError, match="they are known rows, changed a little"):
        holdout.renew(root, source)
    write_rows(source.path, texts(600, seed=2))
    before = snapshot(root.production_folder)
    change(root, "[floors]", '[slices]\nrequired = ["letter"]\n[floors]')
    with pytest.raises(MlgateError, match="has 0 rows of the slice 'letter'"):
        holdout.renew(root, source)
    assert snapshot(root.production_folder) == before
    change(root, "letter", "mail")
    new = texts(600, seed=2)
    alike = "begins and ends as the next, in more words than are compared at an end of it"
    write_rows(source.path, [*new, *[(f"{alike} {number} {alike}", *new[0][1:]) for number in (1, 2)]])
    holdout.renew(root, source)  # these two are no duplicates
    train_again(root)
    verdict = exam.take(root)
    assert (verdict.look.spent, looks(root)) == (True, 2)


@pytest.mark.slow
def test_a_look_is_in_the_ledger_before_anybody_sees_it(root, submit, monkeypatch):
    submit("better")

    def fail(path, data):
        raise MlgateError("the power went out")

    monkeypatch.setattr(exam.exam, "write_atomically", fail)
    with pytest.raises(MlgateError, match="power"):
        exam.take(root)
    assert looks(root) == 1
    assert not root.verdict.exists()
    monkeypatch.undo()
    assert exam.take(root).decision == PROMOTE
    assert looks(root) == 1


@pytest.mark.slow
def test_a_repeated_verdict_says_how_many_looks_are_left_now(root, submit):
    change(root, "looks = 20", "looks = 20\nmargin = 0.2")
    submit("better")
    exam.take(root)
    submit("best")
    exam.take(root)
    submit("better")
    assert exam.take(root).look.left == 18


def test_a_candidate_that_fails_on_sealed_rows_alone_is_rejected_for_it(root, submit, monkeypatch):
    submit("better")
    score = scoring.score

    def failing(production, candidate, rows, **how):
        made = score(production, candidate, rows, **how)
        if rows.sealed:
            made = replace(made, candidate=replace(made.candidate, fault="it cannot answer holdout: MemoryError"))
        return made

    monkeypatch.setattr(scoring, "score", failing)
    change(root, "[floors]", '[slices]\nrequired = ["letter"]\n[floors]')  # too small, but that is not the point
    verdict = exam.take(root)
    assert (verdict.decision, verdict.rows.name) == (REJECT, "holdout")
    assert "it cannot answer holdout: MemoryError" in verdict.reason


def test_a_look_that_the_ledger_does_not_take_is_not_shown(root, submit, monkeypatch):
    submit("better")
    before = snapshot(root.production_folder)

    def full(root, kind, **facts):
        raise MlgateError("No space left on device")

    monkeypatch.setattr(ledger, "append", full)
    with pytest.raises(MlgateError, match="No space"):
        exam.take(root)
    assert not root.verdict.exists()
    assert snapshot(root.production_folder) == before


# ---- after a rollback ----


@pytest.mark.slow
def test_a_model_that_was_rolled_back_is_held_and_promoted_only_on_request(root, submit):
    digest = submit("better")
    exam.act_on(root, exam.take(root))
    promotion.rollback(root)
    before = snapshot(root.production_folder)
    verdict = exam.take(root)
    assert (verdict.decision, verdict.look.spent) == (HOLD, False)
    assert "was rolled back; to promote it again: mlgate promote --after-rollback" in verdict.reason
    assert snapshot(root.production_folder) == before
    with pytest.raises(MlgateError):
        promotion.promote(root)
    assert snapshot(root.production_folder) == before
    assert promotion.promote(root, after_rollback=True)
    assert artifacts.load_production(root).digest == digest
    promotion.rollback(root)
    assert [kind for kind, *_ in moves(root)] == ["bootstrap", "promotion", "rollback", "promotion", "rollback"]


# ---- the candidate at fault: REJECT, with the reason, and no look ----


def broken(made, **attributes):
    pipeline = joblib.load(io.BytesIO(artifacts.dump(made.models["better"][0])))
    for name, value in attributes.items():
        setattr(pipeline.steps[-1][1], name, value)
    return pipeline


def other_labels(made):
    train = made.train.assign(label=made.train["label"].replace("payment", "money"))
    return recipes.named("baseline").train(train)


FAULTS = {
    "raises": (lambda made: broken(made, coef_=np.zeros((3, 5))), "it cannot answer validation: ValueError"),
    "answers NaN": (lambda made: broken(made, coef_=np.full_like(made.models["better"][0][-1].coef_, np.nan)), "NaN"),
    "knows other classes": (other_labels, "its classes are delivery, money, return; production's are delivery, pay"),
    "knows fewer classes": (
        lambda made: recipes.named("baseline").train(made.train[made.train["label"] != "return"]),
        "its classes are delivery, payment; production's are",
    ),
    "answers integers": (
        lambda made: recipes.named("baseline").train(
            made.train.assign(label=made.train["label"].map(CLASSES.index).astype(int))
        ),
        "its classes are 0, 1, 2",
    ),
    "always the same answer": (
        lambda made: make_pipeline(TfidfVectorizer(), DummyClassifier()).fit(made.train["text"], made.train["label"]),
        "worse than production",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_candidate_that_cannot_answer_is_rejected_with_the_reason_and_costs_no_look(fault, root, submit, made):
    make, words = FAULTS[fault]
    submit(make(made))
    before, count = without_ledger(root), len(ledger.read(root))
    for _ in range(3):
        verdict = exam.take(root)
        assert verdict.decision == REJECT
        assert words in verdict.reason
    assert len(ledger.read(root)) == count + 1
    assert looks(root) == 0
    assert without_ledger(root) == before
    with pytest.raises(MlgateError, match="The verdict is REJECT"):
        promotion.promote(root)


def without_card(root, marker):
    root.candidate_card.unlink()


def with_anothers_card(root, marker):
    root.candidate_card.write_text(json.dumps({"digest": "0" * 64}))


def with_other_bytes(root, marker):
    root.candidate.write_bytes(root.candidate.read_bytes() + b"\x00")


def evil(root, marker):
    root.candidate.write_bytes(bytes(Evil(marker)))


def evil_with_its_card(root, marker):
    evil(root, marker)
    root.candidate_card.write_text(json.dumps({"digest": artifacts.digest(root.candidate.read_bytes())}))


def garbage_with_its_card(root, marker):
    root.candidate.write_bytes(b"\x80\x04garbage")
    root.candidate_card.write_text(json.dumps({"digest": artifacts.digest(root.candidate.read_bytes())}))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (without_card, "card.json does not describe these bytes"),
        (with_anothers_card, "card.json does not describe these bytes"),
        (with_other_bytes, "card.json does not describe these bytes"),
        (evil, "card.json does not describe these bytes"),
        (evil_with_its_card, "tries to run foreign code"),
        (garbage_with_its_card, "damaged"),
    ],
)
def test_a_candidate_whose_bytes_are_not_known_is_rejected_and_not_unpickled(
    spoil, words, root, submit, tmp_path, monkeypatch
):
    submit("better")
    spoil(root, tmp_path / "marker")
    before, seen, loads = without_ledger(root), [], unpickling.loads
    monkeypatch.setattr(unpickling, "loads", lambda data, *limits: (seen.append(data), loads(data, *limits))[1])
    verdict = exam.take(root)
    assert verdict.decision == REJECT
    assert words in verdict.reason
    assert len(seen) == 1  # production: the candidate is opened in a child, and only where a card speaks for its bytes
    assert not (tmp_path / "marker").exists()
    assert looks(root) == 0
    assert without_ledger(root) == before


@pytest.mark.slow
def test_a_candidate_whose_card_was_corrected_is_judged_anew(root, submit):
    submit("better")
    without_card(root, None)
    assert exam.take(root).decision == REJECT
    assert exam.take(root).decision == REJECT
    submit("better")
    assert exam.take(root).decision == PROMOTE
    assert [line["kind"] for line in ledger.read(root)][-2:] == ["rejection", "look"]


def test_a_rejected_candidate_that_cannot_be_used_any_more_is_rejected_for_that(root, submit):
    submit("worse")
    assert "worse than production" in exam.take(root).reason
    without_card(root, None)
    assert "card.json does not describe these bytes" in exam.take(root).reason
    assert [line["kind"] for line in ledger.read(root)][-2:] == ["rejection", "rejection"]


def test_a_candidate_at_fault_for_another_reason_than_before_is_rejected_for_the_new_one(root, submit, made):
    pipeline = make_pipeline(TfidfVectorizer(), NearestCentroid()).fit(made.train["text"], made.train["label"])
    submit(pipeline)
    without_card(root, None)
    assert "card.json does not describe these bytes" in exam.take(root).reason
    submit(pipeline)
    assert "holds a type that is not on the list" in exam.take(root).reason
    assert [line["kind"] for line in ledger.read(root)][-2:] == ["rejection", "rejection"]


def test_a_candidate_of_a_type_that_was_allowed_since_is_judged_anew(root, submit, made):
    pipeline = make_pipeline(TfidfVectorizer(), NearestCentroid()).fit(made.train["text"], made.train["label"])
    submit(pipeline)
    refused = exam.take(root)
    assert refused.decision == REJECT
    name = "sklearn.neighbors._nearest_centroid.NearestCentroid"
    assert f'add "{name}" to allow' in refused.reason
    change(root, "allow = []", f'allow = ["{name}"]')
    verdict = exam.take(root)
    assert verdict.candidate.accuracy > 0.5
    assert "allow" not in verdict.reason


def test_without_a_candidate_the_exam_says_what_to_run(root):
    before = snapshot(root.path)
    with pytest.raises(MlgateError, match=r"There is no file .*artifacts_candidate/pipeline.pkl\. Run notebook 02"):
        exam.take(root)
    assert snapshot(root.path).keys() <= before.keys() | {".mlgate.lock"}


# ---- production, rows, policy or ledger at fault: an error, and no look ----


def production_by_hand(root, made, marker):
    root.production.write_bytes(artifacts.dump(made.models["best"][0]))


def evil_production(root, made, marker):
    root.production.write_bytes(bytes(Evil(marker)))


def garbage_production(root, made, marker):
    root.production.write_bytes(b"garbage")


def no_production(root, made, marker):
    root.production.unlink()


def no_card(root, made, marker):
    next(root.cards.glob("*.json")).unlink()


def anothers_card(root, made, marker):
    next(root.cards.glob("*.json")).write_text(json.dumps({"digest": "0" * 64}))


def no_ledger(root, made, marker):
    root.ledger.unlink()


def broken_ledger(root, made, marker):
    root.ledger.write_bytes(root.ledger.read_bytes()[:-10])


def no_policy(root, made, marker):
    root.policy.unlink()


def no_rows(root, made, marker):
    (root.path / "rows.csv").unlink()


def no_column(root, made, marker):
    change(root, '"about"', '"abuot"')


def unknown_label(root, made, marker):
    write_rows(root.path / "rows.csv", [*texts(3_000, seed=0), *((text, "spam", "mail") for text, *_ in texts(50, 1))])


def an_empty_text(root, made, marker):
    write_rows(root.path / "rows.csv", [*texts(3_000, seed=0), (" ", "payment", "mail")])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (production_by_hand, "the ledger's last move put .* changed by hand.*git checkout"),
        (evil_production, "the ledger's last move put .* changed by hand.*git checkout"),
        (garbage_production, "the ledger's last move put .* changed by hand.*git checkout"),
        (no_production, r"There is no file .*artifacts_prod/pipeline.pkl\. Run notebook 01"),
        (no_card, "has no card in .*git checkout"),
        (anothers_card, "has no card in .*git checkout"),
        (no_ledger, "The ledger does not say how .*git checkout"),
        (broken_ledger, "ledger.jsonl, line 2: it is not complete.*git checkout"),
        (no_policy, r"There is no .*gate.toml\. It says what the gate demands"),
        (no_rows, r"There is no file .*rows.csv\. Check the path"),
        (no_column, "has no column 'abuot'; it has"),
        (unknown_label, "has the label 'spam', which the production model does not know"),
        (an_empty_text, "row 3001: column 'what they wrote' is empty"),
    ],
)
def test_what_is_not_the_candidates_fault_is_an_error_that_changes_nothing(spoil, words, root, submit, made, tmp_path):
    submit("better")
    spoil(root, made, tmp_path / "marker")
    before = snapshot(root.path)
    with pytest.raises(MlgateError, match=words) as error:
        exam.take(root)
    assert "\n" not in str(error.value)
    assert snapshot(root.path) == before
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("looks = 20", "loks = 20", r"\[decision\] has no key 'loks'"),
        ("looks = 20", "looks = 0", r"\[decision\] looks must be from 1"),
        ("looks = 20", "looks = 20.5", r"\[decision\] looks must be a whole number"),
        ("looks = 20", "alpha = 0.9", r"\[decision\] alpha must be from"),
        ("looks = 20", "looks = ", "cannot be read as TOML"),
        ("[decision]", "[decisions]", r"there is no section \[decisions\]"),
        ('action = "report"', 'action = "raport"', "must be one of 'reject', 'hold', 'report', not 'raport'"),
        ("allow = []", "alow = []", r"\[artifacts\] has no key 'alow'"),
        ('label_column = "about"', 'lable_column = "about"', r"\[corpus\] has no key 'lable_column'"),
    ],
)
def test_a_policy_with_a_mistake_is_an_error_that_names_it_and_changes_nothing(old, new, words, root, submit):
    submit("better")
    change(root, old, new)
    before = snapshot(root.path)
    with pytest.raises(MlgateError, match=words):
        exam.take(root)
    assert snapshot(root.path) == before


# ---- the first model ----


@pytest.fixture
def empty(root) -> Root:
    shutil.rmtree(root.production_folder)
    return root


def test_the_first_model_is_bootstrapped_once(empty, made):
    verdict = exam.bootstrap(empty, *made.models["production"])
    assert verdict.decision == PROMOTE
    model = artifacts.load_production(empty)
    assert (moves(empty), model.fault) == ([("bootstrap", None, model.digest)], None)
    assert not empty.previous.exists()
    before = snapshot(empty.path)
    for name in ("production", "best"):
        with pytest.raises(MlgateError, match=r"There is a production model already\. A new one has to win"):
            exam.bootstrap(empty, *made.models[name])
    assert snapshot(empty.path) == before


@pytest.mark.slow
def test_a_first_model_below_the_floors_is_refused_and_nothing_is_written(empty, made):
    useless = make_pipeline(TfidfVectorizer(), DummyClassifier()).fit(made.train["text"], made.train["label"])
    unfitted = make_pipeline(TfidfVectorizer(), NearestCentroid()).fit(made.train["text"], made.train["label"])
    before = snapshot(empty.path)
    for pipeline, words in (
        (made.models["worse"][0], "cannot be the first production model: accuracy .* is below the floor of 50%"),
        (useless, "cannot be the first production model: accuracy .* is below the floor"),
        (unfitted, "cannot be production: The file holds a type that is not on the list"),
    ):
        with pytest.raises(MlgateError, match=words):
            exam.bootstrap(empty, pipeline, {})
    assert snapshot(empty.path) == before


def test_a_first_model_no_better_than_one_class_is_refused_even_without_a_floor(empty, made):
    change(empty, "accuracy = 0.5", "accuracy = 0.0")
    useless = make_pipeline(TfidfVectorizer(), DummyClassifier()).fit(made.train["text"], made.train["label"])
    with pytest.raises(MlgateError, match="gives one and the same answer to each"):
        exam.bootstrap(empty, useless, {})
    assert not empty.production.exists()


def test_taking_production_away_does_not_make_room_for_a_model_that_never_won(root, made):
    root.production.unlink()
    before = snapshot(root.path)
    with pytest.raises(MlgateError, match=r"The ledger says that .* is in production, but it is gone.*git checkout"):
        exam.bootstrap(root, *made.models["worse"])
    assert snapshot(root.path) == before


# ---- previews and what notebooks do with a verdict ----


def test_a_preview_spends_nothing_and_cannot_be_promoted(root, submit):
    submit("better")
    before = snapshot(root.production_folder)
    production, candidate = exam.load_pair(root)
    verdict = exam.preview(root, scoring.score(production, candidate, corpus.rows_of("validation", root)))
    assert (verdict.decision, verdict.look.spent) == (PROMOTE, False)
    assert snapshot(root.production_folder) == before
    assert not root.verdict.exists()
    shutil.copy(root.preview, root.verdict)
    with pytest.raises(MlgateError, match="The ledger has no such verdict"):
        promotion.promote(root)
    assert snapshot(root.production_folder) == before


@pytest.mark.slow
def test_a_rejected_candidate_ends_a_notebook_with_the_numbers(root, submit):
    submit("worse")
    verdict = exam.take(root)
    with pytest.raises(CandidateRejected, match=r"production \d\d\.\d\d%, candidate \d\d\.\d\d% on validation: worse"):
        exam.raise_if_rejected(verdict)
    submit("better")
    exam.raise_if_rejected(exam.take(root))
