"""Say why a pipeline.pkl is refused, in a line that a stranger's words cannot break."""

import re
import sys
from collections.abc import Sequence

from mlgate.errors import MlgateError


class Refused(MlgateError):
    """The bytes are no pipeline that may be loaded. The message is one line: what was refused, and what to do."""


def plain(text: str) -> str:
    """Return what a stranger wrote, fit for one line of a terminal."""
    return re.sub(r"[^ -~]+", " ", text)[:200]


def type_name(kind: type) -> str:
    """Return a type's full name, as a pickle writes it."""
    return f"{kind.__module__}.{kind.__qualname__}"


class NotAllowed(Refused):
    """A name in the file is not on the list. There may be more: `unpickling` goes through the rest."""


INSTEAD = "judge its answers instead: mlgate judge --answers"
MOST_NAMED = 5


def why_not_allowed(names: Sequence[tuple[str, str]]) -> str:
    """Return why these names in a file (module, name) are refused, whether `allow` would help, and what else would."""
    foreign = [name for name in names if name[0].split(".")[0] not in ("sklearn", "scipy", "numpy", "joblib")]
    if foreign:
        why = f"The file tries to run foreign code ({_listed(foreign)}) and must not be loaded: find out who made it."
        return f"{why} A pipeline.pkl holds scikit-learn objects only. If it is your own, {INSTEAD}"
    hopeless = [name for name in names if name[0].split(".")[0] != "sklearn" or not _may_be_estimator(*name)]
    if hopeless:
        what = "is no estimator" if len(hopeless) == 1 else "are no estimators"
        why = f"The file needs {_listed(hopeless)}, which {what} and cannot be allowed: train another kind of model,"
        return f"{why} or {INSTEAD}"
    what = "a type that is" if len(names) == 1 else "types that are"
    why = f"The file holds {what} not on the list. If you know who made the file,"
    return f"{why} add {_listed(names)} to allow under [artifacts] in gate.toml; or {INSTEAD}"


def _listed(names: Sequence[tuple[str, str]]) -> str:
    shown = ", ".join(f'"{plain(".".join(name)):.120}"' for name in names[:MOST_NAMED])
    return f"{shown} and {len(names) - MOST_NAMED} more" if names[MOST_NAMED:] else shown


def of_another_version(version: str) -> str:
    """Return a sentence on the scikit-learn that saved a file, where it is another one than is installed; else ""."""
    import sklearn  # here and below: commands that open no model are quick without it

    if not version or version == sklearn.__version__:
        return ""
    return f" It was saved by scikit-learn {plain(version)}, and {sklearn.__version__} is installed here."


def _may_be_estimator(module: str, name: str) -> bool:
    """Return whether it is an estimator, by its looks where its module is not imported yet: that would run it."""
    if module not in sys.modules:
        return name.isidentifier() and name[:1].isupper()
    from sklearn.base import BaseEstimator

    found = vars(sys.modules[module]).get(name)
    return isinstance(found, type) and issubclass(found, BaseEstimator)
