"""The verdict of a session: what its labels show, and whether anything else stands in the way."""

import json
from dataclasses import replace
from typing import Any

from mlgate import artifacts, ledger
from mlgate.artifacts import locked, to_json
from mlgate.errors import MlgateError
from mlgate.exam import policy_of
from mlgate.gate import PROMOTE, Check, Difference, Look, RowSet, Side, Verdict, decide, points, verdict_from
from mlgate.gate.planning import share_interval, wealth
from mlgate.gate.sequential import FOR_DISCORDANCE, corridor, null_share
from mlgate.gate.statistics import binomial_tail, clopper_pearson
from mlgate.labelling.session import Session, load
from mlgate.labelling.standing import SliceCount, Standing, stand
from mlgate.root import Policy, Root, section, versions, write_atomically

HAS_LABELS = "the labels are those of disagreements alone; validation rows were asked before the first of them"


def conclude(root: Root) -> Verdict:
    """Return the verdict as the labels are now, and write verdict.json. Where no label can change it: the ledger, too.

    Before that it is a HOLD that costs nothing more: the look was begun with the session. Raises MlgateError where
    gate.toml or the corpus are not what they were when it began.
    """
    with locked(root):
        session = load(root)
        value = session.verdict
        if value is None:
            standing = stand(session, policy_of(root))
            _require_same_demands(standing)
            value = _judged(standing).as_dict()
            if standing.ended:
                value = _recorded(session, standing.policy, value)
        data = to_json(value)
        write_atomically(root.verdict, data)
    return verdict_from(json.loads(data))


def _require_same_demands(standing: Standing) -> None:
    session = standing.session
    if session.line["policy"] != standing.policy.digest:
        raise MlgateError("gate.toml demands something else since labelling began: put it back, or begin again.")
    if session.line["corpus"] != section(session.root.settings(), "corpus"):
        raise MlgateError("gate.toml names another [corpus] since labelling began: put it back, or begin again.")


def _recorded(session: Session, policy: Policy, value: dict[str, Any]) -> dict[str, Any]:
    """Write a verdict into the ledger, as the look that began with the session, and return it with what that cost."""
    root = session.root
    facts: dict[str, Any] = {"labelling": session.line["order"], "alpha": session.line["alpha"]}
    facts |= {"generation": session.line["generation"], "corpus": session.line["corpus"]}
    left = looks_left(session, policy, {"kind": "look", **facts, "verdict": value})
    why = "one look, paid in labels"
    if value["decision"] == PROMOTE:
        why += "; PROMOTE gives it back"
    value = {**value, "look": Look(spent=True, left=left, why=why, different=session.line["different"]).as_dict()}
    ledger.append(root, "look", **facts, verdict_sha256=artifacts.digest(to_json(value)), verdict=value)
    return value


def looks_left(session: Session, policy: Policy, *more: Any) -> int:
    """Return how many looks are left, after more lines than the ledger has."""
    return ledger.looks_left([*ledger.read(session.root), *more], policy, session.line["generation"])


def _judged(standing: Standing) -> Verdict:
    """Return the verdict on what the labels show."""
    session = standing.session
    policy = standing.policy
    line = session.line
    found = difference(standing)
    checks = [better(standing, found)]
    if standing.walk.status == "pass":
        slices = [slice_check(part, session, policy) for part in standing.slices]
        checks = [*session.checks, *checks, *slices, *_counted(standing, policy, session.level)]
    checks.append(Check("labelled_checks", "skipped", "report", HAS_LABELS))
    decision, reason = decide(tuple(checks))
    return Verdict(
        decision=decision,
        reason=reason,
        production=Side(line["production"], None),
        candidate=Side(line["candidate"], None),
        rows=RowSet(line["name"], line["rows"]["count"], line["rows"]["digest"]),
        difference=found,
        discordant=(standing.walk.wins, standing.walk.losses),
        checks=tuple(checks),
        look=Look(True, looks_left(session, policy), "begun with the labels", line["different"]),
        policy=policy.as_dict(),
        versions=versions(),
        labels=labels_of(standing),
    )


def labels_of(standing: Standing) -> dict[str, Any]:
    """Return what a verdict says of the labels that it rests on.

    count, wins, losses, ties: of the unbroken line up to where it was decided; tied: which of them, counted from 1.
    """
    walk = standing.walk
    noise = standing.noise
    return {
        "count": walk.label,
        "wins": walk.wins,
        "losses": walk.losses,
        "ties": len(walk.ties),
        "tied": list(walk.ties),
        "unsure": standing.unsure,
        "agreement": noise and noise.as_dict(),
        "horizon": standing.session.line["horizon"],
        "given": len(standing.given),
        "slices": {part.name: [part.wins, part.losses] for part in standing.slices},
    }


