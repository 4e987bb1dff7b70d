"""The versions that decide a model's bytes."""

import platform
from importlib.metadata import version


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide a model's bytes."""
    found = {"python": platform.python_version()}
    for name in ("scikit-learn", "numpy", "scipy", "joblib"):
        found[name] = version(name)
    return found
