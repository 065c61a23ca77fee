"""The map over HTTP: grids and editions for everybody, plans for those who make them."""

import json
from typing import Any

import shapely
from apiflask import APIBlueprint
from flask import Response, request, url_for
from pydantic import BaseModel, Field
from sqlalchemy import text

from service.city import queries as city
from service.db import Session, database_now
from service.errors import Conflict, NotFound
from service.grids import plan_views, publishing, queries
from service.http import json_response, lookup, query

bp = APIBlueprint("grids", __name__)
bp.register_blueprint(plan_views.bp)

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
        and (cast(:q as text) is null or g.code = :q or g.name ilike '%' || :q || '%')
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
GROUND = text("""
    with recursive below as (
        select grid_id from snapshot_grid
            where district_id = :district_id and snapshot_id = :snapshot_id and grid_id = :grid_id
        union all
        select g.grid_id from snapshot_grid g join below b on g.parent_id = b.grid_id
            where g.district_id = :district_id and g.snapshot_id = :snapshot_id
    )
    select st_asbinary(s.geom) from face f
    join shape s on s.district_id = f.district_id and s.id = f.shape_id
    where f.district_id = :district_id and f.snapshot_id = :snapshot_id and f.kind <> 'gap'
        and f.grid_id in (select grid_id from below)
""")
CHILDREN = text(IN_FORCE + " where g.district_id = :district_id and g.parent_id = :grid_id order by g.code")
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


@bp.get("/api/v1/grids")
@lookup
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
        features = [_feature(row, _ground(session, row) if wanted.geometry else None) for row in shown]
    links = []
    if len(rows) > wanted.limit:
        last = shown[-1]
        arguments = {**request.args.to_dict(), "cursor": f"{last.level}|{last.code}|{last.district}"}
        links = [{"rel": "next", "href": url_for("grids.list_grids", **arguments)}]
    return json_response({"type": "FeatureCollection", "features": features, "links": links})


@bp.get("/api/v1/grids/<code>")
@lookup
@bp.doc(summary="One grid in force", tags=["grids"])
def grid(code: str) -> Response:
    """Show one grid; ``CODE.geojson`` with its ground."""
    with_ground = code.endswith(".geojson")
    with Session() as session:
        row = _one(session, code.removesuffix(".geojson"))
        feature = _feature(row, _ground(session, row) if with_ground else None)
    return json_response(feature, mimetype="application/geo+json" if with_ground else "application/json")


@bp.get("/api/v1/grids/<code>/children")
@lookup
@bp.doc(summary="The grids under a grid", tags=["grids"])
def children(code: str) -> Response:
    """List the grids right under one."""
    with Session() as session:
        row = _one(session, code)
        rows = session.execute(CHILDREN, {"district_id": row.district_id, "grid_id": row.grid_id}).all()
    return json_response({"type": "FeatureCollection", "features": [_feature(one, None) for one in rows]})


@bp.get("/api/v1/grids/<code>/history")
@lookup
@bp.doc(summary="A grid through all editions", tags=["grids"])
def history(code: str) -> Response:
    """Show a grid as each edition has it."""
    with Session() as session:
        row = _one(session, code)
        rows = session.execute(HISTORY, {"district_id": row.district_id, "grid_id": row.grid_id}).all()
    return json_response({"id": str(row.grid_id), "history": [dict(one._mapping) for one in rows]})


@bp.get("/api/v1/editions")
@lookup
@bp.doc(summary="List the editions of all districts", tags=["editions"])
def editions() -> Response:
    """List editions with the moment they count from."""
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
            for one in queries.list_editions(session)
        ]
    return json_response({"editions": listed})


@bp.get("/api/v1/editions/<district>/<int:a>/diff/<int:b>")
@lookup
@bp.doc(summary="Compare two editions of a district", tags=["editions"])
def diff(district: str, a: int, b: int) -> Response:
    """Compare two editions grid by grid."""
    with Session() as session:
        return json_response(
            {"changes": publishing.diff(session, city.get_district(session, district), a, b)}
        )


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


def _ground(session: Any, row: Any) -> Any:
    which = {"district_id": row.district_id, "snapshot_id": row.snapshot_id, "grid_id": row.grid_id}
    faces = [shapely.from_wkb(bytes(wkb)) for wkb in session.scalars(GROUND, which)]
    return json.loads(shapely.to_geojson(shapely.coverage_union_all(faces))) if faces else None


def _feature(row: Any, geometry: Any) -> dict[str, Any]:
    properties = {
        "code": row.code,
        "name": row.name,
        "level": row.level,
        "parent": row.parent,
        "kind": row.kind,
        "district": row.district,
        "scheme": row.scheme,
    }
    return {"type": "Feature", "id": str(row.grid_id), "geometry": geometry, "properties": properties}
