"""Rows of a table, in memory: what a model that was fitted on columns is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Table:
    """Some rows of a table: an array (n,) for each column, of numbers, of truth values, or of words (objects).

    A missing value is NaN.
    """

    columns: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, rows: slice) -> Table:
        return Table({name: values[rows] for name, values in self.columns.items()})

    def frame(self, names: list[str] | None = None) -> pd.DataFrame | np.ndarray:
        """Return those of these columns that there are, as a data frame, in this order.

        None: all of them, as an array (n, columns).
        """
        import pandas as pd

        if names is None:
            return pd.DataFrame(self.columns).to_numpy()
        return pd.DataFrame({name: self.columns[name] for name in names if name in self.columns})


Inputs = Sequence[str] | Table  # what a model is asked: n texts, or n rows of a table
