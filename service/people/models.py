"""Tables of people: accounts, roles by place, login sessions, API tokens and what they asked."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Integer, LargeBinary, Text, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.db import Base


class Person(Base):
    """An account of a person; `name` is what they log in with, always lower case."""

    __tablename__ = "person"
    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid())
    name: Mapped[str] = mapped_column(Text, unique=True)
    display_name: Mapped[str]
    password_hash: Mapped[str]
    locale: Mapped[str | None]
    is_active: Mapped[bool]
    failed_count: Mapped[int]
    locked_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    grants: Mapped[list["RoleGrant"]] = relationship(lazy="selectin", order_by="RoleGrant.id")


class RoleGrant(Base):
    """A role a person holds, in one district or (without a district) in the whole city."""

    __tablename__ = "role_grant"
    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid())
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    role: Mapped[str]
    district_id: Mapped[int | None] = mapped_column(ForeignKey("district.id"))


class LoginSession(Base):
    """A browser that is logged in; only the hash of its cookie is kept."""

    __tablename__ = "login_session"
    key_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class ApiToken(Base):
    """A token of a system; only its hash is kept. Scopes are permissions, `crs` its registered system."""

    __tablename__ = "api_token"
    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid())
    name: Mapped[str]
    key_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    crs: Mapped[str | None]
    district_id: Mapped[int | None] = mapped_column(Integer, ForeignKey("district.id"))
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    per_minute: Mapped[int | None]


class ApiUsage(Base):
    """How often a token asked in a minute."""

    __tablename__ = "api_usage"
    token_id: Mapped[UUID] = mapped_column(ForeignKey("api_token.id"), primary_key=True)
    minute: Mapped[datetime] = mapped_column(primary_key=True)
    requests: Mapped[int]


class ApiRequest(Base):
    """One line of the request log."""

    __tablename__ = "api_request"
    token_id: Mapped[UUID] = mapped_column(ForeignKey("api_token.id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    request_id: Mapped[str]
    method: Mapped[str]
    path: Mapped[str]
    query: Mapped[str]
    status: Mapped[int]
    ms: Mapped[float]
