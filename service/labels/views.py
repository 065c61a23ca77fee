"""Checks over HTTP: a history up, columns chosen, progress, the figures, the rows behind each, files to take along."""

from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote
from uuid import UUID

import msgspec
from apiflask import APIBlueprint
from flask import Response, current_app, request, url_for
from flask_babel import get_locale
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from werkzeug.utils import secure_filename

from service import clock, jobs
from service.assignment.in_force import IN_FORCE
from service.city.models import District
from service.db import Session
from service.errors import Conflict, Invalid
from service.http import body, json_response, query
from service.labels import editions, keeping, opening, sheets, wording
from service.labels.keeping import Folder, State
from service.labels.positions import Choices, checked
from service.labels.table import Table, read_table
from service.openapi import takes
from service.people.guards import principal, requires
from service.people.permissions import Permission
from service.tables import CSV_TYPE, XLSX_TYPE

bp = APIBlueprint("labels", __name__)
MOST_SHEET_ROWS = 20_000  # a workbook of so many takes some seconds to write, while a person waits


class AuditChoices(BaseModel):
    """Which columns mean what, and how they are to be read."""

    model_config = ConfigDict(extra="forbid")

    lon: str = Field(max_length=200)
    lat: str = Field(max_length=200)
    label: str = Field(max_length=200)
    crs: str = Field(max_length=10_000)
    level: str | None = Field(None, max_length=100)
    kinds: list[str] = Field([], max_length=20)
    time: str | None = Field(None, max_length=200)
    scheme: str | None = Field(None, max_length=100)


class RowsQuery(BaseModel):
    """Which rows of a check; all that are named must hold. Without any: all that differ."""

    reason: str | None = None
    band: str | None = None
    column: str | None = None
    value: str | None = None
    label: str | None = None
    code: str | None = None
    unusable: str | None = None
    agree: Literal["yes", "no", "any"] = "no"
    flagged: Literal["yes", "no", "any"] = "any"
    reread: bool = False
    limit: int = Field(50, ge=1, le=1000)
    offset: int = Field(0, ge=0)


@bp.get("/audit")
@requires(Permission.LABEL_AUDIT)
def audit_page() -> str:
    """Show where to drop a history, and one's checks of the last day."""
    from service.labels.page import entrance

    return entrance(keeping.of_owner(_data(), _owner()))


@bp.get("/audit/<uuid:audit_id>")
@requires(Permission.LABEL_AUDIT)
def one_audit_page(audit_id: UUID) -> str:
    """Show a check: the columns to choose, its progress, or what came out."""
    from service.labels.page import one

    return one(_find(audit_id)[1])


@bp.post("/api/v1/label-audits")
@requires(Permission.LABEL_AUDIT)
@bp.doc(summary="Upload a history with labels and see what it holds", tags=["label audit"])
def upload() -> Response:
    """Keep a table (multipart field ``file``, optional ``encoding``) for a day and guess its columns."""
    given = request.files.get("file")
    if given is None or not given.filename:
        raise Invalid(
            "Send the file as multipart field 'file'.", errors=[{"pointer": "/file", "detail": "missing"}]
        )
    if len(keeping.of_owner(_data(), _owner())) >= keeping.KEPT_AT_MOST:
        raise Conflict(f"You have {keeping.KEPT_AT_MOST} checks already. Delete one first, or wait a day.")
    folder = keeping.make(_data())
    encoding = request.form.get("encoding") or None
    try:
        given.save(folder.table)
        table = read_table(folder.table, encoding=encoding, most_rows=keeping.MOST_ROWS)
        with Session() as session:
            seen = opening.of_table(session, table, IN_FORCE)
        name = Path(given.filename.replace("\\", "/")).name[-200:]
        state = State(
            id=folder.path.name, owner=_owner(), file_name=name, created_at=clock.now(), seen=seen,
            choices={"encoding": encoding}, district_ids=_district_ids(),
        )  # fmt: skip
        folder.write(state)
    except Exception:
        folder.remove()
        raise
    return json_response(_shown(state), 201)


@bp.get("/api/v1/label-audits")
@requires(Permission.LABEL_AUDIT)
@bp.doc(summary="One's own checks of the last day", tags=["label audit"])
def list_audits() -> Response:
    """List the newest first."""
    return json_response({"audits": [_shown(one) for one in keeping.of_owner(_data(), _owner())]})


@bp.get("/api/v1/label-audits/<uuid:audit_id>")
@requires(Permission.LABEL_AUDIT)
@bp.doc(summary="How far a check is, and what came out", tags=["label audit"])
def show(audit_id: UUID) -> Response:
    """Tell state, stage and progress; why it was refused; the figures once it is done."""
    folder, state = _find(audit_id)
    shown = _shown(state)
    if state.state == "done":
        locale = _locale()
        found = folder.result()
        shown["result"] = {
            **found,
            "verdict": wording.verdict(found, locale),
            "judgement": wording.judgement(found),
            "notes": sheets.doubts(found, locale),
        }
    return json_response(shown)


