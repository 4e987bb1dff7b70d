"""Promises 4 and 7: a foreign pickle runs no code, and a pipeline.pkl holds only scikit-learn objects."""

import bz2
import codecs
import contextlib
import copyreg
import functools
import io
import lzma
import math
import os
import pickle
import random
import re
import struct
import time
import tracemalloc
import warnings
import zlib
from datetime import date
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from uuid import UUID

from mlgate.artifacts.allowed_types import ALLOWED, FUNCTIONS
from mlgate.artifacts.opcodes import OPCODES
from mlgate.artifacts.refusals import Refused
from mlgate.artifacts.unpickling import loads
from mlgate.errors import MlgateError

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from joblib.numpy_pickle import NumpyArrayWrapper, NumpyUnpickler
from joblib.numpy_pickle_compat import NDArrayWrapper, ZNDArrayWrapper
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import TruncatedSVD
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import AdaBoostClassifier, ExtraTreesClassifier, RandomForestClassifier, VotingClassifier
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.feature_selection import SelectPercentile, chi2, f_oneway
from sklearn.linear_model import (
    LogisticRegression,
    LogisticRegressionCV,
    Perceptron,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import Binarizer, MaxAbsScaler, Normalizer, StandardScaler
from sklearn.svm import LinearSVC, NuSVC
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier
from sklearn.tree._tree import Tree
from table_models import USUAL, usual

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")

TEXTS = ["good film great", "bad film awful", "great fun good", "awful boring bad"] * 8
LABELS = ["positive", "negative"] * 16


def fit(*steps, labels=LABELS):
    return make_pipeline(*steps).fit(TEXTS, labels)


def saved(thing, how="joblib", protocol=4, **options):
    if how == "pickle":
        return pickle.dumps(thing, protocol)
    file = io.BytesIO()
    joblib.dump(thing, file, protocol=protocol, **options)
    return file.getvalue()


GOOD = fit(TfidfVectorizer(), LogisticRegression())
FOREST = fit(CountVectorizer(), RandomForestClassifier(3, random_state=0))
BYTES = saved(GOOD)

CLASSIFIERS = [
    LogisticRegression(),
    LogisticRegressionCV(cv=2),
    LinearSVC(),
    SGDClassifier(),
    SGDClassifier(loss="log_loss"),
    SGDClassifier(loss="squared_hinge"),
    SGDClassifier(loss="modified_huber", average=True, early_stopping=True),
    RidgeClassifier(),
    Perceptron(),
    MultinomialNB(),
    ComplementNB(),
    BernoulliNB(),
    DecisionTreeClassifier(),
    ExtraTreeClassifier(),
    RandomForestClassifier(3),
    ExtraTreesClassifier(3, bootstrap=True, oob_score=True),
    AdaBoostClassifier(n_estimators=3),
    CalibratedClassifierCV(LinearSVC(), cv=2),
    DummyClassifier(),
    VotingClassifier([("a", LogisticRegression()), ("b", MultinomialNB())], voting="soft"),
    VotingClassifier([("a", DecisionTreeClassifier()), ("b", RandomForestClassifier(2))]),
]
PIPELINES = [make_pipeline(TfidfVectorizer(max_features=9), classifier) for classifier in CLASSIFIERS] + [
    make_pipeline(CountVectorizer(stop_words=["film"], ngram_range=(1, 2)), TfidfTransformer(), MultinomialNB()),
    make_pipeline(HashingVectorizer(n_features=64), Normalizer(), LogisticRegression()),
    make_pipeline(TfidfVectorizer(dtype=np.float32), TruncatedSVD(2), StandardScaler(), GaussianNB()),
    make_pipeline(FeatureUnion([("w", TfidfVectorizer()), ("c", CountVectorizer())]), MaxAbsScaler(), LinearSVC()),
]


def ids(pipeline):
    return "+".join(type(step).__name__ for _, step in pipeline.steps)


@pytest.fixture
def marker(tmp_path):
    """A file that evil pickles try to make. It never exists at the end of a test, not even by a later use."""
    path = tmp_path / "marker"
    yield path
    assert not path.exists()


class Calls:
    """Pickles to a call of `function`: what an attacker writes."""

    def __init__(self, function, *args, state=None):
        self.reduced = (function, args) if state is None else (function, args, state)

    def __reduce__(self):
        return self.reduced


def touch(marker):
    return Calls(os.system, f"touch {marker}")


def refused(data, words="", **options):
    with pytest.raises(Refused) as caught:
        loads(data, **options)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 900  # five names of 120 characters
    assert words in message
    return message


def refused_or_loaded(data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = loads(data)
        except Refused:
            return 0
        assert type(model) is Pipeline
        with contextlib.suppress(Exception):
            model.predict(TEXTS)
        return 1


def with_parameter(pipeline, **parameters):
    """A fitted copy in which a parameter was changed afterwards."""
    return pickle.loads(pickle.dumps(pipeline)).set_params(**parameters)


# What is loaded


@pytest.mark.slow
@pytest.mark.parametrize("pipeline", PIPELINES, ids=ids)
def test_usual_text_pipelines_load_from_every_format_and_answer_the_same(pipeline):
    pipeline.fit(TEXTS, LABELS)
    for how in ("joblib", "pickle"):
        for protocol in (2, 3, 4, 5):
            loaded = loads(saved(pipeline, how, protocol))
            assert (loaded.predict(TEXTS) == pipeline.predict(TEXTS)).all()


@pytest.mark.parametrize("labels", [np.array(LABELS, object), [0, 1] * 16, [True, False] * 16, pd.Series(LABELS)])
def test_labels_may_be_objects_integers_booleans_or_a_pandas_column(labels):
    for classifier in (LogisticRegression(), DecisionTreeClassifier(), LogisticRegressionCV(cv=2)):
        pipeline = fit(TfidfVectorizer(), classifier, labels=labels)
        for how in ("joblib", "pickle"):
            assert (loads(saved(pipeline, how)).predict(TEXTS) == pipeline.predict(TEXTS)).all()


@pytest.mark.slow
def test_the_list_holds_exactly_what_these_pipelines_need():
    names, codes = set(), set()

    class Listening(NumpyUnpickler):
        def find_class(self, module, name):
            names.add(f"{module}.{name}")
            return super().find_class(module, name)

    class Codes(dict):
        def __getitem__(self, code):
            codes.add(code)
            return super().__getitem__(code)

    Listening.dispatch = Codes(NumpyUnpickler.dispatch)
    many = CountVectorizer(vocabulary=[f"w{n}" for n in range(300)])  # long enough for the wide opcodes
    labels = np.array(LABELS, object)
    pipelines = [pipeline.fit(TEXTS, LABELS) for pipeline in PIPELINES]
    pipelines += [
        fit(many, LogisticRegression(), labels=labels),
        with_parameter(GOOD, logisticregression__class_weight={0: 10**5, 1: 10**12}),
    ]
    pipelines += [usual(name) for name in USUAL]
    for pipeline in pipelines:
        for how in ("joblib", "pickle"):
            for protocol in (2, 3, 4, 5):
                Listening("", io.BytesIO(saved(pipeline, how, protocol)), True).load()
    assert names | FUNCTIONS == ALLOWED
    assert codes == {getattr(pickle, name)[0] for name in OPCODES}


@pytest.mark.parametrize("compress", [("zlib", 3), ("gzip", 3), ("bz2", 3), ("lzma", 3), ("xz", 3)], ids=lambda c: c[0])
def test_compressed_files_load(compress):
    assert (loads(saved(GOOD, compress=compress)).predict(TEXTS) == GOOD.predict(TEXTS)).all()


def test_another_scikit_learn_version_is_a_warning_that_the_caller_sees():
    data = BYTES.replace(b"1.9.1", b"1.2.3") if b"1.9.1" in BYTES else BYTES.replace(b"1.8.", b"1.2.")
    with pytest.warns(InconsistentVersionWarning):
        loads(data)


@pytest.mark.slow
def test_loading_takes_about_as_long_as_joblib_does():
    texts = [f"w{n} x{n} y{n}" for n in range(10_000)]
    data = saved(make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1)).fit(texts, [0, 1] * 5_000))

    def seconds(load):
        start = time.process_time()
        load()
        return time.process_time() - start

    ours = min(seconds(lambda: loads(data)) for _ in range(4))
    theirs = min(seconds(lambda: joblib.load(io.BytesIO(data))) for _ in range(4))
    assert ours < 2 * theirs


