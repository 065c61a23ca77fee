"""How much of the demo city is there: what the supervisor asks at every start, without loading anything heavy."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.audit import AuditEvent
from service.cases.models import Department
from service.city import queries as city_queries


def made_with(session: Session) -> dict[str, Any] | None:
    """Give seed and size of the demo city whose map is loaded, None where there is none."""
    return session.scalar(
        select(AuditEvent.detail)
        .where(AuditEvent.verb == "made", AuditEvent.thing_kind == "demo city")
        .order_by(AuditEvent.id.desc())
        .limit(1)
    )


def has_reports(session: Session) -> bool:
    """Tell whether the reports are there: they come with the departments, in one transaction."""
    return session.scalar(select(Department.id).limit(1)) is not None


def is_demo(session: Session) -> bool:
    """Tell whether this installation is to be a demo city."""
    return city_queries.profile(session).demo
