"""Equal models, compared a thousand times: how often is the gate wrong when there is nothing to be right about?

Two real models answer the same rows once. Then rows are drawn anew, with replacement, and on each of them a coin says
which model plays production: so the two are equal on every measure, whatever the gate looks at.
"""

from dataclasses import dataclass, replace

from mlgate.answers.scoring import score
from mlgate.artifacts import Model
from mlgate.corpus import Batch, Rows
from mlgate.exam import policy_of
from mlgate.gate import PROMOTE, Verdict, judge, statistics
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

    def answer(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        places = np.array(texts, dtype=np.int64)
        return self.labels[places], self.scores[places]


@dataclass(frozen=True)
class Pair:
    """Two models' answers to the same rows, both ways round: place i + n is row i with the two exchanged."""

    rows: pd.DataFrame
    models: tuple[Remembered, Remembered]

    def scorecard(self, drawn: np.ndarray, exchanged: np.ndarray, sealed: bool = False) -> Scorecard:
        """The scorecard of these rows (by place), each with the two models exchanged (1) or not (0)."""
        places = (drawn + exchanged * len(self.rows)).astype(str).tolist()
        truth, slices = (self.rows[name].to_numpy()[drawn].tolist() for name in ("label", "source"))
        batch = Batch(places, truth, slices)
        return score(*self.models, Rows("drawn", "drawn", lambda: iter([batch]), sealed), probing=False)


def pair_of(ours: Model, theirs: Model, rows: pd.DataFrame) -> Pair:
    """Two models on some rows: columns text, label and source."""
    answers = [model.answer(rows["text"].tolist()) for model in (ours, theirs)]
    labels = [np.concatenate([a[0], b[0]]) for a, b in (answers, answers[::-1])]
    scores = [np.concatenate([a[1], b[1]]) for a, b in (answers, answers[::-1])]
    made = [
        Remembered(name, *part, ours.classes) for name, *part in zip(("ours", "theirs"), labels, scores, strict=True)
    ]
    return Pair(rows, tuple(made))


def count(lab: Lab, times: int = TIMES) -> dict:
    """How often equal models are promoted (on open and on sealed rows) or turned away; whether swapping mirrors."""
    other = logistic_regression().fit(lab.train["text"], lab.train["label"])
    pair = pair_of(lab.production, replace(lab.production, pipeline=other), lab.validation.head(ROWS))
    policy, random = policy_of(lab.root), np.random.default_rng(lab.seed)
    counts = {"times": times, "plain": 0, "promoted": 0, "promoted_sealed": 0, "turned_away": 0, "not_mirrored": 0}
    for number in range(times):
        drawn, exchanged = (random.integers(most, size=len(pair.rows)) for most in (len(pair.rows), 2))
        card = pair.scorecard(drawn, exchanged)
        verdict = judge(card, policy)
        counts["plain"] += card.discordant[0] > card.discordant[1]
        counts["promoted"] += verdict.decision == PROMOTE
        if verdict.decision == PROMOTE:  # only then can it win at a stricter level
            counts["promoted_sealed"] += judge(replace(card, sealed=True), policy).decision == PROMOTE
        counts["turned_away"] += any(_turns_away(check) for check in verdict.checks)
        if number % MIRRORED == 0:
            swapped = judge(pair.scorecard(drawn, 1 - exchanged), policy)
            counts["not_mirrored"] += not _mirrors(verdict, swapped, policy)
    return {**counts, "alpha": policy.alpha, "alpha_look": policy.alpha_look, "guards_alpha": policy.guards_alpha}


def _turns_away(check) -> bool:
    return check.code != "difference" and check.status == "fail" and check.action != "report"


def _mirrors(verdict, swapped, policy: Policy) -> bool:
    """With the arguments swapped, the difference changes its sign, better becomes worse, and worse becomes better."""
    one, other = verdict.difference, swapped.difference
    signs = np.allclose((one.estimate, one.low, one.high), (-other.estimate, -other.high, -other.low), atol=1e-9)
    words = {"pass": "fail", "fail": "pass", "undecided": "undecided"}
    same = _standing(swapped) == words[_standing(verdict)]
    return bool(signs) and (same or policy.margin != 0)


def _standing(verdict: Verdict) -> str:
    return verdict.checks_with("difference")[0].status


def together(counts: list[dict]) -> dict:
    """The counts of several laboratories, and for each rate its exact interval (Clopper and Pearson, 95 %)."""
    total = {**counts[0], **{key: sum(part[key] for part in counts) for key in counts[0] if "alpha" not in key}}
    rates = {}
    for name, level in LEVELS.items():
        low, high = statistics.clopper_pearson(int(total[name]), total["times"], 0.95)
        rates[name] = {"rate": total[name] / total["times"], "low": low, "high": high, "promised": total[level]}
    return {**total, "rates": rates}


LEVELS = {"promoted": "alpha", "promoted_sealed": "alpha_look", "turned_away": "guards_alpha"}
WORDS = {
    "promoted": "equal models promoted, on open rows",
    "promoted_sealed": "equal models promoted, by one look at sealed rows",
    "turned_away": "equal models turned away by a guard",
}


def problems(total: dict) -> list[str]:
    """Each rate that is shown to be above what is promised, and each verdict that swapping did not mirror."""
    lines = [
        f"{WORDS[name]}: {part['rate']:.2%} ({part['low']:.2%} to {part['high']:.2%}), promised {part['promised']:.2%}"
        for name, part in total["rates"].items()
        if part["low"] > part["promised"]
    ]
    if total["not_mirrored"]:
        lines.append(f"{total['not_mirrored']} verdicts were not mirrored when the two models were swapped")
    return lines


def table(total: dict) -> pd.DataFrame:
    """How often equal models were promoted or turned away: each rate, its exact interval, and what is promised."""
    plain = total["plain"] / total["times"]
    lines = [("equal models promoted by `accuracy >`", f"{plain:.2%}", "", "nothing")]
    for name, part in total["rates"].items():
        interval = f"{part['low']:.2%} to {part['high']:.2%}"
        lines.append((WORDS[name], f"{part['rate']:.2%}", interval, f"{part['promised']:.2%}"))
    lines.append(("verdicts not mirrored when the two are swapped", str(total["not_mirrored"]), "", "0"))
    return pd.DataFrame(lines, columns=["", "rate", "95 % interval", "promised at most"])


def markdown(total: dict) -> list[str]:
    """The same as lines of Markdown."""
    frame = table(total)
    lines = markdown_table(list(frame.columns), frame.itertuples(index=False, name=None))
    return [f"## Equal models, compared {total['times']:,} times", "", *lines]
