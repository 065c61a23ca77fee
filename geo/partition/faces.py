"""From atoms to faces: melt what has one owner, give slivers of public ground to a neighbour."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.edges import edges, neighbours
from geo.measure import area_m2, edge_lengths_m, metres_per_degree
from geo.partition.ground import NOBODY, Ground
from geo.partition.intake import DISTRICT, Intake
from geo.records import FaceRecord, Finding

SLIVER_M2 = 50.0
SLIVER_WIDTH_M = 1.0


@dataclass(frozen=True, slots=True)
class Faces:
    """Polygons with their owner grid and gap (`NOBODY` where none), in no particular order."""

    shapes: NDArray[np.object_]
    grid: NDArray[np.int64]
    gap: NDArray[np.int64]

    def selected(self, which: NDArray[np.bool_]) -> "Faces":
        """A subset."""
        return Faces(self.shapes[which], self.grid[which], self.gap[which])

    def plus(self, other: "Faces") -> "Faces":
        """Both together."""
        return Faces(
            *(np.concatenate([getattr(self, n), getattr(other, n)]) for n in ("shapes", "grid", "gap"))
        )


def melted(faces: Faces) -> Faces:
    """Join faces of one owner that share a border; what only meets in a corner stays apart."""
    order = np.lexsort((faces.grid, faces.gap))
    shapes, grid, gap = faces.shapes[order], faces.grid[order], faces.gap[order]
    first = np.flatnonzero(np.r_[True, (np.diff(grid) != 0) | (np.diff(gap) != 0)]) if len(grid) else order
    united = np.empty(len(first), dtype=object)
    for i, group in enumerate(np.split(shapes, first[1:]) if len(first) else []):
        united[i] = group[0] if len(group) == 1 else shapely.coverage_union_all(group)
    parts, owner = shapely.get_parts(united, return_index=True)
    return Faces(shapely.orient_polygons(shapely.normalize(parts)), grid[first][owner], gap[first][owner])


def faces_of(ground: Ground) -> Faces:
    """Faces by the rules of ownership alone."""
    is_gap = ground.gap_owner != NOBODY
    return melted(Faces(ground.shapes, np.where(is_gap, ground.fallback, ground.owner), ground.gap_owner))


def without_slivers(faces: Faces, intake: Intake) -> tuple[Faces, list[Finding]]:
    """Give public parts under 50 m² or thinner than 1 m to the neighbour with the longest shared border.

    Neighbours inside the same parent come first, so that a seam between two yards does not cross over to the
    next community; only where there is none, any grid will do. A gap never grows. Grids without finer ones
    keep even their smallest parts: these are theirs, not left over.
    """
    sliver = _slivers(faces, intake)
    if not sliver.any():
        return faces, []
    near = _around(faces, sliver)
    taker = _takers(faces.selected(near), sliver[near], intake)
    new_grid = faces.grid.copy()
    new_grid[near] = np.where(taker != NOBODY, taker, faces.grid[near])
    moved = new_grid != faces.grid
    findings = _moves(faces, new_grid, moved, intake)
    # Only the faces of the takers change; melting the others again would be wasted time.
    open_again = np.isin(new_grid, new_grid[moved]) & (faces.gap == NOBODY)
    changed = Faces(faces.shapes, new_grid, faces.gap)
    return changed.selected(~open_again).plus(melted(changed.selected(open_again))), findings


def _slivers(faces: Faces, intake: Intake) -> NDArray[np.bool_]:
    """Which faces are too small or too thin to stay public ground."""
    public = (faces.gap == NOBODY) & (faces.grid != NOBODY)
    public[public] = intake.has_children[faces.grid[public]]
    public[public] &= intake.level[faces.grid[public]] < len(intake.levels) - 1
    candidates = np.flatnonzero(public)
    shapes = faces.shapes[candidates]
    sliver = np.zeros(len(public), dtype=bool)
    area = area_m2(shapes)
    # Nothing is farther than its inradius from its own border, so area ≤ inradius x perimeter: cheap to ask.
    perhaps = area < SLIVER_WIDTH_M / 2 * _perimeters_m(shapes)
    thin = np.zeros(len(shapes), dtype=bool)
    thin[perhaps] = shapely.is_empty(shapely.buffer(_in_metres(shapes[perhaps]), -SLIVER_WIDTH_M / 2))
    sliver[candidates] = (area < SLIVER_M2) | thin
    return sliver


def _perimeters_m(shapes: NDArray[np.object_]) -> NDArray[np.float64]:
    rings, owner = shapely.get_rings(shapes, return_index=True)
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    start = np.flatnonzero(ring[1:] == ring[:-1])
    lengths = edge_lengths_m(coordinates[start], coordinates[start + 1])
    return np.bincount(owner[ring[start]], weights=lengths, minlength=len(shapes))


def _in_metres(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Each shape in metres from its own lower left corner, by the scale in its middle."""
    coordinates, owner = shapely.get_coordinates(shapes, return_index=True)
    bounds = shapely.bounds(shapes)
    m_lon, m_lat = metres_per_degree((bounds[:, 1] + bounds[:, 3]) / 2)
    scale = np.column_stack([m_lon, m_lat])
    return shapely.set_coordinates(shapes.copy(), (coordinates - bounds[owner, :2]) * scale[owner])


