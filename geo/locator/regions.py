"""Which face each region of a touched cell lies in.

The lines through a cell's edges cut each edge into pieces, and either side of a piece is a region whose face is
known: the one that the edge has there. A region beside no piece is parted from its neighbours by nothing, so it
lies in the face of any neighbour that is known to be there. Nothing is told where rounding could matter: a piece
too short or too near to another line makes the whole cell doubtful.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.locator.frame import Frame
from geo.locator.raster import UNSURE, UNTOLD, Singles

# All in cells. Places are known to 1e-9 at the deepest; edges are listed in each cell that they come within LISTED of.
LISTED, WITHIN = 2e-6, 1e-6
SHORT = 1e-6  # a piece no longer than this is not relied on
NEAR = 1e-8  # so near to a line, a place is on no known side of it
SAME = 1e-7  # lines that differ by less than this all over the cell: no sure point lies between them
UNKNOWN = -3
CELLS_AT_ONCE = 1 << 12

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Shorts = NDArray[np.int32]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Edges:
    """The edges of a coverage: (m, 4) lon and lat of both ends; the faces left and right of each, (m,)."""

    ends: Floats
    left: Shorts
    right: Shorts


def regions(
    frame: Frame, column: Integers, row: Integers, listed: Shorts, edges: Edges
) -> tuple[Singles, NDArray[np.uint8], Flags]:
    """Draw the regions of touched cells.

    Parameters
    ----------
    frame
        Where the cells lie.
    column, row
        The cells, shape (n,).
    listed
        The edges of each, shape (n, k).
    edges
        All edges.

    Returns
    -------
    lines, sides
        As in `Cells`.
    meeting
        Whether edges of the cell meet elsewhere than in common ends, or so nearly that it can't be told, shape (n,):
        there faces may overlap.
    """
    n, k = listed.shape
    lines = np.empty((n, 3 * k), dtype=np.float32)
    sides = np.empty((n, 1 << k), dtype=np.uint8)
    meeting = np.empty(n, dtype=np.bool_)
    for begin in range(0, n, CELLS_AT_ONCE):
        some = slice(begin, begin + CELLS_AT_ONCE)
        edge = listed[some].T
        drawn = _Drawn.of(frame, column[some], row[some], np.moveaxis(edges.ends[edge], 2, 0).copy())
        for j in range(k):
            for part, numbers in enumerate(drawn.line):
                lines[some, 3 * j + part] = numbers[j]
        left, right = edges.left[edge], edges.right[edge]
        known, contradict = drawn.faces(left, right)
        sides[some], meeting[some] = _sides(known, left, right).T, drawn.meeting | contradict
    return lines, sides, meeting


def _sides(known: Shorts, left: Shorts, right: Shorts) -> NDArray[np.uint8]:
    """Say where each face is found: right of edge i for 2 i, left of it for 2 i + 1."""
    sides = np.full(known.shape, UNTOLD, dtype=np.uint8)
    for i in range(len(left)):
        sides[known == right[i]] = 2 * i
        sides[known == left[i]] = 2 * i + 1
    return sides


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Edges i and lines j of n cells, in cells; the cells are the last axis everywhere.

    `line` is a, b, c, each (k, n); `at_a` and `at_b` (k, k, n) tell how far left of line j the ends of edge i are, 0
    exactly where they are an end of edge j; `begin`, `end` (k, n) which part of edge i lies within the cell, as
    shares of it, and `length` its whole length; `alike` (k, k, n) is 1 where lines i and j are the same, -1 where
    they are so the other way round, else 0; `doubtful` (n,) that an end comes so near to a line that nothing may
    be concluded from it, `meeting` (n,) that edges meet elsewhere than in common ends.
    """

    line: tuple[Floats, Floats, Floats]
    at_a: Floats
    at_b: Floats
    begin: Floats
    end: Floats
    length: Floats
    alike: NDArray[np.int8]
    doubtful: Flags
    meeting: Flags

    @classmethod
    def of(cls, frame: Frame, column: Integers, row: Integers, ends: Floats) -> "_Drawn":
        """Take edges (4, k, n) into their cells."""
        u, v = (ends[0] - frame.west) / frame.width - column, (ends[1] - frame.south) / frame.height - row
        # From the differences of the ends themselves, so that short edges have exact directions too.
        du, dv = (ends[2] - ends[0]) / frame.width, (ends[3] - ends[1]) / frame.height
        length = np.sqrt(du * du + dv * dv)
        left_u, left_v = -dv / length, du / length
        line = (left_u, left_v, -(left_u * u + left_v * v))
        at_a = u[:, None] * left_u + v[:, None] * left_v + line[2]
        at_b = at_a + (du[:, None] * left_u + dv[:, None] * left_v)
        a_shared, b_shared = (_shared(*one, ends) for one in (ends[:2], ends[2:]))
        at_a[a_shared], at_b[b_shared] = 0.0, 0.0
        begin, end = _within((u, v), (du, dv))
        alike = _alike(line)
        near_a = (np.abs(at_a) <= NEAR) & ~a_shared & (begin == 0)[:, None]
        near_b = (np.abs(at_b) <= NEAR) & ~b_shared & (end == 1)[:, None]
        doubtful = ((near_a | near_b) & (alike == 0)).any(axis=(0, 1))
        crosses = _crosses(at_a, at_b) & (alike == 0)
        meeting = (crosses & crosses.swapaxes(0, 1)).any(axis=(0, 1))
        for near, step in ((near_a, 0.0), (near_b, 1.0)):
            some = np.flatnonzero(near.any(axis=(0, 1)))
            off_u, off_v = (
                (one + step * more)[:, None, some] - one[:, some] for one, more in ((u, du), (v, dv))
            )
            along = off_u * left_v[:, some] - off_v * left_u[:, some]
            beside = (along >= -NEAR) & (along <= length[:, some] + NEAR)
            meeting[some] |= (near[:, :, some] & beside).any(axis=(0, 1))
        return cls(line, at_a, at_b, begin, end, length, alike, doubtful, meeting)

    def faces(self, left: Shorts, right: Shorts) -> tuple[Shorts, Flags]:
        """Give the face of each region, (2ᵏ, n), and the cells where edges contradict each other."""
        k, n = self.begin.shape
        known = np.full((1 << k, n), UNKNOWN, dtype=np.int32)
        flat, cell = known.reshape(-1), np.arange(n)
        doubtful, claims, wrong = self.doubtful.copy(), [], np.zeros(n, dtype=np.bool_)
        for middle, is_piece in self._pieces(doubtful):
            for i in range(k):
                region_left, region_right, near = self._beside(i, middle[i])
                doubtful |= near & is_piece[i]
                here = np.flatnonzero(is_piece[i] & ~near)
                for region, face in ((region_left, left[i]), (region_right, right[i])):
                    where = region[here] * n + cell[here]
                    claims.append((where, face[here]))
                    flat[where] = claims[-1][1]
        for where, face in claims:
            wrong[where[flat[where] != face] % n] = True
        _spread(known, ~doubtful)
        known[:, wrong] = UNSURE
        return known, wrong

    def _beside(self, i: int, middle: Floats) -> tuple[Integers, Integers, Flags]:
        """Give the regions left and right of a place on edge i, and whether it is too near to another line."""
        on_left, on_right = np.zeros((2, len(middle)), dtype=np.int64)
        near = np.zeros(len(middle), dtype=np.bool_)
        for j in range(len(self.begin)):
            side = self.at_a[i, j] + (self.at_b[i, j] - self.at_a[i, j]) * middle
            alike = self.alike[i, j]
            near |= (np.abs(side) <= NEAR) & (alike == 0)
            beside = (side > 0) & (alike == 0)
            on_left |= (beside | (alike > 0)).astype(np.int64) << j
            on_right |= (beside | (alike < 0)).astype(np.int64) << j
        return on_left, on_right, near

    def _pieces(self, doubtful: Flags) -> list[tuple[Floats, Flags]]:
        """Give for each edge the middles of its pieces, and whether there is a piece; marks the doubtful cells."""
        crosses = _crosses(self.at_a, self.at_b) & (self.alike == 0)
        cut = np.where(crosses, self.at_a / np.where(crosses, self.at_a - self.at_b, 1.0), 0.0)
        cuts = np.empty((len(cut) + 2, *self.begin.shape))
        cuts[0], cuts[-1] = self.begin, self.end
        cuts[1:-1] = np.clip(cut, self.begin[:, None], self.end[:, None]).swapaxes(0, 1)
        cuts.sort(axis=0)
        length = (cuts[1:] - cuts[:-1]) * self.length
        doubtful |= ((length > 0) & (length <= SHORT)).any(axis=(0, 1))
        middle, is_piece = (cuts[1:] + cuts[:-1]) / 2, length > SHORT
        return [(one, which) for one, which in zip(middle, is_piece, strict=True) if which.any()]


