"""Files over HTTP: upload, look into, preview, import at once or as a job, watch, throw away."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from apiflask import APIBlueprint
from flask import Response, current_app, request, url_for
from pydantic import BaseModel, Field
from werkzeug.utils import secure_filename

from service import clock
from service.city import queries as city
from service.city.models import District
from service.db import Session
from service.errors import Conflict, Invalid
from service.grids import access, actions, preview, uploads, wire
from service.grids.importing import Request, import_file
from service.http import body, json_response, query
from service.openapi import takes
from service.people.guards import principal, requires
from service.people.permissions import Permission

bp = APIBlueprint("imports", __name__)


class ImportOptions(BaseModel):
    """How to read an uploaded file; `background` makes it a job to watch."""

    level: str
    code_field: str
    name_field: str
    parent_field: str | None = None
    crs: str | None = None
    encoding: str | None = None
    layer: str | None = None
    dry_run: bool = False
    background: bool = False


class PreviewQuery(BaseModel):
    """How to read the first rows of an uploaded file."""

    layer: str | None = None
    encoding: str | None = None
    crs: str | None = None
    rows: int = Field(8, ge=1, le=100)


@bp.post("/api/v1/plans/<name>/imports")
@requires(Permission.PLAN_EDIT)
@bp.doc(summary="Upload a file for a plan and see what it holds", tags=["plans"])
def upload(name: str) -> Response:
    """Keep a file (multipart field ``file``) and tell its layers, fields, encoding and coordinate system."""
    given = request.files.get("file")
    if given is None or not given.filename:
        raise Invalid(
            "Send the file as multipart field 'file'.", errors=[{"pointer": "/file", "detail": "missing"}]
        )
    encoding = request.form.get("encoding") or None
    with Session.begin() as session:
        found = access.readable(session, name)
        district = city.the_district(session, request.form.get("district") or None)
        access.require(Permission.PLAN_EDIT, district.id)
        actions.require_version(found, None)
        path = _place(given.filename)
        given.save(path)
        who: dict[str, Any] = {"by": principal().actor, "at": clock.now()}
        try:
            kept = uploads.keep(session, found, district, path, given.filename, encoding=encoding, **who)
        except Exception:
            uploads.remove_file(path)
            raise
        shown = wire.upload(session, kept)
    return json_response({**shown, "inspection": kept.inspection}, 201)


@bp.get("/api/v1/plans/<name>/imports")
@requires(Permission.PLAN_READ)
@bp.doc(summary="The newest uploads of a plan", tags=["plans"])
def list_uploads(name: str) -> Response:
    """List the newest uploads of a plan with what became of them."""
    with Session() as session:
        found = access.readable(session, name)
        seen = [
            one
            for one in uploads.of_plan(session, found.id)
            if principal().may(Permission.PLAN_READ, one.district_id)
        ]
        return json_response({"imports": [wire.upload(session, one) for one in seen]})


@bp.get("/api/v1/plans/<name>/imports/<uuid:import_id>")
@requires(Permission.PLAN_READ)
@bp.doc(summary="How far an import is", tags=["plans"])
def show_upload(name: str, import_id: UUID) -> Response:
    """Tell state, stage and progress of an import; why it was refused; what came out."""
    with Session() as session:
        kept = uploads.get(session, access.readable(session, name), import_id)
        access.require(Permission.PLAN_READ, kept.district_id)
        return json_response(wire.upload(session, kept))


@bp.get("/api/v1/plans/<name>/imports/<uuid:import_id>/preview")
@takes(query=PreviewQuery)
@requires(Permission.PLAN_EDIT)
@bp.doc(summary="The first rows of an uploaded file", tags=["plans"])
def show_preview(name: str, import_id: UUID) -> Response:
    """Read the file with these options and show first rows, how full each column is, and the outlines."""
    wanted = query(PreviewQuery)
    with Session() as session:
        kept = uploads.get(session, access.readable(session, name), import_id)
        access.require(Permission.PLAN_EDIT, kept.district_id)
        path = uploads.require_file(kept)
    return json_response(preview.of_file(path, **wanted.model_dump()))


@bp.post("/api/v1/plans/<name>/imports/<uuid:import_id>")
@takes(body=ImportOptions)
@requires(Permission.PLAN_EDIT)
@bp.doc(summary="Import an uploaded file as one level of a plan", tags=["plans"])
def run_import(name: str, import_id: UUID) -> Response:
    """Import the file with these options, all or nothing; what was found comes back.

    With ``background`` the answer is 202 at once, and GET on the same address tells how far it is.
    """
    wanted = body(ImportOptions)
    options = wanted.model_dump(exclude={"dry_run", "background"})
    who: dict[str, Any] = {"by": principal().actor, "at": clock.now()}
    with Session() as session:
        found = access.readable(session, name, lock=True)
        kept = uploads.get(session, found, import_id, lock=True)
        access.require(Permission.PLAN_EDIT, kept.district_id)
        actions.require_version(found, None)
        if wanted.background:
            uploads.start(session, kept, {**options, "dry_run": wanted.dry_run}, **who)
            session.commit()
            response = json_response(wire.upload(session, kept), 202)
            response.headers["Location"] = url_for(".show_upload", name=name, import_id=import_id)
            return response
        if kept.state == "running":
            raise Conflict("This file is being imported already.")
        place = session.get_one(District, kept.district_id)
        asked = Request(plan=found.name, path=uploads.require_file(kept), district=place.code, **options)
        done = import_file(session, asked, **who)
        findings = [wire.finding(one) for one in done.findings]
        kept.options = options
        uploads.finish(kept, done, dry_run=wanted.dry_run, findings=findings, at=clock.now())
        used_up = not wanted.dry_run and uploads.is_used_up(kept)
        session.rollback() if wanted.dry_run else session.commit()
        if used_up:
            uploads.discard(kept)
            session.commit()
    report = {"features": done.features, "source": done.source, "findings": findings}
    return json_response({**report, "dry_run": wanted.dry_run})


@bp.delete("/api/v1/plans/<name>/imports/<uuid:import_id>")
@requires(Permission.PLAN_EDIT)
@bp.doc(summary="Throw an upload away", tags=["plans"])
def throw_away(name: str, import_id: UUID) -> Response:
    """Delete the kept file; what was imported from it stays in the plan."""
    with Session.begin() as session:
        kept = uploads.get(session, access.readable(session, name), import_id, lock=True)
        access.require(Permission.PLAN_EDIT, kept.district_id)
        if kept.state == "running":
            raise Conflict("This file is being imported already.")
        uploads.discard(kept)
    return Response(status=204)


def _place(file_name: str) -> Path:
    """Give where an upload is kept: its name decides nothing."""
    folder = current_app.config["WANGGE"].data / "uploads" / uuid4().hex
    folder.mkdir(parents=True)
    return folder / (secure_filename(file_name)[-80:] or "upload")
