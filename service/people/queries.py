"""Reads of people."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.city import queries as city
from service.city.models import District
from service.errors import NotFound
from service.people.models import Person, RoleGrant
from service.people.permissions import ADMINISTRATORS


def login_name(given: str) -> str:
    """Give the form in which a login name is kept."""
    return given.strip().lower()


def find_person(session: Session, name: str, *, lock: bool = False) -> Person | None:
    """Find an account by its login name, however that is capitalised."""
    if "\0" in name:  # no text of PostgreSQL can hold it, so nobody is called so
        return None
    wanted = select(Person).where(Person.name == login_name(name))
    return session.scalar(wanted.with_for_update() if lock else wanted)


def get_person(session: Session, name: str, *, lock: bool = False) -> Person:
    """Find an account by its login name. May raise NotFound."""
    found = find_person(session, name, lock=lock)
    if found is None:
        raise NotFound(f"There is no account {login_name(name)!r}.")
    return found


def demo_accounts(session: Session) -> list[tuple[str, str, str]]:
    """List login name, role and district name (empty: the city) of a demo city's accounts; none of a real one."""
    if not city.profile(session).demo:
        return []
    rows = session.execute(
        select(Person.name, RoleGrant.role, District.name)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .outerjoin(District, District.id == RoleGrant.district_id)
        .where(Person.is_active)
        .order_by(RoleGrant.role.in_(ADMINISTRATORS), Person.name)
        .limit(40)
    )
    return [(name, role, district or "") for name, role, district in rows]


def midnight(session: Session, day: date) -> datetime:
    """Give the moment a day begins in the city."""
    return datetime.combine(day, time(), ZoneInfo(city.profile(session).time_zone))