def _shared(lon: Floats, lat: Floats, ends: Floats) -> Flags:
    """Tell whether an end of edge i is an end of edge j, bit for bit; (k, k, n)."""
    lon, lat = lon[:, None], lat[:, None]
    return ((lon == ends[0]) & (lat == ends[1])) | ((lon == ends[2]) & (lat == ends[3]))


def _crosses(at_a: Floats, at_b: Floats) -> Flags:
    """Tell whether edge i has its ends on both sides of line j."""
    return ((at_a > 0) != (at_b > 0)) & (at_a != 0) & (at_b != 0)


def _within(start: tuple[Floats, Floats], step: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Cut edges at the sides of the cell, a little outside (Liang and Barsky 1984); an empty part has one place."""
    begin, end = np.zeros_like(start[0]), np.ones_like(start[0])
    for at, along in zip(start, step, strict=True):
        level = along == 0
        divisor = np.where(level, 1.0, along)
        one, other = (-WITHIN - at) / divisor, (1 + WITHIN - at) / divisor
        inside = (at >= -WITHIN) & (at <= 1 + WITHIN)
        begin = np.maximum(begin, np.where(level, np.where(inside, 0.0, 2.0), np.minimum(one, other)))
        end = np.minimum(end, np.where(level, 1.0, np.maximum(one, other)))
    empty = begin >= end
    begin[empty] = end[empty] = 0.5
    return begin, end


def _alike(line: tuple[Floats, Floats, Floats]) -> NDArray[np.int8]:
    """Find lines that are the same all over the cell: 1, -1 the other way round; (k, k, n)."""
    same = sum(np.abs(one[:, None] - one) for one in line) <= SAME
    turned = sum(np.abs(one[:, None] + one) for one in line) <= SAME
    return same.astype(np.int8) - turned.astype(np.int8)


def _spread(known: Shorts, allowed: Flags) -> None:
    """Give regions beside no piece the face of their neighbours.

    A region that is there, beside no piece, hangs together with each neighbour that is there: with every one that
    a piece told of, and where there is none such, with at least one of the others.
    """
    told = known != UNKNOWN
    k = len(known).bit_length() - 1
    codes = np.arange(len(known))
    for turn in range(k):
        lost = (known == UNKNOWN) & allowed
        if not lost.any():
            break
        beyond = [known[codes ^ (1 << j)] for j in range(k)]
        high = np.maximum.reduce(beyond)
        if turn == 0:
            low = np.minimum.reduce(
                [np.where(told[codes ^ (1 << j)], one, high) for j, one in enumerate(beyond)]
            )
            agree = high != UNKNOWN
        else:
            low = np.minimum.reduce(beyond)
            agree = low != UNKNOWN
        fresh = np.where(agree, np.where(low == high, high, UNSURE), UNKNOWN)
        known[lost] = fresh[lost]
    known[known == UNKNOWN] = UNSURE
