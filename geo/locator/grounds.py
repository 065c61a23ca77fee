"""The ground of each owner, given by the directed edges around it."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.locator.edges import EdgeGroups

MIXERS = tuple(np.uint64(odd) for odd in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9))


@dataclass(frozen=True, slots=True)
class RingEdges:
    """Edges of polygons, (m, 4) with a < b; whether the polygon lies left of a → b; whose edge it is; which ring."""

    edges: NDArray[np.float64]
    forward: NDArray[np.bool_]
    polygon: NDArray[np.int64]
    ring: NDArray[np.int32]

    @classmethod
    def of(cls, polygons: NDArray[np.object_]) -> "RingEdges":
        """Take all edges of polygons, ring by ring, whichever way the rings turn."""
        rings, polygon = shapely.get_rings(polygons, return_index=True)
        # get_rings gives the shell of each polygon first; the others are its holes.
        is_shell = np.r_[True, polygon[1:] != polygon[:-1]][: len(polygon)]
        on_left = shapely.is_ccw(rings) == is_shell
        coordinates, ring = shapely.get_coordinates(rings, return_index=True)
        coordinates += 0.0  # -0.0 is the same place as 0.0 and must have the same bits
        start = np.flatnonzero((ring[1:] == ring[:-1]) & (coordinates[1:] != coordinates[:-1]).any(axis=1))
        a, b = coordinates[start], coordinates[start + 1]
        backward = (a[:, 0] > b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] > b[:, 1]))
        edges = np.hstack([a, b])
        edges[backward] = edges[backward][:, [2, 3, 0, 1]]
        ring = ring[start]
        return cls(edges, on_left[ring] ^ backward, polygon[ring], ring.astype(np.int32))


@dataclass(frozen=True, slots=True)
class SharedEdges:
    """Edges of faces that do not use any edge twice from one side.

    Attributes
    ----------
    ends
        Each edge once, (u, 4) with a < b.
    left, right
        The face on either side of a → b, -1 for none, (u,).
    number, forward, ring
        For each use of an edge by a ring, in the order of the rings, (m,): which edge, whether the ring's polygon
        lies left of it, which ring.
    """

    ends: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    number: NDArray[np.int32]
    forward: NDArray[np.bool_]
    ring: NDArray[np.int32]

    @classmethod
    def of(cls, polygons: NDArray[np.object_]) -> "SharedEdges | None":
        """Take all edges; None where one occurs more than twice or twice from the same side: faces overlap."""
        rings = RingEdges.of(polygons)
        twin = _twins(rings)
        if twin is None:
            return None
        is_first = (twin < 0) | (np.arange(len(twin)) < twin)
        kept = np.flatnonzero(is_first)
        number = np.cumsum(is_first, dtype=np.int32) - np.int32(1)
        again = np.flatnonzero(~is_first)
        number[again] = number[twin[again]]
        own = rings.polygon[kept].astype(np.int32)
        beyond = np.where(twin[kept] < 0, -1, rings.polygon[twin[kept]]).astype(np.int32)
        forward = rings.forward[kept]
        left, right = np.where(forward, own, beyond), np.where(forward, beyond, own)
        return cls(rings.edges[kept], left, right, number, rings.forward, rings.ring)


def outlines(polygons: NDArray[np.object_]) -> EdgeGroups:
    """Take the edges of each polygon as a group of its own."""
    rings = RingEdges.of(polygons)
    which = np.arange(len(rings.edges), dtype=np.int32)
    return EdgeGroups.build(rings.edges, which, rings.forward, rings.polygon, len(polygons))


@dataclass(frozen=True, slots=True)
class Grounds:
    """All grounds of one map: one for each owner, and last the ground outside every face.

    Attributes
    ----------
    owners
        Owner of each ground, ascending; the last, the outside, is -1 like a gap without a grid, but a ground
        of its own.
    of_face
        Ground of each face.
    first_face
        The face of each ground that comes first in precedence, shape (len(owners) - 1,).
    borders
        Edges around each ground, one group for each.
    """

    owners: NDArray[np.int64]
    of_face: NDArray[np.int64]
    first_face: NDArray[np.int64]
    borders: EdgeGroups

    @property
    def outside(self) -> int:
        """Ground outside every face."""
        return len(self.owners) - 1

    @classmethod
    def build(
        cls,
        faces: NDArray[np.object_],
        owners: NDArray[np.int64],
        tree: shapely.STRtree,
        shared: SharedEdges | None,
    ) -> "Grounds":
        """Find the borders of each owner's ground; without shared edges where the faces are no coverage."""
        names, first, of_face = np.unique(owners, return_index=True, return_inverse=True)
        outside = len(names)
        if shared is not None:
            table, which, forward, group = _between_owners(shared, of_face, outside)
        else:
            table, forward, group = _around_unions(faces, of_face, outside, tree)
            which = np.arange(len(table), dtype=np.int32)
        borders = EdgeGroups.build(table, which, forward, group, outside + 1)
        return cls(np.r_[names, -1], of_face.astype(np.int64), first.astype(np.int64), borders)