def difference(standing: Standing) -> Difference | None:
    """Return the difference that the labels leave possible, on the rows as a whole; None before the first label.

    p_value: what a gambler against "no better" would have won, as a p-value that holds whenever one stops.
    """
    walk = standing.walk
    line = standing.session.line
    if walk.label == 0:
        return None
    share = share_interval(walk, standing.session.rule)
    decisive = line["different"] / line["rows"]["count"] * (1 - len(walk.ties) / walk.label)
    estimate = (walk.wins - walk.losses) / walk.label * line["different"] / line["rows"]["count"]
    low, high = (decisive * (2 * end - 1) for end in share)
    return Difference(estimate, low, high, 1 - 2 * line["alpha"], p_value(standing), method="corridor")


def p_value(standing: Standing) -> float:
    """Return the chance, at most, that a candidate that is no better ever looks as good as this one did at its best."""
    wins = 0
    losses = 0
    most = 1.0
    for outcome in standing.outcomes[: standing.walk.label]:
        wins += outcome == 1
        losses += outcome == -1
        most = max(most, wealth(wins, losses))
    return 1 / most


def better(standing: Standing, found: Difference | None) -> Check:
    """Check which corridor the labels have left."""
    walk = standing.walk
    line = standing.session.line
    words = {
        "pass": "better than production",
        "fail": "worse than production",
        "undecided": "not decided yet",
    }
    if standing.ended:
        words["undecided"] = "neither shown to be better than production nor to be worse"
    if line["margin"]:
        words["pass"] += f" by more than {100 * line['margin']:g} points"
    reason = f"{words[walk.status]}: {walk.wins:,} wins and {walk.losses:,} losses in {walk.label:,} labels"
    if found:
        reason += f"; {points(found)}"
    estimate = found.estimate if found else None
    return Check(
        "difference", walk.status, "reject", reason, observed=estimate, required=line["margin"], uses_labels=True
    )


def slice_check(part: SliceCount, session: Session, policy: Policy) -> Check:
    """Check that a slice comes to no harm: one test of its first disagreements, of which the number was fixed."""
    rows = session.slices.get(part.name, 0)
    name = f"slice {part.name}"
    check = Check("slice", "pass", policy.slices_action, "", name=name, required=0 - policy.tolerance, uses_labels=True)
    if not policy.large_enough(rows):
        few = f"{name} has {rows:,} rows; at least {policy.minimum_rows:,} are needed to judge it"
        return replace(check, status="undecided", reason=few)
    if not part.settled:
        missing = part.wanted - part.labelled
        return replace(check, status="undecided", reason=f"{missing:,} more labels of {name} are needed to judge it")
    counted = f"{part.wins:,} wins and {part.losses:,} losses in its first {part.wanted:,} disagreements"
    discordance = sum(row.slice == part.name for row in session.rows) / rows
    if loss_p(part.wins, part.losses, null_share(discordance, policy.tolerance)) <= session.level:
        return replace(check, status="fail", reason=f"worse on {name}: {counted}")
    return replace(check, reason=f"not shown to be worse on {name}: {counted}")


def loss_p(wins: int, losses: int, share: float) -> float:
    """Return the mid-p of "more than this share of them are losses"."""
    count = wins + losses
    return float((binomial_tail(losses - 1, count, share) + binomial_tail(losses, count, share)) / 2) if count else 1.0


def _counted(standing: Standing, policy: Policy, level: float) -> list[Check]:
    """Return the guards against lost answers and against a gain too good to be true: corridors of their own."""
    line = standing.session.line
    low = clopper_pearson(line["different"], line["rows"]["count"], 1 - 2 * FOR_DISCORDANCE * level).low
    flips = leaves(standing, -1, min(1.0, policy.flips / low), level)
    jump = leaves(standing, 1, null_share(low, policy.too_good), level)
    lost = "more" if flips else "not shown to be more"
    true = "too good to be true: look for labels that leaked" if jump else "not too good to be true"
    return [
        Check(
            "negative_flips",
            "fail" if flips else "pass",
            policy.flips_action,
            f"{lost} than {policy.flips:.0%} of all answers were right and would be wrong",
            required=policy.flips,
            uses_labels=True,
        ),
        Check(
            "too_good",
            "fail" if jump else "pass",
            policy.too_good_action,
            f"{true} ({100 * policy.too_good:g} points are plausible)",
            required=policy.too_good,
            uses_labels=True,
        ),
    ]


def leaves(standing: Standing, outcome: int, share: float, level: float) -> bool:
    """Whether the labels with this outcome ever leave the corridor of a share of all labels, at 0.9 of a level."""
    needed = corridor(standing.session.line["horizon"], (1 - FOR_DISCORDANCE) * level, share)
    count = 0
    for place, each in enumerate(standing.outcomes):
        count += each == outcome
        if count >= needed[place]:
            return True
    return False
