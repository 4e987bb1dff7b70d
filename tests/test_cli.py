"""`mlgate judge` as people and CI call it: what can be missing or broken, and what two models deserve.

Whatever happens: never PROMOTE for something broken, a reason in plain words, no traceback, and the exit status of the
contract: 0 PROMOTE, 3 HOLD, 4 REJECT, 1 an error, 2 wrong usage.
"""

import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

from mlgate import artifacts, cli, recipes
from mlgate.gate import PROMOTE

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from conftest import GATE
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

STARTS = ("Production model accuracy:", "Candidate model accuracy:", "Reject new model", "Promote new model", "Keep pr")
DECISIONS = {0: "Promote new model", 3: "Keep production model: ", 4: "Reject new model"}


class Said:
    """What a command printed, and its exit status. Made only of what keeps the contract."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
        assert "Traceback" not in out + err
        lines = out.rstrip("\n").split("\n")
        if code in DECISIONS:
            assert lines[-3].startswith(STARTS[0])
            assert lines[-2].startswith(STARTS[1])
            assert lines[-1].startswith(DECISIONS[code])
            assert not [line for line in lines[:-3] if line.startswith(STARTS)]
            assert len(lines[0]) > 30
        else:
            assert code == 1, err
            assert out == ""
            assert err.startswith("mlgate: ")
            assert err.count("\n") == 1
            assert len(err) > 30

    @property
    def reason(self):
        """The reason in words."""
        return self.out.split("\n")[0].split(": ", 1)[1] if self.code in DECISIONS else self.err


@pytest.fixture
def mlgate(capsys):
    """Run a command in this process."""

    def run(*arguments):
        capsys.readouterr()
        code = cli.main([str(argument) for argument in arguments])
        return Said(code, *capsys.readouterr())

    return run


def command(*arguments, cwd=None, **environment):
    """Run the installed command."""
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONIOENCODING"}
    return subprocess.run(
        [Path(sys.executable).with_name("mlgate"), *arguments],
        cwd=cwd,
        env={**surroundings, **environment},
        capture_output=True,
        encoding=environment.get("PYTHONIOENCODING", "utf-8"),
        check=False,
    )


# ---- two models and some rows ----


@pytest.fixture(scope="session")
def folder(tmp_path_factory, baseline_model, better_model, worse_model, reviews):
    """baseline.pkl, better.pkl, worse.pkl and rows.csv: 900 validation reviews with their source."""
    folder = tmp_path_factory.mktemp("judge")
    for name, model in (("baseline", baseline_model), ("better", better_model), ("worse", worse_model)):
        (folder / f"{name}.pkl").write_bytes(artifacts.dump(model.pipeline))
    rows = reviews.validation.sample(900, random_state=1)[["text", "label", "source"]]
    rows.to_csv(folder / "rows.csv", index=False)
    rows.head(60).to_csv(folder / "few.csv", index=False)
    shutil.copy(GATE, folder)
    return folder


@pytest.fixture
def judge(mlgate, folder):
    """`mlgate judge` on two of the folder's models, or others, and on its rows, or others."""

    def run(production="baseline.pkl", candidate="better.pkl", data="rows.csv", *more):
        paths = (folder / name for name in (production, candidate, data))
        names = ("--production", "--candidate", "--data")
        return mlgate("judge", *(part for pair in zip(names, paths, strict=True) for part in pair), *more)

    return run


@pytest.mark.slow
def test_a_truly_better_model_is_promoted(judge):
    said = judge()
    assert said.code == 0, said.out
    assert said.reason.startswith("better than production: +")


@pytest.mark.slow
def test_a_worse_model_is_rejected(judge):
    assert judge(candidate="worse.pkl").code == 4


@pytest.mark.slow
def test_swapped_models_are_rejected(judge):
    said = judge("better.pkl", "baseline.pkl")
    assert said.code == 4
    assert said.reason.startswith("worse than production: -")


def test_the_same_model_is_held_as_identical(judge):
    said = judge(candidate="baseline.pkl")
    assert said.code == 3
    assert said.out.endswith("Keep production model: identical to production: the same model\n")


