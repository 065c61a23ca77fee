"""Make plans and edit them face by face, each edit with its inverse."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import shapely
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from service import audit
from service.city.models import District, Scheme
from service.db import CANONICAL_SRID
from service.errors import Conflict, NotFound, VersionMismatch
from service.grids import queries
from service.grids.models import (
    Face,
    Plan,
    PlanDistrict,
    PlanGap,
    PlanOperation,
    Snapshot,
    SnapshotGrid,
)


def create_plan(
    session: Session, name: str, scheme: Scheme, *, base: str = "current", by: audit.Actor, at: datetime
) -> Plan:
    """Make an empty draft. May raise Conflict where an open plan has the name."""
    if queries.find_open_plan(session, name) is not None:
        raise Conflict(f"There is an open plan {name!r} already.")
    plan = Plan(
        name=name,
        scheme_id=scheme.id,
        state="draft",
        base=base,
        version=0,
        created_at=at,
        created_by=by.name,
        changed_at=at,
    )
    session.add(plan)
    session.flush()  # its number is needed next
    audit.record(session, by=by, at=at, verb="created", thing=("plan", name), base=base)
    return plan


def touch_district(session: Session, plan: Plan, district: District, *, at: datetime) -> PlanDistrict:
    """Give a district's part of a plan; makes it where the plan does not touch the district yet."""
    place = session.get(PlanDistrict, (plan.id, district.id))
    if place is not None:
        return place
    base = queries.newest_edition(session, district.id, plan.scheme_id) if plan.base == "current" else None
    snapshot = Snapshot(district_id=district.id, id=uuid4(), scheme_id=plan.scheme_id, created_at=at)
    session.add(snapshot)
    session.flush()  # the row below refers to it
    place = PlanDistrict(
        plan_id=plan.id,
        district_id=district.id,
        snapshot_id=snapshot.id,
        base_edition=base.number if base else None,
    )
    session.add(place)
    session.flush()  # content is written by COPY, past the session
    return place


def declare_gap(
    session: Session,
    plan: Plan,
    *,
    district_id: int,
    shape: shapely.Polygon,
    parent: str | None,
    reason: str,
    by: audit.Actor,
    at: datetime,
) -> PlanGap:
    """Declare ground that belongs to no grid; it counts from the next partition. May raise Conflict."""
    require_version(plan, None)
    gap = PlanGap(
        district_id=district_id,
        plan_id=plan.id,
        parent=parent,
        reason=reason,
        geom=f"SRID={CANONICAL_SRID};{shape.wkt}",
    )
    session.add(gap)
    plan.version += 1
    plan.changed_at = at
    session.flush()  # a check that fails must fail here; the partition reads it next
    audit.record(
        session,
        by=by,
        at=at,
        verb="declared gap",
        thing=("plan", plan.name),
        district_id=district_id,
        parent=parent,
        reason=reason,
    )
    return gap


def require_version(plan: Plan, version: int | None) -> None:
    """Refuse to change a draft somebody else changed, or no draft at all. May raise Conflict, VersionMismatch."""
    if plan.state != "draft":
        raise Conflict(f"The plan {plan.name!r} is {plan.state}: only a draft can be changed.")
    if version is not None and version != plan.version:
        raise VersionMismatch(
            f"The plan is at version {plan.version}, you saw {version}. Load it again.", version=plan.version
        )


def reassign_face(
    session: Session,
    plan: Plan,
    *,
    face_id: UUID,
    grid_id: UUID,
    version: int | None = None,
    districts: Collection[int] | None = None,
    by: audit.Actor,
    at: datetime,
) -> PlanOperation:
    """Give a face (of one of the districts, where they are named) to another grid.

    May raise NotFound, Conflict, VersionMismatch.
    """
    require_version(plan, version)
    place, face = _face(session, plan, face_id, districts)
    grid = session.get(SnapshotGrid, (place.district_id, place.snapshot_id, grid_id))
    if grid is None:
        raise NotFound("The plan has no such grid in this district.")
    if face.grid_id == grid_id and face.kind != "gap":
        raise Conflict(f"The face belongs to {grid.code} already.")
    finest = session.scalar(
        select(func.max(SnapshotGrid.position)).where(SnapshotGrid.snapshot_id == place.snapshot_id)
    )
    kind = "grid" if grid.position == finest else "public"
    inverse = {**_content(face), "shape": face.shape_id.hex()}
    forward = {"face": str(face_id), "grid": str(grid_id), "kind": kind, "shape": face.shape_id.hex()}
    _apply(session, place, forward)
    return _note(session, plan, place, "reassign", forward, inverse, undoes=None, by=by, at=at)


