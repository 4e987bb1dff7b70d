"""Rows that belong together: of one user, document or prompt. They are not independent, so they are counted as one."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Clusters:
    """How many rows of each cell each cluster has: an entry for each combination that occurs.

    of: (e,) the key of the cluster, cells: (e,) the position of the cell in the scorecard, counts: (e,) rows.
    """

    of: np.ndarray
    cells: np.ndarray
    counts: np.ndarray

    @property
    def number(self) -> int:
        """How many clusters there are."""
        return len(np.unique(self.of))

    def where(self, mine: np.ndarray) -> "Clusters":
        """Return what clusters have of these cells alone: booleans (m,)."""
        kept = mine[self.cells]
        places = np.cumsum(mine) - 1
        return Clusters(self.of[kept], places[self.cells[kept]], self.counts[kept])

    def sums(self, values: np.ndarray) -> tuple[Any, Any]:
        """Return the sum over its rows of a value for each cell (m,), and the rows, of each cluster, by its key."""
        _, place = np.unique(self.of, return_inverse=True)
        return np.bincount(place, self.counts * values[self.cells]), np.bincount(place, self.counts)


def key_of(name: str) -> str:
    """Return the key of a cluster: 16 hexadecimal digits in the place of its name, which may be a person's."""
    return hashlib.blake2b(name.encode(), digest_size=8).hexdigest()


def entries(keys: list[str], cells: np.ndarray, counts: np.ndarray) -> Clusters:
    """Return these entries (e,) in the order of clusters and cells, equal ones put together."""
    of = np.array([int(key, 16) for key in keys], dtype=np.uint64)
    order = np.lexsort([cells, of])
    return Clusters(of[order], cells[order], counts[order])
