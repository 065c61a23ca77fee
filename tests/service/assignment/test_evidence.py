"""Evidence: a link computes its answer again and compares, as JSON, page and PDF; rulings show in answers."""

# ruff: noqa: F811 - fixtures are imported
import json
import re
from hashlib import sha256
from threading import BoundedSemaphore

import pytest
from sqlalchemy import text

from service import clock
from service.assignment import sheet_pdf
from service.assignment.in_force import IN_FORCE
from service.grids import publishing, queries
from tests.service.assignment.town import BY, bearer, boss, decide, edition  # noqa: F401
from tests.service.grids.maps import EAST, WEST, box, bring, write

POINT = {"lon": 118.8095, "lat": 31.905, "crs": "wgs84"}


@pytest.fixture
def ask(edition, client):
    def asking(headers=None, **given):
        IN_FORCE.refresh()
        answer = client.get("/api/v1/assign", query_string={**POINT, **given}, headers=headers)
        assert answer.status_code == 200, answer.json
        return answer.json

    return asking


def again(client, answer, headers=None):
    return client.get("/api/v1" + answer["evidence"]["href"], headers=headers)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"accuracy_m": 20},
        {"crs": "gcj02", "lon": 118.814602, "lat": 31.902873, "accuracy_m": 7.5},
        {"lon": 118.81},
        {"lon": 118.82005, "accuracy_m": 3},
        {"lon": 119.5, "accuracy_m": 10},
        {"at": "2020-01-01"},
        {"at": "2040-01-01T08:00:00+08:00"},
    ],
)
def test_a_link_computes_the_same_core_again(ask, client, given):
    answer = ask(**given)
    found = again(client, answer)
    assert (found.status_code, found.json["is_equal"]) == (200, True), found.json
    assert found.json["checksum"] == answer["evidence"]["checksum"]
    core = found.data[len(b'{"core":') : found.data.index(b',"checksum":"')]
    assert sha256(core).hexdigest() == answer["evidence"]["checksum"]
    # Whoever checks it elsewhere writes it so.
    canonical = json.dumps(json.loads(core), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert canonical.encode() == core
    assert {**found.json["answer"], "why": 0} == {**answer, "why": 0}


def test_a_link_that_was_changed_is_shown_in_red_with_both_checksums(ask, client):
    answer = ask(accuracy_m=10)
    page = client.get(answer["evidence"]["href"])
    assert "重新计算，结果一致" in page.text
    assert "alert-danger" not in page.text
    forged = answer["evidence"]["href"].replace("lon=118.8095", "lon=118.8105")
    assert client.get("/api/v1" + forged).json["is_equal"] is False
    page = client.get(forged)
    assert page.status_code == 200
    red = re.search(r"alert-danger.+?</dl>", page.text, re.DOTALL).group(0)
    sums = re.findall(r"<code>([0-9a-f]{64})</code>", red)
    assert sums[0] == answer["evidence"]["checksum"] != sums[1]
    bare = client.get(answer["evidence"]["href"].partition("&checksum")[0])
    assert "无从比对" in bare.text


def test_bad_links_are_refused_with_a_pointer(ask, client):
    ask()
    for name, value in [
        ("lon", "x"), ("lat", "nan"), ("lon", "200"), ("accuracy_m", "-1"), ("crs", "mars"), ("crs", ""),
        ("scheme", "none"), ("at", "soon"), ("as_of", "soon"), ("as_of", "0001-01-01"), ("as_of", "2999-01-01"),
    ]:  # fmt: skip
        answer = client.get("/api/v1/evidence", query_string={**POINT, name: value})
        assert answer.status_code == 422, (name, value, answer.json)
        assert answer.json["errors"][0]["pointer"] == f"/{name}", (name, value)
        assert client.get("/evidence", query_string={**POINT, name: value}).status_code == 422


def test_a_ruling_answers_and_shows_and_old_links_stay_true(ask, client, boss):
    before = ask(accuracy_m=10)
    assert (before["grid"]["code"], before["ruling"]) == (WEST, None)
    made = decide(client, boss).json
    ruled = ask(accuracy_m=10)
    assert (ruled["status"], ruled["grid"]["code"]) == ("inside", EAST)
    assert ruled["chain"][-1]["code"] == EAST
    assert ruled["distance_to_border_m"] == before["distance_to_border_m"]
    assert ruled["ruling"]["id"] == made["id"]
    assert ruled["ruling"]["instead_of"]["code"] == WEST
    assert set(ruled["ruling"]) == {"id", "decided_on", "instead_of"}
    assert "认定" in ruled["why"]
    many = client.post(
        "/api/v1/assign", json={"crs": "wgs84", "points": [[118.8095, 31.905], [118.802, 31.905]]}
    )
    assert [one["grid"]["code"] for one in many.json["results"]] == [EAST, WEST]
    client.post(f"/api/v1/rulings/{made['id']}/revoke", json={"reason": "误判"}, headers=boss)
    after = ask(accuracy_m=10)
    assert after["grid"]["code"] == WEST
    for one in (before, ruled, after):
        assert again(client, one).json["is_equal"], one
    assert again(client, ruled).json["answer"]["ruling"]["id"] == made["id"]
    assert ask(at=before["answered_at"])["ruling"] is None


def test_ground_outside_every_grid_can_be_ruled_too(ask, client, boss):
    there = {"lon": 118.8205, "lat": 31.905}
    assert ask(**there)["status"] == "outside"
    assert decide(client, boss, **there).status_code == 201
    ruled = ask(**there, accuracy_m=8)
    assert (ruled["status"], ruled["grid"]["code"], ruled["ruling"]["instead_of"]) == ("outside", EAST, None)
    assert ruled["edition"]["number"] == 1
    assert again(client, ruled).json["is_equal"]
    page = client.get(ruled["evidence"]["href"])
    assert "不在任何网格内" in page.text
    assert "依认定" in page.text


def test_a_report_goes_to_the_grid_a_ruling_names(ask, client, boss, bearer, session):
    decide(client, boss)
    ask()
    report = {"happened_at": "2026-01-05T08:00:00+08:00", "category": "litter", "text": "x", "source": "t"}
    reports = [{**report, **POINT, "lon": lon} for lon in (118.8095, 118.802)]
    sent = client.post("/api/v1/reports", json=reports, headers=bearer("report_send"))
    assert sent.status_code == 201, sent.json
    rows = session.execute(text("select raw_x, grid_code, status from report order by raw_x desc")).all()
    assert [tuple(one) for one in rows] == [(118.8095, EAST, "inside"), (118.802, WEST, "inside")]


def test_where_an_edition_lost_the_grid_the_map_answers_again(ask, client, boss, session, tmp_path):
    decide(client, boss)
    ruled = ask()
    assert ruled["grid"]["code"] == EAST
    path = write(tmp_path / "one.geojson", [(WEST, "西社区", box(118.8, 118.83))])
    bring(session, path, base="empty", plan="Q")
    plan = queries.get_plan(session, "Q", lock=True)
    publishing.waive(session, plan, ["all"], reason="test", **BY, at=clock.now())
    publishing.publish(session, plan, **BY, at=clock.now())
    session.flush()
    after = ask()
    assert (after["edition"]["number"], after["grid"]["code"], after["ruling"]) == (2, WEST, None)
    assert again(client, ruled).json["is_equal"]


def test_persons_and_reasons_are_told_only_with_the_scope(ask, client, boss):
    decide(client, boss)
    told = ask(boss, accuracy_m=10)
    assert told["ruling"]["reason"] == "原属东社区"
    for headers, is_told in ((None, False), (boss, True)):
        page = client.get(told["evidence"]["href"], headers=headers).text
        assert "现场认定" in page
        assert ("原属东社区" in page) == is_told
        assert ("电话" in page) == is_told
        answer = again(client, told, headers).json["answer"]
        assert ("reason" in answer["ruling"]) == is_told
        assert ("leader" in answer["chain"][-1]) == is_told


def test_the_sheet_is_one_page_of_pdf_that_fetches_nothing(ask, client, monkeypatch):
    sheet_pdf._kept.clear()
    href = ask(accuracy_m=10)["evidence"]["href"].replace("/evidence?", "/evidence.pdf?")
    with monkeypatch.context() as closed:
        closed.setattr("socket.socket.connect", None)
        made = client.get(href)
    assert (made.status_code, made.mimetype) == (200, "application/pdf")
    assert made.data.startswith(b"%PDF-")
    assert made.data.count(b"/Type /Page\n") + made.data.count(b"/Type /Page/") <= 1
    assert "filename*=UTF-8''%E7%BD%91%E6%A0%BC" in made.headers["Content-Disposition"]
    monkeypatch.setattr(sheet_pdf, "WAIT_S", 0.0)
    IN_FORCE.refresh()  # the first PDF of a process takes long
    with sheet_pdf._turn:  # somebody else's sheet is being set
        assert client.get(href).data == made.data  # this one is kept
        busy = client.get(href.replace("lon=118.8095", "lon=118.8094"))
    assert (busy.status_code, busy.headers["Retry-After"]) == (429, "5")
    monkeypatch.setattr(sheet_pdf, "WAIT_S", 60.0)
    monkeypatch.setattr(sheet_pdf, "_seats", BoundedSemaphore(1))
    with sheet_pdf._seats:  # as many wait as may: the next one is told at once
        assert client.get(href.replace("lon=118.8095", "lon=118.8093")).status_code == 429


def test_a_sheet_draws_what_is_on_the_ground(ask, client, boss):
    decide(client, boss)
    page = client.get(ask(accuracy_m=10)["evidence"]["href"]).text
    drawn = re.search(r'<figure class="a4-map"><svg.+?</svg></figure>', page, re.DOTALL).group(0)
    assert "东社区" in drawn
    assert "西社区" in drawn
    assert "style=" not in drawn  # forbidden on our pages
    assert 'fill-rule="evenodd"' in drawn  # yards are holes in the ground of their community
    for mark in ('stroke-dasharray="3 3"', 'stroke-dasharray="6 3"', ">北<"):  # accuracy, ruling, north
        assert mark in drawn
    qr = re.search(r'<td class="qr"><a href="([^"]+)"[^>]*><svg', page).group(1)
    assert qr.replace("&amp;", "&").startswith("http://localhost/evidence?crs=wgs84")


def test_a_link_says_by_when_it_was_known(ask, client):
    """An answer about days to come is compared with what was announced when it was given."""
    answer = ask(at="2040-01-01")
    assert "&at=2039-12-31T16:00:00Z&as_of=" in answer["evidence"]["href"]
    early = answer["evidence"]["href"].replace(
        answer["evidence"]["href"].partition("as_of=")[2].partition("&")[0], "2020-01-01T00:00:00Z"
    )
    assert client.get("/api/v1" + early).json["answer"]["status"] == "outside"


def test_a_link_too_long_for_a_code_is_a_link_alone(ask, client):
    crs = "+proj=longlat +datum=WGS84 +no_defs" + " +title=abcdefgh" * 200
    found = client.get("/evidence", query_string={**POINT, "crs": crs})
    assert found.status_code == 200, found.get_data(as_text=True)[-500:]
