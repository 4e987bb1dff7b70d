"""Whatever a program or a service says, it is answers, one a row, or one sentence about what is wrong."""

import json

from mlgate.answers.asked import Faulty
from mlgate.answers.commands import _answers
from mlgate.answers.protocols import PROTOCOLS, answers_in

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutations import changed_bytes, changed_value, fuzzed

OUTPUT = "".join(json.dumps({"id": n, "answer": f"é{n}", "scores": {"a": 0.5}}) + "\n" for n in range(3)).encode()
REPLIES = {
    "mlflow": {"predictions": ["a", 1, True]},
    "oip": {"model_name": "m", "model_version": "1", "outputs": [{"name": "x", "data": ["a", "b", "c"]}]},
    "openai": {"model": "m", "choices": [{"message": {"content": "a"}}]},
    "mlgate": {"model": {"digest": "f" * 64}, "predictions": [{"label": "a"}, {"label": "b"}, {"label": "c"}]},
}


def said(ask, count: int) -> None:
    fault = None
    answers = []
    try:
        answers = ask()
    except Faulty as error:
        fault = str(error)
    assert fault is None or (fault.isprintable() and len(fault) < 400)
    assert fault or len(answers) == count
    assert all(isinstance(answer, str) and answer for answer in answers)
    "".join(answers).encode()


@pytest.mark.slow
@fuzzed(60)
@given(changed_bytes([OUTPUT]), st.sampled_from([None, "a"]))
def test_output_of_a_program_is_answers_or_a_sentence(output, score):
    said(lambda: _answers(output, [0, 1, 2], score), 3)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_reply_of_a_service_is_answers_or_a_sentence(name):
    count = 1 if name == "openai" else 3
    said(lambda: answers_in(PROTOCOLS[name], REPLIES[name], count)[0], count)

    @fuzzed(60)
    @given(changed_value([REPLIES[name]]))
    def any_reply(reply):
        said(lambda: answers_in(PROTOCOLS[name], reply, count)[0], count)

    any_reply()
