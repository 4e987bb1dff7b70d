"""The corpus: where its rows come from, and what they are for."""

from mlgate.corpus import SPLITS
from mlgate.reporting.figures.canvas import BLUE, GREY, ORANGE, blank_sheet, draw_bar, shorten, squeeze, width_of, write

import pandas as pd
from matplotlib.figure import Figure

PURPOSES = {
    "train": "to learn from",
    "validation": "to explore freely",
    "holdout": "sealed: only the gate reads it",
    "live": "stands in for traffic",
}
MAX_SOURCES = 8


def draw_corpus(reviews: pd.DataFrame) -> Figure:
    """Where the corpus comes from (its sources) and what its four parts are for; the holdout is hatched: sealed."""
    named = reviews["source"].replace("", "(no name)" if reviews["source"].nunique() > 1 else "all")
    sources = named.value_counts()
    if len(sources) > MAX_SOURCES:
        kept = sources.iloc[: MAX_SOURCES - 1]
        sources = pd.concat([kept, pd.Series({f"{len(sources) - len(kept)} others": sources.sum() - kept.sum()})])
    parts = reviews["split"].value_counts().reindex(list(SPLITS), fill_value=0)
    labels = reviews["label"].astype(str).value_counts()
    height = 1.72 + 0.78 * max(len(SPLITS), len(sources))
    words = ", ".join(f"{name} {count:,}" for name, count in parts.items())
    figure, sheet = blank_sheet(10, height, f"The corpus: {len(reviews):,} labelled texts; {words}.")
    kinds = f"{len(labels)} classes"
    if len(labels) <= 4:
        kinds = " · ".join(f"{count:,} {name}" for name, count in labels.items())
    write(sheet, 0.3, height - 0.4, f"{len(reviews):,} labelled texts", 20, weight="bold")
    write(sheet, 0.3, height - 0.78, shorten(kinds, 9.4, 13), 13, GREY)
    write(sheet, 0.3, height - 1.3, "where they come from", 13, GREY)
    write(sheet, 5.0, height - 1.3, "what they are for", 13, GREY)
    few = len(sources) <= 3
    colours = [BLUE, ORANGE, GREY] if few else [BLUE] * len(sources)
    for line, (name, count) in enumerate(sources.items()):
        low = height - 2.14 - 0.78 * line
        write(sheet, 0.3, low + 0.45, squeeze(name, 4.2, 13, "bold"), 13, weight="bold")
        draw_bar(sheet, 0.3, low, 3.0, [count], sources.max(), [colours[line]])
    for line, (name, count) in enumerate(parts.items()):
        low = height - 2.14 - 0.78 * line
        write(sheet, 5.0, low + 0.45, name, 13, weight="bold")
        write(sheet, 5.12 + width_of(name, 13, "bold"), low + 0.45, PURPOSES[name], 13, GREY)
        inside = named[reviews["split"] == name].value_counts()
        shares = [inside.get(source, 0) for source in sources.index] if few else [count]
        draw_bar(sheet, 5.0, low, 3.4, shares, parts.max(), colours, sealed=name == "holdout")
    return figure
