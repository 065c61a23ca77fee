"""The few large shapes that everything else obeys: town, outskirts, old town, river, rail, highways."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from geo.synth.plane import Points, blob, smooth, unit, wander


@dataclass(frozen=True, slots=True)
class River:
    """A river: its middle, the two banks that streets end at (north, south), and the water itself."""

    middle: shapely.LineString
    banks: tuple[shapely.LineString, shapely.LineString]
    corridor: Any
    water: Any


@dataclass(frozen=True, slots=True)
class Frame:
    """The large shapes, on the plane in metres; the old town's middle is at (0, 0).

    `size` is 1 for 3,000 yards and grows with the square root; `north` and `east` are the half planes beyond
    the river and the rail; `rays` are the directions of the highways seen from `centre`.
    """

    yards: int
    size: float
    town_radius: float
    old_half: float
    centre: Points
    town: shapely.Polygon
    rim: shapely.Polygon
    old: shapely.Polygon
    river: River
    rail: shapely.LineString
    north: Any
    east: Any
    rays: Points


def lay_frame(rng: np.random.Generator, yards: int) -> Frame:
    """Lay out the large shapes of a city with about this many yards."""
    size = float(np.sqrt(yards / 3000))
    town_radius, rim_radius = 4330.0 * size, 7350.0 * size
    old_half = 640.0 * size**0.3
    centre = np.array([0.07 * town_radius, -0.08 * town_radius])
    town = blob(rng, centre, town_radius * 0.93, power=3.0, rough=0.07, count=160)
    rim = _rim(rng, centre, rim_radius)
    old = blob(rng, (0, 0), old_half, power=4.5, rough=0.025, count=72)
    along, middle = _river_course(rng, size, town_radius, rim_radius, old_half)
    rail = _rail_course(town_radius, rim_radius)
    ray_count = 8 if size < 2 else 12
    rays = np.linspace(0, 2 * np.pi, ray_count, endpoint=False) + rng.uniform(-0.16, 0.16, ray_count) + 0.1
    return Frame(
        yards=yards,
        size=size,
        town_radius=town_radius,
        old_half=old_half,
        centre=centre,
        town=town,
        rim=rim,
        old=old,
        river=_river(rng, size, town_radius, centre, along, middle),
        rail=shapely.LineString(rail).simplify(0.5),
        north=_beyond(middle, [[1, 1], [-1, 1]], 4 * rim_radius),
        east=_beyond(rail, [[1, 1], [1, -1]], 4 * rim_radius),
        rays=rays,
    )


def _rim(rng: np.random.Generator, centre: Points, radius: float) -> shapely.Polygon:
    corners = shapely.get_coordinates(blob(rng, centre, radius, power=2.4, rough=0.10, waves=9, count=40))
    sides = [wander(rng, corners[k : k + 2], swing=0.10, finest=36.0) for k in range(len(corners) - 1)]
    return shapely.Polygon(np.vstack([shapely.get_coordinates(side)[:-1] for side in sides])).buffer(0)


def _beyond(course: Points, corners: list[list[int]], far: float) -> Any:
    return shapely.make_valid(shapely.Polygon(np.vstack([course, np.array(corners) * far])))


def _course(along: Points, heading: Points) -> Points:
    """Points of a curve with this heading at these lengths; its middle is at (0, 0)."""
    xy = np.cumsum(unit(heading) * np.gradient(along)[:, None], axis=0)
    return xy - xy[len(along) // 2]


def _drawn(rng: np.random.Generator, along: Points, count: int, low: float, high: float) -> Points:
    """Slowly varying random numbers along a curve."""
    return np.interp(along, np.linspace(along[0], along[-1], count), rng.uniform(low, high, count))


def _river_course(
    rng: np.random.Generator, size: float, town_radius: float, rim_radius: float, old_half: float
) -> tuple[Points, Points]:
    """Sine-generated curve south of the old town: calm in town, meandering outside."""
    along = np.arange(-3.2 * rim_radius, 3.2 * rim_radius, 25.0)
    wavelength = 3300.0 * size**0.4
    drift = _drawn(rng, along, 40, 0.65, 1.25)
    phase = np.interp(along, np.linspace(along[0], along[-1], 30), rng.normal(0, 0.7, 30))
    swing = (0.46 + 0.62 * smooth((abs(along) - 0.85 * town_radius) / (0.5 * town_radius))) * drift
    xy = _course(along, -0.10 + swing * np.sin(2 * np.pi * along / wavelength + 2.6 + phase))
    xy += [0, -old_half - 560.0]
    nearest = np.linalg.norm(xy, axis=1).min()
    xy[:, 1] -= max(0.0, old_half + 420.0 - nearest)
    inside = np.linalg.norm(xy, axis=1) < 1.6 * rim_radius
    return along[inside], xy[inside]


def _river(
    rng: np.random.Generator, size: float, town_radius: float, centre: Points, along: Points, xy: Points
) -> River:
    in_town = smooth((town_radius * 1.08 - np.linalg.norm(xy - centre, axis=1)) / 500)
    half = 31.0 * size**0.3 * _drawn(rng, along, 90, 0.78, 1.3)
    bank = half + 17 + in_town * _drawn(rng, along, 60, 34, 74)
    rough = [half + np.interp(along, along[::5], rng.normal(0, 1.7, len(along[::5]))) for _ in range(2)]
    # Streets are clipped by the very same simplified lines that are drawn, or they end short of the bank.
    banks = tuple(shapely.LineString(_offset(xy, side * bank)).simplify(0.6) for side in (1, -1))
    return River(
        middle=shapely.LineString(xy),
        banks=banks,
        corridor=_between(*map(shapely.get_coordinates, banks)),
        water=_between(_offset(xy, rough[0]), _offset(xy, -rough[1])),
    )


def _offset(xy: Points, distance: Points) -> Points:
    tangent = np.gradient(xy, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1)[:, None]
    return xy + np.column_stack([-tangent[:, 1], tangent[:, 0]]) * distance[:, None]


def _between(left: Points, right: Points) -> Any:
    return shapely.make_valid(shapely.Polygon(np.vstack([left, right[::-1]])))


def _rail_course(town_radius: float, rim_radius: float) -> Points:
    """Nearly straight, east of the old town."""
    along = np.arange(-2.6 * rim_radius, 2.6 * rim_radius, 40.0)
    sway = 0.13 * np.sin(2 * np.pi * along / (3.0 * town_radius) + 1.0)
    return _course(along, np.pi / 2 + 0.10 + sway) + np.array([0.40 * town_radius + 300, 0])
