"""The plane the city is planned on, in metres, its 5 cm grid, and the way to the lattice of degrees."""

import math
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.lattice import canon_coordinates

LON0, LAT0 = 115.65, 34.4
PHI0 = math.radians(LAT0)
M_PER_LON = 111_412.84 * math.cos(PHI0) - 93.5 * math.cos(3 * PHI0)
M_PER_LAT = 111_132.92 - 559.82 * math.cos(2 * PHI0) + 1.175 * math.cos(4 * PHI0)

# All plans are drawn on this grid. Features stay 1.8 m apart, so the millimetre of the lattice breaks nothing.
STEPS_PER_METRE = 20
SNAP_M = 1 / STEPS_PER_METRE

Points = NDArray[np.float64]
Shapes = NDArray[np.object_]
Indices = NDArray[np.int64]
Flags = NDArray[np.bool_]


def to_lonlat(xy: Points) -> Points:
    """Bring metres of the plane, shape (n, 2), to lon/lat degrees on the lattice."""
    return canon_coordinates(np.column_stack([LON0 + xy[:, 0] / M_PER_LON, LAT0 + xy[:, 1] / M_PER_LAT]))


def to_metres(lonlat: Points) -> Points:
    """Bring lon/lat degrees, shape (n, 2), to metres of the plane."""
    return np.column_stack([(lonlat[:, 0] - LON0) * M_PER_LON, (lonlat[:, 1] - LAT0) * M_PER_LAT])


def grid_steps(xy: Points) -> Indices:
    """Whole grid steps of metres. Coordinates are only ever derived from these, so equal places are equal."""
    return np.round(xy * STEPS_PER_METRE).astype(np.int64)


def snapped(geometries: Shapes) -> Shapes:
    """Geometries with every vertex on the grid."""
    on_grid = shapely.transform(geometries, lambda xy: grid_steps(xy) / STEPS_PER_METRE)
    return shapely.remove_repeated_points(on_grid)


def polygons_of(geometry: Any) -> list[shapely.Polygon]:
    """Polygons among the parts of a geometry."""
    return [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]


def largest(geometry: Any) -> shapely.Polygon:
    """Largest polygon of a geometry, an empty one where it has none."""
    return max(polygons_of(geometry), key=lambda part: part.area, default=shapely.Polygon())


def grid_safe(polygons: Shapes) -> Shapes:
    """Polygons on the grid and valid; of what falls apart, the largest part."""
    out = shapely.set_precision(polygons, SNAP_M)
    for k in np.flatnonzero(shapely.get_type_id(out) != shapely.GeometryType.POLYGON):
        out[k] = largest(out[k])
    return shapely.set_precision(out, 0)


def smooth(x: Any) -> Any:
    """Ease from 0 to 1, flat at both ends."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def groups(owner: Indices, count: int) -> list[Indices]:
    """Members of each of `count` owners, in their order."""
    order = np.argsort(owner, kind="stable")
    return np.split(order, np.searchsorted(owner[order], np.arange(1, count)))


def dissolve(parts: Shapes, owner: Indices, count: int) -> Shapes:
    """Union of the parts of each owner; the parts are a clean coverage."""
    out = [
        parts[mine[0]] if len(mine) == 1 else shapely.coverage_union_all(parts[mine])
        for mine in groups(owner, count)
    ]
    return np.array(out, dtype=object)


def blob(
    rng: np.random.Generator,
    centre: Any,
    radius: float,
    *,
    power: float = 2.0,
    rough: float = 0.08,
    waves: int = 5,
    count: int = 64,
) -> shapely.Polygon:
    """Round shape with a rough edge: a superellipse (2 circle, larger squarer) with a few random waves."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    r = (abs(np.cos(angle)) ** power + abs(np.sin(angle)) ** power) ** (-1 / power)
    for k in range(2, 2 + waves):
        r *= 1 + rough / np.sqrt(k - 1) * rng.normal() * np.cos(k * angle + rng.uniform(0, 6.3)) / 1.6
    return shapely.Polygon(np.asarray(centre) + radius * r[:, None] * unit(angle))


def unit(angle: Any) -> Points:
    """Unit vectors of angles, last axis x and y."""
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def wander(
    rng: np.random.Generator, ends: Points, *, swing: float = 0.11, finest: float = 45.0
) -> shapely.LineString:
    """Break a straight line by moving midpoints sideways, ever less; its two ends stay."""
    xy = ends
    while np.hypot(*(xy[1] - xy[0])) > finest and len(xy) < 200:
        step = np.diff(xy, axis=0)
        side = np.column_stack([-step[:, 1], step[:, 0]])
        middle = xy[:-1] + step / 2 + side * rng.normal(0, swing, len(step)).clip(-0.2, 0.2)[:, None]
        both = np.empty((len(xy) + len(middle), 2))
        both[0::2], both[1::2] = xy, middle
        xy = both
    return shapely.LineString(xy)
