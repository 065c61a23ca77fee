"""Who may see and change which part of a plan: a district's planner sees and edits that district only."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from service.errors import NotAllowed
from service.grids import queries
from service.grids.models import Plan, PlanDistrict
from service.people.guards import principal
from service.people.permissions import Permission


def require(permission: Permission, district_id: int) -> None:
    """Refuse who lacks the permission in a district. May raise NotAllowed."""
    if not principal().may(permission, district_id):
        raise NotAllowed("This district is not yours.", district_id=district_id)


def require_all(session: Session, plan: Plan, permission: Permission) -> None:
    """Refuse who lacks the permission in any district of a plan. May raise NotAllowed."""
    for place in queries.plan_districts(session, plan.id):
        require(permission, place.district_id)


def places(session: Session, plan: Plan, permission: Permission) -> list[PlanDistrict]:
    """List the districts of a plan in which the permission is held."""
    found = queries.plan_districts(session, plan.id)
    return [one for one in found if principal().may(permission, one.district_id)]


def readable(session: Session, name: str, *, lock: bool = False) -> Plan:
    """Find a plan of which a part may be seen; an empty plan shows nothing yet. May raise NotFound, NotAllowed."""
    plan = queries.get_plan(session, name, lock=lock)
    if queries.plan_districts(session, plan.id) and not places(session, plan, Permission.PLAN_READ):
        raise NotAllowed("This plan is of a district that is not yours.")
    return plan


def only_seen(session: Session, plans: Sequence[Plan]) -> list[Plan]:
    """Leave out plans of other districts."""
    by_plan = queries.districts_of_plans(session, [one.id for one in plans])
    return [
        one
        for one in plans
        if not by_plan.get(one.id)
        or any(principal().may(Permission.PLAN_READ, place) for place in by_plan[one.id])
    ]
