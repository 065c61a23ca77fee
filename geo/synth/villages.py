"""The country around the town: villages on a loose net, market towns on highways, borders, roads, hills."""

from dataclasses import dataclass, field

import numpy as np
import shapely
from scipy.spatial import Voronoi, cKDTree

from geo.synth.country_roads import add_highway_ends, add_roads
from geo.synth.frame import Frame
from geo.synth.lines import Lines
from geo.synth.plane import Flags, Indices, Points, Shapes, blob, unit, wander

PITCH_M = 1270.0
TOO_CLOSE_M = 520.0


@dataclass(slots=True)
class Villages:
    """Villages around the town, n of them.

    Attributes
    ----------
    middle
        Metres, shape (n, 2).
    ray
        Number of the highway a village lies on, -1 for none, shape (n,).
    room
        Polygons: the ground of the houses, shape (n,).
    market_town, hill
        Which are market towns, and which have hills instead of houses and fields, shape (n,).
    """

    middle: Points
    ray: Indices
    room: Shapes = field(default_factory=lambda: np.zeros(0, object))
    market_town: Flags = field(default_factory=lambda: np.zeros(0, bool))
    hill: Flags = field(default_factory=lambda: np.zeros(0, bool))


def add_villages(rng: np.random.Generator, frame: Frame, lines: Lines) -> Villages:
    """Place the villages and add their borders, roads and the lane around the houses."""
    country = shapely.difference(frame.rim, frame.town)
    shapely.prepare(country)
    villages = _place(rng, frame, country)
    pairs = _add_borders(rng, frame, lines, country, villages.middle)
    add_roads(rng, frame, lines, pairs, villages.middle, villages.ray)
    add_highway_ends(frame, lines, villages.middle, villages.ray)
    radius = _radii(rng, frame, villages)
    villages.hill = _hills(frame, villages)
    villages.room = _rooms(rng, frame, villages.middle, radius)
    for room in villages.room[~villages.hill]:
        lines.add(room.exterior, "vlane")
    return villages


def _place(rng: np.random.Generator, frame: Frame, country: shapely.Geometry) -> Villages:
    chains, ray = _along_highways(rng, frame)
    wild = _scattered(rng, country, chains)
    middle = np.vstack([chains, wild])
    ray = np.concatenate([ray, np.full(len(wild), -1)])
    middle = _step_back(middle, frame.river.corridor, frame.river.middle, 330.0)
    middle = _step_back(middle, frame.rail, frame.rail, 300.0)
    inner = shapely.buffer(country, -360)
    keep = shapely.contains_xy(inner, middle[:, 0], middle[:, 1])
    keep &= shapely.distance(shapely.points(middle), frame.river.corridor) > 250
    middle, ray = middle[keep], ray[keep]
    keep = _thinned(middle, TOO_CLOSE_M)
    return Villages(middle[keep], ray[keep])


def _along_highways(rng: np.random.Generator, frame: Frame) -> tuple[Points, Indices]:
    """Chains of villages from the ring road outward."""
    spots, ray = [np.zeros((0, 2))], []
    for k, angle in enumerate(frame.rays):
        out = unit(angle)
        side = np.array([-out[1], out[0]])
        r = 200.0
        while shapely.contains_xy(frame.town, *(frame.centre + out * r)):
            r += 50
        r += 720
        while shapely.contains_xy(frame.rim, *(frame.centre + out * (r + 420))):
            spots.append((frame.centre + out * r + side * rng.normal(0, 45))[None])
            ray.append(k)
            r += rng.uniform(1050, 1350)
    return np.vstack(spots), np.array(ray, dtype=np.int64)


def _scattered(rng: np.random.Generator, country: shapely.Geometry, taken: Points) -> Points:
    west, south, east, north = shapely.bounds(country)
    reach = np.ceil(max(east, north) - min(west, south))
    x, y = np.meshgrid(np.arange(-reach, reach, PITCH_M), np.arange(-reach, reach, PITCH_M * 0.87))
    x[::2] += PITCH_M / 2
    spots = np.column_stack([x.ravel(), y.ravel()]) + rng.normal(0, 190, (x.size, 2))
    inner = shapely.buffer(country, -360)
    spots = spots[shapely.contains_xy(inner, spots[:, 0], spots[:, 1])]
    if len(taken):
        spots = spots[cKDTree(taken).query(spots)[0] > 820]
    return spots[_thinned(spots, 720.0)]


