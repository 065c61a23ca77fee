"""The sheet of an old assignment, after three more editions, a revocation, and a restore from a backup."""

import os
from datetime import timedelta

import pytest
from flask import render_template
from sqlalchemy import text

from service import audit, clock, create_app, db, migrate
from service.assignment import evidence_views
from service.assignment.in_force import IN_FORCE
from service.assignment.rulings import RULINGS
from service.city import actions as city
from service.city import profile
from service.grids import publishing, queries
from service.people import actions as people
from service.people.usage import USAGE
from service.settings import Settings
from service.upkeep import backup
from tests.conftest import make_database
from tests.service.grids.maps import EAST, WEST, box, bring, write

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
BY = {"by": audit.OPERATOR}
POINTS = {"inside": (118.8095, 31.905), "border": (118.81, 31.905), "ruled": (118.812, 31.905)}


@pytest.fixture
def connect(cluster, monkeypatch):
    """Let the service work on a database of its own; gives back the one before."""
    before, engines = db.Session.kw.get("bind"), []

    def to(url, data):
        monkeypatch.setenv("WANGGE_DATA", str(data))  # saved indexes are not brought along
        engines.append(db.connect(url))
        forget()

    yield to
    for one in engines:
        one.dispose()
    db.Session.configure(bind=before)
    forget()


def forget():
    """Let nothing in memory answer for what the database says."""
    IN_FORCE.__init__()
    RULINGS.__init__()


def publish(folder, border):
    halves = [(WEST, "西社区", box(118.8, border)), (EAST, "东社区", box(border, 118.83))]
    path = write(folder / "communities.geojson", halves)
    with db.Session.begin() as session:
        bring(session, path, base="empty", plan=f"P{border}")
        plan = queries.get_plan(session, f"P{border}", lock=True)
        publishing.waive(session, plan, ["all"], reason="test", **BY, at=clock.now())
        publishing.publish(session, plan, **BY, at=clock.now())


def sheets(app, hrefs, headers):
    """Give core and whole text of each sheet, as the PDF is set from it."""
    IN_FORCE.refresh()
    found = {}
    for name, href in hrefs.items():
        core = app.test_client().get("/api/v1" + href, headers=headers)
        assert core.json["is_equal"] is True, (name, core.json)
        with app.test_request_context(href, headers=headers):
            app.preprocess_request()
            asked = evidence_views._asked()
            with db.Session() as session:
                sheet = evidence_views._sheet(session, asked, evidence_views._again(session, asked))
            written = render_template("sheet_pdf.html", sheet=sheet)
        found[name] = (core.data[: core.data.index(b',"checksum":"')], written)
    return found


def test_the_sheet_of_an_old_assignment_lasts(cluster, connect, tmp_path, monkeypatch):
    monkeypatch.setattr(publishing, "LEAD", timedelta(0))
    for one in (IN_FORCE, USAGE):
        monkeypatch.setattr(one, "start", lambda: None)
    url = make_database(cluster, f"evidence_{WORKER}")
    migrate.upgrade(url)
    connect(url, tmp_path / "data")
    with db.Session.begin() as session:
        city.found_city(session, profile.shipped("cn"), **BY, at=clock.now())
        key = people.create_token(
            session, name="t", scopes=("ruling_decide", "contact_read"), **BY, at=clock.now()
        )
    headers = {"Authorization": f"Bearer {key}"}
    publish(tmp_path, 118.81)
    app = create_app(Settings())
    client = app.test_client()
    lon, lat = POINTS["ruled"]
    given = {"lon": lon, "lat": lat, "crs": "wgs84", "radius_m": 20, "grid": WEST, "reason": "历史属西社区"}
    ruling = client.post("/api/v1/rulings", json=given, headers=headers)
    assert ruling.status_code == 201, ruling.json
    IN_FORCE.refresh()
    asked = {
        name: client.get(f"/api/v1/assign?lon={x}&lat={y}&crs=wgs84&accuracy_m=15", headers=headers).json
        for name, (x, y) in POINTS.items()
    }
    assert [one["grid"]["code"] for one in asked.values()] == [WEST, WEST, WEST]
    hrefs = {name: one["evidence"]["href"] for name, one in asked.items()}
    first = sheets(app, hrefs, headers)

    client.post(f"/api/v1/rulings/{ruling.json['id']}/revoke", json={"reason": "误判"}, headers=headers)
    for border in (118.809, 118.808, 118.807):
        publish(tmp_path, border)
    IN_FORCE.refresh()
    now = client.get(f"/api/v1/assign?lon={POINTS['inside'][0]}&lat=31.905&crs=wgs84").json
    assert (now["grid"]["code"], now["edition"]["number"]) == (EAST, 4)
    assert sheets(app, hrefs, headers) == first

    backup.write(url, tmp_path / "data", tmp_path / "backup.tar", at=clock.now())
    restored = make_database(cluster, f"evidence_again_{WORKER}")
    (tmp_path / "there").mkdir()
    backup.read(restored, tmp_path / "there", tmp_path / "backup.tar")
    connect(restored, tmp_path / "there")
    with db.Session() as session:
        assert session.scalar(text("select current_database()")) == f"evidence_again_{WORKER}"
    assert sheets(app, hrefs, headers) == first
