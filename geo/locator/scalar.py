"""The raster for one point at a time, in plain Python: numpy's overhead would be most of the time."""

from geo.locator.frame import SIDE
from geo.locator.raster import BOUND, TOUCHED, UNSURE, Raster

NEAR = float(BOUND)


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
            (len(kind.lines), 3 * k, memoryview(kind.lines.reshape(-1)), memoryview(kind.faces.reshape(-1)))
            for k, kind in enumerate(raster.cells, start=1)
        ]

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
            for n, width, lines, faces in self._cells:
                if number < n:
                    return _ask(number, width, lines, faces, u, v)
                number -= n
            u, v = u * SIDE, v * SIDE
            column, row = min(max(int(u), 0), SIDE - 1), min(max(int(v), 0), SIDE - 1)
            face = self._table[self._columns * self._rows + number * SIDE**2 + row * SIDE + column]
        return face


def _ask(number: int, width: int, lines: memoryview, faces: memoryview, u: float, v: float) -> int:
    """Give the face of a point in a touched cell with so many lines, as `Cells.ask` does."""
    region, bit = 0, 1
    for at in range(number * width, (number + 1) * width, 3):
        side = lines[at] * u + lines[at + 1] * v + lines[at + 2]
        if side > NEAR:
            region += bit
        elif side >= -NEAR:
            return UNSURE
        bit += bit
    return faces[number * bit + region]
