"""Whether faces are a coverage: whether no two of them overlap.

Edges that two faces use from both sides cancel out in the sum of all winding numbers, so where two faces overlap,
the border of the overlap runs along an edge that one face alone uses, and on its outer side lies another face. Then
one of three things is there to be seen. Edges meet elsewhere than in common ends: the drawing of the raster sees
that. Or the edges around a vertex contradict each other about the ground between them. Or a ring that has an edge
of its own lies inside another face. Whatever looks like it is left to GEOS; in a clean map that is little.
"""

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.locator.grounds import SharedEdges, sorted_alike
from geo.locator.polygons import Polygons

NEARLY = 1e-9  # radians: directions that rounding could exchange differ by less

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def is_coverage(faces: Polygons, shared: SharedEdges, suspects: Integers) -> bool:
    """Tell whether no two faces overlap.

    Parameters
    ----------
    faces, shared
        The faces and their edges.
    suspects
        Faces with edges that may meet others elsewhere than in common ends.
    """
    for more in (_contradicting(shared), _inside_others(faces, shared)):
        suspects = np.union1d(suspects, more)
    return len(suspects) == 0 or bool(shapely.coverage_is_valid(faces.take(suspects)))


def _contradicting(shared: SharedEdges) -> Integers:
    """Find faces about whose ground the edges around a vertex contradict each other."""
    ends, left, right = shared.ends, shared.left, shared.right
    vertices = ends.reshape(-1, 2)
    order, same = sorted_alike(vertices)
    first = np.flatnonzero(np.r_[True, ~same][: len(order)])
    count = np.diff(np.r_[first, len(order)])
    # Where two edges meet, whoever uses one uses the other: nothing to contradict.
    which = order[np.repeat(count > 2, count)]
    count = count[count > 2]
    edge, is_end = np.divmod(which, 2)
    step = vertices[which ^ 1] - vertices[which]
    angle = np.arctan2(step[:, 1], step[:, 0])
    vertex = np.repeat(np.arange(len(count)), count)
    around = np.lexsort((angle, vertex))
    edge, is_end, angle = edge[around], is_end[around] == 1, angle[around]
    after = np.arange(1, len(edge) + 1)
    after[np.cumsum(count) - 1] = np.cumsum(count) - count
    # Seen from the vertex, what lies left of each edge must be what lies right of the next.
    before_next = np.where(is_end, left[edge], right[edge])[after]
    wrong = np.where(is_end, right[edge], left[edge]) != before_next
    wrong |= np.abs(angle[after] - angle) <= NEARLY
    bad = np.isin(vertex, vertex[wrong])
    faces = np.unique(np.r_[left[edge[bad]], right[edge[bad]]])
    return faces[faces >= 0]


def _inside_others(faces: Polygons, shared: SharedEdges) -> Integers:
    """Find faces with a ring, not wholly shared with others, inside another face, and those others."""
    number, ring = shared.number, shared.ring
    rim = np.flatnonzero((shared.left[number] < 0) | (shared.right[number] < 0))
    one = number[rim[np.r_[True, ring[rim[1:]] != ring[rim[:-1]]][: len(rim)]]]
    point, other = faces.tree.query(shapely.points(shared.ends[one, :2]))
    own = np.maximum(shared.left[one], shared.right[one])[point]
    point, other, own = (column[own != other] for column in (point, other, own))
    within = shapely.contains_xy(faces.take(other), *shared.ends[one[point], :2].T)
    return np.union1d(own[within], other[within])
