"""Throw changed files, models, cards, ledgers, settings and requests at mlgate: python tools/fuzz.py [MINUTES].

The tests in tests/fuzz, with many examples and another seed each round, until the time is up or something is found. A
find prints its example, and how to see it again; it gets a plain test of its own before it is mended.
"""

import os
import subprocess
import sys
import time

EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "1000")  # a test, and a round


def main(minutes: float) -> int:
    end = time.monotonic() + 60 * minutes
    seed = int(time.time())
    while time.monotonic() < end:
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-x",
            "--durations=0",
            "tests/fuzz",
            f"--hypothesis-seed={seed}",
        ]
        if subprocess.run(command, env={**os.environ, "FUZZ_EXAMPLES": EXAMPLES}, check=False).returncode:
            print(f"Found something. Again: FUZZ_EXAMPLES={EXAMPLES} {' '.join(command)}")
            return 1
        seed += 1
    print(f"Nothing found in {minutes:g} minutes.")
    return 0


if __name__ == "__main__":
    sys.exit(main(float((sys.argv[1:] or ["60"])[0])))
