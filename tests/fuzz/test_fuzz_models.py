"""Changed bytes of a model file are refused or answer, and no foreign code in them runs."""

from mlgate import artifacts
from mlgate.artifacts import Limits

import pytest
from crashes import Evil, tiny_bytes
from hypothesis import given
from hypothesis import strategies as st
from mutations import changed_bytes, fuzzed, one_sentence

LIMITS = Limits(memory=1_000_000_000, seconds=20)


@pytest.fixture(scope="module")
def marker(tmp_path_factory):
    return tmp_path_factory.mktemp("models") / "marker"


@pytest.mark.slow
def test_changed_bytes_of_models(marker):
    evil = bytes(Evil(marker))

    @fuzzed(20, slower=20)
    @given(data=changed_bytes([tiny_bytes(), tiny_bytes(2.0)]), place=st.one_of(st.none(), st.integers(0, 10_000)))
    def load(data, place):
        if place is not None:  # a pickle of foreign code, somewhere
            data = data[:place] + evil[2:-1] + data[place:]
        model = artifacts.load(data, LIMITS)
        if model.fault:
            assert "\n" not in model.fault
        else:
            with one_sentence(), artifacts.fenced(model) as asked:
                asked.answer(["good film", ""])
        assert not marker.exists()

    load()
