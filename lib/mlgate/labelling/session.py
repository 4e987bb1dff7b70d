"""A session: the rows that two models answer differently, in an order that nobody can choose, and their labels.

The order follows from the ledger's last line, both models and the rows, and is written into the ledger before the first
label. From then on it is a look, however often it is interrupted.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mlgate import artifacts, ledger
from mlgate.artifacts import to_json
from mlgate.errors import MlgateError
from mlgate.gate import Check
from mlgate.gate.sequential import Rule, rule_for
from mlgate.labelling import labels
from mlgate.labelling.labels import NONE, UNSURE, Label, Line
from mlgate.labelling.pool import Pool, Row, key_of
from mlgate.ledger import Entry, Labelling
from mlgate.root import Root, write_atomically

LOST = "Bring the folder back from a copy, or begin again with mlgate label new: that is another look."


@dataclass(frozen=True)
class Session:
    """Rows in their order, what both models answered them, and the labels so far.

    line: of the ledger. checks: those that read no label, made when it began. level: of each guard.
    """

    root: Root
    line: Labelling
    rows: tuple[Row, ...]
    classes: tuple[str, ...]
    production: tuple[str, ...]
    candidate: tuple[str, ...]
    slices: Mapping[str, int]
    checks: tuple[Check, ...]
    level: float

    @property
    def folder(self) -> Path:
        return self.root.labels / self.line["order"][:12]

    @property
    def path(self) -> Path:
        """Where the labels are."""
        return self.folder / "labels.jsonl"

    @cached_property
    def place(self) -> dict[str, int]:
        """The place of each row in the order, by its id."""
        return {row.id: place for place, row in enumerate(self.rows)}

    @cached_property
    def rule(self) -> Rule:
        """The corridors that the labels have to leave."""
        line = self.line
        return rule_for(line["different"], line["rows"]["count"], line["horizon"], line["alpha"], line["margin"])

    @property
    def verdict(self) -> dict[str, Any] | None:
        """The verdict that the ledger has on it, or None."""
        looks = ledger.judged(ledger.read(self.root), "look")
        return next((look["verdict"] for look in looks if look.get("labelling") == self.line["order"]), None)

    def lines(self) -> list[Line]:
        """Return the lines of its labels. Raises MlgateError naming one that was changed, or is of no row."""
        found = labels.read(self.path, self.line["order"])
        for number, line in enumerate(found, 1):
            if line["id"] not in self.place or (line["mark"] == "class" and line["label"] not in self.classes):
                raise MlgateError(f"{self.path}, line {number}: it is of a row or a class that is not in this session.")
        return found

    def labels(self) -> dict[str, list[Label]]:
        """Return the labels that stand, of each row in the order in which they came."""
        return labels.standing(self.lines())

    def add(self, annotator: str, given: Sequence[tuple[str, str | None, bool, float | None]]) -> None:
        """Write labels down: of which row, which class (None: unsure, or none of these), and after how many seconds.

        The caller holds the lock. Raises MlgateError, with nothing written, where one may not be added.
        """
        self.require_open()
        labels.require_name(annotator)
        standing = self.labels()
        facts = []
        for id, name, none, seconds in given:
            if id not in self.place:
                raise MlgateError(f"There is no row {id!r:.80} in this session. Nothing was added.")
            if name is not None and name not in self.classes:
                known = ", ".join(self.classes[:10])
                raise MlgateError(f"Row {id!r:.80}: {name!r:.80} is no class; there are {known}. Nothing was added.")
            if any(label.annotator == annotator for label in standing.get(id, ())):
                raise MlgateError(f"Row {id!r:.80} was labelled by {annotator} before. Nothing was added.")
            mark = "class" if name is not None else NONE if none else UNSURE
            facts.append(_line(id, name or "", mark, annotator, seconds))
        if facts:
            labels.add(self.path, self.line["order"], facts)

    def undo(self, annotator: str) -> str | None:
        """Take an annotator's last label back; that is written down, too. Return the row, or None. See `add`."""
        self.require_open()
        standing = self.labels()
        mine = [line["id"] for line in self.lines() if line["annotator"] == annotator and line["mark"] != "undo"]
        for id in reversed(mine):
            if any(label.annotator == annotator for label in standing.get(id, ())):
                labels.add(self.path, self.line["order"], [_line(id, "", "undo", annotator, None)])
                return id
        return None

    def require_open(self) -> None:
        """Raise MlgateError where the ledger has a verdict on it: labels come too late then."""
        if self.verdict is not None:
            raise MlgateError("This session has its verdict: no label can change it. mlgate label verdict repeats it.")


