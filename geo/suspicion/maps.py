"""Doubts about maps: units, axes, zone numbers, the Chinese shift."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.chinashift import is_shifted
from geo.crs import Crs, false_easting_m, from_lonlat, geometries_to_lonlat, parse_crs
from geo.measure import area_m2

# What a better fit is: halving what is missing, and visible at all. Jiangning: 0.927 becomes 0.975.
LEAST_GAIN = 0.01
MISFIT_LEFT = 0.6
# Beyond this a projected map of a city would be wider than it is far from the origin.
LARGEST_DEGREES = 400.0
# Gauss–Krüger and UTM reach 170 to 330 km from their meridian.
FARTHEST_FROM_MERIDIAN_M = 1_000_000.0
MILLION = 1_000_000
MANY_PARTS = 500
STREET_DEGREES = 3e-4  # half the width of a broad street, about 30 m; GCJ-02 is ten times as far off


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A doubt.

    Attributes
    ----------
    kind
        ``metres-not-degrees``, ``degrees-not-metres``, ``axes-swapped``, ``zone-number``, ``far-away``, ``shifted``.
    detail
        A sentence with the figures.
    members
        The figures.
    """

    kind: str
    detail: str
    members: dict[str, Any] = field(default_factory=dict)


def suspect_units(bbox: tuple[float, float, float, float], crs: Crs) -> Suspicion | None:
    """Ask whether coordinates look like the system that they are said to be in.

    Parameters
    ----------
    bbox
        West, south, east, north in `crs`.
    crs
        The declared one.

    Returns
    -------
    suspicion
        Metres that are said to be degrees or the other way round, axes exchanged, a zone number before the
        eastings that the system does not have or lacks, or a map far from the system's strip; None where
        nothing is odd.
    """
    x, y = (bbox[0] + bbox[2]) / 2, (bbox[1] + bbox[3]) / 2
    west, south, east, north = bbox
    shown = f"x {west:.9g} to {east:.9g}, y {south:.9g} to {north:.9g}"
    found = _suspect_metres(x, y, bbox, crs) if crs.kind == "projected" else _suspect_degrees(x, bbox)
    if found is None:
        return None
    kind, doubt, mend = found
    return Suspicion(kind, f"{crs.key}: {doubt} ({shown}). {mend}", {"bbox": list(bbox), "crs": crs.key})


def _suspect_degrees(x: float, bbox: tuple[float, float, float, float]) -> tuple[str, str, str] | None:
    west, south, east, north = map(abs, bbox)
    if max(west, south, east, north) > LARGEST_DEGREES:
        system = _system_of_zone(x)
        mend = f"The leading zone number would fit {system}." if system else "Declare it, such as EPSG:4547."
        return "metres-not-degrees", "it is in degrees, but the numbers look like metres", mend
    if max(south, north) > 90 and max(west, east) <= 90:
        return (
            "axes-swapped",
            "the latitudes go beyond 90 degrees",
            "Longitude and latitude seem to be exchanged.",
        )
    return None


