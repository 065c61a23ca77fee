"""Bring the fictional city into an installation without maps: map and people first, then its reports."""

import json
import tempfile
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import shapely
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from geo.synth import LEVELS, Backdrop, City, DemoDistrict, DemoGrid
from service import audit
from service.city import actions as city_actions
from service.city import queries as city_queries
from service.city.models import District
from service.db import CANONICAL_SRID
from service.demo import files
from service.errors import Conflict
from service.grids import actions as grid_actions
from service.grids import posts, publishing, queries
from service.grids.importing import Request, import_file
from service.grids.models import Edition, Plan, PlanDistrict, Post, SnapshotGrid

PLAN = "演示城市"
Tell = Callable[[str, float], None]


def make_room(session: Session, *, by: audit.Actor, at: datetime) -> None:
    """Let an installation without maps become a demo city. May raise Conflict."""
    for table in (Plan, Edition):
        if session.scalar(select(table).limit(1)) is not None:
            raise Conflict(
                "This installation has maps already. The demo city needs an empty one: WANGGE_DATA."
            )
    profile = city_queries.profile(session)
    if not profile.can_be_demo:
        raise Conflict("The demo city does not have the levels of this profile: set WANGGE_DEMO=0.")
    if not profile.demo:
        city_actions.set_profile(session, profile.as_demo(), by=by, at=at)
    session.execute(delete(District))


def load_map(
    session: Session, city: City, *, yards: int, by: audit.Actor, at: datetime, tell: Tell
) -> list[Edition]:
    """Load districts, grids, gaps, posts, counts and backdrop, publish; all or nothing with the transaction."""
    profile = city_queries.profile(session)
    named = profile.model_copy(update={"name": city.name})
    city_actions.set_profile(session, named, by=by, at=at)
    scheme = city_queries.get_scheme(session)
    levels = [level.code for level in city_queries.levels(session, scheme.id)]
    plan = grid_actions.create_plan(session, PLAN, scheme, base="empty", by=by, at=at)
    for number, one in enumerate(city.districts):
        tell(f"map of {one.code} {one.name}", number / len(city.districts))
        district = city_actions.add_district(session, code=one.code, name=one.name, by=by, at=at)
        _import(session, city, one, district, plan, dict(zip(LEVELS, levels, strict=True)), by=by, at=at)
    tell("publishing", 1.0)
    editions = publishing.publish(session, plan, by=by, at=at)
    for one in city.districts:
        tell(f"people of {one.code} {one.name}", 1.0)
        _people(session, city, city_queries.get_district(session, one.code), by=by, at=at)
    _draw(session, city.backdrop)
    audit.record(
        session, by=by, at=at, verb="made", thing=("demo city", city.name["en"]), seed=city.seed, yards=yards
    )
    return editions


def _import(
    session: Session,
    city: City,
    demo: DemoDistrict,
    district: District,
    plan: Plan,
    levels: dict[str, str],
    *,
    by: audit.Actor,
    at: datetime,
) -> None:
    for level in LEVELS:
        grids = [one for one in city.layers[level] if one.district == demo.code]
        if level == LEVELS[-1]:
            _declare_gaps(session, city, demo, district, plan, by=by, at=at)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{demo.code}-{level}.geojson"
            path.write_text(_collection(grids), "utf-8")
            wanted = Request(
                plan.name,
                levels[level],
                path,
                "code",
                "name",
                None if level == LEVELS[0] else "parent",
                district=demo.code,
                base="empty",
            )
            import_file(session, wanted, by=by, at=at)
    _mark_dedicated(session, city, district, plan, levels)


def _declare_gaps(
    session: Session,
    city: City,
    demo: DemoDistrict,
    district: District,
    plan: Plan,
    *,
    by: audit.Actor,
    at: datetime,
) -> None:
    for gap in city.gaps:
        if gap.district == demo.code:
            grid_actions.declare_gap(
                session,
                plan,
                district_id=district.id,
                shape=gap.geometry,
                parent=gap.parent,
                reason=gap.reason,
                by=by,
                at=at,
            )


def _collection(grids: list[DemoGrid]) -> str:
    features = [
        {
            "type": "Feature",
            "properties": {"code": one.code, "name": one.name, "parent": one.parent},
            "geometry": json.loads(shapely.to_geojson(one.geometry)),
        }
        for one in grids
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)


def _mark_dedicated(
    session: Session, city: City, district: District, plan: Plan, levels: dict[str, str]
) -> None:
    place = session.get_one(PlanDistrict, (plan.id, district.id))
    for level, here in levels.items():
        codes = [one.code for one in city.layers[level] if one.kind == "dedicated"]
        session.execute(
            update(SnapshotGrid)
            .where(
                SnapshotGrid.district_id == district.id,
                SnapshotGrid.snapshot_id == place.snapshot_id,
                SnapshotGrid.level == here,
                SnapshotGrid.code.in_(codes),
            )
            .values(kind="dedicated")
        )


def _people(session: Session, city: City, district: District, *, by: audit.Actor, at: datetime) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{district.code}.xlsx"
        files.write_roster(city, district.code, path)
        posts.import_roster(session, path, district=district, by=by, at=at)
    edition = queries.newest_edition(session, district.id, city_queries.get_scheme(session).id)
    grids = {one.code: one.grid_id for one in queries.grids_of(session, district.id, edition.snapshot_id)}
    today = posts.today_in_city(session, at)
    session.add_all(_members(city, district.id, grids, today))


def _members(city: City, district_id: int, grids: dict[str, Any], today: date) -> Iterator[Post]:
    for one in city.leaders:
        if one.kind == "member" and one.code in grids:
            yield Post(
                district_id=district_id,
                grid_id=grids[one.code],
                kind="member",
                holder=one.holder,
                phone=one.phone,
                duties="",
                from_on=today,
            )


def _draw(session: Session, backdrop: list[Backdrop]) -> None:
    cursor = session.connection().connection.cursor()
    with cursor.copy("copy backdrop (layer, kind, name, geom) from stdin") as copy:
        for one in backdrop:
            shape = shapely.set_srid(one.geometry, CANONICAL_SRID)
            copy.write_row(
                (one.layer, one.kind, one.name, shapely.to_wkb(shape, hex=True, include_srid=True))
            )
