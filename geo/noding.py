"""Make line work planar on the lattice: where edges cross or pass close by a vertex, they meet in it.

Coordinates here are whole lattice steps, kept in doubles, so that GEOS snap-rounds on a grid of 1.
"""

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.edges import distinct_edges, distinct_vertices

# A vertex takes part when its square of one step is touched; the corner of that square is 0.71 away.
NEAR_STEPS = 0.75
PAIRS_AT_ONCE = 2_000_000
MAX_ROUNDS = 50


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

    Notes
    -----
    Snap rounding (Hobby 1999, as in GEOS OverlayNG) only bends edges that pass through the square of a
    vertex or of a crossing. All others stay, so it is enough to give it the edges that do. A bent edge can
    come near another vertex; therefore it is repeated until nothing moves.
    """
    kept = np.ones(len(segments), dtype=bool)
    fresh = np.zeros((0, 2, 2), dtype=np.int64)
    if len(segments) == 0:
        return kept, fresh
    if everything:
        return np.zeros(len(segments), dtype=bool), _until_stable(segments)
    tree = shapely.STRtree(shapely.linestrings(segments.astype(np.float64)))
    trouble = _troubled(segments, segments, tree)
    for _ in range(MAX_ROUNDS):
        if not trouble.any():
            return kept, fresh
        # Those of the first line work and those of the last round that are in trouble go through GEOS.
        old = trouble[: len(segments)] & kept
        new = trouble[len(segments) :]
        changed = _snap_rounded(np.concatenate([segments[old], fresh[new]]))
        kept &= ~old
        before, fresh = fresh, _without(_united(fresh[~new], changed), segments[kept])
        if not old.any() and np.array_equal(_united(before), fresh):
            return kept, fresh
        trouble = _second_look(segments, kept, fresh, tree)
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
    """
    if len(segments) == 0:
        return np.zeros(0, dtype=bool)
    return _troubled(segments, segments, shapely.STRtree(shapely.linestrings(segments.astype(np.float64))))


def _second_look(
    segments: NDArray[np.int64], kept: NDArray[np.bool_], fresh: NDArray[np.int64], tree: shapely.STRtree
) -> NDArray[np.bool_]:
    """Trouble that the fresh segments make among themselves and with those kept."""
    trouble = np.zeros(len(segments) + len(fresh), dtype=bool)
    if len(fresh) == 0:
        return trouble
    boxes = _boxes(fresh)
    a, b = tree.query(boxes)
    a, b = a[kept[b]], b[kept[b]]
    bad = _in_conflict(fresh[a], segments[b])
    trouble[len(segments) + a[bad]] = trouble[b[bad]] = True
    own_tree = shapely.STRtree(shapely.linestrings(fresh.astype(np.float64)))
    trouble[len(segments) :] |= _troubled(fresh, fresh, own_tree)
    return trouble


def _troubled(
    segments: NDArray[np.int64], others: NDArray[np.int64], tree: shapely.STRtree
) -> NDArray[np.bool_]:
    """Which segments cross or nearly touch another one of their line work without sharing a vertex there."""
    trouble = np.zeros(len(segments), dtype=bool)
    step = max(PAIRS_AT_ONCE // 4, 1)
    for first in range(0, len(segments), step):
        a, b = tree.query(_boxes(segments[first : first + step]))
        a += first
        once = a < b
        a, b = a[once], b[once]
        bad = _in_conflict(segments[a], others[b])
        trouble[a[bad]] = trouble[b[bad]] = True
    return trouble


def _boxes(segments: NDArray[np.int64]) -> NDArray[np.object_]:
    """Boxes around segments, wide enough for near misses."""
    low, high = segments.min(axis=1) - NEAR_STEPS, segments.max(axis=1) + NEAR_STEPS
    return shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1])


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
            is_end = (point == line[:, 0]).all(axis=1) | (point == line[:, 1]).all(axis=1)
            distance, side = _distance(point, line)
            conflict |= ~is_end & (distance <= NEAR_STEPS)
            sides.append(np.where(is_end, 0, side))
    return conflict | ((sides[0] * sides[1] < 0) & (sides[2] * sides[3] < 0))


def _distance(
    point: NDArray[np.int64], line: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance of points to segments in steps, and the side they lie on (sign of the cross product)."""
    along = (line[:, 1] - line[:, 0]).astype(np.float64)
    to = (point - line[:, 0]).astype(np.float64)
    length2 = np.maximum((along**2).sum(axis=1), 1)
    t = np.clip((along * to).sum(axis=1) / length2, 0, 1)
    away = to - t[:, None] * along
    return np.hypot(away[:, 0], away[:, 1]), np.sign(along[:, 0] * to[:, 1] - along[:, 1] * to[:, 0])


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
