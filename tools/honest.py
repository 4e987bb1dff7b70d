"""Every kind of honest model that tests/helpers knows, more than a thousand, before what stops the bad ones.

Says which are turned away, and how long one takes. Usage: PYTHONPATH=tests/helpers python tools/honest.py
"""

import time

from mlgate import corpus

from kinds import faults, pipelines


def main() -> None:
    rows = corpus.split("train").sample(300, random_state=0)
    texts = corpus.split("validation").sample(500, random_state=0)["text"].tolist()
    begun = time.perf_counter()
    found = list(faults(pipelines(), rows, texts))
    wrong = [why for why in found if why]
    print(*wrong, sep="\n")
    each = (time.perf_counter() - begun) / len(found)
    print(f"{len(found):,} honest models, {each:.2f} s each to fit, open and ask; turned away: {len(wrong)}")
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