def _line(id: str, label: str, mark: str, annotator: str, seconds: float | None) -> dict[str, Any]:
    return {"id": id, "label": label, "mark": mark, "annotator": annotator, "time": ledger.now(), "seconds": seconds}


def order_of(before: str, production: str, candidate: str, pool: str) -> str:
    """Return the name of an order. It follows from the ledger's last line, both models and the rows: no seed."""
    return hashlib.sha256(f"{before}\0{production}\0{candidate}\0{pool}".encode()).hexdigest()


def follows(line: Labelling) -> bool:
    """Whether an order is the one that the ledger gave: where a line was chained anew behind others, it is not."""
    return line["order"] == order_of(line["before"], line["production"], line["candidate"], line["rows"]["digest"])


def rank(order: str) -> Callable[[Row], str]:
    """Return the function by whose value the rows of an order are sorted."""
    return lambda row: hashlib.sha256(f"{order}\0{row.key}".encode()).hexdigest()


def begin(root: Root, pool: Pool, pair: tuple[str, str], known: Mapping[str, Any], facts: Mapping[str, Any]) -> Session:
    """Write the rows' order down, and that a look begins: first the files, then the ledger. The caller holds the lock.

    pair: the digests of production and candidate. known: classes, checks and level, for the file beside the rows.
    facts: what else the ledger's line says.
    """
    entries = ledger.read(root)
    order = order_of(_head(root, entries), pair[0], pair[1], pool.digest)
    answers = dict(
        zip([row.id for row in pool.different], zip(pool.production, pool.candidate, strict=True), strict=True)
    )
    rows = sorted(pool.different, key=rank(order))
    queue = "".join(json.dumps({"id": row.id, "text": row.text, "slice": row.slice}) + "\n" for row in rows).encode()
    said = {
        **known,
        "slices": dict(sorted(pool.slices.items())),
        "production": [answers[row.id][0] for row in rows],
        "candidate": [answers[row.id][1] for row in rows],
    }
    folder = root.labels / order[:12]
    write_atomically(folder / "rows.jsonl", queue)
    write_atomically(folder / "answers.json", to_json(said))
    line = {
        "production": pair[0],
        "candidate": pair[1],
        "name": pool.name,
        "rows": {"count": pool.count, "digest": pool.digest},
        "different": len(rows),
        "order": order,
        "queue": artifacts.digest(queue),
        "answers": artifacts.digest(to_json(said)),
        **facts,
    }
    ledger.append(root, "labelling", **line)
    return load(root)


def load(root: Root) -> Session:
    """Return the last session about production and the candidate as they are now.

    Raises MlgateError where there is none, or a file of it was changed.
    """
    pair = tuple(artifacts.digest(read(root)) for read in (artifacts.read_production, artifacts.read_candidate))
    found = [line for line in ledger.labellings(ledger.read(root)) if (line["production"], line["candidate"]) == pair]
    if not found:
        raise MlgateError(
            f"Nobody has begun to label for candidate {pair[1][:12]} against production {pair[0][:12]}: begin with"
            " mlgate label new rows.csv."
        )
    return opened(root, found[-1])


def opened(root: Root, line: Labelling) -> Session:
    """Return the session of a line of the ledger, its files and its order verified."""
    folder = root.labels / line["order"][:12]
    if not follows(line):
        raise MlgateError(f"{root.ledger}: the order of the labelling of {line['time'][:16]} was not the ledger's own.")
    queue = _kept(folder / "rows.jsonl", line["queue"])
    said = json.loads(_kept(folder / "answers.json", line["answers"]))
    read = [json.loads(text) for text in queue.splitlines()]
    rows = tuple(Row(row["id"], key_of(row["text"]), row["text"], row["slice"]) for row in read)
    if list(rows) != sorted(rows, key=rank(line["order"])):
        raise MlgateError(f"{folder / 'rows.jsonl'} is not in the order that the ledger fixed. {LOST}")
    return Session(
        root=root,
        line=line,
        rows=rows,
        classes=tuple(said["classes"]),
        production=tuple(said["production"]),
        candidate=tuple(said["candidate"]),
        slices=said["slices"],
        checks=tuple(Check(**check) for check in said["checks"]),
        level=said["level"],
    )


def _kept(path: Path, digest: str) -> bytes:
    """Return the bytes of a file of the session. Raises MlgateError where they are not those that the ledger names."""
    data = artifacts.read_bytes(path, LOST)
    if artifacts.digest(data) != digest:
        raise MlgateError(f"{path} was changed after the order was fixed. {LOST}")
    return data


def _head(root: Root, entries: Sequence[Entry]) -> str:
    """Return the sha256 of the ledger's last line: what the next one names as the one before."""
    if not entries:
        return ledger.START
    return str(json.loads(root.ledger.read_bytes().splitlines()[-1])["sha256"])
