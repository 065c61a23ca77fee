"""How often an outline crosses itself, counted only as far as one wants to know: repairs cost its cube."""

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import TangledOutline

# A repair of 1,600 crossings takes half a second, of 6,300 five, of 40,000 minutes. Real faults have a few.
CROSSINGS_EACH = 2000
CROSSINGS_IN_ALL = 20_000
# Boxes of a crooked line overlap those of a few neighbours, those of a star's rays all others.
MOST_PAIRS = 100_000_000
SURELY_QUICK = 10_000
SAMPLE = 200
MOST_QUESTIONS = 4096


def refuse_endless(geometries: NDArray[np.object_]) -> None:
    """Refuse polygons so large and so entangled that to look at their validity would not end.

    Parameters
    ----------
    geometries
        Polygons or multipolygons, shape (n,).

    Raises
    ------
    TangledOutline
        Too many pairs of edges lie over each other.
    """
    large = shapely.get_num_coordinates(geometries) > SURELY_QUICK
    for index in np.flatnonzero(large).tolist():
        lines = _edges(geometries[index])
        met = _met(lines)
        if met * len(lines) > MOST_PAIRS:
            raise TangledOutline(
                f"Feature {index + 1} has {len(lines):,} edges that lie over each other, each over about "
                f"{met:,.0f} others: this is no outline. Simplify it or draw it again.",
                index=index,
            )


def _met(lines: NDArray[np.object_]) -> float:
    """How many boxes of edges the box of an edge lies over, from a sample."""
    tree = shapely.STRtree(lines)
    met = 0
    # One at a time, and no more of them than one needs to know: a single answer can have a million numbers.
    sample = np.linspace(0, len(lines) - 1, SAMPLE).astype(np.int64)
    for asked, line in enumerate(lines[sample], start=1):
        met += len(tree.query(line))
        if asked >= SAMPLE // 20 and met * len(lines) > 10 * MOST_PAIRS * asked:
            return met / asked
    return met / SAMPLE


def refuse_tangled(geometries: NDArray[np.object_], indices: NDArray[np.int64]) -> None:
    """Refuse invalid polygons that cross themselves so often that a repair would not end.

    Parameters
    ----------
    geometries
        Polygons or multipolygons, shape (n,).
    indices
        Which of them are to be repaired.

    Raises
    ------
    TangledOutline
        One outline has more than 2,000 crossings, or all together more than 20,000.
    """
    left = CROSSINGS_IN_ALL
    for index in indices.tolist():
        found = crossings(geometries[index], min(left, CROSSINGS_EACH))
        left -= found
        if found > CROSSINGS_EACH or left < 0:
            raise TangledOutline(
                f"The outline of feature {index + 1} crosses itself more than {found - 1:,} times"
                f"{'' if found > CROSSINGS_EACH else ', after many others'}: this can't be repaired. "
                "Draw it again, or leave it out.",
                index=index,
            )


def crossings(geometry: shapely.Geometry, at_most: int) -> int:
    """Count the pairs of edges that meet outside their ends.

    Parameters
    ----------
    geometry
        A polygon or multipolygon.
    at_most
        Where counting ends.

    Returns
    -------
    crossings
        The number, or `at_most` + 1 where it is greater.
    """
    lines = _edges(geometry)
    ends = shapely.get_coordinates(lines).reshape(-1, 2, 2)
    tree = shapely.STRtree(lines)
    found, examined, first, step = 0, 0, 0, 16
    while first < len(lines):
        a, b = tree.query(lines[first : first + step])
        later = a + first < b
        one, other = a[later] + first, b[later]
        apart = ~(ends[one][:, :, None] == ends[other][:, None, :]).all(axis=-1).any(axis=(1, 2))
        found += int(shapely.intersects(lines[one[apart]], lines[other[apart]]).sum())
        examined += len(a)
        if found > at_most or examined > MOST_PAIRS:
            return at_most + 1
        first += step
        step = min(step * 2, MOST_QUESTIONS) if len(a) < 100_000 else max(1, step // 2)
    return found


def _edges(geometry: shapely.Geometry) -> NDArray[np.object_]:
    """Every edge of every ring as a line of its own, without those of no length."""
    rings = shapely.get_rings(shapely.get_parts(geometry))
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    start = np.flatnonzero((ring[1:] == ring[:-1]) & (coordinates[1:] != coordinates[:-1]).any(axis=1))
    return shapely.linestrings(np.stack([coordinates[start], coordinates[start + 1]], axis=1))