def test_too_few_rows_hold(judge, folder):
    (folder / "tiny.csv").write_text(pd.read_csv(folder / "rows.csv").head(12).to_csv(index=False))
    said = judge(data="tiny.csv")
    assert said.code == 3
    assert "the models disagree on too few rows to decide" in said.reason or "neither shown to be better" in said.reason


@pytest.mark.slow
def test_slices_and_a_policy_are_judged_too(judge, folder):
    policy = ("--policy", folder / "gate.toml")
    said = judge("baseline.pkl", "better.pkl", "rows.csv", "--slice-column", "source", *policy)
    assert "✓ slice imdb: not shown to be worse on slice imdb" in said.out
    assert "✓ accuracy floor: accuracy" in said.out
    assert said.code == 0, said.out
    said = judge("baseline.pkl", "better.pkl", "rows.csv", *policy)
    assert said.code == 3
    assert said.reason.startswith("slice imdb has 0 rows")


@pytest.mark.slow
def test_floors_apply_only_with_a_policy(judge, tmp_path):
    assert "floor" not in judge().out
    (tmp_path / "gate.toml").write_text("[floors]\naccuracy = 0.95\n")
    said = judge("baseline.pkl", "better.pkl", "rows.csv", "--policy", tmp_path / "gate.toml")
    assert said.code == 4
    assert "is below the floor of 95%" in said.reason


@pytest.mark.slow
def test_verdict_json_is_what_was_printed(judge, folder, tmp_path):
    path = tmp_path / "new folder" / "verdict.json"
    said = judge("baseline.pkl", "better.pkl", "rows.csv", "--json", path)
    verdict = json.loads(path.read_text(encoding="utf-8"))
    assert verdict["decision"] == "PROMOTE"
    assert verdict["reason"] == said.reason
    assert set(verdict) >= {
        "decision",
        "production",
        "candidate",
        "rows",
        "difference",
        "discordant",
        "checks",
        "policy",
    }
    for side, name in (("production", "baseline"), ("candidate", "better")):
        assert verdict[side]["digest"] == hashlib.sha256((folder / f"{name}.pkl").read_bytes()).hexdigest()
    assert verdict["rows"]["digest"] == hashlib.sha256((folder / "rows.csv").read_bytes()).hexdigest()
    assert verdict["rows"]["count"] == 900
    assert verdict["rows"]["name"] == "rows.csv"
    assert 0 < verdict["difference"]["estimate"] < 0.2
    assert f"{100 * verdict['difference']['estimate']:+.2f} points" in said.reason
    skipped = {check["name"] for check in verdict["checks"] if check["status"] == "skipped"}
    assert {"card", "looks"} <= skipped


@pytest.mark.slow
def test_a_verdict_that_cannot_be_written_is_an_error(judge, tmp_path):
    said = judge("baseline.pkl", "better.pkl", "rows.csv", "--json", tmp_path)
    assert said.code == 1
    assert "cannot be written" in said.err


@pytest.mark.slow
def test_other_column_names(judge, folder):
    frame = pd.read_csv(folder / "rows.csv")
    frame.rename(columns={"text": "body", "label": "class"}).to_parquet(folder / "other.parquet")
    columns = ("--text-column", "body", "--label-column", "class")
    assert judge("baseline.pkl", "better.pkl", "other.parquet", *columns).code == 0


# ---- what can be missing or broken: files and policy ----


