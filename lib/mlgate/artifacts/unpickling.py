"""The bytes of a pipeline.pkl -> the fitted Pipeline in them, without running a line of foreign code.

Four fences, one behind the other: only the opcodes that picklers write; only the names in ALLOWED; only the calls
that numpy's and scikit-learn's own files make, their arguments checked; and at last a look at all that was loaded.
"""

import bz2
import importlib
import io
import lzma
import math
import pickle
import re
import sys
import zlib
from collections.abc import Callable, Iterable
from types import FunctionType

from mlgate.errors import MlgateError

import numpy as np
from joblib.numpy_pickle import NumpyArrayWrapper, NumpyUnpickler
from sklearn._loss._loss import CyHalfBinomialLoss
from sklearn.base import BaseEstimator
from sklearn.ensemble._forest import BaseForest
from sklearn.linear_model._sgd_fast import Hinge, ModifiedHuber, SquaredHinge
from sklearn.pipeline import Pipeline
from sklearn.tree import BaseDecisionTree
from sklearn.tree._tree import NODE_DTYPE, Tree


class Refused(MlgateError):
    """The bytes are no pipeline that may be loaded. The message is one line: what was refused, and what to do."""


# What a file may name, exactly as it is written in the file. A test fits them all, and holds the list to just these.
ALLOWED = frozenset({
    # arrays, as joblib and as pickle (protocols 2 to 5) write them: see STAND_INS
    "joblib.numpy_pickle.NumpyArrayWrapper", "numpy.ndarray", "numpy.dtype", "_codecs.encode",
    "numpy._core.multiarray._reconstruct", "numpy._core.multiarray.scalar", "numpy._core.numeric._frombuffer",
    # the `dtype` of a vectoriser
    "numpy.float32", "numpy.float64", "numpy.int64",
    # text to numbers
    "sklearn.feature_extraction.text.CountVectorizer", "sklearn.feature_extraction.text.HashingVectorizer",
    "sklearn.feature_extraction.text.TfidfTransformer", "sklearn.feature_extraction.text.TfidfVectorizer",
    # steps (not SelectKBest: its score function is a callable)
    "sklearn.pipeline.Pipeline", "sklearn.pipeline.FeatureUnion", "sklearn.decomposition._truncated_svd.TruncatedSVD",
    "sklearn.preprocessing._data.MaxAbsScaler", "sklearn.preprocessing._data.Normalizer",
    "sklearn.preprocessing._data.StandardScaler",
    # linear classifiers, and the losses that SGD keeps
    "sklearn.linear_model._logistic.LogisticRegression", "sklearn.linear_model._logistic.LogisticRegressionCV",
    "sklearn.linear_model._perceptron.Perceptron", "sklearn.linear_model._ridge.RidgeClassifier",
    "sklearn.linear_model._stochastic_gradient.SGDClassifier", "sklearn.svm._classes.LinearSVC",
    "sklearn.linear_model._sgd_fast.Hinge", "sklearn.linear_model._sgd_fast.ModifiedHuber",
    "sklearn.linear_model._sgd_fast.SquaredHinge", "sklearn._loss._loss.CyHalfBinomialLoss",
    "sklearn.preprocessing._label.LabelBinarizer",
    # naive Bayes
    "sklearn.naive_bayes.BernoulliNB", "sklearn.naive_bayes.ComplementNB", "sklearn.naive_bayes.GaussianNB",
    "sklearn.naive_bayes.MultinomialNB",
    # trees (not gradient boosting: it keeps a random generator and a dozen private types)
    "sklearn.tree._classes.DecisionTreeClassifier", "sklearn.tree._classes.ExtraTreeClassifier",
    "sklearn.tree._tree.Tree", "sklearn.ensemble._forest.ExtraTreesClassifier",
    "sklearn.ensemble._forest.RandomForestClassifier", "sklearn.ensemble._weight_boosting.AdaBoostClassifier",
    # around other classifiers (not nearest neighbours: they keep the training texts, as sparse matrices)
    "sklearn.calibration.CalibratedClassifierCV", "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration", "sklearn.dummy.DummyClassifier",
    "sklearn.ensemble._voting.VotingClassifier", "sklearn.preprocessing._label.LabelEncoder",
    "sklearn.utils._bunch.Bunch",
})  # fmt: skip

