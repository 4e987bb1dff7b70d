"""What a line of the ledger says, and the lines of one kind."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict, TypeGuard, get_args

from mlgate.root.shapes import misfit

MoveKind = Literal["bootstrap", "promotion", "rollback", "refresh"]
JudgedKind = Literal["look", "rejection"]
Kind = Literal["bootstrap", "promotion", "rollback", "refresh", "look", "rejection", "holdout", "labelling"]
DIGEST = re.compile("[0-9a-f]{64}")
MOVES: tuple[MoveKind, ...] = get_args(MoveKind)  # the kinds of line that change production
JUDGED: tuple[JudgedKind, ...] = get_args(JudgedKind)

# "from" is a keyword of Python, hence not a class. begun: when it began, which tells a move that was killed half-way.
Move = TypedDict(
    "Move",
    {
        "time": str,
        "kind": MoveKind,
        "from": str | None,
        "to": str,
        "begun": NotRequired[str],
        "before": str,
        "verdict_sha256": NotRequired[str],
        "verdict": NotRequired[dict[str, Any]],
    },
)


class Judged(TypedDict):
    """A look at the holdout, with the level it was taken at; or a rejection on validation rows, which costs none.

    corpus: what gate.toml's [corpus] named when the look was taken. labelling: the order of the labels that
    it rests on, where they were bought for it.
    """

    time: str
    kind: JudgedKind
    verdict: dict[str, Any]
    verdict_sha256: str
    before: str
    alpha: NotRequired[float]
    generation: NotRequired[int]
    corpus: NotRequired[dict[str, Any]]
    labelling: NotRequired[str]


class Counted(TypedDict):
    """How many rows, and the digest of all of them."""

    count: int
    digest: str


class Holdout(TypedDict):
    """The holdout's rows from here on. A generation keeps the alpha and the number of looks that it began with.

    unlabelled: they have no labels yet, and each look buys those of its own pair's disagreements. The exam goes on with
    the labelled ones.
    """

    time: str
    kind: Literal["holdout"]
    generation: int
    alpha: float
    looks: NotRequired[int]
    rows: Counted
    keys: str
    unlabelled: NotRequired[bool]
    before: str


class Labelling(TypedDict):
    """Labels are about to be bought: which rows, in which order, how many at most. A look begins with it.

    different: of the rows, how many the two models answer differently. horizon: how many of those are labelled at most.
    order: the name of their order, which follows from the line before, both models and the rows. queue, answers: the
    sha256 of the files that hold them. policy, corpus: what gate.toml demanded and named.
    """

    time: str
    kind: Literal["labelling"]
    production: str
    candidate: str
    name: str
    rows: Counted
    different: int
    horizon: int
    alpha: float
    margin: float
    generation: int
    order: str
    queue: str
    answers: str
    policy: str
    corpus: dict[str, Any]
    before: str


Entry = Move | Judged | Holdout | Labelling


class Named(TypedDict):
    """Something that a verdict is about, by its digest."""

    digest: str


class Said(TypedDict):
    """What the ledger itself reads of a verdict."""

    decision: Literal["PROMOTE", "HOLD", "REJECT"]
    reason: str
    production: Named
    candidate: Named
    rows: Counted
    policy: Named


def why_malformed(line: Mapping[str, Any]) -> str | None:
    """Return, in words, what of a line that was read is not as a line of its kind is, or None."""
    kind = line.get("kind")
    if kind in MOVES:
        return misfit(line, Move) or _why_no_name(line, "to", "from") or _why_no_time(line)
    if kind in JUDGED:
        return misfit(line, Judged) or misfit(line["verdict"], Said) or _why_no_time(line) or _why_no_level(line)
    if kind == "holdout":
        return misfit(line, Holdout) or _why_no_name(line, "keys") or _why_no_time(line)
    if kind == "labelling":
        names = ("production", "candidate", "order", "queue", "answers", "policy")
        return misfit(line, Labelling) or _why_no_name(line, *names) or _why_no_time(line)
    return f"it is of no kind that there is: {kind!a:.60}"


def _why_no_name(line: Mapping[str, Any], *names: str) -> str | None:
    for name in names:
        if line[name] is not None and not DIGEST.fullmatch(line[name]):
            return f"its {name} is no sha256: {line[name]!a:.60}"
    return None


def _why_no_time(line: Mapping[str, Any]) -> str | None:
    try:
        datetime.fromisoformat(line["time"])
    except ValueError:
        return f"its time is none: {line['time']!a:.60}"
    return None


def _why_no_level(line: Mapping[str, Any]) -> str | None:
    if line["kind"] == "look" and "alpha" not in line:
        return "it does not say at which level it was taken"
    return None


def is_move(entry: Entry) -> TypeGuard[Move]:
    """Whether a line changes production."""
    return entry["kind"] in MOVES


def is_judged(entry: Entry) -> TypeGuard[Judged]:
    """Whether a line holds a verdict on a candidate."""
    return entry["kind"] in JUDGED


def moves(entries: Iterable[Entry]) -> list[Move]:
    """Return the lines that change production."""
    return [entry for entry in entries if is_move(entry)]


def judged(entries: Iterable[Entry], *kinds: JudgedKind) -> list[Judged]:
    """Return the lines that hold a verdict on a candidate: looks and rejections, or only those of the kinds named."""
    return [entry for entry in entries if is_judged(entry) and entry["kind"] in (kinds or JUDGED)]


def holdouts(entries: Iterable[Entry]) -> list[Holdout]:
    """Return the lines about holdout rows."""
    return [entry for entry in entries if _is_holdout(entry)]


def _is_holdout(entry: Entry) -> TypeGuard[Holdout]:
    return entry["kind"] == "holdout"


def labellings(entries: Iterable[Entry]) -> list[Labelling]:
    """Return the lines that began to buy labels."""
    return [entry for entry in entries if _is_labelling(entry)]


def _is_labelling(entry: Entry) -> TypeGuard[Labelling]:
    return entry["kind"] == "labelling"
