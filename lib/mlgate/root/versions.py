"""The versions that decide a model's bytes."""

import platform


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide a model's bytes, those that are installed."""
    from importlib.metadata import PackageNotFoundError, version  # slow to import

    found = {"python": platform.python_version()}
    for name in ("scikit-learn", "numpy", "scipy", "joblib"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a file of answers is judged without scikit-learn
            continue
    return found