def undo(
    session: Session,
    plan: Plan,
    *,
    version: int | None = None,
    districts: Collection[int] | None = None,
    by: audit.Actor,
    at: datetime,
) -> PlanOperation:
    """Take the last edit (in the districts, where they are named) back that is not taken back yet.

    May raise Conflict, VersionMismatch.
    """
    require_version(plan, version)
    mine = [one for one in standing(session, plan.id) if districts is None or one.district_id in districts]
    operation = mine[-1] if mine else None
    if operation is None:
        raise Conflict("There is nothing to undo.")
    place = session.get_one(PlanDistrict, (plan.id, operation.district_id))
    _apply(session, place, operation.inverse)
    return _note(
        session,
        plan,
        place,
        "undo",
        operation.inverse,
        operation.forward,
        undoes=operation.seq,
        by=by,
        at=at,
    )


def standing(session: Session, plan_id: UUID, district_id: int | None = None) -> list[PlanOperation]:
    """List the edits of a plan that are not taken back, oldest first."""
    wanted = select(PlanOperation).where(PlanOperation.plan_id == plan_id).order_by(PlanOperation.seq)
    operations = session.scalars(wanted).all()
    undone = {one.undoes for one in operations if one.undoes is not None}
    return [
        one
        for one in operations
        if one.kind != "undo" and one.seq not in undone and district_id in (None, one.district_id)
    ]


def replay(session: Session, plan: Plan, place: PlanDistrict) -> int:
    """Apply the standing edits to a partition made anew, by shape; give how many found no shape any more."""
    lost = 0
    for operation in standing(session, plan.id, place.district_id):
        forward = operation.forward
        present = session.get(
            SnapshotGrid,
            (place.district_id, place.snapshot_id, UUID(forward["grid"])),
            populate_existing=True,
        )
        same_shape = (*_here(place), Face.shape_id == bytes.fromhex(forward["shape"]))
        changed = present and session.execute(
            update(Face)
            .where(*same_shape)
            .values(id=UUID(forward["face"]), grid_id=UUID(forward["grid"]), kind=forward["kind"])
            .execution_options(synchronize_session=False)
        )
        lost += not (changed and changed.rowcount)
    return lost


def _here(place: PlanDistrict) -> tuple[Any, ...]:
    return Face.district_id == place.district_id, Face.snapshot_id == place.snapshot_id


def _face(
    session: Session, plan: Plan, face_id: UUID, districts: Collection[int] | None
) -> tuple[PlanDistrict, Face]:
    for place in queries.plan_districts(session, plan.id):
        if districts is not None and place.district_id not in districts:
            continue
        face = session.get(Face, (place.district_id, place.snapshot_id, face_id), populate_existing=True)
        if face is not None:
            return place, face
    raise NotFound("The plan has no such face.")


def _content(face: Face) -> dict[str, Any]:
    return {"face": str(face.id), "grid": str(face.grid_id) if face.grid_id else None, "kind": face.kind}


def _apply(session: Session, place: PlanDistrict, change: dict[str, Any]) -> None:
    grid_id = UUID(change["grid"]) if change["grid"] else None
    changed = session.execute(
        update(Face)
        .where(*_here(place), Face.id == UUID(change["face"]))
        .values(grid_id=grid_id, kind=change["kind"])
        .execution_options(synchronize_session=False)
    )
    if not changed.rowcount:
        raise Conflict("The face of that edit is gone: an import made the map anew.")


def _note(
    session: Session,
    plan: Plan,
    place: PlanDistrict,
    kind: str,
    forward: dict[str, Any],
    inverse: dict[str, Any],
    *,
    undoes: int | None,
    by: audit.Actor,
    at: datetime,
) -> PlanOperation:
    last = session.scalar(select(func.max(PlanOperation.seq)).where(PlanOperation.plan_id == plan.id))
    operation = PlanOperation(
        district_id=place.district_id,
        plan_id=plan.id,
        seq=(last or 0) + 1,
        kind=kind,
        forward=forward,
        inverse=inverse,
        undoes=undoes,
        at=at,
        by=by.name,
    )
    session.add(operation)
    plan.version += 1
    plan.changed_at = at
    session.flush()  # the next edit counts on it
    audit.record(
        session, by=by, at=at, verb=kind, thing=("plan", plan.name), district_id=place.district_id, **forward
    )
    return operation
