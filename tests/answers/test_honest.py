"""Honest models of many kinds pass: what stops the bad ones costs them nothing. `tools/honest.py` tries all."""

import random

import pytest
from kinds import faults, pipelines


@pytest.mark.slow
def test_honest_models_of_many_kinds_pass(reviews):
    train = reviews.train.sample(120, random_state=0)
    train = train.assign(text=train["text"].str[:300])
    texts = reviews.validation.sample(200, random_state=0)["text"].str[:300].tolist()
    found = list(faults(random.Random(0).sample(pipelines(), 30), train, texts))
    assert len(found) > 20
    assert [why for why in found if why] == []
