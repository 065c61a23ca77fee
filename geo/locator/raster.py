"""A raster over a coverage: one table read where no border is near, a few local edges where one is.

Cells that no edge touches lie in one face, or outside all. A touched cell lists the edges that touch it, each
with the face on its right. A point in it belongs to the right of the nearest edge on its left; where none
crosses its line between the cell's left side and the point, the cell to the left is asked, and so on.

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
CELLS_PER_EDGE = 12
LEAST_CELLS, MOST_CELLS = 1 << 10, 1 << 27
ORIENTATION_BOUND = 3.5e-16  # (3 + 16 u) u of Shewchuk is 3.33e-16
# An edge is listed in every cell it comes this near to, as a share of the cell; a crossing counts in a cell up
# to a tenth of that beyond its left side. So whatever counts is listed, whichever way a place was rounded.
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
    right
        The face on the right of each edge, -1 for none.
    """

    frame: Frame
    table: NDArray[np.int32]
    first: NDArray[np.int32]
    listed: NDArray[np.int32]
    edges: Floats
    right: NDArray[np.int32]

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        arrays = (self.table, self.first, self.listed, self.edges, self.right)
        return sum(one.nbytes for one in arrays)

    @classmethod
    def build(cls, edges: Floats, right: Integers, locate: Locate, *, cells: int | None = None) -> "Raster":
        """Draw the raster of a coverage.

        Parameters
        ----------
        edges
            (m, 4): each edge of the coverage once, from its lower to its upper end, lon/lat degrees.
        right
            The face on the right of each, -1 for none, shape (m,).
        locate
            The exact predicate: points (n, 2) → faces (n,).
        cells
            About how many cells; by default CELLS_PER_EDGE for each edge.
        """
        low = np.minimum(edges[:, :2], edges[:, 2:]).min(axis=0)
        high = np.maximum(edges[:, :2], edges[:, 2:]).max(axis=0)
        wanted = cells or min(max(CELLS_PER_EDGE * len(edges), LEAST_CELLS), MOST_CELLS)
        frame = Frame.over(low, high, wanted)
        cell, edge = _touched(frame, edges)
        order = np.argsort(cell, kind="stable")
        cell, edge = cell[order], edge[order]
        starts = np.flatnonzero(np.r_[True, cell[1:] != cell[:-1]])
        table = np.zeros(frame.rows * frame.columns, dtype=np.int32)
        table[cell[starts]] = -2 - np.arange(len(starts), dtype=np.int32)
        _fill(frame, table, locate)
        return cls(
            frame=frame,
            table=table,
            first=np.r_[starts, len(cell)].astype(np.int32),
            listed=edge.astype(np.int32),
            edges=np.ascontiguousarray(edges),
            right=right.astype(np.int32),
        )

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
        while len(todo):
            answer = self._ask(-2 - self.table[cell], x, y, x - (frame.west + column * frame.width))
            face[todo] = answer
            left = np.flatnonzero(answer == OPEN)
            cell, column = cell[left] - 1, column[left] - 1
            seen = self.table[cell].astype(np.int64)
            face[todo[left]] = seen
            further = seen < -1
            left = left[further]
            todo, x, y, cell, column = todo[left], x[left], y[left], cell[further], column[further]
        return face

    def _ask(
        self, touched: Integers, x: Floats, y: Floats, room: Floats
    ) -> tuple[Integers, NDArray[np.bool_]]:
        """Ask the edges of one touched cell for each point: face or UNSURE, and where to ask further left.

        `room` is how far the cell's left side is from the point.
        """
        start = self.first[touched].astype(np.int64)
        count = self.first[touched + 1] - start
        listed = self.listed[expand(start, count)]
        point = np.repeat(np.arange(len(x)), count)
        py = y[point]
        beside = np.flatnonzero((self.edges[listed, 1] <= py) & (py <= self.edges[listed, 3]))
        listed, point, py = listed[beside], point[beside], py[beside]
        x1, y1, x2, y2 = self.edges[listed].T
        px = x[point]
        rise = y2 - y1
        across, along = (px - x1) * rise, (py - y1) * (x2 - x1)
        side = across - along  # positive: the point is right of the edge
        bound = ORIENTATION_BOUND * (np.abs(across) + np.abs(along))
        spans = py < y2
        answer = np.full(len(x), OPEN)
        # Level edges and upper ends span nothing, but a point may lie on them.
        touching = np.flatnonzero(np.abs(side) <= bound)
        here, on = px[touching], spans[touching]
        on |= (here >= np.minimum(x1, x2)[touching]) & (here <= np.maximum(x1, x2)[touching])
        answer[point[touching[on]]] = UNSURE
        crossing = np.flatnonzero(spans & (side > bound))
        gap = side[crossing] / rise[crossing]
        doubt = bound[crossing] / rise[crossing] + 1e-15 * gap  # what orientation and division can be off
        near = gap <= room[point[crossing]] + COUNTED * self.frame.width
        gap, doubt, crossing = gap[near], doubt[near], crossing[near]
        point, face = point[crossing], self.right[listed[crossing]]
        if len(point):
            answer = _nearest(answer, point, face, gap - doubt, gap + doubt)
        return answer


def _nearest(
    answer: Integers, point: Integers, face: NDArray[np.int32], least: Floats, most: Floats
) -> Integers:
    """Give each open point the face of its nearest crossing; pairs come sorted by point."""
    begin = np.flatnonzero(np.r_[True, point[1:] != point[:-1]])
    nearest = np.minimum.reduceat(most, begin)
    count = np.diff(np.r_[begin, len(point)])
    rival = least <= np.repeat(nearest, count)
    highest = np.maximum.reduceat(np.where(rival, face, -3), begin)
    lowest = np.minimum.reduceat(np.where(rival, face, np.iinfo(np.int32).max), begin)
    who = point[begin]
    answer[who] = np.where((answer[who] == OPEN) & (highest == lowest), highest, UNSURE)
    return answer


def _touched(frame: Frame, edges: Floats) -> tuple[Integers, Integers]:
    """Pair each edge with each cell it comes near to: cell, edge."""
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
    return np.repeat(row * frame.columns, width) + column, np.repeat(edge, width)


def _fill(frame: Frame, table: NDArray[Any], locate: Locate) -> None:
    """Name the face of every untouched cell: those that hang together lie in one, so one point each is asked."""
    empty = (table == 0).reshape(frame.rows, frame.columns)
    patch, count = ndimage.label(empty)
    patch = patch.ravel()
    cells = np.flatnonzero(patch)
    first = np.empty(count + 1, dtype=np.int64)
    first[patch[cells][::-1]] = cells[::-1]
    row, column = np.divmod(first[1:], frame.columns)
    middle = np.column_stack(
        [frame.west + (column + 0.5) * frame.width, frame.south + (row + 0.5) * frame.height]
    )
    named = np.r_[0, locate(middle)] if count else np.zeros(1, dtype=np.int64)
    table[cells] = named[patch[cells]]
