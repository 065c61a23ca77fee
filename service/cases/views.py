"""Reports over HTTP."""

from hashlib import sha256
from typing import Any

import msgspec
from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel, Field

from service import clock
from service.assignment.in_force import IN_FORCE
from service.cases import actions, queries
from service.cases.intake import ReportBody, sorted_out
from service.db import Session
from service.errors import Invalid, Malformed, TooLarge, UnsupportedMedia
from service.http import json_response, query
from service.openapi import takes
from service.people.guards import principal, requires
from service.people.permissions import Permission

bp = APIBlueprint("cases", __name__)
MOST_REPORTS = 20_000
LONGEST_KEY = 200
_decode = msgspec.json.Decoder().decode


class ReportsQuery(BaseModel):
    """The coordinate system of reports that name none."""

    crs: str | None = Field(None, max_length=10_000)


@bp.post("/api/v1/reports")
@requires(Permission.REPORT_SEND)
@takes(query=ReportsQuery, body=ReportBody, many=True, headers={"Idempotency-Key": LONGEST_KEY})
@bp.doc(summary="Send one report or a list of them", tags=["reports"])
def send() -> Response:
    """File one report, or a list of reports all or none; answers each with its grid and edition."""
    if request.mimetype != "application/json":
        raise UnsupportedMedia(f"{request.mimetype or 'no media type'} is not read here: application/json.")
    crs = query(ReportsQuery).crs or principal().crs
    raw = request.get_data(cache=False)
    given = _parsed(raw)
    single = not isinstance(given, list)
    records = [given] if single else given
    if not records or len(records) > MOST_REPORTS:
        raise (TooLarge if records else Invalid)(f"Send 1 to {MOST_REPORTS} reports at a time.")
    at = clock.now()
    profile = IN_FORCE.profile
    reports, bad = sorted_out(records, profile=profile, crs=crs, at=at)
    if bad:
        raise actions.refused(bad, single=single)
    key, by = _key(), principal().actor
    with Session.begin() as session:
        if key is None:
            ids = [one.id for one in actions.file_reports(session, reports, by=by, at=at)]
        else:
            body_hash = sha256(f"{crs}\n".encode() + raw).digest()
            ids = actions.file_once(session, reports, key=key, body_hash=body_hash, by=by, at=at)
        shown = queries.filed(session, ids, profile.geographic_crs)
    return json_response(shown[0] if single else {"reports": shown}, 201)


def _parsed(raw: bytes) -> Any:
    try:
        return _decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise Malformed(f"The body is not JSON: {error}") from error


def _key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= LONGEST_KEY or not key.isprintable():
        raise Invalid(f"Idempotency-Key must be 1 to {LONGEST_KEY} printable characters.")
    return key
