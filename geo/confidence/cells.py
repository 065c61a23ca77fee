"""The cell way: only the edges that the raster lists near a point, each once for the grounds on both its sides.

One point runs through plain Python and many through arrays, operation for operation and sum for sum, so both
give the same bits. A point within TOUCHING_M of a border is left to the outline way.
"""

from math import sqrt
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy.special import owens_t as many_owens_t
from scipy.special.cython_special import owens_t  # of plain numbers; the same function

from geo.confidence.law import LISTED_FROM, Law
from geo.confidence.table import Columns, Share
from geo.locator import Locator
from geo.locator.edges import TOUCHING_M, Scaled, expand
from geo.locator.raster import TOUCHED, Raster
from geo.measure import metres_per_degree_one

FLATTEST_M = 1e-30  # instead of 0: the height above an edge that points at us; it hides nothing
CELLS_AT_ONCE = 1 << 19  # bounds the memory of one step
MANY_CELLS = 1 << 11  # a circle over more cells goes through arrays even alone
MOST_CELLS = 1 << 20  # over more still it goes by outlines, whose far parts need not be looked at

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Cells:
    """Shares by the raster of one locator."""

    def __init__(self, locator: Locator, raster: Raster) -> None:
        grounds, self._raster = locator.grounds, raster
        outside = grounds.outside
        # All ground without a grid is one: gaps count as the outside. Face -1 finds the outside at the end.
        ground = np.where(grounds.owners[grounds.of_face] < 0, outside, grounds.of_face)
        self._grounds = np.r_[ground, outside].astype(np.int64)
        self._owners, self._ranks = grounds.owners, np.r_[grounds.first_face, len(locator)]
        rows, columns = raster.frame.rows, raster.frame.columns
        self._table = raster.table[: rows * columns].reshape(rows, columns)
        # A memoryview gives Python's own numbers without wrapping each.
        self._first, self._listed = memoryview(raster.first), memoryview(raster.listed)
        self._edges = memoryview(raster.edges.reshape(-1))
        self._left, self._right = memoryview(raster.left), memoryview(raster.right)
        self._ground = memoryview(self._grounds)
        self._owner, self._rank = memoryview(self._owners), memoryview(self._ranks)

    def one(self, lon: float, lat: float, face: int, accuracy: float, law: Law) -> list[Share] | None:
        """Give what is told of one point; None where another way must be taken."""
        m_lon, m_lat = metres_per_degree_one(lat)
        reach = accuracy * law.reach
        edges = self._edges_near(lon, lat, (reach + TOUCHING_M) / m_lon, (reach + TOUCHING_M) / m_lat)
        if edges is None:
            return None
        mine = self._ground[face]
        if not edges:
            return [Share(self._owner[mine], 1.0, 0.0)]
        mass, near = {mine: 0.0}, {mine: 0.0}
        for left, right, metres, behind in self._behind_each(
            edges, lon, lat, m_lon, m_lat, reach, accuracy / law.sigmas
        ):
            if metres < TOUCHING_M:
                return None
            if left in mass:
                mass[left] -= behind
                if metres < near[left]:
                    near[left] = metres
            else:
                mass[left], near[left] = -behind, metres
            if right in mass:
                mass[right] += behind
                if metres < near[right]:
                    near[right] = metres
            else:
                mass[right], near[right] = behind, metres
        return self._told(mine, mass, near, accuracy)

    def _behind_each(
        self, edges: list[int], lon: float, lat: float, m_lon: float, m_lat: float, reach: float, sigma: float
    ) -> list[tuple[int, int, float, float]]:
        """Give for each border edge within reach: grounds left and right of it, metres to it, mass behind it."""
        found = []
        at, left_of, right_of, ground = self._edges, self._left, self._right, self._ground
        for edge in edges:
            left, right = ground[left_of[edge]], ground[right_of[edge]]
            if left == right:
                continue
            k = 4 * edge
            ax, ay = (at[k] - lon) * m_lon, (at[k + 1] - lat) * m_lat
            ex, ey = (at[k + 2] - lon) * m_lon - ax, (at[k + 3] - lat) * m_lat - ay
            length = sqrt(ex * ex + ey * ey)
            height, start = (ax * ey - ay * ex) / length, (ax * ex + ay * ey) / length
            end = start + length
            past = start if start > 0.0 else (-end if end < 0.0 else 0.0)
            metres = sqrt(height * height + past * past)
            if metres <= reach:
                flat = height if height > FLATTEST_M else max(-height, FLATTEST_M)
                depth = flat / sigma
                behind = owens_t(depth, end / flat) - owens_t(depth, start / flat)
                found.append((left, right, metres, behind if height > 0.0 else -behind))
        return found

    def _edges_near(self, lon: float, lat: float, wide: float, high: float) -> list[int] | None:
        """Give the edges that the cells around a point list, ascending; None where these are many."""
        frame = self._raster.frame
        west, south = lon - wide - frame.west, lat - high - frame.south
        first, last = int(max(west / frame.width, 0.0)), (west + 2 * wide) / frame.width
        low, top = int(max(south / frame.height, 0.0)), (south + 2 * high) / frame.height
        if last < 0 or top < 0:
            return []
        cells = self._table[low : int(min(top, 1e9)) + 1, first : int(min(last, 1e9)) + 1]
        if cells.size > MANY_CELLS:
            return None
        found: set[int] = set()
        for touched in cells[cells <= TOUCHED].tolist():
            number = TOUCHED - touched
            found.update(self._listed[self._first[number] : self._first[number + 1]])
        return sorted(found)

    def _told(
        self, mine: int, mass: dict[int, float], near: dict[int, float], accuracy: float
    ) -> list[Share]:
        told = []
        for ground, behind in mass.items():
            share = min(max(behind + 1.0 if ground == mine else behind, 0.0), 1.0)
            if share >= LISTED_FROM or near[ground] <= accuracy:
                told.append((-share, near[ground], self._rank[ground], self._owner[ground]))
        told.sort()
        return [Share(owner, -share, metres) for share, metres, _, owner in told]

    def many(self, points: Floats, face: Integers, accuracy: Floats, law: Law) -> tuple[Columns, Integers]:
        """Give what is told of many points, and those that must take another way."""
        at, reach = Scaled.of(points), accuracy * law.reach
        boxes = self._boxes(at, reach)
        cells = (boxes[:, 1] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 2])
        fit = np.flatnonzero(cells <= MOST_CELLS)
        size = np.r_[0, np.cumsum(cells[fit])]
        told, unsure, begin = [Columns.empty()], [np.flatnonzero(cells > MOST_CELLS)], 0
        while begin < len(fit):
            end = max(begin + 1, int(np.searchsorted(size, size[begin] + CELLS_AT_ONCE, side="right")) - 1)
            some = fit[begin:end]
            columns, lost = self._shares(at, some, boxes[some], face, accuracy, law)
            told.append(columns)
            unsure.append(lost)
            begin = end
        return Columns.joined(told), np.concatenate(unsure)

    def _boxes(self, at: Scaled, reach: Floats) -> Integers:
        """Give the first column, the last and one more, and so the rows, of the cells around each point."""
        frame = self._raster.frame
        half = (reach[:, None] + TOUCHING_M) / at.scale
        low = (at.points - half - (frame.west, frame.south)) / (frame.width, frame.height)
        high = low + 2 * half / (frame.width, frame.height)
        size = np.array([frame.columns, frame.rows])
        last = np.clip(np.floor(high) + 1, 0, size).astype(np.int64)
        first = np.minimum(np.clip(low, 0, size).astype(np.int64), last)
        return np.column_stack([first[:, 0], last[:, 0], first[:, 1], last[:, 1]])

    def _pairs(self, some: Integers, boxes: Integers) -> tuple[Integers, Integers]:
        """Give the pairs of a point and an edge that a cell around it lists, sorted, each once."""
        raster = self._raster
        first, last, low, top = boxes.T
        height, width = top - low, last - first
        row_point = np.repeat(np.arange(len(some)), height)
        start = expand(low, height) * raster.frame.columns + first[row_point]
        point = np.repeat(row_point, width[row_point])
        answer = raster.table[expand(start, width[row_point])]
        hit = np.flatnonzero(answer <= TOUCHED)
        touched = TOUCHED - answer[hit].astype(np.int64)
        begin = raster.first[touched].astype(np.int64)
        count = raster.first[touched + 1] - begin
        edge = raster.listed[expand(begin, count)].astype(np.int64)
        pair = np.sort(np.repeat(point[hit], count) * len(raster.edges) + edge)
        # Not np.unique: it hashes, which takes several times as long here.
        pair = pair[np.r_[True, pair[1:] != pair[:-1]][: len(pair)]]
        point, edge = np.divmod(pair, len(raster.edges))
        return some[point], edge

    def _shares(
        self, at: Scaled, some: Integers, boxes: Integers, face: Integers, accuracy: Floats, law: Law
    ) -> tuple[Columns, Integers]:
        """Give the shares of a run of points, by the arithmetic of `one`."""
        point, edge = self._pairs(some, boxes)
        left, right = self._grounds[self._raster.left[edge]], self._grounds[self._raster.right[edge]]
        kept = left != right
        point, edge, left, right = point[kept], edge[kept], left[kept], right[kept]
        metres, behind = self._behind(at, point, edge, (accuracy / law.sigmas)[point])
        is_lost = np.zeros(len(accuracy), dtype=np.bool_)
        is_lost[point[metres < TOUCHING_M]] = True
        kept = (metres <= (accuracy * law.reach)[point]) & ~is_lost[point]
        point, left, right, metres, behind = (one[kept] for one in (point, left, right, metres, behind))
        mine = some[~is_lost[some]]
        n_grounds = len(self._owners)
        own = mine * n_grounds + self._grounds[face[mine]]
        # Left, then right, edge by edge: sums come out as they do for one point.
        keys = np.column_stack([point * n_grounds + left, point * n_grounds + right]).ravel()
        weights = np.column_stack([-behind, behind]).ravel()
        pair, place = np.unique(np.concatenate([keys, own]), return_inverse=True)
        mass = np.bincount(place[: len(keys)], weights=weights, minlength=len(pair)).astype(np.float64)
        near = np.full(len(pair), np.inf)
        np.minimum.at(near, place[: len(keys)], np.repeat(metres, 2))
        mass[place[len(keys) :]] += 1.0
        near[place[len(keys) :]] = 0.0
        point, ground = np.divmod(pair, n_grounds)
        share = np.clip(mass, 0.0, 1.0)
        told = (share >= LISTED_FROM) | (near <= accuracy[point])
        point, ground, share, near = point[told], ground[told], share[told], near[told]
        order = np.lexsort((self._ranks[ground], near, -share, point))
        return Columns(point[order], self._owners[ground[order]], share[order], near[order]), some[
            is_lost[some]
        ]

    def _behind(self, at: Scaled, point: Integers, edge: Integers, sigma: Floats) -> tuple[Floats, Floats]:
        """Metres from each pair's point to its edge, and the mass behind the edge, positive where left of it."""
        (x, y), (m_lon, m_lat) = at.points[point].T, at.scale[point].T
        a_lon, a_lat, b_lon, b_lat = self._raster.edges[edge].T
        ax, ay = (a_lon - x) * m_lon, (a_lat - y) * m_lat
        ex, ey = (b_lon - x) * m_lon - ax, (b_lat - y) * m_lat - ay
        length = np.sqrt(ex * ex + ey * ey)
        height, start = (ax * ey - ay * ex) / length, (ax * ex + ay * ey) / length
        end = start + length
        past = np.maximum(np.maximum(start, -end), 0.0)
        metres = np.sqrt(height * height + past * past)
        flat = np.maximum(np.abs(height), FLATTEST_M)
        depth = flat / sigma
        behind = many_owens_t(depth, end / flat) - many_owens_t(depth, start / flat)
        return metres, np.where(height > 0.0, behind, -behind)


_BY_LOCATOR: WeakKeyDictionary[Locator, Cells] = WeakKeyDictionary()


def cells_of(locator: Locator) -> Cells | None:
    """Give the cell way for a locator; None where it has no raster."""
    found = _BY_LOCATOR.get(locator)
    if found is None and locator.raster is not None:
        found = _BY_LOCATOR[locator] = Cells(locator, locator.raster)
    return found
