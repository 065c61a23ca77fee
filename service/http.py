"""The web edge that all features share: marks of routes, bodies, answers, problems, request ids, headers."""

import time
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from itertools import count
from secrets import token_hex, token_urlsafe
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
import structlog
from apiflask import APIFlask
from flask import Response, current_app, g, render_template, request
from flask_babel import gettext
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError
from werkzeug.datastructures import LanguageAccept
from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_accept_header

from geo.errors import GeoError
from service import errors, sentences

PUBLIC = "public"
LOOKUP = "look-up"
PROBLEM = "application/problem+json"
LANGUAGES = ("zh", "en")
PAGE_CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:{base_map}; "
    "worker-src 'self' blob:; connect-src 'self'{base_map}; frame-src 'self'; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'self'"
)
View = TypeVar("View", bound=Callable[..., Any])
Model = TypeVar("Model", bound=BaseModel)
_log = structlog.get_logger("http")
# Requests are numbered, not drawn by lot: asking the system for randomness cost more than all other hooks.
_process, _number = token_hex(4), count()
_encode = msgspec.json.Encoder().encode


def public(view: View) -> View:
    """Declare a route open to everybody."""
    view.guard = PUBLIC  # type: ignore[attr-defined]
    return view


def lookup(view: View) -> View:
    """Declare a route open to everybody unless the operator closed anonymous look-ups."""
    view.guard = LOOKUP  # type: ignore[attr-defined]
    return view


def arguments() -> Mapping[str, str]:
    """Give the query string's arguments, the first of each name, as `request.args` has them but faster."""
    raw = request.environ.get("QUERY_STRING", "")
    if "%" in raw or "+" in raw or not raw.isascii():
        return request.args
    given: dict[str, str] = {}
    for part in raw.split("&"):
        if part:
            name, _, value = part.partition("=")
            given.setdefault(name, value)
    return given


def mounted_at() -> str:
    """Give the path the application is mounted under, empty at the root of a host."""
    return request.script_root if request.environ.get("SCRIPT_NAME") else ""


def language(home: str, asked: str | None) -> str:
    """Give the language of the answer: asked for, chosen before, of a caller's client; else the city's."""
    environ = request.environ
    chosen = asked or (request.cookies.get("locale") if "HTTP_COOKIE" in environ else None)
    if chosen in LANGUAGES:
        return chosen
    accepted = environ.get("HTTP_ACCEPT_LANGUAGE")
    return best_language(accepted, home) if accepted and request.path.startswith("/api/") else home


@lru_cache(maxsize=1024)
def best_language(accepted: str, home: str) -> str:
    """Give the language that a client likes best of those we speak."""
    return parse_accept_header(accepted, LanguageAccept).best_match(LANGUAGES, home) or home


def json_response(thing: Any, status: int = 200, mimetype: str = "application/json") -> Response:
    """Answer with JSON."""
    return Response(_encode(thing), status=status, mimetype=mimetype)


def raw_json(encoded: bytes) -> Response:
    """Answer with JSON that is encoded already."""
    return Response(encoded, mimetype="application/json")


def body(model: type[Model]) -> Model:
    """Read the request's JSON body. May raise Malformed, Invalid."""
    try:
        return model.model_validate_json(request.get_data(cache=False) or b"null")
    except ValidationError as found:
        raise invalid(found) from found


def query(model: type[Model]) -> Model:
    """Read the request's query string. May raise Invalid."""
    try:
        return model.model_validate(request.args.to_dict())
    except ValidationError as found:
        raise invalid(found) from found


def invalid(found: ValidationError) -> errors.ServiceError:
    """Turn what pydantic found into our error, one pointer a field."""
    listed = [
        {"pointer": "/" + "/".join(str(part) for part in one["loc"]), "detail": one["msg"]}
        for one in found.errors(include_url=False, include_input=False)[:100]
    ]
    if any(one["type"] == "json_invalid" for one in found.errors(include_url=False, include_input=False)):
        return errors.Malformed("The body is not JSON: " + listed[0]["detail"])
    return errors.Invalid(
        "; ".join(f"{one['pointer']}: {one['detail']}" for one in listed[:3]), errors=listed
    )


