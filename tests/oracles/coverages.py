"""Small random coverages with everything that is awkward about borders, and exact arithmetic to judge by."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
import shapely
from hypothesis import assume
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial import Voronoi

from geo.lattice import canon

LON, LAT, SIDE = 113.62, 34.74, 0.004  # about 370 by 440 m


@dataclass(frozen=True)
class Coverage:
    """Faces without overlaps, in order of precedence, and who answers for each."""

    faces: NDArray[np.object_]
    owners: NDArray[np.int64]

    def fresh(self) -> NDArray[np.object_]:
        """Copies that nobody has prepared."""
        return shapely.from_wkb(shapely.to_wkb(self.faces))

    def ground(self, owner: int) -> shapely.Geometry:
        """All faces of one owner as one geometry."""
        return shapely.coverage_union_all(self.faces[self.owners == owner])


def voronoi(rng: np.random.Generator, n: int) -> NDArray[np.object_]:
    """Cells of n random seeds, cut at a square, corners on the lattice."""
    seeds = rng.random((n, 2))
    # Mirrored at each side of the square, the seeds have bounded cells that end at the sides.
    mirrored = [seeds] + [seeds * sign + move for sign, move in MIRRORS]
    diagram = Voronoi(np.concatenate(mirrored))
    regions = [diagram.regions[diagram.point_region[i]] for i in range(n)]
    corners = np.clip(diagram.vertices, 0, 1) * SIDE + [LON, LAT]
    return canon(np.array([shapely.Polygon(corners[region]) for region in regions]))


MIRRORS = [
    (np.array(sign), np.array(move))
    for sign, move in [((-1, 1), (0, 0)), ((-1, 1), (2, 0)), ((1, -1), (0, 0)), ((1, -1), (0, 2))]
]


def bricks(rng: np.random.Generator, rows: int, columns: int) -> NDArray[np.object_]:
    """A wall of bricks: borders along parallels and meridians, every T-corner a vertex of both sides."""
    heights = np.sort(rng.choice(400_000, rows + 1, replace=False))
    joints = [np.sort(rng.choice(400_000, columns + 1, replace=False)) for _ in range(rows)]
    west, east = max(j[0] for j in joints), min(j[-1] for j in joints)
    assume(all(((j[1:-1] > west) & (j[1:-1] < east)).all() for j in joints))
    for joint in joints:
        joint[0], joint[-1] = west, east
    polygons = []
    for row, joint in enumerate(joints):
        below = joints[row - 1] if row else joint
        above = joints[row + 1] if row + 1 < rows else joint
        for left, right in pairwise(joint):
            under = [left, *below[(below > left) & (below < right)], right]
            over = [left, *above[(above > left) & (above < right)], right]
            ring = [(x, heights[row]) for x in under] + [(x, heights[row + 1]) for x in reversed(over)]
            polygons.append(shapely.Polygon([(LON + x * 1e-8, LAT + y * 1e-8) for x, y in ring]))
    return canon(np.array(polygons))


def with_islands(faces: NDArray[np.object_], rng: np.random.Generator) -> NDArray[np.object_]:
    """Cut a hole into some faces; half of the holes are filled by a face of their own."""
    made = []
    for face in faces:
        corner = shapely.get_coordinates(face.representative_point())[0]
        island = canon(np.array([shapely.Point(corner).buffer(rng.uniform(2e-5, 2e-4), quad_segs=2)]))[0]
        kind = rng.integers(5)
        if kind > 1 or not shapely.contains_properly(face, island):
            made.append(face)
            continue
        made.append(shapely.Polygon(face.exterior, [island.exterior]))
        if kind == 0:
            made.append(island)
    return np.array(made)


@st.composite
def coverages(draw: st.DrawFn, max_faces: int = 24) -> Coverage:
    """Voronoi cells or bricks with islands, holes, gaps, shared owners, ground without a grid, any order."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if draw(st.booleans()):
        faces = voronoi(rng, draw(st.integers(2, max_faces)))
    else:
        faces = bricks(rng, draw(st.integers(1, 5)), draw(st.integers(1, 4)))
    faces = with_islands(faces, rng)
    assume(shapely.is_valid(faces).all() and shapely.coverage_is_valid(faces))
    faces = faces[rng.random(len(faces)) > draw(st.sampled_from([0, 0.2]))]
    assume(len(faces) > 0)
    faces = rng.permutation(faces)
    owners = rng.integers(-1, draw(st.integers(1, len(faces))), len(faces))
    if draw(st.booleans()):
        owners = np.arange(len(faces))
    return Coverage(faces, owners)


def awkward_points(faces: NDArray[np.object_], rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Vertices, middles of edges, lattice points on straight borders, also one ulp aside; and others."""
    start, end = edges_of(faces)
    pick = rng.integers(len(start), size=n)
    a, b = start[pick], end[pick]
    along = canon_between(a, b, rng)
    on = np.concatenate([a, (a + b) / 2, along, a + (b - a) * rng.random((n, 1))])
    toward = rng.choice([-np.inf, np.inf], on.shape)
    moved = np.where(rng.random(on.shape) < 0.5, np.nextafter(on, toward), on)
    west, south, east, north = shapely.total_bounds(faces)
    width, height = east - west, north - south
    anywhere = rng.uniform(
        [west - width / 4, south - height / 4], [east + width / 4, north + height / 4], (n, 2)
    )
    return np.concatenate([on, moved, anywhere])


def canon_between(
    a: NDArray[np.float64], b: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Places on the lattice between the ends of edges: exactly on those that run along an axis."""
    return np.round((a + (b - a) * rng.random((len(a), 1))) * 1e8) / 1e8


def edges_of(polygons: NDArray[np.object_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both ends of every edge of every ring."""
    rings = shapely.get_rings(shapely.get_parts(polygons))
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    begin = np.flatnonzero(ring[1:] == ring[:-1])
    return coordinates[begin], coordinates[begin + 1]


def covers_exactly(polygon: shapely.Polygon, lon: float, lat: float) -> bool:
    """Whether a polygon covers a point, in rational arithmetic: even-odd rule, the border included."""
    x, y = Fraction(lon), Fraction(lat)
    inside = False
    start, end = edges_of(np.array([polygon]))
    for a, b in zip(start.tolist(), end.tolist(), strict=True):
        (ax, ay), (bx, by) = ((Fraction(u) - x, Fraction(v) - y) for u, v in (a, b))
        cross = ax * by - ay * bx
        if cross == 0 and ax * bx <= 0 and ay * by <= 0:
            return True
        if (ay > 0) != (by > 0) and (cross > 0) == (by > ay):
            inside = not inside
    return inside


def squared_m2(geometry: shapely.Geometry, lon: float, lat: float, scale: tuple[float, float]) -> Fraction:
    """Exact square of the distance from a point to the border of a geometry, in the metric of the point."""
    mx, my = (Fraction(float(s)) for s in scale)
    x, y = Fraction(lon), Fraction(lat)
    least = None
    start, end = edges_of(np.array([geometry]))
    for a, b in zip(start.tolist(), end.tolist(), strict=True):
        (ax, ay), (bx, by) = (((Fraction(u) - x) * mx, (Fraction(v) - y) * my) for u, v in (a, b))
        ex, ey = bx - ax, by - ay
        along = max(Fraction(0), min(Fraction(1), -(ax * ex + ay * ey) / (ex * ex + ey * ey)))
        fx, fy = ax + along * ex, ay + along * ey
        square = fx * fx + fy * fy
        least = square if least is None else min(least, square)
    assert least is not None
    return least
