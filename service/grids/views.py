"""The map over HTTP: grids and editions for everybody, plans for those who make them."""

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

import shapely
from apiflask import APIBlueprint
from flask import Response, request, url_for
from pydantic import BaseModel, Field
from sqlalchemy import text

from service.city import queries as city
from service.db import Session, database_now
from service.errors import Conflict, NotFound
from service.grids import comparing, downloads, neighbouring, plan_pages, plan_views, queries, wire
from service.http import json_response, lookup, query
from service.openapi import takes

bp = APIBlueprint("grids", __name__)
bp.register_blueprint(plan_views.bp)
bp.add_url_rule("/plans", "plans_page", plan_pages.plans_page)
bp.add_url_rule("/plans/<uuid:plan_id>", "plan_page", plan_pages.plan_page)

IN_FORCE = """
    with e as (
        select distinct on (district_id, scheme_id) * from edition
        where in_force_from <= clock_timestamp() order by district_id, scheme_id, in_force_from desc
    )
    select g.district_id, g.snapshot_id, g.grid_id, g.code, g.name, g.level, g.kind, p.code as parent,
        s.code as scheme, d.code as district
    from e
    join snapshot_grid g on g.district_id = e.district_id and g.snapshot_id = e.snapshot_id
    join scheme s on s.id = e.scheme_id
    join district d on d.id = e.district_id
    left join snapshot_grid p on p.district_id = g.district_id and p.snapshot_id = g.snapshot_id
        and p.grid_id = g.parent_id
"""
LIST = text(
    IN_FORCE
    + """
    where (cast(:level as text) is null or g.level = :level)
        and (g.level, g.code, d.code) > (:after_level, :after, :after_district)
        and (cast(:q as text) is null or g.code ^@ cast(:q as text)
            or strpos(lower(g.name), lower(cast(:q as text))) > 0)
    order by g.level, g.code, d.code limit :limit
"""
)
ONE = text(
    IN_FORCE
    + """
    where g.code = :code and (cast(:level as text) is null or g.level = :level)
        and (cast(:scheme as text) is null or s.code = :scheme)
"""
)
GROUNDS = text("""
    with recursive below as (
        select g.district_id, g.snapshot_id, g.grid_id, g.grid_id as root from snapshot_grid g
        join unnest(cast(:districts as int[]), cast(:snapshots as uuid[]), cast(:grids as uuid[]))
            as wanted (district_id, snapshot_id, grid_id) using (district_id, snapshot_id, grid_id)
        union all
        select g.district_id, g.snapshot_id, g.grid_id, b.root from snapshot_grid g
        join below b on g.district_id = b.district_id and g.snapshot_id = b.snapshot_id and g.parent_id = b.grid_id
    )
    select b.root, st_asbinary(s.geom) as wkb from below b
    join face f using (district_id, snapshot_id, grid_id)
    join shape s on s.district_id = f.district_id and s.id = f.shape_id
    where f.kind <> 'gap'
""")
CHILDREN = text(IN_FORCE + " where g.district_id = :district_id and g.parent_id = :grid_id order by g.code")
BESIDE = text(IN_FORCE + " where g.grid_id = any(:ids)")
HISTORY = text("""
    select e.number, e.in_force_from, g.code, g.name, g.level from edition e
    join snapshot_grid g on g.district_id = e.district_id and g.snapshot_id = e.snapshot_id
    where e.district_id = :district_id and g.grid_id = :grid_id order by e.in_force_from
""")


class ListQuery(BaseModel):
    """How to list grids."""

    level: str | None = None
    q: str | None = Field(None, min_length=1, max_length=100)
    limit: int = Field(100, ge=1, le=1000)
    geometry: bool = False
    cursor: str = Field("", max_length=300)


class WhichQuery(BaseModel):
    """Which of several grids with one code."""

    level: str | None = None
    scheme: str | None = None


@bp.get("/api/v1/grids")
@lookup
@takes(query=ListQuery)
@bp.doc(summary="List the grids in force", tags=["grids"])
def list_grids() -> Response:
    """List grids in force as a FeatureCollection, page by page."""
    wanted = query(ListQuery)
    after = [*wanted.cursor.split("|"), "", "", ""][:3]
    given = {"level": wanted.level, "q": wanted.q, "limit": wanted.limit + 1}
    keys = {"after_level": after[0], "after": after[1], "after_district": after[2]}
    with Session() as session:
        rows = session.execute(LIST, {**given, **keys}).all()
        shown = rows[: wanted.limit]
        grounds = _grounds(session, shown) if wanted.geometry else {}
    features = [_feature(row, grounds.get(row.grid_id)) for row in shown]
    links = []
    if len(rows) > wanted.limit:
        last = shown[-1]
        arguments = {**request.args.to_dict(), "cursor": f"{last.level}|{last.code}|{last.district}"}
        links = [{"rel": "next", "href": url_for("grids.list_grids", **arguments)}]
    return json_response({"type": "FeatureCollection", "features": features, "links": links})


