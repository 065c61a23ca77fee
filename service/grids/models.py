"""Tables of the map: what a grid is, what a plan holds, what an edition froze, who answers.

A *snapshot* is the content of one district: its grids and faces. A plan works on one snapshot a district;
publishing freezes it and lets an edition point to it; a rollback lets a new edition point to an old one.
Polygons are stored once by the hash of their bytes (`shape`), so a plan or an edition costs no second copy.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from geoalchemy2 import Geometry
from sqlalchemy import ForeignKey, Integer, LargeBinary, SmallInteger, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.db import CANONICAL_SRID, Base, Code


def _geometry(kind: str) -> Any:
    return mapped_column(Geometry(kind, CANONICAL_SRID, spatial_index=False))


class Grid(Base):
    """A grid's identity: kept while code, name, leader and shape change."""

    __tablename__ = "grid"
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    scheme_id: Mapped[int] = mapped_column(ForeignKey("scheme.id"))
    created_at: Mapped[datetime]


class Snapshot(Base):
    """The content of one district's map; once frozen it never changes."""

    __tablename__ = "snapshot"
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    scheme_id: Mapped[int] = mapped_column(ForeignKey("scheme.id"))
    created_at: Mapped[datetime]
    frozen_at: Mapped[datetime | None]
    checksum: Mapped[bytes | None] = mapped_column(LargeBinary)


class SnapshotGrid(Base):
    """A grid as a snapshot has it. `position` is that of its level, 0 the coarsest."""

    __tablename__ = "snapshot_grid"
    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    snapshot_id: Mapped[UUID] = mapped_column(primary_key=True)
    grid_id: Mapped[UUID] = mapped_column(primary_key=True)
    level: Mapped[str] = mapped_column(Code)
    position: Mapped[int] = mapped_column(SmallInteger)
    code: Mapped[str] = mapped_column(Code)
    name: Mapped[str]
    kind: Mapped[str]
    parent_id: Mapped[UUID | None]
    attributes: Mapped[dict[str, Any]] = mapped_column(JSONB)


class Shape(Base):
    """A polygon, stored once in a district under the first 16 bytes of the SHA-256 of its WKB."""

    __tablename__ = "shape"
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"), primary_key=True)
    id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    geom: Mapped[Any] = _geometry("POLYGON")


class Face(Base):
    """One polygon of the finest partition of a snapshot; `grid_id` is the finest grid that answers there."""

    __tablename__ = "face"
    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    snapshot_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    grid_id: Mapped[UUID | None]
    reason: Mapped[str]
    shape_id: Mapped[bytes] = mapped_column(LargeBinary)


class FaceCount(Base):
    """Households and people counted on a face on a day; the newest row counts."""

    __tablename__ = "face_count"
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"), primary_key=True)
    face_id: Mapped[UUID] = mapped_column(primary_key=True)
    counted_on: Mapped[date] = mapped_column(primary_key=True)
    households: Mapped[int]
    people: Mapped[int]


class Post(Base):
    """Who answers for a grid, from when to when (`to_on` is the first day no more)."""

    __tablename__ = "post"
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid())
    grid_id: Mapped[UUID]
    kind: Mapped[str]
    holder: Mapped[str]
    phone: Mapped[str]
    duties: Mapped[str]
    from_on: Mapped[date]
    to_on: Mapped[date | None]


class Plan(Base):
    """A 划分方案: draft → in_review → approved → published.

    `version` grows with every change; the findings are those of `checked_version`.
    """

    __tablename__ = "plan"
    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid())
    name: Mapped[str]
    scheme_id: Mapped[int] = mapped_column(ForeignKey("scheme.id"))
    state: Mapped[str]
    base: Mapped[str]
    version: Mapped[int] = mapped_column(Integer)
    checked_version: Mapped[int] = mapped_column(Integer, server_default="0", default=0)
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    changed_at: Mapped[datetime]
    submitted_by: Mapped[str | None]
    approved_by: Mapped[str | None]
    published_at: Mapped[datetime | None]


