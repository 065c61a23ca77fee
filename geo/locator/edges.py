"""Edges in groups, and exact distances from points to groups in the metric of the point."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.measure import metres_per_degree

FAN = 16  # children of a node
TOUCHING_M = 1e-6  # nearer than this GEOS is asked whether the point is on the edge
BESIDE_M = 1e-9  # what "beside the edge" is at least: finer than doubles can tell places apart
PAIRS_AT_ONCE = 1 << 14  # bounds the memory of one step


Shorts = NDArray[np.int32]


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
class Level:
    """Boxes over runs of boxes of the level below, or of edges below the lowest.

    Group g has the nodes `first_node[g] … first_node[g + 1] - 1`, node k the children `first_child[k] …
    first_child[k + 1] - 1`; `box` is (k, 4); `sample` is (k,), one of the edges under each node.
    """

    first_node: Shorts
    first_child: Shorts
    box: NDArray[np.float64]
    sample: Shorts

    @classmethod
    def lowest(cls, first: NDArray[np.int64], table: NDArray[np.float64], which: Shorts) -> "Level":
        """Put boxes over runs of edges of each group; group g has the edges ``which[first[g]:first[g + 1]]``."""
        first_node, begin = _runs(first)
        box = np.empty((len(begin), 4))
        if len(begin):
            a_lat, b_lat = table[which, 1], table[which, 3]
            box[:, 0] = np.minimum.reduceat(table[which, 0], begin)
            box[:, 1] = np.minimum.reduceat(np.minimum(a_lat, b_lat), begin)
            box[:, 2] = np.maximum.reduceat(table[which, 2], begin)
            box[:, 3] = np.maximum.reduceat(np.maximum(a_lat, b_lat), begin)
        return cls(first_node, np.r_[begin, first[-1]].astype(np.int32), box, which[begin])

    def over(self) -> "Level":
        """Put boxes over runs of the boxes of this level."""
        first_node, begin = _runs(self.first_node.astype(np.int64))
        box = np.empty((len(begin), 4))
        if len(begin):
            box[:, :2] = np.minimum.reduceat(self.box[:, :2], begin)
            box[:, 2:] = np.maximum.reduceat(self.box[:, 2:], begin)
        first_child = np.r_[begin, self.first_node[-1]].astype(np.int32)
        return Level(first_node, first_child, box, self.sample[begin])

    def nodes(self, group: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give all nodes of each group: position in `group`, node."""
        first = self.first_node[group]
        count = self.first_node[group + 1] - first
        return np.repeat(np.arange(len(group)), count), expand(first, count)

    def children(
        self, pair: NDArray[np.int64], node: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Replace each node by its children."""
        first = self.first_child[node]
        count = self.first_child[node + 1] - first
        return np.repeat(pair, count), expand(first, count)

    def metres_to_box(
        self, at: Scaled, point: NDArray[np.int64], node: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Nothing under a node is nearer to the point than this."""
        here, box = at.points[point], self.box[node]
        off = np.maximum(np.maximum(box[:, :2] - here, here - box[:, 2:]), 0.0) * at.scale[point]
        return np.sqrt((off**2).sum(axis=1))

    def metres_to_vertex(
        self, at: Scaled, point: NDArray[np.int64], node: NDArray[np.int64], table: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Something under a node is no farther from the point than this."""
        off = (table[self.sample[node], :2] - at.points[point]) * at.scale[point]
        return np.sqrt((off**2).sum(axis=1))


@dataclass(frozen=True, slots=True)
class EdgeGroups:
    """Edges sorted by group, with a packed tree of boxes over each group so that far ones are not looked at.

    `table` is (u, 4), each edge once: a_lon, a_lat, b_lon, b_lat with a < b, so that an edge gives the same bits from
    both sides; `which` is (m,), the edges of one group after the other; `forward` tells that the group's ground lies
    left of a → b. `top` is the level at which each group has few nodes enough to look at all.
    """

    table: NDArray[np.float64]
    which: Shorts
    forward: NDArray[np.bool_]
    levels: tuple[Level, ...]
    top: NDArray[np.int8]

    @classmethod
    def build(
        cls,
        table: NDArray[np.float64],
        which: Shorts,
        forward: NDArray[np.bool_],
        group: NDArray[np.int64],
        n_groups: int,
    ) -> "EdgeGroups":
        """Sort edges into groups, and large groups along a curve, so that boxes are small."""
        if (np.diff(group) < 0).any():
            order = np.argsort(group, kind="stable")
            which, forward, group = which[order], forward[order], group[order]
        count = np.bincount(group, minlength=n_groups)
        scattered = np.flatnonzero((count > FAN**2)[group])  # small groups keep the order along their rings
        if len(scattered):
            curve = _along_curve(table[which[scattered], :2])
            order = np.arange(len(group))
            order[scattered] = scattered[np.lexsort((curve, group[scattered]))]
            which, forward = which[order], forward[order]
        levels = [Level.lowest(np.r_[0, np.cumsum(count)], table, which)]
        top = np.zeros(n_groups, dtype=np.int8)
        while (many := np.diff(levels[-1].first_node) > FAN).any():
            levels.append(levels[-1].over())
            top[many] += 1
        return cls(table, which, forward, tuple(levels), top)

    def ends(self, edge: NDArray[np.int64]) -> NDArray[np.float64]:
        """Give a_lon, a_lat, b_lon, b_lat of edges by their places in `which`."""
        return self.table[self.which[edge]]

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

        Sorted by pair; the first two columns index the pairs given and `which`.
        """
        found = [(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))]
        for part in slices(len(group)):
            pair, edge, metres = self._nearest_edges(at, point[part], group[part], margin_m)
            found.append((part.start + pair, edge, metres))
        pair, edge, metres = (np.concatenate(column) for column in zip(*found, strict=True))
        return pair, edge, metres

    def _nearest_edges(
        self, at: Scaled, point: NDArray[np.int64], group: NDArray[np.int64], margin_m: float
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        pair, node = self._entry(group).nodes(group)
        for level in self._downward(group):
            # Under a node nothing is nearer than its box, and something is no farther than its vertex.
            least = level.metres_to_box(at, point[pair], node)
            most = _least_of(pair, level.metres_to_vertex(at, point[pair], node, self.table), len(group))
            keep = least <= most[pair] * (1 + 1e-9) + margin_m + TOUCHING_M
            pair, node = level.children(pair[keep], node[keep])
        metres = self.metres_to_edges(at, point[pair], node)
        keep = metres <= _least_of(pair, metres, len(group))[pair] + margin_m
        return pair[keep], node[keep], metres[keep]

    def edges_within(
        self, at: Scaled, point: NDArray[np.int64], group: NDArray[np.int64], radius_m: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give for each pair all edges that may come within the radius, and some farther ones: pair, edge."""
        pair, node = self._entry(group).nodes(group)
        for level in self._downward(group):
            keep = level.metres_to_box(at, point[pair], node) <= radius_m[pair] + TOUCHING_M
            pair, node = level.children(pair[keep], node[keep])
        return pair, node

    def metres_to_edges(
        self, at: Scaled, point: NDArray[np.int64], edge: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Metres from points to edges, pair by pair; 0.0 only on the edge."""
        return _metres(at.points[point], at.scale[point], self.ends(edge))

    def _entry(self, group: NDArray[np.int64]) -> Level:
        return self.levels[self.top[group].max(initial=0)]

    def _downward(self, group: NDArray[np.int64]) -> tuple[Level, ...]:
        """Levels from the one where all these groups have few nodes down to the edges."""
        return self.levels[self.top[group].max(initial=0) :: -1]


def slices(n_pairs: int) -> list[slice]:
    """Cut pairs into runs of bounded work."""
    return [slice(begin, begin + PAIRS_AT_ONCE) for begin in range(0, n_pairs, PAIRS_AT_ONCE)]


def _runs(first: NDArray[np.int64]) -> tuple[Shorts, NDArray[np.int64]]:
    """Cut the members of each group into runs of FAN: the first run of each group, where each run begins."""
    runs = -(-np.diff(first) // FAN)
    nth = expand(np.zeros(len(runs), dtype=np.int64), runs)
    return np.r_[0, np.cumsum(runs)].astype(np.int32), np.repeat(first[:-1], runs) + nth * FAN


def _along_curve(points: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Number points along a Morton curve (Z-order): neighbours in number are mostly neighbours in place."""
    low, high = points.min(axis=0, initial=np.inf), points.max(axis=0, initial=-np.inf)
    steps = ((points - low) / np.maximum(high - low, 1e-9) * 0xFFFF).astype(np.uint64)
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        steps = (steps | (steps << np.uint64(shift))) & np.uint64(mask)
    return steps[:, 0] | (steps[:, 1] << np.uint64(1))


def _least_of(pair: NDArray[np.int64], metres: NDArray[np.float64], n_pairs: int) -> NDArray[np.float64]:
    """Least value of each pair; `pair` ascends."""
    if n_pairs == 1:
        return np.array([metres.min(initial=np.inf)])
    least = np.full(n_pairs, np.inf)
    if len(pair):
        starts = np.flatnonzero(np.r_[True, pair[1:] != pair[:-1]])
        least[pair[starts]] = np.minimum.reduceat(metres, starts)
    return least


def _metres(
    here: NDArray[np.float64], scale: NDArray[np.float64], ends: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Metres from each point to its edge; 0.0 only on the edge."""
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
