"""Which grids border on a grid: those whose ground shares edges with its ground, in the same edition."""

from dataclasses import dataclass
from uuid import UUID

import numpy as np
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.edges import edges, neighbours

# The faces about the grid's ground, each with the grid of the same level that it lies in; those that lie in
# none (public ground of a coarser grid, or gaps without a fallback) border on nothing of that level.
NEAR = text("""
    with recursive under as (
        select grid_id, grid_id as root from snapshot_grid
        where district_id = :district_id and snapshot_id = :snapshot_id and level = :level
        union all
        select g.grid_id, u.root from snapshot_grid g join under u on g.parent_id = u.grid_id
        where g.district_id = :district_id and g.snapshot_id = :snapshot_id
    ), ground as (
        select u.root, s.geom from under u
        join face f on f.district_id = :district_id and f.snapshot_id = :snapshot_id and f.grid_id = u.grid_id
            and f.kind <> 'gap'
        join shape s on s.district_id = f.district_id and s.id = f.shape_id
    ), extent as (select st_extent(geom)::geometry as box from ground where root = :grid_id)
    select root, st_asbinary(geom) as wkb from ground, extent
    where geom && st_setsrid(box, st_srid(geom))
""")


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A grid beside another, and how long the border between them is."""

    grid_id: UUID
    border_m: float


def find(
    session: Session, *, district_id: int, snapshot_id: UUID, grid_id: UUID, level: str
) -> list[Neighbour]:
    """List the neighbours of a grid at its own level, the longest border first; contact in a corner is none."""
    which = {"district_id": district_id, "snapshot_id": snapshot_id, "grid_id": grid_id, "level": level}
    rows = session.execute(NEAR, which).all()
    roots = sorted({row.root for row in rows})
    if grid_id not in roots:
        return []
    place = {root: number for number, root in enumerate(roots)}
    faces = np.array(shapely.from_wkb([bytes(row.wkb) for row in rows]), dtype=object)
    owner = np.array([place[row.root] for row in rows])
    pairs = neighbours(edges(faces), len(faces))
    here = place[grid_id]
    length = np.zeros(len(roots))
    for one, other in ((pairs.a, pairs.b), (pairs.b, pairs.a)):
        mine = (owner[one] == here) & (owner[other] != here)
        np.add.at(length, owner[other][mine], pairs.length_m[mine])
    order = sorted(np.flatnonzero(length > 0), key=lambda number: (-length[number], roots[number]))
    return [Neighbour(roots[number], round(float(length[number]), 3)) for number in order]
