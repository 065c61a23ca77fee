"""What comes in, checked and never rounded."""

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geo.errors import MalformedFaces, MalformedPoints


def checked_points(points: ArrayLike) -> NDArray[np.float64]:
    """Bring positions into one shape.

    Parameters
    ----------
    points
        lon/lat degrees, anything of shape (n, 2); an empty list counts as n = 0.

    Returns
    -------
    points
        Shape (n, 2), contiguous, the given doubles unchanged.

    Raises
    ------
    MalformedPoints
        Not numbers, not pairs, or NaN or infinite; `rows` lists the first offending rows.
    """
    try:
        array = np.asarray(points)
        if array.dtype.kind not in "fiu" and array.size:
            raise TypeError
        array = np.ascontiguousarray(array, dtype=np.float64)
    except (TypeError, ValueError):
        raise MalformedPoints("The points are not pairs of numbers.") from None
    if array.size == 0 and array.ndim <= 2 and array.shape[0] == 0:
        return np.empty((0, 2))
    if array.ndim != 2 or array.shape[1] != 2:
        raise MalformedPoints(f"Expected pairs of lon and lat, got an array of shape {array.shape}.")
    bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if len(bad):
        raise MalformedPoints("A longitude or latitude is not a finite number.", rows=bad[:10].tolist())
    return array


def checked_point(lon: float, lat: float) -> NDArray[np.float64]:
    """Bring one position into shape (1, 2); raises MalformedPoints as `checked_points` does."""
    return checked_points([(lon, lat)])


def checked_indices(indices: ArrayLike, n_points: int, n_faces: int) -> NDArray[np.int64]:
    """Bring face indices, -1 for none, into shape (n_points,), or raise MalformedPoints."""
    array = np.asarray(indices)
    if array.size == 0:
        array = array.astype(np.int64)
    if array.dtype.kind not in "iu" or array.shape != (n_points,):
        raise MalformedPoints(f"Expected {n_points} face indices, one for each point.")
    array = array.astype(np.int64)
    if n_points and (array.min() < -1 or array.max() >= n_faces):
        raise MalformedPoints(f"A face index is not between -1 and {n_faces - 1}.")
    return array


def checked_faces(faces: ArrayLike, owners: ArrayLike) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Copy faces and owners into read-only arrays of one length, or raise MalformedFaces."""
    polygons = np.array(faces, dtype=object).reshape(-1)
    answer = np.array(owners)
    if answer.size == 0:
        answer = answer.astype(np.int64)
    if answer.dtype.kind not in "iu" or answer.shape != polygons.shape or (answer < -1).any():
        raise MalformedFaces("Each face needs one owner, a whole number of at least -1.")
    try:
        wrong = (shapely.get_type_id(polygons) != shapely.GeometryType.POLYGON) | shapely.is_empty(polygons)
    except TypeError:
        raise MalformedFaces("Some faces are not geometries.") from None
    if wrong.any():
        rows = np.flatnonzero(wrong)[:10].tolist()
        raise MalformedFaces("Some faces are not polygons or are empty.", rows=rows)
    answer = answer.astype(np.int64)
    polygons.flags.writeable = answer.flags.writeable = False
    return polygons, answer
