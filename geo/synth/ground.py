"""What the pieces of ground become: yards, declared gaps (water, one closed site), parks."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.synth.blocks import Pieces
from geo.synth.cells import Cells
from geo.synth.classes import GREEN, is_style
from geo.synth.frame import Frame
from geo.synth.land_use import yard_uses
from geo.synth.plane import Flags, Indices, Shapes, grid_safe, largest, polygons_of
from geo.synth.villages import Villages

YARD, PARK, GAP = 0, 1, 2
SMALLEST_M2 = 55.0


@dataclass(frozen=True, slots=True)
class Ground:
    """Pieces of ground with a purpose, n of them: polygons, the cell each lies in, `use`, and `kind`.

    `kind` is `YARD` (a grid of its own), `PARK` (public ground) or `GAP` (declared to belong to no grid).
    """

    shape: Shapes
    cell: Indices
    use: NDArray[np.str_]
    kind: Indices

    def __len__(self) -> int:
        return len(self.shape)

    def pick(self, which: Indices | Flags) -> "Ground":
        """Some of the pieces."""
        return Ground(self.shape[which], self.cell[which], self.use[which], self.kind[which])


def ground_of(
    rng: np.random.Generator,
    frame: Frame,
    cells: Cells,
    villages: Villages,
    pieces: Pieces,
    lake_cells: list[int],
) -> Ground:
    """Give every piece a use; take water out of the banks and lakes out of the parks."""
    river, bank = _river_and_banks(frame, cells, pieces)
    land = pieces.pick(~is_style(pieces.style, "river"))
    shape, lakes = _with_lakes(land, lake_cells)
    room = cells.room[land.cell]
    use = yard_uses(rng, land.style, shape, (room >= 0) & villages.market_town[np.maximum(room, 0)])
    kind = np.where(np.isin(use, GREEN), PARK, YARD)
    use[use == "pocket"] = "park"
    dry = Ground(shape, land.cell, use, kind)
    _close_one(rng, frame, cells, land, dry)
    _place_station(frame, cells, dry)
    return _sound([dry, river, bank, lakes])


def _river_and_banks(frame: Frame, cells: Cells, pieces: Pieces) -> tuple[Ground, Ground]:
    wet = pieces.pick(is_style(pieces.style, "river"))
    water, of_water = shapely.get_parts(shapely.intersection(wet.shape, frame.river.water), return_index=True)
    shore, of_shore = shapely.get_parts(shapely.difference(wet.shape, frame.river.water), return_index=True)
    area, around = shapely.area(water), shapely.length(water)
    good = (shapely.get_type_id(water) == 3) & (area > 200) & (area > 3 * around)
    water, of_water = water[good], of_water[good]
    good = (shapely.get_type_id(shore) == 3) & (shapely.area(shore) > 900)
    shore, of_shore = shore[good], of_shore[good]
    cell = wet.cell[of_shore]
    river = Ground(water, wet.cell[of_water], np.full(len(water), "river"), np.full(len(water), GAP))
    bank = Ground(shore, cell, np.where(cells.urban[cell], "park", "bank"), np.full(len(shore), PARK))
    return river, bank


def _with_lakes(land: Pieces, lake_cells: list[int]) -> tuple[Shapes, Ground]:
    """Ground less the lakes in some parks, and the lakes."""
    shape, lakes, cell = land.shape.copy(), [], []
    for k in np.flatnonzero(np.isin(land.cell, lake_cells) & is_style(land.style, "park")):
        core = shapely.buffer(shape[k], -0.09 * np.sqrt(shape[k].area) - 70, quad_segs=3)
        lake = largest(shapely.buffer(core, 45, quad_segs=3).simplify(6))
        if lake.area > 12_000:
            shape[k] = shapely.difference(shape[k], lake)
            lakes.append(lake)
            cell.append(land.cell[k])
    count = len(lakes)
    return shape, Ground(
        np.array(lakes, dtype=object), np.array(cell, int), np.full(count, "lake"), np.full(count, GAP)
    )


def _close_one(rng: np.random.Generator, frame: Frame, cells: Cells, land: Pieces, dry: Ground) -> None:
    """Close a large estate near the ring: a site that is declared to belong to no grid."""
    out = np.linalg.norm(cells.spot[dry.cell] - frame.centre, axis=1)
    quiet = is_style(land.style, "modern") & (dry.use == "estate") & (shapely.area(dry.shape) > 18_000)
    quiet &= out > 0.75 * frame.town_radius
    possible = np.flatnonzero(quiet)
    closed = rng.choice(possible, min(len(possible), max(1, int(frame.size**2))), replace=False)
    dry.kind[closed], dry.use[closed] = GAP, "closed"


def _place_station(frame: Frame, cells: Cells, dry: Ground) -> None:
    """The town yard nearest to the rail, west of it, becomes the railway station."""
    along = shapely.line_locate_point(frame.rail, shapely.Point(0, 0.1 * frame.town_radius))
    stop = shapely.line_interpolate_point(frame.rail, along)
    near = np.flatnonzero((dry.kind == YARD) & cells.urban[dry.cell] & ~cells.east[dry.cell])
    if len(near):
        dry.use[near[np.argmin(shapely.distance(dry.shape[near], stop))]] = "station"


def _sound(parts: list[Ground]) -> Ground:
    """All ground in one, on the planning grid; what the rounding spoilt goes back to public ground."""
    together = Ground(*(np.concatenate([getattr(p, f) for p in parts]) for f in Ground.__dataclass_fields__))
    shape = grid_safe(together.shape)
    good = shapely.is_valid(shape) & (shapely.area(shape) > SMALLEST_M2)
    return Ground(shape, together.cell, together.use, together.kind).pick(good)


def paths_of(parks: Shapes, *, hills: bool) -> list[shapely.LineString]:
    """Footpaths around the inside of parks; on hills, contours."""
    out = []
    for ring in range(6 if hills else 1):
        inner = shapely.buffer(parks, -(90.0 * (ring + 1) + 30) if hills else -28.0, quad_segs=4)
        for shape in inner:
            for part in polygons_of(shape):
                line = shapely.LineString(part.exterior.simplify(2))
                if line.length > (400 if hills else 260):
                    out.append(line)
    return out
