"""A root with short texts of its own, traffic without labels, and people who label it."""

import csv
import random
from pathlib import Path

from mlgate import corpus, exam, recipes
from mlgate.root import Root

POLICY = """
[decision]
looks = 1
[slices]
required = ["chat", "mail"]
minimum_rows = 50
[flips]
action = "report"
[suspicion]
action = "report"
[robustness]
action = "report"
[provenance]
reproduce = "card"
[corpus]
path = "rows.csv"
slice_column = "channel"
"""
CLASSES = ("delivery", "payment", "return")
CANDIDATES = {
    "better": ("baseline", None),
    "worse": ("noisy_labels", 0.85),
    "similar": ("reduced_dataset", 0.52),
}


def texts(count: int, seed: int) -> list[tuple[str, str, str]]:
    """Rows of text, label and channel: 16 words, some of which hint at the label."""
    chance = random.Random(seed)
    rows = []
    for _ in range(count):
        label = chance.choice(CLASSES)
        words = [
            f"{label if chance.random() < 0.3 else chance.choice(CLASSES)}{chance.randrange(60)}" for _ in range(16)
        ]
        rows.append((" ".join(words), label, chance.choice(("mail", "chat"))))
    return rows


def write_rows(path: Path, rows, header=("text", "label", "channel")) -> None:
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def make_root(path: Path, looks: int = 1) -> Root:
    """A root whose production is the recipe reduced_dataset, and `traffic.csv` beside its corpus."""
    path.mkdir(parents=True)
    root = Root(path)
    root.policy.write_text(POLICY.replace("looks = 1", f"looks = {looks}"))
    write_rows(path / "rows.csv", texts(3_000, seed=0))
    write_rows(
        path / "traffic.csv", [(text, channel) for text, _, channel in texts(1_500, seed=1)], ("text", "channel")
    )
    train = corpus.split("train", root)
    recipe = recipes.named("reduced_dataset")
    exam.bootstrap(root, recipe.train(train, 0.5), recipe.facts(train, 0.5))
    return root


def truth() -> dict[str, str]:
    """What each text of the traffic is about."""
    return {text: label for text, label, _ in texts(1_500, seed=1)}
