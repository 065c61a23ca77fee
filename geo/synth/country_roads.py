"""Roads between villages: a Gabriel graph without sharp angles, and highways as chains along rays."""

from dataclasses import dataclass

import numpy as np
import shapely
from scipy.spatial import cKDTree

from geo.synth.frame import Frame
from geo.synth.lines import Lines, longer
from geo.synth.plane import Flags, Indices, Points, Shapes, unit

LONGEST_M = 2300.0
LONGEST_HIGHWAY_M = 1800.0
SHARPEST_RAD = 0.75
SHARE_OVER_WATER_OR_RAIL = 0.3


@dataclass(frozen=True, slots=True)
class Candidates:
    """Straight roads that could be built between neighbouring villages."""

    pairs: Indices
    road: Shapes
    length: Points
    angle: Points
    on_ray: Flags
    wet: Flags
    in_town: Flags


def add_roads(
    rng: np.random.Generator, frame: Frame, lines: Lines, pairs: Indices, middle: Points, ray: Indices
) -> None:
    """Add the roads between neighbouring villages."""
    roads = _candidates(frame, pairs, middle, ray)
    spot = (middle[pairs[:, 0]] + middle[pairs[:, 1]]) / 2
    gabriel = cKDTree(middle).query(spot)[0] > roads.length / 2 * 0.96
    crosses = roads.wet & (rng.random(len(pairs)) >= SHARE_OVER_WATER_OR_RAIL)
    wanted = gabriel & ~roads.in_town & (roads.length < LONGEST_M) & ~crosses
    built = _without_sharp_angles(roads, wanted | roads.on_ray)
    built = _nobody_without(roads, built, len(middle))
    for e in np.flatnonzero(built):
        if roads.on_ray[e]:
            lines.add(roads.road[e], "highway", f"ray {ray[pairs[e, 0]]}")
        else:
            lines.add(roads.road[e], "vroad", f"village {e}")


def _candidates(frame: Frame, pairs: Indices, middle: Points, ray: Indices) -> Candidates:
    start, end = middle[pairs[:, 0]], middle[pairs[:, 1]]
    step = end - start
    length = np.hypot(*step.T)
    road = shapely.linestrings(np.stack([start, end], axis=1))
    same_ray = (ray[pairs[:, 0]] >= 0) & (ray[pairs[:, 0]] == ray[pairs[:, 1]])
    wet = shapely.intersects(road, frame.river.corridor) | shapely.intersects(road, frame.rail)
    return Candidates(
        pairs=pairs,
        road=road,
        length=length,
        angle=np.arctan2(step[:, 1], step[:, 0]),
        on_ray=same_ray & (length < LONGEST_HIGHWAY_M),
        wet=wet,
        in_town=shapely.intersects(road, frame.town),
    )


def _without_sharp_angles(roads: Candidates, wanted: Flags) -> Flags:
    """Build highways first, then the shortest; no two roads leave a village almost the same way."""
    built = wanted.copy()
    leaving: dict[int, list[float]] = {}
    for e in np.lexsort((roads.length, ~roads.on_ray)):
        if not wanted[e]:
            continue
        i, j = roads.pairs[e].tolist()
        there, back = roads.angle[e], roads.angle[e] + np.pi
        sharp = _sharp(there, leaving.get(i, [])) or _sharp(back, leaving.get(j, []))
        if sharp and not roads.on_ray[e]:
            built[e] = False
            continue
        leaving.setdefault(i, []).append(there)
        leaving.setdefault(j, []).append(back)
    return built


def _sharp(angle: float, others: list[float]) -> bool:
    return any(abs((angle - b + np.pi) % (2 * np.pi) - np.pi) < SHARPEST_RAD for b in others)


def _nobody_without(roads: Candidates, built: Flags, count: int) -> Flags:
    """Every village gets at least its shortest road, where one stays on dry land."""
    built = built.copy()
    possible = ~roads.wet & ~roads.in_town
    for v in np.flatnonzero(np.bincount(roads.pairs[built].ravel(), minlength=count) == 0):
        mine = np.flatnonzero((roads.pairs == v).any(axis=1) & possible)
        if len(mine):
            built[mine[np.argmin(roads.length[mine])]] = True
    return built


def add_highway_ends(frame: Frame, lines: Lines, middle: Points, ray: Indices) -> None:
    """Carry every highway on to the ring road and to the rim."""
    reach = float(np.ptp(shapely.get_coordinates(frame.rim)))
    for k, angle in enumerate(frame.rays):
        chain = np.flatnonzero(ray == k)
        if not len(chain):
            continue
        distance = np.linalg.norm(middle[chain] - frame.centre, axis=1)
        first, last = middle[chain[distance.argmin()]], middle[chain[distance.argmax()]]
        inward = shapely.shortest_line(shapely.Point(first), frame.town.exterior)
        lines.add(longer(inward), "highway", f"ray {k}")
        outward = shapely.LineString([last, last + unit(angle) * reach])
        inside = shapely.intersection(outward, frame.rim)
        if inside.geom_type != "LineString":  # It would leave and come back: a stub is enough.
            inside = shapely.LineString([last, last + unit(angle) * 300])
        lines.add(longer(inside), "highway", f"ray {k}")
