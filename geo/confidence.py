"""How sure an answer is, given how exact the position is: the share of each owner in the GPS error.

Model
-----
The true place is distributed around the reported one by a circular normal law: the prior over ground is flat,
so no place is likelier because more reports come from there. The reported accuracy is taken as the radius
that holds the true place with 68 % probability, as Android defines it (`Location.getAccuracy()`: "the
estimated horizontal accuracy radius in meters … at the 68th percentile confidence level"; iOS's
`horizontalAccuracy` is used alike). The W3C Geolocation specification asks browsers for 95 % instead, but
browsers hand on what the platform reports; whoever knows better passes `quantile=0.95`. The radius of a
circular normal is Rayleigh distributed, hence sigma = accuracy / sqrt(-2 ln(1 - quantile)): accuracy / 1.5096
at 68 %, accuracy / 2.4477 at 95 %.

Method
------
No sampling. The mass of the law over a polygon is a sum over its edges: the triangle between the point and an
edge at perpendicular distance h holds Δθ/2π - [T(h/σ, tan φ)] taken between the edge's ends, where T is
Owen's function (Owen 1956, Tables for computing bivariate normal probabilities, Ann. Math. Statist. 27) and
φ the angle from the perpendicular. The angles of a whole ring sum to the part of a full turn that the ground
takes around the point (1 inside, 0 outside, a half on a straight border), known without computing them, so
only edges within REACH sigmas matter.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import owens_t

from geo.errors import MalformedAccuracy
from geo.locator import Locator
from geo.locator.edges import TOUCHING_M, EdgeGroups, Scaled, slices
from geo.locator.intake import checked_point, checked_points

ANDROID_QUANTILE = 0.68
REACH = 5.0  # sigmas; all that lies farther holds exp(-REACH²/2) = 4 millionths
LISTED_FROM = 0.005  # shares that round to a hundredth are told wherever the ground lies
FINEST_M = 0.001  # an accuracy below the lattice step says no more than the step
POINTS_AT_ONCE = 1 << 14  # bounds the memory of one step


@dataclass(frozen=True, slots=True)
class Share:
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


def shares(
    locator: Locator, lon: float, lat: float, accuracy_m: float, quantile: float = ANDROID_QUANTILE
) -> list[Share]:
    """Tell whose ground a reported position may truly be on.

    Parameters
    ----------
    locator
        The faces in force.
    lon, lat
        The reported position, degrees.
    accuracy_m
        Radius that holds the true place with probability `quantile`, metres; 0 and NaN mean "not known".
    quantile
        Between 0 and 1.

    Returns
    -------
    shares
        Largest share first, then nearest, then by precedence; empty where the accuracy is not known. Every
        owner is listed whose ground lies within `accuracy_m`, or whose share rounds to 0.01 or more; owner
        -1 stands for all ground without a grid, gaps and the outside. Shares are good to about 1e-5.

    Raises
    ------
    MalformedPoints
        Not finite numbers.
    MalformedAccuracy
        Negative or infinite accuracy, or an impossible quantile.

    Notes
    -----
    The model and its sources are at the top of this file.
    """
    return shares_many(locator, checked_point(lon, lat), [accuracy_m], quantile)[0]


def shares_many(
    locator: Locator, points: ArrayLike, accuracy_m: ArrayLike, quantile: float = ANDROID_QUANTILE
) -> Shares:
    """Tell for many reported positions whose ground each may truly be on; bit for bit as `shares` does.

    Parameters
    ----------
    locator
        The faces in force.
    points
        lon/lat degrees, shape (n, 2).
    accuracy_m
        Metres, shape (n,) or one for all; 0 and NaN mean "not known".
    quantile
        Between 0 and 1.

    Returns
    -------
    shares

    Raises
    ------
    MalformedPoints
        Not finite pairs of numbers.
    MalformedAccuracy
        Negative or infinite accuracy, not one for each point, or an impossible quantile.
    """
    points = checked_points(points)
    accuracy = _checked_accuracy(accuracy_m, len(points))
    if not 0 < quantile < 1:
        raise MalformedAccuracy(f"A quantile lies between 0 and 1, not at {quantile}.")
    known = np.flatnonzero(accuracy > 0)
    parts = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.empty(0))]
    for begin in range(0, len(known), POINTS_AT_ONCE):
        some = known[begin : begin + POINTS_AT_ONCE]
        point, *columns = _listed(locator, points[some], np.maximum(accuracy[some], FINEST_M), quantile)
        parts.append((some[point], *columns))
    point, owner, share, metres = (np.concatenate(column) for column in zip(*parts, strict=True))
    first = np.searchsorted(point, np.arange(len(points) + 1))
    return Shares(first, owner, share, metres)


def _checked_accuracy(accuracy_m: ArrayLike, n_points: int) -> NDArray[np.float64]:
    try:
        accuracy = np.broadcast_to(np.asarray(accuracy_m, dtype=np.float64), (n_points,))
    except (TypeError, ValueError):
        raise MalformedAccuracy("Expected one accuracy in metres for each point.") from None
    if (accuracy < 0).any() or np.isinf(accuracy).any():
        raise MalformedAccuracy("An accuracy is negative or infinite.")
    return accuracy


def _listed(
    locator: Locator, points: NDArray[np.float64], accuracy: NDArray[np.float64], quantile: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Give point, owner, share and distance of all that is listed, in the order in which it is told."""
    grounds = locator.grounds
    sigma = accuracy / np.sqrt(-2 * np.log1p(-quantile))
    reach = np.maximum(accuracy, REACH * sigma)
    point, ground = locator.grounds_near(points, reach)
    # The outside comes last, as everywhere; it is looked at for every point.
    point = np.concatenate([point, np.arange(len(points))])
    ground = np.concatenate([ground, np.full(len(points), grounds.outside)])
    covered = locator.covers(points, point, ground)
    share, metres = np.empty(len(point)), np.empty(len(point))
    for part in slices(len(ground)):
        near = Near.edges(grounds.borders, Scaled.of(points), point[part], ground[part], reach)
        share[part] = near.masses(sigma, covered[part])
        metres[part] = np.where(covered[part], 0.0, near.distances())
    rank = np.r_[grounds.first_face, len(locator)][ground]
    point, owner, share, metres, rank = _ownerless_together(
        point, grounds.owners[ground], share, metres, rank
    )
    keep = (share >= LISTED_FROM) | (metres <= accuracy[point])
    point, owner, share, metres, rank = (c[keep] for c in (point, owner, share, metres, rank))
    order = np.lexsort((rank, metres, -share, point))
    return point[order], owner[order], share[order], metres[order]


