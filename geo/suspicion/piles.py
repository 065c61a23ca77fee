"""Piles: far more rows at one coordinate than its neighbours would make likely, as a failed geocoder leaves them.

A geocoder that finds nothing often gives the city hall or the middle of the city, and a form that asks for no
place sends its default. Busy buildings have many reports too, but so do the places around them: what a place is
expected to hold is what its nearest other places hold on average.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from geo.locator.intake import checked_points

LEAST_SHARE, LEAST_COUNT = 0.01, 20
NEIGHBOURS = 50  # places around a pile that say what is usual there
TIMES_EXPECTED = 10.0
NEAR_DECIMALS = 4  # about 10 m: a failed geocoder that scatters its default point a little
WIDER = 1.5  # a near pile is told instead of the exact one in it where it holds so many times its rows
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Pile:
    """Rows at one place far beyond what is usual there.

    Attributes
    ----------
    lon, lat
        The coordinate that occurs most often among the rows, as given.
    rows
        Which rows, ascending.
    share
        Their share of all rows.
    expected
        Rows that the nearest other places hold on average.
    exact
        Whether all rows have this very coordinate; otherwise they share it once rounded to 4 decimals.
    """

    lon: float
    lat: float
    rows: NDArray[np.int64]
    share: float
    expected: float
    exact: bool = True


def piles(
    points: ArrayLike, *, least_share: float = LEAST_SHARE, least_count: int = LEAST_COUNT
) -> list[Pile]:
    """Find default points: coordinates that are repeated far beyond chance.

    Parameters
    ----------
    points
        Degrees, shape (n, 2), finite, as they were sent (before any conversion).
    least_share
        Smallest share of all rows that counts.
    least_count
        Smallest number of rows that counts.

    Returns
    -------
    piles
        The largest first. A place counts once, exact or not: a pile about an exact one is told where it holds
        half as many rows again as the exact one in it. Each holds at least ten times what the 50 nearest other
        places hold on average.

    Raises
    ------
    MalformedPoints
        Not finite pairs of numbers.
    """
    points = checked_points(points)
    least = max(least_count, int(np.ceil(least_share * len(points))), 2)
    found = _towering(points, points + 0.0, least, exact=True)
    for near in _towering(points, np.round(points, NEAR_DECIMALS) + 0.0, least, exact=False):
        within = [one for one in found if one.rows[0] in near.rows]
        if len(near.rows) >= WIDER * max((len(one.rows) for one in within), default=0):
            found = [one for one in found if one not in within] + [near]
    return sorted(found, key=lambda one: (-len(one.rows), one.lon, one.lat))


def _towering(
    points: NDArray[np.float64], keys: NDArray[np.float64], least: int, *, exact: bool
) -> list[Pile]:
    """Give the places, rows of one key, that stand out from their neighbours."""
    places, place, count = distinct(keys)
    high = np.flatnonzero(count >= least)
    if len(high) == 0:
        return []
    usual = _usual(places, count, high)
    found = []
    for k, expected in zip(high.tolist(), usual.tolist(), strict=True):
        if count[k] < TIMES_EXPECTED * max(expected, 1.0):
            continue
        rows = np.flatnonzero(place == k)
        here, _, often = distinct(points[rows])
        lon, lat = here[np.argmax(often)].tolist()
        found.append(Pile(lon, lat, rows, len(rows) / len(points), expected, exact or len(here) == 1))
    return found


def _usual(places: NDArray[np.float64], count: Integers, high: Integers) -> NDArray[np.float64]:
    """Give the mean number of rows at the places nearest to each of some places."""
    if len(places) == 1:
        return np.zeros(1)
    narrow = (np.cos(np.radians(np.clip(places[:, 1].mean(), -89, 89))), 1.0)
    tree = cKDTree(places * narrow)
    _, near = tree.query(places[high] * narrow, k=min(NEIGHBOURS + 1, len(places)))
    return (count[near].sum(axis=1) - count[high]) / (near.shape[1] - 1)


def distinct(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], Integers, Integers]:
    """Give the distinct places, the place of each row, and how many rows each place has."""
    if len(points) == 0:
        return points, np.empty(0, np.int64), np.empty(0, np.int64)
    order = np.lexsort(points.T)
    new = np.r_[True, (points[order[1:]] != points[order[:-1]]).any(axis=1)]
    place = np.empty(len(points), dtype=np.int64)
    place[order] = np.cumsum(new) - 1
    return points[order[new]], place, np.bincount(place)
