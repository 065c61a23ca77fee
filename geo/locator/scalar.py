"""The raster for one point at a time, in plain Python: numpy's overhead would be most of the time."""

from geo.locator.raster import COUNTED, LEVEL, OPEN, ORIENTATION_BOUND, PLUMB, UNSURE, Raster


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