# Evil files run no code


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("how", ["joblib", "pickle"])
def test_a_call_anywhere_in_the_file_is_refused(marker, how, protocol):
    for evil in (touch(marker), [GOOD, touch(marker)], with_parameter(GOOD, memory=touch(marker))):
        refused(saved(evil, how, protocol), 'tries to run foreign code ("posix.system") and must not be loaded')


@pytest.mark.parametrize("compress", ["zlib", "gzip", "bz2", "lzma", "xz"])
def test_a_call_in_a_compressed_file_is_refused(marker, compress):
    refused(saved(touch(marker), compress=(compress, 3)), "tries to run foreign code")


@pytest.mark.parametrize("how", ["joblib", "pickle"])
def test_a_call_in_an_object_array_or_beside_an_array_is_refused(marker, how):
    objects = np.array([touch(marker), None], object)
    for evil in (objects, [np.zeros(3), touch(marker)], [np.array([objects, None], object)]):
        refused(saved(evil, how), "tries to run foreign code")
        refused(saved(with_parameter(GOOD, logisticregression__class_weight=evil), how), "tries to run foreign code")


def test_the_pickle_behind_an_object_array_is_under_the_same_rules(marker):
    """joblib reads it with an unpickler of its own, to which it hands only find_class."""
    wrapper = NumpyArrayWrapper(np.ndarray, (1,), "C", np.dtype(object))
    forged = Calls(np.dtype, "O8", False, True, state=(3, "|", None, None, None, -1, -1, 0))
    for words, inner in (
        ("KeyError", b"\x80\x04(S'touch %s'\nios\nsystem\n." % str(marker).encode()),
        ("bad dtype", pickle.dumps(forged)),
        ("EOFError", b"\x80\x05\x96" + struct.pack("<Q", 10**11) + b"."),
        ("bad array", pickle.dumps([1])),
    ):
        refused(pickle.dumps(wrapper, 2)[:-1] + inner + b".", words)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("sklearn.pipeline", "os.system"),
        ("sklearn.pipeline", "Pipeline.fit.__globals__"),
        ("sklearn.feature_extraction.text", "CountVectorizer.__init__"),
        ("sklearn.pipeline", "Pipeline.fit"),
        ("joblib.numpy_pickle", "os.system"),
        ("mlgate.artifacts.unpickling", "sys.modules"),
        ("sklearn", "pipeline.Pipeline.__class__"),
    ],
)
def test_a_dotted_name_leads_nowhere(marker, module, name):
    text = "".join(f"\x8c{chr(len(part))}{part}" for part in (module, name, f"touch {marker}"))
    data = b"\x80\x04" + text.encode("latin1")
    cut = data.index(b"\x8c", 2 + 2 + len(module) + 2)
    words = "foreign code" if module.startswith("mlgate") else "cannot be allowed"
    refused(data[:cut] + b"\x93" + data[cut:] + b"\x85R.", words)