# What picklers write at protocols 2 to 5 for such models: no INST, OBJ, EXT or persistent id, and no set (to hash a
# nested tuple can take years).
# fmt: off
OPCODES = (
    "PROTO", "FRAME", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1",
    "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINBYTES", "SHORT_BINBYTES", "BYTEARRAY8", "EMPTY_LIST", "APPEND",
    "APPENDS", "EMPTY_DICT", "SETITEM", "SETITEMS", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "GLOBAL",
    "STACK_GLOBAL", "REDUCE", "NEWOBJ", "BUILD", "BINPUT", "LONG_BINPUT", "MEMOIZE", "BINGET", "LONG_BINGET",
)
# fmt: on

KEYS = (str, bytes, int, float, np.generic, type(None))  # as keys of a dictionary: quick to hash
LEAVES = (*KEYS, complex, np.dtype)  # nothing inside them to look at
WHOLE = (int, np.integer)
NAMED_NDARRAY = object()  # a file may say "numpy.ndarray", but it never gets hold of something to call


def loads(data: bytes, allow: Iterable[str] = (), limit: int = 100_000_000) -> Pipeline:
    """The Pipeline in a joblib file (plain or compressed) or in a pickle. Raises Refused, whatever the bytes are.

    `allow` adds exact names to ALLOWED: only classes derived from scikit-learn's BaseEstimator, never functions.
    `limit` bounds the decompressed bytes. Warnings, as that about another scikit-learn version, are let through.
    """
    try:
        unpickler = _Unpickler(io.BytesIO(_decompress(data, limit)), frozenset(allow))
        model = unpickler.load()
        _inspect(model, unpickler.names)
        return model
    except Refused:
        raise
    except Exception as error:
        reason = _plain(f"{type(error).__name__}: {error}")
        raise Refused(f"The file is damaged: it cannot be read ({reason}). Save the pipeline again.") from error


def _decompress(data: bytes, limit: int) -> bytes:
    openers: dict[bytes, Callable] = {
        b"x": zlib.decompressobj,
        b"\x1f\x8b": lambda: zlib.decompressobj(wbits=31),
        b"BZ": bz2.BZ2Decompressor,
        b"\xfd7zXZ": lambda: lzma.LZMADecompressor(memlimit=2**27),
        b"]\0": lambda: lzma.LZMADecompressor(memlimit=2**27),
    }
    if data[:4] == b"\x04\x22\x4d\x18":
        raise Refused("The file is compressed with lz4, which is not read here. Save it with compress=0.")
    opener = next((opener for magic, opener in openers.items() if data.startswith(magic)), None)
    if opener is not None:
        stream = opener()
        data = stream.decompress(data, limit + 1)
        if len(data) <= limit and not stream.eof:
            raise Refused("The file is damaged: its compressed data ends too early. Save the pipeline again.")
    if len(data) > limit:
        raise Refused(f"The file is too large: more than {limit:,} bytes once decompressed. Save a smaller model.")
    if data[:1] != pickle.PROTO:
        raise Refused("The file is not a joblib or pickle file of protocol 2 or later. Save it with joblib.dump.")
    return data


class _Unpickler(NumpyUnpickler):
    """joblib's own unpickler, with every way out of plain data closed but the known ones."""

    def __init__(self, file: io.BytesIO, allow: frozenset[str]):
        super().__init__("", file, ensure_native_byte_order=True)
        self.names = ALLOWED | allow

    def find_class(self, module: str, name: str):
        full = f"{module}.{name}"
        if full in STAND_INS:
            return STAND_INS[full]
        if full not in self.names:
            raise Refused(_why_not(module, name))
        found = getattr(importlib.import_module(module), name)
        estimator = isinstance(found, type) and issubclass(found, BaseEstimator) and _name(found) == full
        if full not in ALLOWED and not estimator:
            raise Refused(f'"{_plain(full)}" is not an estimator: take it out of allow under [artifacts] in gate.toml.')
        return found

    def load_reduce(self):
        call = self.stack[-2]
        if not isinstance(call, (FunctionType, type)) or call not in CALLABLE:
            raise Refused("The file tries to run code: it makes a call that no model needs. Do not load it.")
        super().load_reduce()

    def load_newobj(self):
        if self.stack[-1] != ():
            raise Refused("The file tries to run code: it makes an object with arguments. Do not load it.")
        super().load_newobj()

    def load_build(self):
        target, state = self.stack[-2:]
        if isinstance(target, np.dtype):
            self.stack[-1] = _dtype_state(target, state)
        elif type(target) is np.ndarray:
            _check_array(target, state)
        elif type(target) is Tree:
            _check_tree(target, state)
        elif not isinstance(target, _Array):
            if _name(type(target)) not in self.names:
                raise Refused(f"The file tries to change a {type(target).__name__} of this program. Do not load it.")
            if type(state) is not dict or not re.fullmatch(r"[\w.+-]*", state.get("_sklearn_version", "")):
                raise ValueError("bad version")  # scikit-learn prints it in a warning
        elif type(state) is not dict or not state.keys() <= ARRAY_STATE:
            raise ValueError("bad array")
        super().load_build()

    def load_setitem(self):
        _check_keys(self.stack[-2:-1])
        super().load_setitem()

    def load_setitems(self):
        _check_keys(self.stack[::2])
        super().load_setitems()

    def load_long1(self):
        super().load_long1()
        if self.stack[-1].bit_length() > 64:  # multiples of 2**61 - 1 all hash to 0: a dictionary of them takes hours
            raise ValueError("number too large")

    def load_bytearray8(self):
        size = int.from_bytes(self.read(8), "little")
        data = self.read(min(size, self.file_handle.getbuffer().nbytes))  # never allocate on the file's word
        if len(data) != size:
            raise EOFError
        self.append(bytearray(data))

    dispatch = {code: NumpyUnpickler.dispatch[code] for code in (getattr(pickle, name)[0] for name in OPCODES)}  # noqa: RUF012
    dispatch |= {
        pickle.REDUCE[0]: load_reduce, pickle.NEWOBJ[0]: load_newobj, pickle.BUILD[0]: load_build,
        pickle.SETITEM[0]: load_setitem, pickle.SETITEMS[0]: load_setitems, pickle.LONG1[0]: load_long1,
        pickle.BYTEARRAY8[0]: load_bytearray8,
    }  # fmt: skip


