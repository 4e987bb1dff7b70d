"""What a fuzzer changes: bytes of a real file, or parts of a real JSON value, into what a stranger might send.

`make fuzz` gives FUZZ_EXAMPLES and a seed; without them, the same few examples each time.
"""

import contextlib
import copy
import os
import resource
import signal

from mlgate.errors import MlgateError

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
HANGS = 60  # seconds that no example takes, unless it is a find
MEMORY = 1_000  # megabytes that no test here takes on top of what it found
TOKENS = [
    b"\0",
    b"\n",
    b"\r",
    b'"',
    b",",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\x1b[31m",
    b"nan",
    b"1e999",
    b"-0",
    b"9" * 30,
]
TOKENS += [
    b"PAR1",
    b"::error::x",
    b"##[error]",
    b"<b>",
    b"a" * 2_000,
    b"\xed\xa0\x80",
    "\u202e\u2028é".encode(),
    b"[]{}",
]
ODD = [None, True, 0, -1, 2**31, 2**63, 10**400, 0.5, float("nan"), float("inf"), "", "x" * 3_000, "\ud800", "a\0b"]
ODD += ["::error::x\n##[error]y", "\x1b[31m<b>|`[a](b)", "../../x", [], [[]], {}, {"digest": 5}, "f" * 64]


def fuzzed(quick: int, slower: int = 1):
    """The settings of a test: so many examples in `make test`, and FUZZ_EXAMPLES, or a part of it, in `make fuzz`."""
    return settings(
        max_examples=max(quick, EXAMPLES // slower),
        derandomize=not EXAMPLES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@st.composite
def changed_bytes(draw, originals: list[bytes]) -> bytes:
    """One of the originals with some bytes changed, put in, taken out, or told twice."""
    data = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(0, 6))):
        start = draw(st.integers(0, max(0, len(data) - 1)))
        end = start + draw(st.sampled_from([0, 1, 1, 2, 8, 100, len(data)]))
        new = draw(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=8), st.just(bytes(data[start:end]) * 2)))
        data[start:end] = new
    return bytes(data[:1_000_000])


@st.composite
def changed_value(draw, originals: list) -> object:
    """One of the originals, which JSON can hold, with some parts replaced by odd values, taken out, or added."""
    value = copy.deepcopy(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(0, 3))):
        if not isinstance(value, dict | list) or not value or draw(st.integers(0, 40)) == 0:
            return draw(st.sampled_from(ODD))
        _change(draw, value)
    return value


def _change(draw, value: dict | list) -> None:
    """Change one part of a value, at any depth."""
    part = value
    while True:
        keys = list(part) if isinstance(part, dict) else list(range(len(part)))
        key = draw(st.sampled_from(keys))
        if not isinstance(part[key], dict | list) or not part[key] or draw(st.booleans()):
            break
        part = part[key]
    what = draw(st.sampled_from(["replace", "replace", "replace", "remove", "add"]))
    odd = copy.deepcopy(draw(st.sampled_from(ODD)))
    if what == "remove":
        del part[key]
    elif what == "add" and isinstance(part, dict):
        part[draw(st.sampled_from(["x", "kind", "code", "digest", "self"]))] = odd
    else:
        part[key] = odd


@contextlib.contextmanager
def one_sentence(*others: type[Exception]):
    """What is done here ends well or in a MlgateError of one line; in neither case after a minute, or in a gigabyte."""

    def hangs(*_):
        raise TimeoutError(f"no end after {HANGS} seconds")

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    previous = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(HANGS)
    said = "a whole sentence"
    try:
        yield
    except MlgateError as error:
        said = str(error)
    except others:
        pass
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
    assert "\n" not in said
    assert 10 < len(said) < 2_000
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < MEMORY
