"""Plans over HTTP, for those who make them: upload, import, look, edit, publish, roll back."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Literal
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session as OrmSession

from service import clock
from service.city import queries as city
from service.db import Session
from service.errors import Invalid
from service.grids import (
    access,
    actions,
    checking,
    comparing,
    downloads,
    import_views,
    publishing,
    queries,
    readiness,
    review,
    wire,
)
from service.grids.models import Plan, PlanFinding
from service.http import body, json_response, query
from service.openapi import takes
from service.people.guards import principal, requires
from service.people.permissions import Permission

bp = APIBlueprint("plans", __name__)
bp.register_blueprint(import_views.bp)
NAMED_GRIDS = 10


class NewPlan(BaseModel):
    """A plan to make."""

    name: str = Field(min_length=1, max_length=200)
    scheme: str | None = None
    district: str | None = None
    base: Literal["current", "empty"] = "current"


class PublishBody(BaseModel):
    """From which day (midnight in the city; soon where none is named), and in spite of what, and why."""

    waive: list[str] = []
    reason: str = ""
    from_on: date | None = None


class NewWaiver(BaseModel):
    """A rule or, with its fingerprint, one finding to answer for."""

    rule: str = Field(min_length=1, max_length=100)
    fingerprint: str = Field("", max_length=64)
    reason: str = Field(min_length=1, max_length=2000)


class SendBack(BaseModel):
    """Why a plan goes back."""

    reason: str = Field("", max_length=2000)


class GridsQuery(BaseModel):
    """Which grids of a plan."""

    q: str = Field("", max_length=100)
    limit: int = Field(20, ge=1, le=1000)


class DiffQuery(BaseModel):
    """How to give a comparison."""

    format: Literal["json", "csv", "geojson"] = "json"


class Operation(BaseModel):
    """An edit of a plan."""

    kind: Literal["reassign", "undo"]
    face: UUID | None = None
    grid: UUID | None = None


@bp.get("/api/v1/plans")
@requires(Permission.PLAN_READ)
@bp.doc(summary="List plans", tags=["plans"])
def plans() -> Response:
    """List the newest hundred plans, without those of districts that are not the asker's."""
    with Session() as session:
        rows = access.only_seen(session, queries.list_plans(session))
    return json_response({"plans": [wire.plan(one) for one in rows]})


@bp.post("/api/v1/plans")
@takes(body=NewPlan)
@requires(Permission.PLAN_EDIT)
@bp.doc(summary="Make a plan", tags=["plans"])
def create() -> Response:
    """Make an empty draft; with a district it is that district's from the beginning."""
    wanted = body(NewPlan)
    who: dict[str, Any] = {"by": principal().actor, "at": clock.now()}
    with Session.begin() as session:
        scheme = city.get_scheme(session, wanted.scheme)
        place = city.get_district(session, wanted.district) if wanted.district else None
        if place is not None:
            access.require(Permission.PLAN_EDIT, place.id)
        plan = actions.create_plan(session, wanted.name, scheme, base=wanted.base, **who)
        if place is not None:
            actions.touch_district(session, plan, place, at=who["at"])
    return _answer(plan, {}, 201)


@bp.get("/api/v1/plans/<name>")
@requires(Permission.PLAN_READ)
@bp.doc(summary="One plan", tags=["plans"])
def plan(name: str) -> Response:
    """Show a plan; the ETag is its version, for If-Match."""
    with Session() as session:
        found = access.readable(session, name)
    return _answer(found, {})


@bp.get("/api/v1/plans/<name>/findings")
@requires(Permission.PLAN_READ)
@bp.doc(summary="What the last check found in a plan", tags=["plans"])
def findings(name: str) -> Response:
    """List the findings of the last check; ``is_stale`` where the plan was edited since."""
    with Session() as session:
        found = access.readable(session, name)
        return _findings(session, found, queries.list_findings(session, found.id))


@bp.get("/api/v1/plans/<name>/check")
@bp.post("/api/v1/plans/<name>/check", endpoint="check_again")
@requires(Permission.PLAN_READ)
@bp.doc(summary="Check a plan", tags=["plans"])
def check(name: str) -> Response:
    """Check the plan where it changed since the last check (POST: in any case) and list what is found."""
    with Session.begin() as session:
        found = access.readable(session, name, lock=True)
        force = request.method == "POST" and found.state == "draft"
        return _findings(session, found, checking.recheck(session, found, force=force))


@bp.post("/api/v1/plans/<name>/waivers")
@takes(body=NewWaiver)
@requires(Permission.PLAN_EDIT)
@bp.doc(summary="Take responsibility for a finding or a rule", tags=["plans"])
def waive(name: str) -> Response:
    """Waive a rule, or one finding of it by its fingerprint, with a reason."""
    wanted = body(NewWaiver)
    with Session.begin() as session:
        found = _editable(session, name)
        what: dict[str, Any] = {"reason": wanted.reason, "fingerprint": wanted.fingerprint}
        publishing.waive(session, found, [wanted.rule], **what, by=principal().actor, at=clock.now())
        return _findings(session, found, queries.list_findings(session, found.id), 201)


