"""Where many positions lie, as arrays: the same rules as for one, over the maps of all districts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.assignment.maps import EditionMap

STATUSES = ("inside", "border", "gap", "nearest", "outside")
INSIDE, BORDER, GAP, NEAREST, OUTSIDE = range(5)


@dataclass(frozen=True, slots=True)
class Located:
    """For each position: its status, the place of its map in `maps` (-1: none), its face, metres to the border."""

    status: NDArray[np.int8]
    map: NDArray[np.int32]
    face: NDArray[np.int64]
    distance_m: NDArray[np.float64]


def locate_many(
    maps: Sequence[EditionMap],
    gaps: Sequence[NDArray[np.bool_]],
    points: NDArray[np.float64],
    tolerance_m: float,
) -> Located:
    """Find the answering face of each position, shape (n, 2); `gaps` tells for each map which faces are gaps."""
    n = len(points)
    found = Located(
        np.full(n, OUTSIDE, dtype=np.int8),
        np.full(n, -1, dtype=np.int32),
        np.full(n, -1, dtype=np.int64),
        np.full(n, np.nan),
    )
    for number, one in enumerate(maps):
        near = _within(one, points)
        if len(near):
            _ask(found, maps, number, gaps[number], points, near)
    _look_around(found, maps, points, tolerance_m)
    return found


def _within(one: EditionMap, points: NDArray[np.float64]) -> NDArray[np.int64]:
    west, south, east, north = one.locator.bounds
    x, y = points[:, 0], points[:, 1]
    return np.flatnonzero((x >= west) & (x <= east) & (y >= south) & (y <= north))


def _ask(
    found: Located,
    maps: Sequence[EditionMap],
    number: int,
    is_gap: NDArray[np.bool_],
    points: NDArray[np.float64],
    near: NDArray[np.int64],
) -> None:
    one = maps[number]
    face, tied = one.locator.locate_with_ties(points[near])
    inside = np.flatnonzero(face >= 0)
    row, face, tied = near[inside], face[inside], tied[inside]
    metres = one.locator.distance_to_border_m(points[row], face)
    tied, keep = tied.copy(), np.ones(len(row), dtype=np.bool_)
    for place in np.flatnonzero(found.map[row] >= 0).tolist():
        # Two districts claim it: the order of precedence is the same over all maps.
        keep[place], tied[place] = _claimed_twice(
            found, maps, int(row[place]), one, int(face[place]), bool(tied[place]), float(metres[place])
        )
    status = np.where(tied, BORDER, np.where(is_gap[face], GAP, INSIDE)).astype(np.int8)
    row, status, face, metres = row[keep], status[keep], face[keep], metres[keep]
    found.status[row], found.map[row], found.face[row], found.distance_m[row] = status, number, face, metres


def _claimed_twice(
    found: Located,
    maps: Sequence[EditionMap],
    row: int,
    one: EditionMap,
    face: int,
    tied: bool,
    metres: float,
) -> tuple[bool, bool]:
    """Tell whether the later claim stands, and whether it is tied; an earlier one that stands is set right."""
    before, its_face = maps[found.map[row]], int(found.face[row])
    if before.precedence[its_face] > one.precedence[face]:
        # Where the districts overlap, the ground of the one that answers goes on: no border there.
        return True, tied or metres == 0.0
    if found.distance_m[row] == 0.0:
        found.status[row] = BORDER
    return False, tied


def _look_around(
    found: Located, maps: Sequence[EditionMap], points: NDArray[np.float64], tolerance_m: float
) -> None:
    """Give the nearest face to positions that none covers; within the tolerance it answers."""
    lost = np.flatnonzero(found.map < 0)
    if len(lost) == 0:
        return
    for number, one in enumerate(maps):
        if len(one.locator) == 0:
            continue
        face, metres = one.locator.nearest_any(points[lost])
        nearer = ~(metres >= found.distance_m[lost])  # the first map counts against NaN
        row = lost[nearer]
        found.map[row], found.face[row], found.distance_m[row] = number, face[nearer], metres[nearer]
    near = lost[found.distance_m[lost] <= tolerance_m]
    found.status[near] = NEAREST
