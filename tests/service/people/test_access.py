"""Log-in with lockout, roles by place, tokens, cross-site requests."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from service import audit, clock
from service.city import actions as city
from service.people import actions
from service.people.guards import csrf_token, of_person
from service.people.models import Person, RoleGrant
from service.people.permissions import Permission


@pytest.fixture
def planner(session):
    other = city.add_district(session, code="990102", name="乙区", by=audit.SYSTEM, at=clock.now())
    actions.add_person(
        session,
        name="Planner",
        role="planner",
        district="990102",
        password="correct horse",
        by=audit.SYSTEM,
        at=clock.now(),
    )
    session.flush()
    return other


def test_a_planner_may_edit_only_the_own_district(session, planner):
    person = session.query(Person).filter_by(name="planner").one()
    session.refresh(person)
    who = of_person(person)
    assert who.may(Permission.PLAN_EDIT, planner.id)
    assert not who.may(Permission.PLAN_EDIT, planner.id + 1)
    assert not who.may(Permission.PERSON_EDIT)


def test_five_wrong_passwords_lock_the_account(session, planner):
    at = clock.now()
    for _ in range(5):
        assert actions.log_in(session, name="planner", password="wrong", at=at)[0] is None
    assert actions.log_in(session, name="planner", password="correct horse", at=at)[0] is None
    later = at + timedelta(minutes=16)
    assert actions.log_in(session, name="PLANNER", password="correct horse", at=later)[0] is not None


def test_two_kinds_of_administrator_are_two_persons(session, planner):
    actions.add_person(
        session,
        name="admin",
        role="system",
        district=None,
        password="12345678",
        by=audit.SYSTEM,
        at=clock.now(),
    )
    person = session.query(Person).filter_by(name="admin").one()
    with pytest.raises(IntegrityError, match="uq_role_grant_one_administrator"), session.begin_nested():
        session.add(RoleGrant(person_id=person.id, role="audit"))


def test_a_browser_needs_the_csrf_token(session, planner, client):
    answer = client.post("/login", data={"name": "planner", "password": "correct horse"})
    assert answer.status_code == 302
    key = client.get_cookie("wangge_session").value
    assert client.post("/logout").status_code == 403
    assert client.post("/logout", data={"csrf_token": csrf_token(key)}).status_code == 302


def test_login_goes_only_to_pages_of_ours(session, planner, client):
    given = {"name": "planner", "password": "correct horse", "next": "//elsewhere.example/x"}
    assert client.post("/login", data=given).headers["Location"] == "/"


def test_tokens_expire_and_carry_their_crs(session, client):
    at = clock.now()
    key = actions.create_token(
        session, name="t", scopes=("plan_read",), crs="gcj02", by=audit.OPERATOR, at=at
    )
    old = actions.create_token(
        session, name="o", scopes=(), expires_at=at - timedelta(days=1), by=audit.OPERATOR, at=at
    )
    session.flush()
    assert client.get("/api/v1/plans", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    assert client.get("/api/v1/hello", headers={"Authorization": f"Bearer {old}"}).status_code == 401
    assigned = client.get("/api/v1/assign?lon=116&lat=32", headers={"Authorization": f"Bearer {key}"})
    assert assigned.json["declared"]["crs"] == "gcj02"
