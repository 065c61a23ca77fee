"""From positions to answers: one point and a million take the same steps, so that they can't differ.

One point goes through plain numbers (`answer_one`), many through columns (`answer_many`); where they lie is
decided by the same arithmetic (`geo.locator`), how sure that is by the same formulas (`geo.confidence`), and
one `Writer` writes them. Tests hold both to the same bytes.
"""

from collections.abc import Sequence
from datetime import datetime
from math import cos, radians
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.confidence import Share, shares, shares_many
from geo.crs import Crs, parse_crs, to_lonlat_one
from service.assignment.fragments import (
    NOWHERE,
    NULL,
    Found,
    Other,
    Place,
    Writer,
    encode,
    place_of,
    place_with_id,
)
from service.assignment.in_force import InForce
from service.assignment.locating import Hit, locate, locate_one
from service.assignment.maps import EditionMap, GridRow
from service.assignment.question import Question
from service.assignment.rulings import RULINGS, Ruling
from service.assignment.wording import sentence

__all__ = ["Hit", "Question", "answer_many", "answer_one", "locate", "locate_one"]
ACCURACY_LIMIT_M = 1000.0  # farther out the circle says nothing about one grid, and costs seconds
# So many accuracies away from every border the error does not reach: 5.3 sigmas, beyond which lies a millionth.
CLEAR = 3.5
Listed = list[tuple[EditionMap, Sequence[Share]]]


def answer_one(
    in_force: InForce, question: Question, crs: Crs, declared: tuple[float, float], accuracy_m: float
) -> bytes:
    """Answer one position as declared; accuracy NaN where none was stated. May raise MalformedPoints."""
    found = find_one(in_force, question, crs, declared, accuracy_m)
    return Writer(in_force, question, crs.key).answer(found)


def find_one(
    in_force: InForce, question: Question, crs: Crs, declared: tuple[float, float], accuracy_m: float
) -> Found:
    """Find what is answered for one position as declared. May raise MalformedPoints."""
    lon, lat = at = to_lonlat_one(*declared, crs)
    maps = in_force.maps_at(question.scheme_id, question.moment)
    hit = locate_one(maps, lon, lat, in_force.profile.tolerance_m)
    listed = _listed_one(maps, hit, lon, lat, min(accuracy_m, ACCURACY_LIMIT_M)) if accuracy_m > 0 else None
    ruling = None
    if RULINGS:
        ruling = RULINGS.at_point(question.scheme_id, lon, lat, question.moment, question.answered_at)
    return _found(maps, question, crs, declared, at, accuracy_m, hit, listed, ruling)


def answer_many(
    in_force: InForce,
    question: Question,
    crs: Crs,
    declared: NDArray[np.float64],
    points: NDArray[np.float64],
    accuracies: NDArray[np.float64],
) -> list[bytes]:
    """Answer positions as declared (n, 2), which are `points` in lon/lat; accuracy NaN where none was stated."""
    maps = in_force.maps_at(question.scheme_id, question.moment)
    hits = locate(maps, points, in_force.profile.tolerance_m)
    listed = _listed_many(maps, hits, points, np.minimum(accuracies, ACCURACY_LIMIT_M))
    rulings: dict[int, Ruling] = {}
    if RULINGS:
        rulings = RULINGS.at_points(question.scheme_id, points, question.moment, question.answered_at)
    write = Writer(in_force, question, crs.key).answer
    columns = (declared.tolist(), points.tolist(), accuracies.tolist(), hits)
    return [
        write(_found(maps, question, crs, xy, at, accuracy_m, hit, listed.get(row), rulings.get(row)))
        for row, (xy, at, accuracy_m, hit) in enumerate(zip(*columns, strict=True))
    ]


def _found(
    maps: Sequence[EditionMap],
    question: Question,
    crs: Crs,
    declared: Sequence[float],
    at: Sequence[float],
    accuracy_m: float,
    hit: Hit,
    listed: Listed | None,
    ruling: Ruling | None,
) -> Found:
    """Bring together what was found for one position; `at` is where it lies in lon/lat."""
    is_outside = hit.status == "outside" or hit.map is None
    place = ground = NOWHERE if is_outside else place_of(hit.map, hit.owner)
    if ruling is not None:
        decided = _decided(maps, ruling)
        place, ruling = (decided, ruling) if decided else (ground, None)
    confidence, others = (None, ()) if listed is None else _sureness(hit, listed)
    x, y = encode(declared[0]), encode(declared[1])
    lon, lat = (x, y) if crs.kind == "canonical" else (encode(at[0]), encode(at[1]))
    metres = 0.0 if is_outside else hit.distance_m
    return Found(
        hit.status, place, ground, ruling, x, y,
        encode(accuracy_m), lon, lat,  # NaN is written as null
        NULL if is_outside else encode(rounded_m(metres)), metres, encode(confidence),
        _nearest(hit) if is_outside else others,
        _warnings(question, maps, at[0], at[1]) if is_outside else (),
    )  # fmt: skip


def rounded_m(metres: float) -> float:
    """Round to millimetres."""
    return round(metres * 1000) / 1000


