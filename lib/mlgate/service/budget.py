"""Whether more requests fail by the service's own fault than its budget allows: the watch's detector, on failures.

A rate in a window says little at ten requests an hour, and a rate in two windows no more. Evidence grows with each
failure, however long the next one takes to come: four in a row are enough, or six in a hundred and twenty.
"""

from mlgate.watch import Band, Detector

import numpy as np

BUDGET = 0.001  # of the requests may fail
# What an alarm by chance costs at most, also at the budget's edge, in all workers together. A fast service answers a
# million requests in minutes, and three more zeros delay an alarm by one failure to a few.
REQUESTS_PER_FALSE_ALARM = 1_000_000_000
BETS = np.array([0.002, 0.005, 0.01, 0.03, 0.1, 0.3])  # the smallest: for a rate of few times the budget
BATCH = 512  # requests: a fraction of a millisecond in the event loop
OVER = 50  # failures: an alarm is over when so many would have come at its rate, and no other alarm has


class Budget:
    """What came of the last requests, in their order, and the evidence that too many of them failed."""

    def __init__(self) -> None:
        self.detector = Detector((Band(None, BUDGET),), np.array([REQUESTS_PER_FALSE_ALARM]), np.inf, BETS)
        self.waiting: list[bool] = []

    def count(self, status: int) -> None:
        """Take in what a request was answered with. Those at fault themselves (4xx) count neither way.

        Otherwise whoever sends nonsense could hide that all others fail.
        """
        if 400 <= status < 500:
            return
        self.waiting.append(status >= 500)
        if len(self.waiting) >= BATCH:
            self._take()

    def _take(self) -> None:
        values = np.array(self.waiting, dtype=float)
        self.waiting.clear()
        self.detector.add(values[:, None])

    def evidence(self) -> float:
        """Return the evidence, as a share of what an alarm needs."""
        self._take()
        return float(self.detector.evidence[0]) / REQUESTS_PER_FALSE_ALARM

    def burning(self) -> bool:
        """Return whether an alarm stands: the lower the rate of failures, the longer it does."""
        self._take()
        alarm = self.detector.alarms[0]
        return alarm is not None and (self.detector.rows - alarm.last) * alarm.mean < OVER
