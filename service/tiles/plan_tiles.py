"""Vector tiles of a plan as it is now: its faces to click on, its coarser levels as lines."""

from uuid import UUID

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy import text
from sqlalchemy.orm import Session as OrmSession

from service.db import Session
from service.errors import NotFound
from service.grids import access
from service.people.guards import requires
from service.people.permissions import Permission
from service.tiles.views import DEEPEST

bp = APIBlueprint("plan_tiles", __name__)
FACES = "faces"
FACES_FROM = 12
FEW_FACES = 4000  # so many may be drawn at any zoom
FACE_TILE = text("""
    with tile as (select st_tileenvelope(:z, :x, :y) as box,
                         st_transform(st_tileenvelope(:z, :x, :y, margin => 0.02), 4490) as around),
    drawn as (
        select f.id::text as id, f.kind, g.grid_id::text as grid_id, g.code, g.name, g.level,
            st_asmvtgeom(st_transform(s.geom, 3857), tile.box, 4096, 64, true) as geom,
            st_transform(st_pointonsurface(s.geom), 3857) as middle, st_area(s.geom) as size
        from tile
        join shape s on s.geom && tile.around
        join face f on f.district_id = s.district_id and f.shape_id = s.id
        left join snapshot_grid g on g.district_id = f.district_id and g.snapshot_id = f.snapshot_id
            and g.grid_id = f.grid_id
        where (f.district_id, f.snapshot_id) in (select * from unnest(:districts ::int[], :snapshots ::uuid[]))
    )
    select coalesce(
        (select st_asmvt(one, 'faces', 4096, 'geom')
         from (select id, kind, grid_id, code, name, level, geom from drawn where geom is not null) one), ''
    ) || coalesce(
        (select st_asmvt(one, 'labels', 4096, 'geom')
         from (select name, size, st_asmvtgeom(middle, tile.box, 4096, 0, true) as geom from drawn, tile
               where name <> '' and middle && tile.box) one), '')
""")
# A plan changes with every edit, so its coarser levels are united for each tile, not kept like an edition's.
LEVEL_TILE = text("""
    with recursive tile as (select st_tileenvelope(:z, :x, :y) as box,
                         st_transform(st_tileenvelope(:z, :x, :y, margin => 0.02), 4490) as around),
    hit as (
        select f.district_id, f.snapshot_id, f.grid_id, s.geom
        from tile
        join shape s on s.geom && tile.around
        join face f on f.district_id = s.district_id and f.shape_id = s.id
        where (f.district_id, f.snapshot_id) in (select * from unnest(:districts ::int[], :snapshots ::uuid[]))
            and f.kind <> 'gap'
    ),
    chain as (
        select g.*, g.grid_id as finest from snapshot_grid g
        where (g.district_id, g.snapshot_id, g.grid_id) in (select district_id, snapshot_id, grid_id from hit)
        union all
        select p.*, c.finest from chain c join snapshot_grid p on p.district_id = c.district_id
            and p.snapshot_id = c.snapshot_id and p.grid_id = c.parent_id
    ),
    drawn as (
        select c.grid_id::text as id, c.code, c.name, c.level,
            st_asmvtgeom(st_transform(st_union(hit.geom), 3857), (select box from tile), 4096, 64, true) as geom
        from chain c join hit on hit.district_id = c.district_id and hit.snapshot_id = c.snapshot_id
            and hit.grid_id = c.finest
        where c.level = :level group by c.grid_id, c.code, c.name, c.level
    )
    select st_asmvt(drawn, :level, 4096, 'geom') from drawn where geom is not null
""")
COUNT = text("""
    select count(*) from (select 1 from face where (district_id, snapshot_id) in
        (select * from unnest(:districts ::int[], :snapshots ::uuid[])) limit :most) counted
""")


@bp.get("/tiles/plan/<uuid:plan_id>/<level>/<int:z>/<int:x>/<int:y>.mvt")
@requires(Permission.PLAN_READ)
@bp.doc(summary="Vector tile of a plan: a level, or its faces", tags=["tiles"])
def plan_tile(plan_id: UUID, level: str, z: int, x: int, y: int) -> Response:
    """Answer one tile of what a plan has now, in the districts that the asker may see."""
    if z > DEEPEST or x >= 2**z or y >= 2**z:
        raise NotFound("There is no such tile.")
    with Session() as session:
        plan = access.readable(session, str(plan_id))
        places = access.places(session, plan, Permission.PLAN_READ)
        which = {
            "districts": [one.district_id for one in places],
            "snapshots": [one.snapshot_id for one in places],
        }
        content = _content(session, level, {"z": z, "x": x, "y": y}, which) if places else b""
    response = Response(bytes(content or b""), mimetype="application/vnd.mapbox-vector-tile")
    # The page asks with the plan's version, so an edit shows at once; others have no business with it.
    response.headers["Cache-Control"] = "private, max-age=300"
    return response


def _content(
    session: OrmSession, level: str, tile: dict[str, int], which: dict[str, list[object]]
) -> bytes | memoryview | None:
    if level == FACES:
        if tile["z"] < FACES_FROM and session.scalar(COUNT, {**which, "most": FEW_FACES + 1}) > FEW_FACES:
            return b""
        return session.scalar(FACE_TILE, {**tile, **which})
    if not level.isidentifier():
        raise NotFound(f"There is no level {level!r}.")
    return session.scalar(LEVEL_TILE, {**tile, "level": level, **which})
