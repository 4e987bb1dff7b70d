"""A model of a few kilobytes cannot cost minutes or gigabytes: what could is refused when the file is read."""

import io
import pickle
import struct
import sys
import time
import zlib

from mlgate import artifacts
from mlgate.artifacts import Limits
from mlgate.artifacts.refusals import Refused
from mlgate.artifacts.unpickling import loads

import joblib
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.tree import DecisionTreeClassifier
from sklearn.tree._tree import Tree

TEXTS = ["good film great", "bad film awful", "great fun good", "awful boring bad"] * 8
LABELS = ["positive", "negative"] * 16
GREEDY = r"(?u)zq(?:x+x+)+y|\b\w\w+\b"


def saved(thing, protocol=4):
    file = io.BytesIO()
    joblib.dump(thing, file, protocol=protocol)
    return file.getvalue()


def fitted(vectoriser=None, classifier=None):
    first = CountVectorizer() if vectoriser is None else vectoriser
    last = LogisticRegression() if classifier is None else classifier
    return make_pipeline(first, last).fit(TEXTS, LABELS)


def changed(pipeline, **settings):
    """The fitted pipeline, its first step's settings changed afterwards: no honest fit is needed."""
    pipeline[0].set_params(**settings)
    return pipeline


def refused(data, *words, **options):
    with pytest.raises(Refused) as caught:
        loads(data, **options)
    for word in words:
        assert word in str(caught.value)


# ---- settings ----


@pytest.mark.parametrize(
    "pattern",
    [GREEDY, r"(a|a)*b", r"\w+\w+\w+", r"[a-z]+\b", r"(?i)\b\w+\b", "(?u)\\b\\w\\w+\\b ", b"\\w+", None, 7, ["\\w+"]],
    ids=repr,
)
def test_a_token_pattern_is_one_of_a_short_list(pattern):
    refused(saved(changed(fitted(), token_pattern=pattern)), "CountVectorizer.token_pattern", "allow")


@pytest.mark.parametrize(
    "pattern", [r"(?u)\b\w\w+\b", r"(?u)\b\w+\b", r"\b\w+\b", r"\w+", r"\S+", r"\b[a-zA-Z]+\b", r"(?u)\b\w\w\w+\b"]
)
def test_usual_token_patterns_are_on_the_list_and_are_linear(pattern):
    model = loads(saved(fitted(CountVectorizer(token_pattern=pattern))))
    hard = "a" * 300_000 + " " + "-" * 300_000 + "é\x00" * 100_000
    started = time.process_time()
    model.predict([hard])
    assert time.process_time() - started < 5  # quadratic: hours


def test_another_token_pattern_can_be_allowed_by_itself():
    data = saved(fitted(CountVectorizer(token_pattern=r"[a-z]{3,}")))
    refused(data, 'add "token_pattern=[a-z]{3,}" to allow')
    assert loads(data, allow=["token_pattern=[a-z]{3,}"]).predict(["good film"]).tolist() == ["positive"]


@pytest.mark.parametrize(
    ("analyzer", "bounds"),
    [
        ("word", (5001, 10**9)), ("word", (1, 11)), ("word", (0, 1)), ("word", (2, 1)), ("char", (1, 21)),
        ("char_wb", (1, 21)), ("word", [1, 1]), ("word", (1,)), ("word", (1, 1, 1)), ("word", 1),
        ("word", (1.0, 2.0)), ("word", (True, 2)), ("word", None),
    ],
    ids=str,
)  # fmt: skip
def test_n_grams_are_short(analyzer, bounds):
    pipeline = fitted(TfidfVectorizer())
    vars(pipeline[0]).update(analyzer=analyzer, ngram_range=bounds)
    refused(saved(pipeline), "TfidfVectorizer.ngram_range")


@pytest.mark.parametrize(("analyzer", "bounds"), [("word", (1, 10)), ("char", (1, 20)), ("char_wb", (2, 5))], ids=str)
def test_n_grams_of_usual_lengths_load(analyzer, bounds):
    assert loads(saved(fitted(TfidfVectorizer(analyzer=analyzer, ngram_range=bounds)))).predict(["good"]).size == 1


def test_n_grams_hide_in_no_nested_step():
    union = FeatureUnion([("a", CountVectorizer()), ("b", HashingVectorizer(n_features=8))])
    pipeline = fitted(union)
    vars(pipeline[0].transformer_list[1][1])["ngram_range"] = (5001, 10**9)
    refused(saved(pipeline), "HashingVectorizer.ngram_range")