@bp.delete("/api/v1/plans/<name>/waivers/<uuid:waiver_id>")
@requires(Permission.PLAN_EDIT)
@bp.doc(summary="Take a waiver back", tags=["plans"])
def take_waiver_back(name: str, waiver_id: UUID) -> Response:
    """Let the finding block again."""
    with Session.begin() as session:
        found = _editable(session, name)
        review.take_waiver_back(session, found, waiver_id, by=principal().actor, at=clock.now())
        return _findings(session, found, queries.list_findings(session, found.id))


@bp.get("/api/v1/plans/<name>/faces")
@requires(Permission.PLAN_READ)
@bp.doc(summary="The faces of a plan", tags=["plans"])
def faces(name: str) -> Response:
    """Give the faces and grids a plan has now, to draw and to edit."""
    with Session() as session:
        found = access.readable(session, name)
        features, grids = [], []
        for place in access.places(session, found, Permission.PLAN_READ):
            which = (session, place.district_id, place.snapshot_id)
            grids += [wire.plan_grid(one) for one in queries.grids_of(*which)]
            features += [wire.face(one) for one in queries.faces_of(*which)]
    return _answer(found, {"type": "FeatureCollection", "features": features, "grids": grids})


@bp.get("/api/v1/plans/<name>/grids")
@takes(query=GridsQuery)
@requires(Permission.PLAN_READ)
@bp.doc(summary="Find grids of a plan", tags=["plans"])
def plan_grids(name: str) -> Response:
    """List grids of a plan by the beginning of their code or a part of their name."""
    wanted = query(GridsQuery)
    with Session() as session:
        found = access.readable(session, name)
        seen = [
            (place.district_id, place.snapshot_id)
            for place in access.places(session, found, Permission.PLAN_READ)
        ]
        rows = queries.search_grids(session, seen, wanted.q, wanted.limit)
        return json_response({"grids": [wire.plan_grid(one) for one in rows]})


@bp.get("/api/v1/plans/<name>/faces/<uuid:face_id>/neighbours")
@requires(Permission.PLAN_READ)
@bp.doc(summary="Grids beside a face of a plan", tags=["plans"])
def neighbours(name: str, face_id: UUID) -> Response:
    """List the grids whose ground meets a face."""
    with Session() as session:
        found = access.readable(session, name)
        rows = [
            one
            for place in access.places(session, found, Permission.PLAN_READ)
            for one in queries.grids_beside(session, place.district_id, place.snapshot_id, face_id)
        ]
        return json_response({"grids": [wire.plan_grid(one) for one in rows]})


@bp.get("/api/v1/plans/<name>/diff")
@takes(query=DiffQuery)
@requires(Permission.PLAN_READ)
@bp.doc(summary="Compare a plan with the editions it starts from", tags=["plans"])
def diff(name: str) -> Response:
    """Compare a plan grid by grid with what its districts have now; as CSV or GeoJSON to take along."""
    wanted = query(DiffQuery)
    with Session() as session:
        found = access.readable(session, name)
        codes = {one.id: one.code for one in city.list_districts(session)}
        listed = [
            (codes[place.district_id], comparing.plan(session, place))
            for place in access.places(session, found, Permission.PLAN_READ)
        ]
    return downloads.comparison(listed, wanted.format, found.name)


@bp.post("/api/v1/plans/<name>/ops")
@takes(body=Operation)
@requires(Permission.PLAN_EDIT)
@bp.doc(summary="Edit a plan", tags=["plans"])
def operate(name: str) -> Response:
    """Reassign a face or undo the last edit; If-Match holds the version the caller saw."""
    wanted = body(Operation)
    with Session.begin() as session:
        found = access.readable(session, name, lock=True)
        mine = {one.district_id for one in access.places(session, found, Permission.PLAN_EDIT)}
        how: dict[str, Any] = {"by": principal().actor, "at": clock.now()}
        how |= {"version": _if_match(), "districts": mine}
        if wanted.kind == "undo":
            done = actions.undo(session, found, **how)
        elif wanted.face is None or wanted.grid is None:
            raise Invalid(
                "A reassignment names a face and a grid.", errors=[{"pointer": "/face", "detail": "missing"}]
            )
        else:
            done = actions.reassign_face(session, found, face_id=wanted.face, grid_id=wanted.grid, **how)
    return _answer(found, {"operation": {"seq": done.seq, "kind": done.kind, "undoes": done.undoes}})


