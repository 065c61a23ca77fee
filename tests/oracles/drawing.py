"""Small maps drawn by hand, and ways to look at their partition. One unit is 1e-5 degrees, about a metre."""

import numpy as np
import shapely

from geo.records import Feature, Finding, Layer, Partition

UNIT = 1e-5


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    return polygon((west, south), (east, south), (east, north), (west, north))


def polygon(*points: tuple[float, float]) -> shapely.Polygon:
    return shapely.Polygon(np.array(points) * UNIT + [113.0, 34.0])


def layer(level: str, *features: tuple) -> Layer:
    """Features as (code, parent, geometry)."""
    return Layer(level, tuple(Feature(code, f"n{code}", parent, shape) for code, parent, shape in features))


def faces(result: Partition) -> dict[tuple[str, str, str], shapely.Geometry]:
    """Ground of each (kind, level, code)."""
    keys = {(f.kind, f.level, f.code) for f in result.faces}
    return {
        k: shapely.union_all([f.geometry for f in result.faces if (f.kind, f.level, f.code) == k])
        for k in keys
    }


def found(result: Partition, rule: str) -> list[Finding]:
    return [finding for finding in result.findings if finding.rule == rule]


def same_ground(one: shapely.Geometry, other: shapely.Geometry) -> bool:
    return bool(shapely.symmetric_difference(one, other).area < 1e-16)


TOWN = ("T", None, box(0, 0, 300, 100))
COMMUNITIES = [
    ("A", "T", box(0, 0, 100, 100)),
    ("B", "T", box(100, 0, 200, 100)),
    ("C", "T", box(200, 0, 300, 100)),
]
