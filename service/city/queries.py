"""Reads of the city: its profile in force, districts, schemes and levels."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.city.models import CityProfile, District, Level, Scheme
from service.city.profile import Profile
from service.errors import Invalid, NotFound, NotReady


def profile(session: Session) -> Profile:
    """Give the profile in force: the newest row. May raise NotReady."""
    found = session.scalar(select(CityProfile.body).order_by(CityProfile.id.desc()).limit(1))
    if found is None:
        raise NotReady("The city has no profile yet: start the service once.")
    return Profile.model_validate(found)


def is_founded(session: Session) -> bool:
    """Tell whether this installation is a city already."""
    return session.scalar(select(CityProfile.id).limit(1)) is not None


def list_districts(session: Session) -> Sequence[District]:
    """List the districts by code."""
    return session.scalars(select(District).order_by(District.code)).all()


def get_district(session: Session, code: str) -> District:
    """Find a district by its code. May raise NotFound."""
    found = session.scalar(select(District).where(District.code == code))
    if found is None:
        known = ", ".join(f"{one.code} {one.name}" for one in list_districts(session))
        raise NotFound(f"There is no district {code!r}. Known: {known}.")
    return found


def the_district(session: Session, code: str | None) -> District:
    """Find a district by code, or the only one where none is named. May raise NotFound, Invalid."""
    if code is not None:
        return get_district(session, code)
    districts = list_districts(session)
    if len(districts) != 1:
        known = ", ".join(f"{one.code} {one.name}" for one in districts)
        raise Invalid(f"Say which district with --district: {known}.", field="district")
    return districts[0]


def get_scheme(session: Session, code: str | None = None) -> Scheme:
    """Find a scheme by code, or the first. May raise NotFound."""
    wanted = select(Scheme).order_by(Scheme.id)
    if code is not None:
        wanted = wanted.where(Scheme.code == code)
    found = session.scalar(wanted.limit(1))
    if found is None:
        raise NotFound(f"There is no scheme {code!r}.")
    return found


def levels(session: Session, scheme_id: int) -> Sequence[Level]:
    """List the levels of a scheme, coarsest first."""
    return session.scalars(select(Level).where(Level.scheme_id == scheme_id).order_by(Level.position)).all()
