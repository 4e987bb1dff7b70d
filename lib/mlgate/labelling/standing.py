"""How a session stands: where its labels led, which row comes next, and how far two people agree.

Only the unbroken beginning of the order counts, so that tools may reorder and people may work at the same time. The
first label of a row counts; what a second person says measures the noise.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from mlgate import ledger
from mlgate.gate.sequential import Walk, follow
from mlgate.gate.statistics import Interval, clopper_pearson
from mlgate.labelling import labels
from mlgate.labelling.labels import Label
from mlgate.labelling.session import Session, follows, opened
from mlgate.root import Policy

SLICE_LABELS = 60  # of a slice's disagreements: so many are labelled before a promotion, at most
SECOND = 30  # rows that a second person labels, so that the noise is known
CONFIDENCE = 0.95


@dataclass(frozen=True)
class SliceCount:
    """The labels of a slice's first disagreements. settled: whether they are all there."""

    name: str
    wins: int
    losses: int
    labelled: int
    wanted: int

    @property
    def settled(self) -> bool:
        return self.labelled >= self.wanted


@dataclass(frozen=True)
class Noise:
    """How far two people agree: of `rows` that both labelled, `alike` in the same way.

    errors: the share of wrong labels of each that would explain it; factor: how many times the labels it costs.
    """

    rows: int
    alike: int

    @property
    def errors(self) -> float:
        return errors_at(self.alike / self.rows)

    @property
    def interval(self) -> Interval:
        """The errors that are possible, at 95 %."""
        low, high = clopper_pearson(self.alike, self.rows, CONFIDENCE)
        return Interval(errors_at(high), errors_at(low))

    @property
    def factor(self) -> float:
        return factor_at(self.errors)

    def as_dict(self) -> dict[str, float | None]:
        """Return what a verdict says of it. factor: None where labels say nothing at all."""
        low, high = self.interval
        factor = None if math.isinf(self.factor) else self.factor
        found = {"errors": self.errors, "errors_low": low, "errors_high": high, "factor": factor}
        return {"rows": self.rows, "alike": self.alike, **found}


def errors_at(agreement: float) -> float:
    """Return the error rate of each of two independent people who agree so often: at most a half."""
    return (1 - math.sqrt(max(0.0, 2 * agreement - 1))) / 2


def factor_at(errors: float) -> float:
    """Return how many times as many labels it takes where this share of them is wrong."""
    return math.inf if errors >= 0.5 else (1 - 2 * errors) ** -2


