"""The gate on trial: incidents, harmless candidates, equal models, simulations. Notebooks 07, 08; `mlgate selftest`."""

from mlgate import pinned  # noqa: F401  (before numpy)