@bp.post("/api/v1/plans/<name>/submit")
@requires(Permission.PLAN_EDIT)
@bp.doc(summary="Submit a plan for approval", tags=["plans"])
def submit(name: str) -> Response:
    """Check the plan and ask for approval; from here on nobody edits it."""
    return _step(name, Permission.PLAN_EDIT, review.submit)


@bp.post("/api/v1/plans/<name>/approve")
@requires(Permission.PLAN_REVIEW)
@bp.doc(summary="Approve a submitted plan", tags=["plans"])
def approve(name: str) -> Response:
    """Agree with a plan; nobody approves a plan they worked on."""
    return _step(name, Permission.PLAN_REVIEW, review.approve)


@bp.post("/api/v1/plans/<name>/return")
@takes(body=SendBack)
@requires(Permission.PLAN_READ)
@bp.doc(summary="Send a submitted plan back, or take it back", tags=["plans"])
def send_back(name: str) -> Response:
    """Make a submitted plan a draft again; reviewers may, and so may those who edit it."""
    wanted = body(SendBack)
    may_review = principal().may(Permission.PLAN_REVIEW)
    permission = Permission.PLAN_REVIEW if may_review else Permission.PLAN_EDIT
    return _step(name, permission, review.send_back, reason=wanted.reason)


@bp.post("/api/v1/plans/<name>/publish")
@takes(body=PublishBody)
@requires(Permission.PLAN_PUBLISH)
@bp.doc(summary="Publish an approved plan", tags=["plans"])
def publish(name: str) -> Response:
    """Publish a plan in the districts it touches; the permission must hold in each."""
    wanted = body(PublishBody)
    who: dict[str, Any] = {"by": principal().actor, "at": clock.now()}
    with Session.begin() as session:  # what takes long comes first, and locks nobody out
        found = access.readable(session, name)
        access.require_all(session, found, Permission.PLAN_PUBLISH)
        ahead = publishing.contents(session, found) if found.state == "approved" else []
        readiness.ask(session, ahead)
    readiness.wait(ahead)
    with Session.begin() as session:
        found = access.readable(session, name, lock=True)
        access.require_all(session, found, Permission.PLAN_PUBLISH)
        publishing.waive(session, found, wanted.waive, reason=wanted.reason, **who)
        made = review.publish(session, found, from_on=wanted.from_on, **who)
        shown = [wire.edition(session, one) for one in made]
    return json_response({"editions": shown}, 201)


@bp.post("/api/v1/editions/<district>/<int:number>/rollback")
@requires(Permission.PLAN_PUBLISH)
@bp.doc(summary="Publish an old edition's content as a new edition", tags=["editions"])
def rollback(district: str, number: int) -> Response:
    """Bring an old map back, as a new edition."""
    with Session.begin() as session:
        place = city.get_district(session, district)
        access.require(Permission.PLAN_PUBLISH, place.id)
        ahead = [publishing.content_of(session, queries.get_edition(session, place.id, number))]
        readiness.ask(session, ahead)
    readiness.wait(ahead)
    with Session.begin() as session:
        place = city.get_district(session, district)
        made = publishing.rollback(session, place, number, by=principal().actor, at=clock.now())
        shown = wire.edition(session, made)
    return json_response({"editions": [shown]}, 201)


def _editable(session: OrmSession, name: str) -> Plan:
    found = access.readable(session, name, lock=True)
    actions.require_version(found, None)
    access.require_all(session, found, Permission.PLAN_EDIT)
    return found


def _step(name: str, permission: Permission, step: Callable[..., None], **more: Any) -> Response:
    """Bring a plan a step on; the permission must hold in each of its districts."""
    with Session.begin() as session:
        found = access.readable(session, name, lock=True)
        access.require_all(session, found, permission)
        step(session, found, by=principal().actor, at=clock.now(), **more)
    return _answer(found, {})


def _findings(session: OrmSession, plan: Plan, found: Sequence[PlanFinding], status: int = 200) -> Response:
    places = {one.district_id: one.snapshot_id for one in access.places(session, plan, Permission.PLAN_READ)}
    waivers = queries.list_waivers(session, plan.id)
    left = {id(one) for one in publishing.blocking(found, waivers)}
    seen = [one for one in found if one.district_id in places]
    # A finding about hundreds of grids is not told by their names.
    codes = {code for one in seen if len(one.grids) <= NAMED_GRIDS for code in one.grids}
    names = queries.names_of(session, list(places.items()), codes) if codes else {}
    shown = [
        {
            **wire.finding(one),
            "number": one.number,
            "is_blocking": id(one) in left,
            "names": [names[code] for code in one.grids if names.get(code)],
        }
        for one in seen
    ]
    more = {"blocking": len(left), "is_stale": checking.is_stale(plan)}
    return _answer(
        plan, {"findings": shown, **more, "waivers": [wire.waiver(one) for one in waivers]}, status
    )


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
