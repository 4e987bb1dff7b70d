"""The bytes of a pipeline.pkl -> the fitted Pipeline in them, without running a line of foreign code.

Four fences, one behind the other: only the opcodes that picklers write; only the names in ALLOWED; only the calls
that numpy's and scikit-learn's own files make, their arguments checked; and at last a look at all that was loaded.
"""

import bz2
import contextlib
import importlib.util
import io
import lzma
import pickle
import re
import sysconfig
import zlib
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from types import FunctionType

from mlgate.artifacts import stand_ins, table_stand_ins
from mlgate.artifacts.allowed_types import ALLOWED
from mlgate.artifacts.inspection import inspect
from mlgate.artifacts.limits import STANDARD
from mlgate.artifacts.opcodes import OPCODES, Counted, read_run
from mlgate.artifacts.refusals import NotAllowed, Refused, of_another_version, plain, type_name, why_not_allowed
from mlgate.artifacts.stand_ins import Array

import numpy as np
from joblib.numpy_pickle import NumpyUnpickler
from sklearn.base import BaseEstimator
from sklearn.neighbors import BallTree, KDTree
from sklearn.pipeline import Pipeline
from sklearn.tree._tree import Tree

# As keys of a dictionary: quick to hash, and each has a hash of its own (numpy's infinite complex numbers do not).
KEYS = (str, bytes, int, float, np.int64, np.bool_, type(None))
STAND_INS = stand_ins.STAND_INS | table_stand_ins.STAND_INS
CALLABLE = stand_ins.CALLABLE | table_stand_ins.CALLABLE
# The state that a file may give to what is no estimator: checked, and often another one.
STATES: dict[type, Callable] = {
    np.dtype: stand_ins.checked_dtype_state,
    np.ndarray: stand_ins.checked_array_state,
    Tree: stand_ins.checked_tree_state,
    Array: stand_ins.checked_wrapper_state,
    KDTree: table_stand_ins.rebuilt_search_state,
    BallTree: table_stand_ins.rebuilt_search_state,
    table_stand_ins.Euclidean: table_stand_ins.euclidean_state,
    table_stand_ins.Unused: lambda unused, state: None,
    partial: table_stand_ins.checked_partial_state,
}
BYTES_AN_OPCODE = 5  # on average at least: a word of a vocabulary takes three opcodes and about 16 bytes
FEW_OPCODES = 100_000  # in any file, however small
DICTIONARY = 2**27  # bytes that a decompressor may take: joblib's files need half of it, the fence has room for more
INFLATE = partial(zlib.decompressobj, wbits=47)  # zlib or gzip, whichever it is, with the largest window


def loads(
    data: bytes, allow: Iterable[str] = (), limit: int = STANDARD.bytes, most_objects: int | None = None
) -> Pipeline:
    """Return the Pipeline in a joblib file (plain or compressed) or a pickle. Raises Refused, whatever the bytes are.

    `allow` adds exact names to ALLOWED: only classes derived from scikit-learn's BaseEstimator, never functions.
    `limit` bounds the decompressed bytes, `most_objects` what they make (by default, as much as so many bytes need).
    Warnings, as that about another scikit-learn version, are let through.
    """
    try:
        plain_data = _decompress(data, limit)
        most = most_objects or FEW_OPCODES + limit // BYTES_AN_OPCODE
        opcodes = _Unpickler.in_runs
        if len(plain_data) > most:  # no opcode is shorter than a byte
            opcodes = Counted(_Unpickler.dispatch, most)
        unpickler = _Unpickler(io.BytesIO(plain_data), ALLOWED | frozenset(allow), opcodes)
        model = _load(unpickler, plain_data, most)
        inspect(model, unpickler.names)
        return model
    except (Refused, MemoryError):
        raise
    except Exception as error:
        reason = plain(f"{type(error).__name__}: {error}")
        raise Refused(f"The file is damaged: it cannot be read ({reason}). Save the pipeline again.") from error


def _load(unpickler: "_Unpickler", data: bytes, most: int) -> Pipeline:
    """Return what is in the file. Raises Refused naming all in it that is not allowed, and which version saved it."""
    try:
        return unpickler.load()
    except NotAllowed as error:
        survey = _Survey(io.BytesIO(data), unpickler.names, Counted(_Survey.dispatch, most))
        survey.run()
        said = why_not_allowed(survey.unknown) if survey.unknown else str(error)
        raise Refused(said + of_another_version(survey.version)) from error
    except (Refused, MemoryError):
        raise
    except Exception as error:
        other = of_another_version(unpickler.version)
        if not other:
            raise
        reason = plain(f"{type(error).__name__}: {error}")
        raise Refused(f"The file cannot be read ({reason}).{other} Save it again with that one.") from error


