"""Equal models, compared a thousand times: how often is the gate wrong when there is nothing to be right about?

Two real models answer the same rows once. Then rows are drawn anew, with replacement, and on each of them a coin says
which model plays production: so the two are equal on every measure, whatever the gate looks at.
"""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from mlgate.answers.scoring import score
from mlgate.artifacts import Model
from mlgate.corpus import Batch, Rows
from mlgate.exam import policy_of
from mlgate.gate import PROMOTE, Check, Verdict, judge, statistics
from mlgate.recipes import logistic_regression
from mlgate.reporting.markdown import table as markdown_table
from mlgate.root import Policy
from mlgate.scorecard import Scorecard
from mlgate.selftest.laboratory import Lab

import numpy as np
import pandas as pd

ROWS = 2_000
TIMES = 500  # comparisons in each laboratory
MIRRORED = 10  # one in so many is judged with the two models swapped, too
SMALL_SLICES = 50  # of 40 rows each: none is large enough to be judged alone


@dataclass(frozen=True)
class Remembered:
    """A model whose answers to known rows are remembered: asked for rows by number, it looks them up."""

    digest: str
    labels: np.ndarray
    scores: np.ndarray
    classes: np.ndarray
    size: int = 1
    load_seconds: float = 0.0
    fault: str | None = None
    limits: None = None

    def answer(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return the labels and scores of rows, named by their number."""
        places = np.array(texts, dtype=np.int64)
        return self.labels[places], self.scores[places]


@dataclass(frozen=True)
class Pair:
    """Two models' answers to the same rows, both ways round: place i + n is row i with the two exchanged."""

    rows: pd.DataFrame
    models: tuple[Any, Any]  # Remembered, which answer as a Model does

    def scorecard(self, drawn: np.ndarray, exchanged: np.ndarray, slices: str = "source") -> Scorecard:
        """Return the scorecard of these rows (by place), each with the two models exchanged (1) or not (0).

        slices: the column that says which slice a row is in.
        """
        places = (drawn + exchanged * len(self.rows)).astype(str).tolist()
        truth = self.rows["label"].to_numpy()[drawn].tolist()
        named = self.rows[slices].to_numpy()[drawn].tolist()
        batch = Batch(places, truth, named)
        return score(*self.models, Rows("drawn", "drawn", lambda: iter([batch])), probing=False)


def pair_of(first: Model, second: Model, rows: pd.DataFrame) -> Pair:
    """Two models on some rows: columns text, label and source."""
    texts = rows["text"].tolist()
    labels, scores = first.answer(texts)
    other_labels, other_scores = second.answer(texts)
    there = Remembered(
        "first", np.concatenate([labels, other_labels]), np.concatenate([scores, other_scores]), first.classes
    )
    back = Remembered(
        "second", np.concatenate([other_labels, labels]), np.concatenate([other_scores, scores]), first.classes
    )
    small = [f"small {number % SMALL_SLICES:02d}" for number in range(len(rows))]
    return Pair(rows.assign(small=small), (there, back))


def count(lab: Lab, times: int = TIMES) -> dict[str, Any]:
    """How often equal models are promoted (on open and on sealed rows) or rejected; whether swapping mirrors."""
    other = logistic_regression().fit(lab.train["text"], lab.train["label"])
    pair = pair_of(lab.production, replace(lab.production, pipeline=other), lab.validation.head(ROWS))
    policy = policy_of(lab.root)
    random = np.random.default_rng(lab.seed)
    counts = Counter(dict.fromkeys(("plain", *LEVELS, "not_mirrored"), 0))
    for number in range(times):
        drawn = random.integers(len(pair.rows), size=len(pair.rows))
        exchanged = random.integers(2, size=len(pair.rows))
        counts.update(_compare(pair, drawn, exchanged, policy))
        if number % MIRRORED == 0:
            verdict = judge(pair.scorecard(drawn, exchanged), policy)
            swapped = judge(pair.scorecard(drawn, 1 - exchanged), policy)
            counts["not_mirrored"] += not _mirrors(verdict, swapped, policy)
    levels = {"alpha": policy.alpha, "alpha_look": policy.alpha_look, "guards_alpha": policy.guards_alpha}
    return {"times": times, **counts, **levels}


def _compare(pair: Pair, drawn: np.ndarray, exchanged: np.ndarray, policy: Policy) -> dict[str, int]:
    """Return what the plain rule and the gate say of one comparison of equal models: 1 where they are wrong."""
    card = pair.scorecard(drawn, exchanged)
    wins, losses = card.discordant
    verdict = judge(card, policy)
    # Only a model that is promoted at alpha can be promoted at the stricter level of a look.
    sealed = verdict.decision == PROMOTE and judge(replace(card, sealed=True), policy).decision == PROMOTE
    in_small = judge(pair.scorecard(drawn, exchanged, "small"), replace(policy, required=()))
    return {
        "plain": int(wins > losses),
        "promoted": int(verdict.decision == PROMOTE),
        "promoted_sealed": int(sealed),
        "rejected": int(any(_stops(check) for check in verdict.checks)),
        "rejected_small": int(any(_stops(check) for check in in_small.checks)),
    }


def _stops(check: Check) -> bool:
    """Whether a guard stops the candidate."""
    return check.code != "difference" and check.status == "fail" and check.blocks


def _mirrors(verdict: Verdict, swapped: Verdict, policy: Policy) -> bool:
    """With the arguments swapped, the difference changes its sign, better becomes worse, and worse becomes better."""
    one = verdict.difference
    other = swapped.difference
    if one is None or other is None:
        return one is other
    signs = np.allclose((one.estimate, one.low, one.high), (-other.estimate, -other.high, -other.low), atol=1e-9)
    words = {"pass": "fail", "fail": "pass", "undecided": "undecided"}
    same = _standing(swapped) == words[_standing(verdict)]
    return bool(signs) and (same or policy.margin != 0)


def _standing(verdict: Verdict) -> str:
    return verdict.checks_with("difference")[0].status


def together(counts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the counts of several laboratories, and for each rate its exact interval (Clopper and Pearson, 95 %)."""
    total = dict(counts[0])
    for key in total:
        if "alpha" not in key:
            total[key] = sum(part[key] for part in counts)
    rates = {}
    for name, level in LEVELS.items():
        interval = statistics.clopper_pearson(int(total[name]), total["times"], 0.95)
        rates[name] = {"rate": total[name] / total["times"], **interval._asdict(), "promised": total[level]}
    return {**total, "rates": rates}


LEVELS = {
    "promoted": "alpha",
    "promoted_sealed": "alpha_look",
    "rejected": "guards_alpha",
    "rejected_small": "guards_alpha",
}
WORDS = {
    "promoted": "equal models promoted, on open rows",
    "promoted_sealed": "equal models promoted, by one look at sealed rows",
    "rejected": "equal models stopped by a guard",
    "rejected_small": f"equal models stopped by a guard, on {SMALL_SLICES} small slices",
}


def problems(total: dict[str, Any]) -> list[str]:
    """Each rate that is shown to be above what is promised, and each verdict that swapping did not mirror."""
    lines = [
        f"{WORDS[name]}: {part['rate']:.2%} ({part['low']:.2%} to {part['high']:.2%}), promised {part['promised']:.2%}"
        for name, part in total["rates"].items()
        if part["low"] > part["promised"]
    ]
    if total["not_mirrored"]:
        lines.append(f"{total['not_mirrored']} verdicts were not mirrored when the two models were swapped")
    return lines


def table(total: dict[str, Any]) -> pd.DataFrame:
    """How often equal models were promoted or stopped: each rate, its exact interval, and what is promised."""
    plain = total["plain"] / total["times"]
    lines = [("equal models promoted by `accuracy >`", f"{plain:.2%}", "", "-")]
    for name, part in total["rates"].items():
        interval = f"{part['low']:.2%} to {part['high']:.2%}"
        lines.append((WORDS[name], f"{part['rate']:.2%}", interval, f"{part['promised']:.2%}"))
    lines.append(("verdicts not mirrored when the two are swapped", str(total["not_mirrored"]), "", "0"))
    return pd.DataFrame(lines, columns=["", "rate", "95 % interval", "promised at most"])


def markdown(total: dict[str, Any]) -> list[str]:
    """Return the same as lines of Markdown."""
    frame = table(total)
    lines = markdown_table(list(frame.columns), frame.itertuples(index=False, name=None))
    return [f"## Equal models, compared {total['times']:,} times", "", *lines]
