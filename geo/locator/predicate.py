"""The one predicate: which faces cover a point, as GEOS decides it (`intersects`), asked of each face near it."""

from threading import Lock

import numpy as np
import shapely
from numpy.typing import NDArray

POINTS_AT_ONCE = 1 << 17  # bounds the memory of one step
UNSAFE_LOOK_UPS = 3  # after so many a prepared polygon has its index; see `_make_ready`

Faces = NDArray[np.int64]


class Predicate:
    """Asks faces in order of precedence; safe to share between threads."""

    def __init__(self, faces: NDArray[np.object_], owners: NDArray[np.int64], tree: shapely.STRtree) -> None:
        self._faces, self._owners, self._tree = faces, owners, tree
        self._ready = np.zeros(len(faces), dtype=np.bool_)
        self._readying = Lock()

    def hits_with_ties(self, points: NDArray[np.float64]) -> tuple[Faces, NDArray[np.bool_]]:
        """Ask the exact predicate of every face near each point."""
        face = np.full(len(points), -1, dtype=np.int64)
        tied = np.zeros(len(points), dtype=np.bool_)
        for begin in range(0, len(points), POINTS_AT_ONCE):
            part = slice(begin, begin + POINTS_AT_ONCE)
            point, hit = self.hits(points[part])
            # Hits come by ascending face; of repeated targets the last assignment stays: the lowest face.
            face[part][point[::-1]] = hit[::-1]
            others = self._owners[hit] != self._owners[face[part][point]]
            tied[part][point[others]] = True
        # Where faces overlap, a point inside the first one is on no border of it.
        doubtful = np.flatnonzero(tied)
        x, y = points[doubtful].T
        tied[doubtful] = ~shapely.contains_xy(self._faces[face[doubtful]], x, y)
        return face, tied

    def hits(self, points: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give all pairs of a point and a face that covers it, by ascending face."""
        point, face = self._tree.query(shapely.points(points))
        order = np.argsort(face, kind="stable")
        point, face = point[order], face[order]
        self._make_ready(face)
        hit = shapely.intersects_xy(self._faces[face], points[point, 0], points[point, 1])
        return point[hit], face[hit]

    def visible(self, points: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give the hits less those that lie inside an earlier face of another owner, under an overlap."""
        point, face = self.hits(points)
        doubtful = np.flatnonzero(np.bincount(point, minlength=len(points))[point] > 1)
        inner = doubtful[shapely.contains_xy(self._faces[face[doubtful]], *points[point[doubtful]].T)]
        top = np.full(len(points), -1, dtype=np.int64)
        top[point[inner][::-1]] = face[inner][::-1]
        over = top[point]
        hidden = (over >= 0) & (over < face) & (self._owners[over] != self._owners[face])
        return point[~hidden], face[~hidden]

    def _make_ready(self, faces: NDArray[np.int64]) -> None:
        """Prepare faces at their first use.

        GEOS builds the inner index of a prepared polygon during an early look-up (3.14: the second), without
        a lock (libgeos issue 825), while shapely lets other threads run: a crash if two of them meet there.
        So the first look-ups happen here, one thread at a time.
        """
        if self._ready[faces].all():
            return
        with self._readying:
            fresh = np.unique(faces[~self._ready[faces]])
            polygons = self._faces[fresh]
            shapely.prepare(polygons)
            x, y = shapely.get_coordinates(shapely.get_point(shapely.get_exterior_ring(polygons), 0)).T
            for _ in range(UNSAFE_LOOK_UPS):
                shapely.intersects_xy(polygons, x, y)
            self._ready[fresh] = True