@bp.post("/api/v1/label-audits/<uuid:audit_id>")
@takes(body=AuditChoices)
@requires(Permission.LABEL_AUDIT)
@bp.doc(summary="Check an uploaded history", tags=["label audit"])
def start(audit_id: UUID) -> Response:
    """Queue the check; the answer is 202 at once, and GET on the same address tells how far it is."""
    wanted = body(AuditChoices).model_dump()
    folder, state = _find(audit_id)
    if state.state == "running":
        raise Conflict("This check is under way already.")
    _require(wanted, state)
    before = msgspec.structs.replace(state)
    state.choices = {**wanted, "encoding": state.choices.get("encoding")}
    state.state, state.stage, state.progress, state.problem = "running", "waiting", 0.0, None
    state.district_ids = _district_ids()
    folder.write(state)
    try:
        with Session.begin() as session:
            jobs.defer(session, keeping.JOB, audit_id=state.id)
    except Exception:
        folder.write(before)  # nobody works on it: else it would be under way for ever
        raise
    response = json_response(_shown(state), 202)
    response.headers["Location"] = url_for(".show", audit_id=audit_id)
    return response


@bp.delete("/api/v1/label-audits/<uuid:audit_id>")
@requires(Permission.LABEL_AUDIT)
@bp.doc(summary="Delete a check with its file", tags=["label audit"])
def throw_away(audit_id: UUID) -> Response:
    """Delete the file and what came out."""
    _find(audit_id)[0].remove()
    return Response(status=204)


@bp.get("/api/v1/label-audits/<uuid:audit_id>/rows")
@takes(query=RowsQuery)
@requires(Permission.LABEL_AUDIT)
@bp.doc(summary="The rows behind a figure of a check", tags=["label audit"])
def show_rows(audit_id: UUID) -> Response:
    """List rows with label, answer, distances, reason and evidence, and the row as it is in the file."""
    wanted = query(RowsQuery)
    folder, state = _find(audit_id)
    found = opening.rows(folder, state, wanted.model_dump(), _locale())
    return json_response(found)


@bp.get("/api/v1/label-audits/<uuid:audit_id>/points")
@requires(Permission.LABEL_AUDIT)
@bp.doc(summary="Where the rows of a check that differ lie", tags=["label audit"])
def show_points(audit_id: UUID) -> Response:
    """Give a FeatureCollection of points with line, label, code and reason."""
    folder, _ = _find(audit_id)
    return json_response(opening.points(folder.rows()), mimetype="application/geo+json")


@bp.get("/api/v1/label-audits/<uuid:audit_id>/report.xlsx")
@requires(Permission.LABEL_AUDIT)
@bp.doc(summary="A check as a workbook", tags=["label audit"])
def workbook(audit_id: UUID) -> Response:
    """Give summary, bands, kinds, pairs, labels, and every row with answer and reason."""
    folder, state = _find(audit_id)
    content = sheets.book(folder.result(), folder.rows(), _table(folder, state), _locale(), MOST_SHEET_ROWS)
    return _file(content, XLSX_TYPE, state, "xlsx")


@bp.get("/api/v1/label-audits/<uuid:audit_id>/rows.csv")
@requires(Permission.LABEL_AUDIT)
@bp.doc(summary="Every row of a check as CSV", tags=["label audit"])
def rows_csv(audit_id: UUID) -> Response:
    """Give every row of the file with answer and reason before its own columns."""
    folder, state = _find(audit_id)
    return _file(sheets.csv_of(folder.rows(), _table(folder, state), _locale()), CSV_TYPE, state, "csv")


def _data() -> Path:
    return current_app.config["WANGGE"].data


def _owner() -> str:
    return f"{principal().kind}:{principal().id}"


def _find(audit_id: UUID) -> tuple[Folder, State]:
    return keeping.find(_data(), audit_id, _owner())


def _district_ids() -> list[int] | None:
    granted = {place for one, place in principal().grants if one is Permission.LABEL_AUDIT}
    return None if None in granted else sorted(place for place in granted if place is not None)


def _locale() -> str:
    return str(get_locale() or IN_FORCE.profile.locale)


def _table(folder: Folder, state: State) -> Table:
    return read_table(folder.table, encoding=state.choices.get("encoding"))


def _require(wanted: dict[str, Any], state: State) -> None:
    """Refuse what can be refused before anybody waits. May raise Invalid, UnknownCrs."""
    checked(
        Choices(**{**wanted, "kinds": tuple(wanted["kinds"])}), [one["name"] for one in state.seen["columns"]]
    )
    with Session() as session:
        editions.known(session, IN_FORCE, wanted["scheme"])


def _shown(state: State) -> dict[str, Any]:
    return {
        "id": state.id, "file": state.file_name, "created_at": state.created_at.isoformat(), "state": state.state,
        "stage": state.stage, "progress": state.progress, "seen": state.seen, "choices": state.choices,
        "problem": state.problem and _said(state.problem), "districts": _district_codes(state.district_ids),
    }  # fmt: skip


def _said(problem: dict[str, Any]) -> dict[str, Any]:
    from service import sentences

    return sentences.problem(problem)


def _district_codes(district_ids: list[int] | None) -> list[str] | None:
    """Name the districts that a check is limited to; None for all."""
    if district_ids is None:
        return None
    with Session() as session:
        return list(
            session.scalars(
                select(District.code).where(District.id.in_(district_ids)).order_by(District.code)
            )
        )


def _file(content: bytes, kind: str, state: State, ending: str) -> Response:
    response = Response(content, content_type=kind)
    stem = state.file_name.split(".")[0] or "history"
    plain = secure_filename(f"{stem}-audit.{ending}")
    wanted = quote(f"{stem}-audit.{ending}", safe="")
    response.headers["Content-Disposition"] = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{wanted}"
    return response
