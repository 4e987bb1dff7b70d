"""Labels from five tools, in the shapes that these document, make the same verdict byte for byte or are refused."""

import csv
import io
import json
import random
import shutil
from dataclasses import replace

from mlgate import artifacts, corpus, exam, labelling, recipes
from mlgate.errors import MlgateError
from mlgate.labelling import FORMATS, Traffic
from mlgate.labelling.exchange import _class_of
from mlgate.labelling.formats import Given
from mlgate.labelling.labels import NONE
from mlgate.root import Root

import pytest
from labellers import CANDIDATES, make_root, truth


@pytest.fixture(scope="module")
def begun(tmp_path_factory) -> Root:
    """A root in which labelling has begun."""
    root = make_root(tmp_path_factory.mktemp("formats") / "root")
    recipe = recipes.named(CANDIDATES["better"][0])
    train = corpus.split("train", root)
    artifacts.write_candidate(root, recipe.train(train), recipe.facts(train))
    labelling.new(root, Traffic(root.path / "traffic.csv", slice_column="channel"), budget=80)
    return root


@pytest.fixture
def root(begun, tmp_path) -> Root:
    shutil.copytree(begun.path, tmp_path / "root")
    return Root(tmp_path / "root")


# ---- the tools: each reads what was exported for it, and writes what it writes; name gives the label of a text ----


def by_csv(data: bytes, name) -> list[dict]:
    return [{**row, "label": name(row["text"])} for row in csv.DictReader(io.StringIO(data.decode(), newline=""))]


def by_label_studio(data: bytes, name) -> list[dict]:
    """Its JSON: a skipped task has a cancelled annotation."""
    tasks = []
    for number, task in enumerate(json.loads(data), 1):
        said = name(task["data"]["text"])
        choice = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [said]}}
        note = {
            "result": [choice],
            "was_cancelled": False,
            "completed_by": {"email": "ada@example.com"},
            "lead_time": 3.1,
        }
        if said == "unsure":
            note |= {"result": [], "was_cancelled": True}
        tasks.append({"id": number, "data": task["data"], "annotations": [note], "predictions": []})
    return tasks


def by_label_studio_min(data: bytes, name) -> list[dict]:
    """Its JSON_MIN: the tool's own id stands where ours was."""
    tasks = [task["data"] for task in json.loads(data)]
    return [
        {**task, "id": number, "label": name(task["text"]), "annotator": 1, "lead_time": 2.5}
        for number, task in enumerate(tasks, 1)
    ]


def by_argilla(data: bytes, name) -> list[dict]:
    """records.to_list(flatten=True); what was discarded has no value."""
    records = []
    for record in json.loads(data):
        said = name(record["fields"]["text"])
        stage = "discarded" if said == "unsure" else "submitted"
        answers = {"label.responses": [None if said == "unsure" else said], "label.responses.status": [stage]}
        users = {"label.responses.users": ["3f0c7b6a-0000-4000-8000-0000000000aa"]}
        own = {"id": record["id"], "status": "completed", "_server_id": "x", "text": record["fields"]["text"]}
        records.append({**own, **answers, **users})
    return records


def by_prodigy(data: bytes, name) -> list[dict]:
    tasks = []
    for line in data.decode().splitlines():
        task = json.loads(line)
        said = name(task["text"])
        given = {"accept": [said], "answer": "accept"}
        if said == "unsure":
            given = {"accept": [], "answer": "ignore"}
        tasks.append({**task, **given, "_view_id": "choice", "_annotator_id": "labels-ada", "_timestamp": 1})
    return tasks


def by_doccano(data: bytes, name) -> list[dict]:
    """It numbers the rows itself, and knows no "unsure": there it is a label like any other."""
    examples = [json.loads(line) for line in data.decode().splitlines()]
    return [
        {"id": number, "text": example["text"], "label": [name(example["text"])], "Comments": []}
        for number, example in enumerate(examples, 7)
    ]


