"""What the record asks of a run before it believes it. Python's standard library alone, and nothing is unpickled.

A run brings lines of the ledger. Each has to be of a kind that the run was started for, and to follow from what it says
itself: a decision from its checks, those from its counts, the counts from rows that the ledger knows, under gate.toml.
What no file can show is whether the counts were counted: that rests on the job that judged.
"""

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlgate import ledger
from mlgate.errors import MlgateError
from mlgate.ledger import Entry, arithmetic
from mlgate.root import Policy, Root, policy_from, section, to_json

# What a run may bring that was started to judge a candidate, to roll back, to refresh, or to take new holdout rows.
EXPECTED: dict[str, tuple[str, ...]] = {
    "promotion": ("look", "rejection", "holdout", "promotion", "bootstrap"),
    "rollback": ("rollback",),
    "refresh": ("refresh",),
    "holdout": ("holdout",),
}
NEEDED = ("difference", "leakage", "reproducible")  # without these checks nothing is promoted
KEY_BYTES = 24  # the fingerprints of one training row


@dataclass(frozen=True)
class Started:
    """What an event started a run for: a key of EXPECTED, and the recipe, where it is not gate.toml's [candidate]."""

    kind: str
    recipe: str | None = None
    severity: float | None = None


def require_expected(judged: Root, lines: Sequence[Entry], started: Started, candidate: Mapping[str, Any]) -> None:
    """Raise MlgateError where a run brings a line that it was not started for, or a model of another recipe.

    candidate: [candidate] in gate.toml, which a run trains unless it was started with a recipe.
    """
    for line in lines:
        if line["kind"] not in EXPECTED[started.kind]:
            raise MlgateError(
                f"This run was started for a {started.kind}, and its ledger brings a {line['kind']}: nothing was"
                f" recorded. A {started.kind} brings no other line than {', '.join(EXPECTED[started.kind])}."
            )
    moves = [move for move in ledger.moves(lines) if move["kind"] != "bootstrap"]
    if len(moves) > 1:
        raise MlgateError(f"This run moves production {len(moves)} times: nothing was recorded. One run, one move.")
    if started.recipe:
        candidate = {"recipe": started.recipe, "severity": started.severity}
    for move in moves:
        if move["kind"] == "promotion":
            _require_recipe(_card(judged, move["to"]), candidate)


def _require_recipe(card: Mapping[str, Any], candidate: Mapping[str, Any]) -> None:
    for name, wanted in candidate.items():
        if wanted is not None and card.get(name) != wanted:
            raise MlgateError(
                f"This run was started to train the {name} {wanted}, and the model's card says {card.get(name)!r:.80}:"
                " nothing was recorded."
            )


def require_sound(root: Root, judged: Root, entries: Sequence[Entry], count: int) -> None:
    """Raise MlgateError, naming the line, where one of those after the first `count` does not follow from itself."""
    settings = root.settings()
    demands = Demands(policy_from(settings), section(settings, "corpus"), judged)
    for number in range(count, len(entries)):
        line = entries[number]
        try:
            LINES[line["kind"]](entries[:number], line, demands)
        except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, OSError) as error:
            raise MlgateError(
                f"Line {number + 1} of the ledger to record ({line.get('kind')}) is not believed: {_said(error)}."
                " Nothing was recorded."
            ) from error


@dataclass(frozen=True)
class Demands:
    """What a line is held against: gate.toml of the commit that was judged, and the files that came with the line."""

    policy: Policy
    corpus: dict[str, Any]
    judged: Root


def _labelling(before: Sequence[Entry], line: Any, demands: Demands) -> None:
    named = (line["before"], line["production"], line["candidate"], line["rows"]["digest"])
    order = hashlib.sha256("\0".join(named).encode()).hexdigest()
    _require(line["order"] == order, "its order does not follow from the line before it")
    _require(line["horizon"] <= line["different"] <= line["rows"]["count"], "its counts do not fit each other")
    _require(line["production"] == ledger.head(before), "it is about another production model")
    _require(line["corpus"] == demands.corpus, "it was begun under another [corpus] than gate.toml names")
    _require(line["policy"] == demands.policy.digest, "it was begun under other demands than gate.toml's")
    _require(line["alpha"] == demands.policy.alpha_look, "its level is another one than gate.toml's alpha / looks")
    _require(line["margin"] == 0, "only labels that show a margin of 0 are believed")
    known = {holdout["generation"] for holdout in ledger.holdouts(before)}
    _require(line["generation"] in known, "it names a generation of holdout rows that there is none of")
    _require(ledger.looks_left(before, demands.policy, line["generation"]) > 0, "no look was left")


