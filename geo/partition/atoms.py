"""The arrangement: all borders of all levels laid over each other, and who covers each piece."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.edges import EdgeSet, edges, steps
from geo.lattice import STEPS_PER_DEGREE
from geo.noding import planar


@dataclass(frozen=True, slots=True)
class Atoms:
    """The smallest pieces of ground, and which of the given polygons cover each.

    Attributes
    ----------
    shapes
        Polygons in degrees on the lattice, shape (a,), without overlap; every border vertex is in all of the
        pieces that meet there.
    atom, cover
        Pairs (piece, covering polygon), sorted; pieces that nothing covers are left out.
    """

    shapes: NDArray[np.object_]
    atom: NDArray[np.int64]
    cover: NDArray[np.int64]


def lay_over(polygons: NDArray[np.object_], *, node_everything: bool = False) -> Atoms:
    """Cut the plane along the borders of all polygons.

    Parameters
    ----------
    polygons
        Valid polygons on the lattice, lon/lat degrees, shape (n,), oriented by `canon`.
    node_everything
        Take the slow path through GEOS for all line work; the result is the same.
    """
    edge_set = edges(polygons)
    segments = edge_set.vertices[edge_set.ends]
    kept, fresh = planar(segments, everything=node_everything)
    lines = np.concatenate([_arcs(edge_set, kept, fresh), _lines(fresh)])
    # Sorted, so that no later sum depends on the order in which GEOS happened to find them.
    shapes = shapely.normalize(shapely.get_parts(shapely.polygonize(lines)))
    shapes = shapes[np.argsort(shapely.to_wkb(shapes), kind="stable")]
    atom, cover = _coverers(shapes, polygons)
    covered = np.unique(atom)
    in_degrees = shapely.transform(shapes[covered], lambda xy: xy / STEPS_PER_DEGREE)
    return Atoms(shapely.orient_polygons(in_degrees), np.searchsorted(covered, atom), cover)


def _arcs(edge_set: EdgeSet, kept: NDArray[np.bool_], fresh: NDArray[np.int64]) -> NDArray[np.object_]:
    """Lines through the kept edges, from node to node as far as the rings run.

    Each edge goes into the line of the ring that uses it first. A line ends where that ring's edge is
    somebody else's, or where a vertex has not exactly two edges: polygonizing needs every node at an end.
    """
    used = edge_set.edge
    first_use = np.zeros(len(used), dtype=bool)
    first_use[np.unique(used, return_index=True)[1]] = True
    position = np.flatnonzero(first_use & kept[used])
    if len(position) == 0:
        return np.zeros(0, dtype=object)
    ends = edge_set.ends[used[position]]
    forward = edge_set.forward[position]
    start, end = np.where(forward, ends.T, ends.T[::-1])
    is_node = _degrees(edge_set, kept, fresh) != 2
    new_line = np.ones(len(position), dtype=bool)
    follows = (np.diff(position) == 1) & (start[1:] == end[:-1])
    new_line[1:] = ~follows | is_node[start[1:]]
    line = np.cumsum(new_line) - 1
    # Each line is the starts of its edges and the end of its last one.
    last = np.flatnonzero(np.r_[new_line[1:], True])
    vertex = np.insert(start, last + 1, end[last])
    of_line = np.insert(line, last + 1, line[last])
    return shapely.linestrings(edge_set.vertices[vertex].astype(np.float64), indices=of_line)


def _degrees(edge_set: EdgeSet, kept: NDArray[np.bool_], fresh: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of edges at each of the old vertices after noding."""
    degree = np.bincount(edge_set.ends[kept].ravel(), minlength=len(edge_set.vertices))
    if len(fresh):
        wide = edge_set.vertices[:, 0].astype(np.complex128) + 1j * edge_set.vertices[:, 1]
        points = fresh.reshape(-1, 2)
        key = points[:, 0] + 1j * points[:, 1]
        place = np.minimum(np.searchsorted(wide, key), len(wide) - 1)
        known = place[wide[place] == key]
        degree += np.bincount(known, minlength=len(degree))
    return degree


def _lines(segments: NDArray[np.int64]) -> NDArray[np.object_]:
    if len(segments) == 0:
        return np.zeros(0, dtype=object)
    return shapely.linestrings(segments.astype(np.float64))


def _coverers(
    shapes: NDArray[np.object_], polygons: NDArray[np.object_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs (shape, polygon that contains a point inside it), sorted."""
    tree = shapely.STRtree(shapely.point_on_surface(shapes))
    in_steps = shapely.transform(polygons, lambda xy: steps(xy).astype(np.float64))
    cover, atom = tree.query(in_steps, predicate="contains")
    order = np.lexsort((cover, atom))
    return atom[order], cover[order]