def test_old_opcodes_and_the_extension_registry_are_not_read(marker):
    command = f"touch {marker}".encode()
    refused(b"cos\nsystem\n(S'%s'\ntR." % command, "not a joblib or pickle file")
    for protocol in (b"\x80\x02", b"\x80\x04"):
        refused(protocol + b"cposix\nsystem\n(X\x01\0\0\0atR.", "tries to run foreign code")
        refused(protocol + b"(S'%s'\nios\nsystem\n." % command, "damaged")
        refused(protocol + b"(cos\nsystem\nS'%s'\no." % command, "tries to run foreign code")
        refused(protocol + b"Pidentity\n.", "damaged")
        refused(protocol + b"]Q.", "damaged")
    copyreg.add_extension("os", "system", 240)
    try:
        assert pickle.loads(b"\x80\x02\x82\xf0.") is os.system  # now in pickle's cache, past any find_class
        refused(b"\x80\x02\x82\xf0(X%s%stR." % (struct.pack("<I", len(command)), command), "damaged")
    finally:
        copyreg.remove_extension("os", "system", 240)


@pytest.mark.parametrize(
    "evil",
    [
        Calls(getattr, Calls(__import__, "os"), "system"),
        Calls(eval, "1"),
        Calls(exec, "1"),
        Calls(functools.partial, os.system, "true"),
        Calls(np.load, "/etc/passwd"),
        Calls(np.fromfile, "/etc/passwd", "u1"),
        Calls(np.memmap, "evil", "u1", "w+", 0, (9,)),
        Calls(np.lib.npyio.DataSource),
        Calls(joblib.load, "/etc/passwd"),
        Calls(joblib.Memory, "evil"),
        Calls(codecs.decode, b"x", "zlib"),
        Calls(copyreg._reconstructor, Pipeline, object, None),
        SimpleNamespace(a=1),
        print,
        Refused,
        SelectPercentile,
        f_oneway,
    ],
    ids=lambda evil: re.sub(" at 0x[0-9a-f]+", "", str(getattr(evil, "reduced", evil)))[:50],
)
def test_names_that_are_not_on_the_list_are_refused(evil):
    for how in ("joblib", "pickle"):
        for protocol in (2, 4):
            message = refused(saved([GOOD, evil], how, protocol))
            assert any(words in message for words in ("foreign code", "cannot be allowed", "allow under [artifacts]"))