def as_csv(rows: list[dict]) -> bytes:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue().encode()


def as_json(rows: list[dict]) -> bytes:
    return json.dumps(rows).encode()


def as_lines(rows: list[dict]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


TOOLS = {
    "csv": ("csv", by_csv, as_csv),
    "label-studio": ("label-studio", by_label_studio, as_json),
    "label-studio-min": ("label-studio", by_label_studio_min, as_json),
    "argilla": ("argilla", by_argilla, as_json),
    "prodigy": ("prodigy", by_prodigy, as_lines),
    "doccano": ("doccano", by_doccano, as_lines),
}


TRUTH = truth()


def say(text: str) -> str:
    return "unsure" if sum(text.encode()) % 6 == 0 else TRUTH[text]


def exported(root: Root, tool: str, name=say) -> list[dict]:
    format, fill, _ = TOOLS[tool]
    path = root.path / f"out.{FORMATS[format].ending}"
    labelling.export(root, exam.policy_of(root), path, format)
    return fill(path.read_bytes(), name)


def take_in(root: Root, tool: str, rows: list[dict], annotator: str | None = "Ada") -> str:
    format, _, written = TOOLS[tool]
    path = root.path / f"in.{FORMATS[format].ending}"
    path.write_bytes(written(rows))
    return labelling.take_in(root, path, format, annotator)


def finish(root: Root, tool: str) -> bytes:
    """Label until it is decided, shuffled each time and in two parts, and return the verdict's bytes."""
    chance = random.Random(tool)
    while labelling.stand(labelling.load(root), exam.policy_of(root)).next_rows("Ada", 1):
        rows = exported(root, tool)
        chance.shuffle(rows)
        half = rows[: len(rows) // 2 + 1]
        take_in(root, tool, half)
        assert "0 labels were imported" in take_in(root, tool, half)  # once more: nothing changes
        if rows[len(half) :]:
            take_in(root, tool, rows[len(half) :])
    labelling.conclude(root)
    return root.verdict.read_bytes()


@pytest.mark.slow
def test_labels_of_all_tools_make_the_same_verdict_byte_for_byte(begun, tmp_path):
    verdicts = {}
    for tool in TOOLS:
        shutil.copytree(begun.path, tmp_path / tool)
        verdicts[tool] = finish(Root(tmp_path / tool), tool)
    assert set(verdicts.values()) == {verdicts["csv"]}
    assert json.loads(verdicts["csv"])["decision"] == "PROMOTE"
    assert "unsure" in {line["mark"] for line in labelling.load(Root(tmp_path / "argilla")).lines()}


@pytest.mark.parametrize("tool", TOOLS)
def test_who_labelled_is_what_the_tool_says(root, tool):
    take_in(root, tool, exported(root, tool)[:3], annotator=None)
    [who] = {line["annotator"] for line in labelling.load(root).lines()}
    known = {"label-studio": "ada@example.com", "label-studio-min": "1", "prodigy": "labels-ada"}
    assert who == known.get(tool, who)


def renamed(row: dict, tool: str, id: str | None) -> dict:
    """The row with another id, and no text that could tell."""
    if tool == "label-studio":
        return {**row, "data": {"id": id}}
    if tool == "prodigy":
        return {**{key: value for key, value in row.items() if key != "text"}, "meta": {"id": id}}
    return {**{key: value for key, value in row.items() if key != "text"}, "id": id}


def changed(row: dict, tool: str) -> dict:
    """The row with another text under its id."""
    if tool == "label-studio":
        return {**row, "data": {**row["data"], "text": "another text"}}
    return {**row, "text": "another text"}


@pytest.mark.slow
@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("twice", "is there twice"),
        ("foreign", "'weather' is no class; there are delivery, payment, return"),
        ("changed", "the text was changed|there is no such row"),
        ("unknown", "there is no row 'nobody'"),
        ("missing", "has no id|no row 'None'"),
        ("another", "labelled the row .* otherwise before"),
    ],
)
def test_one_bad_row_is_named_and_nothing_is_imported(root, tool, fault, words):
    rows = exported(root, tool, TRUTH.get)[:6]
    at = 4
    if fault == "twice":
        rows.append(rows[at])
        at = 6
    elif fault == "foreign":
        rows[at] = json.loads(json.dumps(rows[at]).replace(f'"{say_of(rows[at])}"', '"weather"'))
    elif fault == "changed":
        rows[at] = changed(rows[at], tool)
    elif fault == "unknown":
        rows = [renamed(rows[at], tool, "nobody")]
        at = 0
    elif fault == "missing":
        rows = [renamed(rows[at], tool, None)]
        at = 0
    else:
        take_in(root, tool, rows)
        other = next(name for name in ("payment", "return") if name != say_of(rows[at]))
        rows[at] = json.loads(json.dumps(rows[at]).replace(f'"{say_of(rows[at])}"', f'"{other}"'))
    before = len(labelling.load(root).lines())
    with pytest.raises(MlgateError, match=words) as refusal:
        take_in(root, tool, rows)
    assert f" {at + 1}" in str(refusal.value)  # row, task, record or line
    assert "Nothing was imported" in str(refusal.value)
    assert len(labelling.load(root).lines()) == before


