"""Reads of the map: plans, findings, editions, the content of snapshots."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, text, tuple_
from sqlalchemy.orm import Session

from geo.records import NEVER_WAIVED
from service.db import database_now
from service.errors import NotFound
from service.grids.models import (
    Edition,
    Face,
    Plan,
    PlanDistrict,
    PlanFeature,
    PlanFinding,
    PlanLayer,
    Post,
    Shape,
    SnapshotGrid,
    Waiver,
)


def find_open_plan(session: Session, name: str) -> Plan | None:
    """Find the plan of this name that is not published yet."""
    return session.scalar(select(Plan).where(Plan.name == name, Plan.state != "published"))


def get_plan(session: Session, name: str, *, lock: bool = False) -> Plan:
    """Find a plan by name (the open one, else the newest published) or by id. May raise NotFound."""
    wanted = select(Plan).where(Plan.name == name).order_by(Plan.state == "published", Plan.created_at.desc())
    plan = session.scalar((wanted.with_for_update() if lock else wanted).limit(1))
    if plan is None:
        plan = _plan_by_id(session, name, lock)
    if plan is None:
        raise NotFound(f"There is no plan {name!r}.")
    return plan


def _plan_by_id(session: Session, text_id: str, lock: bool) -> Plan | None:
    try:
        return session.get(Plan, UUID(text_id), with_for_update=lock or None)
    except ValueError:
        return None


def get_plan_by_id(session: Session, plan_id: UUID, *, lock: bool = False) -> Plan:
    """Find a plan by its id. May raise NotFound."""
    return get_plan(session, str(plan_id), lock=lock)


def plan_districts(session: Session, plan_id: UUID) -> Sequence[PlanDistrict]:
    """List the districts a plan touches."""
    wanted = select(PlanDistrict).where(PlanDistrict.plan_id == plan_id).order_by(PlanDistrict.district_id)
    return session.scalars(wanted).all()


def districts_of_plans(session: Session, plan_ids: Sequence[UUID]) -> dict[UUID, list[int]]:
    """Give the districts of several plans."""
    wanted = select(PlanDistrict.plan_id, PlanDistrict.district_id).where(PlanDistrict.plan_id.in_(plan_ids))
    found: dict[UUID, list[int]] = {}
    for plan_id, district_id in session.execute(wanted.order_by(PlanDistrict.district_id)):
        found.setdefault(plan_id, []).append(district_id)
    return found


def list_plans(session: Session, limit: int = 100) -> Sequence[Plan]:
    """List the plans changed last."""
    return session.scalars(select(Plan).order_by(Plan.changed_at.desc()).limit(limit)).all()


def list_findings(session: Session, plan_id: UUID) -> Sequence[PlanFinding]:
    """List what the last check found, errors first."""
    wanted = select(PlanFinding).where(PlanFinding.plan_id == plan_id)
    return session.scalars(wanted.order_by(PlanFinding.district_id, PlanFinding.number)).all()


def count_findings(session: Session, plan_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """Count, for each plan, what blocks it and what is to confirm."""
    given = {"plans": [str(one) for one in plan_ids], "never": sorted(NEVER_WAIVED)}
    counts = {one: {"blocking": 0, "warning": 0} for one in plan_ids}
    for row in session.execute(COUNTS, given):
        counts[row.plan_id] = {"blocking": row.blocking, "warning": row.warning}
    return counts


def has_ground(session: Session, place: PlanDistrict) -> bool:
    """Tell whether a plan's part in a district holds anything."""
    wanted = select(Face.id).where(
        Face.district_id == place.district_id, Face.snapshot_id == place.snapshot_id
    )
    return session.scalar(wanted.limit(1)) is not None


def layers_of(session: Session, plan_id: UUID) -> Sequence[Row[Any]]:
    """List what was imported into a plan, with the number of features."""
    wanted = (
        select(PlanLayer, func.count(PlanFeature.number).label("features"))
        .outerjoin(
            PlanFeature,
            (PlanFeature.district_id == PlanLayer.district_id)
            & (PlanFeature.plan_id == PlanLayer.plan_id)
            & (PlanFeature.level == PlanLayer.level),
        )
        .where(PlanLayer.plan_id == plan_id)
        .group_by(PlanLayer)
        .order_by(PlanLayer.imported_at)
    )
    return session.execute(wanted).all()


