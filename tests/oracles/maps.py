"""Made-up nested maps of any size: a sheet of quadrilaterals with crooked shared borders, in three levels."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.lattice import canon_coordinates

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
