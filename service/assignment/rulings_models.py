"""Tables of rulings (现场责任认定): what was decided, and what was taken back. Rows are only ever added."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from geoalchemy2 import Geometry
from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from service.db import CANONICAL_SRID, Base


class RulingRow(Base):
    """A decision that a grid answers for a spot or an area; it counts from `counts_from` until `counts_until`.

    `area` is what is asked; a spot is kept as its area too, with centre and radius beside it. `to_on` is the
    first day no more. From `known_from` on, a little after it was recorded, every process has heard of it.
    Moments are by the database's clock.
    """

    __tablename__ = "ruling"
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    scheme_id: Mapped[int] = mapped_column(ForeignKey("scheme.id"))
    grid_id: Mapped[UUID]
    area: Mapped[Any] = mapped_column(Geometry("POLYGON", CANONICAL_SRID, spatial_index=False))
    center_lon: Mapped[float | None]
    center_lat: Mapped[float | None]
    radius_m: Mapped[float | None]
    reason: Mapped[str]
    from_on: Mapped[date]
    to_on: Mapped[date | None]
    recorded_at: Mapped[datetime]
    known_from: Mapped[datetime]
    counts_from: Mapped[datetime]
    counts_until: Mapped[datetime | None]
    by_kind: Mapped[str]
    by_id: Mapped[str]
    by_name: Mapped[str]


class RulingRevocation(Base):
    """A ruling taken back; from `counts_from` on it is as if nobody had decided."""

    __tablename__ = "ruling_revocation"
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"), primary_key=True)
    ruling_id: Mapped[UUID] = mapped_column(primary_key=True)
    reason: Mapped[str]
    recorded_at: Mapped[datetime]
    counts_from: Mapped[datetime]
    by_kind: Mapped[str]
    by_id: Mapped[str]
    by_name: Mapped[str]