def _suspect_metres(
    x: float, y: float, bbox: tuple[float, float, float, float], crs: Crs
) -> tuple[str, str, str] | None:
    if max(map(abs, bbox)) <= 180:
        doubt = "it is in metres, but the numbers look like degrees"
        return "degrees-not-metres", doubt, "Declare wgs84 or cgcs2000."
    easting = false_easting_m(crs)
    if easting is None or abs(x - easting) <= FARTHEST_FROM_MERIDIAN_M:
        return None
    if abs(y - easting) <= FARTHEST_FROM_MERIDIAN_M:
        return (
            "axes-swapped",
            "northing and easting seem to be exchanged",
            "Exchange x and y before sending the file.",
        )
    if abs(x % MILLION - easting % MILLION) <= MILLION / 2 and 0 <= x < 61 * MILLION:
        written, declared = int(x // MILLION), int(easting // MILLION)
        doubt = f"its eastings begin with zone number {declared or 'none'}, those of the file with {written or 'none'}"
        system = _system_of_zone(x) if written else None
        mend = (
            f"They would fit {system}." if system else "Declare the system without or with the zone number."
        )
        return "zone-number", doubt, mend
    return (
        "far-away",
        "the map lies far outside the strip that this system is made for",
        "Declare another system.",
    )


def _system_of_zone(x: float) -> str | None:
    """CGCS2000 / Gauss–Krüger with zone number: 3-degree zones 25 to 45, 6-degree zones 13 to 23."""
    zone = int(x // MILLION)
    if 25 <= zone <= 45:
        return f"Gauss–Krüger zone {zone}: EPSG:{4513 + zone - 25}"
    return f"Gauss–Krüger zone {zone}: EPSG:{4491 + zone - 13}" if 13 <= zone <= 23 else None


def suspect_shift(
    geometries_lonlat: NDArray[np.object_], reference_lonlat: NDArray[np.object_]
) -> Suspicion | None:
    """Ask whether a map fits what it should lie on better once it is taken as GCJ-02 or BD-09.

    Parameters
    ----------
    geometries_lonlat
        Polygons as read, taken for WGS84 degrees, shape (n,).
    reference_lonlat
        Polygons of the same ground that are trusted: the parent outline, the layer above or below; (m,).

    Returns
    -------
    suspicion
        Of kind ``shifted``, with members `system` (what it looks like), `iou_as_is` and `iou_after`
        (intersection over union of the two grounds, by area, before and after). None where no system makes
        the fit clearly better: either all is well, or the shift is not the reason.
    """
    ours, reference = _ground(geometries_lonlat), _ground(reference_lonlat)
    if ours.is_empty or reference.is_empty or not is_shifted(ours.centroid.x, ours.centroid.y):
        return None
    as_is = _overlap(ours, reference)
    if 1 - as_is < LEAST_GAIN:
        return None  # nothing can be gained
    after = {key: _overlap_as(key, ours, reference) for key in ("gcj02", "bd09")}
    system = max(after, key=after.__getitem__)
    if after[system] - as_is < LEAST_GAIN or 1 - after[system] > MISFIT_LEFT * (1 - as_is):
        return None
    return Suspicion(
        "shifted",
        f"Taken as {system} the map covers its reference better: overlap {after[system]:.3f} instead of "
        f"{as_is:.3f} "
        f"(intersection over union). It may be in {system} although it does not say so.",
        {"system": system, "iou_as_is": round(as_is, 4), "iou_after": round(after[system], 4)},
    )


def _ground(geometries: NDArray[np.object_]) -> shapely.Geometry:
    present = _valid(geometries[~shapely.is_missing(geometries)])
    whole = present[0] if len(present) == 1 else shapely.union_all(present)
    if shapely.get_num_geometries(whole) <= MANY_PARTS:
        return whole
    # Yards with streets between them: closing the streets leaves the outlines, which tell a shift. To cut
    # ten thousands of pieces with anything takes the square of their number.
    grown = shapely.buffer(shapely.get_parts(whole), STREET_DEGREES, join_style="mitre", mitre_limit=2)
    return shapely.buffer(shapely.union_all(grown), -STREET_DEGREES, join_style="mitre", mitre_limit=2)


def _valid(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    # Only to compare areas: repairing here changes nothing that is kept.
    broken = ~shapely.is_valid(geometries)
    mended = geometries.copy()
    mended[broken] = shapely.make_valid(geometries[broken])
    return mended


def _overlap_as(system: str, ours: shapely.Geometry, reference: shapely.Geometry) -> float:
    """Overlap once ours is read as another system: the one with fewer vertices is moved, there or back."""
    crs = parse_crs(system)
    if shapely.get_num_coordinates(ours) <= shapely.get_num_coordinates(reference):
        return _overlap(_valid(geometries_to_lonlat(np.array([ours]), crs))[0], reference)
    moved = shapely.transform(np.array([reference]), lambda points: from_lonlat(points, crs))
    return _overlap(ours, _valid(moved)[0])


def _overlap(ours: shapely.Geometry, reference: shapely.Geometry) -> float:
    one, other, both = area_m2(np.array([ours, reference, shapely.intersection(ours, reference)]))
    together = one + other - both
    return float(both / together) if together > 0 else 0.0
