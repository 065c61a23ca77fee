"""Made-up nested maps of any size: a sheet of quadrilaterals with crooked shared borders, in three levels."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.lattice import canon, canon_coordinates

LON, LAT, STEP = 113.6, 34.7, 0.001  # a quadrilateral is about 90 by 110 m


@dataclass(frozen=True)
class Sheet:
    """`rows` x `columns` yards; `community` and `subdistrict` tell the block each yard lies in."""

    yards: NDArray[np.object_]
    community: NDArray[np.int64]
    subdistrict: NDArray[np.int64]

    def blocks(self, label: NDArray[np.int64]) -> NDArray[np.object_]:
        """Outlines of the blocks, in the order of their labels."""
        order = np.argsort(label, kind="stable")
        cuts = np.flatnonzero(np.diff(label[order])) + 1
        return np.array([shapely.coverage_union_all(group) for group in np.split(self.yards[order], cuts)])


def crooked(start: NDArray, end: NDArray, pieces: int, rng: np.random.Generator) -> NDArray:
    """Polylines from start to end, shape (..., pieces + 1, 2); the ends stay where they are."""
    t = np.arange(pieces + 1) / pieces
    line = start[..., None, :] + (end - start)[..., None, :] * t[:, None]
    wiggle = rng.uniform(-0.3, 0.3, line.shape) * STEP / pieces
    wiggle[..., 0, :] = wiggle[..., -1, :] = 0
    return canon_coordinates(line + wiggle)


def sheet(rows: int, columns: int, *, pieces: int = 4, per_block: int = 4, seed: int = 0) -> Sheet:
    """Lay a sheet; `pieces` edges on each side of a yard, `per_block` yards along the side of a community."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(np.arange(columns + 1.0), np.arange(rows + 1.0)), axis=-1) * STEP
    corners = canon_coordinates([LON, LAT] + grid + rng.uniform(-0.25, 0.25, grid.shape) * STEP)
    across = crooked(corners[:, :-1], corners[:, 1:], pieces, rng)  # rows + 1, columns, pieces + 1
    upward = crooked(corners[:-1], corners[1:], pieces, rng)  # rows, columns + 1, pieces + 1
    rings = np.concatenate(
        [across[:-1, :, :-1], upward[:, 1:, :-1], across[1:, :, :0:-1], upward[:, :-1, :0:-1]], axis=2
    ).reshape(rows * columns, 4 * pieces, 2)
    yards = shapely.polygons(np.concatenate([rings, rings[:, :1]], axis=1))
    row, column = np.divmod(np.arange(rows * columns), columns)
    blocks_wide = -(-columns // per_block)
    community = row // per_block * blocks_wide + column // per_block
    wide = per_block * 4
    subdistrict = row // wide * -(-columns // wide) + column // wide
    return Sheet(yards, community, subdistrict)


def voronoi(count: int, seed: int, *, wiggles: int = 1, size: float = 0.01) -> NDArray[np.object_]:
    """`count` polygons that tile a square of `size` degrees; borders bend at `wiggles` vertices each."""
    rng = np.random.default_rng(seed)
    frame = shapely.box(LON, LAT, LON + size, LAT + size)
    points = shapely.MultiPoint([LON, LAT] + rng.uniform(0.02, 0.98, (count, 2)) * size)
    tiles = shapely.intersection(shapely.get_parts(shapely.voronoi_polygons(points, extend_to=frame)), frame)
    lines = shapely.get_parts(shapely.union_all(shapely.boundary(canon(tiles)), grid_size=1e-8))
    bent = [_bent(line, wiggles, rng) for line in lines]
    tiles = shapely.get_parts(shapely.polygonize(shapely.get_parts(shapely.union_all(bent, grid_size=1e-8))))
    return canon(tiles[shapely.area(tiles) > (size / 100) ** 2])


def rectangles(side: int, seed: int, *, step: float = 0.001) -> NDArray[np.object_]:
    """A chequered sheet of rectangles with merged neighbours: many corners where four meet, T-junctions."""
    rng = np.random.default_rng(seed)
    label = np.arange(side * side).reshape(side, side)
    for _ in range(side * side // 2):
        row, column = rng.integers(0, side, 2)
        other = (row + 1, column) if rng.random() < 0.5 and row + 1 < side else (row, (column + 1) % side)
        if abs(other[1] - column) <= 1:
            label[label == label[other]] = label[row, column]
    low = [LON, LAT] + np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2) * step
    squares = canon(shapely.box(low[:, 0], low[:, 1], low[:, 0] + step, low[:, 1] + step))
    whole = [shapely.union_all(squares[label.ravel() == one]) for one in np.unique(label)]
    # Union drops vertices on straight lines: neighbours then miss each other's corners, as in real files.
    return canon(shapely.get_parts(np.array([shapely.simplify(one, 0) for one in whole])))


def _bent(line: shapely.Geometry, wiggles: int, rng: np.random.Generator) -> shapely.Geometry:
    ends = shapely.get_coordinates(line)
    pieces = []
    for start, end in pairwise(ends):
        t = np.arange(wiggles + 2)[:, None] / (wiggles + 1)
        middle = start + (end - start) * t
        across = np.array([start[1] - end[1], end[0] - start[0]])
        middle[1:-1] += across * rng.uniform(-0.12, 0.12, (wiggles, 1))
        pieces.append(canon_coordinates(middle)[:-1])
    return shapely.LineString(np.concatenate([*pieces, ends[-1:]]))
