"""From lines to cells: the faces of the net of centre lines, and the net itself with who lies on which side.

Borders run in the middle of streets. A yard is always strictly inside a cell, half a street away from its
edge; so communities are unions of cells, and the streets are what is left of them.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from scipy.cluster.hierarchy import DisjointSet
from scipy.spatial import cKDTree

from geo.edges import distinct_vertices
from geo.synth.classes import HALF_WIDTH_M, LINE, RANK
from geo.synth.frame import Frame
from geo.synth.lines import Lines
from geo.synth.plane import SNAP_M, Flags, Indices, Points, Shapes, dissolve, grid_steps, largest, snapped
from geo.synth.tidy import absorb_small_cells
from geo.synth.villages import Villages


@dataclass(frozen=True, slots=True)
class Net:
    """Noded centre lines: geometry, class, label, and the two cells beside each (-1: none), shape (m, 2)."""

    line: Shapes
    line_class: Indices
    label: Shapes
    sides: Indices

    @property
    def half_width_m(self) -> Points:
        """Ground that each line takes on either side."""
        return HALF_WIDTH_M[self.line_class]

    def pick(self, which: Indices | Flags, sides: Indices | None = None) -> "Net":
        """Some of the lines."""
        own = self.sides if sides is None else sides
        return Net(self.line[which], self.line_class[which], self.label[which], own[which])


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells, n of them: polygons, a point inside, and what they lie in.

    `wet` touch the middle of the river; `village` is the nearest village of a cell in the country, `room` the
    village whose houses stand in it; both are -1 elsewhere.
    """

    shape: Shapes
    spot: Points
    urban: Flags
    old: Flags
    wet: Flags
    north: Flags
    east: Flags
    village: Indices
    room: Indices

    def __len__(self) -> int:
        return len(self.shape)

    def pick(self, which: Indices) -> "Cells":
        """Some of the cells."""
        return Cells(**{f: getattr(self, f)[which] for f in Cells.__dataclass_fields__})


def make_cells(rng: np.random.Generator, frame: Frame, lines: Lines, villages: Villages) -> tuple[Cells, Net]:
    """Node the lines, take the faces between them, and melt those that are too small into neighbours."""
    line, source = _noded(lines)
    faces = shapely.get_parts(shapely.polygonize(line))
    spot = shapely.get_coordinates(shapely.point_on_surface(faces))
    inside = shapely.contains_xy(frame.rim, spot[:, 0], spot[:, 1])
    faces, spot = faces[inside], spot[inside]
    sides = _sides(line, faces)
    net = Net(line, np.array(lines.classes)[source], np.array(lines.labels, object)[source], sides)
    net = net.pick((sides >= 0).any(axis=1) & (sides[:, 0] != sides[:, 1]))
    cells = _described(frame, villages, faces, spot, net)
    together = DisjointSet(range(len(cells)))
    _join_by_nature(rng, cells, net, villages, together)
    absorb_small_cells(cells, net, together)
    return _melted(cells, net, together)


def _noded(lines: Lines) -> tuple[Shapes, Indices]:
    """Lines cut at their crossings, and for each the strongest source line it runs along."""
    drawn = snapped(np.array(lines.geometries, dtype=object))
    noded = shapely.get_parts(shapely.union_all(drawn, grid_size=SNAP_M))
    middle = shapely.line_interpolate_point(noded, 0.5, normalized=True)
    tree = shapely.STRtree(drawn)
    piece, source = tree.query(middle, predicate="dwithin", distance=0.12)
    order = np.lexsort((-RANK[np.array(lines.classes)[source]], piece))
    first = np.full(len(noded), -1)
    # Written backwards, so that the strongest of each piece is written last.
    first[piece[order][::-1]] = source[order][::-1]
    lost = np.flatnonzero(first < 0)
    if len(lost):
        first[lost] = tree.query_nearest(middle[lost], all_matches=False)[1]
    return noded, first


