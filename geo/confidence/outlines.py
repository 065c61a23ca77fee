"""The outline way: all edges of every ground near a point, exact also on borders and without a coverage."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import owens_t

from geo.confidence.law import LISTED_FROM, Law
from geo.confidence.table import Columns
from geo.locator import Locator
from geo.locator.edges import TOUCHING_M, EdgeGroups, Scaled, slices


def shares_by_outlines(
    locator: Locator, points: NDArray[np.float64], accuracy: NDArray[np.float64], law: Law
) -> Columns:
    """Give what is told of many points."""
    grounds = locator.grounds
    sigma, reach = accuracy / law.sigmas, accuracy * law.reach
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
    return Columns(point[order], owner[order], share[order], metres[order])


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
        ends = borders.ends(edge).reshape(-1, 2, 2) - at.points[here, None]
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
