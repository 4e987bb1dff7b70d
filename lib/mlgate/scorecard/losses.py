"""What two models lose on each row, a number, reduced to sums of powers: exact ones, which add up in any order."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# Of each group of rows: how many there are; what both models lose; what the candidate gains, its square and its cube;
# on how many rows it gains and loses; and the square and the cube of what the candidate loses.
SUMS = ("rows", "production", "candidate", "gain", "gain2", "gain3", "won", "lost", "candidate2", "candidate3")
NEVER_NEGATIVE = ("rows", "production", "candidate", "gain2", "won", "lost", "candidate2")
MOST = 2_200  # bits of a sum, beyond which it is no float
LOW = 27  # bits of the lower half of a mantissa
BIAS = 1_200  # of exponents, so that none is negative


@dataclass(frozen=True)
class Losses:
    """The SUMS of each group: sums (g, 10). slices: (g,) its place in the scorecard's. of: (g,) its cluster's key."""

    slices: np.ndarray
    sums: np.ndarray
    of: np.ndarray | None = None

    def where(self, slices: np.ndarray) -> "Losses":
        """Return the sums of some slices alone."""
        mine = np.isin(self.slices, slices)
        return Losses(self.slices[mine], self.sums[mine], None if self.of is None else self.of[mine])

    def by_cluster(self, name: str) -> tuple[Any, Any]:
        """Return one of the SUMS and the rows of each cluster, by its key."""
        assert self.of is not None
        _, place = np.unique(self.of, return_inverse=True)
        return np.bincount(place, self.column(name)), np.bincount(place, self.column("rows"))

    def column(self, name: str) -> np.ndarray:
        """Return one of the SUMS of each group (g,)."""
        return self.sums[:, SUMS.index(name)]

    def total(self, name: str) -> float:
        """Return one of the SUMS over all groups."""
        return math.fsum(self.column(name))


class ExactSums:
    """Sums of floats without rounding, by group: whole numbers of 2 ** -(BIAS + 53)."""

    def __init__(self) -> None:
        self.sums: dict[Any, list[int]] = defaultdict(lambda: [0] * len(SUMS))

    def add(self, groups: Sequence[Any], of: np.ndarray, production: np.ndarray, candidate: np.ndarray) -> None:
        """Add what both models lose on some rows (n,), each of which is in groups[of]."""
        gain = production - candidate
        ones = np.ones(len(gain))
        columns = (ones, production, candidate, gain, gain**2, gain**3, gain > 0, gain < 0, candidate**2, candidate**3)
        for number, values in enumerate(columns):
            mantissas, exponents = np.frexp(values.astype(float))
            whole = np.ldexp(mantissas, 53).astype(np.int64)
            codes, place = np.unique(of * 2 * BIAS + exponents + BIAS, return_inverse=True)
            high = np.bincount(place, whole >> LOW).tolist()
            low = np.bincount(place, whole & ((1 << LOW) - 1)).tolist()
            for code, upper, lower in zip(codes.tolist(), high, low, strict=True):
                group, exponent = divmod(code, 2 * BIAS)
                self.sums[groups[group]][number] += ((int(upper) << LOW) + int(lower)) << exponent

    def add_totals(self, group: Any, totals: list[int]) -> None:
        """Add the sums of a group that were made elsewhere. Raises ValueError where they are none."""
        if len(totals) != len(SUMS) or any(abs(total).bit_length() > MOST for total in totals):
            raise ValueError("a line of sums is too short or too long")
        if any(total < 0 for name, total in zip(SUMS, totals, strict=True) if name in NEVER_NEGATIVE):
            raise ValueError("a sum is negative that cannot be")
        self.sums[group] = [one + other for one, other in zip(self.sums[group], totals, strict=True)]

    def floats(self, group: Any) -> list[float]:
        """Return the sums of a group, rounded once."""
        return [total / (1 << (BIAS + 53)) for total in self.sums[group]]
