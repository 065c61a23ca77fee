"""Tokens and the log of what they asked: an integrator's own lines, and every line for who gives tokens out."""

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from apiflask import APIBlueprint
from flask import Response, render_template, request, url_for
from pydantic import BaseModel, Field
from sqlalchemy import select

from service import clock
from service.city.queries import profile
from service.db import Session
from service.errors import Invalid, NotAllowed, NotFound
from service.http import json_response, lookup, query
from service.openapi import takes
from service.people import token_queries
from service.people.guards import principal, requires
from service.people.models import ApiToken
from service.people.permissions import Permission

bp = APIBlueprint("tokens", __name__)


class LogQuery(BaseModel):
    """What may be asked of the log; `status` is a code such as 422, or 4 for all of 400 to 499."""

    token: str | None = Field(None, max_length=200)
    q: str = Field("", max_length=200)
    status: int | None = Field(None, ge=1, le=599)
    since: datetime | None = None
    until: datetime | None = None
    cursor: str | None = Field(None, max_length=80)
    limit: int = Field(100, ge=1, le=1000)


@bp.get("/api/v1/requests")
@lookup
@takes(query=LogQuery)
@bp.doc(summary="Search the log of what a token asked", tags=["service"])
def requests() -> Response:
    """Answer a token with its own lines, and who gives tokens out with everybody's."""
    wanted = query(LogQuery)
    with Session() as session:
        lines = _lines(session, wanted)
    more = len(lines) > wanted.limit
    lines = lines[: wanted.limit]
    answer: dict[str, Any] = {"requests": [token_queries.line_json(*one) for one in lines]}
    if more:
        last = lines[-1][0]
        given = {**request.args.to_dict(), "cursor": f"{last.at.isoformat()}_{last.number}"}
        answer["links"] = [{"rel": "next", "href": url_for("tokens.requests", **given)}]
    return json_response(answer)


def _lines(session: Any, wanted: LogQuery) -> list[Any]:
    return token_queries.requests(
        session,
        token_ids=_tokens_of_asker(session, wanted.token),
        text=_printable(wanted.q),
        status=wanted.status,
        since=_zoned(wanted.since, "since"),
        until=_zoned(wanted.until, "until"),
        before=_cursor(wanted.cursor),
        limit=wanted.limit + 1,
    )


def _tokens_of_asker(session: Any, name: str | None) -> list[UUID] | None:
    """Give the tokens whose lines the asker may see, None for all. May raise NotAllowed, NotFound."""
    who = principal()
    if who.kind == "token":
        return [UUID(who.id)]
    if not who.may(Permission.TOKEN_EDIT):
        raise NotAllowed("Send the token whose log you want to read: Authorization: Bearer …")
    if not name:
        return None
    found = list(session.scalars(select(ApiToken.id).where(ApiToken.name == _printable(name))))
    if not found:
        raise NotFound(f"There is no token {name!r}.")
    return found


def _printable(given: str) -> str:
    return given.replace("\0", "")


def _zoned(moment: datetime | None, field: str) -> datetime | None:
    if moment is not None and moment.tzinfo is None:
        detail = "a time needs its offset, such as 2026-03-01T08:00:00+08:00"
        raise Invalid(f"{field}: {detail}.", errors=[{"pointer": f"/{field}", "detail": detail}])
    return moment


def _cursor(given: str | None) -> tuple[datetime, int] | None:
    if given is None:
        return None
    moment, _, number = given.partition("_")
    try:
        read = datetime.fromisoformat(moment), int(number)
        if read[0].tzinfo is None or abs(read[1]) > 2**62:
            raise ValueError
    except ValueError as error:
        raise Invalid("cursor: take it from the link rel=next.", field="cursor") from error
    return read


@bp.get("/tokens")
@requires(Permission.TOKEN_EDIT)
@bp.doc(hide=True)
def page() -> str:
    """Show all tokens and search what they asked."""
    given = {name: value for name, value in request.args.items() if value and name in LogQuery.model_fields}
    try:
        wanted = LogQuery.model_validate({**given, "limit": 100})
    except ValueError:
        wanted = LogQuery(limit=100)
    with Session() as session:
        rows = token_queries.tokens(session, at=clock.now())
        names = {one.name for one in rows}
        known = wanted.model_copy(update={"token": wanted.token if wanted.token in names else None})
        lines = _lines(session, known)
        zone = ZoneInfo(profile(session).time_zone)
    return render_template(
        "tokens.html",
        tokens=rows,
        lines=lines,
        wanted=known,
        now=clock.now(),
        local=lambda moment: moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S"),
    )