@pytest.mark.parametrize("jobs", [2, 16, -1, 0, True, "4", 1e3], ids=repr)
def test_a_union_starts_no_processes(jobs):
    refused(saved(changed(fitted(FeatureUnion([("a", CountVectorizer())])), n_jobs=jobs)), "FeatureUnion.n_jobs")


@pytest.mark.parametrize("jobs", [65, 20_000, -2_000, "4", 2.0], ids=repr)
def test_a_forest_starts_few_threads(jobs):
    pipeline = fitted(None, RandomForestClassifier(3))
    pipeline[-1].n_jobs = jobs
    refused(saved(pipeline), "RandomForestClassifier.n_jobs")


@pytest.mark.parametrize("jobs", [None, 1, -1, 4])
def test_a_classifier_may_use_the_processors_there_are(jobs):
    assert loads(saved(fitted(None, RandomForestClassifier(3, n_jobs=jobs)))).predict(["good"]).size == 1


@pytest.mark.parametrize("verbose", [1, 10**9, True, "loud"], ids=repr)
def test_a_model_is_silent(verbose):
    pipeline = fitted(None, RandomForestClassifier(3))
    pipeline[-1].verbose = verbose
    refused(saved(pipeline), "RandomForestClassifier.verbose")


def test_a_pipeline_that_told_how_its_training_went_is_silent_afterwards():
    pipeline = make_pipeline(CountVectorizer(), LogisticRegression(), verbose=True).fit(TEXTS, LABELS)
    assert loads(saved(pipeline)).predict(["good"]).size == 1


@pytest.mark.parametrize("number", [2**22 + 1, 2**31 - 2])
def test_words_are_hashed_to_a_table_that_fits(number):
    refused(saved(changed(fitted(HashingVectorizer(n_features=8)), n_features=number)), "HashingVectorizer.n_features")


@pytest.mark.slow
def test_words_may_be_hashed_as_wide_as_anybody_does():
    data = saved(fitted(HashingVectorizer(n_features=2**22)))
    assert loads(data, limit=len(data)).predict(["good"]).size == 1


def test_a_tree_is_no_wider_than_its_memory():
    """A sparse row makes it ask for twelve bytes a column."""
    pipeline = fitted(None, DecisionTreeClassifier())
    wide = Tree(2**31 - 2, np.array([2]), 1)
    wide.__setstate__(pipeline[-1].tree_.__getstate__())
    pipeline[-1].tree_ = wide
    pipeline[-1].n_features_in_ = 2**31 - 2
    refused(saved(pipeline), "damaged")


# ---- classes ----


@pytest.mark.parametrize("kind", [np.str_, np.bytes_])
def test_no_cell_of_an_array_is_wide(kind):
    """142 kB, compressed, of two names of a million characters make gigabytes of 1,000 answers."""
    pipeline = fitted()
    pipeline[-1].classes_ = np.array(["negative", "positive"]).astype(f"{kind(0).dtype.kind}1001")
    refused(saved(pipeline), "wider than 1,000 characters")


def test_names_of_classes_are_not_long():
    pipeline = fitted()
    pipeline[-1].classes_ = np.array(["negative", "p" * 1_001], dtype=object)
    assert "longer than 1,000 characters" in artifacts.load(saved(pipeline)).fault


def laughs(depth):
    """Nested shared lists: to write this one out takes 2 ** depth steps."""
    inner = ["ha"]
    for _ in range(depth):
        inner = [inner, inner]
    return inner


@pytest.mark.parametrize("where", [0, 1])
def test_names_of_classes_are_no_lists(where):
    names = np.array(["negative", "positive"], dtype=object)
    names[where] = laughs(200)
    pipeline = fitted()
    pipeline[-1].classes_ = names
    assert "neither texts nor integers" in artifacts.load(saved(pipeline)).fault


# ---- the file ----


@pytest.mark.parametrize("kind", [np.complex128, np.complex64, np.float32, np.uint8], ids=str)
def test_a_key_is_of_a_type_whose_hashes_differ(kind):
    """Complex numbers that are no numbers all hash alike: 32,000 keys of them took a quarter of a minute."""
    refused(pickle.dumps([{kind(1): 0}]), "bad key")