@pytest.mark.parametrize(
    ("production", "candidate", "data", "said"),
    [
        ("none.pkl", "better.pkl", "rows.csv", "There is no file "),
        ("baseline.pkl", "none.pkl", "rows.csv", "There is no file "),
        ("baseline.pkl", "better.pkl", "none.csv", "There is no file "),
        ("baseline.pkl", "better.pkl", "baseline.pkl", "is none of .csv, .tsv, .jsonl and .parquet. Convert it"),
        (".", "better.pkl", "rows.csv", "cannot be read: Is a directory"),
        ("rows.csv", "better.pkl", "rows.csv", "cannot be used: The file is not a joblib or pickle file"),
    ],
)
def test_a_file_that_is_missing_or_no_such_file_is_an_error(judge, production, candidate, data, said):
    found = judge(production, candidate, data)
    assert found.code == 1
    assert said in found.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[decison]\nalpha = 0.05\n", "there is no section [decison]; there are "),
        ("[decision]\nalhpa = 0.05\n", "[decision] has no key 'alhpa'; it has alpha, looks, margin"),
        ("[decision]\nalpha = '5 %'\n", "[decision] alpha must be a number, not '5 %'"),
        ("[decision]\nalpha = 5\n", "[decision] alpha must be from 1e-06 to 0.5, not 5"),
        ("[slices]\naction = 'ignore'\n", "[slices] action must be one of 'reject', 'hold', 'report', not 'ignore'"),
        ("[artifacts]\nallow = 'all'\n", "[artifacts] allow must be a list of texts"),
        ("[artifacts]\nmax_megabytes = 0\n", "[artifacts] max_megabytes must be from 0.001"),
        ("alpha: 0.05\n", "cannot be read as TOML"),
        (None, "There is no file "),
    ],
)
def test_a_policy_with_a_typo_is_an_error_that_names_it_at_once(judge, tmp_path, text, said):
    path = tmp_path / "gate.toml"
    if text is not None:
        path.write_text(text)
    found = judge("baseline.pkl", "better.pkl", "none.csv", "--policy", path)
    assert found.code == 1
    assert said in found.err
    assert "none.csv" not in found.err


# ---- what can be missing or broken: the candidate, and production ----


class Evil:
    """Leaves a marker where it is unpickled."""

    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return os.mkdir, (self.marker,)


def save(path, thing):
    path.write_bytes(thing) if isinstance(thing, bytes) else joblib.dump(thing, path)
    return path


def tampered(model, last=None, vectoriser=None):
    """The model once more, some attributes of its steps set to others."""
    pipeline = pickle.loads(pickle.dumps(model.pipeline))
    for step, changes in ((pipeline[0], vectoriser), (pipeline[-1], last)):
        for name, value in (changes or {}).items():
            setattr(step, name, value)
    return pipeline


def relabelled(model, labels):
    return tampered(model, {"classes_": np.array(labels)})


