"""Which split a text belongs to, and which texts are the same, or nearly: from the text alone."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

import numpy as np

SPLITS = {"train": range(0, 60), "validation": range(60, 70), "holdout": range(70, 90), "live": range(90, 100)}
WORD = re.compile(r"\w+")
EDGE_WORDS = 12  # at each end, for near-duplicate keys
EDGE_CHARS = 400  # read at each end: ample for so many words


@lru_cache(maxsize=100_000)
def normalise(text: str) -> str:
    """Normalise a text: NFKC, casefold, white space collapsed. Two texts are duplicates if these are equal."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return " ".join(text.casefold().split())


def digest(normalised: str) -> bytes:
    """Return the first eight bytes of a text's sha256."""
    return hashlib.sha256(normalised.encode()).digest()[:8]


def bucket(text: str) -> int:
    """Return 0 to 99, from the text alone: a row never moves when data is added, and duplicates land together."""
    return int.from_bytes(digest(normalise(text)), "big") % 100


def split_of(number: int) -> str:
    """Return the split a bucket belongs to: "train", "validation", "holdout" or "live"."""
    return next(name for name, numbers in SPLITS.items() if number in numbers)


def keys(texts: Iterable[str]) -> np.ndarray:
    """Return fingerprints (n, 3) of texts: of each whole, of its first twelve words and of its last twelve.

    Two texts with the same whole are equal; with the same beginning or end they are near-duplicates.
    """
    found = []
    for whole in map(normalise, texts):
        first = WORD.findall(whole[:EDGE_CHARS])[:EDGE_WORDS]
        last = WORD.findall(whole[-EDGE_CHARS:])[-EDGE_WORDS:]
        found += [whole, "first " + " ".join(first), "last " + " ".join(last)]
    return np.frombuffer(b"".join(map(digest, found)), dtype="<u8").reshape(-1, 3)
