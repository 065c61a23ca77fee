"""Tables of places: lists with their editions, places with the pieces they are found by."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from geoalchemy2 import Geometry
from sqlalchemy import ARRAY, ForeignKey, Identity, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from service.db import CANONICAL_SRID, Base, Code

NOWHERE = 0  # stands for the district of places that lie in none


class PlaceList(Base):
    """A list as the city keeps it: its edition counts up with every import."""

    __tablename__ = "place_list"
    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    edition: Mapped[int]
    file_name: Mapped[str]
    crs: Mapped[str]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]


class Place(Base):
    """A place: what it is called and where it is.

    `regions` names what it lies in, `number` is its first house number, `identity` is its name and address
    written the one way, `grams` are the pieces it is found by.
    """

    __tablename__ = "place"
    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    list_id: Mapped[int] = mapped_column(ForeignKey("place_list.id"))
    list_edition: Mapped[int]
    source_row: Mapped[int]
    kind: Mapped[str]
    name: Mapped[str]
    aliases: Mapped[list[str]] = mapped_column(ARRAY(Text))
    address: Mapped[str]
    regions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    number: Mapped[int | None]
    raw_x: Mapped[float]
    raw_y: Mapped[float]
    position: Mapped[Any] = mapped_column(Geometry("POINT", CANONICAL_SRID, spatial_index=False))
    identity: Mapped[str] = mapped_column(Code)
    grams: Mapped[list[str]] = mapped_column(ARRAY(Code))


class PlaceGram(Base):
    """How many places have a piece."""

    __tablename__ = "place_gram"
    gram: Mapped[str] = mapped_column(Code, primary_key=True)
    places: Mapped[int]
