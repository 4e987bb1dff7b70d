"""Draws docs/verdicts.png, the README's figure, from real runs: `python docs/draw.py` (about a minute).

Every candidate is trained on the training rows and judged against the baseline on validation rows; the sealed holdout
is not read. Beside each verdict stands what the plain rule, "did the accuracy go up?", would have said.
"""

from pathlib import Path

from mlgate import artifacts, corpus, recipes
from mlgate.answers import scoring
from mlgate.exam import policy_of
from mlgate.gate import Verdict, judge
from mlgate.reporting.figures import draw_candidates
from mlgate.root import find_root

PICTURE = Path(__file__).with_name("verdicts.png")
CANDIDATES = [  # none so bad that it would squeeze the intervals of the others
    ("challenger", None, "words and pairs of words"),
    ("noisy_labels", 0.02, "2 % of the labels guessed"),
    ("bad_training_data", 0.02, "2 % of one class lost"),
    ("noisy_labels", None, "40 % of the labels guessed"),
    ("bad_training_data", 0.3, "30 % of one class lost"),
    ("truncated_vocabulary", None, "690 of 62,072 words left"),
]


def verdicts() -> list[tuple[str, str, Verdict]]:
    """Train each candidate and judge it against the baseline, on validation rows."""
    train, rows, policy = corpus.split("train"), corpus.rows_of("validation"), policy_of(find_root(PICTURE.parents[1]))

    def model(name: str, severity: float | None) -> artifacts.Model:
        return artifacts.load(artifacts.dump(recipes.named(name).train(train, severity)))

    production = model("baseline", None)
    return [
        (name, story, judge(scoring.score(production, model(name, severity), rows), policy))
        for name, severity, story in CANDIDATES
    ]


if __name__ == "__main__":
    draw_candidates(verdicts()).savefig(PICTURE, dpi=130)
    print(f"{PICTURE}: {PICTURE.stat().st_size / 1000:.0f} kB")
