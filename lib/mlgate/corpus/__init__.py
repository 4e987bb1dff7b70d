"""Load, check, split and fingerprint the labelled rows; the only place that knows where data lives."""

from mlgate.corpus.corpus import (
    NO_SLICE,
    REVIEWS,
    Batch,
    Rows,
    Source,
    fingerprint,
    known_keys,
    load,
    require_filled,
    rows_from,
    rows_in,
    rows_of,
    source_of,
    split,
    training_rows_alone,
)
from mlgate.corpus.splits import (
    EDGE_CHARS,
    SPLITS,
    WORD,
    bucket,
    keys,
    normalise,
    split_of,
)
from mlgate.corpus.table import Inputs, Table
from mlgate.corpus.tables import table_in

__all__ = [
    "EDGE_CHARS",
    "NO_SLICE",
    "REVIEWS",
    "SPLITS",
    "WORD",
    "Batch",
    "Inputs",
    "Rows",
    "Source",
    "Table",
    "bucket",
    "fingerprint",
    "keys",
    "known_keys",
    "load",
    "normalise",
    "require_filled",
    "rows_from",
    "rows_in",
    "rows_of",
    "source_of",
    "split",
    "split_of",
    "table_in",
    "training_rows_alone",
]
