"""Signs that a declared coordinate system is the wrong one: hints for a person, never a silent correction."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.chinashift import is_shifted
from geo.crs import Crs, geometries_to_lonlat, parse_crs
from geo.measure import area_m2

# What a better fit is: halving what is missing, and visible at all. Jiangning: 0.927 becomes 0.975.
LEAST_GAIN = 0.01
MISFIT_LEFT = 0.6
# Beyond this a projected map of a city would be wider than it is far from the origin.
LARGEST_DEGREES = 400.0


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A doubt.

    Attributes
    ----------
    kind
        ``metres-not-degrees``, ``degrees-not-metres``, ``axes-swapped``, ``shifted``.
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
        Metres that are said to be degrees, degrees that are said to be metres, or the axes exchanged; None
        where nothing is odd.
    """
    west, south, east, north = bbox
    members = {"bbox": list(bbox), "crs": crs.key}
    shown = f"x {west:.6g}…{east:.6g}, y {south:.6g}…{north:.6g}"
    if crs.kind == "projected":
        if max(abs(west), abs(east)) <= 180 and max(abs(south), abs(north)) <= 180:
            return Suspicion(
                "degrees-not-metres",
                f"{crs.key} is in metres, but the numbers look like degrees ({shown}). Declare wgs84 or "
                "cgcs2000.",
                members,
            )
        return None
    if max(map(abs, bbox)) > LARGEST_DEGREES:
        return Suspicion(
            "metres-not-degrees",
            f"{crs.key} is in degrees, but the numbers look like metres ({shown}). "
            f"{_gauss_krueger_hint(west)}",
            members,
        )
    if max(abs(south), abs(north)) > 90 and max(abs(west), abs(east)) <= 90:
        return Suspicion(
            "axes-swapped",
            f"The latitudes go beyond 90 degrees ({shown}): longitude and latitude seem to be exchanged.",
            members,
        )
    return None


def _gauss_krueger_hint(west: float) -> str:
    zone = int(west // 1_000_000)
    if 25 <= zone <= 45:
        return f"The leading {zone} would fit Gauss–Krüger zone {zone}: EPSG:{4513 + zone - 25}."
    return "Declare the projected system, such as EPSG:4547."


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
    after = {
        key: _overlap(geometries_to_lonlat(np.array([ours]), parse_crs(key))[0], reference)
        for key in ("gcj02", "bd09")
    }
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
    present = geometries[~shapely.is_missing(geometries)]
    # Only to compare areas: repairing here changes nothing that is kept.
    return shapely.union_all(shapely.make_valid(present))


def _overlap(ours: shapely.Geometry, reference: shapely.Geometry) -> float:
    repaired = shapely.make_valid(ours)
    both = area_m2(np.array([shapely.intersection(repaired, reference), shapely.union(repaired, reference)]))
    return float(both[0] / both[1]) if both[1] > 0 else 0.0
