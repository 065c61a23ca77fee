"""Rulings over HTTP: list them, decide, take back."""

import json
from datetime import date, datetime
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from apiflask import APIBlueprint
from flask import Response, request, url_for
from pydantic import BaseModel, Field
from sqlalchemy import Row
from sqlalchemy.orm import Session as OrmSession

from geo.crs import Crs, parse_crs, to_lonlat, usable
from geo.errors import UnknownCrs
from service import clock
from service.assignment import rulings_actions as actions
from service.assignment import rulings_queries as queries
from service.assignment.rulings_actions import Ground
from service.city import queries as city
from service.db import Session, database_now
from service.errors import Conflict, Invalid
from service.grids import access
from service.http import body, json_response, query
from service.openapi import takes
from service.people.guards import principal, requires
from service.people.permissions import Permission

bp = APIBlueprint("rulings", __name__)


class NewRuling(BaseModel):
    """Which grid answers, where (around a spot, or in a GeoJSON Polygon), why, from and until which day."""

    grid: str = Field(min_length=1, max_length=100)
    level: str | None = Field(None, max_length=100)
    scheme: str | None = Field(None, max_length=100)
    lon: float | None = None
    lat: float | None = None
    radius_m: float = 20.0
    area: dict[str, Any] | None = None
    crs: str | None = Field(None, max_length=200)
    reason: str = Field(min_length=1, max_length=2000)
    from_on: date | None = None
    to_on: date | None = None


class Revocation(BaseModel):
    """Why a ruling is taken back."""

    reason: str = Field(min_length=1, max_length=2000)


class ListQuery(BaseModel):
    """Which rulings."""

    district: str | None = Field(None, max_length=100)
    in_force: bool = False
    limit: int = Field(100, ge=1, le=1000)
    cursor: str = Field("", max_length=100)


@bp.get("/api/v1/rulings")
@requires(Permission.PAGE_READ)
@takes(query=ListQuery)
@bp.doc(summary="List rulings", tags=["rulings"])
def list_rulings() -> Response:
    """List the rulings of the asker's districts, the latest first; persons and reasons to whom they are told."""
    wanted = query(ListQuery)
    places = {place for permission, place in principal().grants if permission is Permission.PAGE_READ}
    with Session() as session:
        moment = database_now(session)
        rows = queries.list_rulings(
            session,
            district=wanted.district,
            districts=None if None in places else [one for one in places if one is not None],
            counts_at=moment if wanted.in_force else None,
            before=_before(wanted.cursor),
            limit=wanted.limit + 1,
        )
    shown = rows[: wanted.limit]
    links = []
    if len(rows) > wanted.limit:
        cursor = f"{shown[-1].recorded_at.isoformat()}|{shown[-1].id}"
        arguments = {**request.args.to_dict(), "cursor": cursor}
        links = [{"rel": "next", "href": url_for("rulings.list_rulings", **arguments)}]
    return json_response({"rulings": [told(one, moment) for one in shown], "links": links})


@bp.post("/api/v1/rulings")
@takes(body=NewRuling)
@requires(Permission.RULING_DECIDE)
@bp.doc(summary="Decide which grid answers for a spot or an area", tags=["rulings"])
def decide() -> Response:
    """Record a ruling; it counts a few seconds later, or from its first day on."""
    given = body(NewRuling)
    ground = _ground(given)
    with Session.begin() as session:
        scheme = city.get_scheme(session, given.scheme)
        touched = queries.districts_under(session, scheme.id, ground.area)
        grid = _grid(session, scheme.id, given, touched)
        for place in {grid.district_id, *touched}:
            access.require(Permission.RULING_DECIDE, place)
        row = actions.decide(
            session,
            scheme_id=scheme.id,
            district_id=grid.district_id,
            grid_id=grid.grid_id,
            ground=ground,
            reason=given.reason,
            from_on=given.from_on,
            to_on=given.to_on,
            by=principal().actor,
            at=clock.now(),
        )
        made = told(queries.get_ruling(session, row.id), row.recorded_at)
    return json_response(made, 201)


@bp.post("/api/v1/rulings/<uuid:ruling_id>/revoke")
@takes(body=Revocation)
@requires(Permission.RULING_DECIDE)
@bp.doc(summary="Take a ruling back", tags=["rulings"])
def revoke(ruling_id: UUID) -> Response:
    """Record that a ruling counts no more; the ruling itself stays on record."""
    given = body(Revocation)
    with Session.begin() as session:
        found = queries.get_ruling(session, ruling_id)
        access.require(Permission.RULING_DECIDE, found.district_id)
        if found.revoked_at is not None:
            raise Conflict("This ruling was revoked already.")
        who = {"by": principal().actor, "at": clock.now()}
        which = {"district_id": found.district_id, "ruling_id": ruling_id}
        made = actions.revoke(session, **which, reason=given.reason, **who)
        answer = told(queries.get_ruling(session, ruling_id), made.recorded_at)
    return json_response(answer)