@bp.get("/api/v1/grids/<code>")
@lookup
@takes(query=WhichQuery)
@bp.doc(summary="One grid in force", tags=["grids"])
def grid(code: str) -> Response:
    """Show one grid; ``CODE.geojson`` with its ground, its `bbox` and a `spot` inside it."""
    with_ground = code.endswith(".geojson")
    with Session() as session:
        row = _one(session, code.removesuffix(".geojson"))
        ground = _grounds(session, [row]).get(row.grid_id) if with_ground else None
    feature = _feature(row, ground)
    if ground is not None:
        feature["bbox"] = list(ground.bounds)
        feature["properties"]["spot"] = list(ground.point_on_surface().coords[0])
    return json_response(feature, mimetype="application/geo+json" if with_ground else "application/json")


@bp.get("/api/v1/grids/<code>/children")
@lookup
@takes(query=WhichQuery)
@bp.doc(summary="The grids under a grid", tags=["grids"])
def children(code: str) -> Response:
    """List the grids right under one."""
    with Session() as session:
        row = _one(session, code)
        rows = session.execute(CHILDREN, {"district_id": row.district_id, "grid_id": row.grid_id}).all()
    return json_response({"type": "FeatureCollection", "features": [_feature(one, None) for one in rows]})


@bp.get("/api/v1/grids/<code>/neighbours")
@lookup
@takes(query=WhichQuery)
@bp.doc(summary="The grids beside a grid", tags=["grids"])
def neighbours(code: str) -> Response:
    """List the grids of the same level and district that share a border with one, the longest border first."""
    with Session() as session:
        row = _one(session, code)
        which = {"district_id": row.district_id, "snapshot_id": row.snapshot_id}
        beside = neighbouring.find(session, **which, grid_id=row.grid_id, level=row.level)
        rows = {one.grid_id: one for one in session.execute(BESIDE, {"ids": [one.grid_id for one in beside]})}
    features = [_feature(rows[one.grid_id], None) for one in beside]
    for feature, one in zip(features, beside, strict=True):
        feature["properties"]["border_m"] = one.border_m
    return json_response({"type": "FeatureCollection", "features": features})


@bp.get("/api/v1/grids/<code>/history")
@lookup
@takes(query=WhichQuery)
@bp.doc(summary="A grid through all editions", tags=["grids"])
def history(code: str) -> Response:
    """Show a grid as each edition has it."""
    with Session() as session:
        row = _one(session, code)
        rows = session.execute(HISTORY, {"district_id": row.district_id, "grid_id": row.grid_id}).all()
    return json_response({"id": str(row.grid_id), "history": [dict(one._mapping) for one in rows]})


class EditionsQuery(BaseModel):
    """How many editions to list."""

    limit: int = Field(1000, ge=1, le=1000)


@bp.get("/api/v1/editions")
@lookup
@takes(query=EditionsQuery)
@bp.doc(summary="List the newest editions of all districts", tags=["editions"])
def editions() -> Response:
    """List the newest editions with the moment they count from, by district and number."""
    wanted = query(EditionsQuery)
    with Session() as session:
        codes = {one.id: one.code for one in city.list_districts(session)}
        moment = database_now(session)
        listed = [
            {
                "district": codes[one.district_id],
                "number": one.number,
                "in_force_from": one.in_force_from,
                "waiting": one.in_force_from > moment,
                "rollback_to": one.rollback_to,
            }
            for one in queries.list_editions(session, newest=wanted.limit)
        ]
    return json_response({"editions": listed})


class DiffQuery(BaseModel):
    """How to give a comparison."""

    format: Literal["json", "csv", "geojson"] = "json"


@bp.get("/api/v1/editions/<district>/<int:a>/diff/<int:b>")
@lookup
@takes(query=DiffQuery)
@bp.doc(summary="Compare two editions of a district", tags=["editions"])
def diff(district: str, a: int, b: int) -> Response:
    """Compare two editions grid by grid; as CSV or GeoJSON to take along."""
    wanted = query(DiffQuery)
    with Session() as session:
        place = city.get_district(session, district)
        listed = [(place.code, comparing.editions(session, place, a, b))]
    return downloads.comparison(listed, wanted.format, f"{district}-{a}-{b}")


def _one(session: Any, code: str) -> Any:
    given = {"code": code, "level": request.args.get("level"), "scheme": request.args.get("scheme")}
    rows = session.execute(ONE, given).all()
    if not rows:
        raise NotFound(f"There is no grid {code!r} in force.")
    if len(rows) > 1:
        levels = sorted({row.level for row in rows})
        raise Conflict(
            f"The code {code!r} stands for several grids: say level= ({', '.join(levels)}) or scheme=."
        )
    return rows[0]


def _grounds(session: Any, rows: Sequence[Any]) -> dict[UUID, shapely.Geometry]:
    """Give the ground of grids, in one query."""
    which = {
        "districts": [row.district_id for row in rows],
        "snapshots": [row.snapshot_id for row in rows],
        "grids": [row.grid_id for row in rows],
    }
    faces: dict[UUID, list[shapely.Geometry]] = {}
    for root, wkb in session.execute(GROUNDS, which):
        faces.setdefault(root, []).append(shapely.from_wkb(bytes(wkb)))
    return {root: shapely.coverage_union_all(parts) for root, parts in faces.items()}


def _feature(row: Any, ground: shapely.Geometry | None) -> dict[str, Any]:
    properties = {
        "code": row.code,
        "name": row.name,
        "level": row.level,
        "parent": row.parent,
        "kind": row.kind,
        "district": row.district,
        "scheme": row.scheme,
    }
    return {
        "type": "Feature",
        "id": str(row.grid_id),
        "geometry": wire.geojson(ground),
        "properties": properties,
    }