def _ownerless_together(
    point: NDArray[np.int64],
    owner: NDArray[np.int64],
    share: NDArray[np.float64],
    metres: NDArray[np.float64],
    rank: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Put gaps without a grid into the row of the outside, which is there for each point, at the end."""
    gap = np.flatnonzero(owner[: len(owner) - point[-1] - 1] < 0) if len(point) else point
    outside = len(point) - 1 - point[-1] + point[gap] if len(point) else point
    share, metres = share.copy(), metres.copy()
    np.add.at(share, outside, share[gap])
    np.fmin.at(metres, outside, metres[gap])
    kept = np.ones(len(point), dtype=np.bool_)
    kept[gap] = False
    return point[kept], owner[kept], np.clip(share[kept], 0.0, 1.0), metres[kept], rank[kept]


@dataclass(frozen=True, slots=True)
class Near:
    """Edges near points: for pairs of a point and a ground, row by row, an edge of the ground.

    `ends` are a and b of each edge in metres from its point, (k, 2, 2); `forward` tells that the ground lies
    left of a → b; `pair` ascends.
    """

    point: NDArray[np.int64]
    pair: NDArray[np.int64]
    ends: NDArray[np.float64]
    forward: NDArray[np.bool_]
    metres: NDArray[np.float64]

    @classmethod
    def edges(
        cls,
        borders: EdgeGroups,
        at: Scaled,
        point: NDArray[np.int64],
        ground: NDArray[np.int64],
        reach_m: NDArray[np.float64],
    ) -> "Near":
        """Take all edges within reach of each point, and some farther ones."""
        pair, edge = borders.edges_within(at, point, ground, reach_m[point])
        here = point[pair]
        ends = borders.edges[edge].reshape(-1, 2, 2) - at.points[here, None]
        ends *= at.scale[here, None]
        return cls(point, pair, ends, borders.forward[edge], borders.metres_to_edges(at, here, edge))

    def distances(self) -> NDArray[np.float64]:
        """Metres from each pair's point to the nearest of its edges; infinite without edges."""
        metres = np.full(len(self.point), np.inf)
        np.minimum.at(metres, self.pair, self.metres)
        return metres

    def masses(self, sigma: NDArray[np.float64], covered: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Mass of the normal law over each pair's ground; `covered` tells whether it covers the point."""
        beyond = np.where(self.metres < TOUCHING_M, 0.0, self._beyond(sigma[self.point[self.pair]]))
        return self._turns(covered) - np.bincount(self.pair, weights=beyond, minlength=len(self.point))

    def _beyond(self, sigma: NDArray[np.float64]) -> NDArray[np.float64]:
        """Signed mass of the sector behind each edge, seen from the point."""
        (ax, ay), (ex, ey) = self.ends[:, 0].T, (self.ends[:, 1] - self.ends[:, 0]).T
        length = np.maximum(np.sqrt(ex * ex + ey * ey), TOUCHING_M)
        height = (ax * ey - ay * ex) / length / sigma
        start, end = (ax * ex + ay * ey) / length / sigma, length / sigma
        # An edge that points at us hides nothing.
        facing = np.abs(height) > 1e-12
        depth = np.where(facing, np.abs(height), 1.0)
        mass = owens_t(depth, (start + end) / depth) - owens_t(depth, start / depth)
        sign = np.where(facing, np.sign(height), 0.0)
        return np.where(self.forward, sign, -sign) * mass

    def _turns(self, covered: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Part of a full turn around each pair's point that its ground takes.

        Edges through the point send rays from it to their ends. Left of a ray begins a sector of the ground,
        or on its right one ends, so the sectors add up to the sum of the ends less that of the beginnings.
        """
        turn = covered.astype(np.float64)
        touching = np.flatnonzero(self.metres < TOUCHING_M)
        if len(touching) == 0:
            return turn
        pair, x, y = self.pair[touching], *self.ends[touching].transpose(2, 0, 1)
        rays = np.where(np.sqrt(x * x + y * y) >= TOUCHING_M, np.arctan2(y, x), 0.0)
        sectors = np.where(self.forward[touching], rays[:, 0] - rays[:, 1], rays[:, 1] - rays[:, 0])
        total = np.bincount(pair, weights=sectors, minlength=len(turn))
        turn[pair] = (total[pair] / (2 * np.pi)) % 1.0
        return turn
