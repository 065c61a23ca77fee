"""The map of one edition, ready to answer: its faces in order of precedence, its grids, its locator."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.locator import Locator


@dataclass(frozen=True, slots=True)
class GridRow:
    """A grid of an edition; `chain` gives the places in `EditionMap.grids` of it and its parents, coarsest first."""

    id: UUID
    code: str
    name: str
    level: str
    position: int
    chain: tuple[int, ...]
    kind: str = "comprehensive"


@dataclass(frozen=True, slots=True)
class EditionKey:
    """Which edition: district, number, what it holds, from when it counts."""

    district_id: int
    district_code: str
    district_name: str
    number: int
    scheme_id: int
    snapshot_id: UUID
    in_force_from: datetime


@dataclass(frozen=True, slots=True)
class EditionMap:
    """One edition with its locator. Face i has kind `kinds[i]`; its grid is `grids[locator.owners[i]]`."""

    key: EditionKey
    grids: tuple[GridRow, ...]
    kinds: tuple[str, ...]
    precedence: tuple[tuple[bool, int, str, UUID], ...]
    locator: Locator
    places: dict[int | UUID, Any] = field(default_factory=dict, init=False, repr=False, compare=False)  # see `fragments`


GRIDS = text("""
    select grid_id, code, name, level, position, parent_id, kind from snapshot_grid
    where district_id = :district_id and snapshot_id = :snapshot_id
    order by position, code
""")
# Ties on a shared border: a grid beats a gap, the finest level, the lowest code, the face id. COLLATE "C" is
# the column's own, so that the order is the same on every machine.
FACES = text("""
    select f.id, f.kind, f.grid_id, g.position, g.code, st_asbinary(s.geom) as wkb
    from face f
    join shape s on s.district_id = f.district_id and s.id = f.shape_id
    left join snapshot_grid g on g.district_id = f.district_id and g.snapshot_id = f.snapshot_id
        and g.grid_id = f.grid_id
    where f.district_id = :district_id and f.snapshot_id = :snapshot_id
    order by f.kind = 'gap', g.position desc nulls last, g.code, f.id
""")


def load(session: Session, key: EditionKey) -> EditionMap:
    """Read an edition's content and build its locator."""
    which = {"district_id": key.district_id, "snapshot_id": key.snapshot_id}
    rows = session.execute(GRIDS, which).all()
    place = {row.grid_id: number for number, row in enumerate(rows)}
    grids: list[GridRow] = []
    for number, row in enumerate(rows):
        above = grids[place[row.parent_id]].chain if row.parent_id is not None else ()
        grids.append(
            GridRow(row.grid_id, row.code, row.name, row.level, row.position, (*above, number), row.kind)
        )
    faces = session.execute(FACES, which).all()
    geometries = shapely.from_wkb([bytes(face.wkb) for face in faces])
    owners = np.array([place.get(face.grid_id, -1) for face in faces], dtype=np.int64)
    return EditionMap(
        key=key,
        grids=tuple(grids),
        kinds=tuple(face.kind for face in faces),
        precedence=tuple(
            (f.kind == "gap", 1 if f.position is None else -f.position, f.code or "", f.id) for f in faces
        ),
        locator=Locator.build(np.asarray(geometries, dtype=object), owners),
    )