def _twins(rings: RingEdges) -> NDArray[np.int64] | None:
    """Give the position of the same edge seen from the other side, -1 for none; None as in `SharedEdges.of`."""
    order, same = sorted_alike(rings.edges)
    if (same[1:] & same[:-1]).any():
        return None
    left, right = order[:-1][same], order[1:][same]
    if (rings.forward[left] == rings.forward[right]).any():
        return None
    twin = np.full(len(rings.edges), -1, dtype=np.int64)
    twin[left], twin[right] = right, left
    return twin


def sorted_alike(rows: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Give an order that puts equal rows of numbers side by side, and whether each equals the next in that order."""
    key = _mixed(rows)
    order = np.argsort(key)
    alike = key[order[1:]] == key[order[:-1]]
    same = alike.copy()
    same[alike] = (rows[order[1:][alike]] == rows[order[:-1][alike]]).all(axis=1)
    if (same != alike).any():  # two different rows with one key: one map in a million; sort by the numbers
        order = np.lexsort(rows.T)
        same = (rows[order[1:]] == rows[order[:-1]]).all(axis=1)
    return order, same


def _mixed(rows: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Mix the bits of each row into one key; equal rows get equal keys."""
    bits = np.ascontiguousarray(rows).view(np.uint64)
    key = np.zeros(len(rows), dtype=np.uint64)
    for column in range(rows.shape[1]):
        key = (key ^ bits[:, column]) * MIXERS[0]
        key = (key ^ (key >> np.uint64(29))) * MIXERS[1 + column % 2]
        key ^= key >> np.uint64(32)
    return key


def _between_owners(
    shared: SharedEdges, of_face: NDArray[np.int64], outside: int
) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.bool_], NDArray[np.int64]]:
    """Take the edges of a coverage that have another owner, or nobody, on their other side."""
    ground_of = np.r_[of_face, outside]  # of face -1 too
    left, right = ground_of[shared.left], ground_of[shared.right]
    border = np.flatnonzero(left != right).astype(np.int32)
    kept = np.flatnonzero((left != right)[shared.number])  # in the order of the rings
    rim = border[(left[border] == outside) | (right[border] == outside)]
    forward = shared.forward[kept]
    which = shared.number[kept]
    group = np.where(forward, left[which], right[which])
    return (
        shared.ends,
        np.concatenate([which, rim]),
        np.r_[forward, left[rim] == outside],
        np.r_[group, np.full(len(rim), outside)],
    )


def _around_unions(
    faces: NDArray[np.object_], of_face: NDArray[np.int64], outside: int, tree: shapely.STRtree
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    """Take the outlines of each owner's united faces, where an overlap belongs to the first face only."""
    clean = _without_earlier(faces, of_face, tree)
    order = np.argsort(of_face, kind="stable")
    groups = np.split(clean[order], np.flatnonzero(np.diff(of_face[order])) + 1)
    unions = [group[0] if len(group) == 1 else shapely.union_all(group) for group in groups]
    parts, ground = shapely.get_parts(np.array([*unions, shapely.union_all(clean)]), return_index=True)
    polygonal = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    rings = RingEdges.of(parts[polygonal])
    group = ground[polygonal][rings.polygon]
    return rings.edges, rings.forward ^ (group == outside), group


def _without_earlier(
    faces: NDArray[np.object_], of_face: NDArray[np.int64], tree: shapely.STRtree
) -> NDArray[np.object_]:
    """Cut from each face what earlier faces of other grounds cover.

    New corners are rounded to doubles, about a nanometre.
    """
    clean = np.where(
        shapely.is_valid(faces), faces, shapely.make_valid(faces, method="structure", keep_collapsed=False)
    )
    wrong = np.flatnonzero(~shapely.is_empty(shapely.coverage_invalid_edges(clean)))
    one, other = tree.query(clean[wrong])
    pairs = np.sort(np.column_stack([wrong[one], other]), axis=1)
    pairs = np.unique(pairs[of_face[pairs[:, 0]] != of_face[pairs[:, 1]]], axis=0)
    overlap = shapely.relate_pattern(clean[pairs[:, 0]], clean[pairs[:, 1]], "T********")
    whole = clean.copy()
    for first, later in pairs[overlap]:
        clean[later] = shapely.difference(clean[later], whole[first])
    return clean
