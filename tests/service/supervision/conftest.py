"""Two districts in force, each with one sub-district of two communities, and a way to put reports into them."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import shapely

from service import audit, clock
from service.assignment import in_force
from service.assignment.in_force import IN_FORCE
from service.cases import actions as cases
from service.cases.intake import NewReport
from service.city import actions as city
from service.grids import publishing, queries
from service.grids.importing import Request, import_file
from service.people import actions as people
from service.people.permissions import Permission

NAMES = {"001": "西社区", "002": "东社区"}
WEST, EAST, OTHER = 116.005, 116.015, 116.105


def feature(code, name, shape, parent):
    given = {"code": code, "name": name, "parent": parent}
    return {"type": "Feature", "properties": given, "geometry": shapely.geometry.mapping(shape)}


def publish(session, folder, district, west, names=NAMES, plan=None, town="一街道"):
    """Publish a district of one sub-district (0.02° wide) with two communities side by side."""
    plan = plan or f"plan {district}"
    code = district + "001"
    layers = {
        "subdistrict": [feature(code, town, shapely.box(west, 32, west + 0.02, 32.01), district)],
        "community": [
            feature(code + key, name, shapely.box(west + step, 32, west + step + 0.01, 32.01), code)
            for (key, name), step in zip(names.items(), (0.0, 0.01), strict=True)
        ],
    }
    for level, features in layers.items():
        path = folder / f"{level}.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
        wanted = Request(plan, level, path, "code", "name", "parent", district=district, base="empty")
        import_file(session, wanted, by=audit.OPERATOR, at=clock.now())
    found = queries.get_plan(session, plan, lock=True)
    publishing.waive(session, found, ("all",), reason="test", by=audit.OPERATOR, at=clock.now())
    made = publishing.publish(session, found, by=audit.OPERATOR, at=clock.now())
    session.flush()
    IN_FORCE.refresh()
    return made[0]


@pytest.fixture
def districts(app, session, tmp_path, monkeypatch):
    """Publish 990101 from 116.0 and 990102 from 116.1 east."""
    monkeypatch.setattr(publishing, "LEAD", timedelta(0))
    monkeypatch.setattr(in_force, "STALE_SECONDS", 600.0)  # nobody listens to the database here
    made = {}
    for code, west in (("990101", 116.0), ("990102", 116.1)):
        made[code] = city.add_district(session, code=code, name=f"区{code}", by=audit.SYSTEM, at=clock.now())
        publish(session, tmp_path, code, west)
    return made


@pytest.fixture
def file_at(session, districts):
    """File reports: `file_at(lon, count, days_ago=…, category=…)`."""

    def file(lon, count, *, days_ago=1.0, at=None, category="litter", text=""):
        moment = at or datetime.now(UTC) - timedelta(days=days_ago)
        one = NewReport(moment, category, text, "test", lon, 32.005, "wgs84")
        return cases.file_reports(session, [one] * count, by=audit.OPERATOR, at=clock.now())

    return file


@pytest.fixture
def reader(session):
    """Give the headers of somebody who may see the heatmap, of the city or of one district."""

    def headers(district=None):
        key = people.create_token(
            session,
            name="reader",
            scopes=(Permission.HEATMAP_READ,),
            by=audit.SYSTEM,
            at=clock.now(),
            **({"district": district} if district else {}),
        )
        session.flush()
        return {"Authorization": f"Bearer {key}"}

    return headers
