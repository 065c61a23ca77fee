"""Borders as sets of edges on the lattice: who uses which edge, which way round, next to whom.

Two polygons share a border exactly when they share its edges, end for end. That is the whole of topology
here: no tolerance, only whole numbers.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.lattice import STEPS_PER_DEGREE
from geo.measure import edge_lengths_m


@dataclass(frozen=True, slots=True)
class EdgeSet:
    """The edges of n geometries.

    Attributes
    ----------
    vertices
        Distinct vertices in lattice steps, shape (v, 2), sorted by lon, then lat.
    ends
        Distinct undirected edges as pairs of vertices, shape (e, 2), the lower index first.
    edge, forward, owner, ring
        One row for each use of an edge by a ring, in ring order, shape (u,): which edge, whether it is run
        from its first to its second end, by which geometry, by which ring. Rings keep their ground on the
        left (shells counter-clockwise, holes clockwise), so the owner of a forward use is on the left.
    """

    vertices: NDArray[np.int64]
    ends: NDArray[np.int64]
    edge: NDArray[np.int64]
    forward: NDArray[np.bool_]
    owner: NDArray[np.int64]
    ring: NDArray[np.int64]

    @property
    def uses(self) -> NDArray[np.int64]:
        """How often each edge is used, shape (e,)."""
        return np.bincount(self.edge, minlength=len(self.ends))

    def lengths_m(self, which: NDArray[np.int64]) -> NDArray[np.float64]:
        """Lengths in metres of the edges `which`."""
        ends = self.vertices[self.ends[which]] / STEPS_PER_DEGREE
        return edge_lengths_m(ends[:, 0], ends[:, 1])

    def lines(self, which: NDArray[np.int64]) -> NDArray[np.object_]:
        """Edges `which` as lines in degrees."""
        return shapely.linestrings(self.vertices[self.ends[which]] / STEPS_PER_DEGREE)


def steps(degrees: NDArray[np.float64]) -> NDArray[np.int64]:
    """Lattice steps of coordinates in degrees."""
    return np.round(degrees * STEPS_PER_DEGREE).astype(np.int64)


def edges(geometries: NDArray[np.object_]) -> EdgeSet:
    """Take polygons apart into edges.

    Parameters
    ----------
    geometries
        Polygons or multipolygons on the lattice, lon/lat degrees, oriented as `geo.lattice.canon` leaves
        them, shape (n,).

    Returns
    -------
    EdgeSet
        Edges and their uses.
    """
    parts, part_owner = shapely.get_parts(np.asarray(geometries, dtype=object), return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    vertices, vertex = distinct_vertices(steps(coordinates))
    start = np.flatnonzero(ring[1:] == ring[:-1])
    ends, edge, forward = distinct_edges(np.column_stack([vertex[start], vertex[start + 1]]), len(vertices))
    return EdgeSet(vertices, ends, edge, forward, part_owner[ring_part[ring[start]]], ring[start])


def distinct_vertices(points: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number vertices: distinct ones sorted by lon then lat, and the number of each given one."""
    if len(points) == 0:
        return points.reshape(0, 2), np.zeros(0, dtype=np.int64)
    low = points.min(axis=0)
    span = points.max(axis=0) - low
    bits = [int(s).bit_length() for s in span]
    if sum(bits) <= 62:
        keys, number = np.unique(
            (points[:, 0] - low[0]) << bits[1] | (points[:, 1] - low[1]), return_inverse=True
        )
        return np.column_stack([keys >> bits[1], keys & ((1 << bits[1]) - 1)]) + low, number
    # A map as wide as the world does not fit into one word; rank each axis first.
    lons, lon_rank = np.unique(points[:, 0], return_inverse=True)
    lats, lat_rank = np.unique(points[:, 1], return_inverse=True)
    keys, number = np.unique(lon_rank * len(lats) + lat_rank, return_inverse=True)
    lon_rank, lat_rank = np.divmod(keys, len(lats))
    return np.column_stack([lons[lon_rank], lats[lat_rank]]), number


def distinct_edges(
    pairs: NDArray[np.int64], vertex_count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Number edges: distinct undirected ones, the number of each given pair, whether it runs forward."""
    forward = pairs[:, 0] < pairs[:, 1]
    low = np.where(forward, pairs[:, 0], pairs[:, 1])
    keys, number = np.unique(low * vertex_count + pairs[:, 0] + pairs[:, 1] - low, return_inverse=True)
    return np.column_stack(np.divmod(keys, max(vertex_count, 1))), number, forward


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Pairs of different geometries that share edges: a < b, and the length of what they share in metres."""

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    length_m: NDArray[np.float64]


def neighbours(edge_set: EdgeSet, count: int) -> Neighbours:
    """Find who borders on whom.

    Parameters
    ----------
    edge_set
        Edges of the geometries.
    count
        Number of geometries.

    Returns
    -------
    Neighbours
        One row per pair that shares at least one edge; contact in a corner does not count.
    """
    order = np.argsort(edge_set.edge, kind="stable")
    edge, owner = edge_set.edge[order], edge_set.owner[order]
    again = np.flatnonzero(edge[1:] == edge[:-1])
    one, other = owner[again], owner[again + 1]
    different = one != other
    again, one, other = again[different], one[different], other[different]
    keys, pair = np.unique(np.minimum(one, other) * count + np.maximum(one, other), return_inverse=True)
    length = np.bincount(pair, weights=edge_set.lengths_m(edge[again]), minlength=len(keys))
    a, b = np.divmod(keys, max(count, 1))
    return Neighbours(a, b, length)