def told(row: Row[Any], moment: datetime) -> dict[str, Any]:
    """Give a ruling as JSON has it; who decided and why only to whom contacts are told there."""
    ends = [one for one in (row.counts_until, row.revoked_from) if one is not None]
    answer = {
        "id": str(row.id),
        "district": row.district,
        "scheme": row.scheme,
        "grid": {"id": str(row.grid_id), "code": row.code, "name": row.name, "level": row.level},
        "area": json.loads(shapely.to_geojson(shapely.from_wkb(bytes(row.wkb)))),
        "spot": None
        if row.radius_m is None
        else {"lon": row.center_lon, "lat": row.center_lat, "radius_m": row.radius_m},
        "from_on": row.from_on.isoformat(),
        "to_on": None if row.to_on is None else row.to_on.isoformat(),
        "recorded_at": row.recorded_at.isoformat(),
        "counts_from": row.counts_from.isoformat(),
        "counts_until": min(ends).isoformat() if ends else None,
        "revoked_at": None if row.revoked_at is None else row.revoked_at.isoformat(),
        "is_in_force": row.counts_from <= moment and all(moment < one for one in ends),
    }
    if principal().may(Permission.CONTACT_READ, row.district_id):
        answer |= {"decided_by": row.by_name, "reason": row.reason}
        if row.revoked_at is not None:
            answer |= {"revoked_by": row.revoked_by, "revoke_reason": row.revoke_reason}
    return answer


def _grid(session: OrmSession, scheme_id: int, given: NewRuling, touched: set[int]) -> Row[Any]:
    found = queries.named_grids(session, scheme_id, given.grid, given.level)
    if not found:
        raise _wrong("grid", f"There is no grid {given.grid!r} in force.")
    here = [one for one in found if not touched or one.district_id in touched]
    if not here:
        raise _wrong("grid", "The grid lies in another district than the ground.")
    if len(here) > 1:
        listed = ", ".join(f"{one.name} ({one.level})" for one in here)
        raise Conflict(f"Several grids have this code: {listed}. Say which with level.")
    return here[0]


def _ground(given: NewRuling) -> Ground:
    if given.area is not None:
        return Ground.drawn(_polygon(given.area, _crs(given.crs or "wgs84")))
    if given.lon is None or given.lat is None:
        raise _wrong("lon", "Say where: lon and lat with radius_m, or an area.")
    lon, lat = _lonlat([(given.lon, given.lat)], _crs(given.crs), "lon")[0]
    return Ground.around(float(lon), float(lat), given.radius_m)


def _polygon(given: dict[str, Any], crs: Crs) -> shapely.Polygon:
    rings = given.get("coordinates")
    try:
        if given.get("type") != "Polygon" or not isinstance(rings, list) or not rings:
            raise ValueError("no polygon")
        # Heights are left out; everything else that is no pair of numbers is refused.
        pairs = [np.array([[float(x) for x in one[:2]] for one in ring], dtype=np.float64) for ring in rings]
        if any(one.ndim != 2 or one.shape[1] != 2 or len(one) < 4 for one in pairs):
            raise ValueError("no rings")
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise _wrong("area", "An area is a GeoJSON Polygon: rings of at least four positions.") from error
    shell, *holes = (_lonlat(one, crs, "area") for one in pairs)
    return shapely.Polygon(shell, holes)


def _lonlat(pairs: Any, crs: Crs, field: str) -> Any:
    given = np.asarray(pairs, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        points = to_lonlat(given, crs)
    if not np.isfinite(given).all() or not usable(points).all():
        raise _wrong(field, f"A position is not on earth in {crs.key}.")
    return points


def _crs(text: str | None) -> Crs:
    text = text or principal().crs
    if not text:
        raise _wrong("crs", "Say the coordinate system: crs=wgs84 or EPSG:n.")
    try:
        return parse_crs(text)
    except UnknownCrs as error:
        raise _wrong("crs", error.detail) from error


def _before(cursor: str) -> tuple[datetime, UUID] | None:
    if not cursor:
        return None
    moment, _, number = cursor.partition("|")
    try:
        read = datetime.fromisoformat(moment)
        read.timestamp()
        return (read, UUID(number)) if read.tzinfo else None
    except (ValueError, OverflowError) as error:
        raise _wrong("cursor", "This cursor is none of ours.") from error


def _wrong(field: str, detail: str) -> Invalid:
    return Invalid(detail, errors=[{"pointer": f"/{field}", "detail": detail}])
