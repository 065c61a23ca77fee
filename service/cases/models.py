"""Tables of what people sent: reports with their pinned assignment, answered keys, departments."""

from datetime import datetime
from typing import Any
from uuid import UUID

from geoalchemy2 import Geometry
from sqlalchemy import ForeignKey, Identity, Integer, LargeBinary, Text, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from service.db import CANONICAL_SRID, Base, Code


class Report(Base):
    """What somebody sent. The position is kept as declared and canonical; the assignment never changes.

    District 0 is the city itself: the position lies outside every district.
    """

    __tablename__ = "report"
    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid())
    happened_at: Mapped[datetime]
    received_at: Mapped[datetime]
    category: Mapped[str] = mapped_column(Code)
    text: Mapped[str]
    source: Mapped[str]
    raw_x: Mapped[float]
    raw_y: Mapped[float]
    raw_crs: Mapped[str]
    accuracy_m: Mapped[float | None]
    position: Mapped[Any] = mapped_column(Geometry("POINT", CANONICAL_SRID, spatial_index=False))
    status: Mapped[str]
    grid_id: Mapped[UUID | None]
    grid_level: Mapped[str | None] = mapped_column(Code)
    grid_code: Mapped[str | None] = mapped_column(Code)
    edition_number: Mapped[int | None]
    sent_by: Mapped[str]
    idempotency_key: Mapped[str | None]


class ReportKey(Base):
    """An idempotency key that was answered: for which body, with which reports."""

    __tablename__ = "report_key"
    sent_by: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    body_hash: Mapped[bytes] = mapped_column(LargeBinary)
    report_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    at: Mapped[datetime]


class Department(Base):
    """Who handles which categories, in a district or (without one) for the whole city."""

    __tablename__ = "department"
    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    district_id: Mapped[int | None] = mapped_column(ForeignKey("district.id"))
    name: Mapped[str]
    categories: Mapped[list[str]] = mapped_column(ARRAY(Text))
