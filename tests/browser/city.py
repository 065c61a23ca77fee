"""A small fictional city in force, for tests that look at pages."""

import json
import tempfile
from datetime import timedelta
from pathlib import Path
from unittest import mock

import shapely
from sqlalchemy.orm import Session

from geo.synth import LEVELS, City, make_city, roster_rows
from service import audit, clock
from service.city import actions, queries
from service.db import CANONICAL_SRID
from service.grids import actions as grid_actions
from service.grids import posts, publishing
from service.grids.importing import Request, import_file

PLAN = "browser"


def load(session: Session) -> None:
    """Import, publish and let be in force: three districts, 300 yards, leaders of the first, the backdrop."""
    city = make_city(seed=7, yards=300)
    scheme = queries.get_scheme(session)
    plan = grid_actions.create_plan(session, PLAN, scheme, base="empty", by=audit.SYSTEM, at=clock.now())
    for one in city.districts:
        actions.add_district(session, code=one.code, name=one.name, by=audit.SYSTEM, at=clock.now())
        for level in LEVELS:
            _import(session, city, one.code, level)
    with mock.patch.object(publishing, "LEAD", timedelta(0)):
        publishing.waive(session, plan, ("all",), reason="test", by=audit.SYSTEM, at=clock.now())
        publishing.publish(session, plan, by=audit.SYSTEM, at=clock.now())
    _appoint(session, city)
    _draw(session, city)


def _import(session: Session, city: City, district: str, level: str) -> None:
    features = [
        {
            "type": "Feature",
            "properties": {"code": one.code, "name": one.name, "parent": one.parent},
            "geometry": json.loads(shapely.to_geojson(one.geometry)),
        }
        for one in city.layers[level]
        if one.district == district
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "grids.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
        parent = None if level == LEVELS[0] else "parent"
        wanted = Request(PLAN, level, path, "code", "name", parent, district=district, base="empty")
        import_file(session, wanted, by=audit.SYSTEM, at=clock.now())


def _appoint(session: Session, city: City) -> None:
    from openpyxl import Workbook

    district = city.districts[0].code
    rows = [row for row in roster_rows(city) if str(row["编码"]).startswith(district)]
    book = Workbook()
    for row in [list(rows[0]), *(list(one.values()) for one in rows)]:
        book.active.append(row)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "roster.xlsx"
        book.save(path)
        place = queries.get_district(session, district)
        posts.import_roster(session, path, district=place, by=audit.SYSTEM, at=clock.now())


def _draw(session: Session, city: City) -> None:
    cursor = session.connection().connection.cursor()
    with cursor.copy("copy backdrop (layer, kind, name, geom) from stdin") as copy:
        for one in city.backdrop:
            shape = shapely.set_srid(one.geometry, CANONICAL_SRID)
            copy.write_row(
                (one.layer, one.kind, one.name, shapely.to_wkb(shape, hex=True, include_srid=True))
            )
