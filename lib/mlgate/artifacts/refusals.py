"""Say why a pipeline.pkl is refused, in a line that a stranger's words cannot break."""

import re
import sys

from mlgate.errors import MlgateError

from sklearn.base import BaseEstimator


class Refused(MlgateError):
    """The bytes are no pipeline that may be loaded. The message is one line: what was refused, and what to do."""


def plain(text: str) -> str:
    """Return what a stranger wrote, fit for one line of a terminal."""
    return re.sub(r"[^ -~]+", " ", text)[:200]


def type_name(kind: type) -> str:
    """Return a type's full name, as a pickle writes it."""
    return f"{kind.__module__}.{kind.__qualname__}"


def why_not_allowed(module: str, name: str) -> str:
    """Return why a name in a file is refused, and whether `allow` would help."""
    full = plain(f"{module}.{name}")
    package = module.split(".")[0]
    if package not in ("sklearn", "scipy", "numpy", "joblib"):
        why = f'The file tries to run foreign code ("{full}") and must not be loaded: find out who made it.'
        return f"{why} A pipeline.pkl holds scikit-learn objects only."
    if package != "sklearn" or not _may_be_estimator(module, name):
        return f'The file needs "{full}", which is no estimator and cannot be allowed: train another kind of model.'
    why = "The file holds a type that is not on the list. If you know who made the file,"
    return f'{why} add "{full}" to allow under [artifacts] in gate.toml'


def _may_be_estimator(module: str, name: str) -> bool:
    """Return whether it is an estimator, by its looks where its module is not imported yet: that would run it."""
    if module not in sys.modules:
        return name.isidentifier() and name[:1].isupper()
    found = vars(sys.modules[module]).get(name)
    return isinstance(found, type) and issubclass(found, BaseEstimator)
