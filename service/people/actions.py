"""Writes of people: accounts and their roles, log-in with lockout, tokens."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from geo.crs import parse_crs
from service import audit
from service.city import queries as city
from service.errors import CONSTRAINTS, Conflict, Invalid, NotFound
from service.people import passwords, queries
from service.people.keys import key_hash, new_key
from service.people.models import ApiToken, LoginSession, Person, RoleGrant
from service.people.permissions import ADMINISTRATORS, ROLES, Permission

MOST_PER_MINUTE = 1_000_000
TRIES = 5
LOCK = timedelta(minutes=15)
SESSION_LIFE = timedelta(hours=12)

_TAKEN = "That login name is taken."
_APART = "System, security and audit administrator must be three different persons."
CONSTRAINTS["uq_person_name"] = (Conflict, _TAKEN)
CONSTRAINTS["uq_role_grant_one_administrator"] = (Conflict, _APART)


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
    """Add an account with one role; gives the password. May raise Invalid, Conflict, NotFound."""
    _check([(role, district)])
    login = queries.login_name(name)
    if not login or not login.isprintable():
        raise Invalid("A login name has at least one letter and nothing that can't be printed.", field="name")
    if queries.find_person(session, login) is not None:
        raise Conflict(_TAKEN)
    password = password if password is not None else passwords.generate()
    person = Person(
        name=login,
        display_name=display_name or name.strip(),
        password_hash=passwords.hashed(password),
        is_active=True,
        failed_count=0,
        created_at=at,
    )
    session.add(person)
    session.flush()  # the grant needs the person's number
    (grant,) = _grant(session, person, [(role, district)])
    audit.record(
        session, by=by, at=at, verb="added", thing=("person", login), district_id=grant.district_id, role=role
    )
    return password


def set_roles(
    session: Session,
    *,
    name: str,
    roles: Sequence[tuple[str, str | None]],
    by: audit.Actor,
    at: datetime,
) -> None:
    """Give a person just these roles, by district or city-wide. May raise Invalid, Conflict, NotFound."""
    _check(roles)
    person = queries.get_person(session, name, lock=True)
    before = sorted(grant.role for grant in person.grants)
    session.execute(delete(RoleGrant).where(RoleGrant.person_id == person.id))
    _grant(session, person, roles)
    session.expire(person, ["grants"])
    audit.record(
        session,
        by=by,
        at=at,
        verb="gave roles",
        thing=("person", person.name),
        before=before,
        after=sorted(role for role, _ in roles),
    )


def _check(roles: Sequence[tuple[str, str | None]]) -> None:
    for role, _ in roles:
        if role not in ROLES:
            raise Invalid(f"There is no role {role!r}. Known: {', '.join(ROLES)}.", field="role")
    if sum(role in ADMINISTRATORS for role, _ in roles) > 1:
        raise Conflict(_APART)


def _grant(session: Session, person: Person, roles: Sequence[tuple[str, str | None]]) -> list[RoleGrant]:
    grants = []
    for role, district in dict.fromkeys(roles):
        place = city.get_district(session, district).id if district is not None else None
        grants.append(RoleGrant(person_id=person.id, role=role, district_id=place))
    session.add_all(grants)
    session.flush()  # so that the constraints speak here
    return grants


def log_in(session: Session, *, name: str, password: str, at: datetime) -> str | None:
    """Let a person in: the key of the new session, or None; every refusal looks and lasts the same."""
    person = queries.find_person(session, name, lock=True)
    right = passwords.matches(person.password_hash if person is not None else None, password)
    if (
        person is None
        or not person.is_active
        or (person.locked_until is not None and person.locked_until > at)
    ):
        return None
    if not right:
        _count_failure(session, person, at)
        return None
    person.failed_count, person.locked_until = 0, None
    session.execute(
        delete(LoginSession).where(LoginSession.person_id == person.id, LoginSession.expires_at <= at)
    )
    key = new_key()
    session.add(
        LoginSession(key_hash=key_hash(key), person_id=person.id, created_at=at, expires_at=at + SESSION_LIFE)
    )
    who = audit.Actor("person", str(person.id), person.display_name)
    audit.record(session, by=who, at=at, verb="logged in", thing=("person", person.name))
    return key


def _count_failure(session: Session, person: Person, at: datetime) -> None:
    person.failed_count += 1
    verb = "refused log-in of"
    if person.failed_count >= TRIES:
        person.failed_count, person.locked_until = 0, at + LOCK
        verb = "locked"
    audit.record(session, by=audit.SYSTEM, at=at, verb=verb, thing=("person", person.name))


def log_out(session: Session, *, key: str, by: audit.Actor, at: datetime) -> None:
    """End a browser's session."""
    session.execute(delete(LoginSession).where(LoginSession.key_hash == key_hash(key)))
    audit.record(session, by=by, at=at, verb="logged out", thing=("person", by.id))


def create_token(
    session: Session,
    *,
    name: str,
    scopes: tuple[str, ...],
    crs: str | None = None,
    district: str | None = None,
    expires_at: datetime | None = None,
    per_minute: int | None = None,
    by: audit.Actor,
    at: datetime,
) -> str:
    """Make a token; gives its key, which is kept nowhere. May raise Invalid, NotFound, UnknownCrs."""
    unknown = [scope for scope in scopes if scope not in set(Permission)]
    if unknown:
        raise Invalid(f"There is no scope {unknown[0]!r}. Known: {', '.join(Permission)}.", field="scope")
    if not name.strip() or not name.isprintable():
        raise Invalid("A token needs a name that can be printed.", field="name")
    if expires_at is not None and expires_at <= at:
        raise Invalid("The token would have expired already.", field="expires")
    if per_minute is not None and not 1 <= per_minute <= MOST_PER_MINUTE:
        raise Invalid(f"A quota is from 1 to {MOST_PER_MINUTE} requests a minute.", field="per_minute")
    key = new_key()
    place = city.get_district(session, district).id if district is not None else None
    token = ApiToken(
        name=name,
        key_hash=key_hash(key),
        scopes=sorted(set(scopes)),
        crs=parse_crs(crs).key if crs else None,
        district_id=place,
        created_by=by.name,
        created_at=at,
        expires_at=expires_at,
        per_minute=per_minute,
    )
    session.add(token)
    session.flush()  # the audit row tells tokens of one name apart by number
    audit.record(
        session,
        by=by,
        at=at,
        verb="created",
        thing=("api_token", token.id),
        district_id=place,
        name=name,
        scopes=token.scopes,
        per_minute=per_minute,
    )
    return key


def revoke_token(session: Session, *, name: str, by: audit.Actor, at: datetime) -> int:
    """Revoke every living token of a name; gives how many. May raise NotFound."""
    living = session.scalars(
        select(ApiToken).where(ApiToken.name == name, ApiToken.revoked_at.is_(None)).with_for_update()
    ).all()
    if not living:
        raise NotFound(f"There is no token {name!r} that is not revoked yet.")
    for token in living:
        token.revoked_at = at
        audit.record(
            session,
            by=by,
            at=at,
            verb="revoked",
            thing=("api_token", token.id),
            district_id=token.district_id,
            name=name,
        )
    return len(living)
