"""Errors of the service: sentences in Python, RFC 9457 problem+json on the wire, one table between them."""

import inspect
import re
from typing import Any

from geo import errors as geo_errors
from geo.errors import GeoError


class ServiceError(Exception):
    """The request can't be carried out."""

    def __init__(self, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.members = members


class NotFound(ServiceError):
    """There is no such thing."""


class NotLoggedIn(ServiceError):
    """A login or a token is needed."""


class NotAllowed(ServiceError):
    """You may not do that."""


class CrossSiteRequest(ServiceError):
    """The request does not come from our own page."""


class Malformed(ServiceError):
    """The request can't be read."""


class Invalid(ServiceError):
    """Some fields are not right."""


class Conflict(ServiceError):
    """The state of things does not allow this."""


class VersionMismatch(ServiceError):
    """Somebody changed it meanwhile."""


class TooLarge(ServiceError):
    """The body is too large."""


class UnsupportedMedia(ServiceError):
    """The body's media type is not one we read."""


class NotReady(ServiceError):
    """The service is not ready."""


class TooManyTries(ServiceError):
    """There were too many tries."""


class QuotaSpent(ServiceError):
    """The token has asked as often as it may in a minute."""


class Busy(ServiceError):
    """The service has its hands full."""


STATUS: dict[type[Exception], int] = {
    Malformed: 400,
    NotLoggedIn: 401,
    NotAllowed: 403,
    CrossSiteRequest: 403,
    NotFound: 404,
    Conflict: 409,
    VersionMismatch: 412,
    TooLarge: 413,
    UnsupportedMedia: 415,
    Invalid: 422,
    TooManyTries: 429,
    QuotaSpent: 429,
    Busy: 429,
    NotReady: 503,
    GeoError: 422,
    geo_errors.UnsafeArchive: 422,
    geo_errors.IndexNotSaved: 507,
}

CONSTRAINTS: dict[str, tuple[type[ServiceError], str]] = {}
"""Database constraint name -> the error and sentence it means; each feature adds its own."""


def status_of(error: Exception) -> int:
    """Give the HTTP status of an error: its own or that of its nearest base."""
    return next((STATUS[base] for base in type(error).__mro__ if base in STATUS), 500)


def kebab(name: str) -> str:
    """Turn a class name into the last part of a problem type: ``CrsNotDeclared`` -> ``crs-not-declared``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def title_of(kind: type[Exception]) -> str:
    """Give the title of an error class: the first line of its docstring."""
    return (inspect.getdoc(kind) or kind.__name__).splitlines()[0]


def as_problem(error: ServiceError | GeoError) -> dict[str, Any]:
    """Give the RFC 9457 members of an error."""
    kind = type(error)
    return {
        "type": f"/problems/{kebab(kind.__name__)}",
        "title": title_of(kind),
        "status": status_of(error),
        "detail": error.detail,
        **error.members,
    }


def all_problems() -> list[type[Exception]]:
    """List every error class that can appear as a problem, sorted by name."""
    found: set[type[Exception]] = set()
    waiting: list[type[Exception]] = [ServiceError, GeoError]
    while waiting:
        kind = waiting.pop()
        found.add(kind)
        waiting.extend(kind.__subclasses__())
    return sorted(found, key=lambda kind: kind.__name__)
