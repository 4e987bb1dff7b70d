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
    tried = turned_away = 0
    for why in faults(pipelines(), rows, texts):
        tried += 1
        if why:
            turned_away += 1
            print(why)
    each = (time.perf_counter() - begun) / tried
    print(f"{tried:,} honest models, {each:.2f} s each to fit, open and ask; turned away: {turned_away}")
    raise SystemExit(bool(turned_away))


if __name__ == "__main__":
    main()
