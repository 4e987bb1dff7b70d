"""Give a file what it gets for names of numpy, joblib and scikit-learn's trees: their results for what they write.

For any other arguments or state: an error.
"""

import math
import re
from typing import Any, Literal

import numpy as np
from joblib.numpy_pickle import NumpyArrayWrapper, NumpyUnpickler
from sklearn._loss._loss import CyHalfBinomialLoss
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
from sklearn.linear_model._sgd_fast import Hinge, ModifiedHuber, SquaredHinge
from sklearn.neighbors import KDTree
from sklearn.tree._tree import NODE_DTYPE, Tree

NAMED_NDARRAY = object()  # a file may say "numpy.ndarray", but it never gets hold of something to call
RECORDS = (NODE_DTYPE, PREDICTOR_RECORD_DTYPE, KDTree([[0.0]]).get_arrays()[2].dtype)  # nodes of three kinds of trees
ARRAY_STATE = vars(NumpyArrayWrapper(None, None, None, None)).keys()
MAX_DIMENSIONS = 8
MAX_FEATURES = 2**24  # a tree asks for twelve bytes for each


class Array(NumpyArrayWrapper):
    """joblib's array: its bytes follow in the file, or, for an object array, a pickle of its own, under our rules."""

    def read(self, unpickler: NumpyUnpickler, ensure_native_byte_order: bool) -> np.ndarray:
        """Read the array's bytes from the file; never more than it has."""
        if self.subclass is not NAMED_NDARRAY or not isinstance(self.dtype, np.dtype):
            raise ValueError("bad array")
        if self.dtype.hasobject:
            array = unpickler.nested().load()
            if type(array) is not np.ndarray:
                raise ValueError("bad array")
            return array
        left = unpickler.file_handle.getbuffer().nbytes - unpickler.file_handle.tell()
        if count_cells(self.shape) * max(self.dtype.itemsize, 1) > left:
            raise EOFError("an array is larger than the file")
        return self.read_array(unpickler, ensure_native_byte_order)


def count_cells(shape: tuple[int, ...]) -> int:
    """Return how many cells an array of this shape has."""
    if type(shape) is not tuple or len(shape) > MAX_DIMENSIONS or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError("bad shape")
    return math.prod(shape)


# What a file may do to an object that was made.


def checked_dtype_state(dtype: np.dtype, state: tuple) -> Any:
    """Return what numpy itself would write, never what the file says: with other flags, bytes would become pointers."""
    known = [dtype.newbyteorder(state[1])]
    if dtype.kind == "V":
        known = [record for record in RECORDS if record.itemsize == dtype.itemsize]
    wanted = next((truth.__reduce__()[2] for truth in known if truth.__reduce__()[2] == state), None)
    if dtype.names or wanted is None:
        raise ValueError("bad dtype")
    return wanted  # equal is not the same: a dtype equals its name


def checked_array_state(array: np.ndarray, state: tuple) -> tuple:
    """Return the state of an empty array. Raises ValueError unless it has as many bytes, or objects, as it needs."""
    _, shape, dtype, _, data = state
    if not isinstance(dtype, np.dtype) or array.shape != (0,):
        raise ValueError("bad array")
    kind, width = (list, 1) if dtype.hasobject else (bytes, max(dtype.itemsize, 1))
    if type(data) is not kind or len(data) != count_cells(shape) * width:
        raise ValueError("bad array")
    return state


def checked_wrapper_state(array: Array, state: dict[str, Any]) -> dict[str, Any]:
    """Return the state. Raises ValueError unless it is that of joblib's array."""
    if type(state) is not dict or not state.keys() <= ARRAY_STATE:
        raise ValueError("bad array")
    return state


def checked_tree_state(tree: Tree, state: dict[str, Any]) -> dict[str, Any]:
    """Return the state. Raises ValueError unless children come after their parents and features exist.

    Compiled code looks at neither.
    """
    nodes = state["nodes"]
    if tree.node_count or type(nodes) is not np.ndarray or nodes.dtype != NODE_DTYPE or not nodes.size:
        raise ValueError("bad tree")
    if type(state["node_count"]) is not int or nodes.shape != (state["node_count"],):
        raise ValueError("bad tree")
    number = np.arange(len(nodes))
    inner = nodes["left_child"] != -1
    for child in ("left_child", "right_child"):
        if not ((nodes[child] > number) & (nodes[child] < len(number)))[inner].all():
            raise ValueError("bad tree")
    if not ((nodes["feature"] >= 0) & (nodes["feature"] < tree.n_features))[inner].all():
        raise ValueError("bad tree")
    return state


# What a file may call.


def _dtype(text: str, align: bool, copy: bool) -> np.dtype:
    if not re.fullmatch(r"[biufcOSUV]\d{1,9}", text):
        raise ValueError("bad dtype")
    return np.dtype(text, copy=True)


def _scalar(dtype: np.dtype, data: bytes) -> np.generic:
    if not isinstance(dtype, np.dtype) or type(data) is not bytes:
        raise ValueError("bad number")
    return np.frombuffer(data, dtype, 1)[0]


def _reconstruct(kind: object, shape: tuple, code: bytes) -> np.ndarray:
    if kind is not NAMED_NDARRAY or shape != (0,):
        raise ValueError("bad array")
    return np.ndarray((0,), "b")  # a BUILD with the shape and the data follows


def _frombuffer(data: bytes | bytearray, dtype: np.dtype, shape: tuple, order: Literal["C", "F"]) -> np.ndarray:
    if type(data) not in (bytes, bytearray) or not isinstance(dtype, np.dtype) or count_cells(shape) > len(data):
        raise ValueError("bad array")
    return np.frombuffer(data, dtype).reshape(shape, order=order)


def _encode(text: str, encoding: str) -> bytes:
    if type(text) is not str or encoding != "latin1":
        raise ValueError("bad bytes")
    return text.encode("latin1")


def _tree(n_features: int, n_classes: np.ndarray, n_outputs: int) -> Tree:
    if type(n_classes) is not np.ndarray or n_classes.shape != (n_outputs,) or not 0 < n_features <= MAX_FEATURES:
        raise ValueError("bad tree")
    return Tree(n_features, n_classes, n_outputs)


STAND_INS = {
    "joblib.numpy_pickle.NumpyArrayWrapper": Array,
    "numpy.ndarray": NAMED_NDARRAY,
    "numpy.dtype": _dtype,
    "numpy._core.multiarray.scalar": _scalar,
    "numpy._core.multiarray._reconstruct": _reconstruct,
    "numpy._core.numeric._frombuffer": _frombuffer,
    "_codecs.encode": _encode,
    "sklearn.tree._tree.Tree": _tree,
}
LOSSES = {Hinge, ModifiedHuber, SquaredHinge, CyHalfBinomialLoss}
CALLABLE = {_dtype, _scalar, _reconstruct, _frombuffer, _encode, _tree} | LOSSES
