"""The exam's looks count wins and losses: another metric than accuracy is refused there by name, and costs nothing."""

from mlgate.errors import MlgateError
from mlgate.exam.attempt import policy_of
from mlgate.root import Root

import pytest


def test_a_gate_toml_with_another_metric_is_refused_by_the_exam(tmp_path):
    (tmp_path / "gate.toml").write_text('[decision]\nmetric = "macro_f1"\n')
    with pytest.raises(MlgateError, match=r"metric = .macro_f1. is for `mlgate judge`; .*mlgate judge --metric\."):
        policy_of(Root(tmp_path))
    (tmp_path / "gate.toml").write_text('[decision]\nmetric = "accuracy"\n')
    assert policy_of(Root(tmp_path)).metric == "accuracy"
