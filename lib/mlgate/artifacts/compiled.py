"""Refuse numbers in a model that compiled code would believe: nodes, columns and classes must exist."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.ensemble._forest import BaseForest
from sklearn.ensemble._gb import BaseGradientBoosting
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
from sklearn.ensemble._hist_gradient_boosting.gradient_boosting import BaseHistGradientBoosting
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.neighbors._base import NeighborsBase
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm._base import BaseLibSVM
from sklearn.tree import BaseDecisionTree
from sklearn.tree._tree import Tree

Attributes = dict[str, Any]

WORDS_OF_A_SET = 8  # a set of categories: 256 bits
KERNELS = ("linear", "poly", "rbf", "sigmoid")
DISTANCES = ("minkowski", "euclidean", "l2")


def check_compiled(thing: object, attributes: Attributes) -> None:
    """Raise ValueError where the numbers of a fitted model do not fit together."""
    for kind, check in CHECKS.items():
        if isinstance(thing, kind):
            check(thing, attributes)


def _check_forest(forest: BaseForest, attributes: Attributes) -> None:
    for member in attributes.get("estimators_", ()):  # it does not ask its trees whether they fit
        _check_tree(member, attributes)


def _check_tree(member: object, attributes: Attributes) -> None:
    """Require that a tree is as wide as what it stands in says: None in a template that was never fitted."""
    if not isinstance(member, BaseDecisionTree):
        raise ValueError("bad forest")
    tree = vars(member).get("tree_")
    if tree is None:
        return
    fitted = type(tree) is Tree and tree.node_count > 0
    if not fitted or tree.n_features != attributes.get("n_features_in_"):
        raise ValueError("bad tree")


def _check_boosting(model: BaseGradientBoosting, attributes: Attributes) -> None:
    """Require as many trees a stage as there are columns in what they are added to."""
    if "estimators_" not in attributes:
        return
    trees = attributes["estimators_"]
    if type(trees) is not np.ndarray or trees.ndim != 2 or not trees.size:
        raise ValueError("bad boosting")
    for member in trees.ravel().tolist():
        _check_tree(member, attributes)
        if "tree_" not in vars(member):
            raise ValueError("bad boosting")
    first = attributes["init_"]
    columns = attributes["n_trees_per_iteration_"]
    if not isinstance(first, str):
        columns = len(vars(first).get("class_prior_", "1"))
    if trees.shape[1] not in (1, columns):
        raise ValueError("bad boosting")


def _check_histogram_boosting(model: BaseHistGradientBoosting, attributes: Attributes) -> None:
    if "_predictors" not in attributes:
        return
    categorical = attributes["_bin_mapper"].is_categorical_
    if type(categorical) is not np.ndarray or categorical.shape != (attributes["_n_features"],):
        raise ValueError("bad boosting")
    for stage in attributes["_predictors"]:
        for tree in stage:
            if type(tree) is not TreePredictor:
                raise ValueError("bad boosting")
            _check_nodes(tree.nodes, tree.raw_left_cat_bitsets, categorical)


def _check_nodes(nodes: np.ndarray, sets: np.ndarray, categorical: np.ndarray) -> None:
    """Require that children come after their parents, and that features and sets of categories exist."""
    if type(nodes) is not np.ndarray or nodes.dtype != PREDICTOR_RECORD_DTYPE or nodes.ndim != 1 or not nodes.size:
        raise ValueError("bad tree")
    number = np.arange(len(nodes))
    inner = nodes["is_leaf"] == 0
    for child in ("left", "right"):
        if not ((nodes[child] > number) & (nodes[child] < len(number)))[inner].all():
            raise ValueError("bad tree")
    features = nodes["feature_idx"][inner]
    if not ((features >= 0) & (features < len(categorical))).all():
        raise ValueError("bad tree")
    by_category = inner & (nodes["is_categorical"] != 0)
    if by_category.any():
        fitting = type(sets) is np.ndarray and sets.ndim == 2 and sets.shape[1] == WORDS_OF_A_SET
        if not fitting or (nodes["bitset_idx"][by_category] >= len(sets)).any():
            raise ValueError("bad tree")
        if not (categorical[nodes["feature_idx"][by_category]] != 0).all():
            raise ValueError("bad tree")


def _check_support_vectors(model: BaseLibSVM, attributes: Attributes) -> None:
    """Require as many coefficients as there are support vectors and classes."""
    if "_n_support" not in attributes:
        return
    if "_impl" in attributes or attributes["kernel"] not in KERNELS or attributes["_sparse"] is not False:
        raise ValueError("bad support vectors")
    counts = attributes["_n_support"]
    vectors = len(attributes["support_vectors_"])
    groups = 2  # regression counts its vectors as if it had two classes
    if "classes_" in attributes:
        groups = len(attributes["classes_"])
        if (counts < 0).any() or counts.sum() != vectors:
            raise ValueError("bad support vectors")
    pairs = groups * (groups - 1) // 2
    chances = attributes["_probA"].shape
    wanted = {
        "_n_support": (groups,),
        "support_": (vectors,),
        "support_vectors_": (vectors, attributes["n_features_in_"]),
        "_dual_coef_": (groups - 1, vectors),
        "_intercept_": (pairs,),
        "_probB": chances,
    }
    if any(attributes[name].shape != shape for name, shape in wanted.items()) or chances not in ((0,), (pairs,)):
        raise ValueError("bad support vectors")


def _check_one_hot(encoder: OneHotEncoder, attributes: Attributes) -> None:
    """Require that each category has a column among those that there are."""
    if "categories_" not in attributes:
        return
    counts = [len(names) for names in attributes["categories_"]]
    if attributes.get("_infrequent_enabled"):
        groups = attributes["_default_to_infrequent_mappings"]
        rare = attributes["_infrequent_indices"]
        if any((group is None) != (places is None) for group, places in zip(groups, rare, strict=True)):
            raise ValueError("bad categories")
        counts = [_grouped(count, places) for count, places in zip(counts, groups, strict=True)]
    dropped = attributes.get("_drop_idx_after_grouping")
    places = [None] * len(counts) if dropped is None else dropped.tolist()
    for number, place in enumerate(places):
        if place is not None:
            if type(place) is not int or not 0 <= place < counts[number]:
                raise ValueError("bad categories")
            counts[number] -= 1
    if list(attributes["_n_features_outs"]) != counts:
        raise ValueError("bad categories")


def _grouped(count: int, places: np.ndarray | None) -> int:
    """Return how many categories are left once the rare ones are one."""
    if places is None:
        return count
    if type(places) is not np.ndarray or places.shape != (count,) or places.min() < 0 or places.max() >= count:
        raise ValueError("bad categories")
    return int(places.max()) + 1


def _check_neighbours(model: NeighborsBase, attributes: Attributes) -> None:
    """Require that each point has a class that exists."""
    if "_fit_X" not in attributes:
        return
    points = attributes["_fit_X"]
    if attributes["effective_metric_"] not in DISTANCES or type(points) is not np.ndarray or points.ndim != 2:
        raise ValueError("bad neighbours")
    if "classes_" in attributes:
        answers = attributes["_y"]
        if answers.shape != (len(points),) or answers.dtype.kind != "i":
            raise ValueError("bad neighbours")
        if not 0 <= answers.min() <= answers.max() < len(attributes["classes_"]):
            raise ValueError("bad neighbours")


CHECKS: dict[type, Callable[[Any, Attributes], None]] = {
    BaseForest: _check_forest,
    BaseDecisionTree: _check_tree,
    BaseGradientBoosting: _check_boosting,
    BaseHistGradientBoosting: _check_histogram_boosting,
    BaseLibSVM: _check_support_vectors,
    OneHotEncoder: _check_one_hot,
    NeighborsBase: _check_neighbours,
}