def _labelled(before: Sequence[Entry], line: Any, demands: Demands) -> None:
    """Raise ValueError where a look that bought labels is not what its session began, or its labels do not make it."""
    begun = [session for session in ledger.unfinished(before) if session["order"] == line["labelling"]]
    _require(len(begun) == 1, "no labelling that has no verdict yet was begun for it")
    session = begun[0]
    verdict = line["verdict"]
    pair = (verdict["production"]["digest"], verdict["candidate"]["digest"])
    _require(pair == (session["production"], session["candidate"]), "its verdict is about another pair")
    for name in ("alpha", "generation", "corpus"):
        _require(line[name] == session[name], f"its {name} is not that of its labelling")
    rows = (verdict["rows"]["digest"], verdict["rows"]["count"])
    _require(rows == (session["rows"]["digest"], session["rows"]["count"]), "its verdict is about other rows")
    _verdict(before, line, demands.policy, None)
    labels = verdict["labels"]
    _require(
        0 < labels["count"] <= labels["horizon"] == session["horizon"], "its labels are not as many as were planned"
    )
    counted = labels["wins"] + labels["losses"] + len(labels["tied"])
    _require(min(labels["wins"], labels["losses"]) >= 0 and counted == labels["count"], "its labels do not add up")
    found = arithmetic.walked(labels, session["horizon"], session["alpha"])
    _require(found != "undecided" or labels["count"] == session["horizon"], "its labels decide nothing yet")
    for check in verdict["checks"]:
        if check["code"] == "difference":
            _require(check["status"] == found, f"its own labels say {found} of the difference, and it says otherwise")
            _require(check["action"] == "reject", "its difference does not count")
    judged = {check["name"] for check in verdict["checks"]}
    unguarded = [name for name in demands.policy.required if f"slice {name}" not in judged]
    _require(verdict["decision"] != "PROMOTE" or not unguarded, f"the slice {unguarded[:1]} was not judged")


def _look(before: Sequence[Entry], line: Any, demands: Demands) -> None:
    if "labelling" in line:
        _labelled(before, line, demands)
        return
    rows = line["verdict"]["rows"]
    holdout = ledger.current_holdout(before)
    _require(holdout is not None, "no holdout rows are known before it")
    assert holdout is not None
    _require(
        (rows["digest"], rows["count"]) == (holdout["rows"]["digest"], holdout["rows"]["count"]),
        "its verdict is about other rows than the holdout has",
    )
    _require(line["generation"] == holdout["generation"], "it names another generation than the holdout's")
    _require(line["corpus"] == demands.corpus, "it was taken on another [corpus] than gate.toml names")
    level = demands.policy.alpha_look
    _require(line["alpha"] == level, "it was taken at another level than gate.toml's alpha / looks")
    _require(ledger.looks_left(before, demands.policy) > 0, "no look was left")
    _verdict(before, line, demands.policy, level)


def _rejection(before: Sequence[Entry], line: Any, demands: Demands) -> None:
    _require(line["verdict"]["decision"] == "REJECT", "its verdict is no rejection")
    _require(line["verdict"]["rows"]["name"] == "validation", "its verdict is not about validation rows")
    _verdict(before, line, demands.policy, demands.policy.alpha)


def _verdict(before: Sequence[Entry], line: Any, policy: Policy, alpha: float | None) -> None:
    """Raise ValueError where a verdict is not what its own checks and counts make, at this level.

    alpha: None where labels were bought, whose counts stand otherwise: see `_labelled`.
    """
    verdict = line["verdict"]
    _require(
        line["verdict_sha256"] == hashlib.sha256(to_json(verdict)).hexdigest(),
        "its verdict is not the one whose sha256 it names",
    )
    _require(verdict["policy"] == _as_json(policy), "its verdict was given under other demands than gate.toml's")
    _require(verdict["production"]["digest"] == ledger.head(before), "its verdict is about another production model")
    _decision(verdict)
    if alpha is not None:
        _counts(verdict, policy.margin, alpha)


def _decision(verdict: Mapping[str, Any]) -> None:
    said = verdict["decision"]
    found = arithmetic.decision(verdict["checks"])
    _require(found == said, f"its own checks make {found}, and it says {said}")
    codes = {check["code"] for check in verdict["checks"]}
    missing = [code for code in NEEDED if code not in codes]
    _require(said != "PROMOTE" or not missing, f"it says PROMOTE without the check {', '.join(missing)}")


