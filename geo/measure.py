"""Metres and square metres of things drawn in lon/lat, on the ellipsoid of CGCS2000 (GRS80).

Edges are straight in lon/lat, as everywhere in this product; nothing here changes a geometry.
"""

import math
from collections.abc import Callable
from math import sqrt

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

SEMI_MAJOR_M = 6_378_137.0
DEGREE = math.pi / 180
FLATTENING = 1 / 298.257222101
ECCENTRICITY_2 = FLATTENING * (2 - FLATTENING)
# Two-point Gauss–Legendre nodes on [0, 1]: exact for cubics, so a 100 km edge is good to a square centimetre.
GAUSS_NODES = (0.5 - np.sqrt(3) / 6, 0.5 + np.sqrt(3) / 6)


def metres_per_degree(lat: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the local scale of lon/lat.

    Parameters
    ----------
    lat
        Geodetic latitude, degrees, any shape.

    Returns
    -------
    m_per_deg_lon, m_per_deg_lat
        Metres per degree along the parallel and along the meridian, same shape as `lat`.

    Notes
    -----
    Radii of curvature N and M of the ellipsoid (Snyder 1987, eq. 4-18 to 4-20).
    """
    phi = np.radians(np.asarray(lat, dtype=np.float64))
    w2 = 1 - ECCENTRICITY_2 * np.sin(phi) ** 2
    prime_vertical = SEMI_MAJOR_M / np.sqrt(w2)
    meridian = SEMI_MAJOR_M * (1 - ECCENTRICITY_2) / w2**1.5
    return np.radians(prime_vertical * np.cos(phi)), np.radians(meridian)


def metres_per_degree_one(lat: float) -> tuple[float, float]:
    """Give `metres_per_degree` of one latitude, bit for bit, as plain numbers."""
    phi = lat * DEGREE
    sine = _sine(phi)
    w2 = 1 - ECCENTRICITY_2 * (sine * sine)
    prime_vertical = SEMI_MAJOR_M / sqrt(w2)
    meridian = SEMI_MAJOR_M * (1 - ECCENTRICITY_2) / _power(w2, 1.5)
    return prime_vertical * _cosine(phi) * DEGREE, meridian * DEGREE


def _like(
    theirs: np.ufunc, ours: Callable[..., float], values: ArrayLike, *more: float
) -> Callable[..., float]:
    """Give Python's own function if it gives the same bits as numpy's, else numpy's, which takes ten times longer.

    They are the same library's, but numpy has its own for some processors, which differ here and there in the
    last bit: on several of a hundred values.
    """
    wanted = theirs(np.asarray(values), *more).tolist()
    alike = all(
        ours(one, *more) == same for one, same in zip(np.asarray(values).tolist(), wanted, strict=True)
    )
    return ours if alike else lambda one, *more: float(theirs(one, *more))


_sine = _like(np.sin, math.sin, np.linspace(-1.6, 1.6, 2003))
_cosine = _like(np.cos, math.cos, np.linspace(-1.6, 1.6, 2003))
_power = _like(np.power, math.pow, np.linspace(0.99, 1.0, 2003), 1.5)


def area_m2(geometries: ArrayLike) -> NDArray[np.float64]:
    """Measure areas on the ellipsoid.

    Parameters
    ----------
    geometries
        Polygons, multipolygons or collections, lon/lat degrees, shape (n,) (a single geometry counts as
        n = 1); None, empty ones, points and lines have no area.

    Returns
    -------
    areas
        Square metres, shape (n,), never negative.

    Notes
    -----
    The line integral a²/2 ∮ q dλ with Snyder's q (1987, eq. 3-12), the quantity that the cylindrical
    equal-area projection (EPSG:6933) draws as its northing; exact along edges straight in lon/lat, where
    projecting only the vertices would bend them.
    """
    given = np.atleast_1d(np.asarray(geometries, dtype=object))
    parts, owner = shapely.get_parts(given, return_index=True)
    parts, nested = shapely.get_parts(parts, return_index=True)
    owner = owner[nested]
    polygonal = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    parts, owner = parts[polygonal], owner[polygonal]
    rings, part_of_ring = shapely.get_rings(parts, return_index=True)
    if len(rings) == 0:
        return np.zeros(len(given))
    ring_areas = _ring_areas_m2(rings)
    # get_rings gives the shell of each polygon first; the others are its holes.
    is_shell = np.r_[True, part_of_ring[1:] != part_of_ring[:-1]]
    signed = np.where(is_shell, ring_areas, -ring_areas)
    return np.maximum(np.bincount(owner[part_of_ring], weights=signed, minlength=len(given)), 0.0)


def _ring_areas_m2(rings: NDArray[np.object_]) -> NDArray[np.float64]:
    """Absolute area of each closed ring by the line integral."""
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    first = np.r_[0, np.flatnonzero(np.diff(ring)) + 1]
    starts = np.flatnonzero(ring[1:] == ring[:-1])
    lon, lat = coordinates[:, 0], coordinates[:, 1]
    delta_lon = np.radians(lon[starts + 1] - lon[starts])
    # Measured from the ring's own first vertex, so that a square metre does not drown in the digits of q.
    origin = np.zeros(len(rings))
    origin[ring[first]] = _authalic_q(lat[first])
    mean_q = sum(_authalic_q(lat[starts] + t * (lat[starts + 1] - lat[starts])) for t in GAUSS_NODES) / 2
    pieces = delta_lon * (mean_q - origin[ring[starts]])
    return np.abs(np.bincount(ring[starts], weights=pieces, minlength=len(rings))) * SEMI_MAJOR_M**2 / 2


def _authalic_q(lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Snyder's q of geodetic latitudes in degrees."""
    e = np.sqrt(ECCENTRICITY_2)
    sine = np.sin(np.radians(lat))
    return (1 - ECCENTRICITY_2) * (sine / (1 - ECCENTRICITY_2 * sine**2) + np.arctanh(e * sine) / e)


def edge_lengths_m(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """Measure short straight edges.

    Parameters
    ----------
    start, end
        lon/lat degrees, shape (n, 2).

    Returns
    -------
    lengths
        Metres, shape (n,), by the scale at the middle of each edge: better than 1 in 10⁵ up to about 10 km.
    """
    m_lon, m_lat = metres_per_degree((start[:, 1] + end[:, 1]) / 2)
    return np.hypot((end[:, 0] - start[:, 0]) * m_lon, (end[:, 1] - start[:, 1]) * m_lat)
