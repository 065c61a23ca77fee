"""Coordinate systems that numbers without one could be in, and where on earth each would put them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.crs import Crs, parse_crs, to_lonlat
from geo.errors import GeoError
from geo.suspicion import suspect_units

MILLION = 1_000_000
EARTH_M_PER_DEGREE = 111_195.0
# CGCS2000 / Gauss-Krueger: (first EPSG code, first zone, zones, degrees a zone, is the zone in the easting).
# Six-degree zones without it have the numbers of the three-degree zone of the same meridian.
FAMILIES = (
    (4513, 25, 21, 3, True),
    (4534, 25, 21, 3, False),
    (4491, 13, 11, 6, True),
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A system and what speaks for it.

    Attributes
    ----------
    key
        For `geo.crs.parse_crs`.
    fits
        Whether the numbers look like this system at all.
    centre
        Where the middle of the map would lie, lon, lat in degrees; None where it would not be on earth.
    meridian
        Central meridian in degrees for a Gauss-Krueger zone, else None.
    distance_m
        From there to the middle of the known ground; None where nothing is known.
    share
        Share of the map's box that would lie in the box of the known ground.
    """

    key: str
    fits: bool
    centre: tuple[float, float] | None
    meridian: float | None
    distance_m: float | None
    share: float | None


def candidates(
    bbox: tuple[float, float, float, float],
    named: Sequence[str],
    ground: tuple[float, float, float, float] | None = None,
) -> tuple[Candidate, ...]:
    """List what a layer without a coordinate system could be in, the likeliest first.

    Parameters
    ----------
    bbox
        West, south, east, north as the file has them.
    named
        Systems the city uses, as `geo.crs.parse_crs` reads them.
    ground
        West, south, east, north in lon/lat degrees of what the city has already; None where it has nothing.

    Returns
    -------
    candidates
        The named ones, and for metres the Gauss-Krueger zones the numbers fit; sorted by fit, then share,
        then distance.
    """
    middle = ((bbox[0] + bbox[2]) / 2, (bbox[1] + bbox[3]) / 2)
    keys = [(parse_crs(one), None) for one in named]
    if max(map(abs, bbox)) > 400:
        keys += [(parse_crs(key), meridian) for key, meridian in _zones(middle[0])]
    found = [_candidate(crs, meridian, bbox, ground) for crs, meridian in keys]
    order = {one.key: i for i, one in enumerate(found)}
    return tuple(
        sorted(
            dict.fromkeys(found),
            key=lambda one: (
                not one.fits, -(one.share or 0.0), math.inf if one.distance_m is None else one.distance_m,
                order[one.key],
            ),
        )
    )  # fmt: skip


def _zones(x: float) -> list[tuple[str, float]]:
    zone = int(x // MILLION) if x > MILLION else None
    found = []
    for first, first_zone, count, degrees, numbered in FAMILIES:
        for i in range(count):
            number = first_zone + i
            if (zone is not None) == numbered and (not numbered or zone == number):
                meridian = number * 3.0 if degrees == 3 else number * 6.0 - 3.0
                found.append((f"EPSG:{first + i}", meridian))
    return found


def _candidate(
    crs: Crs,
    meridian: float | None,
    bbox: tuple[float, float, float, float],
    ground: tuple[float, float, float, float] | None,
) -> Candidate:
    fits = suspect_units(bbox, crs) is None
    corners = _corners(bbox, crs)
    if corners is None:
        return Candidate(crs.key, False, None, meridian, None, None)
    west, south = corners.min(axis=0).tolist()
    east, north = corners.max(axis=0).tolist()
    centre = ((west + east) / 2, (south + north) / 2)
    if ground is None:
        return Candidate(crs.key, fits, centre, meridian, None, None)
    here = ((ground[0] + ground[2]) / 2, (ground[1] + ground[3]) / 2)
    narrow = math.cos(math.radians(here[1]))
    distance = math.hypot((centre[0] - here[0]) * narrow, centre[1] - here[1]) * EARTH_M_PER_DEGREE
    share = _share((west, south, east, north), ground)
    return Candidate(crs.key, fits, centre, meridian, round(distance), round(share, 3))


def _corners(bbox: tuple[float, float, float, float], crs: Crs) -> NDArray[np.float64] | None:
    west, south, east, north = bbox
    try:
        points = to_lonlat(
            np.array([[west, south], [east, south], [east, north], [west, north]], dtype=np.float64), crs
        )
    except GeoError:
        return None
    lon, lat = points[:, 0], points[:, 1]
    on_earth = np.isfinite(points).all() and (np.abs(lon) <= 180).all() and (np.abs(lat) <= 90).all()
    return points if on_earth else None


def _share(box: tuple[float, float, float, float], ground: tuple[float, float, float, float]) -> float:
    width = min(box[2], ground[2]) - max(box[0], ground[0])
    height = min(box[3], ground[3]) - max(box[1], ground[1])
    whole = (box[2] - box[0]) * (box[3] - box[1])
    return max(0.0, width) * max(0.0, height) / whole if whole > 0 else 0.0
