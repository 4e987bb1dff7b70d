"""A real service under load while production is swapped a thousand times: failed requests, slowest swap, memory.

One swap in twenty is followed by a file of garbage, as a careless copy leaves it. Usage: soak.py [swaps]
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from servers import Load, make_root, moved, put, served, tiny

WARM = 50  # swaps until memory is measured first


def main() -> None:
    swaps = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    seconds, memory = [], []
    with tempfile.TemporaryDirectory() as folder:
        root = make_root(Path(folder) / "root")
        put(root, tiny(), "bootstrap")
        with served(root) as server, Load(server, clients=4) as load:
            for number in range(swaps):
                begun = time.perf_counter()
                server.until_serving(put(root, tiny(C=1 + number / swaps)))
                seconds.append(time.perf_counter() - begun)
                if number % 20 == 0:
                    root.production.write_bytes(os.urandom(5_000))
                    server.until_refused("is in production")
                if number >= WARM:
                    memory.append(server.metric("process_resident_memory_bytes") / 1e6)
        unknown = {digest for _, digest in load.seen} - moved(root)
    print(f"{swaps:,} swaps, {len(load.seen):,} answers, {len(load.failed)} failed, {len(unknown)} by an unknown model")
    print(f"seconds until a swap is seen: median {statistics.median(seconds):.2f}, slowest {max(seconds):.2f}")
    print(f"memory: {memory[0]:.0f} MB after {WARM} swaps, {memory[-1]:.0f} MB at the end")
    sys.exit(bool(load.failed or unknown or max(seconds) > 1))


if __name__ == "__main__":
    main()
