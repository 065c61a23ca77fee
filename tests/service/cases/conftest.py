"""Two communities in force, 990101000 west and 990101001 east of 116.001, and tokens that may send reports."""

import json
from datetime import timedelta

import pytest
import shapely

from service import audit, clock
from service.assignment.in_force import IN_FORCE
from service.grids import publishing, queries
from service.grids.importing import Request, import_file
from service.people import actions
from service.people.permissions import Permission


@pytest.fixture
def squares(session, tmp_path, monkeypatch):
    monkeypatch.setattr(publishing, "LEAD", timedelta(0))
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "name": name},
            "geometry": shapely.geometry.mapping(shapely.box(west, 32.0, west + 0.001, 32.001)),
        }
        for code, name, west in (("990101000", "西社区", 116.0), ("990101001", "东社区", 116.001))
    ]
    path = tmp_path / "squares.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    wanted = Request(
        plan="p", level="subdistrict", path=path, code_field="code", name_field="name", base="empty"
    )
    import_file(session, wanted, by=audit.OPERATOR, at=clock.now())
    found = queries.get_plan(session, "p", lock=True)
    made = publishing.publish(session, found, by=audit.OPERATOR, at=clock.now())
    session.flush()
    IN_FORCE.refresh()
    return made


@pytest.fixture
def token(session):
    key = actions.create_token(
        session,
        name="sender",
        scopes=(Permission.REPORT_SEND, Permission.HEATMAP_READ),
        by=audit.SYSTEM,
        at=clock.now(),
    )
    session.flush()
    return {"Authorization": f"Bearer {key}"}
