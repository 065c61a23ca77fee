"""Point to face, exactly: the one place that answers whose ground a position lies on."""

from functools import cached_property
from math import isfinite, nan

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geo.locator.anatomy import arrays_of, place_of
from geo.locator.drawing import draw
from geo.locator.edges import Scaled
from geo.locator.grounds import Grounds, SharedEdges, outlines
from geo.locator.intake import checked_faces, checked_indices, checked_point, checked_points
from geo.locator.overlaps import is_coverage
from geo.locator.polygons import Polygons
from geo.locator.predicate import Predicate
from geo.locator.raster import UNSURE, Raster
from geo.locator.scalar import Scalar, ScalarBorders

Faces = NDArray[np.int64]
Metres = NDArray[np.float64]


class Locator:
    """Faces of one edition, and their owners, ready for look-ups.

    A face *covers* a point that lies in it or on its border, as GEOS decides it (`intersects`), without any
    rounding or tolerance. Where several faces cover a point, the first in the given order answers. One point
    and many points go through the same arithmetic and give the same bits. Safe to share between threads.

    Distances are metres by the local scale at the point (GRS80), along edges straight in lon/lat.
    """

    def __init__(
        self, faces: Polygons, owners: NDArray[np.int64], grounds: Grounds, raster: Raster | None
    ) -> None:
        self._faces, self._owners, self._grounds = faces, owners, grounds
        self._predicate = Predicate(faces, owners)
        # None where the faces are no coverage: then the predicate answers everything.
        self._raster = raster
        self._scalar = None if raster is None else Scalar(raster)
        self._borders = ScalarBorders(grounds.borders)
        # A memoryview gives Python's own numbers without wrapping each.
        self._ground_of, self._owner_of = memoryview(grounds.of_face), memoryview(owners)

    @classmethod
    def build(cls, faces: ArrayLike, owners: ArrayLike) -> "Locator":
        """Index the faces of an edition.

        Parameters
        ----------
        faces
            Shapely polygons, lon/lat degrees, shape (n,), in order of precedence: on a shared border the
            first wins. Meant to be a coverage (no overlaps); where it is not, an overlap is the ground of its
            first face and borders are those of each owner's united ground.
        owners
            The grid that answers for each face, shape (n,); several faces may share one; -1 for none.

        Returns
        -------
        locator

        Raises
        ------
        MalformedFaces
            A face is not a polygon or is empty, or there is not one owner of at least -1 for each face.
        """
        faces, owners = checked_faces(faces, owners)
        polygons = Polygons.of(faces)
        shared = SharedEdges.of(faces)
        raster = _raster(polygons, owners, shared) if shared is not None and len(faces) else None
        grounds = Grounds.build(faces, owners, polygons.tree, None if raster is None else shared)
        return cls(polygons, owners, grounds, raster)

    @property
    def parts(self) -> tuple[Polygons, NDArray[np.int64], Grounds, Raster | None]:
        """What a locator is made of, in the order of the constructor."""
        return self._faces, self._owners, self._grounds, self._raster

    def __len__(self) -> int:
        return len(self._faces)

    @property
    def nbytes(self) -> int:
        """Bytes of the index, without the polygons."""
        parts = [*arrays_of(self._grounds), *([] if self._raster is None else arrays_of(self._raster))]
        return sum({place_of(one): one.nbytes for one in [self._faces.boxes, self._owners, *parts]}.values())

    @property
    def faces(self) -> NDArray[np.object_]:
        """The polygons in order of precedence; read-only."""
        return self._faces.everything()

    @property
    def owners(self) -> NDArray[np.int64]:
        """Owner of each face; read-only."""
        return self._owners

    def owner_of(self, face: int) -> int:
        """Owner of one face, as a plain number."""
        return self._owner_of[face]

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north of all faces in degrees; NaN without faces."""
        if len(boxes := self._faces.boxes) == 0:
            return np.nan, np.nan, np.nan, np.nan
        return (*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist())

    @property
    def grounds(self) -> Grounds:
        """The ground of each owner, given by its borders."""
        return self._grounds

    @property
    def raster(self) -> Raster | None:
        """The raster over the faces; None where they are no coverage."""
        return self._raster

    def covering(self, lon: float, lat: float) -> list[int]:
        """List all faces that cover a point.

        Parameters
        ----------
        lon, lat
            Degrees.

        Returns
        -------
        faces
            Indices, ascending: the first answers.

        Raises
        ------
        MalformedPoints
            Not finite numbers.
        """
        return np.sort(self._predicate.hits(checked_point(lon, lat))[1]).tolist()

    def locate(self, lon: float, lat: float) -> int:
        """Give the face that answers for a point.

        Parameters
        ----------
        lon, lat
            Degrees.

        Returns
        -------
        face
            Index of the first face that covers the point, -1 where none does.

        Raises
        ------
        MalformedPoints
            Not finite numbers.
        """
        if self._scalar is not None and isfinite(lon) and isfinite(lat):
            face = self._scalar.locate(lon, lat)
            if face != UNSURE:
                return face
        return min(self.covering(lon, lat), default=-1)

    def locate_many(self, points: ArrayLike) -> Faces:
        """Give the face that answers for each point.

        Parameters
        ----------
        points
            lon/lat degrees, shape (n, 2).

        Returns
        -------
        faces
            Shape (n,); -1 where no face covers the point.

        Raises
        ------
        MalformedPoints
            Not finite pairs of numbers.
        """
        return self.locate_with_ties(points)[0]

    def locate_with_ties(self, points: ArrayLike) -> tuple[Faces, NDArray[np.bool_]]:
        """Give the face that answers for each point, and whether the point is on a border between owners.

        Parameters
        ----------
        points
            lon/lat degrees, shape (n, 2).

        Returns
        -------
        faces
            Shape (n,); -1 where no face covers the point.
        on_border
            Shape (n,); whether the point lies exactly on a border of the face that answers, and a face of
            another owner covers it too.

        Raises
        ------
        MalformedPoints
            Not finite pairs of numbers.
        """
        points = checked_points(points)
        face = np.full(len(points), UNSURE) if self._raster is None else self._raster.locate_many(points)
        tied = np.zeros(len(points), dtype=np.bool_)
        unsure = np.flatnonzero(face == UNSURE)
        face[unsure], tied[unsure] = self._predicate.hits_with_ties(points[unsure])
        return face, tied

    def look_up(self, lon: float, lat: float) -> tuple[int, bool, float]:
        """Answer one point in plain numbers, to the same bits as `locate_with_ties` and `distance_to_border_m`.

        Parameters
        ----------
        lon, lat
            Degrees, finite.

        Returns
        -------
        face, on_border, metres
            The face that answers, -1 where none does; whether the point is on a border between owners; how far
            the nearest border of the ground of the owner that answers is, NaN without face.
        """
        face, on_border = UNSURE if self._scalar is None else self._scalar.locate(lon, lat), False
        if face == UNSURE:
            face, on_border = self._predicate.hit_one(lon, lat)
        if face < 0:
            return -1, False, nan
        if on_border and self._raster is not None:  # of a coverage: on an edge between two grounds
            return face, True, 0.0
        return face, on_border, self._borders.nearest(lon, lat, self._ground_of[face])[1]

    def nearest_one(self, lon: float, lat: float) -> tuple[int, float]:
        """Give the nearest face of one point that no face covers, however far, in plain numbers.

        Parameters
        ----------
        lon, lat
            Degrees, finite.

        Returns
        -------
        face, metres
            As `nearest_any` gives them, to the same bits.
        """
        if self._raster is None:
            faces, metres = self.nearest_any([(lon, lat)])
            return int(faces[0]), float(metres[0])
        edges, distance = self._borders.nearest(lon, lat, self._grounds.outside)
        # On one side of an edge of the rim is no face: -1.
        return min(
            max(int(self._raster.left[edge]), int(self._raster.right[edge])) for edge in edges
        ), distance

    def distance_to_border_m(self, points: ArrayLike, faces: ArrayLike) -> Metres:
        """Measure from each point to the nearest border of the ground of the owner that answers for it.

        Parameters
        ----------
        points
            lon/lat degrees, shape (n, 2).
        faces
            The face that answers for each point, shape (n,); -1 for none.

        Returns
        -------
        distances
            Metres, shape (n,), whether the point is in or out of that ground; borders between faces of one
            owner do not count, the outer rim does; 0.0 exactly on a border and only there; NaN without face.

        Raises
        ------
        MalformedPoints
            Not finite pairs of numbers, or faces that are not one index for each point.
        """
        points = checked_points(points)
        faces = checked_indices(faces, len(points), len(self))
        metres = np.full(len(points), np.nan)
        answered = np.flatnonzero(faces >= 0)
        metres[answered] = self._grounds.borders.distances(
            Scaled.of(points), answered, self._grounds.of_face[faces[answered]]
        )
        return metres

    def nearest(self, points: ArrayLike, within_m: float) -> tuple[Faces, Metres]:
        """Give the nearest face of each point and its distance.

        Parameters
        ----------
        points
            lon/lat degrees, shape (n, 2).
        within_m
            Farthest distance that counts, metres.

        Returns
        -------
        faces
            Shape (n,); the first of the nearest faces, the one that answers where the point is covered; -1
            where none is within reach.
        distances
            Metres, shape (n,); 0.0 where the point is covered, NaN where no face is within reach.

        Raises
        ------
        MalformedPoints
            Not finite pairs of numbers.
        """
        points = checked_points(points)
        face = self.locate_many(points)
        metres = np.where(face >= 0, 0.0, np.nan)
        lost = np.flatnonzero(face < 0)
        if len(self) and len(lost):
            face[lost], metres[lost] = self._nearest_beyond(points[lost])
            far = lost[~(metres[lost] <= within_m)]
            face[far], metres[far] = -1, np.nan
        return face, metres

    def nearest_any(self, points: ArrayLike) -> tuple[Faces, Metres]:
        """Give the nearest face of each point and its distance, however far; else like `nearest`."""
        return self.nearest(points, np.inf)

    def grounds_near(
        self, points: NDArray[np.float64], radius_m: Metres
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give the grounds that may come within a radius of each point (some farther ones too).

        Parameters
        ----------
        points
            lon/lat degrees, shape (n, 2), finite.
        radius_m
            Metres, shape (n,).

        Returns
        -------
        point, ground
            The pairs, sorted, each once; the ground outside all faces is never among them.
        """
        point, face = self._faces.tree.query(Scaled.of(points).boxes(radius_m))
        pair = np.unique(point.astype(np.int64) * len(self._grounds.owners) + self._grounds.of_face[face])
        return np.divmod(pair, len(self._grounds.owners))

    def covers(
        self, points: NDArray[np.float64], point: NDArray[np.int64], ground: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Tell whether grounds cover points, pair by pair.

        Parameters
        ----------
        points
            lon/lat degrees, shape (n, 2), finite.
        point, ground
            The pairs, shape (k,).

        Returns
        -------
        covered
            Shape (k,); the ground outside covers what no face does.
        """
        n_grounds = len(self._grounds.owners)
        covered, face = self._predicate.visible(points)
        lost = np.setdiff1d(np.arange(len(points)), covered)
        within = np.concatenate(
            [covered * n_grounds + self._grounds.of_face[face], lost * n_grounds + self._grounds.outside]
        )
        return np.isin(point * n_grounds + ground, within)

    def _nearest_beyond(self, points: NDArray[np.float64]) -> tuple[Faces, Metres]:
        """Give the nearest face and its distance for points that no face covers."""
        at, everyone = Scaled.of(points), np.arange(len(points))
        outside = np.full(len(points), self._grounds.outside)
        pair, edge, _ = self._grounds.borders.nearest_edges(at, everyone, outside, 1e-6)
        # Every nearest face touches such an edge, perhaps at its end only; there may be several.
        place, face = self._faces.tree.query(shapely.box(*self._grounds.borders.ends(edge).T))
        pairs = np.unique(np.column_stack([pair[place], face]), axis=0)
        near, index = np.unique(pairs[:, 1], return_inverse=True)
        metres = outlines(self._faces.take(near)).distances(at, pairs[:, 0], index)
        order = np.lexsort((pairs[:, 1], metres, pairs[:, 0]))
        first = order[np.r_[True, np.diff(pairs[order, 0]) > 0]]
        return pairs[first, 1], metres[first]


def _raster(polygons: Polygons, owners: NDArray[np.int64], shared: SharedEdges) -> Raster | None:
    """Draw the raster; None where the faces are no coverage."""
    drawing = draw(shared.ends, shared.left, shared.right, Predicate(polygons, owners).first)
    meeting = np.unique(np.r_[shared.left[drawing.meeting], shared.right[drawing.meeting]])
    return drawing.raster if is_coverage(polygons, shared, meeting[meeting >= 0]) else None
