"""Draws the raster of a coverage: which edges each cell lists, regions, divided cells, names of the free cells."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from geo.locator.edges import expand
from geo.locator.frame import SIDE, Frame
from geo.locator.raster import TOUCHED, UNSURE, Cells, Raster, Singles
from geo.locator.regions import LISTED, Edges, regions

CELLS_PER_EDGE = 5
LEAST_CELLS, MOST_CELLS = 1 << 10, 1 << 27
MOST_LINES = 4  # a cell with more is divided
DEPTH = 3  # so often
EDGES_AT_ONCE = 1 << 18
FREE = 0  # in the table until the free cells have their names

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Shorts = NDArray[np.int32]
Locate = Callable[[Floats], Integers]


@dataclass(slots=True)
class _Sketch:
    """What is drawn so far: touched cells and their places in the table by their number of lines."""

    edges: Edges
    lines: list[list[Singles]] = field(default_factory=lambda: [[] for _ in range(MOST_LINES)])
    sides: list[list[NDArray[np.uint8]]] = field(default_factory=lambda: [[] for _ in range(MOST_LINES)])
    places: list[list[Integers]] = field(default_factory=lambda: [[] for _ in range(MOST_LINES)])
    listed: list[list[Shorts]] = field(default_factory=lambda: [[] for _ in range(MOST_LINES)])
    unsure: list[Integers] = field(default_factory=list)
    divided: list["_Deep"] = field(default_factory=list)
    blocks: list[tuple[Frame, Integers, Integers]] = field(default_factory=list)
    meeting: list[Shorts] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A raster, and the edges that may meet others elsewhere than in common ends, which those of a coverage do not."""

    raster: Raster
    meeting: Shorts


def draw(ends: Floats, left: Shorts, right: Shorts, locate: Locate, *, cells: int | None = None) -> Drawing:
    """Draw the raster of a coverage.

    Parameters
    ----------
    ends
        (m, 4): each edge of the coverage once, lon/lat degrees of both ends.
    left, right
        The face on either side of each, -1 for none, shape (m,).
    locate
        The exact predicate: points (n, 2) → faces (n,).
    cells
        About how many cells; by default CELLS_PER_EDGE for each edge.
    """
    low = np.minimum(ends[:, :2], ends[:, 2:]).min(axis=0)
    high = np.maximum(ends[:, :2], ends[:, 2:]).max(axis=0)
    wanted = cells or min(max(CELLS_PER_EDGE * len(ends), LEAST_CELLS), MOST_CELLS)
    whole = frame = Frame.over(low, high, wanted)
    sketch = _Sketch(Edges(ends, left, right))
    size = frame.rows * frame.columns
    edge, column, row = _touched(frame, ends)
    place = row.astype(np.int64) * frame.columns + column
    for depth in range(DEPTH + 1):
        deep = _sketch_cells(sketch, frame, place, edge, column, row, is_last=depth == DEPTH)
        if len(deep.first) == 0:
            break
        frame = frame.divided()
        sketch.divided.append(deep)
        sketch.blocks.append((frame, deep.column.astype(np.int64) * SIDE, deep.row.astype(np.int64) * SIDE))
        edge, column, row, block = _touched_within(frame, ends, deep)
        place = size + block * SIDE**2 + row % SIDE * SIDE + column % SIDE
        size += len(deep.first) * SIDE**2
    return _finished(sketch, whole, size, locate)


@dataclass(frozen=True, slots=True)
class _Deep:
    """Cells to divide: places in the table, columns and rows, and their lists of edges one after the other."""

    place: Integers
    column: Shorts
    row: Shorts
    first: Integers
    count: Integers
    edge: Shorts


