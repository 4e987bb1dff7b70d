"""Which split a text belongs to, and which texts are the same, or nearly: from the text alone."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import islice

import numpy as np

SPLITS = {"train": range(0, 60), "validation": range(60, 70), "holdout": range(70, 90), "live": range(90, 100)}
WORD = re.compile(r"\w+")
EDGE_WORDS = 12  # at each end, for near-duplicate keys
EDGE_CHARS = 400  # read at each end: ample for so many words
SHORT = 120  # mostly enough


@lru_cache(maxsize=100_000)
def normalise(text: str) -> str:
    """Normalise a text: NFKC, casefold, white space collapsed. Two texts are duplicates if these are equal."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    folded = text.casefold()
    if folded.isprintable() and "  " not in folded:  # no white space but single spaces: so are most texts
        return folded.strip()
    return " ".join(folded.split())


def digest(normalised: str) -> bytes:
    """Return the first eight bytes of a text's sha256."""
    return hashlib.sha256(normalised.encode()).digest()[:8]


@lru_cache(maxsize=100_000)
def digest_of(text: str) -> bytes:
    """Return the digest of a text, normalised."""
    return digest(normalise(text))


def bucket(text: str) -> int:
    """Return 0 to 99, from the text alone: a row never moves when data is added, and duplicates land together."""
    return int.from_bytes(digest_of(text), "big") % 100


def split_of(number: int) -> str:
    """Return the split a bucket belongs to: "train", "validation", "holdout" or "live"."""
    return next(name for name, numbers in SPLITS.items() if number in numbers)


def keys(texts: Iterable[str]) -> np.ndarray:
    """Return fingerprints (n, 3) of texts: of each whole, of its first twelve words and of its last twelve.

    Two texts with the same whole are equal; with the same beginning or end they are near-duplicates.
    """
    return np.frombuffer(b"".join(map(_keys_of, texts)), dtype="<u8").reshape(-1, 3)


@lru_cache(maxsize=100_000)
def _keys_of(text: str) -> bytes:
    whole = normalise(text)
    parts = [whole, f"first {' '.join(_first(whole))}", f"last {' '.join(_last(whole))}"]
    return b"".join(map(digest, parts))


def _first(text: str) -> list[str]:
    """Return the first words of a text's beginning."""
    return [match.group() for match in islice(WORD.finditer(text[:EDGE_CHARS]), EDGE_WORDS)]


def _last(text: str) -> list[str]:
    """Return the last words of a text's end."""
    words = WORD.findall(text[-SHORT:])
    if len(words) <= EDGE_WORDS:  # the first of them may be cut
        words = WORD.findall(text[-EDGE_CHARS:])
    return words[-EDGE_WORDS:]
