"""What notebooks 05 and 06 show: a service under load, and a control room in which bad models bounce."""

from mlgate import pinned  # noqa: F401  (before numpy)
