"""A second district with a planner of its own."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from service import audit, clock
from service.city import actions as city
from service.city.models import District
from service.people import actions

PASSWORD = "correct horse"


@pytest.fixture
def other(session: Session) -> District:
    return city.add_district(session, code="990102", name="乙区", by=audit.SYSTEM, at=clock.now())


@pytest.fixture
def planner(session: Session, other: District) -> District:
    given = {"name": "Planner", "role": "planner", "district": other.code, "password": PASSWORD}
    actions.add_person(session, **given, by=audit.SYSTEM, at=clock.now())
    session.flush()
    return other


@pytest.fixture
def browser(planner: District, client: Any) -> Any:
    """Give a browser in which the planner is logged in."""
    answer = client.post("/login", data={"name": "planner", "password": PASSWORD})
    assert answer.status_code == 302
    return client