def _sketch_cells(
    sketch: _Sketch,
    frame: Frame,
    place: Integers,
    edge: Shorts,
    column: Shorts,
    row: Shorts,
    *,
    is_last: bool,
) -> _Deep:
    """Draw the cells with few edges, and give those to divide."""
    order = np.argsort(place, kind="stable")
    place, edge, column, row = place[order], edge[order], column[order], row[order]
    first = np.flatnonzero(np.r_[True, place[1:] != place[:-1]][: len(place)])
    count = np.diff(np.r_[first, len(place)])
    for k in range(1, MOST_LINES + 1):
        which = first[count == k]
        if len(which):
            listed = edge[which[:, None] + np.arange(k)]
            lines, sides, meeting = regions(frame, column[which], row[which], listed, sketch.edges)
            sketch.lines[k - 1].append(lines)
            sketch.sides[k - 1].append(sides)
            sketch.places[k - 1].append(place[which])
            sketch.listed[k - 1].append(listed.reshape(-1))
            sketch.meeting.append(listed[meeting].reshape(-1))
    which = np.flatnonzero(count > MOST_LINES)
    first, count = first[which], count[which]
    listed = expand(first, count)
    if is_last:
        sketch.unsure.append(place[first])
        sketch.meeting.append(edge[listed])
    return _Deep(place[first], column[first], row[first], first, count, edge[listed])


def _touched(frame: Frame, ends: Floats) -> tuple[Shorts, Shorts, Shorts]:
    """Pair each edge with each cell that it comes near to: edge, column, row."""
    found = []
    for begin in range(0, len(ends), EDGES_AT_ONCE):
        some = ends[begin : begin + EDGES_AT_ONCE]
        low = np.zeros((len(some), 1))
        item, column, row = _near(frame, some, low, low, frame.columns, frame.rows)
        found.append((item + begin, column, row))
    edge, column, row = (np.concatenate(one, dtype=np.int32) for one in zip(*found, strict=True))
    return edge, column, row


def _touched_within(frame: Frame, ends: Floats, deep: _Deep) -> tuple[Shorts, Shorts, Shorts, Integers]:
    """Pair the edges of divided cells with their parts: edge, column, row, number of the divided cell."""
    block = np.repeat(np.arange(len(deep.first)), deep.count)
    found = []
    for begin in range(0, len(block), EDGES_AT_ONCE):
        some = slice(begin, begin + EDGES_AT_ONCE)
        low_column, low_row = (
            one[block[some]].astype(np.float64)[:, None] * SIDE for one in (deep.column, deep.row)
        )
        item, column, row = _near(frame, ends[deep.edge[some]], low_column, low_row, SIDE, SIDE)
        found.append((deep.edge[begin + item], column, row, block[begin + item]))
    edge, column, row, block = (np.concatenate(one) for one in zip(*found, strict=True))
    return edge, column.astype(np.int32), row.astype(np.int32), block


def _near(
    frame: Frame, ends: Floats, low_column: Floats, low_row: Floats, columns: int, rows: int
) -> tuple[Integers, Integers, Integers]:
    """Pair edges with the cells they come near to, among so many columns and rows from the given ones, (n, 1)."""
    places = frame.along(ends.reshape(-1, 2, 2))
    u, v = places[:, :, 0], places[:, :, 1]
    falls = v[:, 0] > v[:, 1]
    u[falls], v[falls] = u[falls][:, ::-1], v[falls][:, ::-1]
    lowest, highest = _cells_from_to(v[:, 0], v[:, 1], low_row[:, 0], rows)
    count = np.maximum(highest - lowest + 1, 0)
    item, row = np.repeat(np.arange(len(ends)), count), expand(lowest, count)
    (u1, u2), (v1, v2) = u[item].T, v[item].T
    slope = (u2 - u1) / np.where(v1 == v2, 1.0, v2 - v1)
    below = np.where(v1 == v2, 0.0, np.maximum(row - LISTED - v1, 0.0))
    above = np.where(v1 == v2, 1.0, np.minimum(row + 1 + LISTED, v2) - v1)
    one, other = u1 + below * slope, u1 + above * slope
    west, east = np.minimum(u1, u2), np.maximum(u1, u2)
    leftmost, rightmost = np.minimum(one, other).clip(west, east), np.maximum(one, other).clip(west, east)
    leftmost, rightmost = _cells_from_to(leftmost, rightmost, low_column[item, 0], columns)
    width = np.maximum(rightmost - leftmost + 1, 0)
    return np.repeat(item, width), expand(leftmost, width), np.repeat(row, width)