def say_of(row: dict) -> str:
    text = row.get("text") or row["data"]["text"]
    return TRUTH[text]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"[1, 2]", b"{}", b"id,label\n1\n", b"null", b'[{"a": 1}]', b'"x"'])
def test_a_file_of_another_kind_is_one_sentence(root, format, data):
    path = root.path / "odd"
    path.write_bytes(data)
    try:
        said = labelling.take_in(root, path, format)
    except MlgateError as error:
        said = str(error)
    assert "\n" not in said
    assert labelling.load(root).lines() == []


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_that_goes_out_gives_a_model_away(root, format):
    session = labelling.load(root)
    path = root.path / "out"
    labelling.export(root, exam.policy_of(root), path, format)
    data = path.read_bytes()
    if format == "label-studio":
        data += path.with_suffix(".xml").read_bytes()
    for secret in (session.line["production"], session.line["candidate"]):
        assert secret[:12].encode() not in data
    for word in (b"prediction", b"suggestion", b"score", b"candidate", b"channel"):
        assert word not in data
    without_texts = data
    for row in session.rows:
        without_texts = without_texts.replace(json.dumps(row.text)[1:-1].encode(), b"")
    per_row = without_texts.count(b"payment") / session.line["horizon"]
    assert per_row in (0, 2, 1 / session.line["horizon"])  # in each row alike, or once in the interface


def test_unlabelled_rows_of_a_spreadsheet_are_left_out_and_a_part_may_be_exported(root):
    path = root.path / "part.csv"
    said = labelling.export(root, exam.policy_of(root), path, most=5)
    assert said.startswith("5 rows")
    rows = list(csv.DictReader(path.open(newline="")))
    assert [row["id"] for row in rows] == [row.id for row in labelling.load(root).rows[:5]]
    rows[0]["label"] = say(rows[0]["text"])
    assert take_in(root, "csv", rows).startswith("1 labels were imported")


def test_a_class_that_a_spreadsheet_made_a_number_of_is_that_class(root):
    session = replace(labelling.load(root), classes=("0", "1", "unsure"))
    said = {name: _class_of(session, Given("row 1", "x", name)) for name in ("1", "1.0", "0.0", "unsure", NONE)}
    assert said == {
        "1": ("1", False),
        "1.0": ("1", False),
        "0.0": ("0", False),
        "unsure": ("unsure", False),  # where there is a class of that name, it is that class
        NONE: (None, True),
    }
    with pytest.raises(ValueError, match=r"row 1: '2\.0' is no class"):
        _class_of(session, Given("row 1", "x", "2.0"))