class PlanDistrict(Base):
    """One district a plan touches: the snapshot it works on and the edition it started from."""

    __tablename__ = "plan_district"
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plan.id"), primary_key=True)
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"), primary_key=True)
    snapshot_id: Mapped[UUID]
    base_edition: Mapped[int | None]


class PlanLayer(Base):
    """What was imported for one level: the file, how it was read, by whom."""

    __tablename__ = "plan_layer"
    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plan.id"), primary_key=True)
    level: Mapped[str] = mapped_column(Code, primary_key=True)
    source: Mapped[dict[str, Any]] = mapped_column(JSONB)
    imported_at: Mapped[datetime]
    imported_by: Mapped[str]


class PlanFeature(Base):
    """One feature of an imported layer, as the file has it, in lon/lat."""

    __tablename__ = "plan_feature"
    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    plan_id: Mapped[UUID] = mapped_column(primary_key=True)
    level: Mapped[str] = mapped_column(Code, primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(Code)
    name: Mapped[str]
    parent: Mapped[str | None] = mapped_column(Code)
    geom: Mapped[Any] = _geometry("GEOMETRY")


class PlanGap(Base):
    """Ground a person declared 不划入区域, with the reason."""

    __tablename__ = "plan_gap"
    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plan.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid())
    parent: Mapped[str | None] = mapped_column(Code)
    reason: Mapped[str]
    geom: Mapped[Any] = _geometry("POLYGON")


class PlanImport(Base):
    """A file on its way into a plan through the browser: uploaded, asked about, running, done or refused."""

    __tablename__ = "plan_import"
    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid())
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plan.id"))
    state: Mapped[str]
    file_name: Mapped[str]
    path: Mapped[str]
    inspection: Mapped[dict[str, Any]] = mapped_column(JSONB)
    options: Mapped[dict[str, Any]] = mapped_column(JSONB)
    stage: Mapped[str]
    progress: Mapped[float]
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    changed_at: Mapped[datetime]


class PlanOperation(Base):
    """An edit of a plan: append only, with its inverse; an undo is an operation of its own."""

    __tablename__ = "plan_operation"
    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plan.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    forward: Mapped[dict[str, Any]] = mapped_column(JSONB)
    inverse: Mapped[dict[str, Any]] = mapped_column(JSONB)
    undoes: Mapped[int | None]
    at: Mapped[datetime]
    by: Mapped[str]


class PlanFinding(Base):
    """Something a check found; `fingerprint` stays the same over checks while the finding does."""

    __tablename__ = "plan_finding"
    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plan.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rule: Mapped[str]
    severity: Mapped[str]
    grids: Mapped[list[str]] = mapped_column(ARRAY(Text))
    area_m2: Mapped[float]
    detail: Mapped[str]
    members: Mapped[dict[str, Any]] = mapped_column(JSONB)
    fingerprint: Mapped[str]
    geom: Mapped[Any | None] = mapped_column(Geometry("GEOMETRY", CANONICAL_SRID, spatial_index=False))


class Waiver(Base):
    """A person takes responsibility for publishing with a finding; fingerprint empty: the whole rule."""

    __tablename__ = "waiver"
    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid())
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plan.id"))
    rule: Mapped[str]
    fingerprint: Mapped[str]
    reason: Mapped[str]
    by: Mapped[str]
    at: Mapped[datetime]


class Edition(Base):
    """What a district's map is from `in_force_from` until the next edition's; never changes."""

    __tablename__ = "edition"
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    scheme_id: Mapped[int] = mapped_column(ForeignKey("scheme.id"))
    snapshot_id: Mapped[UUID]
    plan_id: Mapped[UUID | None]
    rollback_to: Mapped[int | None]
    in_force_from: Mapped[datetime]
    published_at: Mapped[datetime]
    published_by: Mapped[str]
    waivers: Mapped[list[Any]] = mapped_column(JSONB)