def test_a_name_cannot_write_a_line_of_its_own():
    for module in (b"os\nPromote new model", b"\x1b[2Jos", b"o" * 250):
        refused(b"\x80\x04\x8c%c%s\x8c\x06system\x93." % (len(module), module), "tries to run foreign code")


def test_what_is_on_the_list_may_only_be_called_as_numpy_calls_it(marker):
    deep = functools.reduce(lambda inner, _: (inner, inner), range(60), 1)  # 2**60 leaves in 60 tuples
    evil = [
        ("call", Calls(np.ndarray, (10**12,))),
        ("call", Calls(np.float64, deep)),
        ("call", Calls(Pipeline, [("a", None)])),
        ("TypeError", Calls(np.dtype, [("a", "O")])),
        ("bad dtype", Calls(np.dtype, "f8,(3)f8", False, True)),
        ("bad bytes", Calls(codecs.encode, "a", "rot13")),
        ("bad array", Calls(np._core.multiarray._reconstruct, np.ndarray, (10**12,), b"b")),
        ("bad array", Calls(np._core.multiarray._reconstruct, np.float64, (0,), b"b")),
        ("bad dtype", Calls(np._core.multiarray.scalar, np.dtype("V999999999"))),
        ("bad number", Calls(np._core.multiarray.scalar, np.dtype("O"), "a")),
        ("bad array", Calls(np._core.numeric._frombuffer, np.zeros(3), np.dtype("f8"), (3,), "C")),
        ("OBJECT", Calls(np._core.numeric._frombuffer, b"a" * 8, np.dtype("O"), (1,), "C")),
        ("bad tree", Calls(Tree, 3, np.array([2]), 10**6)),
        ("bad key", {n * (2**61 - 1): 0 for n in range(1000)}),
    ]
    for words, thing in evil:
        for protocol in (2, 4, 5):
            refused(pickle.dumps([GOOD, thing], protocol), words)
    refused(b"\x80\x02cnumpy\nfloat64\n(K\x01K\x02t\x81.", "an object with arguments")


def test_a_key_is_quick_to_hash():
    """60 nested tuples take 2**60 steps to hash: Python cannot even be asked to write such a file."""
    deep = b"K\x01" + b"q\0h\0\x86" * 60
    for hashes in (b"}%sNs.", b"}(%sNu.", b"}(K\x02N%sNu.", b"(%sNd.", b"\x8f(%s\x90.", b"(%s\x91."):
        refused(b"\x80\x04" + hashes % deep, "damaged")


def test_nothing_shared_is_changed_by_a_file():
    """BUILD sets attributes, and with a pair as its state it does so on classes and functions too."""
    before = NumpyArrayWrapper.read
    for target in ("joblib.numpy_pickle\nNumpyArrayWrapper", "sklearn.calibration\n_CalibratedClassifier"):
        data = f"\x80\x02c{target}\n(N}}X\x04\0\0\0readNst".encode("latin1")
        refused(data + b"b.", "tries to change a type")
    refused(b"\x80\x02cnumpy\ndtype\n(N}X\x0c\0\0\0__defaults__Nstb.", "tries to change a function")
    assert NumpyArrayWrapper.read is before


