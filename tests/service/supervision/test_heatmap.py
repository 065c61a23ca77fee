"""The heatmap's figures: counted by pinned grid, in half-open periods, for whom they are meant."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from openpyxl import load_workbook

from service import audit, clock
from service.people import actions as people
from tests.service.supervision.conftest import EAST, OTHER, WEST, publish


def ask(client, headers, **given):
    answer = client.get("/api/v1/heatmap", query_string=given, headers=headers)
    assert answer.status_code == 200, answer.json
    return answer.json


def counts(body):
    return {one["code"]: one["count"] for one in body["grids"]}


def test_counts_by_level_with_rates_on_true_ground(file_at, client, reader):
    file_at(WEST, 3), file_at(EAST, 5), file_at(OTHER, 2), file_at(120.0, 4)
    body = ask(client, reader())
    assert counts(body) == {"990101001002": 5, "990101001001": 3, "990102001001": 2}
    assert (body["count"], body["outside_map_count"]) == (14, 4)
    first = body["grids"][0]
    assert first["area_km2"] == pytest.approx(1.0478, rel=1e-3)  # 0.01° by 0.01° at 32.005° north
    assert first["per_km2_week"] == pytest.approx(5 / first["area_km2"] / 4)
    assert counts(ask(client, reader(), level="subdistrict")) == {"990101001": 8, "990102001": 2}
    assert [one["part_of"] for one in ask(client, reader(), level="subdistrict", limit=1)["grids"]] == [
        "区990101"
    ]


def test_periods_are_half_open_in_the_citys_time_zone(file_at, client, reader):
    for hour in (15, 16, 40 - 1, 40):  # midnight in Shanghai is 16:00 UTC
        file_at(WEST, 1, at=datetime(2026, 3, 8, tzinfo=UTC) + timedelta(hours=hour))
    body = ask(client, reader(), **{"from": "2026-03-09", "to": "2026-03-10"})
    assert (body["count"], body["previous_count"]) == (2, 1)
    assert body["window"]["from"] == "2026-03-08T16:00:00+00:00"


def test_filters_by_category_and_grid_and_the_period_before(file_at, client, reader):
    file_at(WEST, 3), file_at(WEST, 2, category="parking"), file_at(EAST, 1), file_at(WEST, 7, days_ago=40)
    assert counts(ask(client, reader(), category="parking")) == {"990101001001": 2}
    assert counts(ask(client, reader(), grid="990101001002")) == {"990101001002": 1}
    assert ask(client, reader(), grid="subdistrict:990101001")["count"] == 6
    body = ask(client, reader(), grid="990101001001")
    assert [(one["count"], one["previous_count"]) for one in body["grids"]] == [(5, 7)]
    assert body["grids"][0]["change"] == "no-baseline"  # there are no reports from before the period before


WRONG = (
    ({"category": "dragons"}, "/category"),
    ({"grid": "nowhere"}, "/grid"),
    ({"grid": "西社区"}, "/grid"),  # one in each district
    ({"level": "street"}, "/level"),
    ({"from": "yesterday"}, "/from"),
    ({"from": "2026-03-02", "to": "2026-03-01"}, "/to"),
    ({"days": "0"}, "/days"),
    ({"view": "x"}, "/view"),
    ({"grid": "a\x00b"}, "/"),
)


def test_what_is_wrong_with_a_question_is_named(districts, client, reader):
    headers = {**reader(), "Accept": "application/json"}
    for path in ("/api/v1/heatmap", "/heatmap", "/heatmap/frame", "/heatmap/table.csv"):
        for given, pointer in WRONG:
            answer = client.get(path, query_string=given, headers=headers)
            assert answer.status_code == 422, (path, given)
            assert answer.json["errors"][0]["pointer"] == pointer, (path, given)


def test_who_reads_one_district_sees_no_other(file_at, client, reader):
    file_at(WEST, 3), file_at(OTHER, 2), file_at(120.0, 1)
    body = ask(client, reader("990102"))
    assert (body["count"], counts(body)) == (2, {"990102001001": 2})
    assert client.get("/api/v1/heatmap?grid=990101001001", headers=reader("990102")).status_code == 422
    frame = client.get("/heatmap/frame", headers=reader("990102")).get_data(as_text=True)
    assert "990102001001" in frame
    assert "990101001" not in frame


def test_reports_stay_with_the_grid_of_their_time(file_at, session, client, reader, tmp_path):
    """A community that a later edition no longer has keeps its reports, under its old name and without area."""
    file_at(WEST, 2), file_at(EAST, 1)
    publish(session, tmp_path, "990101", 116.0, names={"002": "东社区改名", "003": "新社区"}, plan="later")
    file_at(WEST, 1)
    found = {one["code"]: one for one in ask(client, reader())["grids"]}
    assert {code: one["count"] for code, one in found.items()} == {
        "990101001001": 2, "990101001002": 2,
    }  # fmt: skip
    assert (found["990101001001"]["name"], found["990101001001"]["area_km2"]) == ("西社区", None)
    assert found["990101001002"]["name"] == "东社区改名"
    assert ask(client, reader(), level="subdistrict")["count"] == 4
    assert ask(client, reader(), grid="990101001")["count"] == 4


def test_tables_hold_the_same_figures(file_at, client, reader):
    file_at(WEST, 3), file_at(EAST, 5)
    expected = [(one["code"], one["count"]) for one in ask(client, reader())["grids"]]
    text = client.get("/heatmap/table.csv?locale=en", headers=reader()).get_data().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["Code"], int(row["Reports"])) for row in rows] == expected
    answer = client.get("/heatmap/table.xlsx?locale=en", headers=reader())
    assert "attachment" in answer.headers["Content-Disposition"]
    book = load_workbook(io.BytesIO(answer.data))
    lines = list(book.worksheets[0].iter_rows(min_row=2, values_only=True))
    assert [(line[1], line[4]) for line in lines] == expected
    assert ("Reports", 8) in list(book.worksheets[1].iter_rows(values_only=True))


def test_an_empty_city_has_a_page_that_says_so(app, client, reader):
    page = client.get("/heatmap?locale=en", headers=reader()).get_data(as_text=True)
    assert "No map in force" in page
    frame = client.get("/heatmap/frame?locale=en", headers=reader())
    assert "No map is in force yet" in frame.get_data(as_text=True)
    assert ask(client, reader())["grids"] == []


def test_no_reports_is_said(districts, client, reader):
    assert "No reports in this period" in client.get("/heatmap?locale=en", headers=reader()).get_data(
        as_text=True
    )
    assert client.get("/heatmap/frame", headers=reader()).status_code == 200


@pytest.mark.parametrize("role", ["planner", "reviewer", "leader", "handler", "supervisor", "integration"])
def test_everyday_roles_see_it(app, session, client, role):
    log_in(session, client, role)
    assert client.get("/heatmap").status_code == 200


@pytest.mark.parametrize("role", ["system", "security", "audit"])
def test_administrators_do_not(app, session, client, role):
    log_in(session, client, role)
    assert client.get("/heatmap", headers={"Accept": "text/html"}).status_code == 403


def log_in(session, client, role):
    given = {"name": role, "role": role, "district": None, "password": "correct horse"}
    people.add_person(session, **given, by=audit.SYSTEM, at=clock.now())
    session.flush()
    assert client.post("/login", data={"name": role, "password": "correct horse"}).status_code == 302