def _decompress(data: bytes, limit: int) -> bytes:
    openers: dict[bytes, Callable] = {
        b"x": INFLATE,
        b"\x1f\x8b": INFLATE,
        b"BZ": bz2.BZ2Decompressor,
        b"\xfd7zXZ": partial(lzma.LZMADecompressor, memlimit=DICTIONARY),
        b"]\0": partial(lzma.LZMADecompressor, memlimit=DICTIONARY),
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

    def __init__(self, file: io.BytesIO, names: frozenset[str], opcodes: dict[int, Callable]):
        super().__init__("", file, ensure_native_byte_order=True)
        self.names = names
        self.dispatch = opcodes
        self.version = ""  # of the scikit-learn that saved it

    def nested(self) -> "_Unpickler":
        """Return an unpickler for the pickle that follows in the same file, under the same rules."""
        return _Unpickler(self.file_handle, self.names, self.dispatch)

    def find_class(self, module: str, name: str):
        full = f"{module}.{name}"
        if full in STAND_INS:
            return STAND_INS[full]
        if full not in self.names:
            raise NotAllowed(why_not_allowed([(module, name)]))
        if full not in ALLOWED:
            _require_installed(full)
        found = getattr(importlib.import_module(module), name)
        estimator = isinstance(found, type) and issubclass(found, BaseEstimator) and type_name(found) == full
        if full not in ALLOWED and not estimator:
            raise Refused(f'"{plain(full)}" is not an estimator: take it out of allow under [artifacts] in gate.toml.')
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
        checked = next((check for kind, check in STATES.items() if isinstance(target, kind)), None)
        if checked:
            self.stack[-1] = checked(target, state)
        elif type_name(type(target)) not in self.names:
            raise Refused(f"The file tries to change a {type(target).__name__} of this program. Do not load it.")
        elif type(state) is not dict or not re.fullmatch(r"[\w.+-]*", state.get("_sklearn_version", "")):
            raise ValueError("bad version")  # scikit-learn prints it in a warning
        else:
            self.version = state.get("_sklearn_version", self.version)
        super().load_build()

    def _load_mark_and_run(self):
        super().load_mark()
        self._load_run()

    def _load_frame_and_run(self):
        super().load_frame()
        self._load_run()

    def _load_run(self):
        frame = self._unframer.current_frame
        if frame is not None:
            frame.seek(read_run(frame.getvalue(), frame.tell(), self.stack, self.memo))

    def load_setitem(self):
        _check_keys(self.stack[-2:-1])
        super().load_setitem()

    def load_setitems(self):
        _check_keys(self.stack[::2])
        super().load_setitems()

    def load_long1(self):
        super().load_long1()
        if self.stack[-1].bit_length() > 64:  # multiples of 2**61 - 1 all hash to 0: a dictionary of them takes hours
            self.stack[-1] = table_stand_ins.Unused()  # only random generators have such

    def load_bytearray8(self):
        size = int.from_bytes(self.read(8), "little")
        data = self.read(min(size, self.file_handle.getbuffer().nbytes))  # never allocate on the file's word
        if len(data) != size:
            raise EOFError
        self.append(bytearray(data))

    dispatch = {code: NumpyUnpickler.dispatch[code] for code in (ord(getattr(pickle, name)) for name in OPCODES)}  # noqa: RUF012
    dispatch |= {
        ord(pickle.REDUCE): load_reduce, ord(pickle.NEWOBJ): load_newobj, ord(pickle.BUILD): load_build,
        ord(pickle.SETITEM): load_setitem, ord(pickle.SETITEMS): load_setitems, ord(pickle.LONG1): load_long1,
        ord(pickle.BYTEARRAY8): load_bytearray8,
    }  # fmt: skip
    in_runs = dispatch | {ord(pickle.MARK): _load_mark_and_run, ord(pickle.FRAME): _load_frame_and_run}


class Unknown:
    """Stands for whatever a file may not hold: it takes any call and any state, and does nothing."""


class _Survey(_Unpickler):
    """Goes through a refused file, and notes every name that is not on the list. None of those is imported or made."""

    def __init__(self, file: io.BytesIO, names: frozenset[str], opcodes: dict[int, Callable]):
        super().__init__(file, names, opcodes)
        self.unknown: list[tuple[str, str]] = []

    def nested(self) -> "_Survey":
        """Return one for the pickle that follows, which notes its names in the same list."""
        inner = _Survey(self.file_handle, self.names, self.dispatch)
        inner.unknown = self.unknown
        return inner

    def run(self) -> None:
        """Read as far as it goes."""
        with contextlib.suppress(Exception):
            self.load()

    def find_class(self, module: str, name: str):
        try:
            return super().find_class(module, name)
        except NotAllowed:
            if (module, name) not in self.unknown:
                self.unknown.append((module, name))
            return Unknown

    def load_reduce(self):
        if self.stack[-2] is not Unknown:
            return super().load_reduce()
        self.stack.pop()
        self.stack[-1] = Unknown()

    def load_newobj(self):
        if self.stack[-2] is not Unknown:
            return super().load_newobj()
        self.stack.pop()
        self.stack[-1] = Unknown()

    def load_build(self):
        target, state = self.stack[-2:]
        if not isinstance(target, Unknown):
            return super().load_build()
        self.stack.pop()
        if type(state) is dict:
            self.version = plain(str(state.get("_sklearn_version", self.version)))

    dispatch = _Unpickler.dispatch | {
        ord(pickle.REDUCE): load_reduce, ord(pickle.NEWOBJ): load_newobj, ord(pickle.BUILD): load_build,
    }  # fmt: skip


def _require_installed(full: str) -> None:
    """Raise Refused where a name is in a module that merely lies about: to import it would run it."""
    package = full.partition(".")[0]
    spec = importlib.util.find_spec(package)
    folders = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    origin = Path(spec.origin).resolve() if spec and spec.origin else None
    if origin is None or not any(origin.is_relative_to(Path(folder).resolve()) for folder in folders):
        raise Refused(f'"{plain(full)}" is in no installed package: install it, or take it out of allow in gate.toml.')


def _check_keys(keys: list) -> None:
    if not all(issubclass(kind, KEYS) for kind in set(map(type, keys))):
        raise ValueError("bad key")
