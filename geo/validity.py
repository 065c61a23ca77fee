"""Polygons as files have them, made valid and brought onto the lattice, with an account of each repair."""

import re
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import MalformedPoints
from geo.lattice import canon, canon_coordinates
from geo.measure import area_m2
from geo.tangle import refuse_endless, refuse_tangled

REASON = re.compile(r"^(?P<what>[^\[]+)\[(?P<lon>\S+) (?P<lat>\S+)\]$")
STEP_DEGREES = 1e-8


@dataclass(frozen=True, slots=True)
class Repair:
    """What was wrong with the geometry at `index`, where, and what the repair did.

    `by_rounding` marks a polygon that was valid as given and only pinched by the millimetre of the lattice.
    """

    index: int
    reason: str
    lon: float | None
    lat: float | None
    by_rounding: bool
    area_before_m2: float
    area_after_m2: float
    parts_before: int
    parts_after: int

    @property
    def change_m2(self) -> float:
        """Square metres gained or lost."""
        return abs(self.area_after_m2 - self.area_before_m2)


def repaired(geometries: NDArray[np.object_]) -> tuple[NDArray[np.object_], list[Repair]]:
    """Make polygons valid and canonical.

    Parameters
    ----------
    geometries
        Polygons, multipolygons or None, lon/lat degrees, shape (n,). Heights are dropped; of a collection
        only the polygons count.

    Returns
    -------
    canonical
        Shape (n,): valid polygons and multipolygons on the lattice; an empty polygon where nothing is left.
    repairs
        One entry for each geometry that needed more than rounding.

    Raises
    ------
    MalformedPoints
        A coordinate is not a finite number.
    TangledOutline
        An outline crosses itself so often that to repair it would not end.

    Notes
    -----
    Repairs follow OGC validity by ``make_valid`` (line work, even-odd): a bow-tie keeps both wings.
    """
    given = _flat(np.asarray(geometries, dtype=object))
    refuse_endless(given)
    was_valid = shapely.is_valid(given)
    refuse_tangled(given, np.flatnonzero(~was_valid))
    mended = given.copy()
    mended[~was_valid] = _polygonal(shapely.make_valid(given[~was_valid]))
    pinched = _collapses(mended)
    result = mended.copy()
    result[~pinched] = canon(mended[~pinched])
    pinched |= ~shapely.is_valid(result)
    result[pinched] = _snapped(mended[pinched])
    touched = np.flatnonzero(~was_valid | pinched)
    return result, _account(given, result, touched, was_valid)


def _flat(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """Two-dimensional polygons; refuses NaN and infinities, which GEOS would carry along in silence."""
    empty = shapely.is_missing(geometries)
    flat = shapely.force_2d(np.where(empty, shapely.Polygon(), geometries))
    coordinates, owner = shapely.get_coordinates(flat, return_index=True)
    bad = owner[~np.isfinite(coordinates).all(axis=1)]
    if len(bad):
        raise MalformedPoints(
            f"Feature {bad[0] + 1} has a coordinate that is not a finite number.", index=int(bad[0])
        )
    return _polygonal(flat)


def _polygonal(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """Keep the polygons of each geometry: a repair may leave lines and points behind."""
    kept = geometries.copy()
    mixed = np.flatnonzero(~np.isin(shapely.get_type_id(geometries), (3, 6)))
    for i in mixed:
        parts = shapely.get_parts(shapely.get_parts(geometries[i]))
        polygons = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
        kept[i] = shapely.union_all(polygons) if len(polygons) else shapely.Polygon()
    return kept


def _collapses(geometries: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Which geometries have a ring too small for the lattice: fewer than three places are left of it."""
    parts, part_owner = shapely.get_parts(geometries, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    here = canon_coordinates(coordinates)
    moves = (ring[1:] == ring[:-1]) & (here[1:] != here[:-1]).any(axis=1)
    small = np.bincount(ring[1:][moves], minlength=len(rings)) < 3
    collapses = np.zeros(len(geometries), dtype=bool)
    collapses[part_owner[ring_part[small]]] = True
    return collapses


def _snapped(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """Round with repair: GEOS snaps to the same lattice and dissolves what the rounding pinched."""
    return canon(_polygonal(shapely.set_precision(geometries, STEP_DEGREES, mode="valid_output")))


def _account(
    given: NDArray[np.object_],
    result: NDArray[np.object_],
    touched: NDArray[np.int64],
    was_valid: NDArray[np.bool_],
) -> list[Repair]:
    """Describe each repair from before and after."""
    before, after = area_m2(given[touched]), area_m2(result[touched])
    # What rounding did shows in the rounded shape; pointwise keeps even what it collapsed.
    rounded = shapely.set_precision(given[touched], STEP_DEGREES, mode="pointwise")
    explained = np.where(was_valid[touched], rounded, given[touched])
    repairs = []
    for k, i in enumerate(touched):
        text = shapely.is_valid_reason(explained[k])
        match = REASON.match(text)
        repairs.append(
            Repair(
                index=int(i),
                reason=match["what"].strip() if match else text,
                lon=float(match["lon"]) if match else None,
                lat=float(match["lat"]) if match else None,
                by_rounding=bool(was_valid[i]),
                area_before_m2=float(before[k]),
                area_after_m2=float(after[k]),
                parts_before=int(shapely.get_num_geometries(given[i])),
                parts_after=int(shapely.get_num_geometries(result[i])),
            )
        )
    return repairs
