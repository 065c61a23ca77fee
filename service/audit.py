"""Who did what, when, to which thing: rows that are only ever added, in the transaction of the deed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.db import Base


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever acts: a person, a token, the machine's operator or the system itself."""

    kind: str
    id: str
    name: str


OPERATOR = Actor("operator", "operator", "operator")
SYSTEM = Actor("system", "system", "system")


class AuditEvent(Base):
    """One deed. No foreign keys, so that nothing that goes away takes its history along."""

    __tablename__ = "audit_event"
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    actor_kind: Mapped[str]
    actor_id: Mapped[str]
    actor_name: Mapped[str]
    verb: Mapped[str]
    thing_kind: Mapped[str]
    thing_id: Mapped[str] = mapped_column(Text)
    district_id: Mapped[int | None] = mapped_column(Integer)
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)


def record(
    session: Session,
    *,
    by: Actor,
    at: datetime,
    verb: str,
    thing: tuple[str, object],
    district_id: int | None = None,
    **detail: Any,
) -> None:
    """Add one deed to the log; it is kept exactly when the deed is."""
    kind, identity = thing
    session.add(
        AuditEvent(
            at=at,
            actor_kind=by.kind,
            actor_id=by.id,
            actor_name=by.name,
            verb=verb,
            thing_kind=kind,
            thing_id=str(identity),
            district_id=district_id,
            detail=detail,
        )
    )
