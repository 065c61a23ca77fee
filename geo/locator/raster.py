"""A raster over a coverage: one table read where no border is near, a few local edges where one is.

Cells that no edge touches lie in one face, or outside all. A touched cell lists the edges that touch it, each
with the faces beside it. A point in it belongs to the near side of the nearest edge to its left or right in the
cell; where none crosses its level there, of the nearest edge below or above; where none does that either, to
the face along the cell's left side, and where an edge crosses that side, the cell to the left is asked.

Every comparison that rounding could turn is left to the exact predicate (UNSURE): the orientation of a point to
an edge carries Shewchuk's bound for the plain determinant, and two edges whose crossings lie closer than their
bounds decide only where both have the same face on the right. A point on a border is therefore always unsure.

Needs a coverage: no edge used twice from one side. J. R. Shewchuk, "Adaptive Precision Floating-Point
Arithmetic and Fast Robust Geometric Predicates", 1997, section 4.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from geo.locator.edges import expand

UNSURE = -2  # the exact predicate must decide
OPEN = -3  # the cell to the left must be asked
LEVEL, PLUMB = 0, 1  # lines through a point, by the number of the coordinate that runs along them
CELLS_PER_EDGE = 12
LEAST_CELLS, MOST_CELLS = 1 << 10, 1 << 27
ORIENTATION_BOUND = 3.5e-16  # (3 + 16 u) u of Shewchuk is 3.33e-16
# An edge is listed in every cell it comes this near to, as a share of the cell; a crossing counts up to a tenth
# of that before the cell's sides. So whatever counts is listed, whichever way a place was rounded.
LISTED, COUNTED = 1e-6, 1e-7
ROUNDING = 1e-13  # degrees: more than adding up a cell's corner can be off, 4 ulp of 180
LEAST_HEIGHT = 1e-5  # degrees: far above what rounding can do
POINTS_AT_ONCE = 1 << 16

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Locate = Callable[[Floats], Integers]


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the cells lie: south-west corner, size in degrees, columns and rows."""

    west: float
    south: float
    width: float
    height: float
    columns: int
    rows: int

    @classmethod
    def over(cls, low: Floats, high: Floats, cells: int) -> "Frame":
        """Lay about so many cells over a box, about as wide as high on the ground, with an empty rim."""
        middle = np.radians((low[1] + high[1]) / 2)
        squeeze = max(float(np.cos(middle)), 1e-3)
        span = np.maximum(high - low, 1e-7)
        height = float(np.sqrt(span[0] * squeeze * span[1] / cells))
        height = max(height, LEAST_HEIGHT, float(span[1]) / 30000, float(span[0]) * squeeze / 30000)
        width = height / squeeze
        columns, rows = (int(n) + 4 for n in span / (width, height))
        return cls(float(low[0]) - 1.5 * width, float(low[1]) - 1.5 * height, width, height, columns, rows)

    def column(self, lon: Floats) -> Integers:
        """Give the column of each longitude, kept within the frame."""
        return np.clip((lon - self.west) / self.width, 0, self.columns - 1).astype(np.int64)

    def row(self, lat: Floats) -> Integers:
        """Give the row of each latitude, kept within the frame."""
        return np.clip((lat - self.south) / self.height, 0, self.rows - 1).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Raster:
    """The raster of one coverage.

    Attributes
    ----------
    frame
        Where the cells lie.
    table
        For each cell, row by row from the south-west: the face, -1 for none, or -2 - k for touched cell k.
    first, listed
        Touched cell k lists the edges ``listed[first[k]:first[k + 1]]``.
    edges
        (m, 4): lon and lat of the lower, then of the upper end.
    left, right
        The face on either side of each edge, -1 for none.
    west
        For each touched cell the face along its left side, -1 for none, OPEN where an edge crosses that side.
    """

    frame: Frame
    table: NDArray[np.int32]
    first: NDArray[np.int32]
    listed: NDArray[np.int32]
    edges: Floats
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    west: NDArray[np.int32]

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        arrays = (self.table, self.first, self.listed, self.edges, self.left, self.right, self.west)
        return sum(one.nbytes for one in arrays)

    @classmethod
    def build(
        cls, edges: Floats, left: Integers, right: Integers, locate: Locate, *, cells: int | None = None
    ) -> "Raster":
        """Draw the raster of a coverage.

        Parameters
        ----------
        edges
            (m, 4): each edge of the coverage once, from its lower to its upper end, lon/lat degrees.
        left, right
            The face on either side of each, -1 for none, shape (m,).
        locate
            The exact predicate: points (n, 2) → faces (n,).
        cells
            About how many cells; by default CELLS_PER_EDGE for each edge.
        """
        low = np.minimum(edges[:, :2], edges[:, 2:]).min(axis=0)
        high = np.maximum(edges[:, :2], edges[:, 2:]).max(axis=0)
        wanted = cells or min(max(CELLS_PER_EDGE * len(edges), LEAST_CELLS), MOST_CELLS)
        frame = Frame.over(low, high, wanted)
        cell, edge, crosses = _touched(frame, edges)
        order = np.argsort(cell, kind="stable")
        cell, edge, crosses = cell[order], edge[order], crosses[order]
        starts = np.flatnonzero(np.r_[True, cell[1:] != cell[:-1]])
        table = np.zeros(frame.rows * frame.columns, dtype=np.int32)
        table[cell[starts]] = -2 - np.arange(len(starts), dtype=np.int32)
        _fill(frame, table, locate)
        raster = cls(
            frame=frame,
            table=table,
            first=np.r_[starts, len(cell)].astype(np.int32),
            listed=edge.astype(np.int32),
            edges=np.ascontiguousarray(edges),
            left=left.astype(np.int32),
            right=right.astype(np.int32),
            west=np.full(len(starts), OPEN, dtype=np.int32),
        )
        raster._look_west(cell[starts], ~np.logical_or.reduceat(crosses, starts))
        return raster

    def _look_west(self, cell: Integers, is_free: NDArray[np.bool_]) -> None:
        """Find the face along the left side of each touched cell that no edge crosses."""
        beside = self.table[cell - 1]
        plain = is_free & (beside >= -1)
        self.west[plain] = beside[plain]
        rest = np.flatnonzero(is_free & (beside < -1))
        row, column = np.divmod(cell[rest], self.frame.columns)
        side = np.column_stack(
            [
                self.frame.west + column * self.frame.width,
                self.frame.south + (row + 0.5) * self.frame.height,
            ]
        )
        face = self.locate_many(side)
        self.west[rest] = np.where(face == UNSURE, OPEN, face)

    def locate_many(self, points: Floats) -> Integers:
        """Give the face of each point, -1 for none, UNSURE where the exact predicate must decide."""
        face = np.empty(len(points), dtype=np.int64)
        for begin in range(0, len(points), POINTS_AT_ONCE):
            part = slice(begin, begin + POINTS_AT_ONCE)
            face[part] = self._locate(points[part])
        return face

    def _locate(self, points: Floats) -> Integers:
        frame = self.frame
        x, y = np.ascontiguousarray(points.T)
        across, up = (x - frame.west) / frame.width, (y - frame.south) / frame.height
        within = (across >= 0) & (across < frame.columns) & (up >= 0) & (up < frame.rows)
        column = np.where(within, across, 0).astype(np.int64)
        cell = np.where(within, up, 0).astype(np.int64) * frame.columns + column
        face = self.table[cell].astype(np.int64)
        face[~within] = -1
        todo = np.flatnonzero(face < -1)
        cell, column, x, y = cell[todo], column[todo], x[todo], y[todo]
        row = cell // frame.columns
        while len(todo):
            touched = -2 - self.table[cell]
            room = x - (frame.west + column * frame.width)
            answer = self._cast(LEVEL, touched, x, y, room, frame.width)
            # Where the walk to the left has left the point's own cell, nothing is known above or below it.
            still = np.flatnonzero((answer == OPEN) & (room <= frame.width))
            rise = y[still] - (frame.south + row[still] * frame.height)
            answer[still] = self._cast(PLUMB, touched[still], y[still], x[still], rise, frame.height)
            still = np.flatnonzero(answer == OPEN)
            answer[still] = self.west[touched[still]]
            face[todo] = answer
            left = np.flatnonzero(answer == OPEN)
            cell, column = cell[left] - 1, column[left] - 1
            seen = self.table[cell].astype(np.int64)
            face[todo[left]] = seen
            further = seen < -1
            left = left[further]
            todo, x, y, row = todo[left], x[left], y[left], row[left]
            cell, column = cell[further], column[further]
        return face

    def _cast(
        self, line: int, touched: Integers, along: Floats, across: Floats, room: Floats, size: float
    ) -> Integers:
        """Ask the edges of a touched cell along a level or plumb line: face or UNSURE, OPEN where none crosses.

        `along` and `across` are the points' coordinates on the line and beside it, `room` how far the cell's
        lower side on the line is from the point, `size` how far it is from the upper one.
        """
        start = self.first[touched].astype(np.int64)
        count = self.first[touched + 1] - start
        listed = self.listed[expand(start, count)]
        point = np.repeat(np.arange(len(along)), count)
        b1, b2, pb = self.edges[listed, 1 - line], self.edges[listed, 3 - line], across[point]
        beside = np.flatnonzero((np.minimum(b1, b2) <= pb) & (pb <= np.maximum(b1, b2)))
        listed, point, b1, b2, pb = (one[beside] for one in (listed, point, b1, b2, pb))
        a1, a2, pa = self.edges[listed, line], self.edges[listed, 2 + line], along[point]
        span = b2 - b1
        one, other = (pa - a1) * span, (pb - b1) * (a2 - a1)
        bound = ORIENTATION_BOUND * (np.abs(one) + np.abs(other))
        side = one - other
        answer = np.full(len(along), OPEN)
        # An edge crosses the line of its first end, not that of its last, and a point may lie on either.
        spans = pb != np.maximum(b1, b2)
        touching = np.abs(side) <= bound
        touching &= spans | ((pa >= np.minimum(a1, a2)) & (pa <= np.maximum(a1, a2)))
        answer[point[touching]] = UNSURE
        crossing = np.flatnonzero(spans & (np.abs(side) > bound))
        listed, point, span = listed[crossing], point[crossing], span[crossing]
        gap = side[crossing] / span  # positive: the edge lies at a lower place on the line than the point
        doubt = bound[crossing] / np.abs(span) + 1e-15 * np.abs(gap)
        lower = gap > 0
        room = room[point] - COUNTED * size
        for which, near in ((lower, gap <= room), (~lower, -gap <= size - room - 2 * COUNTED * size)):
            k = np.flatnonzero(which & near & (answer[point] == OPEN))
            # Edges run upward: a point after one on a level line is right of it, above one only where it runs west.
            is_right = lower[k] if line == LEVEL else lower[k] == (span[k] < 0)
            faces = np.where(is_right, self.right[listed[k]], self.left[listed[k]])
            _nearest(answer, point[k], faces, np.abs(gap[k]) - doubt[k], np.abs(gap[k]) + doubt[k])
        return answer