def editions_of_plan(session: Session, plan_id: UUID) -> Sequence[Edition]:
    """List the editions a plan became."""
    return session.scalars(select(Edition).where(Edition.plan_id == plan_id)).all()


def bounds_of(session: Session, snapshots: Sequence[tuple[int, UUID]]) -> list[float] | None:
    """Give west, south, east, north of the ground of snapshots; None where there is none."""
    which = {"districts": [one for one, _ in snapshots], "snapshots": [str(one) for _, one in snapshots]}
    row = session.execute(BOUNDS, which).one()
    return None if row[0] is None else [float(one) for one in row]


def list_waivers(session: Session, plan_id: UUID) -> Sequence[Waiver]:
    """List the waivers of a plan."""
    return session.scalars(select(Waiver).where(Waiver.plan_id == plan_id).order_by(Waiver.at)).all()


def list_editions(session: Session, *, newest: int | None = None) -> Sequence[Edition]:
    """List editions (only so many of the newest, where a number is given) by district and number."""
    rows = session.scalars(select(Edition).order_by(Edition.published_at.desc()).limit(newest)).all()
    return sorted(rows, key=lambda one: (one.district_id, one.number))


def newest_edition(session: Session, district_id: int, scheme_id: int) -> Edition | None:
    """Give the edition published last, in force or waiting."""
    wanted = select(Edition).where(Edition.district_id == district_id, Edition.scheme_id == scheme_id)
    return session.scalar(wanted.order_by(Edition.in_force_from.desc()).limit(1))


def edition_in_force(
    session: Session, *, district_id: int, scheme_id: int, at: datetime | None = None
) -> Edition | None:
    """Give the edition that counts in a district at a moment (now by the database's clock)."""
    wanted = select(Edition).where(
        Edition.district_id == district_id,
        Edition.scheme_id == scheme_id,
        Edition.in_force_from <= (at or database_now(session)),
    )
    return session.scalar(wanted.order_by(Edition.in_force_from.desc()).limit(1))


def leaders_of(session: Session, district_id: int, on: date) -> dict[UUID, Post]:
    """Give who leads each grid of a district on a day; vacant posts are absent."""
    wanted = select(Post).where(
        Post.district_id == district_id,
        Post.kind == "leader",
        Post.from_on <= on,
        (Post.to_on.is_(None)) | (Post.to_on > on),
    )
    return {post.grid_id: post for post in session.scalars(wanted)}


def get_edition(session: Session, district_id: int, number: int) -> Edition:
    """Find an edition. May raise NotFound."""
    edition = session.get(Edition, (district_id, number))
    if edition is None:
        raise NotFound(f"The district has no edition {number}.")
    return edition


def grids_of(session: Session, district_id: int, snapshot_id: UUID) -> Sequence[SnapshotGrid]:
    """List the grids of a snapshot, coarsest first, then by code."""
    wanted = select(SnapshotGrid).where(
        SnapshotGrid.district_id == district_id, SnapshotGrid.snapshot_id == snapshot_id
    )
    return session.scalars(wanted.order_by(SnapshotGrid.position, SnapshotGrid.code)).all()


def search_grids(
    session: Session, snapshots: Sequence[tuple[int, UUID]], q: str, limit: int
) -> Sequence[SnapshotGrid]:
    """Find grids of snapshots by the beginning of their code or a part of their name, finest first."""
    where = [tuple_(SnapshotGrid.district_id, SnapshotGrid.snapshot_id).in_(snapshots)]
    if q:
        where.append(
            SnapshotGrid.code.startswith(q, autoescape=True) | SnapshotGrid.name.icontains(q, autoescape=True)
        )
    wanted = select(SnapshotGrid).where(*where).order_by(SnapshotGrid.position.desc(), SnapshotGrid.code)
    return session.scalars(wanted.limit(limit)).all()


def grids_beside(
    session: Session, district_id: int, snapshot_id: UUID, face_id: UUID
) -> Sequence[SnapshotGrid]:
    """List the grids whose ground meets a face: those it could go to most likely."""
    which = {"district_id": district_id, "snapshot_id": snapshot_id}
    ids = session.scalars(NEIGHBOURS, {**which, "face_id": face_id}).all()
    wanted = select(SnapshotGrid).where(
        SnapshotGrid.district_id == district_id,
        SnapshotGrid.snapshot_id == snapshot_id,
        SnapshotGrid.grid_id.in_(ids),
    )
    return session.scalars(wanted.order_by(SnapshotGrid.position.desc(), SnapshotGrid.code)).all()


