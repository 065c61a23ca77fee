"""Edges in groups, and exact distances from points to groups in the metric of the point."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.measure import metres_per_degree

SMALLEST_PIECE = 16  # edges a piece holds at least; larger groups have about as many pieces as edges in each
TOUCHING_M = 1e-6  # nearer than this GEOS is asked whether the point is on the edge
BESIDE_M = 1e-9  # what "beside the edge" is at least: finer than doubles can tell places apart
PAIRS_AT_ONCE = 1 << 18  # bounds the memory of one step


def expand(starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Concatenate the ranges `starts[i] … starts[i] + counts[i] - 1`."""
    total = np.cumsum(counts)
    if len(total) == 0:
        return np.empty(0, dtype=np.int64)
    return np.arange(total[-1]) + np.repeat(starts - (total - counts), counts)


@dataclass(frozen=True, slots=True)
class Scaled:
    """Points with the metres per degree that hold at each of them."""

    points: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def of(cls, points: NDArray[np.float64]) -> "Scaled":
        """Take the scale of each point's own latitude; shape (n, 2)."""
        # A contiguous copy: the same loop for one point as for many, so that both give the same bits.
        m_lon, m_lat = metres_per_degree(np.ascontiguousarray(points[:, 1]))
        return cls(points, np.column_stack([m_lon, m_lat]))

    def boxes(self, radius_m: NDArray[np.float64] | float) -> NDArray[np.object_]:
        """Boxes in degrees that hold every place within the radius; a little larger, never smaller."""
        # At the poles the scale vanishes and any longitude is within reach.
        half = np.minimum((np.reshape(radius_m, (-1, 1)) + TOUCHING_M) / np.maximum(self.scale, 1e-3), 1e6)
        low, high = self.points - half, self.points + half
        return shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1])


