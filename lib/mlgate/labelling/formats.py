"""Rows out to the labelling tools that people have, and labels back in, in the shapes that these tools document.

What goes out are ids and texts in the order fixed, and never an answer, a suggestion, or a model's name.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import quoteattr

from mlgate.labelling.labels import NONE, UNSURE
from mlgate.labelling.pool import Row

Classes = Sequence[str]
NOBODY = "somebody"  # who labelled, where a tool does not say


@dataclass(frozen=True)
class Given:
    """A label as a file has it. where: its place in the file, in words. name: a class, "unsure" or "none of these"."""

    where: str
    id: str
    name: str
    annotator: str = NOBODY
    seconds: float | None = None
    text: str | None = None


@dataclass(frozen=True)
class Format:
    """A tool's files. write: rows and classes to bytes. read: bytes to labels; it raises ValueError, naming the row."""

    ending: str
    write: Callable[[Sequence[Row], Classes], bytes]
    read: Callable[[bytes], Iterator[Given]]


# ---- out ----


def _to_csv(rows: Sequence[Row], classes: Classes) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([("id", "text", "label"), *((row.id, row.text, "") for row in rows)])
    return buffer.getvalue().encode(errors="backslashreplace")


def _to_label_studio(rows: Sequence[Row], classes: Classes) -> bytes:
    return _json([{"data": {"id": row.id, "text": row.text}} for row in rows])


def _to_argilla(rows: Sequence[Row], classes: Classes) -> bytes:
    return _json([{"id": row.id, "fields": {"text": row.text}} for row in rows])


def _to_prodigy(rows: Sequence[Row], classes: Classes) -> bytes:
    options = [{"id": name, "text": name} for name in classes]
    return _lines({"text": row.text, "meta": {"id": row.id}, "options": options} for row in rows)


def _to_doccano(rows: Sequence[Row], classes: Classes) -> bytes:
    return _lines({"id": row.id, "text": row.text} for row in rows)


def label_studio_view(classes: Classes) -> str:
    """Return the labelling interface to paste into Label Studio: one text, one choice, nothing prefilled."""
    choices = "\n".join(f"    <Choice value={quoteattr(name)}/>" for name in [*classes, UNSURE])
    choice = '<Choices name="label" toName="text" choice="single" required="true">'
    return f'<View>\n  <Text name="text" value="$text"/>\n  {choice}\n{choices}\n  </Choices>\n</View>\n'


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()


def _lines(values: Iterable[object]) -> bytes:
    return "".join(json.dumps(value) + "\n" for value in values).encode()


# ---- in. A row without a label was not labelled yet, and is left out ----


def _from_csv(data: bytes) -> Iterator[Given]:
    """Read columns id and label, and, where they are there, annotator, seconds (or lead_time) and text."""
    reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
    names = list(reader.fieldnames or [])
    for name in ("id", "label"):
        if names.count(name) != 1:
            raise ValueError(f"it needs one column {name!r}; it has {', '.join(map(repr, names[:20]))}")
    for number, row in enumerate(reader, 1):
        if None in row or None in row.values():
            raise ValueError(f"row {number} has more or fewer columns than the header")
        if row["label"].strip():
            seconds = row.get("seconds") or row.get("lead_time")
            yield _given(f"row {number}", row["id"], row["label"], row.get("annotator"), seconds, row.get("text"))


def _from_label_studio(data: bytes) -> Iterator[Given]:
    """Read what Label Studio exports as JSON, JSON_MIN or CSV. A task that was skipped is unsure."""
    if not data.lstrip().startswith(b"["):
        yield from _from_csv(data)
        return
    for number, task in enumerate(json.loads(data), 1):
        where = f"task {number}"
        for annotation in task.get("annotations", [task]):
            source = task.get("data", task)  # JSON_MIN has no data: all stands side by side
            name = _choice(where, annotation)
            if name:
                who = annotation.get("completed_by", annotation.get("annotator"))
                who = who.get("email") if isinstance(who, Mapping) else who
                yield _given(where, source.get("id"), name, who, annotation.get("lead_time"), source.get("text"))


def _choice(where: str, annotation: Mapping[str, Any]) -> str:
    if annotation.get("was_cancelled"):
        return UNSURE
    if "result" not in annotation:
        return _only(where, annotation.get("label"))
    return _only(where, [name for part in annotation["result"] for name in part["value"].get("choices", [])])


def _from_argilla(data: bytes) -> Iterator[Given]:
    """Read dataset.records.to_list(flatten=True) as JSON. What was discarded is unsure; drafts do not count."""
    for number, record in enumerate(json.loads(data), 1):
        question = next((key for key in record if key.endswith(".responses")), None)
        if question is None:
            continue
        names = record[question] or []
        people = record.get(f"{question}.users") or [None] * len(names)
        stages = record.get(f"{question}.status") or ["submitted"] * len(names)
        for name, who, stage in zip(names, people, stages, strict=True):
            if stage in ("submitted", "discarded"):
                said = name if stage == "submitted" else UNSURE
                text = record.get("text", record.get("fields.text"))
                yield _given(f"record {number}", record.get("id"), said, who, None, text)


def _from_prodigy(data: bytes) -> Iterator[Given]:
    """Read what `prodigy db-out` prints. What was ignored or rejected is unsure."""
    for number, task in enumerate(_objects(data), 1):
        where = f"line {number}"
        name = _only(where, task.get("accept")) if task.get("answer") == "accept" else UNSURE
        if "answer" in task and name:
            who = task.get("_annotator_id") or task.get("_session_id")
            yield _given(where, task.get("meta", {}).get("id"), name, who, None, task.get("text"))


def _from_doccano(data: bytes) -> Iterator[Given]:
    """Read doccano's export as JSONL. Its ids may be its own: then the text says which row it is."""
    for number, example in enumerate(_objects(data), 1):
        where = f"line {number}"
        name = _only(where, example.get("label"))
        if name:
            yield _given(where, example.get("id"), name, example.get("username"), None, example.get("text"))


def _objects(data: bytes) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(data.decode("utf-8-sig").split("\n"), 1):
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError as error:
                raise ValueError(f"line {number} is no JSON: {error}") from error


def _only(where: str, picked: object) -> str:
    """Return the one class that was chosen, "" where none was."""
    if isinstance(picked, Mapping):
        picked = picked.get("choices", [])
    names = picked if isinstance(picked, list) else [picked or ""]
    if len(names) > 1:
        raise ValueError(f"{where} has {len(names)} labels. One row has one")
    return str(names[0]) if names else ""


def _given(where: str, id: object, name: object, annotator: object, seconds: object, text: object) -> Given:
    if id is None or str(id).strip() == "":
        raise ValueError(f"{where} has no id")
    try:
        taken = None if seconds in (None, "") else float(str(seconds))
    except ValueError as error:
        raise ValueError(f"{where}: {seconds!r:.60} is no number of seconds") from error
    words = None if text is None else str(text)
    return Given(where, str(id), str(name).strip(), str(annotator or NOBODY), taken, words)


FORMATS: dict[str, Format] = {
    "csv": Format("csv", _to_csv, _from_csv),
    "label-studio": Format("json", _to_label_studio, _from_label_studio),
    "argilla": Format("json", _to_argilla, _from_argilla),
    "prodigy": Format("jsonl", _to_prodigy, _from_prodigy),
    "doccano": Format("jsonl", _to_doccano, _from_doccano),
}
SAID = {UNSURE: (None, False), NONE: (None, True)}  # what is no class: the name, and whether no class fits
