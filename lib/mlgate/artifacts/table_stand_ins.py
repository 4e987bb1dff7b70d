"""The same for models of tables: slices, nearest neighbours, losses, and random generators, which no answer needs.

A search tree is never taken from a file: compiled code believes its numbers. It is built again from its points.
"""

from functools import partial
from types import FunctionType
from typing import Any

import numpy as np
from sklearn._loss._loss import (
    CyAbsoluteError,
    CyExponentialLoss,
    CyHalfMultinomialLoss,
    CyHalfPoissonLoss,
    CyHalfSquaredError,
    CyHuberLoss,
    CyPinballLoss,
)
from sklearn.feature_selection import chi2, f_classif, f_regression, mutual_info_classif, mutual_info_regression
from sklearn.metrics import DistanceMetric
from sklearn.neighbors import BallTree, KDTree
from sklearn.utils.validation import check_array

Euclidean = type(DistanceMetric.get_metric("euclidean"))
ELEMENTWISE = (  # what a FunctionTransformer may do to each number
    "absolute", "arctan", "cbrt", "ceil", "cos", "exp", "expm1", "fabs", "floor", "isfinite", "isnan", "log", "log10",
    "log1p", "log2", "negative", "reciprocal", "rint", "sign", "sin", "sqrt", "square", "tanh",
)  # fmt: skip
SCORES = (chi2, f_classif, f_regression, mutual_info_classif, mutual_info_regression)  # called in training alone
PASSED_ON = {"dtype", "ensure_all_finite", "force_all_finite"}


class Unused:
    """Stands where training kept something that no answer needs, whatever the file says of it."""

    def __setstate__(self, state: object) -> None: ...


def is_known_function(thing: object) -> bool:
    """Return whether it is a function that a model of a table may hold."""
    if isinstance(thing, partial):
        return thing.func is check_array
    return thing in SCORES or (isinstance(thing, np.ufunc) and thing.__name__ in ELEMENTWISE)


# What a file may do to an object that was made.


def checked_partial_state(made: partial, state: tuple) -> tuple:
    """Return the state of scikit-learn's own check of an array. Raises ValueError at any other."""
    function, arguments, named, attributes = state
    if function is not check_array or arguments != () or not named.keys() <= PASSED_ON or attributes:
        raise ValueError("bad function")
    return state


def rebuilt_search_state(tree: KDTree | BallTree, state: tuple) -> tuple:
    """Return the state of a tree that is built anew, from the points in the file."""
    points = state[0]
    leaf_size = state[4]
    if type(points) is not np.ndarray or points.dtype != np.float64 or type(leaf_size) is not int or state[-1]:
        raise ValueError("bad neighbours")
    if type(state[11]) is not Euclidean:
        raise ValueError("neighbours by another distance")
    kind: Any = type(tree)
    return kind(points, leaf_size).__getstate__()


def euclidean_state(distance: object, state: object) -> tuple:
    """Return the state that a Euclidean distance always has."""
    return DistanceMetric.get_metric("euclidean").__getstate__()


# What a file may call.


def _slice(*bounds: int | None) -> slice:
    if len(bounds) != 3 or not all(bound is None or type(bound) is int for bound in bounds):
        raise ValueError("bad slice")
    return slice(*bounds)


def _no_bytes() -> bytes:
    return b""


def _unused(*arguments: object) -> Unused:
    return Unused()


def _partial(function: Any) -> partial:
    if function is not check_array:
        raise ValueError("bad function")
    return partial(check_array)


def _made(kind: Any) -> Any:
    """Return a sound object: one without content would be followed out of its arrays if no BUILD came."""
    if kind is KDTree or kind is BallTree:
        return kind([[0.0]])
    if kind is Euclidean:
        return DistanceMetric.get_metric("euclidean")
    raise ValueError("bad neighbours")


def _multinomial(kind: object, checksum: int, state: tuple) -> CyHalfMultinomialLoss:
    return CyHalfMultinomialLoss()


STAND_INS: dict[str, Any] = {
    "builtins.slice": _slice,
    "__builtin__.slice": _slice,
    "__builtin__.bytes": _no_bytes,
    "functools.partial": _partial,
    # kinds of columns, which were chosen in training: pandas has words for them
    "builtins.object": "object",
    "__builtin__.object": "object",
    "numpy.number": "number",
    "sklearn.neighbors._kd_tree.newObj": _made,
    "sklearn.neighbors._ball_tree.newObj": _made,
    "sklearn.metrics._dist_metrics.newObj": _made,
    "sklearn._loss._loss.__pyx_unpickle_CyHalfMultinomialLoss": _multinomial,
    "numpy.random._mt19937.MT19937": "MT19937",
    "numpy.random._pcg64.PCG64": "PCG64",
    "numpy.random.bit_generator.SeedSequence": "SeedSequence",
    "numpy.random.bit_generator.__pyx_unpickle_SeedSequence": _unused,
    "numpy.random._pickle.__bit_generator_ctor": _unused,
    "numpy.random._pickle.__generator_ctor": _unused,
    "numpy.random._pickle.__randomstate_ctor": _unused,
}
LOSSES = {CyAbsoluteError, CyExponentialLoss, CyHalfPoissonLoss, CyHalfSquaredError, CyHuberLoss, CyPinballLoss}
CALLABLE = {kind for kind in STAND_INS.values() if isinstance(kind, FunctionType)} | LOSSES