def _nearest(answer: Integers, point: Integers, face: NDArray[np.int32], least: Floats, most: Floats) -> None:
    """Give points the face beside their nearest crossing; pairs come sorted by point."""
    if len(point) == 0:
        return
    begin = np.flatnonzero(np.r_[True, point[1:] != point[:-1]])
    nearest = np.minimum.reduceat(most, begin)
    count = np.diff(np.r_[begin, len(point)])
    rival = least <= np.repeat(nearest, count)
    highest = np.maximum.reduceat(np.where(rival, face, OPEN), begin)
    lowest = np.minimum.reduceat(np.where(rival, face, np.iinfo(np.int32).max), begin)
    answer[point[begin]] = np.where(highest == lowest, highest, UNSURE)


def _touched(frame: Frame, edges: Floats) -> tuple[Integers, Integers, NDArray[np.bool_]]:
    """Pair each edge with each cell it comes near to: cell, edge, whether it may cross the cell's left side."""
    x1, y1, x2, y2 = edges.T
    lowest, highest = frame.row(y1), frame.row(y2)
    count = highest - lowest + 1
    edge = np.repeat(np.arange(len(edges)), count)
    row = expand(lowest, count)
    x1, y1, x2, y2 = edges[edge].T
    level = y1 == y2
    slope = np.where(level, 0.0, (x2 - x1) / np.where(level, 1.0, y2 - y1))
    bottom = frame.south + row * frame.height
    below = np.maximum(y1, bottom - ROUNDING)
    above = np.minimum(y2, bottom + frame.height + ROUNDING)
    one = np.where(level, x1, x1 + (below - y1) * slope)
    other = np.where(level, x2, x1 + (above - y1) * slope)
    west, east = np.minimum(x1, x2), np.maximum(x1, x2)
    margin = LISTED * frame.width
    leftmost = frame.column(np.maximum(np.minimum(one, other), west) - margin)
    rightmost = frame.column(np.minimum(np.maximum(one, other), east) + margin)
    width = rightmost - leftmost + 1
    column = expand(leftmost, width)
    crosses = column > np.repeat(leftmost, width)
    return np.repeat(row * frame.columns, width) + column, np.repeat(edge, width), crosses


def _fill(frame: Frame, table: NDArray[Any], locate: Locate) -> None:
    """Name the face of every untouched cell: those that hang together lie in one, so one point each is asked."""
    empty = (table == 0).reshape(frame.rows, frame.columns)
    patch, count = ndimage.label(empty)
    patch = patch.ravel()
    begins = np.flatnonzero(np.r_[True, patch[1:] != patch[:-1]])
    first = np.zeros(count + 1, dtype=np.int64)
    first[patch[begins]] = begins
    row, column = np.divmod(first[1:], frame.columns)
    middle = np.column_stack(
        [frame.west + (column + 0.5) * frame.width, frame.south + (row + 0.5) * frame.height]
    )
    named = np.r_[0, locate(middle)].astype(np.int32)
    np.add(table, named[patch], out=table)
