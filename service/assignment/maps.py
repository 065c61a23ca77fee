"""The map of one edition, ready to answer: its faces in order of precedence, its grids, its locator."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.locator import Locator
from service.assignment.contents import Contents, GridRow, Grids, Kinds, Precedence

__all__ = ["EditionKey", "EditionMap", "GridRow", "load"]


@dataclass(frozen=True, slots=True)
class EditionKey:
    """Which edition: district, number, what it holds, from when it counts; `checksum` is that of what it holds."""

    district_id: int
    district_code: str
    district_name: str
    number: int
    scheme_id: int
    snapshot_id: UUID
    in_force_from: datetime
    checksum: bytes = b""


@dataclass(frozen=True, slots=True)
class EditionMap:
    """One edition with its locator. Face i has kind `kinds[i]`; its grid is `grids[locator.owners[i]]`."""

    key: EditionKey
    grids: Sequence[GridRow]
    kinds: Sequence[str]
    precedence: Sequence[tuple[bool, int, str, UUID]]
    locator: Locator
    places: dict[int | UUID, Any] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )  # see `fragments`

    @classmethod
    def of(cls, key: EditionKey, contents: Contents, locator: Locator) -> "EditionMap":
        """Put columns and locator together."""
        precedence = Precedence(contents, locator.owners)
        return cls(key, Grids(contents), Kinds(contents), precedence, locator)


GRIDS = text("""
    select grid_id, code, name, level, position, parent_id, kind from snapshot_grid
    where district_id = :district_id and snapshot_id = :snapshot_id
    order by position, code
""")
# Ties on a shared border: a grid beats a gap, the finest level, the lowest code, the face id. COLLATE "C" is
# the column's own, so that the order is the same on every machine.
FACES = text("""
    select f.id, f.kind, f.grid_id, st_asbinary(s.geom) as wkb
    from face f
    join shape s on s.district_id = f.district_id and s.id = f.shape_id
    left join snapshot_grid g on g.district_id = f.district_id and g.snapshot_id = f.snapshot_id
        and g.grid_id = f.grid_id
    where f.district_id = :district_id and f.snapshot_id = :snapshot_id
    order by f.kind = 'gap', g.position desc nulls last, g.code, f.id
""")


def read(session: Session, district_id: int, snapshot_id: UUID) -> tuple[Contents, Locator]:
    """Read what a snapshot holds and build its locator."""
    which = {"district_id": district_id, "snapshot_id": snapshot_id}
    grids = session.execute(GRIDS, which).all()
    faces = session.execute(FACES, which).all()
    place = {row.grid_id: number for number, row in enumerate(grids)}
    owners = np.array([place.get(face.grid_id, -1) for face in faces], dtype=np.int64)
    geometries = shapely.from_wkb([bytes(face.wkb) for face in faces])
    locator = Locator.build(np.asarray(geometries, dtype=object), owners)
    return Contents.of(grids, faces), locator


def load(session: Session, key: EditionKey) -> EditionMap:
    """Read an edition's content and build its locator, in the memory of this process alone."""
    return EditionMap.of(key, *read(session, key.district_id, key.snapshot_id))
