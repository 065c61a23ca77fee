"""A raster over a coverage: one table read where no border is near, a few signs where one is.

Cells that no edge comes near lie in one face, or outside all. For each of the others, the lines through its few
edges cut it into convex regions; no edge runs through a region, so each lies in one face too, and the sides of
the lines that a point is on tell its region. A cell with too many edges is divided, again and again.

The lines are kept in single precision, in units of the cell. A point that comes nearer to one than all rounding
together can amount to (BOUND) is left to the exact predicate (UNSURE), and so are the places where the drawing
could not tell the face. A point on a border is therefore always unsure.

`geo.locator.drawing` makes a raster; `geo.locator.scalar` asks it for one point.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.locator.frame import SIDE, Frame

UNSURE = -2  # the exact predicate must decide
UNTOLD = 255
TOUCHED = -3  # touched cell t has TOUCHED - t in the table
# Two coordinates, two coefficients and a constant of at most 1.5, each off by 2⁻²⁵ of itself, and four
# operations off by 2⁻²⁴ of at most 2: below 6e-7 cells.
BOUND = np.float32(2e-6)
POINTS_AT_ONCE = 1 << 14

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Cells:
    """Touched cells with the same number of lines, k.

    Attributes
    ----------
    lines
        (n, 3 k): a, b, c of each line; a point is left of it where a u + b v + c > 0, with u, v from 0 to 1 across
        and up the cell, and so many cells from it as the sum says.
    sides
        (n, 2ᵏ): where the face of each region is found: right of the cell's edge i for 2 i, left of it for 2 i + 1, or
        UNTOLD; bit j of the column is set left of line j.
    start
        Where in `Raster.listed` the edges of the first cell begin; each has k.
    """

    lines: Singles
    sides: NDArray[np.uint8]
    start: int

    def ask(self, cell: Integers, u: Singles, v: Singles) -> tuple[Integers, Integers, NDArray[np.bool_]]:
        """Ask for points in these cells, at u, v in them: place in `listed`, 1 for left of it, whether unsure."""
        lines, k = self.lines.take(cell, axis=0), self.lines.shape[1] // 3
        least: Singles | None = None
        region = cell << k
        for j in range(k):
            side = lines[:, 3 * j] * u
            side += lines[:, 3 * j + 1] * v
            side += lines[:, 3 * j + 2]
            region += (side > 0).astype(np.int64) << j
            np.abs(side, out=side)
            least = side if least is None else np.minimum(least, side, out=least)
        found = self.sides.reshape(-1).take(region)
        unsure = (least <= BOUND) | (found == UNTOLD)
        found[unsure] = 0
        return self.start + cell * k + (found >> 1), (found & 1).astype(np.int64), unsure


@dataclass(frozen=True, slots=True)
class Raster:
    """The raster of one coverage.

    Attributes
    ----------
    frame
        Where the cells lie.
    table
        For each cell, row by row from the south-west, then for those of each divided cell: the face, -1 for
        none, UNSURE, or TOUCHED less the number of a touched cell.
    cells
        The touched cells, those with one line first; after all those come the divided cells in the order of
        their parts in the table.
    first, listed
        Touched cell t, divided or not, comes near to the edges ``listed[first[t]:first[t + 1]]``.
    edges
        (m, 4): lon and lat of both ends of each edge of the coverage.
    beside
        (m, 2): the face right and left of each edge, -1 for none.
    """

    frame: Frame
    table: NDArray[np.int32]
    cells: tuple[Cells, ...]
    first: NDArray[np.int32]
    listed: NDArray[np.int32]
    edges: Floats
    beside: NDArray[np.int32]

    @property
    def left(self) -> NDArray[np.int32]:
        """The face left of each edge, -1 for none."""
        return self.beside[:, 1]

    @property
    def right(self) -> NDArray[np.int32]:
        """The face right of each edge, -1 for none."""
        return self.beside[:, 0]

    def locate_many(self, points: Floats) -> Integers:
        """Give the face of each point, -1 for none, UNSURE where the exact predicate must decide."""
        face = np.empty(len(points), dtype=np.int64)
        for begin in range(0, len(points), POINTS_AT_ONCE):
            part = slice(begin, begin + POINTS_AT_ONCE)
            face[part] = self._locate(points[part])
        return face

    def _locate(self, points: Floats) -> NDArray[np.int32]:
        frame = self.frame
        u, v = (points[:, 0] - frame.west) / frame.width, (points[:, 1] - frame.south) / frame.height
        beyond = None
        if not (u.min() >= 0 and u.max() < frame.columns and v.min() >= 0 and v.max() < frame.rows):
            beyond = ~((u >= 0) & (u < frame.columns) & (v >= 0) & (v < frame.rows))
            u[beyond] = v[beyond] = 0  # the rim is empty
        column, row = u.astype(np.int64), v.astype(np.int64)
        face = self.table.take(row * frame.columns + column)
        todo = np.flatnonzero(face < UNSURE)
        u, v = u[todo] - column[todo], v[todo] - row[todo]
        beside = self.beside.reshape(-1)
        while len(todo):
            number = TOUCHED - face[todo].astype(np.int64)
            for kind in self.cells:
                n = len(kind.lines)
                if n:
                    here = np.flatnonzero((number >= 0) & (number < n))
                    ask_u, ask_v = u[here].astype(np.float32), v[here].astype(np.float32)
                    place, is_left, unsure = kind.ask(number[here], ask_u, ask_v)
                    found = beside.take(2 * self.listed.take(place).astype(np.int64) + is_left)
                    found[unsure] = UNSURE
                    face[todo[here]] = found
                number -= n
            deeper = np.flatnonzero(number >= 0)
            todo, number, u, v = todo[deeper], number[deeper], u[deeper] * SIDE, v[deeper] * SIDE
            # Rounding may put a point on the line between two cells into the other one.
            column, row = (np.clip(one.astype(np.int64), 0, SIDE - 1) for one in (u, v))
            u, v = u - column, v - row
            part = frame.rows * frame.columns + number * SIDE**2 + row * SIDE + column
            found = self.table[part]
            face[todo] = found
            again = np.flatnonzero(found < UNSURE)
            todo, u, v = todo[again], u[again], v[again]
        return face
