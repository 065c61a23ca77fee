"""Where positions lie, over the maps of all districts: the face that answers and how far its border is."""

from dataclasses import dataclass
from math import hypot, inf

import numpy as np
from numpy.typing import NDArray

from geo.measure import metres_per_degree_one
from service.assignment.maps import EditionMap, GridRow


@dataclass(slots=True)
class Hit:
    """Where one position lies: status, map, face, distance to the answering ground's border."""

    status: str
    map: EditionMap | None = None
    face: int = -1
    distance_m: float | None = None

    @property
    def owner(self) -> int:
        """Give the number of the grid whose face it is in its map, -1 for none."""
        return -1 if self.map is None or self.face < 0 else self.map.locator.owner_of(self.face)

    @property
    def grid(self) -> GridRow | None:
        """Give the answering grid."""
        if self.map is None or self.status == "outside" or self.owner < 0:
            return None
        return self.map.grids[self.owner]


def locate(maps: list[EditionMap], points: NDArray[np.float64], tolerance_m: float) -> list[Hit]:
    """Find the answering face of each position over the maps of all districts."""
    hits = [Hit("outside") for _ in range(len(points))]
    for one in maps:
        near = _within(one, points)
        if len(near) == 0:
            continue
        faces, ties = one.locator.locate_with_ties(points[near])
        inside = np.flatnonzero(faces >= 0)
        distances = one.locator.distance_to_border_m(points[near[inside]], faces[inside])
        columns = (near[inside], faces[inside], ties[inside], distances)
        for row, face, tie, distance in zip(*(column.tolist() for column in columns), strict=True):
            _take(hits[row], one, face, tie, distance)
    missing = [row for row, hit in enumerate(hits) if hit.map is None]
    if missing:
        _look_around([hits[row] for row in missing], maps, points[missing], tolerance_m)
    return hits


def locate_one(maps: list[EditionMap], lon: float, lat: float, tolerance_m: float) -> Hit:
    """Find the answering face of one position, as `locate` does."""
    hit = Hit("outside")
    for one in maps:
        locator = one.locator
        west, south, east, north = locator.bounds
        if west <= lon <= east and south <= lat <= north:
            face, tie, distance = locator.look_up(lon, lat)
            if face >= 0:
                _take(hit, one, face, tie, distance)
    if hit.map is None:
        _look_around_one(hit, maps, lon, lat, tolerance_m)
    return hit


def _within(one: EditionMap, points: NDArray[np.float64]) -> NDArray[np.int64]:
    """List the points in the box of a map: no other can lie in it."""
    west, south, east, north = one.locator.bounds
    x, y = points[:, 0], points[:, 1]
    return np.flatnonzero((x >= west) & (x <= east) & (y >= south) & (y <= north))


def _take(hit: Hit, one: EditionMap, face: int, tie: bool, distance: float) -> None:
    """Note what a map says of a position; where two districts claim it, precedence is the same over all maps."""
    if hit.map is not None:
        if hit.map.precedence[hit.face] <= one.precedence[face]:
            one, face, tie, distance = hit.map, hit.face, hit.status == "border", hit.distance_m or 0.0
        # Where the districts overlap, the ground of the one that answers goes on.
        tie = tie or distance == 0.0
    hit.status = "border" if tie else ("gap" if one.kinds[face] == "gap" else "inside")
    hit.map, hit.face, hit.distance_m = one, face, distance


def _look_around(
    hits: list[Hit], maps: list[EditionMap], points: NDArray[np.float64], tolerance_m: float
) -> None:
    """Note the nearest face, however far, of positions that lie in none."""
    for one in maps:
        if len(one.locator) == 0:
            continue
        faces, distances = one.locator.nearest_any(points)
        for hit, face, distance in zip(hits, faces.tolist(), distances.tolist(), strict=True):
            if hit.distance_m is None or distance < hit.distance_m:
                hit.map, hit.face, hit.distance_m = one, face, distance
    for hit in hits:
        if hit.distance_m is not None and hit.distance_m <= tolerance_m:
            hit.status = "nearest"


def _look_around_one(hit: Hit, maps: list[EditionMap], lon: float, lat: float, tolerance_m: float) -> None:
    """Note the nearest face of one position, as `_look_around` does; maps whose box is too far are not asked."""
    m_lon, m_lat = metres_per_degree_one(lat)
    boxes = [
        (hypot(*_beyond(one.locator.bounds, lon, lat, m_lon, m_lat)), number)
        for number, one in enumerate(maps)
        if len(one.locator)
    ]
    best = (inf, -1)
    for least, number in sorted(boxes):
        if least > best[0] * (1 + 1e-9) + 1e-6:
            break
        face, distance = maps[number].locator.nearest_one(lon, lat)
        if (distance, number) < best:
            best = (distance, number)
            hit.map, hit.face, hit.distance_m = maps[number], face, distance
    if best[0] <= tolerance_m:
        hit.status = "nearest"


def _beyond(
    box: tuple[float, float, float, float], lon: float, lat: float, m_lon: float, m_lat: float
) -> tuple[float, float]:
    """Give how far a position lies beyond the sides of a box, in metres."""
    west, south, east, north = box
    return max(west - lon, lon - east, 0.0) * m_lon, max(south - lat, lat - north, 0.0) * m_lat
