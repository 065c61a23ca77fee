"""Look-ups for one point at a time, in plain Python: numpy's overhead would be most of the time."""

from math import inf, nan, sqrt

import shapely

from geo.locator.edges import BESIDE_M, TOUCHING_M, EdgeGroups
from geo.locator.raster import COUNTED, LEVEL, OPEN, ORIENTATION_BOUND, PLUMB, UNSURE, Raster
from geo.measure import metres_per_degree_one

SLACK = 1 + 1e-9  # far above what rounding can do to a distance


class Scalar:
    """Answers one point by the arithmetic of `Raster`, operation for operation."""

    def __init__(self, raster: Raster) -> None:
        frame = raster.frame
        self._west, self._south = frame.west, frame.south
        self._width, self._height = frame.width, frame.height
        self._columns, self._rows = frame.columns, frame.rows
        # A memoryview gives Python's own numbers without wrapping each.
        self._table, self._first = memoryview(raster.table), memoryview(raster.first)
        self._listed = memoryview(raster.listed)
        self._edges, self._along = memoryview(raster.edges.reshape(-1)), memoryview(raster.west)
        self._left, self._right = memoryview(raster.left), memoryview(raster.right)

    def locate(self, lon: float, lat: float) -> int:
        """Give the face of a point, -1 for none, UNSURE where the exact predicate must decide."""
        across, up = (lon - self._west) / self._width, (lat - self._south) / self._height
        if not (0 <= across < self._columns and 0 <= up < self._rows):
            return -1
        column, row = int(across), int(up)
        cell = row * self._columns + column
        answer = self._table[cell]
        while answer < -1:
            touched = -2 - answer
            room = lon - (self._west + column * self._width)
            found = self._cast(LEVEL, touched, lon, lat, room, self._width)
            if found == OPEN and room <= self._width:
                rise = lat - (self._south + row * self._height)
                found = self._cast(PLUMB, touched, lat, lon, rise, self._height)
            if found == OPEN:
                found = self._along[touched]
            if found != OPEN:
                return found
            cell, column = cell - 1, column - 1
            answer = self._table[cell]
        return answer

    def _cast(self, line: int, touched: int, pa: float, pb: float, room: float, size: float) -> int:
        """Ask the edges of a touched cell along a line, as `Raster` does."""
        edges = self._edges
        on_left, on_right = [], []
        for listed in self._listed[self._first[touched] : self._first[touched + 1]]:
            at = 4 * listed
            b1, b2 = edges[at + 1 - line], edges[at + 3 - line]
            if not (b1 <= pb <= b2 or b2 <= pb <= b1):
                continue
            a1, a2 = edges[at + line], edges[at + 2 + line]
            span = b2 - b1
            one, other = (pa - a1) * span, (pb - b1) * (a2 - a1)
            side, bound = one - other, ORIENTATION_BOUND * (abs(one) + abs(other))
            spans = pb != max(b1, b2)
            if -bound <= side <= bound:
                if spans or a1 <= pa <= a2 or a2 <= pa <= a1:
                    return UNSURE
            elif spans:
                gap = side / span
                doubt = bound / abs(span) + 1e-15 * abs(gap)
                is_right = gap > 0 if line == LEVEL else (gap > 0) == (span < 0)
                face = self._right[listed] if is_right else self._left[listed]
                if 0 < gap <= room - COUNTED * size:
                    on_left.append((gap + doubt, gap - doubt, face))
                elif 0 > gap >= room - size + COUNTED * size:
                    on_right.append((doubt - gap, -gap - doubt, face))
        crossings = on_left or on_right
        if not crossings:
            return OPEN
        nearest = min(crossings)[0]
        faces = {face for _, least, face in crossings if least <= nearest}
        return faces.pop() if len(faces) == 1 else UNSURE


class ScalarBorders:
    """Measures from one point to the nearest edge of a group by the arithmetic of `EdgeGroups`, to the same bits.

    Boxes and edges that lie farther than an edge already seen are passed over; what is left out so can't be the
    nearest, whichever way its distance was rounded.
    """

    def __init__(self, borders: EdgeGroups) -> None:
        self._top = memoryview(borders.top)
        self._edges = memoryview(borders.edges.reshape(-1))
        self._levels = [
            (memoryview(one.first_node), memoryview(one.first_child), memoryview(one.box.reshape(-1)))
            for one in borders.levels
        ]

    def distance(self, lon: float, lat: float, group: int) -> float:
        """Metres to the nearest edge of a group, NaN where it has none; 0.0 only on the edge."""
        top = self._top[group]
        first_node = self._levels[top][0]
        search = _Search(lon, lat)
        self._descend(search, top, first_node[group], first_node[group + 1])
        return search.metres if search.metres < inf else nan

    def _descend(self, search: "_Search", level: int, first: int, last: int) -> None:
        """Look under the nodes `first … last - 1` of a level, the nearest box first."""
        _, first_child, box = self._levels[level]
        for least, node in search.by_distance(box, first, last):
            if least > search.reach_m:
                return
            begin, end = first_child[node], first_child[node + 1]
            if level:
                self._descend(search, level - 1, begin, end)
            else:
                search.measure(self._edges[4 * begin : 4 * end].tolist())


class _Search:
    """The nearest edge so far: its distance, and how far another may seem to be and yet be nearer."""

    __slots__ = ("_lat", "_lon", "_m_lat", "_m_lon", "metres", "reach_m")

    def __init__(self, lon: float, lat: float) -> None:
        self._lon, self._lat = lon, lat
        self._m_lon, self._m_lat = metres_per_degree_one(lat)
        self.metres = self.reach_m = inf

    def by_distance(self, box: memoryview, first: int, last: int) -> list[tuple[float, int]]:
        """Give nodes by the distance of their boxes: nothing under a node is nearer."""
        if last - first == 1:
            return [(0.0, first)]
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

    def measure(self, ends: list[float]) -> None:
        """Measure to edges, given as a_lon, a_lat, b_lon, b_lat with a < b one after another."""
        lon, lat, m_lon, m_lat = self._lon, self._lat, self._m_lon, self._m_lat
        # At the poles the scale vanishes and any longitude is within reach.
        per_m_lon, per_m_lat = 1 / max(m_lon, 1e-3), 1 / m_lat
        nearest, wide, high = self.metres, self.reach_m * per_m_lon, self.reach_m * per_m_lat
        west, south, east, north = lon - wide, lat - high, lon + wide, lat + high
        each = iter(ends)
        for a_lon, a_lat, b_lon, b_lat in zip(each, each, each, each, strict=True):
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
            if metres < nearest:
                nearest, reach = metres, metres * SLACK + TOUCHING_M
                wide, high = reach * per_m_lon, reach * per_m_lat
                west, south, east, north = lon - wide, lat - high, lon + wide, lat + high
        self.metres, self.reach_m = nearest, nearest * SLACK + TOUCHING_M
