"""Tables of the city: profile with history, districts, schemes and levels, backdrop of maps."""

from datetime import datetime
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, ForeignKey, Identity, Integer, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from service.db import CANONICAL_SRID, Base, Code


class CityProfile(Base):
    """One state of the profile; the newest row is in force, older ones are its history."""

    __tablename__ = "city_profile"
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    by: Mapped[str]
    body: Mapped[dict[str, Any]]


class District(Base):
    """A tenant: an urban district, county or development zone."""

    __tablename__ = "district"
    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    code: Mapped[str] = mapped_column(Code, unique=True)
    name: Mapped[str]
    platform: Mapped[str]
    phone: Mapped[str]


class Scheme(Base):
    """One independent hierarchy of levels."""

    __tablename__ = "scheme"
    id: Mapped[int] = mapped_column(SmallInteger, Identity(always=True), primary_key=True)
    code: Mapped[str] = mapped_column(Code, unique=True)
    name: Mapped[dict[str, Any]]


class Level(Base):
    """A named level of a scheme, 0 the coarsest; its code scheme is data."""

    __tablename__ = "level"
    scheme_id: Mapped[int] = mapped_column(ForeignKey("scheme.id"), primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(Code)
    name: Mapped[dict[str, Any]]
    code_pattern: Mapped[str]
    parent_length: Mapped[int] = mapped_column(SmallInteger)


class Backdrop(Base):
    """Roads, water, parks and buildings that make a map readable without any base map."""

    __tablename__ = "backdrop"
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    layer: Mapped[str]
    kind: Mapped[str]
    name: Mapped[str]
    geom: Mapped[Any] = mapped_column(Geometry("GEOMETRY", CANONICAL_SRID, spatial_index=False))