def names_of(session: Session, snapshots: Sequence[tuple[int, UUID]], codes: set[str]) -> dict[str, str]:
    """Give the names of grids of snapshots by code."""
    wanted = select(SnapshotGrid.code, SnapshotGrid.name).where(
        tuple_(SnapshotGrid.district_id, SnapshotGrid.snapshot_id).in_(snapshots),
        SnapshotGrid.code.in_(codes),
    )
    return {row.code: row.name for row in session.execute(wanted)}


def faces_of(session: Session, district_id: int, snapshot_id: UUID) -> Sequence[Row[Any]]:
    """List the faces of a snapshot: id, kind, grid_id, reason, shape_id, wkb."""
    wanted = (
        select(
            Face.id,
            Face.kind,
            Face.grid_id,
            Face.reason,
            Face.shape_id,
            func.st_asbinary(Shape.geom).label("wkb"),
        )
        .join(Shape, (Shape.district_id == Face.district_id) & (Shape.id == Face.shape_id))
        .where(Face.district_id == district_id, Face.snapshot_id == snapshot_id)
        .order_by(Face.id)
    )
    return session.execute(wanted).all()


def checksum_of(session: Session, district_id: int, snapshot_id: UUID) -> bytes:
    """Give the SHA-256 of what a snapshot holds: grids with their levels and parents, faces with their shapes."""
    return bytes(
        session.execute(CHECKSUM, {"district_id": district_id, "snapshot_id": snapshot_id}).scalar_one()
    )


COUNTS = text("""
    select f.plan_id, count(*) filter (where f.severity = 'warning') as warning,
        count(*) filter (where f.severity = 'error' and (f.rule = any (:never) or not exists (
            select from waiver w where w.plan_id = f.plan_id and w.rule = f.rule
                and w.fingerprint in ('', f.fingerprint)))) as blocking
    from plan_finding f where f.plan_id = any (cast(:plans as uuid[])) group by f.plan_id
""")
NEIGHBOURS = text("""
    select distinct o.grid_id from face f
    join shape s on s.district_id = f.district_id and s.id = f.shape_id
    join shape t on t.district_id = f.district_id and t.geom && s.geom and st_intersects(t.geom, s.geom)
    join face o on o.district_id = f.district_id and o.snapshot_id = f.snapshot_id and o.shape_id = t.id
    where f.district_id = :district_id and f.snapshot_id = :snapshot_id and f.id = :face_id
        and o.grid_id is not null and o.grid_id is distinct from f.grid_id
""")
CHECKSUM = text("""
    select sha256(convert_to(
        coalesce((
            select string_agg(row(grid_id, level, position, code, name, kind, parent_id)::text, E'\n' order by grid_id)
            from snapshot_grid where district_id = :district_id and snapshot_id = :snapshot_id
        ), '') || E'\n\n' || coalesce((
            select string_agg(row(id, kind, grid_id, shape_id)::text, E'\n' order by id)
            from face where district_id = :district_id and snapshot_id = :snapshot_id
        ), ''), 'UTF8'))
""")
BOUNDS = text("""
    select min(st_xmin(s.geom)), min(st_ymin(s.geom)), max(st_xmax(s.geom)), max(st_ymax(s.geom))
    from face f join shape s on s.district_id = f.district_id and s.id = f.shape_id
    where (f.district_id, f.snapshot_id) in
        (select * from unnest(cast(:districts as int[]), cast(:snapshots as uuid[])))
""")
KNOWN_GRIDS = text("""
    select distinct on (g.level, g.code) g.level, g.code, g.grid_id
    from snapshot_grid g join snapshot s on s.district_id = g.district_id and s.id = g.snapshot_id
    where g.district_id = :district_id and s.scheme_id = :scheme_id
    order by g.level, g.code, s.frozen_at desc nulls last, s.created_at desc
""")


def known_grids(session: Session, district_id: int, scheme_id: int) -> dict[tuple[str, str], UUID]:
    """Give the identity of every grid the district ever had, by level and code."""
    rows = session.execute(KNOWN_GRIDS, {"district_id": district_id, "scheme_id": scheme_id})
    return {(row.level, row.code): row.grid_id for row in rows}
