"""The one lattice of all boundaries: 1e-8 degrees, about a millimetre."""

import numpy as np
import shapely
from numpy.typing import NDArray

STEPS_PER_DEGREE = 1e8


def canon_coordinates(coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round coordinates onto the lattice.

    Parameters
    ----------
    coordinates
        Degrees, any shape.

    Returns
    -------
    rounded
        Same shape; each value is the double nearest to a whole number of lattice steps. Multiplying and
        dividing by the same whole number is what keeps equal places bitwise equal: rounding to a multiple of
        1e-8 gives other doubles for a quarter of all values.
    """
    # + 0.0 turns the -0.0 that rounding can leave into 0.0, so that equal places are also equal bytes.
    return np.round(coordinates * STEPS_PER_DEGREE) / STEPS_PER_DEGREE + 0.0


def canon(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """Bring boundaries onto the lattice.

    Parameters
    ----------
    geometries
        Polygons or multipolygons, lon/lat degrees, shape (n,); None is kept.

    Returns
    -------
    canonical
        Shape (n,). Coordinates on the lattice, repeated vertices dropped, shells counter-clockwise
        (RFC 7946). Neither repaired nor re-ordered: a ring that the rounding pinched stays invalid and is
        for the caller to find. Used on every boundary that comes in, never on the position of a report.

    Notes
    -----
    Idempotent: ``canon(canon(g)) == canon(g)`` bitwise.
    """
    rounded = shapely.transform(np.asarray(geometries, dtype=object), canon_coordinates)
    return shapely.orient_polygons(shapely.remove_repeated_points(rounded))
