"""Plans over HTTP, for those who make them: upload, import, look, edit, publish, roll back."""

from pathlib import Path
from typing import Any, Literal
from uuid import UUID, uuid4

import msgspec
from apiflask import APIBlueprint
from flask import Response, current_app, request
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession
from werkzeug.utils import secure_filename

from geo.formats import inspect_file
from service import clock
from service.city import queries as city
from service.db import Session
from service.errors import Invalid, NotAllowed, NotFound
from service.grids import actions, publishing, queries, wire
from service.grids.importing import Request, import_file
from service.grids.models import Plan, PlanImport
from service.http import body, json_response
from service.openapi import takes
from service.people.guards import principal, requires
from service.people.permissions import Permission

bp = APIBlueprint("plans", __name__)


class NewPlan(BaseModel):
    """A plan to make."""

    name: str = Field(min_length=1, max_length=200)
    scheme: str | None = None
    base: Literal["current", "empty"] = "current"


class ImportOptions(BaseModel):
    """How to read an uploaded file."""

    level: str
    code_field: str
    name_field: str
    parent_field: str | None = None
    crs: str | None = None
    encoding: str | None = None
    layer: str | None = None
    dry_run: bool = False


class PublishBody(BaseModel):
    """What to publish with in spite of it, and why."""

    waive: list[str] = []
    reason: str = ""


class Operation(BaseModel):
    """An edit of a plan."""

    kind: Literal["reassign", "undo"]
    face: UUID | None = None
    grid: UUID | None = None


@bp.get("/api/v1/plans")
@requires(Permission.PLAN_READ)
@bp.doc(summary="List plans", tags=["plans"])
def plans() -> Response:
    """List the newest hundred plans."""
    with Session() as session:
        rows = session.scalars(select(Plan).order_by(Plan.changed_at.desc()).limit(100)).all()
    return json_response({"plans": [wire.plan(one) for one in rows]})


@bp.post("/api/v1/plans")
@takes(body=NewPlan)
@requires(Permission.PLAN_EDIT)
@bp.doc(summary="Make a plan", tags=["plans"])
def create() -> Response:
    """Make an empty draft."""
    wanted = body(NewPlan)
    with Session.begin() as session:
        scheme = city.get_scheme(session, wanted.scheme)
        plan = actions.create_plan(
            session, wanted.name, scheme, base=wanted.base, by=principal().actor, at=clock.now()
        )
    return _answer(plan, {}, 201)


@bp.get("/api/v1/plans/<name>")
@requires(Permission.PLAN_READ)
@bp.doc(summary="One plan", tags=["plans"])
def plan(name: str) -> Response:
    """Show a plan; the ETag is its version, for If-Match."""
    with Session() as session:
        found = queries.get_plan(session, name)
    return _answer(found, {})


@bp.get("/api/v1/plans/<name>/check")
@bp.get("/api/v1/plans/<name>/findings", endpoint="findings")
@requires(Permission.PLAN_READ)
@bp.doc(summary="What was found in a plan", tags=["plans"])
def check(name: str) -> Response:
    """List the findings of a plan and how many block it."""
    with Session() as session:
        found = queries.get_plan(session, name)
        findings = queries.list_findings(session, found.id)
        left = publishing.blocking(findings, queries.list_waivers(session, found.id))
        return json_response({"findings": [wire.finding(one) for one in findings], "blocking": len(left)})


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
    with Session.begin() as session:
        found = queries.get_plan(session, name)
        district = city.the_district(session, request.form.get("district"))
        _require(Permission.PLAN_EDIT, district.id)
        actions.require_version(found, None)
        path = _place(given.filename)
        given.save(path)
        try:
            seen = msgspec.to_builtins(inspect_file(path, encoding=request.form.get("encoding") or None))
        except Exception:
            path.unlink()
            raise
        kept = PlanImport(
            district_id=district.id,
            id=uuid4(),
            plan_id=found.id,
            state="uploaded",
            file_name=given.filename[-200:],
            path=str(path),
            inspection=seen,
            options={},
            stage="",
            progress=0.0,
            created_at=clock.now(),
            created_by=principal().name,
            changed_at=clock.now(),
        )
        session.add(kept)
    return json_response({"id": str(kept.id), "file": kept.file_name, "inspection": seen}, 201)


