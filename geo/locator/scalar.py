"""Look-ups for one point at a time, in plain Python: numpy's overhead would be most of the time."""

from collections.abc import Sequence
from math import inf, nan, sqrt

import shapely

from geo.locator.edges import BESIDE_M, TOUCHING_M, EdgeGroups
from geo.locator.frame import SIDE
from geo.locator.raster import BOUND, TOUCHED, UNSURE, UNTOLD, Raster
from geo.measure import metres_per_degree_one

NEAR = float(BOUND)
SLACK = 1 + 1e-9  # far above what rounding can do to a distance


class Scalar:
    """Answers one point as `Raster` does."""

    def __init__(self, raster: Raster) -> None:
        frame = raster.frame
        self._west, self._south = frame.west, frame.south
        self._width, self._height = frame.width, frame.height
        self._columns, self._rows = frame.columns, frame.rows
        # A memoryview gives Python's own numbers without wrapping each.
        self._table = memoryview(raster.table)
        self._cells = [
            (
                len(kind.lines),
                k,
                kind.start,
                memoryview(kind.lines.reshape(-1)),
                memoryview(kind.sides.reshape(-1)),
            )
            for k, kind in enumerate(raster.cells, start=1)
        ]
        self._listed, self._beside = memoryview(raster.listed), memoryview(raster.beside.reshape(-1))

    def locate(self, lon: float, lat: float) -> int:
        """Give the face of a point, -1 for none, UNSURE where the exact predicate must decide."""
        u, v = (lon - self._west) / self._width, (lat - self._south) / self._height
        if not (0 <= u < self._columns and 0 <= v < self._rows):
            return -1
        column, row = int(u), int(v)
        face = self._table[row * self._columns + column]
        while face < UNSURE:
            u, v = u - column, v - row
            number = TOUCHED - face
            for n, k, start, lines, sides in self._cells:
                if number < n:
                    side = _side(number, 3 * k, lines, sides, u, v)
                    if side == UNTOLD:
                        return UNSURE
                    return self._beside[2 * self._listed[start + number * k + (side >> 1)] + (side & 1)]
                number -= n
            u, v = u * SIDE, v * SIDE
            column, row = min(max(int(u), 0), SIDE - 1), min(max(int(v), 0), SIDE - 1)
            face = self._table[self._columns * self._rows + number * SIDE**2 + row * SIDE + column]
        return face


def _side(number: int, width: int, lines: memoryview, sides: memoryview, u: float, v: float) -> int:
    """Give the side of an edge that a point in a touched cell is on, as `Cells.ask` does; UNTOLD where unsure."""
    region, bit = 0, 1
    for at in range(number * width, (number + 1) * width, 3):
        side = lines[at] * u + lines[at + 1] * v + lines[at + 2]
        if side > NEAR:
            region += bit
        elif side >= -NEAR:
            return UNTOLD
        bit += bit
    return sides[number * bit + region]


class ScalarBorders:
    """Measures from one point to the nearest edge of a group by the arithmetic of `EdgeGroups`, to the same bits.

    Boxes and edges that lie farther than an edge already seen are passed over; what is left out so can't be the
    nearest, whichever way its distance was rounded.
    """

    def __init__(self, borders: EdgeGroups) -> None:
        self._top = memoryview(borders.top)
        self._which, self._edges = memoryview(borders.which), memoryview(borders.table.reshape(-1))
        self._levels = [
            (memoryview(one.first_node), memoryview(one.first_child), memoryview(one.box.reshape(-1)))
            for one in borders.levels
        ]

    def nearest(self, lon: float, lat: float, group: int) -> tuple[list[int], float]:
        """Give the nearest edges of a group, by their numbers in the table, and the metres to each of them.

        0.0 only on the edge; no edges and NaN where the group has none.
        """
        top = self._top[group]
        first_node = self._levels[top][0]
        search = _Search(lon, lat)
        self._descend(search, top, first_node[group], first_node[group + 1])
        return search.nearest, search.metres if search.nearest else nan

    def _descend(self, search: "_Search", level: int, first: int, last: int) -> None:
        """Look under the nodes `first … last - 1` of a level, the nearest box first."""
        _, first_child, box = self._levels[level]
        nodes = search.by_distance(box, first, last) if last - first > 1 else [(0.0, first)]
        for least, node in nodes:
            if least > search.reach_m:
                return
            begin, end = first_child[node], first_child[node + 1]
            if level:
                self._descend(search, level - 1, begin, end)
            else:
                search.measure(*self._with_ends(self._which[begin:end].tolist()))

    def _with_ends(self, edges: list[int]) -> tuple[Sequence[int], list[float]]:
        """Give edges and their ends one after another; along a ring the numbers of edges mostly run on."""
        low, count = min(edges), len(edges)
        if max(edges) - low == count - 1:
            return range(low, low + count), self._edges[4 * low : 4 * (low + count)].tolist()
        return edges, [place for edge in edges for place in self._edges[4 * edge : 4 * edge + 4]]


