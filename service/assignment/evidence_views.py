"""Evidence over HTTP: a link under which an answer is computed again and compared, as page, JSON and PDF."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from apiflask import APIBlueprint
from flask import Response, render_template, request, url_for
from flask_babel import get_locale
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session as OrmSession

from geo.crs import Crs, parse_crs
from geo.errors import MalformedPoints, UnknownCrs
from service.assignment.batch import not_on_earth, read_row
from service.assignment.evidence_then import Recomputed, recompute
from service.assignment.in_force import IN_FORCE
from service.assignment.question import Question
from service.assignment.sheet import Sheet, Subject, sheet_of
from service.assignment.sheet_pdf import pdf_of
from service.assignment.views import moment
from service.db import Session
from service.errors import Invalid
from service.http import lookup, raw_json
from service.openapi import takes
from service.people.guards import principal
from service.people.permissions import Permission

bp = APIBlueprint("evidence", __name__)
CHECKSUM_LENGTH = 64


class EvidenceQuery(BaseModel):
    """What was asked, when it was answered, and the checksum that the answer had."""

    lon: float
    lat: float
    crs: str | None = Field(None, max_length=1000)
    accuracy_m: float | None = Field(None, ge=0)
    scheme: str | None = Field(None, max_length=100)
    at: str | None = Field(None, max_length=40)
    as_of: str | None = Field(None, max_length=40)
    checksum: str | None = Field(None, max_length=CHECKSUM_LENGTH)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the link has it, read."""

    question: Question
    crs: Crs
    declared: tuple[float, float]
    accuracy_m: float  # NaN where none was stated
    checksum: str | None


@bp.get("/evidence")
@lookup
@bp.doc(hide=True)
def evidence_page() -> str:
    """Show an answer computed again, beside the checksum of the link, as a sheet to print."""
    asked = _asked()
    with Session() as session:
        again = _again(session, asked)
        sheet = _sheet(session, asked, again)
    link = sheet.link.removeprefix(request.host_url.rstrip("/"))
    return render_template(
        "evidence.html",
        sheet=sheet,
        given=asked.checksum,
        checksum=again.checksum,
        pdf=url_for("evidence.sheet_pdf") + "?" + link.partition("?")[2],
        on_map=url_for(
            "assignment.map_page",
            q=f"{asked.declared[0]!r}, {asked.declared[1]!r}",
            crs=asked.crs.key,
            at=asked.question.moment.isoformat(),
            accuracy_m=None if asked.accuracy_m != asked.accuracy_m else f"{asked.accuracy_m:g}",
        ),
        core=json.dumps(json.loads(again.core), ensure_ascii=False, indent=1),
    )


@bp.get("/evidence.pdf")
@lookup
@bp.doc(hide=True)
def sheet_pdf() -> Response:
    """Give the sheet as PDF."""
    asked = _asked()
    with Session() as session:
        sheet = _sheet(session, asked, _again(session, asked))
    made = pdf_of(render_template("sheet_pdf.html", sheet=sheet))
    name = quote(f"网格归属认定单-{sheet.number}.pdf")
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f"inline; filename=\"{sheet.number}.pdf\"; filename*=UTF-8''{name}",
    }
    return Response(made, mimetype="application/pdf", headers=headers)


@bp.get("/api/v1/evidence")
@lookup
@takes(query=EvidenceQuery)
@bp.doc(summary="Compute an old answer again and compare its checksum", tags=["assignment"])
def evidence() -> Response:
    """Give the core of the answer as of then, its checksum, whether it is that of the link, and the answer.

    `checksum` is the SHA-256 of the bytes of `core` as they stand here.
    """
    asked = _asked()
    with Session() as session:
        again = _again(session, asked)
    equal = {None: b"null", True: b"true", False: b"false"}[_is_equal(asked, again)]
    given = b"null" if asked.checksum is None else json.dumps(asked.checksum).encode()
    return raw_json(
        b'{"core":%b,"checksum":"%b","given_checksum":%b,"is_equal":%b,"answer":%b}'
        % (again.core, again.checksum.encode(), given, equal, again.answer)
    )


def _is_equal(asked: Asked, again: Recomputed) -> bool | None:
    return None if asked.checksum is None else asked.checksum == again.checksum


def _again(session: OrmSession, asked: Asked) -> Recomputed:
    """Compute the answer as of then. May raise Invalid."""
    try:
        return recompute(IN_FORCE, session, asked.question, asked.crs, asked.declared, asked.accuracy_m)
    except MalformedPoints as error:
        row = read_row(*asked.declared)
        detail = not_on_earth(row.x, row.y, asked.crs)
        raise _wrong("lon", detail) from error


def _sheet(session: OrmSession, asked: Asked, again: Recomputed) -> Sheet:
    answer = json.loads(again.answer)
    question = asked.question
    subject = Subject(
        answer=answer,
        checksum=again.checksum,
        accuracy_m=None if asked.accuracy_m != asked.accuracy_m else asked.accuracy_m,
        at=question.moment,
        as_of=question.answered_at,
        link=_absolute(answer["evidence"]["href"]),
        snapshots=again.snapshots,
        ruling=again.ruling,
        tells_persons=question.contacts,
    )
    return sheet_of(session, subject, IN_FORCE.profile, question.locale)


def _absolute(href: str) -> str:
    return f"{request.scheme}://{request.host}{href}"


def _asked() -> Asked:
    """Read the link. May raise Invalid."""
    given = request.args
    row = read_row(given.get("lon"), given.get("lat"), given.get("accuracy_m"))
    if row.error:
        field = {"x": "lon", "y": "lat"}.get(row.error[:1], "accuracy_m")
        raise _wrong(field, row.error)
    now = IN_FORCE.now()
    zone = IN_FORCE.profile.time_zone
    as_of = _moment("as_of", given.get("as_of"), zone) or now
    if as_of > now:
        raise _wrong("as_of", "as_of lies in the future: what will be answered then is not known yet.")
    scheme_id = IN_FORCE.scheme_id(given.get("scheme"))
    if scheme_id is None:
        raise _wrong("scheme", f"There is no scheme {given.get('scheme')!r}.")
    question = Question(
        scheme_id=scheme_id,
        moment=_moment("at", given.get("at"), zone) or as_of,
        answered_at=as_of,
        locale=str(get_locale() or IN_FORCE.profile.locale),
        contacts=principal().may(Permission.CONTACT_READ),
        root=request.script_root,
    )
    checksum = given.get("checksum", "").strip().lower()[:CHECKSUM_LENGTH] or None
    return Asked(question, _crs(given.get("crs")), (row.x, row.y), row.accuracy_m, checksum)


def _moment(field: str, text: str | None, zone: str) -> datetime | None:
    try:
        return moment(text or None, zone)
    except Invalid as error:
        raise _wrong(field, error.detail) from error


def _crs(text: str | None) -> Crs:
    text = text or principal().crs
    if not text:
        choices = ", ".join(IN_FORCE.profile.crs_choices)
        raise _wrong("crs", f"Say the coordinate system: crs={choices} or EPSG:n.")
    try:
        return parse_crs(text)
    except UnknownCrs as error:
        raise _wrong("crs", error.detail) from error


def _wrong(field: str, detail: str) -> Any:
    return Invalid(detail, errors=[{"pointer": f"/{field}", "detail": detail}])