def init_app(app: APIFlask) -> None:
    """Register the hooks and error answers on the application."""
    app.before_request(_begin)
    app.after_request(_finish)
    for kind in (errors.ServiceError, GeoError):
        app.register_error_handler(kind, problem)
    app.register_error_handler(DBAPIError, _database_problem)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(Exception, _unexpected)


def problem(error: errors.ServiceError | GeoError) -> Response:
    """Answer with problem+json, or with a page where a person's browser asks."""
    return _answer(sentences.problem(errors.as_problem(error)))


def _begin() -> None:
    g.began = time.perf_counter()
    g.request_id = request.headers.get("X-Request-Id", "")[:64] or f"{_process}{next(_number):08x}"


def _finish(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("X-Request-Id", g.request_id)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    if response.mimetype == "text/html":
        headers.setdefault("Content-Security-Policy", _page_csp(current_app.config["WANGGE"].tile_url))
        headers.setdefault("X-Frame-Options", "SAMEORIGIN")
        headers.setdefault("Cache-Control", "no-store")
    _log.debug(
        "request",
        method=request.method,
        path=request.path,
        status=response.status_code,
        ms=round((time.perf_counter() - g.began) * 1000, 2),
        request_id=g.request_id,
    )
    return response


@cache
def _page_csp(tile_url: str) -> str:
    """Allow our own host, and that of the base map where the operator named one."""
    parts = urlsplit(tile_url)
    return PAGE_CSP.format(base_map=f" {parts.scheme}://{parts.netloc}" if parts.netloc else "")


def _answer(members: dict[str, Any]) -> Response:
    members.setdefault("request_id", g.get("request_id", ""))
    status = members["status"]
    if not request.path.startswith("/api/") and request.accept_mimetypes.accept_html:
        response = Response(
            render_template("error.html", problem=members), status=status, mimetype="text/html"
        )
    else:
        response = json_response(members, status, PROBLEM)
    if status in (429, 503):
        response.headers["Retry-After"] = str(members.get("retry_after", 1))
    return response


def _http_problem(error: HTTPException) -> Response:
    if error.code is not None and error.code < 400:
        return error.get_response()  # type: ignore[return-value]
    members = {
        "type": "about:blank",
        "title": error.name,
        "status": error.code or 500,
        "detail": error.description,
    }
    response = _answer(sentences.problem(members))
    if error.code == 405 and getattr(error, "valid_methods", None):
        response.headers["Allow"] = ", ".join(error.valid_methods)  # type: ignore[attr-defined]
    return response


def _database_problem(error: DBAPIError) -> Response:
    if isinstance(error, DataError):
        # A value PostgreSQL can't hold, such as a text with a NUL character, came from the request.
        return problem(errors.Invalid("A value can't be stored: it holds a character that is not allowed."))
    if isinstance(error, OperationalError) or error.connection_invalidated:
        _log.warning("database away", error=str(error.orig))
        return problem(
            errors.NotReady("The database does not answer just now. Nothing was changed; try again.")
        )
    name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    if isinstance(error, IntegrityError) and name is not None:
        kind, sentence = errors.CONSTRAINTS.get(name, (errors.Conflict, "This contradicts what is stored."))
        return problem(kind(sentence, constraint=name))
    return _unexpected(error)


def _unexpected(error: Exception) -> Response:
    _log.exception("unexpected", request_id=g.get("request_id"), exc_info=error)
    sentence = gettext(
        "Something went wrong on our side. Nothing was changed. Tell the operator the request number."
    )
    return _answer({"type": "about:blank", "title": "Internal error", "status": 500, "detail": sentence})


def new_key() -> str:
    """Make a secret that nobody can guess."""
    return token_urlsafe(32)