def _thinned(spots: Points, apart: float) -> Indices:
    """Those that remain when the later one of every too close pair goes."""
    pairs = cKDTree(spots).query_pairs(apart, output_type="ndarray").reshape(-1, 2)
    return np.setdiff1d(np.arange(len(spots)), pairs.max(axis=1, initial=-1))


def _step_back(spots: Points, obstacle: shapely.Geometry, axis: shapely.LineString, least: float) -> Points:
    """Move spots away from an obstacle along the shortest way from its axis."""
    points = shapely.points(spots)
    distance = shapely.distance(points, obstacle)
    near = np.flatnonzero(distance < least)
    foot = shapely.line_interpolate_point(axis, shapely.line_locate_point(axis, points[near]))
    away = spots[near] - shapely.get_coordinates(foot)
    away /= np.linalg.norm(away, axis=1)[:, None] + 1e-9
    moved = spots.copy()
    moved[near] += away * (least - distance[near])[:, None]
    return moved


def _add_borders(
    rng: np.random.Generator, frame: Frame, lines: Lines, country: shapely.Geometry, middle: Points
) -> Indices:
    """Voronoi borders with crooked lines; returns the pairs of villages that share one."""
    count = len(middle)
    reach = np.ceil(np.ptp(shapely.get_coordinates(frame.rim)))
    far = unit(np.linspace(0, 6.28, 60)) * 3 * reach
    # Ghosts along the inside of the ring road: borders then meet it at about a right angle.
    ghosts = shapely.get_coordinates(shapely.segmentize(shapely.buffer(frame.town, -500).boundary, 900))
    diagram = Voronoi(np.vstack([middle, ghosts, far]))
    bounded = np.array([min(v) >= 0 for v in diagram.ridge_vertices])
    ours = bounded & (diagram.ridge_points < count).all(axis=1)
    ends = np.array(diagram.ridge_vertices)[ours]
    parts = shapely.get_parts(shapely.intersection(shapely.linestrings(diagram.vertices[ends]), country))
    for part in parts[(shapely.get_type_id(parts) == 1) & (shapely.length(parts) > 1)]:
        lines.add(wander(rng, shapely.get_coordinates(part)), "border")
    return diagram.ridge_points[ours]


def _radii(rng: np.random.Generator, frame: Frame, villages: Villages) -> Points:
    """Size of every village; marks one market town on each highway, and a smaller one near the ring."""
    count = len(villages.middle)
    on_highway = villages.ray >= 0
    radius = np.where(on_highway, rng.uniform(190, 270, count), rng.uniform(135, 225, count))
    villages.market_town = np.zeros(count, bool)
    for k in range(len(frame.rays)):
        chain = np.flatnonzero(villages.ray == k)
        if not len(chain):
            continue
        town = chain[len(chain) // 2]
        radius[town] = rng.uniform(370, 450)
        distance = np.linalg.norm(villages.middle[chain] - frame.centre, axis=1)
        first = chain[np.argmin(distance)]
        if first != town:
            radius[first] = rng.uniform(260, 380)
        villages.market_town[[town, first]] = True
    return radius


def _hills(frame: Frame, villages: Villages) -> Flags:
    """Hills in the north-west corner."""
    # Somebody lives in the plain, also around a small town.
    count = min(max(2, int(2 * frame.size**2)), len(villages.middle) - 1)
    height = (villages.middle - frame.centre) @ np.array([-0.8, 0.6])
    highest = np.argsort(height)[-count - 2 :]
    hill = np.zeros(len(villages.middle), bool)
    hill[[k for k in highest if villages.ray[k] < 0][:count]] = True
    return hill


def _rooms(rng: np.random.Generator, frame: Frame, middle: Points, radius: Points) -> Shapes:
    points = shapely.points(middle)
    limit = np.minimum(radius, shapely.distance(points, frame.rail) - 60)
    limit = np.minimum(limit, shapely.distance(points, frame.river.corridor) - 40)
    limit = np.minimum(limit, shapely.distance(points, frame.town) - 60)
    size = np.maximum(80.0, limit * 0.92)
    rooms = [blob(rng, c, r, rough=0.23, waves=6, count=26) for c, r in zip(middle, size, strict=True)]
    return np.array(rooms, dtype=object)