def test_keys_that_labels_are_remain_keys():
    pipeline = fitted()
    for key in ("positive", b"positive", np.str_("positive"), 1, np.int64(1), np.bool_(True), 1.5, None):
        pipeline[-1].class_weight = {key: 1.0}
        assert loads(saved(pipeline))


def test_a_number_has_at_most_64_bits_or_is_not_taken_over():
    pipeline = fitted()
    pipeline[-1].random_state = 2**64 - 1
    assert loads(saved(pipeline))[-1].random_state == 2**64 - 1
    pipeline[-1].random_state = 2**64
    assert loads(saved(pipeline))[-1].random_state != 2**64


@pytest.mark.slow
@pytest.mark.parametrize("opcode", [b"]", b"}", b"(", b")", b"N", b"\x94", b"\x8c\0"], ids=repr)
def test_a_file_of_nothing_but_small_things_is_soon_refused(opcode):
    """18 MB of empty lists, 17 kB compressed, took a minute and 3.5 GB."""
    times = 1_800_000 // len(opcode)
    refused(zlib.compress(b"\x80\x04N" + opcode * times + b"."), "too many objects", limit=2_000_000)


@pytest.mark.slow
def test_so_many_opcodes_are_read_for_so_many_bytes_and_not_one_more():
    nested = b"\x80\x04" + b"]" * 100_000 + b"a" * 99_999 + b"."  # 200,001: 100,000 in any file, one for five bytes
    refused(nested, "a list, not a Pipeline", limit=500_005)
    refused(nested, "too many objects", limit=500_004)


@pytest.mark.parametrize("where", ["lzma", "xz"])
def test_a_decompressor_takes_no_more_memory_than_honest_files_need(where):
    """A header of a few bytes may ask for gigabytes."""
    file = io.BytesIO()
    joblib.dump(fitted(), file, compress=(where, 3))
    told = told_to_take if where == "lzma" else told_to_take_as_xz
    assert loads(told(file.getvalue(), 96 * 2**20))
    refused(told(file.getvalue(), 192 * 2**20), "Memory usage limit exceeded")


def told_to_take(data: bytes, size: int) -> bytes:
    """An lzma file whose header asks for so much memory."""
    return data[:1] + struct.pack("<I", size) + data[5:]


def told_to_take_as_xz(data: bytes, size: int) -> bytes:
    """An xz file whose first block's header asks for so much memory: three times a power of two."""
    end = 12 + (data[12] + 1) * 4
    header = bytearray(data[12 : end - 4])
    assert header[2:4] == b"\x21\x01"  # the filter LZMA2, and one byte that says how much
    header[4] = 2 * ((size // 3).bit_length() - 12) + 1
    return data[:12] + bytes(header) + struct.pack("<I", zlib.crc32(header)) + data[end:]


@pytest.mark.slow
def test_an_object_array_does_not_begin_to_count_anew():
    """joblib writes an object array as a pickle of its own behind it."""
    parts = [np.array([*([] for _ in range(900)), None], dtype=object) for _ in range(900)]
    refused(saved(parts), "too many objects", limit=1_900_000)


@pytest.mark.slow
def test_a_model_of_many_words_loads():
    words = [f"word{number}" for number in range(100_000)]
    pipeline = make_pipeline(TfidfVectorizer(), MultinomialNB()).fit([" ".join(words), words[0]], LABELS[:2])
    data = saved(pipeline)
    assert loads(data, limit=len(data)).predict(["word7"]).size == 1


# ---- allow ----


def test_to_allow_a_type_imports_nothing_that_lies_about(tmp_path, monkeypatch):
    (tmp_path / "evil_module.py").write_text("raise SystemExit('it ran')")
    (tmp_path / "evil_package").mkdir()
    (tmp_path / "evil_package" / "__init__.py").write_text("raise SystemExit('it ran')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in ("evil_module.Evil", "evil_package.inner.Evil", "no_such_module.Evil"):
        module, _, kind = name.rpartition(".")
        refused(f"\x80\x02c{module}\n{kind}\n.".encode("latin1"), "no installed package", allow=[name])
        assert module not in sys.modules


def test_to_allow_an_installed_estimator_still_works():
    data = saved(fitted(None, NearestCentroid()))
    name = "sklearn.neighbors._nearest_centroid.NearestCentroid"
    assert artifacts.load(data, Limits(allow=(name,))).fault is None
