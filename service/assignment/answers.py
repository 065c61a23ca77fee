"""From positions to answers: one path for one point and for a million, so that they can't differ."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.confidence import shares
from geo.crs import Crs, parse_crs, to_lonlat_one
from service.assignment.in_force import InForce
from service.assignment.maps import EditionMap, GridRow
from service.assignment.wording import sentence

ACCURACY_LIMIT_M = 1000.0  # farther out the circle says nothing about one grid, and costs seconds


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for every position of a request."""

    scheme_id: int
    moment: datetime
    answered_at: datetime
    locale: str
    contacts: bool
    level: str | None = None


@dataclass(slots=True)
class Hit:
    """Where one position lies: status, map, face, distance to the answering ground's border."""

    status: str
    map: EditionMap | None = None
    face: int = -1
    distance_m: float | None = None

    @property
    def grid(self) -> GridRow | None:
        """Give the answering grid."""
        if self.map is None or self.face < 0 or self.status == "outside":
            return None
        owner = int(self.map.locator.owners[self.face])
        return self.map.grids[owner] if owner >= 0 else None


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
        for found, distance in zip(inside.tolist(), distances.tolist(), strict=True):
            _take(hits, int(near[found]), one, int(faces[found]), bool(ties[found]), distance)
    missing = [row for row, hit in enumerate(hits) if hit.map is None]
    if missing:
        _look_around([hits[row] for row in missing], maps, points[missing], tolerance_m)
    return hits


def _within(one: EditionMap, points: NDArray[np.float64]) -> NDArray[np.int64]:
    """List the points in the box of a map: no other can lie in it."""
    west, south, east, north = one.locator.bounds
    x, y = points[:, 0], points[:, 1]
    return np.flatnonzero((x >= west) & (x <= east) & (y >= south) & (y <= north))


def _take(hits: list[Hit], row: int, one: EditionMap, face: int, tie: bool, distance: float) -> None:
    hit = hits[row]
    if hit.map is not None:  # two districts claim it: the order of precedence is the same over all maps
        if hit.map.precedence[hit.face] <= one.precedence[face]:
            one, face, tie, distance = hit.map, hit.face, hit.status == "border", hit.distance_m or 0.0
        tie = (
            tie or distance == 0.0
        )  # where the districts overlap, the ground of the one that answers goes on
    status = "border" if tie else ("gap" if one.kinds[face] == "gap" else "inside")
    hits[row] = Hit(status, one, face, distance)


def _look_around(
    hits: list[Hit], maps: list[EditionMap], points: NDArray[np.float64], tolerance_m: float
) -> None:
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


def answer(
    in_force: InForce, question: Question, points: NDArray[np.float64], accuracies: NDArray[np.float64]
) -> list[dict[str, Any]]:
    """Answer each canonical position (n, 2); accuracy NaN where none was stated."""
    maps = in_force.maps_at(question.scheme_id, question.moment)
    tolerance = in_force.profile.tolerance_m
    answered_at = question.answered_at.isoformat()
    return [
        _present(in_force, question, maps, hit, points[row], float(accuracies[row]), answered_at)
        for row, hit in enumerate(locate(maps, points, tolerance))
    ]


def _present(
    in_force: InForce,
    question: Question,
    maps: list[EditionMap],
    hit: Hit,
    point: NDArray[np.float64],
    accuracy_m: float,
    answered_at: str,
) -> dict[str, Any]:
    grid = hit.grid
    confidence, alternates = _sureness(maps, hit, point, accuracy_m)
    if hit.status == "outside" and hit.map is not None:
        alternates = [_nearest_alternate(hit)]
    chain = _chain(in_force, question, hit)
    return {
        "status": hit.status,
        "grid": None if grid is None else _named(grid),
        "chain": chain,
        "distance_to_border_m": None if hit.status == "outside" else _rounded(hit.distance_m),
        "confidence": confidence,
        "alternates": alternates,
        "position": {"lon": float(point[0]), "lat": float(point[1]), "crs": in_force.profile.geographic_crs},
        "why": _why(question, hit, grid, chain),
        "warnings": _warnings(question, maps, hit, point),
        "edition": _edition(hit),
        "answered_at": answered_at,
    }


def _named(grid: GridRow) -> dict[str, Any]:
    return {"id": str(grid.id), "code": grid.code, "name": grid.name, "level": grid.level}


def _rounded(metres: float | None) -> float | None:
    return None if metres is None else round(metres, 3)


def _edition(hit: Hit) -> dict[str, Any] | None:
    if hit.map is None or hit.status == "outside":
        return None
    key = hit.map.key
    return {
        "district": key.district_code,
        "number": key.number,
        "in_force_from": key.in_force_from.isoformat(),
    }


