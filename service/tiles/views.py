"""Vector tiles of the grids in force (or of one edition) and of the backdrop, made by PostGIS."""

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy import text

from service.assignment.in_force import IN_FORCE
from service.db import Session
from service.errors import NotFound
from service.http import lookup

bp = APIBlueprint("tiles", __name__)
DEEPEST = 22
FINEST_FROM = 13  # yards of a whole city in one tile would be megabytes

# A coarser grid's outline is the union of its faces; ST_Union of the few that meet the tile keeps it cheap.
GRID_TILE = text("""
    with tile as (select st_tileenvelope(:z, :x, :y) as box,
                         st_transform(st_tileenvelope(:z, :x, :y, margin => 0.02), 4490) as around),
    hit as (
        select f.district_id, f.snapshot_id, f.grid_id, f.kind, s.geom
        from tile
        join shape s on s.geom && tile.around
        join face f on f.district_id = s.district_id and f.shape_id = s.id
        where (f.district_id, f.snapshot_id) in (select * from unnest(:districts ::int[], :snapshots ::uuid[]))
            and f.kind <> 'gap'
    ),
    up as (
        select hit.geom, hit.kind, g.grid_id, g.code, g.name, g.level, g.kind as grid_kind
        from hit
        join lateral (
            with recursive chain as (
                select g.* from snapshot_grid g where g.district_id = hit.district_id
                    and g.snapshot_id = hit.snapshot_id and g.grid_id = hit.grid_id
                union all
                select p.* from chain c join snapshot_grid p on p.district_id = c.district_id
                    and p.snapshot_id = c.snapshot_id and p.grid_id = c.parent_id
            ) select * from chain where level = :level
        ) g on true
    ),
    drawn as (
        select grid_id::text as id, code, name, level, grid_kind as kind,
            st_asmvtgeom(st_transform(st_union(geom), 3857), (select box from tile), 4096, 64, true) as geom
        from up group by grid_id, code, name, level, grid_kind
    )
    select st_asmvt(drawn, :level, 4096, 'geom') from drawn where geom is not null
""")
BACKDROP_TILE = text("""
    with tile as (select st_tileenvelope(:z, :x, :y) as box),
    drawn as (
        select b.layer, b.kind as class, b.name,
            st_asmvtgeom(st_transform(b.geom, 3857), tile.box, 4096, 64, true) as geom
        from tile join backdrop b on b.geom && st_transform(tile.box, 4490)
        where b.layer <> 'buildings' or :z >= 14
    )
    select string_agg(part, ''::bytea) from (
        select st_asmvt(one, one.layer, 4096, 'geom') as part
        from (select * from drawn where geom is not null) one group by one.layer
    ) parts
""")


@bp.get("/tiles/backdrop/<int:z>/<int:x>/<int:y>.mvt")
@lookup
@bp.doc(summary="Vector tile of roads, water, parks and buildings", tags=["tiles"])
def backdrop(z: int, x: int, y: int) -> Response:
    """Answer one tile of the backdrop."""
    _check(z, x, y)
    with Session() as session:
        return _tile(session.scalar(BACKDROP_TILE, {"z": z, "x": x, "y": y}), 3600)


@bp.get("/tiles/current/<level>/<int:z>/<int:x>/<int:y>.mvt")
@lookup
@bp.doc(summary="Vector tile of the grids of a level in force now", tags=["tiles"])
def grids(level: str, z: int, x: int, y: int) -> Response:
    """Answer one tile of a level of the map in force."""
    _check(z, x, y)
    scheme_id = IN_FORCE.scheme_id(None)
    if scheme_id is None or level not in IN_FORCE.levels[scheme_id]:
        raise NotFound(f"There is no level {level!r}.")
    keys = [one.key for one in IN_FORCE.maps_at(scheme_id, IN_FORCE.now())]
    which = {"districts": [one.district_id for one in keys], "snapshots": [one.snapshot_id for one in keys]}
    is_finest = level == IN_FORCE.levels[scheme_id][-1] and len(IN_FORCE.levels[scheme_id]) > 1
    if not keys or (is_finest and z < FINEST_FROM):
        return _tile(b"", 5)
    with Session() as session:
        return _tile(session.scalar(GRID_TILE, {"z": z, "x": x, "y": y, "level": level, **which}), 5)


def _check(z: int, x: int, y: int) -> None:
    if z > DEEPEST or x >= 2**z or y >= 2**z:
        raise NotFound("There is no such tile.")


def _tile(content: bytes | memoryview | None, seconds: int) -> Response:
    response = Response(bytes(content or b""), mimetype="application/vnd.mapbox-vector-tile")
    response.headers["Cache-Control"] = f"public, max-age={seconds}"
    return response