def _cells_from_to(low: Floats, high: Floats, first: Floats, count: int) -> tuple[Integers, Integers]:
    """Number the cells along one axis that a stretch comes near to, among `count` from `first`."""
    begin = np.maximum(np.floor(low - LISTED), first)
    end = np.minimum(np.floor(high + LISTED), first + count - 1)
    return begin.astype(np.int64), end.astype(np.int64)


def _finished(sketch: _Sketch, frame: Frame, size: int, locate: Locate) -> Drawing:
    """Number the touched cells, and name the free ones."""
    table = np.zeros(size, dtype=np.int32)
    cells, number, start = [], 0, 0
    for k, places in enumerate(sketch.places, start=1):
        lines = np.concatenate([np.empty((0, 3 * k), dtype=np.float32), *sketch.lines[k - 1]])
        sides = np.concatenate([np.empty((0, 1 << k), dtype=np.uint8), *sketch.sides[k - 1]])
        cells.append(Cells(lines, sides, start))
        sketch.lines[k - 1].clear()
        start += k * len(lines)
        number = _numbered(table, places, number)
    _numbered(table, [deep.place for deep in sketch.divided], number)
    for place in sketch.unsure:
        table[place] = UNSURE
    main = frame.rows * frame.columns
    _name(table[:main].reshape(1, frame.rows, frame.columns), [(frame, np.zeros(1), np.zeros(1))], locate)
    _name(table[main:].reshape(-1, SIDE, SIDE), sketch.blocks, locate)
    meeting = np.unique(np.concatenate([np.empty(0, dtype=np.int32), *sketch.meeting]))
    first, listed = _lists(sketch)
    edges = sketch.edges
    raster = Raster(
        frame, table, tuple(cells), first, listed, edges.ends, np.column_stack([edges.right, edges.left])
    )
    return Drawing(raster, meeting)


def _lists(sketch: _Sketch) -> tuple[Shorts, Shorts]:
    """Give the edges of all touched cells in the order of their numbers: where each cell's begin, edges."""
    listed = [one for some in sketch.listed for one in some] + [deep.edge for deep in sketch.divided]
    few = [np.full(sum(map(len, some)), k) for k, some in enumerate(sketch.places, start=1)]
    count = np.concatenate([*few, *(deep.count for deep in sketch.divided)])
    first = np.zeros(len(count) + 1, dtype=np.int32)
    np.cumsum(count, out=first[1:])
    return first, np.concatenate([np.empty(0, dtype=np.int32), *listed])


def _numbered(table: Shorts, places: list[Integers], number: int) -> int:
    for place in places:
        table[place] = TOUCHED - number - np.arange(len(place))
        number += len(place)
    return number


def _name(table: Shorts, blocks: list[tuple[Frame, Floats, Floats]], locate: Locate) -> None:
    """Name the face of every free cell: those of a block that hang together lie in one, so one each is asked.

    `table` is (blocks, rows, columns); for each block the column and row of its first cell in its frame.
    """
    beside = np.zeros((3, 3, 3), dtype=np.bool_)
    beside[1] = [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    patch, count = ndimage.label(table == FREE, beside)
    flat = patch.reshape(-1)
    begins = np.flatnonzero(np.r_[True, flat[1:] != flat[:-1]][: len(flat)])
    first = np.zeros(count + 1, dtype=np.int64)
    first[flat[begins[::-1]]] = begins[::-1]
    block, row, column = np.unravel_index(first[1:], table.shape)
    middle, begin = np.empty((count, 2)), 0
    for frame, columns, rows in blocks:
        own = np.flatnonzero((block >= begin) & (block < begin + len(columns)))
        corner = block[own] - begin
        middle[own] = frame.middles(columns[corner] + column[own], rows[corner] + row[own])
        begin += len(columns)
    named = np.r_[0, locate(middle)].astype(np.int32)
    np.add(table, named[patch], out=table)
