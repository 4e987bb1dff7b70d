"""What a line of the ledger says, and the lines of one kind."""

from collections.abc import Iterable
from typing import Any, Literal, NotRequired, TypedDict, TypeGuard, get_args

MoveKind = Literal["bootstrap", "promotion", "rollback", "refresh"]
JudgedKind = Literal["look", "rejection"]
Kind = Literal["bootstrap", "promotion", "rollback", "refresh", "look", "rejection", "holdout"]
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
        "begun": str,
        "before": str,
        "verdict_sha256": NotRequired[str],
        "verdict": NotRequired[dict[str, Any]],
    },
)


class Judged(TypedDict):
    """A look at the holdout, with the level it was taken at; or a rejection on validation rows, which costs none.

    corpus: what gate.toml's [corpus] named when the look was taken.
    """

    time: str
    kind: JudgedKind
    verdict: dict[str, Any]
    verdict_sha256: str
    before: str
    alpha: NotRequired[float]
    generation: NotRequired[int]
    corpus: NotRequired[dict[str, Any]]


class Counted(TypedDict):
    """How many rows, and the digest of all of them."""

    count: int
    digest: str


class Holdout(TypedDict):
    """The holdout's rows from here on. A generation keeps the alpha and the number of looks that it began with."""

    time: str
    kind: Literal["holdout"]
    generation: int
    alpha: float
    looks: NotRequired[int]
    rows: Counted
    keys: str
    before: str


Entry = Move | Judged | Holdout


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
