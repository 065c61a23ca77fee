"""Whether one reading of a batch is better than another by more than chance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIGMAS = 5.0  # once in 3.5 million by chance

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Margin:
    """Two readings of the same rows compared, each place counted once.

    Attributes
    ----------
    before, after
        Rows that are right by the first and by the second reading.
    lost, gained
        Places that are right by the first reading only, and by the second only.
    """

    before: int
    after: int
    lost: int
    gained: int

    @classmethod
    def between(cls, before: Flags, after: Flags, place: NDArray[np.int64]) -> "Margin":
        """Compare readings; `place` numbers the place of each row, so that a pile is one witness."""
        change = np.bincount(place, weights=after.astype(np.float64) - before)
        return cls(int(before.sum()), int(after.sum()), int((change < 0).sum()), int((change > 0).sum()))

    @property
    def sigmas(self) -> float:
        """How far the gain is beyond chance: McNemar's test of paired answers, (b - c) / √(b + c)."""
        changed = self.lost + self.gained
        return (self.gained - self.lost) / changed**0.5 if changed else 0.0

    @property
    def is_clear(self) -> bool:
        """Whether chance does not explain the gain."""
        return self.sigmas >= SIGMAS
