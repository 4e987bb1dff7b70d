"""What probing two models without a label gave."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Probes:
    """What probing gave. brittle: for each change, in how many of `texts` it changed the answer of one model alone:
    (the candidate's, production's).

    cannot_answer: the first edge case that production answers and the candidate does not, and why; None where there is
    none. seconds: medians for TIMED texts, of production and candidate, asked in turn.
    """

    texts: int
    brittle: dict[str, tuple[int, int]]
    cannot_answer: str | None
    seconds: tuple[float, float]

    @property
    def slower(self) -> float:
        """How many times as long as production the candidate takes."""
        return self.seconds[1] / max(self.seconds[0], 1e-9)
