"""Writes of the city: its first profile, districts."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import audit
from service.city import queries
from service.city.models import CityProfile, District, Level, Scheme
from service.city.profile import Profile, SchemeProfile


def set_profile(session: Session, profile: Profile, *, by: audit.Actor, at: datetime) -> None:
    """Put a new profile in force; schemes and levels it names for the first time are added."""
    session.add(CityProfile(at=at, by=by.name, body=profile.model_dump()))
    for scheme in profile.schemes:
        if session.scalar(select(Scheme).where(Scheme.code == scheme.code)) is None:
            _add_scheme(session, scheme)
    audit.record(session, by=by, at=at, verb="set", thing=("city_profile", profile.name.get("en", "")))


def _add_scheme(session: Session, scheme: SchemeProfile) -> None:
    row = Scheme(code=scheme.code, name=scheme.name)
    session.add(row)
    session.flush()  # the levels need its number
    for position, level in enumerate(scheme.levels):
        session.add(
            Level(
                scheme_id=row.id,
                position=position,
                code=level.code,
                name=level.name,
                code_pattern=level.code_pattern,
                parent_length=level.parent_length,
            )
        )


def add_district(
    session: Session,
    *,
    code: str,
    name: str,
    platform: str = "",
    phone: str = "",
    by: audit.Actor,
    at: datetime,
) -> District:
    """Add a district. A code that is taken violates uq_district_code."""
    district = District(code=code, name=name, platform=platform, phone=phone)
    session.add(district)
    session.flush()  # callers and the audit row need its number
    audit.record(session, by=by, at=at, verb="added", thing=("district", code), district_id=district.id)
    return district


def found_city(session: Session, profile: Profile, *, by: audit.Actor, at: datetime) -> None:
    """Make an empty installation a city: a profile and its first district. Does nothing where there is one."""
    if queries.is_founded(session):
        return
    set_profile(session, profile, by=by, at=at)
    if profile.first_district is not None:
        add_district(session, **profile.first_district, by=by, at=at)