class _Array(NumpyArrayWrapper):
    """joblib's array: its bytes follow in the file, or, for an object array, a pickle of its own, under our rules."""

    def read(self, unpickler: _Unpickler, ensure_native_byte_order: bool) -> np.ndarray:
        if self.subclass is not NAMED_NDARRAY or not isinstance(self.dtype, np.dtype):
            raise ValueError("bad array")
        if self.dtype.hasobject:
            array = _Unpickler(unpickler.file_handle, unpickler.names).load()
            if type(array) is not np.ndarray:
                raise ValueError("bad array")
            return array
        left = unpickler.file_handle.getbuffer().nbytes - unpickler.file_handle.tell()
        if _count(self.shape) * max(self.dtype.itemsize, 1) > left:
            raise EOFError("an array is larger than the file")
        return self.read_array(unpickler, ensure_native_byte_order)


ARRAY_STATE = vars(NumpyArrayWrapper(None, None, None, None)).keys()


def _count(shape: tuple[int, ...]) -> int:
    if type(shape) is not tuple or len(shape) > 8 or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError("bad shape")
    return math.prod(shape)


def _check_keys(keys: list) -> None:
    if not all(issubclass(kind, KEYS) for kind in set(map(type, keys))):
        raise ValueError("bad key")


def _dtype_state(dtype: np.dtype, state: tuple) -> tuple:
    """What numpy itself would write, never what the file says: with other flags, bytes would be taken for pointers."""
    truth = NODE_DTYPE if dtype.kind == "V" else dtype.newbyteorder(state[1])
    wanted = truth.__reduce__()[2]
    if dtype.names or dtype.itemsize != truth.itemsize or state != wanted:
        raise ValueError("bad dtype")
    return wanted  # equal is not the same: a dtype equals its name


def _check_array(array: np.ndarray, state: tuple) -> None:
    _, shape, dtype, _, data = state
    if not isinstance(dtype, np.dtype) or array.shape != (0,):
        raise ValueError("bad array")
    kind, width = (list, 1) if dtype.hasobject else (bytes, max(dtype.itemsize, 1))
    if type(data) is not kind or len(data) != _count(shape) * width:
        raise ValueError("bad array")


def _check_tree(tree: Tree, state: dict) -> None:
    """Its compiled code follows these numbers without looking: children come after their parents, features exist."""
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


# What the file gets for numpy's names: the same results for the arguments that numpy writes, an error for any others.
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


def _frombuffer(data: bytes | bytearray, dtype: np.dtype, shape: tuple, order: str) -> np.ndarray:
    if type(data) not in (bytes, bytearray) or not isinstance(dtype, np.dtype) or _count(shape) > len(data):
        raise ValueError("bad array")
    return np.frombuffer(data, dtype).reshape(shape, order=order)


def _encode(text: str, encoding: str) -> bytes:
    if type(text) is not str or encoding != "latin1":
        raise ValueError("bad bytes")
    return text.encode("latin1")


def _tree(n_features: int, n_classes: np.ndarray, n_outputs: int) -> Tree:
    if type(n_classes) is not np.ndarray or n_classes.shape != (n_outputs,):
        raise ValueError("bad tree")
    return Tree(n_features, n_classes, n_outputs)