def _decided(maps: list[EditionMap], ruling: Ruling) -> Place | None:
    """Give the grid a ruling names; None where no edition in force has it any more."""
    return next(filter(None, (place_with_id(one, ruling.grid_id) for one in maps)), None)


def decided_grids(
    maps: list[EditionMap], scheme_id: int, points: NDArray[np.float64], moment: datetime
) -> dict[int, tuple[EditionMap, GridRow]]:
    """Give the grids that rulings name for points, (n, 2) lon/lat, by the row of the point."""
    found: dict[int, tuple[EditionMap, GridRow]] = {}
    for row, ruling in RULINGS.at_points(scheme_id, points, moment, moment).items():
        for one in maps:
            place = place_with_id(one, ruling.grid_id)
            if place is not None and place.row is not None:
                found[row] = (one, place.row)
    return found


def _listed_one(maps: list[EditionMap], hit: Hit, lon: float, lat: float, accuracy_m: float) -> Listed:
    """List for each map near the position whose grounds are within the reach of its error."""
    return [
        (one, _clear(hit) if _is_clear(one, hit, accuracy_m) else shares(one.locator, lon, lat, accuracy_m))
        for one in maps
        if _is_near(one, lon, lat, accuracy_m)
    ]


def _listed_many(
    maps: list[EditionMap], hits: list[Hit], points: NDArray[np.float64], accuracies: NDArray[np.float64]
) -> dict[int, Listed]:
    """List the same for each row that states an accuracy."""
    known = np.flatnonzero(accuracies > 0).tolist()
    listed: dict[int, Listed] = {row: [] for row in known}
    for one in maps:
        near = [row for row in known if _is_near(one, *points[row].tolist(), float(accuracies[row]))]
        doubtful = [row for row in near if not _is_clear(one, hits[row], float(accuracies[row]))]
        found = shares_many(one.locator, points[doubtful], accuracies[doubtful])
        told = dict(zip(doubtful, found, strict=True))
        for row in near:
            listed[row].append((one, told[row] if row in told else _clear(hits[row])))
    return listed


def _is_clear(one: EditionMap, hit: Hit, accuracy_m: float) -> bool:
    """Tell whether the error can't reach beyond the ground of the grid that answers, as far as this map goes."""
    return (
        hit.map is one
        and hit.owner >= 0
        and hit.status in ("inside", "gap")
        and (hit.distance_m or 0.0) > CLEAR * accuracy_m
    )


def _clear(hit: Hit) -> list[Share]:
    return [Share(hit.owner, 1.0, 0.0)]


def _is_near(one: EditionMap, lon: float, lat: float, accuracy_m: float) -> bool:
    """Tell whether a map may have ground within the reach of the error; a hundredth of a degree is 400 m at least."""
    west, south, east, north = one.locator.bounds
    reach = accuracy_m * 4 / 111_000
    wide = reach / max(0.05, cos(radians(lat)))
    return west - wide <= lon <= east + wide and south - reach <= lat <= north + reach


def _sureness(hit: Hit, listed: Listed) -> tuple[float, list[Other]]:
    """Give the share of the answering grid, and everybody else's, largest first."""
    confidence, others = 0.0, []
    for one, found in listed:
        for share in found:
            if share.owner < 0:
                continue
            if one is hit.map and share.owner == hit.owner and hit.status != "outside":
                confidence = share.share
            else:
                whose = place_of(one, share.owner)
                others.append(Other(whose, round(share.share, 4), rounded_m(share.distance_m)))
    others.sort(key=lambda other: (-(other.share or 0.0), other.distance_m, other.place.bare))
    return round(confidence, 4), others


def _nearest(hit: Hit) -> list[Other]:
    """Give the nearest grid of a position that lies outside, however far."""
    if hit.map is None or hit.distance_m is None:
        return []
    return [Other(place_of(hit.map, hit.owner), None, rounded_m(hit.distance_m))]


def _warnings(question: Question, maps: list[EditionMap], lon: float, lat: float) -> list[dict[str, Any]]:
    """Say whether another reading of a position outside would lie inside."""
    readings: list[tuple[str, str, tuple[float, float]]] = [
        ("suspect", crs.key, to_lonlat_one(lon, lat, crs)) for crs in _OTHER_READINGS
    ]
    if abs(lon) <= 90:
        readings.append(("swapped", "", (lat, lon)))
    for key, crs_name, other in readings:
        found = _grid_over(maps, other)
        if found is not None:
            detail = sentence(key, question.locale, crs=crs_name, grid=found)
            other_reading = {"crs": crs_name} if crs_name else {"swapped": True}
            return [{"type": "/problems/coordinates-suspect", "detail": detail, **other_reading}]
    return []


def _grid_over(maps: list[EditionMap], point: tuple[float, float]) -> str | None:
    """Name the grid of the face that covers a point; unlike a look-up it doesn't search around, which is slow."""
    for one in maps:
        face = one.locator.locate(*point)
        owner = one.locator.owner_of(face) if face >= 0 else -1
        if owner >= 0:
            return one.grids[owner].name
    return None


_OTHER_READINGS: tuple[Crs, ...] = (parse_crs("gcj02"), parse_crs("bd09"))
