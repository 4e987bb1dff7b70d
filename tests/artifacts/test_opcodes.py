"""Promise 4: a file read many opcodes at a time gives what it gives one by one, and is refused by the same words."""

import pickle

from mlgate.artifacts import dump
from mlgate.artifacts.opcodes import Counted, read_run
from mlgate.artifacts.refusals import Refused
from mlgate.artifacts.unpickling import loads

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

TEXTS = ["good film great", "bad film awful", "été 字 fun", "so-so"] * 8
WORDS = [f"w{number}" for number in range(300)] + ["x" * 255, "y" * 256]
NUMBERS = st.integers(0, 2**31 - 1) | st.integers(0, 2**16) | st.integers(0, 255)


def model() -> bytes:
    words = CountVectorizer(vocabulary=["good", "bad", "été", "字", *WORDS])
    return dump(make_pipeline(words, LogisticRegression()).fit(TEXTS, ["pos", "neg", "pos", "neg"] * 8))


def one_by_one(data: bytes):
    """Load a file as one whose opcodes have to be counted."""
    return loads(data, most_objects=len(data) - 1)


@pytest.mark.slow
@given(st.lists(st.text(max_size=90).filter(lambda text: len(text.encode("utf-8", "surrogatepass")) < 256) | NUMBERS))
def test_a_run_is_what_pickle_reads(items):
    body = pickle.dumps(items, 5)
    frame = body[body.index(b"]\x94(") + 2 :] if len(items) > 1 else b""
    stack, memo = [], {0: items}
    place = read_run(frame, 1, stack, memo)
    assert stack == items[: len(stack)]
    texts = [item for item in stack if isinstance(item, str)]
    kept = [memo[number] for number in range(1, len(memo))]
    assert kept == texts[: len(kept)]
    assert len(kept) >= len(texts) - 1  # the last one's turn may come later
    if len(frame) > 1 and place < len(frame) - 4:
        assert frame[place : place + 1] in (b"e", b"h", b"j")  # the end, or a text again that was there before


def test_a_run_ends_where_something_does_not_fit_and_at_what_it_does_not_know():
    for frame, place, stack in (
        (b"", 0, []),
        (b"\x94\x94\x94\x94\x94\x94", 0, []),  # nothing that could be kept
        (b"K\x07\x8c\x09abcdefgh", 2, [7]),  # eight letters where nine are said
        (b"K\x07\x8c\x08abcdefgh", 12, [7, "abcdefgh"]),
        (b"J\xff\xff\xff\xffM\x01\x02K\x09.....", 10, [-1, 513, 9]),
        (b"J\x01\x02\x03", 0, []),  # one byte less than the number has
        (b"K\x07G\0\0\0\0\0\0\0\0", 2, [7]),
    ):
        found = []
        assert (read_run(frame, place=0, stack=found, memo={}), found) == (place, stack)


def test_so_many_opcodes_are_looked_up_and_no_more():
    counted = Counted({1: len}, 2)
    assert (counted[1], counted[1]) == (len, len)
    with pytest.raises(Refused, match="too many objects"):
        counted[1]


def test_both_ways_give_the_same_model():
    data = model()
    assert dump(loads(data)) == dump(one_by_one(data)) == data


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_a_file_cut_off_or_changed_anywhere_is_refused_by_the_same_words(part):
    data = model()

    def said(way, torn: bytes) -> str:
        try:
            return str(pickle.dumps(way(torn)))
        except Refused as error:
            return str(error)

    for place in range(part, len(data), 41):
        for torn in (data[:place], data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :]):
            assert said(loads, torn) == said(one_by_one, torn)
