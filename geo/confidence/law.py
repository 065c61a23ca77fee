"""The law of errors: how the true place lies around the reported one."""

from dataclasses import dataclass
from math import log1p, sqrt

from geo.errors import MalformedAccuracy

ANDROID_QUANTILE = 0.68
REACH = 5.0  # sigmas; all that lies farther holds exp(-REACH²/2) = 4 millionths
LISTED_FROM = 0.005  # shares that round to a hundredth are told wherever the ground lies
FINEST_M = 0.001  # an accuracy below the lattice step says no more than the step


@dataclass(frozen=True, slots=True)
class Law:
    """A circular normal law: `accuracy / sigmas` is its sigma, what is within `accuracy * reach` counts."""

    sigmas: float
    reach: float

    @classmethod
    def of(cls, quantile: float) -> "Law":
        """Take the law whose circle of the accuracy's radius holds a part `quantile` of the true places."""
        if not 0 < quantile < 1:
            raise MalformedAccuracy(f"A quantile lies between 0 and 1, not at {quantile}.")
        sigmas = sqrt(-2 * log1p(-quantile))
        return cls(sigmas, max(1.0, REACH / sigmas))


ANDROID = Law.of(ANDROID_QUANTILE)