def _counts(verdict: Mapping[str, Any], margin: float, alpha: float) -> None:
    """Raise ValueError where the difference does not stand as the counts of wins and losses say."""
    checks = [check for check in verdict["checks"] if check["code"] == "difference"]
    if not checks:  # it was rejected before a label was read
        return
    wins = verdict["discordant"]["candidate_only_right"]
    losses = verdict["discordant"]["production_only_right"]
    rows = verdict["rows"]["count"]
    _require(min(wins, losses) >= 0 and wins + losses <= rows, "its counts do not fit its rows")
    found = arithmetic.standing((wins, losses, rows), margin, alpha)
    for check in checks:
        _require(check["status"] == found, f"its own counts say {found} of the difference, and it says otherwise")
        _require(check["action"] == "reject", "its difference does not count")
    better = verdict["candidate"]["accuracy"] - verdict["production"]["accuracy"]
    for share in (better, verdict["difference"]["estimate"]):
        _require(math.isclose(share * rows, wins - losses, abs_tol=1e-6), "its figures are not those of its counts")


def _holdout(before: Sequence[Entry], line: Any, demands: Demands) -> None:
    """Hold a generation to the budget that it began with, and a new one to gate.toml's."""
    earlier = ledger.holdouts(before)
    same = [known for known in earlier if known["generation"] == line["generation"]]
    budget = (demands.policy.alpha, demands.policy.looks)
    if same:
        budget = (same[0]["alpha"], same[0].get("looks", Policy.looks))
    newest = max((known["generation"] for known in earlier), default=0)
    _require(bool(same) or line["generation"] == newest + 1, "its generation does not follow the one before")
    _require((line["alpha"], line["looks"]) == budget, "its generation's budget is another one")


def _bootstrap(before: Sequence[Entry], line: Any, demands: Demands) -> None:
    _require(line["verdict"]["decision"] == "PROMOTE", "its verdict is not that it keeps the floors")
    found = arithmetic.decision(line["verdict"]["checks"])
    _require(found == "PROMOTE", f"its own checks make {found}")
    _require(line["verdict"]["policy"] == _as_json(demands.policy), "its floors are not gate.toml's")


def _promotion(before: Sequence[Entry], line: Any, demands: Demands) -> None:
    card = _card(demands.judged, line["to"])
    keys = demands.judged.cards / f"{line['to']}.keys"
    known = card.get("recipe") and card.get("rows") and card.get("keys") and card.get("versions")
    _require(bool(known), "its card does not say how it came to be")
    _require(
        keys.stat().st_size == KEY_BYTES * card["rows"]["count"],
        "its card speaks of another number of training rows than there are fingerprints",
    )


def _refresh(before: Sequence[Entry], line: Any, demands: Demands) -> None:
    old = _card(demands.judged, line["from"])
    new = _card(demands.judged, line["to"])
    for name in ("recipe", "severity", "rows"):
        same = old.get(name) is None or new.get(name) == old[name]
        _require(same, f"its card names another {name} than that of the model it refreshes")


def _rollback(before: Sequence[Entry], line: Any, demands: Demands) -> None:
    """Ask nothing beside what integrity.verify does: it goes back to the model that was there before."""


LINES: dict[str, Callable[[Sequence[Entry], Any, Demands], None]] = {
    "look": _look,
    "rejection": _rejection,
    "holdout": _holdout,
    "labelling": _labelling,
    "bootstrap": _bootstrap,
    "promotion": _promotion,
    "refresh": _refresh,
    "rollback": _rollback,
}


def _card(judged: Root, digest: str) -> dict[str, Any]:
    """Return the card of a model, which integrity.verify has found to be its own."""
    card: dict[str, Any] = json.loads((judged.cards / f"{digest}.json").read_text(encoding="utf-8"))
    return card


def _as_json(policy: Policy) -> dict[str, Any]:
    """Return a policy as it stands in a verdict that was read from a file."""
    value: dict[str, Any] = json.loads(json.dumps(policy.as_dict()))
    return value


def _require(condition: bool, why: str) -> None:
    if not condition:
        raise ValueError(why)


def _said(error: Exception) -> str:
    if isinstance(error, ValueError) and error.args:
        return str(error)
    return f"it cannot be read ({type(error).__name__}: {error})"
