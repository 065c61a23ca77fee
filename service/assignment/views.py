"""The look-up over HTTP: one position or many, and the map page."""

from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from apiflask import APIBlueprint
from flask import Response, render_template, request
from pydantic import BaseModel, Field

from geo.crs import Crs, parse_crs
from geo.errors import MalformedPoints, UnknownCrs
from service.assignment import addresses
from service.assignment.answers import Question, answer_one
from service.assignment.batch import not_on_earth, read_row
from service.assignment.in_force import IN_FORCE
from service.assignment.page import page_config
from service.errors import Invalid
from service.http import arguments, json_response, language, lookup, mounted_at, raw_json
from service.openapi import takes
from service.people.guards import ANONYMOUS, principal
from service.people.permissions import Permission

bp = APIBlueprint("assignment", __name__)
_decode = msgspec.json.Decoder().decode


@bp.get("/map")
@lookup
def map_page() -> str:
    """Show the map with the look-up panel."""
    return render_template("map.html", config=page_config())


class AssignQuery(BaseModel):
    """What may be asked of one position; read by hand, since this route is the hot one."""

    lon: float | None = None
    lat: float | None = None
    address: str | None = Field(None, min_length=1, max_length=200)
    crs: str | None = None
    accuracy_m: float | None = Field(None, ge=0)
    at: str | None = None
    level: str | None = None
    scheme: str | None = None


@bp.get("/api/v1/assign")
@lookup
@takes(query=AssignQuery)
@bp.doc(summary="Find the grid that answers for a position", tags=["assignment"])
def assign() -> Response:
    """Answer one position."""
    given = arguments()
    if "address" in given:
        return _assign_address(given["address"])
    row = read_row(given.get("lon"), given.get("lat"), given.get("accuracy_m"))
    if row.error:
        field = next((name for name in ("lon", "lat", "accuracy_m") if name[:3] in row.error), "lon")
        raise Invalid(f"lon, lat: {row.error}", errors=[{"pointer": f"/{field}", "detail": row.error}])
    question, crs = _question(given), _crs(given.get("crs"))
    try:
        return raw_json(answer_one(IN_FORCE, question, crs, (row.x, row.y), row.accuracy_m))
    except MalformedPoints as error:
        detail = not_on_earth(row.x, row.y, crs)
        raise Invalid(detail, errors=[{"pointer": "/lon", "detail": detail}]) from error


def _assign_address(address: str) -> Response:
    """Answer for the one place an address means; the position is the city's own, so no `crs` is needed."""
    if {"lon", "lat"} & request.args.keys():
        _refuse("address", "Send an address, or lon and lat, not both.")
    found = addresses.located(address)
    row = read_row(found.lon, found.lat, request.args.get("accuracy_m"))
    if row.error:
        _refuse("accuracy_m", row.error)
    told = answer_one(IN_FORCE, _question(), parse_crs("cgcs2000"), (row.x, row.y), row.accuracy_m)
    return json_response({**_decode(told), "declared": {"address": address}, "place": found.place})


def _crs(given: Any = None) -> Crs:
    text = given or request.args.get("crs") or principal().crs
    if not isinstance(text, str) or not text:
        choices = ", ".join(IN_FORCE.profile.crs_choices)
        detail = f"Say the coordinate system: crs={choices} or EPSG:n."
        raise Invalid(detail, errors=[{"pointer": "/crs", "detail": detail}])
    try:
        return parse_crs(text)
    except UnknownCrs as error:
        raise Invalid(error.detail, errors=[{"pointer": "/crs", "detail": error.detail}]) from error


def _question(given: Mapping[str, str] | None = None) -> Question:
    given = arguments() if given is None else given
    answered_at = IN_FORCE.now()  # first of all: a process that heard nothing yet knows no scheme either
    scheme_id = IN_FORCE.scheme_id(given.get("scheme"))
    if scheme_id is None:
        _refuse("scheme", f"There is no scheme {given.get('scheme')!r}.")
    level = given.get("level")
    if level is not None and level not in IN_FORCE.levels[scheme_id]:
        _refuse("level", f"There is no level {level!r}. Known: {', '.join(IN_FORCE.levels[scheme_id])}.")
    profile, who = IN_FORCE.profile, principal()
    return Question(
        scheme_id=scheme_id,
        moment=(moment(given["at"], profile.time_zone) or answered_at) if "at" in given else answered_at,
        answered_at=answered_at,
        locale=language(profile.locale, given.get("locale")),
        contacts=who is not ANONYMOUS and who.may(Permission.CONTACT_READ),
        level=level,
        root=mounted_at(),
    )


def moment(text: str | None, time_zone: str) -> datetime | None:
    """Read a date (its midnight in the city) or a time with offset. May raise Invalid."""
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
        if read.tzinfo is None:
            zone = ZoneInfo(time_zone)
            read = datetime.combine(read.date(), read.time() if len(text) > 10 else time(), zone)
        read.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        _refuse(
            "at",
            f"{text[:40]!r} is not a date or time such as 2026-03-01 or 2026-03-01T08:00:00+08:00.",
            error,
        )
    return read


def _refuse(field: str, detail: str, cause: Exception | None = None) -> Any:
    raise Invalid(detail, errors=[{"pointer": f"/{field}", "detail": detail}]) from cause