def _around(faces: Faces, sliver: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Slivers and all faces that may border on one (gaps don't take ground)."""
    tree = shapely.STRtree(faces.shapes)
    _, found = tree.query(faces.shapes[sliver])
    near = sliver.copy()
    near[found] = True
    return near & (faces.gap == NOBODY) & (faces.grid != NOBODY)


def _takers(faces: Faces, sliver: NDArray[np.bool_], intake: Intake) -> NDArray[np.int64]:
    """The grid that takes each sliver; slivers surrounded by slivers wait for the next round."""
    count = len(faces.shapes)
    pairs = neighbours(edges(faces.shapes), count)
    one = np.r_[pairs.a, pairs.b]
    other = np.r_[pairs.b, pairs.a]
    length = np.r_[pairs.length_m, pairs.length_m]
    holder = np.where(sliver, NOBODY, faces.grid)
    asks = sliver[one]
    one, other, length = one[asks], other[asks], length[asks]
    while True:
        waiting = (holder[one] == NOBODY) & (holder[other] != NOBODY)
        if not waiting.any():
            return np.where(sliver, holder, NOBODY)
        face, grid, shared = _by_grid(one[waiting], holder[other[waiting]], length[waiting], intake)
        family = _descends(grid, faces.grid[face], intake)
        # Last write wins: own family, then length, then the finest level and lowest code. Lengths equal to
        # the tenth of a millimetre are a tie, or the last digit of a sum would decide.
        rank = np.lexsort((-grid, intake.level[grid], np.round(shared, 4), family))
        holder[face[rank]] = grid[rank]


def _by_grid(
    face: NDArray[np.int64], grid: NDArray[np.int64], length: NDArray[np.float64], intake: Intake
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Border of each sliver with each grid, all faces of the grid together."""
    keys, pair = np.unique(face * len(intake.grids) + grid, return_inverse=True)
    face, grid = np.divmod(keys, len(intake.grids))
    return face, grid, np.bincount(pair, weights=length, minlength=len(keys))


def _descends(grid: NDArray[np.int64], ancestor: NDArray[np.int64], intake: Intake) -> NDArray[np.bool_]:
    """Whether each grid lies under (or is) the given ancestor."""
    found = grid == ancestor
    current = grid.copy()
    for _ in intake.levels:
        current = np.where(current == DISTRICT, DISTRICT, intake.parent[current])
        found |= (current == ancestor) & (current != DISTRICT)
    return found


def _moves(
    faces: Faces, new_grid: NDArray[np.int64], moved: NDArray[np.bool_], intake: Intake
) -> list[Finding]:
    """One finding for each pair (grid that loses slivers, grid that takes them)."""
    which = np.flatnonzero(moved)
    keys, group = np.unique(faces.grid[which] * len(intake.grids) + new_grid[which], return_inverse=True)
    findings = []
    for g, key in enumerate(keys):
        old, new = (intake.grids[i] for i in divmod(int(key), len(intake.grids)))
        shapes = faces.shapes[which[group == g]]
        area = float(np.sort(area_m2(shapes)).sum())
        united = shapely.normalize(shapely.multipolygons(shapes))
        findings.append(
            Finding(
                "sliver-joined", "warning", (old.code, new.code), area, shapely.orient_polygons(united),
                f"{len(shapes)} sliver(s) of public ground of {old.code}, {area:.2f} m² together, "
                f"joined grid {new.code}.",
                {"level": old.level, "to_level": new.level, "slivers": len(shapes)},
            )
        )  # fmt: skip
    return findings


def records(faces: Faces, intake: Intake) -> tuple[FaceRecord, ...]:
    """Faces as records, coarsest level first, then by code, then by the bytes of the shape."""
    finest = len(intake.levels) - 1
    order = np.lexsort((faces.gap, faces.grid))
    wkb = shapely.to_wkb(faces.shapes)
    order = sorted(order, key=lambda i: (faces.grid[i], faces.gap[i] != NOBODY, wkb[i]))
    result = []
    for i in order:
        grid = int(faces.grid[i])
        level, code = ("", "") if grid == NOBODY else (intake.grids[grid].level, intake.grids[grid].code)
        own = "grid" if grid != NOBODY and intake.level[grid] == finest else "public"
        kind = own if faces.gap[i] == NOBODY else "gap"
        result.append(FaceRecord(kind, level, code, faces.shapes[i]))
    return tuple(result)
