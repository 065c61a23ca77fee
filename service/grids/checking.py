"""Findings of a plan: noted with the import, made anew by a check whenever an edit came after.

A partition is sound when it is made; edits move faces between grids, so what can become wrong is what
`geo.coverage` sees. What the import saw in the file (overlaps, repairs, outlines that disagree) stays true.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import shapely
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from geo.coverage import check as check_coverage
from geo.partition import FaceRecord, Finding, GridRecord
from service.db import database_now
from service.grids import posts, queries
from service.grids.models import Plan, PlanDistrict, PlanFinding, SnapshotGrid

# Said by every check of the faces, so an older one is dropped; a check's own errors carry a mark besides.
OF_FACES = frozenset({"hole", "several-parts", "tiny-face", "short-edge", "no-ground", "missing-leader"})
BY_CHECK = "by_check"


def is_stale(plan: Plan) -> bool:
    """Tell whether the plan changed since its findings were made."""
    return plan.checked_version != plan.version


def recheck(session: Session, plan: Plan, *, force: bool = False) -> Sequence[PlanFinding]:
    """Make the findings of a plan true again where it changed since; gives all of them."""
    if force or is_stale(plan):
        for place in queries.plan_districts(session, plan.id):
            _recheck_district(session, plan, place)
        plan.checked_version = plan.version
        session.flush()  # what reads the findings next goes past the session
    return queries.list_findings(session, plan.id)


def _recheck_district(session: Session, plan: Plan, place: PlanDistrict) -> None:
    faces, grids = content_of(session, place.district_id, place.snapshot_id)
    kept = [one for one in _stored(session, plan.id, place.district_id) if not _is_of_faces(one)]
    checked = [_marked(one) for one in check_coverage(faces, grids)] if faces else []
    today = posts.today_in_city(session, database_now(session))
    vacant = posts.without_leader(session, place.district_id, place.snapshot_id, today)
    note(session, plan, place.district_id, [*kept, *checked, *vacant])


def content_of(
    session: Session, district_id: int, snapshot_id: UUID
) -> tuple[list[FaceRecord], list[GridRecord]]:
    """Give a snapshot as the records that `geo` works on."""
    grids = {one.grid_id: one for one in queries.grids_of(session, district_id, snapshot_id)}
    rows = queries.faces_of(session, district_id, snapshot_id)
    shapes = shapely.from_wkb([bytes(one.wkb) for one in rows]) if rows else []
    faces = []
    for row, shape in zip(rows, shapes, strict=True):
        grid = grids.get(row.grid_id)
        faces.append(FaceRecord(row.kind, grid.level if grid else "", grid.code if grid else "", shape))
    return faces, [_record(one, grids) for one in grids.values()]


def _record(one: SnapshotGrid, grids: dict[UUID, SnapshotGrid]) -> GridRecord:
    above = grids.get(one.parent_id) if one.parent_id else None
    return GridRecord(
        one.level, one.code, one.name, above.level if above else None, above.code if above else None
    )


def _is_of_faces(one: Finding) -> bool:
    return one.rule in OF_FACES or BY_CHECK in one.members


def _marked(one: Finding) -> Finding:
    if one.rule in OF_FACES:
        return one
    members = {**one.members, BY_CHECK: True}
    return Finding(one.rule, one.severity, one.grids, one.area_m2, one.geometry, one.detail, members)


def _stored(session: Session, plan_id: UUID, district_id: int) -> list[Finding]:
    wanted = select(PlanFinding).where(PlanFinding.plan_id == plan_id, PlanFinding.district_id == district_id)
    return [
        Finding(
            row.rule,
            row.severity,
            tuple(row.grids),
            row.area_m2,
            _shape(row.geom),
            row.detail,
            row.members,
        )
        for row in session.scalars(wanted.execution_options(populate_existing=True))
    ]


def _shape(stored: Any) -> shapely.Geometry | None:
    if stored is None:
        return None
    return shapely.from_wkb(stored.data if isinstance(stored.data, str) else bytes(stored.data))


def note(session: Session, plan: Plan, district_id: int, found: Iterable[Finding]) -> list[PlanFinding]:
    """Put findings in place of what a district's part of the plan had."""
    session.flush()
    session.execute(
        delete(PlanFinding)
        .where(PlanFinding.plan_id == plan.id, PlanFinding.district_id == district_id)
        .execution_options(synchronize_session="fetch")
    )
    ordered = sorted(found, key=lambda finding: finding.order)
    rows = [_row(plan, district_id, number, one) for number, one in enumerate(ordered, start=1)]
    session.add_all(rows)
    session.flush()  # a check constraint that fails must fail inside the import
    return rows


def _row(plan: Plan, district_id: int, number: int, one: Finding) -> PlanFinding:
    words = "\n".join((one.rule, str(one.members.get("level", "")), *sorted(one.grids)))
    present = one.geometry is not None and not one.geometry.is_empty
    return PlanFinding(
        district_id=district_id,
        plan_id=plan.id,
        number=number,
        rule=one.rule,
        severity=one.severity,
        grids=list(one.grids),
        area_m2=float(one.area_m2),
        detail=one.detail,
        members=one.members,
        fingerprint=hashlib.sha256(words.encode()).hexdigest()[:16],
        geom=f"SRID=4490;{one.geometry.wkt}" if present else None,
    )