class _Search:
    """The nearest edge so far: its distance, and how far another may seem to be and yet be nearer."""

    __slots__ = ("_lat", "_lon", "_m_lat", "_m_lon", "metres", "nearest", "reach_m")

    def __init__(self, lon: float, lat: float) -> None:
        self._lon, self._lat = lon, lat
        self._m_lon, self._m_lat = metres_per_degree_one(lat)
        self.nearest: list[int] = []
        self.metres = self.reach_m = inf

    def by_distance(self, box: memoryview, first: int, last: int) -> list[tuple[float, int]]:
        """Give nodes by the distance of their boxes: nothing under a node is nearer."""
        lon, lat, m_lon, m_lat = self._lon, self._lat, self._m_lon, self._m_lat
        found, sides = [], iter(box[4 * first : 4 * last].tolist())
        for node, west, south, east, north in zip(
            range(first, last), sides, sides, sides, sides, strict=True
        ):
            x = (west - lon if lon < west else lon - east if lon > east else 0.0) * m_lon
            y = (south - lat if lat < south else lat - north if lat > north else 0.0) * m_lat
            found.append((sqrt(x * x + y * y), node))
        found.sort()
        return found

    def measure(self, numbers: Sequence[int], ends: list[float]) -> None:
        """Measure to edges, given by number and as a_lon, a_lat, b_lon, b_lat with a < b one after another."""
        lon, lat, m_lon, m_lat = self._lon, self._lat, self._m_lon, self._m_lat
        # At the poles the scale vanishes and any longitude is within reach.
        per_m_lon, per_m_lat = 1 / max(m_lon, 1e-3), 1 / m_lat
        nearest, wide, high = self.metres, self.reach_m * per_m_lon, self.reach_m * per_m_lat
        west, south, east, north = lon - wide, lat - high, lon + wide, lat + high
        each = iter(ends)
        for number, a_lon, a_lat, b_lon, b_lat in zip(numbers, each, each, each, each, strict=True):
            if a_lon > east or b_lon < west:
                continue
            if (a_lat > north and b_lat > north) or (a_lat < south and b_lat < south):
                continue
            ax, ay = (a_lon - lon) * m_lon, (a_lat - lat) * m_lat
            bx, by = (b_lon - lon) * m_lon, (b_lat - lat) * m_lat
            ex, ey = (b_lon - a_lon) * m_lon, (b_lat - a_lat) * m_lat
            along, length2 = -(ax * ex + ay * ey), ex * ex + ey * ey
            if 0 < along < length2:
                metres = abs(ax * ey - ay * ex) / sqrt(length2)
            else:
                metres = sqrt(min(ax * ax + ay * ay, bx * bx + by * by))
            if metres < TOUCHING_M:
                line = shapely.linestrings([(a_lon, a_lat), (b_lon, b_lat)])
                metres = 0.0 if shapely.intersects_xy(line, lon, lat) else max(metres, BESIDE_M)
            if metres == nearest:
                self.nearest.append(number)
            elif metres < nearest:
                self.nearest = [number]
                nearest, reach = metres, metres * SLACK + TOUCHING_M
                wide, high = reach * per_m_lon, reach * per_m_lat
                west, south, east, north = lon - wide, lat - high, lon + wide, lat + high
        self.metres, self.reach_m = nearest, nearest * SLACK + TOUCHING_M
