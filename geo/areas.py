"""A few areas that may overlap, asked point by point: which of them cover it, by the one predicate."""

from math import floor

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geo.errors import MalformedAreas
from geo.lattice import canon
from geo.locator.intake import checked_points
from geo.measure import metres_per_degree

CELLS_PER_DEGREE = 500  # cells of about 200 m
CELLS_AT_MOST = 4096  # an area of more cells is asked for every point
CIRCLE_CORNERS = 64  # the ring stays within 0.13 % of the radius
UNSAFE_LOOK_UPS = 3  # after so many a prepared polygon has its inner index, and threads may share it


class Areas:
    """Polygons in an order that matters, ready for look-ups; safe to share between threads.

    An area *covers* a point in it or on its border, as GEOS decides it (`intersects`), without rounding.
    """

    def __init__(self, polygons: ArrayLike) -> None:
        """Take the areas.

        Parameters
        ----------
        polygons
            Shapely polygons, lon/lat degrees, shape (n,).

        Raises
        ------
        MalformedAreas
            Something that is not a polygon, or an empty one.
        """
        given = np.asarray(polygons, dtype=object).reshape(-1)
        kinds = shapely.get_type_id(given)
        if (kinds != shapely.GeometryType.POLYGON).any() or shapely.is_empty(given).any():
            raise MalformedAreas("An area must be a polygon that is not empty.")
        self._polygons = given
        self._bounds = shapely.bounds(given)
        self._cells: dict[tuple[int, int], tuple[int, ...]] = {}
        self._everywhere: tuple[int, ...] = ()
        for number in range(len(given)):
            self._spread(number)
        self._keys = np.sort([_key(np.array(one)) for one in self._cells])
        shapely.prepare(given)
        for one in given:  # one thread at a time: GEOS builds the inner index without a lock
            for _ in range(UNSAFE_LOOK_UPS):
                shapely.intersects_xy(one, *one.exterior.coords[0][:2])

    def __len__(self) -> int:
        return len(self._polygons)

    def covering(self, lon: float, lat: float) -> list[int]:
        """List the areas that cover a point.

        Parameters
        ----------
        lon, lat
            Degrees.

        Returns
        -------
        numbers
            Places of the areas in the given order, ascending.
        """
        cell = (floor(lon * CELLS_PER_DEGREE), floor(lat * CELLS_PER_DEGREE))
        near = self._cells.get(cell, ())
        if not near and not self._everywhere:
            return []
        asked = sorted({*near, *self._everywhere})
        return [one for one in asked if shapely.intersects_xy(self._polygons[one], lon, lat)]

    def covered(self, points: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """List all pairs of a point and an area that covers it.

        Parameters
        ----------
        points
            lon/lat degrees, shape (n, 2).

        Returns
        -------
        point, area
            Places in the given orders, shape (m,) each, by point, then by area.

        Raises
        ------
        MalformedPoints
            Not finite pairs of numbers.
        """
        every = checked_points(points)
        asked = self._worth_asking(every)
        at = every[asked]
        found_points, found_areas = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for number, (west, south, east, north) in enumerate(self._bounds if len(at) else ()):
            x, y = at.T
            near = np.flatnonzero((x >= west) & (x <= east) & (y >= south) & (y <= north))
            near = near[shapely.intersects_xy(self._polygons[number], x[near], y[near])]
            found_points.append(near)
            found_areas.append(np.full(len(near), number, np.int64))
        point, area = asked[np.concatenate(found_points)], np.concatenate(found_areas)
        order = np.lexsort((area, point))
        return point[order], area[order]

    def _worth_asking(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        """List the points in cells of any area."""
        if self._everywhere or not len(self._keys):
            return np.arange(len(points) if self._everywhere else 0)
        keys = _key(np.floor(points * CELLS_PER_DEGREE).astype(np.int64).T)
        place = np.searchsorted(self._keys, keys)
        return np.flatnonzero(self._keys[np.minimum(place, len(self._keys) - 1)] == keys)

    def _spread(self, number: int) -> None:
        west, south, east, north = (floor(one * CELLS_PER_DEGREE) for one in self._bounds[number])
        if (east - west + 1) * (north - south + 1) > CELLS_AT_MOST:
            self._everywhere += (number,)
            return
        for x in range(west, east + 1):
            for y in range(south, north + 1):
                self._cells[x, y] = (*self._cells.get((x, y), ()), number)


def _key(cell: NDArray[np.int64]) -> NDArray[np.int64]:
    """Write the column and row of a cell, shape (2, …), as one number."""
    return (cell[0] << 32) + cell[1]


def circle(lon: float, lat: float, radius_m: float) -> shapely.Polygon:
    """Draw the ground within a distance of a spot.

    Parameters
    ----------
    lon, lat
        The spot, degrees.
    radius_m
        Metres by the local scale at the spot.

    Returns
    -------
    area
        A ring of `CIRCLE_CORNERS` corners on the lattice; it always covers the spot.

    Raises
    ------
    MalformedAreas
        A radius below the lattice's fineness, or a spot at a pole.
    """
    m_lon, m_lat = (float(one) for one in metres_per_degree(lat))
    if not 0.01 <= radius_m < np.inf or m_lon < 1.0:
        raise MalformedAreas(f"A radius of {radius_m} m at latitude {lat} draws no circle.")
    turn = np.linspace(0.0, 2 * np.pi, CIRCLE_CORNERS, endpoint=False)
    ring = np.column_stack([lon + np.cos(turn) * radius_m / m_lon, lat + np.sin(turn) * radius_m / m_lat])
    return canon(np.array([shapely.Polygon(ring)], dtype=object))[0]
