"""Roles: by place, and three administrators kept apart."""

from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from service import audit, clock
from service.city import actions as city_actions
from service.city import profile, queries
from service.errors import Conflict, Invalid, NotFound
from service.grids import actions as grids
from service.grids.models import PlanDistrict, Snapshot
from service.people import actions
from service.people import queries as people
from service.people.guards import COOKIE, of_person
from service.people.keys import csrf_token
from service.people.models import RoleGrant
from service.people.permissions import ADMINISTRATORS, ROLES, Permission

DEED = {"by": audit.SYSTEM, "at": clock.now()}
OWN_PLAN, FOREIGN_PLAN = "own", "foreign"


@pytest.fixture
def plans(session, planner):
    """Make one plan in the planner's district and one in the first."""
    first = next(one for one in queries.list_districts(session) if one.id != planner.id)
    for name, place in ((OWN_PLAN, planner), (FOREIGN_PLAN, first)):
        plan = grids.create_plan(session, name, queries.get_scheme(session), base="empty", **DEED)
        session.flush()
        content = Snapshot(id=uuid4(), district_id=place.id, scheme_id=plan.scheme_id, created_at=clock.now())
        session.add(content)
        session.flush()
        session.add(PlanDistrict(plan_id=plan.id, district_id=place.id, snapshot_id=content.id))
    session.flush()


def test_a_grant_holds_only_in_its_district(session, planner):
    who = of_person(people.get_person(session, "planner"))
    assert who.may(Permission.PLAN_EDIT, planner.id)
    assert who.may(Permission.PLAN_EDIT)
    assert not who.may(Permission.PLAN_EDIT, planner.id + 1)
    assert not who.may(Permission.PERSON_EDIT)


def test_a_planner_edits_and_publishes_only_in_the_own_district(session, plans, browser):
    headers = {"X-CSRF-Token": csrf_token(browser.get_cookie(COOKIE).value)}
    # The own plan is reached and says what it lacks: an edit to undo, somebody's approval.
    for path, sent, own in (("ops", {"kind": "undo"}, 409), ("publish", {}, 409)):
        foreign = browser.post(f"/api/v1/plans/{FOREIGN_PLAN}/{path}", json=sent, headers=headers)
        assert (foreign.status_code, foreign.json["type"]) == (403, "/problems/not-allowed")
        mine = browser.post(f"/api/v1/plans/{OWN_PLAN}/{path}", json=sent, headers=headers)
        assert mine.status_code == own, mine.json


def test_three_administrators_are_three_persons(session, planner):
    for one in ("system", "security"):
        actions.add_person(session, name=one, role=one, district=None, password="12345678", **DEED)
    with pytest.raises(Conflict, match="three different persons"):
        actions.set_roles(session, name="system", roles=[("system", None), ("audit", None)], **DEED)
    person = people.get_person(session, "system")
    session.add(RoleGrant(person_id=person.id, role="audit"))
    with pytest.raises(IntegrityError, match="uq_role_grant_one_administrator"):
        session.flush()  # who goes around the action meets the database


def test_administrators_share_no_permission_with_each_other_or_the_city():
    business = frozenset().union(*(ROLES[role] for role in set(ROLES) - ADMINISTRATORS))
    held = [one for role in ADMINISTRATORS for one in ROLES[role]]
    assert len(held) == len(set(held))
    assert not business & set(held)


def test_set_roles_replaces_them_and_leaves_a_trace(session, planner):
    roles = [("reviewer", planner.code), ("leader", None), ("leader", None)]
    actions.set_roles(session, name="Planner", roles=roles, **DEED)
    grants = people.get_person(session, "planner").grants
    assert {(one.role, one.district_id) for one in grants} == {("reviewer", planner.id), ("leader", None)}
    trace = session.scalars(select(audit.AuditEvent).order_by(audit.AuditEvent.id.desc()).limit(1)).one()
    assert trace.detail == {"before": ["planner"], "after": ["leader", "leader", "reviewer"]}


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"name": "PLANNER"}, Conflict),
        ({"name": "  "}, Invalid),
        ({"name": "a\0b"}, Invalid),
        ({"role": "king"}, Invalid),
        ({"district": "nowhere"}, NotFound),
        ({"password": "1234567"}, Invalid),
        ({"password": "x" * 201}, Invalid),
    ],
)
def test_accounts_that_can_not_be(session, planner, wrong, error):
    given = {"name": "new", "role": "leader", "district": None, "password": "12345678", **wrong}
    with pytest.raises(error):
        actions.add_person(session, **given, **DEED)


def test_accounts_are_shown_only_in_a_demo_city(session, planner):
    assert people.demo_accounts(session) == []
    demo = profile.shipped("cn").model_copy(update={"demo": True})
    city_actions.set_profile(session, demo, **DEED)
    session.flush()
    assert people.demo_accounts(session) == [("planner", "planner", planner.name)]
