"""Make line work planar on the lattice: where edges cross or pass close by a vertex, they meet in it.

Coordinates here are whole lattice steps, kept in doubles, so that GEOS snap-rounds on a grid of 1.
"""

from collections.abc import Iterator

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.edges import distinct_edges, distinct_vertices
from geo.errors import TangledOutline

# A vertex takes part when its square of one step is touched; the corner of that square is 0.71 away.
NEAR_STEPS = 0.75
# So many segments are looked at in one go: GEOS keeps about half a kilobyte for each.
BAND = 500_000
# A comb of long slanted teeth has all boxes over each other: so many are asked, and pairs judged, at a time.
QUESTIONS = 1024
PAIRS = 500_000
RASTER = 1024
MAX_ROUNDS = 50
# Borders that two files have drawn each in its own way conflict a few times an edge, and have few boxes over
# each other. Beyond this the line work is no map, and would take days and all memory.
CONFLICTS, CONFLICTS_AN_EDGE = 200_000, 20
JUDGED, JUDGED_AN_EDGE = 100_000_000, 200


def planar(
    segments: NDArray[np.int64], *, everything: bool = False
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Node line work by snap rounding, and only where something meets that has no vertex in common.

    Parameters
    ----------
    segments
        Distinct undirected edges in lattice steps, shape (n, 2, 2).
    everything
        Hand all of them to GEOS instead of those in trouble: slow, the same result (tests compare).

    Returns
    -------
    kept
        Which of the given segments stay as they are, shape (n,).
    fresh
        The segments that replace the others, shape (m, 2, 2), distinct, none of them among the kept.

    Raises
    ------
    ArithmeticError
        The line work did not come to rest in fifty rounds (never seen).

    Notes
    -----
    Snap rounding (Hobby 1999, as in GEOS OverlayNG) only bends edges that pass through the square of a
    vertex or of a crossing. All others stay, so it is enough to give it the edges that do. A bent edge can
    come near another vertex; therefore it is repeated until nothing moves.
    """
    kept = np.ones(len(segments), dtype=bool)
    fresh = np.zeros((0, 2, 2), dtype=np.int64)
    if everything and len(segments):
        return ~kept, _until_stable(segments)
    trouble = in_trouble(segments)
    for _ in range(MAX_ROUNDS):
        if not trouble.any():
            return kept, fresh
        # Those of the first line work and those of the last round that are in trouble go through GEOS.
        old, new = trouble[: len(segments)] & kept, trouble[len(segments) :]
        changed = _snap_rounded(np.concatenate([segments[old], fresh[new]]))
        kept &= ~old
        before, fresh = fresh, _without(_united(fresh[~new], changed), segments[kept])
        if not old.any() and np.array_equal(before, fresh):
            return kept, fresh
        trouble = _second_look(segments, kept, fresh)
    raise ArithmeticError("snap rounding did not come to rest")


def in_trouble(segments: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which edges cross another one or pass a vertex that is not their own within half a step or so.

    Parameters
    ----------
    segments
        Distinct undirected edges in lattice steps, shape (n, 2, 2).

    Returns
    -------
    trouble
        Shape (n,).

    Raises
    ------
    TangledOutline
        There is so much of it that this is no map.
    """
    conflicts = judged = 0
    trouble = np.zeros(len(segments), dtype=bool)
    low, high = _extent(segments)
    south, north = low[:, 1], high[:, 1]
    order = np.argsort(south, kind="stable")
    for first in range(0, len(order), BAND):
        band = order[first : first + BAND]
        # Of two that meet, the one that begins farther north finds the other: it begins no later in the order
        # and reaches up into the band.
        place = np.flatnonzero(north[order[: first + BAND]] >= south[band[0]] - 2)
        pool = order[place]
        for a, b in _close(segments[band], segments[pool]):
            once = place[b] < a + first
            one, other = band[a[once]], pool[b[once]]
            bad = _in_conflict(segments[one], segments[other])
            trouble[one[bad]] = trouble[other[bad]] = True
            conflicts, judged = conflicts + int(bad.sum()), judged + len(a)
            _refuse_tangled(conflicts, judged, len(segments))
    return trouble


def _refuse_tangled(conflicts: int, judged: int, n_edges: int) -> None:
    if conflicts > CONFLICTS + CONFLICTS_AN_EDGE * n_edges or judged > JUDGED + JUDGED_AN_EDGE * n_edges:
        raise TangledOutline(
            f"The {n_edges:,} edges of all outlines cross each other in more than {conflicts:,} places: "
            "these are no areas side by side. Look at the file, and whether it is the right layer."
        )


def _second_look(
    segments: NDArray[np.int64], kept: NDArray[np.bool_], fresh: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Trouble that the fresh segments make among themselves and with those kept."""
    old = np.zeros(len(segments), dtype=bool)
    new = in_trouble(fresh)
    around = np.flatnonzero(kept)
    around = around[_near(segments[around], fresh)]
    for a, b in _close(fresh, segments[around]):
        bad = _in_conflict(fresh[a], segments[around[b]])
        new[a[bad]] = old[around[b[bad]]] = True
    return np.concatenate([old, new])


def _near(segments: NDArray[np.int64], targets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Cheap sieve: which segments share a square of a coarse raster with a target."""
    if len(segments) == 0 or len(targets) == 0:
        return np.zeros(len(segments), dtype=bool)
    origin = targets.min(axis=(0, 1)) - 2
    square = (targets.max(axis=(0, 1)) + 2 - origin) // RASTER + 1
    # Mark the box of each target by its corners, sum up twice: marks per square, then marks per rectangle.
    low, high = _extent(targets)
    low, high = (low - 1 - origin) // square, (high + 1 - origin) // square
    corners = np.zeros((RASTER + 1, RASTER + 1), dtype=np.int64)
    for x, y, sign in ((low, low, 1), (high + 1, low, -1), (low, high + 1, -1), (high + 1, high + 1, 1)):
        np.add.at(corners, (x[:, 0], y[:, 1]), sign)
    marked = corners.cumsum(axis=0).cumsum(axis=1)[:RASTER, :RASTER] > 0
    total = np.zeros((RASTER + 1, RASTER + 1), dtype=np.int64)
    total[1:, 1:] = marked.cumsum(axis=0).cumsum(axis=1)
    low, high = _extent(segments)
    low = np.clip((low - 1 - origin) // square, 0, RASTER)
    high = np.clip((high + 1 - origin) // square + 1, 0, RASTER)
    inside = total[high[:, 0], high[:, 1]] - total[low[:, 0], high[:, 1]]
    return inside - total[high[:, 0], low[:, 1]] + total[low[:, 0], low[:, 1]] > 0


def _close(
    one: NDArray[np.int64], other: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Pairs from two lists of segments whose boxes come near each other, some at a time."""
    if len(one) == 0 or len(other) == 0:
        return
    tree = shapely.STRtree(shapely.linestrings(other.astype(np.float64)))
    low, high = _extent(one)
    # Only the box of what is asked for counts, and a diagonal has the same box.
    boxes = shapely.linestrings(np.stack([low - NEAR_STEPS, high + NEAR_STEPS], axis=1))
    for first in range(0, len(boxes), QUESTIONS):
        a, b = tree.query(boxes[first : first + QUESTIONS])
        for start in range(0, len(a), PAIRS):
            yield a[start : start + PAIRS] + first, b[start : start + PAIRS]


def _extent(segments: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lower left and upper right corner of each segment's box."""
    # (NumPy's own min along an axis of two is ten times slower.)
    return np.minimum(segments[:, 0], segments[:, 1]), np.maximum(segments[:, 0], segments[:, 1])


def _in_conflict(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Decide for pairs of segments, shape (k, 2, 2) each.

    Two segments that don't cross are nearest at an end of one of them, so looking at the four ends and at the
    crossing misses nothing. Signs are only trusted where no end is near, where rounding can't turn them.
    """
    conflict = np.zeros(len(one), dtype=bool)
    sides = []
    for ends, line in ((one, other), (other, one)):
        for k in (0, 1):
            point = ends[:, k]
            is_end = _equal(point, line[:, 0]) | _equal(point, line[:, 1])
            distance, side = _distance(point, line)
            conflict |= ~is_end & (distance <= NEAR_STEPS)
            sides.append(np.where(is_end, 0, side))
    return conflict | ((sides[0] * sides[1] < 0) & (sides[2] * sides[3] < 0))


def _distance(
    point: NDArray[np.int64], line: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance of points to segments in steps, and the side they lie on (sign of the cross product)."""
    along_x, along_y = (line[:, 1] - line[:, 0]).T.astype(np.float64)
    to_x, to_y = (point - line[:, 0]).T.astype(np.float64)
    t = np.clip((along_x * to_x + along_y * to_y) / np.maximum(along_x**2 + along_y**2, 1), 0, 1)
    side = np.sign(along_x * to_y - along_y * to_x)
    return np.hypot(to_x - t * along_x, to_y - t * along_y), side


def _equal(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.bool_]:
    return (one[:, 0] == other[:, 0]) & (one[:, 1] == other[:, 1])


def _snap_rounded(segments: NDArray[np.int64]) -> NDArray[np.int64]:
    """One pass of GEOS over the segments, as distinct sorted segments."""
    lines = shapely.multilinestrings(shapely.linestrings(segments.astype(np.float64)))
    noded = shapely.get_parts(shapely.union_all([lines], grid_size=1.0))
    coordinates, line = shapely.get_coordinates(noded, return_index=True)
    points = np.round(coordinates).astype(np.int64)
    start = np.flatnonzero(line[1:] == line[:-1])
    return _united(np.stack([points[start], points[start + 1]], axis=1))


def _until_stable(segments: NDArray[np.int64]) -> NDArray[np.int64]:
    """All line work through GEOS again and again until it stays."""
    current = _united(segments)
    for _ in range(MAX_ROUNDS):
        result = _snap_rounded(current)
        if np.array_equal(result, current):
            return result
        current = result
    raise ArithmeticError("snap rounding did not come to rest")


def _united(*groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Distinct undirected segments of all groups in one fixed order."""
    segments = np.concatenate(groups)
    vertices, number = distinct_vertices(segments.reshape(-1, 2))
    pairs = number.reshape(-1, 2)
    ends, _, _ = distinct_edges(pairs[pairs[:, 0] != pairs[:, 1]], len(vertices))
    return vertices[ends]


def _without(segments: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those segments that are not among the others (both with the lower vertex first)."""
    if len(segments) == 0:
        return segments
    # Only others with both ends among our vertices can be equal to one of ours; numbering all would be slow.
    low, high = segments.reshape(-1, 2).min(axis=0), segments.reshape(-1, 2).max(axis=0)
    near = ((others >= low) & (others <= high)).all(axis=(1, 2))
    both = np.concatenate([segments, others[near]])
    vertices, number = distinct_vertices(both.reshape(-1, 2))
    _, edge, _ = distinct_edges(number.reshape(-1, 2), len(vertices))
    return segments[~np.isin(edge[: len(segments)], edge[len(segments) :])]