BROKEN = {
    "foreign pickle": (lambda model, folder: pickle.dumps(Evil(folder / "marker")), "foreign code"),
    "foreign joblib": (lambda model, folder: Evil(folder / "marker"), "foreign code"),
    "evil inside": (lambda model, folder: tampered(model, {"extra": Evil(folder / "marker")}), "foreign code"),
    "truncated": (lambda model, folder: artifacts.dump(model.pipeline)[:-100], "is damaged"),
    "empty": (lambda model, folder: b"", "is not a joblib or pickle file"),
    "text": (lambda model, folder: b"not a model", "is not a joblib or pickle file"),
    "no pipeline": (lambda model, folder: {"model": 1}, "holds a dict, not a Pipeline"),
    "no classifier": (
        lambda model, folder: make_pipeline(TfidfVectorizer()).fit(["one two", "three"]),
        "not a classifier",
    ),
    "not fitted": (lambda model, folder: make_pipeline(TfidfVectorizer(), LogisticRegression()), "it has no fitted"),
    "opens paths": (lambda model, folder: tampered(model, None, {"input": "filename"}), 'input is not "content"'),
    "raises": (lambda model, folder: tampered(model, {"coef_": np.ones((1, 3))}), "it cannot answer few.csv: Value"),
    "nan": (lambda model, folder: tampered(model, {"intercept_": np.array([np.nan])}), "scores that are not prob"),
    "other classes": (
        lambda model, folder: relabelled(model, ["bad", "good"]),
        "its classes are bad, good; production",
    ),
    "numbers": (lambda model, folder: relabelled(model, [0, 1]), "its classes are 0, 1; production's are negative"),
    "subset": (lambda model, folder: relabelled(model, ["negative"]), "it has no fitted classes"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("make", "said"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_candidate_is_rejected_and_a_broken_production_is_an_error(
    mlgate, folder, tmp_path, better_model, make, said
):
    broken = save(tmp_path / "broken.pkl", make(better_model, tmp_path))
    good, data = folder / "baseline.pkl", ("--data", folder / "few.csv", "--json", tmp_path / "verdict.json")
    found = mlgate("judge", "--production", good, "--candidate", broken, *data)
    assert found.code == 4
    assert said in found.reason
    assert "Candidate model accuracy: n/a\n" in found.out
    verdict = json.loads((tmp_path / "verdict.json").read_text(encoding="utf-8"))
    assert verdict["decision"] == "REJECT"
    assert verdict["candidate"] == {"digest": artifacts.digest(broken.read_bytes()), "accuracy": None}
    assert verdict["difference"] is None

    (tmp_path / "verdict.json").unlink()
    found = mlgate("judge", "--production", broken, "--candidate", good, *data)
    assert found.code == 1
    assert not (tmp_path / "verdict.json").exists()
    assert not (tmp_path / "marker").exists()


@pytest.mark.slow
def test_a_type_that_is_not_on_the_list_is_named_with_the_line_that_would_allow_it(mlgate, folder, tmp_path):
    rows = pd.read_csv(folder / "few.csv")
    save(tmp_path / "b.pkl", make_pipeline(TfidfVectorizer(), NearestCentroid()).fit(rows["text"], rows["label"]))
    files = ("--production", folder / "baseline.pkl", "--candidate", tmp_path / "b.pkl", "--data", folder / "few.csv")
    said = mlgate("judge", *files)
    assert said.code == 4
    name = "sklearn.neighbors._nearest_centroid.NearestCentroid"
    assert f'add "{name}" to allow under [artifacts] in gate.toml' in said.reason
    (tmp_path / "gate.toml").write_text(f'[artifacts]\nallow = ["{name}"]\n')
    assert "cannot be used" not in mlgate("judge", *files, "--policy", tmp_path / "gate.toml").out


def test_a_file_above_the_size_limit_is_refused(judge, tmp_path):
    (tmp_path / "gate.toml").write_text("[artifacts]\nmax_megabytes = 0.5\n")
    said = judge("baseline.pkl", "better.pkl", "rows.csv", "--policy", tmp_path / "gate.toml")
    assert said.code == 4
    assert "is too large: 0.7 MB, and max_megabytes is 0.5" in said.reason


# ---- what can be missing or broken: rows ----

ROWS = {
    "no text column": (b"body,label\na,positive\n", "has no column 'text'; it has 'body', 'label'"),
    "no label column": (b"text,stars\na,5\n", "has no column 'label'; it has 'text', 'stars'"),
    "semicolons": (b"text;label\na;positive\n", "(are its columns separated by commas?)"),
    "empty": (b"", "is empty. Give it a header and rows"),
    "header only": (b"text,label\n", "has a header but no rows. Give it rows"),
    "one class": (b"text,label\na,positive\nb,positive\n", "All rows of data.csv have one label"),
    "empty text": (b"text,label\na,positive\n,negative\n", "data.csv, row 2: column 'text' is empty"),
    "empty label": (b"text,label\na,positive\nb,\n", "data.csv, row 2: column 'label' is empty"),
    "unknown label": (b"text,label\na,positive\nb,meh\n", "the label 'meh', which the production model does not know"),
    "numbers": (b"text,label\na,1\nb,0\n", "the label '1', which the production model does not know: its classes are"),
    "latin-1": ("text,label\ncafé,positive\nb,negative\n".encode("latin-1"), "it is not UTF-8 text"),
    "utf-16": ("text,label\na,positive\nb,negative\n".encode("utf-16"), "it is not UTF-8 text"),
    "unequal rows": (b"text,label\na,positive\nb,c,negative\n", "a row has more or fewer columns than the header"),
    "never closed": (b'text,label\n"a,positive\nb,negative\n', "a row has more or fewer columns than the header"),
    "binary": (bytes(range(256)) * 20, "cannot be read"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("data", "said"), ROWS.values(), ids=ROWS.keys())
def test_rows_at_fault_are_an_error_that_says_what_to_do(judge, tmp_path, data, said):
    (tmp_path / "data.csv").write_bytes(data)
    found = judge("baseline.pkl", "better.pkl", tmp_path / "data.csv")
    assert found.code == 1
    assert said in found.err or (said == "cannot be read" and "has no column" in found.err)


@pytest.mark.slow
def test_slices_at_fault_are_an_error(judge, folder, tmp_path):
    found = judge("baseline.pkl", "better.pkl", "rows.csv", "--slice-column", "where")
    assert found.code == 1
    assert "has no column 'where'; it has 'text', 'label', 'source'" in found.err
    frame = pd.concat([pd.read_csv(folder / "rows.csv")] * 2).head(1_001).assign(where=range(1_001))
    frame.to_csv(tmp_path / "data.csv", index=False)
    found = judge("baseline.pkl", "better.pkl", tmp_path / "data.csv", "--slice-column", "where")
    assert found.code == 1
    assert "more than 1,000 values" in found.err


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.rstrip("\n"),
        lambda text: "\n" + text,
    ],
    ids=["bom", "crlf", "no last newline", "blank line first"],
)
def test_rows_that_only_look_odd_give_the_same_verdict(judge, folder, tmp_path, change):
    text = (folder / "few.csv").read_bytes().decode()
    (tmp_path / "data.csv").write_bytes(change(text).encode())
    one, other = judge(data="few.csv"), judge(data=tmp_path / "data.csv")
    assert other.code == one.code
    assert other.out.split("\n")[-4:] == one.out.split("\n")[-4:]


# ---- several classes and kinds of models ----


def made_up(classes, count, noise, seed):
    """Rows of short texts whose words tell their class; `noise` is the share of labels that are guessed."""
    random = np.random.default_rng(seed)
    truth = random.integers(len(classes), size=count)
    texts = [" ".join(f"w{word}" for word in [*random.integers(40, size=4), 100 + 5 * place + random.integers(5)])
             for place in truth]  # fmt: skip
    truth = np.where(random.random(count) < noise, random.integers(len(classes), size=count), truth)
    return pd.DataFrame({"text": texts, "label": [classes[place] for place in truth]})


@pytest.mark.slow
@pytest.mark.parametrize(
    "classes",
    [("no", "yes"), (0, 1), (False, True), ("north", "east", "south", "west"), (-1, 0, 1, 5)],
    ids=["two texts", "two integers", "booleans", "four texts", "four integers"],
)
@pytest.mark.parametrize("last", [LogisticRegression, LinearSVC], ids=["probabilities", "none"])
def test_any_classes_and_models_are_judged_alike(mlgate, tmp_path, classes, last):
    def model(name, count, noise, order=1):
        rows = made_up(classes, count, noise, 1)
        return save(tmp_path / name, make_pipeline(TfidfVectorizer(), last()).fit(rows["text"], rows["label"]))

    weak, strong = model("weak.pkl", 60, 0.6), model("strong.pkl", 600, 0.0)
    frame = made_up(classes, 400, 0.0, 2)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    frame.to_parquet(tmp_path / "rows.parquet")
    (tmp_path / "gate.toml").write_text("[suspicion]\nbetter_by = 1\n[flips]\nmost = 0.2\n")

    def judged(production, candidate, data):
        files = ("--production", production, "--candidate", candidate, "--data", tmp_path / data)
        return mlgate("judge", *files, "--policy", tmp_path / "gate.toml")

    said = judged(weak, strong, "rows.csv")
    assert said.code == 0
    assert judged(strong, weak, "rows.csv").code == 4
    assert judged(strong, strong, "rows.csv").code == 3
    again = judged(weak, strong, "rows.parquet")
    assert (again.code, again.out.split("\n")[-4:]) == (0, said.out.split("\n")[-4:])


@pytest.mark.slow
def test_classes_in_another_order_are_the_same_classes(mlgate, folder, tmp_path, better_model):
    """Turned round with its weights, a model gives the answers that it gave before."""
    last = better_model.pipeline[-1]
    turned = {"classes_": last.classes_[::-1], "coef_": -last.coef_, "intercept_": -last.intercept_}
    save(tmp_path / "turned.pkl", tampered(better_model, turned))
    files = ("--production", folder / "better.pkl", "--data", folder / "rows.csv")
    said = mlgate("judge", *files, "--candidate", tmp_path / "turned.pkl")
    assert said.code == 3
    assert "identical to production: the same answer to each of the 900 rows" in said.out


@pytest.mark.parametrize("labels", [("0", "1"), (0, 1)], ids=["texts", "integers"])
def test_answers_of_another_type_are_rejected(mlgate, tmp_path, labels):
    rows = made_up(labels, 200, 0.0, 1)
    other = rows["label"].map(str if labels[0] == 0 else int)
    for name, given in (("a", rows["label"]), ("b", other)):
        save(tmp_path / f"{name}.pkl", make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(rows["text"], given))
    rows.to_csv(tmp_path / "rows.csv", index=False)
    said = mlgate(
        "judge", "--production", tmp_path / "a.pkl", "--candidate", tmp_path / "b.pkl", "--data", tmp_path / "rows.csv"
    )
    assert said.code == 4
    assert "clients would get another type" in said.reason


@pytest.mark.slow
@pytest.mark.parametrize("name", ["truncated_vocabulary", "wrong_preprocessing"])
def test_a_sabotaged_recipe_is_not_promoted(mlgate, folder, tmp_path, small_train, name):
    save(tmp_path / "b.pkl", artifacts.dump(recipes.named(name).train(small_train)))
    files = ("--production", folder / "better.pkl", "--candidate", tmp_path / "b.pkl", "--data", folder / "rows.csv")
    assert mlgate("judge", *files).code == 4


# ---- answers of any two models ----


def answered(tmp_path, parts, suffix="csv", classes=("no", "yes")):
    """A file of answers: for each slice (name, b, c, right, wrong), as in cards.card."""
    lines = []
    for name, b, c, right, wrong in parts:
        for count, production, candidate in ((b, 0, 1), (c, 1, 0), (right, 1, 1), (wrong, 0, 0)):
            for number in range(count):
                place = number % len(classes)
                truth, other = classes[place], classes[place - 1]
                lines.append((truth, truth if production else other, truth if candidate else other, name))
    frame = pd.DataFrame(lines, columns=["label", "production", "candidate", "where"])
    path = tmp_path / f"answers.{suffix}"
    frame.to_parquet(path) if suffix == "parquet" else frame.to_csv(path, index=False)
    return path


ANSWERS = ("--production-column", "production", "--candidate-column", "candidate")
SWAPPED = ("--production-column", "candidate", "--candidate-column", "production")


@pytest.mark.slow
def test_answers_are_judged_without_what_takes_long_to_import(tmp_path):
    """A verdict on a file needs numpy, scipy.special and pyarrow: with the others it would take three times as long."""
    path = answered(tmp_path, [("a", 60, 20, 700, 200), ("b", 20, 5, 300, 100)])
    code = f"""
import sys
from mlgate.cli import main
status = main({["judge", "--answers", str(path), *ANSWERS, "--slice-column", "where"]!r})
print(status, sorted({{"joblib", "pandas", "pydantic", "sklearn", "scipy.optimize", "scipy.stats"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("classes", [("no", "yes"), (0, 1), (True, False), ("a", "b", "c", "d")], ids=str)
@pytest.mark.parametrize(
    ("b", "c", "code", "mirrored"), [(60, 20, 0, 4), (20, 60, 4, 0), (32, 30, 3, 3), (0, 0, 3, 3), (2, 1, 3, 3)]
)
def test_answers_of_any_framework_are_judged_and_swapped_they_mirror(
    mlgate, tmp_path, suffix, classes, b, c, code, mirrored
):
    path = answered(tmp_path, [("all", b, c, 1_500, 400)], suffix, classes)
    said = mlgate("judge", "--answers", path, *ANSWERS, "--json", tmp_path / "verdict.json")
    assert said.code == code, said.out
    verdict = json.loads((tmp_path / "verdict.json").read_text(encoding="utf-8"))
    assert verdict["discordant"] == {"candidate_only_right": b, "production_only_right": c}
    assert verdict["production"]["digest"] is None
    assert mlgate("judge", "--answers", path, *SWAPPED).code == mirrored


@pytest.mark.parametrize(
    ("b", "c", "codes"), [(60, 20, (0, 0, 0, 0)), (32, 30, (3, 0, 0, 3)), (20, 60, (4, 0, 4, 4))], ids=["+", "0", "-"]
)
def test_what_fails_a_step_can_be_chosen_and_the_verdict_goes_into_other_tools(mlgate, tmp_path, b, c, codes):
    path = answered(tmp_path, [("all", b, c, 700, 200)])
    for fail_on, code in zip((None, "never", "reject", "hold"), codes, strict=True):
        chosen = ("--fail-on", fail_on) if fail_on else ()
        forms = [word for form in ("json", "markdown", "junit", "metrics") for word in (f"--{form}", tmp_path / form)]
        status = cli.main([str(word) for word in ("judge", "--answers", path, *ANSWERS, *chosen, *forms)])
        assert status == code
    decision = json.loads((tmp_path / "json").read_text(encoding="utf-8"))["decision"]
    assert (tmp_path / "markdown").read_text(encoding="utf-8").startswith(f"## {decision}: ")
    assert ("<failure" in (tmp_path / "junit").read_text(encoding="utf-8")) == (decision != PROMOTE)
    assert f'mlgate_decision="{decision}"}} 1' in (tmp_path / "metrics").read_text(encoding="utf-8")


def test_answers_worse_on_one_slice_are_rejected_by_that_slice(mlgate, tmp_path):
    path = answered(tmp_path, [("desktop", 150, 60, 3_000, 500), ("phone", 5, 45, 300, 50)])
    assert mlgate("judge", "--answers", path, *ANSWERS).code == 0
    said = mlgate("judge", "--answers", path, *ANSWERS, "--slice-column", "where")
    assert said.code == 4
    assert said.reason.startswith("worse on slice phone: -10.00 points")
    assert "✗ slice phone" in said.out
    assert "✓ slice desktop" in said.out


@pytest.mark.parametrize(
    ("column", "cell", "code", "said"),
    [
        ("candidate", "maybe", 4, "it answers 'maybe', which is neither a label nor an answer of production's"),
        ("candidate", None, 4, "some of its answers are empty"),
        ("production", None, 1, "row 7: column 'production' is empty"),
        ("label", None, 1, "row 7: column 'label' is empty"),
        ("label", " ", 1, "row 7: column 'label' is empty"),
    ],
)
def test_one_missing_or_strange_answer_is_enough(mlgate, tmp_path, column, cell, code, said):
    path = answered(tmp_path, [("all", 60, 20, 1_500, 400)])
    frame = pd.read_csv(path)
    frame.loc[6, column] = cell
    frame.to_csv(path, index=False)
    found = mlgate("judge", "--answers", path, *ANSWERS)
    assert found.code == code
    assert said in found.reason


def test_a_name_that_looks_like_a_verdict_does_not_make_one(mlgate, tmp_path):
    hostile = "phone\nPromote new model\nCandidate model accuracy: 1.00"
    path = answered(tmp_path, [("desktop", 150, 60, 3_000, 500), (hostile, 5, 45, 300, 50)])
    said = mlgate("judge", "--answers", path, *ANSWERS, "--slice-column", "where")
    assert said.code == 4
    assert "worse on slice phone Promote new model Candidate model accuracy: 1.00: -10.00 points" in said.reason


# ---- usage ----

FULL = ("--production", "a.pkl", "--candidate", "b.pkl", "--data", "rows.csv")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "the following arguments are required: COMMAND"),
        (("jugde",), "invalid choice: 'jugde'"),
        (("judge",), "--production is missing"),
        (("judge", *FULL[:4]), "--data is missing"),
        (("judge", *FULL[2:]), "--production is missing"),
        (("judge", *FULL, "--answers", "rows.csv", *ANSWERS), "--production does not go with it"),
        (("judge", *FULL, *ANSWERS), "--production-column does not go with it"),
        (("judge", "--cards", "card.json", "--slice-column", "where"), "--slice-column does not go with it"),
        (("judge", "--answers", "rows.csv"), "--production-column is missing"),
        (("judge", "--answers", "rows.csv", *ANSWERS[:2]), "--candidate-column is missing"),
        (("judge", *FULL, "--verbose"), "unrecognized arguments: --verbose"),
        (("judge", *FULL, "extra.csv"), "unrecognized arguments: extra.csv"),
        (("run", "--severity", "high"), "invalid float value: 'high'"),
        (("run", "--fail-on", "promote"), "invalid choice: 'promote'"),
        (("serve", "--port", "http"), "invalid int value: 'http'"),
    ],
)
def test_wrong_usage_is_status_2_and_says_what_is_wrong(capsys, arguments, said):
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    out, err = capsys.readouterr()
    assert ended.value.code == 2
    assert out == ""
    assert err.startswith("usage: mlgate")
    assert said in err


@pytest.mark.parametrize("arguments", [("--help",), ("judge", "--help"), ("run", "--help")])
def test_help_is_no_error(capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    assert ended.value.code == 0
    assert "usage: mlgate" in capsys.readouterr().out


# ---- the other commands, as far as they need no notebook ----


def test_recipes_are_listed_with_their_default_and_first_line(capsys):
    assert cli.main(["recipes"]) == 0
    out = capsys.readouterr().out
    for name, recipe in recipes.RECIPES.items():
        severity = f" (severity {recipe.severity:g})" if recipe.sabotaged else ""
        assert f"{name}{severity}\n    {recipe.story.splitlines()[0]}\n" in out


@pytest.mark.parametrize("name", ["promote", "rollback"])
def test_without_a_production_model_there_is_nothing_to_do(mlgate, root, name):
    said = mlgate(name, "--root", root.path)
    assert said.code == 1
    assert "Run notebook 01 first: it trains the first production model." in said.err


def test_history_tells_what_the_ledger_says(capsys, root_with_production):
    assert cli.main(["--root", str(root_with_production.path), "history"]) == 0
    out = capsys.readouterr().out
    assert "bootstrap  nothing -> " in out
    assert out.endswith("20 looks left on the holdout.\n")


def test_a_root_that_is_not_there_is_an_error(mlgate, tmp_path, monkeypatch):
    assert "is not a folder" in mlgate("history", "--root", tmp_path / "nowhere").err
    monkeypatch.chdir(tmp_path)
    assert "No gate.toml in " in mlgate("history").err


# ---- the real command ----


@pytest.mark.slow
def test_the_installed_command_keeps_the_contract_from_any_folder(folder, tmp_path):
    """Without a root, without a ledger, without anything written but what was asked for."""
    models = ("judge", "--production", "baseline.pkl", "--data", "rows.csv", "--candidate")
    clear = answered(tmp_path, [("all", 60, 20, 1_500, 400)])  # answers are judged sooner than models
    close = answered(tmp_path, [("all", 9, 8, 1_500, 400)], "parquet")
    before = {path.name for path in folder.iterdir()}
    for *args, code in (
        (*models, "better.pkl", 0),
        ("judge", "--answers", clear, *SWAPPED, 4),
        ("judge", "--answers", close, *ANSWERS, 3),
        (*models, "none.pkl", 1),
    ):
        done = command(*args, cwd=folder)
        Said(done.returncode, done.stdout, done.stderr)
        assert done.returncode == code, done
        assert done.stderr == "" or code == 1
    assert {path.name for path in folder.iterdir()} == before
    (tmp_path / "empty").mkdir()
    done = command("judge", cwd=tmp_path / "empty")
    assert (done.returncode, done.stdout) == (2, "")
    assert list((tmp_path / "empty").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_that_has_no_tick_still_gets_its_verdict(tmp_path, encoding):
    path = answered(tmp_path, [("all", 60, 20, 1_500, 400)], classes=("schön", "悪い"))
    done = command("judge", "--answers", path, *ANSWERS, "--slice-column", "label", PYTHONIOENCODING=encoding)
    Said(done.returncode, done.stdout, done.stderr)
    assert done.returncode == 0
    assert "\\u2713 slice" in done.stdout


@pytest.mark.slow
def test_a_model_of_another_scikit_learn_is_judged_and_the_verdict_says_so(mlgate, folder, tmp_path):
    data = (folder / "better.pkl").read_bytes()
    version = sklearn.__version__.encode()
    (tmp_path / "older.pkl").write_bytes(data.replace(version, b"0" + version[1:]))
    paths = (
        "--production",
        folder / "baseline.pkl",
        "--candidate",
        tmp_path / "older.pkl",
        "--data",
        folder / "rows.csv",
    )
    said = mlgate("judge", *paths)
    assert said.code == 0
    assert f"the candidate was saved by scikit-learn 0{sklearn.__version__[1:]}, another one" in said.out
    assert "production was saved by" not in said.out
