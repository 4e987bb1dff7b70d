"""Promise 9: a look that ends in PROMOTE is given back, and a whole life sees a baseless one at most alpha often."""

from mlgate.root import Policy
from mlgate.selftest import lives


def test_over_a_life_baseless_promotions_are_rare_and_true_ones_are_not():
    found = lives.count(Policy(), times=1_000)
    assert lives.problems(found) == []
    half = found["lines"][-1]
    assert half["share"] == 0.5
    assert half["true"] >= 16  # of 20
    assert 8 < half["closed"] < 10.5  # what a team would get if each look were spent for good
    assert "| 50% |" in "\n".join(lives.markdown(found))


def test_a_rule_that_spends_alpha_at_each_look_is_found_out():
    baseless, _ = lives.live(Policy(alpha=0.5, looks=10), better=0.0, times=500)
    wrong = int((baseless > 0).sum())
    lines = [{"share": 0.0, "wrong": wrong, "true": 0.0, "closed": 0.0}]
    assert len(lives.problems({"times": 500, "alpha": 0.05, "lines": lines})) == 1