def test_files_beside_are_never_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("beside.npy", np.array([touch(tmp_path / "marker")], object))
    for wrapper in (NDArrayWrapper("beside.npy", np.ndarray), ZNDArrayWrapper("beside.npy", (), ())):
        refused(pickle.dumps(wrapper), "cannot be allowed")
    mapped = NumpyArrayWrapper(np.ndarray, (1,), "C", np.dtype("f8"), allow_mmap=True)
    mapped.filename = "beside.npy"
    refused(pickle.dumps(mapped), "bad array")
    assert not (tmp_path / "marker").exists()


# Hostile numbers


DTYPES = [
    ("O8", (3, "|", None, None, None, -1, -1, 0)),  # an object type that claims to be plain bytes: forged pointers
    ("f8", (3, "<", None, None, None, 1, 1, 0)),
    ("U1", (3, "<", None, None, None, 3, 4, 8)),
    ("U1", (3, "<", None, None, None, 400, 4, 8)),
    ("V8", (3, "|", None, ("a",), {"a": (np.dtype(object), 0)}, 8, 1, 0)),
    ("V8", (3, "|", None, ("a",), {"a": (np.dtype("f8"), 4000)}, 8, 1, 16)),
    ("V8", (3, "|", (np.dtype("f8"), (4000,)), None, None, 8, 1, 0)),
]


@pytest.mark.parametrize(("text", "state"), DTYPES)
def test_a_dtype_is_what_numpy_would_write(text, state):
    refused(pickle.dumps([GOOD, Calls(np.dtype, text, False, True, state=state)]), "damaged")


@pytest.mark.parametrize("shape", [(10**12,), (10**6, 10**6), (2**62, 4), (-1,), (1.5,), ((9,),), [9], "9", (1,) * 40])
def test_a_huge_or_foolish_shape_is_refused_before_memory_is_asked_for(shape):
    data, reconstruct = b"\0" * 72, np._core.multiarray._reconstruct
    huge = math.prod(shape) > 100 if type(shape) is tuple and type(shape[0]) is int else False
    for words, evil in (
        ("an array is larger than the file", NumpyArrayWrapper(np.ndarray, shape, "C", np.dtype("f8"))),
        ("bad array", Calls(np._core.numeric._frombuffer, data, np.dtype("f8"), shape, "C")),
        ("bad array", Calls(reconstruct, np.ndarray, (0,), b"b", state=(1, shape, np.dtype("f8"), False, data))),
        ("bad array", Calls(reconstruct, np.ndarray, (0,), b"b", state=(1, shape, np.dtype("O"), False, [None] * 5))),
    ):
        refused(pickle.dumps(evil, 2)[:-1] + data + b".", words if huge else "bad shape")


def test_an_array_is_filled_once():
    """A second BUILD would free memory that something else may still see."""
    array = pickle.dumps(np.zeros(3), 2)
    state = pickle.dumps((1, (1,), np.dtype("f8"), False, b"\0" * 8), 2)[2:-1]
    refused(array[:-1] + state + b"b.", "damaged")


def evil_tree(change):
    """A forest one of whose trees was changed in the file. Its compiled code would follow any number."""
    tree = FOREST[-1].estimators_[1].tree_
    cls, args, state = tree.__reduce__()
    state = {name: value.copy() if hasattr(value, "copy") else value for name, value in state.items()}
    args = list(args)
    change(args, state)

    class Pickler(pickle._Pickler):
        def save(self, thing, **options):
            super().save(Calls(cls, *args, state=state) if thing is tree else thing, **options)

    file = io.BytesIO()
    Pickler(file, 4).dump(FOREST)
    return file.getvalue()


TREES = {
    "child beyond the end": lambda args, state: state["nodes"]["left_child"].__setitem__(0, 10**9),
    "a circle": lambda args, state: state["nodes"]["right_child"].__setitem__(0, 0),
    "no right child": lambda args, state: state["nodes"]["right_child"].__setitem__(0, -1),
    "unknown feature": lambda args, state: state["nodes"]["feature"].__setitem__(0, 10**9),
    "negative feature": lambda args, state: state["nodes"]["feature"].__setitem__(0, -7),
    "more nodes than there are": lambda args, state: state.update(node_count=10**6),
    "no nodes": lambda args, state: state.update(node_count=0, nodes=state["nodes"][:0], values=state["values"][:0]),
    "wider than the forest": lambda args, state: args.__setitem__(0, 10**6),
    "more outputs than classes": lambda args, state: args.__setitem__(2, 10**6),
    "values of another shape": lambda args, state: state.update(values=state["values"][:1]),
    "nodes of another type": lambda args, state: state.update(nodes=state["nodes"]["left_child"]),
}


