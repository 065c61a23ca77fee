"""The rim of a set of faces: the edges that only one of them uses, and what they enclose.

Across an edge that two faces use from both sides the number of faces over the ground stays the same; across a
rim edge it changes by one. So the rim alone tells how often any ground is covered: it is enough to look at
the few polygons that the rim cuts out, however many faces there are.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.edges import EdgeSet, distinct_edges, distinct_vertices, edges
from geo.lattice import STEPS_PER_DEGREE


@dataclass(frozen=True, slots=True)
class Rim:
    """Polygons that the rim cuts out of the plane.

    Attributes
    ----------
    shapes
        Polygons in degrees, shape (k,), without overlap.
    ground
        For each, the share of its border edges with a face on the inner side: 1 for ground, 0 for a void.
        Anything between means that faces overlap (where the rim is planar and no edge used amiss).
    """

    shapes: NDArray[np.object_]
    ground: NDArray[np.float64]

    def holes(self) -> NDArray[np.object_]:
        """Enclosed holes: one for each interior ring of the ground, less the islands in it; sorted."""
        wholes = self.shapes[self.ground > 0.5]
        rings, whole = shapely.get_rings(wholes, return_index=True)
        is_hole = np.r_[False, whole[1:] == whole[:-1]][: len(rings)]
        outer, filled = shapely.polygons(rings[~is_hole]), shapely.polygons(rings[is_hole])
        if len(filled) == 0:
            return filled
        # An island goes with all that lies in it: a hole in an island is a hole of its own.
        island, hole = shapely.STRtree(filled).query(outer, predicate="within")
        for i, k in zip(island, hole, strict=True):
            filled[k] = shapely.difference(filled[k], outer[i])
        filled = shapely.orient_polygons(shapely.normalize(filled))
        return filled[np.argsort(shapely.to_wkb(filled))]


def rim(edge_set: EdgeSet) -> Rim:
    """Find what the rim of some faces encloses.

    Parameters
    ----------
    edge_set
        Edges of the faces, which are polygons on the lattice.

    Returns
    -------
    Rim
        The polygons between rim edges.
    """
    once = edge_set.uses[edge_set.edge] == 1
    ends = edge_set.ends[edge_set.edge[once]]
    forward = edge_set.forward[once]
    start, end = np.where(forward, ends.T, ends.T[::-1])
    directed = edge_set.vertices[np.column_stack([start, end])]
    lines = shapely.get_parts(
        shapely.line_merge(shapely.multilinestrings(shapely.linestrings(directed / STEPS_PER_DEGREE)))
    )
    shapes = shapely.orient_polygons(shapely.normalize(shapely.get_parts(shapely.polygonize(lines))))
    return Rim(shapes, _ground_on_the_left(shapes, directed))


def _ground_on_the_left(shapes: NDArray[np.object_], directed: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of each polygon's edges that run the same way as the face's own edge does."""
    own = edges(shapes)
    ends = own.ends[own.edge]
    start, end = np.where(own.forward, ends.T, ends.T[::-1])
    border = own.vertices[np.column_stack([start, end])]
    vertices, number = distinct_vertices(np.concatenate([border, directed]).reshape(-1, 2))
    _, edge, forward = distinct_edges(number.reshape(-1, 2), len(vertices))
    key = edge * 2 + forward
    same = np.isin(key[: len(border)], key[len(border) :])
    count = np.maximum(np.bincount(own.owner, minlength=len(shapes)), 1)
    return np.bincount(own.owner, weights=same, minlength=len(shapes)) / count
