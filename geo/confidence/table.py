"""What is told: the shares of one point, and of many as columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Share(NamedTuple):
    """One owner's share in the error circle (-1: ground without a grid) and the metres to its ground."""

    owner: int
    share: float
    distance_m: float


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of many points: those of point i are the rows `first[i] … first[i + 1] - 1`, largest first."""

    first: NDArray[np.int64]
    owner: NDArray[np.int64]
    share: NDArray[np.float64]
    distance_m: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.first) - 1

    def __getitem__(self, point: int) -> list[Share]:
        rows = slice(*self.first[range(len(self))[point] :][:2])
        columns = (self.owner[rows].tolist(), self.share[rows].tolist(), self.distance_m[rows].tolist())
        return [Share(*row) for row in zip(*columns, strict=True)]

    def of(self, owners: ArrayLike) -> NDArray[np.float64]:
        """Give each point's share of one owner, shape (n,): 0 if not listed, NaN without accuracy."""
        count = np.diff(self.first)
        point = np.repeat(np.arange(len(self)), count)
        share = np.where(count > 0, 0.0, np.nan)
        mine = self.owner == np.asarray(owners)[point]
        share[point[mine]] = self.share[mine]
        return share


@dataclass(frozen=True, slots=True)
class Columns:
    """Rows of the table before they are cut by point; `point` ascends."""

    point: NDArray[np.int64]
    owner: NDArray[np.int64]
    share: NDArray[np.float64]
    distance_m: NDArray[np.float64]

    @classmethod
    def empty(cls) -> "Columns":
        """No rows."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.empty(0))

    @classmethod
    def joined(cls, parts: "Sequence[Columns]") -> "Columns":
        """Put rows below rows, then by point, those of one point in the order given."""
        point = np.concatenate([one.point for one in parts])
        order = np.argsort(point, kind="stable")
        return cls(
            point[order],
            np.concatenate([one.owner for one in parts])[order],
            np.concatenate([one.share for one in parts])[order],
            np.concatenate([one.distance_m for one in parts])[order],
        )

    def of(self, points: NDArray[np.int64]) -> "Columns":
        """Number the points anew."""
        return Columns(points[self.point], self.owner, self.share, self.distance_m)

    def table(self, n_points: int) -> Shares:
        """Cut by point."""
        first = np.searchsorted(self.point, np.arange(n_points + 1))
        return Shares(first, self.owner, self.share, self.distance_m)