@pytest.mark.parametrize("change", TREES.values(), ids=TREES)
def test_a_tree_whose_numbers_lead_outside_is_refused(change):
    assert type(loads(evil_tree(lambda args, state: None))) is Pipeline
    refused(evil_tree(change), "damaged")


def test_a_tree_is_filled_exactly_once():
    tree = FOREST[-1].estimators_[0].tree_
    cls, args, state = tree.__reduce__()
    once = pickle.dumps(Calls(cls, *args, state=state), 2)
    again = once[:-1] + pickle.dumps(state, 2)[2:-1] + b"b."
    refused(once, "Tree, not a Pipeline")
    refused(again, "damaged")
    never = with_parameter(FOREST)
    never[-1].estimators_[1].tree_ = cls(*args)
    cut = saved(never, "pickle")
    refused(cut, "damaged")


def test_a_forest_holds_trees_of_its_own_width_only():
    for member in (DecisionTreeClassifier(), Pipeline([("tree", DecisionTreeClassifier())]), LogisticRegression()):
        evil = with_parameter(FOREST)
        evil[-1].estimators_[1] = member.fit(np.eye(4, 500), [0, 1, 0, 1])
        refused(saved(evil), "damaged")


@pytest.mark.parametrize("column", [-1, 10**6, 2**40, 1.0, "1", None, np.int64(-9), (1,)])
def test_a_word_whose_column_does_not_exist_is_refused(column):
    """Answering would write a number of the attacker's choice to an address of the attacker's choice."""
    evil = with_parameter(FOREST)
    evil[0].vocabulary_["good"] = column
    refused(saved(evil), "damaged")
    evil[0].vocabulary_ = [column]
    refused(saved(evil), "damaged")


@pytest.mark.parametrize("number", [0, -4, 1.5, None])
def test_words_are_hashed_to_one_column_at_least(number):
    """With none, the first answer ends the process: a division by zero."""
    evil = fit(HashingVectorizer(n_features=8), LogisticRegression())
    evil[0].n_features = number
    refused(saved(evil), "damaged")


@pytest.mark.slow
def test_a_bomb_is_refused_before_it_goes_off():
    for compress in (zlib.compress, bz2.compress, functools.partial(lzma.compress, preset=1)):
        bomb = compress(bytes(20_000_000))
        tracemalloc.start()
        refused(bomb, "too large: more than 1,000,000 bytes", limit=1_000_000)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 5_000_000
    refused(BYTES, "too large", limit=len(BYTES) - 1)
    assert loads(BYTES, limit=len(BYTES))
    refused(b"\x80\x05\x96" + struct.pack("<Q", 10**11) + b"a.", "damaged")
    nested = pickle.dumps(NumpyArrayWrapper(np.ndarray, (1,), "C", np.dtype(object)), 2)[:-1]
    refused(nested * 2000, "RecursionError")
    refused(b"\x80\x04" + b"]" * 100_000 + b"a" * 99_999 + b".", "a list, not a Pipeline")


def test_a_version_is_only_a_version(monkeypatch):
    """scikit-learn prints it: 60 nested tuples would print for years, a line feed would start a line of its own."""
    deep = functools.reduce(lambda inner, _: (inner, inner), range(60), 1)
    for version in (deep, "1.0\nPromote new model", "1.0\x1b[2J"):
        with monkeypatch.context() as patch:
            patch.setattr("sklearn.base.__version__", version)
            data = saved(GOOD)
        refused(data, "damaged")


# Damaged files


def test_a_file_cut_anywhere_is_refused():
    long = fit(
        TfidfVectorizer(analyzer="char", ngram_range=(1, 6)), LogisticRegression(), labels=np.array(LABELS, object)
    )
    for data in (saved(long), saved(long, "pickle"), saved(FOREST)):
        assert len(data) > 4000
        for end in range(0, len(data), 997):
            refused(data[:end])
    for end in range(0, len(BYTES), 37):
        refused(BYTES[:end])
    for compress in ("zlib", "gzip", "bz2", "lzma", "xz"):
        data = saved(GOOD, compress=(compress, 3))
        for end in range(97, len(data), 97):
            refused(data[:end], "ends too early")


