"""The raster for one point at a time, in plain Python: numpy's overhead would be most of the time."""

from math import inf

from geo.locator.raster import COUNTED, ORIENTATION_BOUND, UNSURE, Raster


class Scalar:
    """Answers one point by the arithmetic of `Raster`, operation for operation."""

    def __init__(self, raster: Raster) -> None:
        frame = raster.frame
        self._west, self._south = frame.west, frame.south
        self._width, self._height = frame.width, frame.height
        self._columns, self._rows = frame.columns, frame.rows
        self._margin = COUNTED * frame.width
        # A memoryview gives Python's own numbers without wrapping each.
        self._table, self._first = memoryview(raster.table), memoryview(raster.first)
        self._listed = memoryview(raster.listed)
        self._edges, self._right = memoryview(raster.edges.reshape(-1)), memoryview(raster.right)

    def locate(self, lon: float, lat: float) -> int:
        """Give the face of a point, -1 for none, UNSURE where the exact predicate must decide."""
        across, up = (lon - self._west) / self._width, (lat - self._south) / self._height
        if not (0 <= across < self._columns and 0 <= up < self._rows):
            return -1
        column = int(across)
        cell = int(up) * self._columns + column
        answer = self._table[cell]
        while answer < -1:
            room = lon - (self._west + column * self._width)
            found = self._ask(-2 - answer, lon, lat, room + self._margin)
            if found is not None:
                return found
            cell, column = cell - 1, column - 1
            answer = self._table[cell]
        return answer

    def _ask(self, touched: int, x: float, y: float, reach: float) -> int | None:
        """Ask the edges of a touched cell: face or UNSURE, None where to ask further left."""
        edges = self._edges
        crossings = []
        nearest = inf
        for listed in self._listed[self._first[touched] : self._first[touched + 1]]:
            at = 4 * listed
            y1, y2 = edges[at + 1], edges[at + 3]
            if not y1 <= y <= y2:
                continue
            x1, x2 = edges[at], edges[at + 2]
            across, along = (x - x1) * (y2 - y1), (y - y1) * (x2 - x1)
            side, bound = across - along, ORIENTATION_BOUND * (abs(across) + abs(along))
            if -bound <= side <= bound:
                if y < y2 or x1 <= x <= x2 or x2 <= x <= x1:
                    return UNSURE
            elif side > 0 and y < y2:
                gap = side / (y2 - y1)
                if gap <= reach:
                    doubt = bound / (y2 - y1) + 1e-15 * gap
                    crossings.append((gap - doubt, listed))
                    nearest = min(nearest, gap + doubt)
        if not crossings:
            return None
        faces = {self._right[listed] for least, listed in crossings if least <= nearest}
        return faces.pop() if len(faces) == 1 else UNSURE
