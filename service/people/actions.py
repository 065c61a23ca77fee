"""Writes of people: accounts, log-in with lockout, tokens."""

import hashlib
import secrets
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from geo.crs import parse_crs
from service import audit
from service.city import queries as city
from service.errors import CONSTRAINTS, Conflict, Invalid, NotLoggedIn, TooManyTries
from service.people.models import ApiToken, LoginSession, Person, RoleGrant
from service.people.permissions import ROLES, Permission

TRIES = 5
LOCK = timedelta(minutes=15)
SESSION_LIFE = timedelta(hours=12)
LEAST_PASSWORD = 8
_hasher = PasswordHasher()
# Checked where the name is unknown, so that the time of an answer does not tell which names exist.
_NOBODY = _hasher.hash(secrets.token_hex())

CONSTRAINTS["uq_person_name"] = (Conflict, "That login name is taken.")
CONSTRAINTS["uq_role_grant_one_administrator"] = (
    Conflict,
    "System, security and audit administrator must be three different persons.",
)


def add_person(
    session: Session,
    *,
    name: str,
    role: str,
    district: str | None,
    password: str | None = None,
    display_name: str | None = None,
    by: audit.Actor,
    at: datetime,
) -> str:
    """Add an account with one role; gives the password. May raise Invalid, NotFound."""
    if role not in ROLES:
        raise Invalid(f"There is no role {role!r}. Known: {', '.join(ROLES)}.", field="role")
    password = password if password is not None else secrets.token_urlsafe(12)
    if len(password) < LEAST_PASSWORD:
        raise Invalid(f"The password needs at least {LEAST_PASSWORD} characters.", field="password")
    place = city.get_district(session, district).id if district is not None else None
    person = Person(
        name=name.strip().lower(),
        display_name=display_name or name.strip(),
        password_hash=_hasher.hash(password),
        is_active=True,
        failed_count=0,
        created_at=at,
    )
    session.add(person)
    session.flush()  # the grant needs the person's number
    session.add(RoleGrant(person_id=person.id, role=role, district_id=place))
    audit.record(
        session, by=by, at=at, verb="added", thing=("person", person.name), district_id=place, role=role
    )
    return password


def log_in(
    session: Session, *, name: str, password: str, at: datetime
) -> tuple[Person | None, str | Exception]:
    """Try to log in: the person and the session's key, or None and the error to raise after the commit."""
    person = session.scalar(select(Person).where(Person.name == name.strip().lower()).with_for_update())
    if person is not None and person.locked_until is not None and person.locked_until > at:
        return None, TooManyTries(
            "Too many wrong passwords; try again in a quarter of an hour.", retry_after=900
        )
    try:
        _hasher.verify(person.password_hash if person is not None else _NOBODY, password)
        right = person is not None and person.is_active
    except VerifyMismatchError:
        right = False
    if person is None or not right:
        _count_failure(session, person, at)
        return None, NotLoggedIn("Name or password is wrong.")
    person.failed_count, person.locked_until = 0, None
    key = secrets.token_urlsafe(32)
    hashed = hashlib.sha256(key.encode()).digest()
    session.add(
        LoginSession(key_hash=hashed, person_id=person.id, created_at=at, expires_at=at + SESSION_LIFE)
    )
    who = audit.Actor("person", str(person.id), person.display_name)
    audit.record(session, by=who, at=at, verb="logged in", thing=("person", person.name))
    return person, key


def _count_failure(session: Session, person: Person | None, at: datetime) -> None:
    if person is None:
        return
    person.failed_count += 1
    if person.failed_count >= TRIES:
        person.failed_count, person.locked_until = 0, at + LOCK
        audit.record(session, by=audit.SYSTEM, at=at, verb="locked", thing=("person", person.name))


def log_out(session: Session, *, key: str, by: audit.Actor, at: datetime) -> None:
    """End a browser's session."""
    session.execute(
        delete(LoginSession).where(LoginSession.key_hash == hashlib.sha256(key.encode()).digest())
    )
    audit.record(session, by=by, at=at, verb="logged out", thing=("person", by.id))


def create_token(
    session: Session,
    *,
    name: str,
    scopes: tuple[str, ...],
    crs: str | None = None,
    district: str | None = None,
    expires_at: datetime | None = None,
    by: audit.Actor,
    at: datetime,
) -> str:
    """Make a token; gives its key, which is kept nowhere. May raise Invalid, UnknownCrs."""
    unknown = [scope for scope in scopes if scope not in set(Permission)]
    if unknown:
        raise Invalid(f"There is no scope {unknown[0]!r}. Known: {', '.join(Permission)}.", field="scope")
    key = secrets.token_urlsafe(32)
    token = ApiToken(
        name=name,
        key_hash=hashlib.sha256(key.encode()).digest(),
        scopes=list(scopes),
        crs=parse_crs(crs).key if crs else None,
        district_id=city.get_district(session, district).id if district else None,
        created_by=by.name,
        created_at=at,
        expires_at=expires_at,
    )
    session.add(token)
    audit.record(session, by=by, at=at, verb="created", thing=("api_token", name), scopes=list(scopes))
    return key
