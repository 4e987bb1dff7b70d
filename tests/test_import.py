"""`import mlgate` and `mlgate.judge` change nothing in a process; what trains or opens models pins the arithmetic."""

import json
import os
import subprocess
import sys

from mlgate.pinned import arithmetic

import pytest

NAMES = tuple(arithmetic())
SAY = "print(json.dumps(dict(os.environ)))"


def environment_after(code: str) -> dict[str, str]:
    """The environment of a process that ran this code, in which nobody had pinned anything."""
    clean = {name: value for name, value in os.environ.items() if name not in NAMES}
    command = [sys.executable, "-c", f"import json, os, sys\n{code}\n{SAY}"]
    done = subprocess.run(command, env=clean, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_the_import_and_a_verdict_change_nothing():
    code = "before = dict(os.environ)\nimport mlgate\nassert 'numpy' not in sys.modules\n"
    code += "mlgate.judge(['a', 'b'] * 9, ['a', 'b'] * 9, ['b', 'b'] * 9)\nassert dict(os.environ) == before"
    assert set(environment_after(code)) & set(NAMES) == set()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["recipes", "service"])
def test_what_trains_or_opens_models_pins_the_arithmetic(name):
    found = environment_after(f"from mlgate import {name}")
    assert {key: found.get(key) for key in NAMES} == arithmetic()


@pytest.mark.slow
def test_where_numpy_came_first_nothing_is_pinned():
    assert set(environment_after("import numpy\nfrom mlgate import recipes, service")) & set(NAMES) == set()