@pytest.mark.parametrize("seed", range(4))
def test_flipped_bits_are_refused_or_harmless(seed):
    """Never another exception, never a hang; and what is loaded may raise when it answers, but not crash."""
    rng = random.Random(seed)
    files = [BYTES, saved(FOREST), saved(FOREST, "pickle"), saved(GOOD, "pickle", 2), saved(GOOD, compress=("zlib", 3))]
    loaded = 0
    for n in range(150):
        data = bytearray(files[n % len(files)])
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        loaded += refused_or_loaded(bytes(data))
    assert 0 < loaded < 150


def test_what_is_no_model_file_is_refused():
    for data in (
        b"",
        b"\x80",
        b"\x80\x04",
        b".",
        b"text,label\nfine,1\n",
        b"PK\x03\x04",
        b"ZF0x12  ",
        bytes(1000),
        b"x",
    ):
        refused(data)
    refused(b"\x04\x22\x4d\x18abc", "lz4")
    assert issubclass(Refused, MlgateError)


# What is loaded is a pipeline that does nothing but answer


@pytest.mark.parametrize("thing", [GOOD[-1], GOOD[0], [GOOD], {"model": GOOD}, None, "Pipeline", np.zeros(3)])
def test_only_a_whole_pipeline_is_accepted(thing):
    refused(saved(thing), f"holds a {type(thing).__name__}, not a Pipeline: save the whole Pipeline")


def test_a_vectoriser_that_would_open_paths_is_refused():
    for name in ("filename", "file"):
        refused(saved(with_parameter(GOOD, tfidfvectorizer__input=name)), 'TfidfVectorizer.input is not "content"')
    union = fit(FeatureUnion([("a", CountVectorizer()), ("b", HashingVectorizer(n_features=64))]), LogisticRegression())
    union[0].transformer_list[1][1].input = "filename"
    refused(saved(union), 'HashingVectorizer.input is not "content"')
    odd = with_parameter(GOOD, tfidfvectorizer__input=np.array(["filename"]))
    refused(saved(odd), "input")


def test_a_callable_setting_is_refused_by_name():
    for name in ("tokenizer", "preprocessor", "analyzer"):
        for value in (LogisticRegression, np.float64, np.dtype):
            evil = with_parameter(GOOD, **{f"tfidfvectorizer__{name}": value})
            refused(saved(evil), f"TfidfVectorizer.{name} is a function or a class")
        refused(saved(with_parameter(GOOD, **{f"tfidfvectorizer__{name}": os.system})), "tries to run foreign code")
        refused(saved(with_parameter(GOOD, **{f"tfidfvectorizer__{name}": saved})), f"{__name__}.saved")
    hidden = pickle.loads(pickle.dumps(GOOD))
    hidden[-1].notes = {"a": ([np.array([None, LogisticRegression], object)],)}
    refused(saved(hidden), "LogisticRegression.notes is a function or a class")


def test_data_that_hides_a_method_is_refused():
    for name in ("predict", "predict_proba", "decision_function", "__sklearn_tags__"):
        evil = pickle.loads(pickle.dumps(GOOD))
        vars(evil[-1])[name] = np.zeros(3)
        refused(saved(evil), f"LogisticRegression.{name} is a method")
    evil = pickle.loads(pickle.dumps(GOOD))
    evil[0].build_analyzer = "x"
    refused(saved(evil), "TfidfVectorizer.build_analyzer is a method")


def test_a_cache_folder_is_refused(tmp_path):
    refused(saved(with_parameter(GOOD, memory=str(tmp_path / "cache"))), "Pipeline.memory is set")


def test_a_model_that_holds_itself_is_walked_once():
    around = pickle.loads(pickle.dumps(GOOD))
    around[-1].notes = {"self": [around]}
    around[-1].notes["notes"] = around[-1].notes
    assert type(loads(saved(around))) is Pipeline


# What a person may add


UNLISTED = (
    "preprocessing._data.Binarizer",
    "neighbors._nearest_centroid.NearestCentroid",
)


