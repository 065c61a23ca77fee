"""Who asks, and whether they may: every request is identified, every route is guarded or declared public."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from apiflask import APIFlask
from flask import Response, current_app, g, request
from sqlalchemy import select

from service import clock
from service.audit import Actor
from service.db import Session
from service.errors import CrossSiteRequest, NotAllowed, NotLoggedIn
from service.http import LOOKUP, PUBLIC
from service.people.keys import csrf_token, is_csrf_token, key_hash
from service.people.models import ApiToken, LoginSession, Person
from service.people.permissions import ROLES, Permission
from service.people.usage import USAGE, Line

COOKIE = "wangge_session"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
TOKEN_SECONDS = 5.0  # a revoked token is refused after at most so long
View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever sends a request. A grant is a permission and the district it holds in, None for the city."""

    kind: str
    id: str
    name: str
    grants: frozenset[tuple[Permission, int | None]] = frozenset()
    roles: tuple[str, ...] = ()
    crs: str | None = None
    locale: str | None = None
    per_minute: int | None = None

    @property
    def actor(self) -> Actor:
        """Give the name under which deeds are recorded."""
        return Actor(self.kind, self.id, self.name)

    def may(self, permission: Permission, district_id: int | None = None) -> bool:
        """Tell whether the permission is held in the district, or anywhere where none is asked about."""
        if district_id is None:
            return any(one is permission for one, _ in self.grants)
        return (permission, None) in self.grants or (permission, district_id) in self.grants


ANONYMOUS = Principal("anonymous", "anonymous", "anonymous")
_tokens: dict[bytes, tuple[float, Principal]] = {}


def requires(permission: Permission) -> Callable[[View], View]:
    """Guard a route: only who holds the permission somewhere comes in; actions check the place."""

    def mark(view: View) -> View:
        view.guard = permission  # type: ignore[attr-defined]
        return view

    return mark


def principal() -> Principal:
    """Give whoever sends this request."""
    return g.get("principal", ANONYMOUS)


def init_app(app: APIFlask) -> None:
    """Identify and guard every request."""
    app.before_request(_identify)
    app.before_request(_guard)
    app.after_request(_note)


def opens(endpoint: str) -> bool:
    """Tell whether a page exists and opens to whoever asks, at the latest after logging in."""
    guard = getattr(current_app.view_functions.get(endpoint), "guard", None)
    if guard in (PUBLIC, LOOKUP):
        return True
    return isinstance(guard, Permission) and (principal().kind == "anonymous" or principal().may(guard))


def _identify() -> None:
    authorization = request.headers.get("Authorization")
    if authorization is not None:
        g.principal = _bearer(authorization)
        g.quota_left = USAGE.admit(g.principal.id, g.principal.per_minute, clock.now())
        return
    key = request.cookies.get(COOKIE)
    if key is None:
        g.principal = ANONYMOUS
        return
    g.principal = _of_session(key)
    g.csrf_token = csrf_token(key)
    # Logging in again acts for nobody yet: the form may come from before the session.
    entrance = request.endpoint == "people.login"
    if g.principal.kind == "person" and request.method not in SAFE_METHODS and not entrance:
        _refuse_cross_site(key)


def _note(response: Response) -> Response:
    """Put what a token asked into the log, refusals too."""
    who = g.get("principal", ANONYMOUS)
    if who.kind != "token":
        return response
    if who.per_minute is not None:
        response.headers["RateLimit-Limit"] = str(who.per_minute)
        response.headers["RateLimit-Remaining"] = str(g.get("quota_left", 0))
    ms = (time.perf_counter() - g.began) * 1000
    query = request.query_string.decode("latin-1")
    asked = (g.request_id, request.method, request.path, query, response.status_code, ms)
    USAGE.note(Line(who.id, clock.now(), *asked))
    return response


def _guard() -> None:
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None:
        return
    guard = getattr(view, "guard", None)
    if guard == PUBLIC:
        return
    if guard == LOOKUP and (current_app.config["WANGGE"].anonymous or principal().kind != "anonymous"):
        return
    if principal().kind == "anonymous":
        raise NotLoggedIn("Log in, or send a token: Authorization: Bearer …")
    if guard == LOOKUP:
        return
    if not isinstance(guard, Permission) or not principal().may(guard):
        raise NotAllowed("Your role does not include this.", permission=str(guard or "none"))


def is_cross_site() -> bool:
    """Tell whether another site's page sent this, as far as the browser says."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    # Browsers leave Sec-Fetch-Site out on plain HTTP, and old ones always.
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != request.host


def _refuse_cross_site(key: str) -> None:
    given = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token") or ""
    if is_cross_site() or not is_csrf_token(given, key):
        raise CrossSiteRequest("Load the page again and repeat; nothing was changed.")


def _bearer(authorization: str) -> Principal:
    scheme, _, key = authorization.partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise NotLoggedIn("Authorization must be: Bearer …")
    hashed = key_hash(key.strip())
    known = _tokens.get(hashed)
    if known is None or known[0] < time.monotonic():
        known = (time.monotonic() + TOKEN_SECONDS, _of_token(hashed))
        if len(_tokens) > 10_000:
            _tokens.clear()
        _tokens[hashed] = known
    return known[1]


def _of_token(hashed: bytes) -> Principal:
    with Session() as session:
        token = session.scalar(select(ApiToken).where(ApiToken.key_hash == hashed))
    if token is None or token.revoked_at is not None:
        raise NotLoggedIn("The token is not known or was revoked.")
    if token.expires_at is not None and token.expires_at <= clock.now():
        raise NotLoggedIn("The token has expired.")
    grants = frozenset((Permission(scope), token.district_id) for scope in token.scopes)
    return Principal("token", str(token.id), token.name, grants, crs=token.crs, per_minute=token.per_minute)


def _of_session(key: str) -> Principal:
    with Session() as session:
        person = session.scalar(
            select(Person)
            .join(LoginSession, LoginSession.person_id == Person.id)
            .where(
                LoginSession.key_hash == key_hash(key),
                LoginSession.expires_at > clock.now(),
                Person.is_active,
            )
        )
    return ANONYMOUS if person is None else of_person(person)


def of_person(person: Person) -> Principal:
    """Give the principal a person acts as."""
    grants = frozenset((one, grant.district_id) for grant in person.grants for one in ROLES[grant.role])
    roles = tuple(grant.role for grant in person.grants)
    return Principal("person", str(person.id), person.display_name, grants, roles, locale=person.locale)