def _sides(line: Shapes, faces: Shapes) -> Indices:
    """The two faces of each line, found by its first segment: those that run along it, and against it."""
    ring_xy, owner = shapely.get_coordinates(faces, return_index=True)
    ends = [shapely.get_coordinates(shapely.get_point(line, k)) for k in (0, 1)]
    vertices, number = distinct_vertices(grid_steps(np.vstack([ring_xy, *ends])))
    ring, first, second = np.split(number, [len(ring_xy), len(ring_xy) + len(line)])
    start = np.flatnonzero(owner[1:] == owner[:-1])
    keys = ring[start] * len(vertices) + ring[start + 1]
    order = np.argsort(keys)
    keys, owner = keys[order], owner[start][order]
    sides = np.full((len(line), 2), -1)
    for column, wanted in enumerate((first * len(vertices) + second, second * len(vertices) + first)):
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        hit = keys[at] == wanted
        sides[hit, column] = owner[at[hit]]
    return sides


def _described(frame: Frame, villages: Villages, faces: Shapes, spot: Points, net: Net) -> Cells:
    points = shapely.points(spot)
    urban = shapely.contains_xy(frame.town, spot[:, 0], spot[:, 1])
    wet = np.zeros(len(faces), bool)
    beside = net.sides[net.line_class == LINE["river"]].ravel()
    wet[beside[beside >= 0]] = True
    north = shapely.intersects(points, frame.north)
    village = _nearest_village(frame, villages, spot, north)
    village[urban] = -1
    room = np.full(len(faces), -1)
    face, which = shapely.STRtree(villages.room).query(points, predicate="intersects")
    room[face] = which
    room[urban] = -1
    room[(room >= 0) & villages.hill[np.maximum(room, 0)]] = -1
    return Cells(
        shape=faces,
        spot=spot,
        urban=urban,
        old=shapely.contains_xy(frame.old, spot[:, 0], spot[:, 1]),
        wet=wet,
        north=north,
        east=shapely.intersects(points, frame.east),
        village=village,
        room=room,
    )


def _nearest_village(frame: Frame, villages: Villages, spot: Points, north: Flags) -> Indices:
    """Nearest village on the same bank of the river, or anywhere where this bank has none."""
    village_north = shapely.intersects(shapely.points(villages.middle), frame.north)
    nearest = cKDTree(villages.middle).query(spot)[1]
    for bank in (True, False):
        mine, theirs = np.flatnonzero(north == bank), np.flatnonzero(village_north == bank)
        if len(theirs):
            nearest[mine] = theirs[cKDTree(villages.middle[theirs]).query(spot[mine])[1]]
    return nearest


def _join_by_nature(
    rng: np.random.Generator, cells: Cells, net: Net, villages: Villages, together: DisjointSet
) -> None:
    """Join what a border should not part: a village's fields, hills, and a few blocks into superblocks."""
    i, j = np.maximum(net.sides, 0).T
    both = (net.sides >= 0).all(axis=1)
    one_village = both & (cells.village[i] >= 0) & (cells.village[i] == cells.village[j])
    hill = (cells.village >= 0) & villages.hill[np.maximum(cells.village, 0)]
    join = one_village & (net.line_class == LINE["border"])
    join |= one_village & hill[i] & np.isin(net.line_class, [LINE["vroad"], LINE["vlane"]])
    area = shapely.area(cells.shape)
    superblock = both & (net.line_class == LINE["second"]) & (rng.random(len(net.line)) < 0.07)
    superblock &= (area[i] + area[j] < 620_000) & cells.urban[i] & cells.urban[j]
    for a, b in net.sides[join | superblock].tolist():
        together.merge(a, b)


def _melted(cells: Cells, net: Net, together: DisjointSet) -> tuple[Cells, Net]:
    """One cell for each set of joined ones; lines inside a cell are gone."""
    root = np.array([together[k] for k in range(len(cells))])
    _, first, cell_of = np.unique(root, return_index=True, return_inverse=True)
    shape = dissolve(cells.shape, cell_of, len(first))
    melted = cells.pick(first)
    melted = Cells(np.array([largest(g) for g in shape], dtype=object), *_traits(melted))
    sides = np.where(net.sides >= 0, cell_of[np.maximum(net.sides, 0)], -1)
    return melted, net.pick(sides[:, 0] != sides[:, 1], sides)


def _traits(cells: Cells) -> list[np.ndarray]:
    return [getattr(cells, f) for f in list(Cells.__dataclass_fields__)[1:]]
