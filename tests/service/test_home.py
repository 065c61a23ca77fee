"""The start page counts what is there, and shows reports only to those who may see them."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from service import audit, clock
from service.assignment.in_force import IN_FORCE
from service.grids import publishing
from service.people import actions
from service.people.permissions import Permission
from tests.service.assignment.test_story import publish, write_squares


@pytest.fixture
def squares(session, tmp_path, monkeypatch, client):
    monkeypatch.setattr(publishing, "LEAD", timedelta(0))
    write_squares(tmp_path / "squares.geojson")
    publish(session, tmp_path / "squares.geojson", "subdistrict", "code", "name")
    IN_FORCE.refresh()


def page(client, key=None):
    given = {"Authorization": f"Bearer {key}"} if key else {}
    answer = client.get("/", headers={"Accept": "text/html", **given})
    assert answer.status_code == 200
    return " ".join(answer.text.split())


def file_reports(session, ages_in_days):
    grid = session.execute(text("select district_id, grid_id from snapshot_grid order by code")).first()
    for age in ages_in_days:
        session.execute(
            text("""
                insert into report (district_id, happened_at, received_at, category, text, source, raw_x, raw_y,
                    raw_crs, position, status, grid_id, sent_by)
                values (:district_id, clock_timestamp() - make_interval(days => :age), clock_timestamp(), 'litter',
                    '', 'test', 116, 32, 'wgs84', st_setsrid(st_point(116, 32), 4490), 'inside', :grid_id, 'test')
            """),
            {"district_id": grid.district_id, "grid_id": grid.grid_id, "age": age},
        )


def test_an_empty_city_is_told_what_to_do_first(client):
    assert "还没有网格图" in page(client)


def test_strangers_see_what_is_in_force_and_no_reports(squares, client, session):
    file_reports(session, [1])
    seen = page(client)
    assert "现行网格</span><b>2 " in seen
    assert "第 1 版" in seen
    assert "上报" not in seen


def test_who_may_see_the_heatmap_sees_this_week_and_the_week_before(squares, client, session):
    file_reports(session, [1, 2, 6, 8, 13, 15])
    scopes = (Permission.HEATMAP_READ,)
    key = actions.create_token(session, name="t", scopes=scopes, by=audit.SYSTEM, at=clock.now())
    seen = page(client, key)
    assert "近 7 天上报</span><b>3 " in seen
    assert "前 7 天 2 件" in seen
    assert "西社区" in seen