@dataclass(frozen=True)
class Standing:
    """What the labels of a session say, as they are now. given: of each row, in the order in which they came."""

    session: Session
    policy: Policy
    given: Mapping[str, list[Label]]
    earlier: Mapping[str, str]

    @cached_property
    def outcomes(self) -> list[int]:
        """1 a win, -1 a loss, 0 a tie, of the rows labelled in one unbroken line from the first."""
        found: list[int] = []
        for place in range(self.session.line["horizon"]):
            outcome = self.outcome(place)
            if outcome is None:
                break
            found.append(outcome)
        return found

    def outcome(self, place: int) -> int | None:
        """Return who won a row, None where it has no label.

        Where a margin has to be shown, ties cost a part of it: so a coin that the order has thrown decides them.
        """
        session = self.session
        row = session.rows[place]
        said = self.name(row.id, row.key)
        if said == ():
            return None
        if said == session.candidate[place]:
            return 1
        if said == session.production[place]:
            return -1
        if session.line["margin"]:
            coin = hashlib.sha256(f"{session.line['order']}\0coin\0{row.key}".encode()).digest()[0]
            return 1 - 2 * (coin % 2)
        return 0

    def name(self, id: str, key: str) -> str | tuple[()] | None:
        """Return what a row is said to be: None where nobody could say, () where nobody has been asked.

        A label that was bought for an earlier pair counts when the row's turn comes.
        """
        if id in self.given:
            return self.given[id][0].name
        return self.earlier.get(key, ())

    @cached_property
    def walk(self) -> Walk:
        """Where the labels led."""
        return follow(self.outcomes, self.session.rule)

    @cached_property
    def slices(self) -> list[SliceCount]:
        """The slices that have to come to no harm, and the labels of their first disagreements."""
        return [self._slice(name) for name in guarded(self.session, self.policy)]

    def _slice(self, name: str) -> SliceCount:
        found = [self.outcome(place) for place in self._places(name)]
        whole = found[: found.index(None)] if None in found else found
        return SliceCount(name, whole.count(1), whole.count(-1), len(whole), len(found))

    def _places(self, name: str) -> list[int]:
        """Return the places of a slice's first disagreements."""
        mine = [place for place, row in enumerate(self.session.rows) if row.slice == name]
        return mine[:SLICE_LABELS]

    @property
    def ended(self) -> bool:
        """Whether no further label can change anything."""
        if self.walk.status == "pass":
            return all(part.settled for part in self.slices)
        return self.walk.status == "fail" or len(self.outcomes) == self.session.line["horizon"]

    def next_rows(self, annotator: str, most: int, second: bool = False) -> list[int]:
        """Return the places of the rows to label next, at most so many.

        second: those to label once more, to know the noise: by chance, of those that others have labelled.
        """
        if second:
            return self._second(annotator)[:most]
        if self.ended:
            return []
        wanted: Iterable[int] = range(self.session.line["horizon"])
        if self.walk.status == "pass":
            open_slices = [part.name for part in self.slices if not part.settled]
            wanted = [place for name in open_slices for place in self._places(name)]
        return [place for place in wanted if self.outcome(place) is None][:most]

    def _second(self, annotator: str) -> list[int]:
        others = [place for place, row in enumerate(self.session.rows) if self._by_others(row.id, annotator)]
        chosen = sorted(others, key=self._by_chance)[:SECOND]
        return [place for place in chosen if all(label.annotator != annotator for label in self._given(place))]

    def _by_others(self, id: str, annotator: str) -> bool:
        """Whether somebody else labelled a row first."""
        return id in self.given and self.given[id][0].annotator != annotator

    def _by_chance(self, place: int) -> str:
        text = f"{self.session.line['order']}\0second\0{self.session.rows[place].key}"
        return hashlib.sha256(text.encode()).hexdigest()

    def _given(self, place: int) -> list[Label]:
        return self.given[self.session.rows[place].id]

    @cached_property
    def noise(self) -> Noise | None:
        """How far two people agree on the rows of which both could say something; None where there are none."""
        pairs = [own[:2] for own in self.given.values() if len(own) > 1]
        pairs = [pair for pair in pairs if all(label.name is not None or label.none for label in pair)]
        if not pairs:
            return None
        return Noise(len(pairs), sum(first.name == other.name for first, other in pairs))

    @property
    def unsure(self) -> int:
        """How many rows of the walk nobody could say anything of."""
        rows = self.session.rows[: self.walk.label]
        return sum(row.id in self.given and self._is_unsure(row.id) for row in rows)

    def _is_unsure(self, id: str) -> bool:
        first = self.given[id][0]
        return first.name is None and not first.none


def guarded(session: Session, policy: Policy) -> list[str]:
    """Return the slices that have to come to no harm: those required, and those large enough."""
    large = [name for name, rows in session.slices.items() if name and policy.large_enough(rows)]
    if len(session.slices) < 2 and not policy.required:
        return []
    return sorted({*large, *policy.required})


def stand(session: Session, policy: Policy) -> Standing:
    """Return how a session stands."""
    return Standing(session, policy, session.labels(), earlier_labels(session))


def earlier_labels(session: Session) -> dict[str, str]:
    """Return what rows of this pool were said to be for other pairs, by the text's key."""
    found: dict[str, str] = {}
    for line in ledger.labellings(ledger.read(session.root)):
        if line["order"] == session.line["order"]:
            break
        kept = (session.root.labels / line["order"][:12] / "labels.jsonl").is_file()
        if line["rows"]["digest"] != session.line["rows"]["digest"] or not follows(line) or not kept:
            continue
        before = opened(session.root, line)
        key = {row.id: row.key for row in before.rows}
        for id, own in labels.standing(before.lines()).items():
            if own[0].name is not None:
                found[key[id]] = own[0].name
    return found