def test_all_that_is_refused_is_named_in_one_pass_and_allow_is_advised_only_where_it_will_do():
    both = fit(TfidfVectorizer(), Binarizer(), NearestCentroid())
    names = [f"sklearn.{name}" for name in UNLISTED]
    message = refused(saved(both), "types that are not on the list")
    assert all(f'"{name}"' in message for name in names)
    assert type(loads(saved(both), allow=names)) is Pipeline
    hopeless = GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=StratifiedKFold(2))
    message = refused(saved(fit(TfidfVectorizer(), hopeless)), "cannot be allowed")
    assert "allow under" not in message
    assert message.endswith("or judge its answers instead: mlgate judge --answers")


def test_a_type_that_stands_in_a_file_twice_is_named_once():
    module, name = b"sklearn.neighbors._nearest_centroid", b"NearestCentroid"
    named = b"\x8c" + bytes([len(module)]) + module + b"\x8c" + bytes([len(name)]) + name + b"\x93"
    assert refused(b"\x80\x04" + named + named + b"\x86.").count("NearestCentroid") == 1


def test_all_that_is_refused_is_named_however_deep_and_made_by_whatever_call():
    """Fractions and dates are made by a call, a UUID by __new__ and a state, an error by a call and a state."""
    trouble = KeyError("x")
    trouble.note = "a state"
    things = [Fraction(1, 3), [UUID(int=1), [date(2020, 1, 1), trouble], Decimal(1)]]
    message = refused(saved({"steps": things}, how="pickle"))
    for name in ("fractions.Fraction", "uuid.UUID", "datetime.date", "builtins.KeyError", "decimal.Decimal"):
        assert name in message


def test_what_is_refused_is_named_within_an_object_array_and_behind_it():
    inside = np.array([Fraction(1, 3), None], dtype=object)
    message = refused(saved([inside, UUID(int=1)]))
    assert "fractions.Fraction" in message
    assert "uuid.UUID" in message


def test_a_file_of_another_scikit_learn_says_so(monkeypatch):
    monkeypatch.setattr("sklearn.base.__version__", "1.3.0")
    for model in (fit(TfidfVectorizer(), NearestCentroid()), fit(TfidfVectorizer(), LogisticRegression())):
        data = saved(model)
        if type(model[-1]) is LogisticRegression:
            data = data.replace(b"sklearn.linear_model._logistic", b"sklearn.linear_model._logistik")
        message = refused(data)
        assert f"It was saved by scikit-learn 1.3.0, and {sklearn.__version__} is installed here." in message
    assert "It was saved by scikit-learn 1.3.0, and" in refused(saved(NuSVC()))  # which alone says so


def test_a_refused_estimator_is_named_with_the_line_that_allows_it():
    data = saved(fit(TfidfVectorizer(), NearestCentroid()))
    name = "sklearn.neighbors._nearest_centroid.NearestCentroid"
    assert f'add "{name}" to allow under [artifacts] in gate.toml; or judge its answers' in refused(data)
    assert (loads(data, allow=[name]).predict(TEXTS[:2]) == LABELS[:2]).all()
    refused(data, allow=["sklearn.neighbors", "sklearn.neighbors._nearest_centroid.*", name.lower()])
    assert 'add "sklearn.svm._classes.NuSVC" to allow under [artifacts] in gate.toml' in refused(saved(NuSVC()))
    refused(
        saved(fit(TfidfVectorizer(), SelectPercentile(chi2, percentile=50), MultinomialNB())), "allow under [artifacts]"
    )


@pytest.mark.parametrize(
    ("evil", "names"),
    [
        (Calls(os.system, "true"), ["posix.system", "os.system"]),
        (Calls(eval, "1"), ["builtins.eval", "__builtin__.eval"]),
        (Calls(np.load, "x"), ["numpy.load"]),
        (Calls(np.memmap, "x"), ["numpy.memmap"]),
        (Calls(chi2, 1, 2), ["sklearn.feature_selection._univariate_selection.chi2"]),
        (Calls(functools.partial, print), ["functools.partial"]),
    ],
)
def test_allow_never_enables_a_function_or_a_foreign_class(evil, names):
    for protocol in (2, 4):
        refused(pickle.dumps([GOOD, evil], protocol), allow=names)
    assert "allow" not in refused(pickle.dumps(evil)) or "cannot be allowed" in refused(pickle.dumps(evil))


def test_allow_takes_a_class_by_its_own_name_only():
    data = b"\x80\x02csklearn.neighbors\nNearestCentroid\n."
    refused(data, "take it out of allow", allow=["sklearn.neighbors.NearestCentroid"])