STAND_INS = {
    "joblib.numpy_pickle.NumpyArrayWrapper": _Array,
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


def _inspect(model: object, names: frozenset[str]) -> None:
    """Walk through all that was loaded, and refuse what would call something, or open a file, once it is used."""
    if type(model) is not Pipeline:
        raise Refused(
            f"The file holds a {type(model).__name__}, not a Pipeline: "
            "save the whole Pipeline, vectoriser and model together."
        )
    seen, todo = set(), [("steps", model)]
    while todo:
        where, thing = todo.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if type(thing) in (list, tuple):
            inside = thing
        elif type(thing) is dict:
            inside = thing.values()
        elif type(thing) is np.ndarray:
            inside = thing.ravel().tolist() if thing.dtype.hasobject else ()
        elif callable(thing):
            raise Refused(f"{where} is a function or a class: use the settings that are words or numbers instead.")
        elif _name(type(thing)) in names:
            attributes = getattr(thing, "__dict__", {})
            _check_attributes(thing, attributes)
            todo += [(f"{type(thing).__name__}.{name}", value) for name, value in attributes.items()
                     if not isinstance(value, LEAVES) and not _is_dtype(name, value)]  # fmt: skip
            inside = thing.values() if isinstance(thing, dict) else ()
        else:
            raise ValueError(f"a {type(thing).__name__} where none belongs")
        if not all(issubclass(kind, LEAVES) for kind in set(map(type, inside))):
            todo += [(where, item) for item in inside if not isinstance(item, LEAVES)]


def _check_attributes(thing: object, attributes: dict) -> None:
    kind, source = type(thing), attributes.get("input", "content")
    for name in attributes:
        if callable(getattr(kind, name, None)):
            raise Refused(f"{kind.__name__}.{_plain(name)} is a method, and the file hides it: do not load it.")
    if not isinstance(source, str) or source != "content":
        raise Refused(f'{kind.__name__}.input is not "content": it would open paths that clients send. Set it back.')
    if attributes.get("memory") is not None:
        raise Refused(f"{kind.__name__}.memory is set: it would write into a cache folder. Set it to None.")
    _check_columns(thing, attributes)


def _check_columns(thing: object, attributes: dict) -> None:
    """Compiled code reads, and writes, in the columns that a file names, wherever they are: they must exist."""
    vocabulary, hashed = attributes.get("vocabulary_", {}), attributes.get("n_features", 1)
    if type(vocabulary) is not dict or not all(issubclass(kind, WHOLE) for kind in set(map(type, vocabulary.values()))):
        raise ValueError("bad vocabulary")
    if vocabulary and not 0 <= min(vocabulary.values()) <= max(vocabulary.values()) < len(vocabulary):
        raise ValueError("bad vocabulary")
    if not isinstance(hashed, WHOLE) or hashed < 1:
        raise ValueError("bad number of features")
    members = attributes.get("estimators_", ()) if isinstance(thing, BaseForest) else ()
    for tree in (
        *members,
        *([thing] if isinstance(thing, BaseDecisionTree) else ()),
    ):  # a forest does not ask its trees
        if not isinstance(tree, BaseDecisionTree):
            raise ValueError("bad forest")
        inside = vars(tree).get("tree_")  # None in a template that was never fitted
        width = inside.n_features if type(inside) is Tree and inside.node_count else None
        if inside is not None and (width is None or width != attributes.get("n_features_in_")):
            raise ValueError("bad tree")


def _is_dtype(name: str, value: object) -> bool:
    return name == "dtype" and isinstance(value, type) and issubclass(value, np.generic)


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _plain(text: str) -> str:
    """What a stranger wrote, fit for one line of a terminal."""
    return re.sub(r"[^ -~]+", " ", text)[:200]


def _why_not(module: str, name: str) -> str:
    full, root = _plain(f"{module}.{name}"), module.split(".")[0]
    if root not in ("sklearn", "scipy", "numpy", "joblib"):
        why = f'The file tries to run foreign code ("{full}") and must not be loaded: find out who made it.'
        return f"{why} A pipeline.pkl holds scikit-learn objects only."
    home = sys.modules.get(module)  # never import what a stranger names: what is not imported yet may well be one
    found = vars(home).get(name) if home else BaseEstimator if name.isidentifier() and name[:1].isupper() else None
    if root != "sklearn" or not isinstance(found, type) or not issubclass(found, BaseEstimator):
        return f'The file needs "{full}", which is no estimator and cannot be allowed: train another kind of model.'
    why = "The file holds a type that is not on the list. If you know who made the file,"
    return f'{why} add "{full}" to allow under [artifacts] in gate.toml'