def _chain(in_force: InForce, question: Question, hit: Hit) -> list[dict[str, Any]]:
    if hit.map is None or hit.status == "outside":
        return []
    key = hit.map.key
    chain: list[dict[str, Any]] = [
        {"level": "district", "code": key.district_code, "name": key.district_name}
    ]
    for number in hit.grid.chain if hit.grid else ():
        row = hit.map.grids[number]
        entry = _named(row)
        if question.contacts:
            entry["leader"] = in_force.leader(row.id)
        chain.append(entry)
        if row.level == question.level:
            break
    return chain


def _sureness(
    maps: list[EditionMap], hit: Hit, point: NDArray[np.float64], accuracy_m: float
) -> tuple[float | None, list[dict[str, Any]]]:
    if not accuracy_m > 0:
        return None, []
    confidence, alternates = 0.0, []
    for one in maps:
        if not _is_near(one, point, accuracy_m):
            continue
        for share in shares(one.locator, float(point[0]), float(point[1]), min(accuracy_m, ACCURACY_LIMIT_M)):
            if share.owner < 0:
                continue
            if hit.grid is not None and one is hit.map and one.grids[share.owner] is hit.grid:
                confidence = share.share
                continue
            grid = one.grids[share.owner]
            alternates.append(
                {
                    "code": grid.code,
                    "name": grid.name,
                    "level": grid.level,
                    "share": round(share.share, 4),
                    "distance_m": _rounded(share.distance_m),
                }
            )
    alternates.sort(key=lambda one: (-one["share"], one["distance_m"], one["code"]))
    return round(confidence, 4), alternates


def _is_near(one: EditionMap, point: NDArray[np.float64], accuracy_m: float) -> bool:
    if len(one.locator) == 0:
        return False
    west, south, east, north = one.locator.bounds
    reach = accuracy_m * 4 / 111_000
    wide = reach / max(0.05, float(np.cos(np.radians(point[1]))))
    return bool(west - wide <= point[0] <= east + wide and south - reach <= point[1] <= north + reach)


def _nearest_alternate(hit: Hit) -> dict[str, Any]:
    assert hit.map is not None  # noqa: S101 - for the type checker
    owner = int(hit.map.locator.owners[hit.face])
    grid = hit.map.grids[owner] if owner >= 0 else None
    return {
        "code": grid.code if grid else None,
        "name": grid.name if grid else None,
        "level": grid.level if grid else None,
        "share": None,
        "distance_m": _rounded(hit.distance_m),
    }


def _why(question: Question, hit: Hit, grid: GridRow | None, chain: list[dict[str, Any]]) -> str:
    key = "gap-nobody" if hit.status == "gap" and grid is None else hit.status
    words = sentence(
        key,
        question.locale,
        grid=grid.name if grid else "",
        distance=hit.distance_m if hit.distance_m else 0.0,
    )
    if question.contacts and grid is not None and chain[-1].get("leader") is None:
        above = next((one for one in reversed(chain[:-1]) if one.get("leader")), None)
        if above is not None:
            words += sentence("vacant", question.locale, grid=grid.name, parent=above["name"])
    return words


def _warnings(
    question: Question, maps: list[EditionMap], hit: Hit, point: NDArray[np.float64]
) -> list[dict[str, Any]]:
    if hit.status != "outside":
        return []
    lon, lat = float(point[0]), float(point[1])
    readings: list[tuple[str, str, tuple[float, float]]] = [
        ("suspect", crs.key, to_lonlat_one(lon, lat, crs)) for crs in _OTHER_READINGS
    ]
    if abs(lon) <= 90:
        readings.append(("swapped", "", (lat, lon)))
    for key, crs_name, other in readings:
        found = _grid_over(maps, other)
        if found is not None:
            detail = sentence(key, question.locale, crs=crs_name, grid=found.name)
            other_reading = {"crs": crs_name} if crs_name else {"swapped": True}
            return [{"type": "/problems/coordinates-suspect", "detail": detail, **other_reading}]
    return []


def _grid_over(maps: list[EditionMap], point: tuple[float, float]) -> GridRow | None:
    """Give the grid of the face that covers a point; unlike a look-up it doesn't search around, which is slow."""
    for one in maps:
        face = one.locator.locate(*point)
        owner = int(one.locator.owners[face]) if face >= 0 else -1
        if owner >= 0:
            return one.grids[owner]
    return None


_OTHER_READINGS: tuple[Crs, ...] = (parse_crs("gcj02"), parse_crs("bd09"))
