"""Vector tiles over HTTP: the grids in force now or at a moment, of one edition, and the backdrop."""

import json
from hashlib import sha256
from typing import Any

import shapely
from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel
from sqlalchemy import text

from service.assignment.in_force import IN_FORCE
from service.assignment.maps import EditionMap
from service.assignment.views import moment
from service.db import Session
from service.errors import NotFound
from service.http import json_response, lookup, query
from service.openapi import takes
from service.tiles.making import OUTLINES, Kept, make
from service.tiles.outlines import DISTRICT

bp = APIBlueprint("tiles", __name__)
DEEPEST = 22
FINEST_FROM = 13  # yards of a whole city in one tile would be megabytes
CURRENT_SECONDS, YEAR_SECONDS = 5, 365 * 24 * 3600
KEPT = Kept()
OUTLINE_ZOOM = 12

BACKDROP_TILE = text("""
    with tile as (select st_tileenvelope(:z, :x, :y) as box),
    drawn as (
        select b.layer, b.kind as class, nullif(b.name, '') as name,
            st_asmvtgeom(st_transform(b.geom, 3857), tile.box, 4096, 64, true) as geom
        from tile join backdrop b on b.geom && st_transform(st_tileenvelope(:z, :x, :y, margin => 0.02), 4490)
        where (b.layer not in ('buildings', 'fields') or :z >= 14) and (b.layer <> 'relief' or :z >= 12)
            and (b.layer <> 'roads' or :z >= 14 or b.kind = any (:wide) or (:z >= 12 and b.kind = any (:middle)))
    )
    select string_agg(part, ''::bytea) from (
        select st_asmvt(one, one.layer, 4096, 'geom') as part
        from (select * from drawn where geom is not null) one group by one.layer
    ) parts
""")
ROADS = {"wide": ["ring", "main", "highway"], "middle": ["second", "collector", "oldstreet"]}


class TileQuery(BaseModel):
    """Of which moment, and of which scheme."""

    at: str | None = None
    scheme: str | None = None


@bp.get("/tiles/backdrop/<int:z>/<int:x>/<int:y>.mvt")
@lookup
@bp.doc(summary="Vector tile of roads, water, parks and buildings", tags=["tiles"])
def backdrop(z: int, x: int, y: int) -> Response:
    """Answer one tile of the backdrop."""
    _check(z, x, y)
    with Session() as session:
        content = session.scalar(BACKDROP_TILE, {"z": z, "x": x, "y": y, **ROADS})
    return _tile(bytes(content or b""), f"max-age={CURRENT_SECONDS * 60}")


@bp.get("/tiles/current/<level>/<int:z>/<int:x>/<int:y>.mvt")
@lookup
@takes(query=TileQuery)
@bp.doc(summary="Vector tile of the grids of a level in force now or at a moment", tags=["tiles"])
def grids(level: str, z: int, x: int, y: int) -> Response:
    """Answer one tile of a level of the map in force; layers `grids`, `labels`, `gaps`."""
    _check(z, x, y)
    scheme_id, maps = _asked()
    return _grids(maps, scheme_id, level, (z, x, y), f"max-age={CURRENT_SECONDS}")


@bp.get("/tiles/current/<level>.geojson")
@lookup
@takes(query=TileQuery)
@bp.doc(summary="Simplified outlines of a level in force now or at a moment, for pictures", tags=["tiles"])
def level_outlines(level: str) -> Response:
    """Answer the outlines of one level but the finest, about ten metres coarse."""
    scheme_id, maps = _asked()
    levels = IN_FORCE.levels[scheme_id]
    if level not in (DISTRICT, *levels) or (level == levels[-1] and len(levels) > 1):
        raise NotFound(f"There is no level {level!r} to give as a whole.")
    found = [OUTLINES.level(one, levels, level).simplified(OUTLINE_ZOOM) for one in maps]
    features = [
        {
            "type": "Feature",
            "id": one.id,
            "geometry": json.loads(shapely.to_geojson(shape)),
            "properties": {"code": one.code, "name": one.name},
        }
        for some, shapes in found
        for one, shape in zip(some, shapes, strict=True)
    ]
    response = json_response({"type": "FeatureCollection", "features": features}, 200, "application/geo+json")
    response.headers["Cache-Control"] = f"public, max-age={CURRENT_SECONDS}"
    return response


@bp.get("/tiles/<district>-<int:number>/<level>/<int:z>/<int:x>/<int:y>.mvt")
@lookup
@bp.doc(summary="Vector tile of the grids of a level of one edition", tags=["tiles"])
def edition(district: str, number: int, level: str, z: int, x: int, y: int) -> Response:
    """Answer one tile of an edition; it never changes."""
    _check(z, x, y)
    one = IN_FORCE.edition(district, number)
    if one is None:
        raise NotFound(f"The district {district!r} has no edition {number}.")
    return _grids([one], one.key.scheme_id, level, (z, x, y), f"max-age={YEAR_SECONDS}, immutable")


def _asked() -> tuple[int, list[EditionMap]]:
    given = query(TileQuery)
    scheme_id = IN_FORCE.scheme_id(given.scheme)
    if scheme_id is None:
        raise NotFound(f"There is no scheme {given.scheme!r}.")
    wanted = moment(given.at, IN_FORCE.profile.time_zone) or IN_FORCE.now()
    return scheme_id, IN_FORCE.maps_at(scheme_id, wanted)


def _grids(
    maps: list[EditionMap], scheme_id: int, level: str, place: tuple[int, int, int], keep: str
) -> Response:
    levels = IN_FORCE.levels[scheme_id]
    if level not in (DISTRICT, *levels):
        raise NotFound(f"There is no level {level!r}.")
    if place[0] < FINEST_FROM and level == levels[-1] and len(levels) > 1:
        return _tile(b"", keep)
    key = (tuple(one.key.snapshot_id for one in maps), scheme_id, level, place)
    tag = sha256(repr(key).encode()).hexdigest()[:32]
    if tag in request.if_none_match:
        return _tile(b"", keep, tag).make_conditional(request)  # type: ignore[return-value]
    content = KEPT.get(key)
    if content is None:
        content = _made(maps, levels, level, place)
        KEPT.put(key, content)
    return _tile(content, keep, tag)


def _made(maps: list[EditionMap], levels: tuple[str, ...], level: str, place: Any) -> bytes:
    with Session() as session:
        return make(session, maps, levels, level, place)


def _check(z: int, x: int, y: int) -> None:
    if z > DEEPEST or x >= 2**z or y >= 2**z:
        raise NotFound("There is no such tile.")


def _tile(content: bytes, keep: str, tag: str | None = None) -> Response:
    response = Response(content, mimetype="application/vnd.mapbox-vector-tile")
    response.headers["Cache-Control"] = f"public, {keep}"
    if tag is not None:
        response.set_etag(tag)
    return response
