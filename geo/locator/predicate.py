"""The one predicate: which faces cover a point, as GEOS decides it (`intersects`), asked of each face near it."""

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.locator.polygons import Polygons

POINTS_AT_ONCE = 1 << 17  # bounds the memory of one step
WORTH_PREPARING = 100_000  # corners to look at for the points of one face

Faces = NDArray[np.int64]


class Predicate:
    """Asks faces in order of precedence; safe to share between threads."""

    def __init__(self, faces: Polygons, owners: NDArray[np.int64]) -> None:
        self._faces, self._owners = faces, owners

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
        tied[doubtful] = ~shapely.contains_xy(self._faces.ready(face[doubtful]), x, y)
        return face, tied

    def first(self, points: NDArray[np.float64]) -> Faces:
        """Ask for many points once; only large faces are prepared, which takes far more memory than they do."""
        face = np.full(len(points), -1, dtype=np.int64)
        for begin in range(0, len(points), POINTS_AT_ONCE):
            some = points[begin : begin + POINTS_AT_ONCE]
            point, near = self._faces.tree.query(shapely.points(some))
            asked = np.unique(near)
            corners = shapely.get_num_coordinates(self._faces.take(asked))
            self._faces.ready(asked[corners * np.bincount(near)[asked] > WORTH_PREPARING])
            hit = shapely.intersects_xy(self._faces.take(near), some[point, 0], some[point, 1])
            order = np.argsort(-near[hit], kind="stable")
            face[begin + point[hit][order]] = near[hit][order]
        return face

    def hit_one(self, lon: float, lat: float) -> tuple[int, bool]:
        """Ask the exact predicate of one point, as `hits_with_ties` does."""
        near = self._faces.tree.query(shapely.points(lon, lat))
        near.sort()
        faces = self._faces.ready(near)
        hit = shapely.intersects_xy(faces, lon, lat).nonzero()[0].tolist()
        if not hit:
            return -1, False
        tied = len({int(self._owners[near[one]]) for one in hit}) > 1
        # Where faces overlap, a point inside the first one is on no border of it.
        return int(near[hit[0]]), tied and not shapely.contains_xy(faces[hit[0]], lon, lat)

    def hits(self, points: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give all pairs of a point and a face that covers it, by ascending face."""
        point, face = self._faces.tree.query(shapely.points(points))
        order = np.argsort(face, kind="stable")
        point, face = point[order], face[order]
        hit = shapely.intersects_xy(self._faces.ready(face), points[point, 0], points[point, 1])
        return point[hit], face[hit]

    def visible(self, points: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give the hits less those that lie inside an earlier face of another owner, under an overlap."""
        point, face = self.hits(points)
        doubtful = np.flatnonzero(np.bincount(point, minlength=len(points))[point] > 1)
        inner = doubtful[shapely.contains_xy(self._faces.ready(face[doubtful]), *points[point[doubtful]].T)]
        top = np.full(len(points), -1, dtype=np.int64)
        top[point[inner][::-1]] = face[inner][::-1]
        over = top[point]
        hidden = (over >= 0) & (over < face) & (self._owners[over] != self._owners[face])
        return point[~hidden], face[~hidden]