@dataclass(frozen=True, slots=True)
class EdgeGroups:
    """Edges sorted by group, cut into pieces with boxes so that far ones need not be looked at.

    `edges` is (m, 4): a_lon, a_lat, b_lon, b_lat with a < b, so that an edge gives the same bits from both
    sides; `forward` tells that the group's ground lies left of a → b. Group g has the pieces
    `first_piece[g] … first_piece[g + 1] - 1`, piece k the edges `first_edge[k] … first_edge[k + 1] - 1`.
    """

    edges: NDArray[np.float64]
    forward: NDArray[np.bool_]
    first_edge: NDArray[np.int64]
    first_piece: NDArray[np.int64]
    boxes: NDArray[np.float64]

    @classmethod
    def build(
        cls,
        edges: NDArray[np.float64],
        forward: NDArray[np.bool_],
        group: NDArray[np.int64],
        n_groups: int,
    ) -> "EdgeGroups":
        """Sort edges into groups; within a group their order stays, so pieces are runs along a ring."""
        if (np.diff(group) < 0).any():
            order = np.argsort(group, kind="stable")
            edges, forward, group = edges[order], forward[order], group[order]
        count = np.bincount(group, minlength=n_groups)
        # About the square root: then a group of n edges costs about 2 √n to search.
        length = np.maximum(np.ceil(np.sqrt(count)).astype(np.int64), SMALLEST_PIECE)
        pieces = -(-count // length)
        first_piece = np.r_[0, np.cumsum(pieces)]
        nth = expand(np.zeros(n_groups, dtype=np.int64), pieces)
        begin = np.repeat(np.cumsum(count) - count, pieces) + nth * np.repeat(length, pieces)
        boxes = np.empty((len(begin), 4))
        if len(begin):
            low = np.minimum(edges[:, :2], edges[:, 2:])
            boxes[:, :2] = np.minimum.reduceat(low, begin)
            high = np.maximum(edges[:, :2], edges[:, 2:])
            boxes[:, 2:] = np.maximum.reduceat(high, begin)
        return cls(edges, forward, np.r_[begin, len(edges)].astype(np.int64), first_piece, boxes)

    def distances(
        self, at: Scaled, point: NDArray[np.int64], group: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Metres from points to the nearest edge of a group, pair by pair.

        Parameters
        ----------
        at
            The points.
        point, group
            The pairs, shape (k,): a position in `at` and a group.

        Returns
        -------
        distances
            Shape (k,). 0.0 exactly where the point is on an edge as GEOS decides it, else positive; NaN for a
            group without edges.
        """
        found = np.full(len(point), np.nan)
        pair, _, metres = self.nearest_edges(at, point, group, 0.0)
        found[pair] = metres  # several edges at the same distance say the same
        return found

    def nearest_edges(
        self, at: Scaled, point: NDArray[np.int64], group: NDArray[np.int64], margin_m: float
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Give for each pair the edges no farther than its nearest plus the margin: pair, edge, metres.

        Sorted by pair; the first two columns index the pairs given and `edges`.
        """
        found = [(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))]
        for part in self.parts(group):
            pair, edge, metres = self._nearest_edges(at, point[part], group[part], margin_m)
            found.append((part.start + pair, edge, metres))
        pair, edge, metres = (np.concatenate(column) for column in zip(*found, strict=True))
        return pair, edge, metres

    def _nearest_edges(
        self, at: Scaled, point: NDArray[np.int64], group: NDArray[np.int64], margin_m: float
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        pair, piece = self._pieces(group)
        # A piece can't be nearer than its box, and holds a vertex that bounds the nearest from above.
        least = self._metres_to_boxes(at, point[pair], piece)
        some = self.edges[self.first_edge[piece], :2] - at.points[point[pair]]
        most = np.sqrt(((some * at.scale[point[pair]]) ** 2).sum(axis=1))
        bound = _least_of(pair, most, len(group))
        keep = least <= bound[pair] * (1 + 1e-9) + margin_m + TOUCHING_M
        pair, edge = self._edges(pair[keep], piece[keep])
        metres = self.metres_to_edges(at, point[pair], edge)
        bound = _least_of(pair, metres, len(group))
        keep = metres <= bound[pair] + margin_m
        return pair[keep], edge[keep], metres[keep]

    def edges_within(
        self, at: Scaled, point: NDArray[np.int64], group: NDArray[np.int64], radius_m: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give for each pair all edges that may come within the radius, and some farther ones: pair, edge."""
        pair, piece = self._pieces(group)
        keep = self._metres_to_boxes(at, point[pair], piece) <= radius_m[pair]
        return self._edges(pair[keep], piece[keep])

    def metres_to_edges(
        self, at: Scaled, point: NDArray[np.int64], edge: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Metres from points to edges, pair by pair; 0.0 only on the edge."""
        here, scale, ends = at.points[point], at.scale[point], self.edges[edge]
        ax, ay = ((ends[:, :2] - here) * scale).T
        bx, by = ((ends[:, 2:] - here) * scale).T
        ex, ey = ((ends[:, 2:] - ends[:, :2]) * scale).T
        along, length2 = -(ax * ex + ay * ey), ex * ex + ey * ey
        beside = (along > 0) & (along < length2)
        metres = np.sqrt(np.minimum(ax * ax + ay * ay, bx * bx + by * by))
        metres[beside] = (np.abs(ax * ey - ay * ex)[beside]) / np.sqrt(length2[beside])
        close = np.flatnonzero(metres < TOUCHING_M)
        if len(close):
            lines = shapely.linestrings(ends[close].reshape(-1, 2, 2))
            on = shapely.intersects_xy(lines, here[close, 0], here[close, 1])
            metres[close] = np.where(on, 0.0, np.maximum(metres[close], BESIDE_M))
        return metres

    def parts(self, group: NDArray[np.int64]) -> list[slice]:
        """Cut pairs into runs of bounded work."""
        work = np.cumsum(self.first_piece[group + 1] - self.first_piece[group] + SMALLEST_PIECE)
        cuts = np.searchsorted(work, np.arange(PAIRS_AT_ONCE, work[-1], PAIRS_AT_ONCE)) if len(work) else []
        ends = np.unique(np.r_[0, cuts, len(group)]).astype(np.int64)
        return [slice(a, b) for a, b in pairwise(ends.tolist())]

    def _pieces(self, group: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        first = self.first_piece[group]
        count = self.first_piece[group + 1] - first
        return np.repeat(np.arange(len(group)), count), expand(first, count)

    def _edges(
        self, pair: NDArray[np.int64], piece: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        first = self.first_edge[piece]
        count = self.first_edge[piece + 1] - first
        return np.repeat(pair, count), expand(first, count)

    def _metres_to_boxes(
        self, at: Scaled, point: NDArray[np.int64], piece: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        here, box = at.points[point], self.boxes[piece]
        off = np.maximum(np.maximum(box[:, :2] - here, here - box[:, 2:]), 0.0) * at.scale[point]
        return np.sqrt((off**2).sum(axis=1))


def _least_of(pair: NDArray[np.int64], metres: NDArray[np.float64], n_pairs: int) -> NDArray[np.float64]:
    """Least value of each pair; `pair` ascends."""
    least = np.full(n_pairs, np.inf)
    if len(pair):
        starts = np.flatnonzero(np.r_[True, pair[1:] != pair[:-1]])
        least[pair[starts]] = np.minimum.reduceat(metres, starts)
    return least