@bp.post("/api/v1/plans/<name>/imports/<uuid:import_id>")
@takes(body=ImportOptions)
@requires(Permission.PLAN_EDIT)
@bp.doc(summary="Import an uploaded file as one level of a plan", tags=["plans"])
def run_import(name: str, import_id: UUID) -> Response:
    """Import the file with these options, all or nothing; what was found comes back."""
    wanted = body(ImportOptions)
    options = wanted.model_dump(exclude={"dry_run"})
    with Session() as session:
        found = queries.get_plan(session, name, lock=True)
        kept = session.scalar(
            select(PlanImport).where(PlanImport.plan_id == found.id, PlanImport.id == import_id)
        )
        if kept is None:
            raise NotFound("The plan has no such upload.")
        _require(Permission.PLAN_EDIT, kept.district_id)
        place = next(one for one in city.list_districts(session) if one.id == kept.district_id)
        asked = Request(plan=found.name, path=Path(kept.path), district=place.code, **options)
        done = import_file(session, asked, by=principal().actor, at=clock.now())
        kept.state, kept.options, kept.progress, kept.changed_at = "done", options, 1.0, clock.now()
        findings = [wire.finding(one) for one in done.findings]
        session.rollback() if wanted.dry_run else session.commit()
    report = {"features": done.features, "source": done.source, "findings": findings}
    return json_response({**report, "dry_run": wanted.dry_run})


@bp.get("/api/v1/plans/<name>/faces")
@requires(Permission.PLAN_READ)
@bp.doc(summary="The faces of a plan", tags=["plans"])
def faces(name: str) -> Response:
    """Give the faces and grids a plan has now, to draw and to edit."""
    with Session() as session:
        found = queries.get_plan(session, name)
        features, grids = [], []
        for place in queries.plan_districts(session, found.id):
            which = (session, place.district_id, place.snapshot_id)
            grids += [wire.plan_grid(one) for one in queries.grids_of(*which)]
            features += [wire.face(one) for one in queries.faces_of(*which)]
    return _answer(found, {"type": "FeatureCollection", "features": features, "grids": grids})


@bp.post("/api/v1/plans/<name>/ops")
@takes(body=Operation)
@requires(Permission.PLAN_EDIT)
@bp.doc(summary="Edit a plan", tags=["plans"])
def operate(name: str) -> Response:
    """Reassign a face or undo the last edit; If-Match holds the version the caller saw."""
    wanted = body(Operation)
    with Session.begin() as session:
        found = queries.get_plan(session, name, lock=True)
        _check_places(session, found, Permission.PLAN_EDIT)
        how: dict[str, Any] = {"version": _if_match(), "by": principal().actor, "at": clock.now()}
        if wanted.kind == "undo":
            done = actions.undo(session, found, **how)
        elif wanted.face is None or wanted.grid is None:
            raise Invalid(
                "A reassignment names a face and a grid.", errors=[{"pointer": "/face", "detail": "missing"}]
            )
        else:
            done = actions.reassign_face(session, found, face_id=wanted.face, grid_id=wanted.grid, **how)
    return _answer(found, {"operation": {"seq": done.seq, "kind": done.kind, "undoes": done.undoes}})


@bp.post("/api/v1/plans/<name>/publish")
@takes(body=PublishBody)
@requires(Permission.PLAN_PUBLISH)
@bp.doc(summary="Publish a plan", tags=["plans"])
def publish(name: str) -> Response:
    """Publish a plan in the districts it touches; the permission must hold in each."""
    wanted = body(PublishBody)
    with Session.begin() as session:
        found = queries.get_plan(session, name, lock=True)
        _check_places(session, found, Permission.PLAN_PUBLISH)
        who = principal().actor
        publishing.waive(session, found, wanted.waive, reason=wanted.reason, by=who, at=clock.now())
        made = publishing.publish(session, found, by=who, at=clock.now())
        shown = [wire.edition(session, one) for one in made]
    return json_response({"editions": shown}, 201)


@bp.post("/api/v1/editions/<district>/<int:number>/rollback")
@requires(Permission.PLAN_PUBLISH)
@bp.doc(summary="Publish an old edition's content as a new edition", tags=["editions"])
def rollback(district: str, number: int) -> Response:
    """Bring an old map back, as a new edition."""
    with Session.begin() as session:
        place = city.get_district(session, district)
        _require(Permission.PLAN_PUBLISH, place.id)
        made = publishing.rollback(session, place, number, by=principal().actor, at=clock.now())
        shown = wire.edition(session, made)
    return json_response({"editions": [shown]}, 201)


def _answer(found: Plan, more: dict[str, Any], status: int = 200) -> Response:
    response = json_response({**wire.plan(found), **more}, status)
    response.set_etag(str(found.version))
    return response


def _if_match() -> int | None:
    given = request.headers.get("If-Match", "").strip().removeprefix("W/").strip('"')
    if not given or given == "*":
        return None
    if not given.isdecimal() or len(given) > 9:
        return -1  # no version of ours: the plan can't be as the caller saw it
    return int(given)


def _place(file_name: str) -> Path:
    """Give where an upload is kept: its name decides nothing."""
    folder = current_app.config["WANGGE"].data / "uploads" / uuid4().hex
    folder.mkdir(parents=True)
    return folder / (secure_filename(file_name)[-80:] or "upload")


def _require(permission: Permission, district_id: int) -> None:
    if not principal().may(permission, district_id):
        raise NotAllowed("This district is not yours.", district_id=district_id)


def _check_places(session: OrmSession, found: Plan, permission: Permission) -> None:
    for place in queries.plan_districts(session, found.id):
        _require(permission, place.district_id)
