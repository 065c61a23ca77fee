"""Write what a partition made as the content of a snapshot: grids, shapes by hash, faces."""

import hashlib
from uuid import UUID, uuid4

import shapely
from sqlalchemy import delete
from sqlalchemy.orm import Session

from geo.partition import FaceRecord, Partition
from service.city.models import Level
from service.grids import queries
from service.grids.models import Face, SnapshotGrid

SHAPE_ID_BYTES = 16


def shape_id(wkb: bytes) -> bytes:
    """Give the name of a polygon: the first bytes of the SHA-256 of its WKB."""
    return hashlib.sha256(wkb).digest()[:SHAPE_ID_BYTES]


def replace(
    session: Session,
    *,
    district_id: int,
    scheme_id: int,
    snapshot_id: UUID,
    made: Partition,
    levels: list[Level],
) -> None:
    """Put a partition in place of what the snapshot held; grids and faces that stay keep their ids."""
    known = queries.known_grids(session, district_id, scheme_id)
    old_faces = {
        (row.shape_id, row.grid_id): row.id for row in queries.faces_of(session, district_id, snapshot_id)
    }
    here = {"district_id": district_id, "snapshot_id": snapshot_id}
    for table in (Face, SnapshotGrid):
        session.execute(
            delete(table).where(table.district_id == district_id, table.snapshot_id == snapshot_id)
        )
    ids = {(one.level, one.code): known.get((one.level, one.code)) or uuid4() for one in made.grids}
    position = {level.code: level.position for level in levels}
    cursor = session.connection().connection.cursor()
    new = [(district_id, ids[key], scheme_id) for key in ids if key not in known]
    cursor.executemany("insert into grid values (%s, %s, %s, now())", new)
    with cursor.copy("copy snapshot_grid from stdin") as copy:
        for one in made.grids:
            parent = ids.get((one.parent_level, one.parent_code)) if one.parent_code else None
            row = (
                *here.values(),
                ids[one.level, one.code],
                one.level,
                position[one.level],
                one.code,
                one.name,
            )
            copy.write_row((*row, "comprehensive", parent, "{}"))
    _write_faces(cursor, made.faces, ids, old_faces, district_id, snapshot_id)


def _write_faces(
    cursor: object,
    faces: tuple[FaceRecord, ...],
    ids: dict[tuple[str, str], UUID],
    old_faces: dict[tuple[bytes, UUID | None], UUID],
    district_id: int,
    snapshot_id: UUID,
) -> None:
    encoded = shapely.to_wkb([face.geometry for face in faces]) if faces else []
    names = [shape_id(wkb) for wkb in encoded]
    cursor.execute("create temporary table new_shape (id bytea, wkb bytea) on commit drop")  # type: ignore[attr-defined]
    with cursor.copy("copy new_shape from stdin") as copy:  # type: ignore[attr-defined]
        for name, wkb in zip(names, encoded, strict=True):
            copy.write_row((name, wkb))
    cursor.execute(  # type: ignore[attr-defined]
        "insert into shape select distinct on (id) %s, id, st_geomfromwkb(wkb, 4490) from new_shape "
        "on conflict do nothing",
        (district_id,),
    )
    cursor.execute("drop table new_shape")  # type: ignore[attr-defined]
    with cursor.copy("copy face from stdin") as copy:  # type: ignore[attr-defined]
        for face, name in zip(faces, names, strict=True):
            grid = ids.get((face.level, face.code))
            identity = old_faces.get((name, grid)) or uuid4()
            copy.write_row((district_id, snapshot_id, identity, face.kind, grid, "", name))
