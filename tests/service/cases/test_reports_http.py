"""Reports over HTTP: filed with the grid that answers now; a key answers once; a bad row files nothing."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import text

from service import clock

EAST = {"happened_at": "2026-03-01T08:00:00+08:00", "category": "litter", "lon": 116.0015, "lat": 32.0005}
EAST |= {"crs": "wgs84", "text": "垃圾", "accuracy_m": 8}


def send(client, token, body, **headers):
    return client.post("/api/v1/reports", data=json.dumps(body), content_type="application/json",
                       headers={**token, **headers})  # fmt: skip


def rows(session):
    return session.execute(text("select *, st_x(position) lon, st_y(position) lat from report")).all()


def test_a_report_is_kept_as_sent_and_with_its_grid(squares, session, client, token):
    answer = send(client, token, EAST)
    assert answer.status_code == 201
    body = answer.json
    assert (body["status"], body["grid"]["code"], body["grid"]["name"]) == ("inside", "990101001", "东社区")
    assert body["edition"]["number"] == squares[0].number
    (row,) = rows(session)
    assert str(row.id) == body["id"]
    assert (row.raw_x, row.raw_y, row.raw_crs, row.lon, row.lat) == (
        116.0015,
        32.0005,
        "wgs84",
        116.0015,
        32.0005,
    )
    assert (row.district_id, row.edition_number, row.grid_code) == (squares[0].district_id, 1, "990101001")
    assert row.happened_at.isoformat() == "2026-03-01T00:00:00+00:00"


def test_raw_and_canonical_position_differ_where_the_system_does(squares, session, client, token):
    sent = {**EAST, "crs": "gcj02", "lon": 116.0065, "lat": 31.9985}
    body = send(client, token, sent).json
    (row,) = rows(session)
    asked = client.get("/api/v1/assign?lon=116.0065&lat=31.9985&crs=gcj02").json
    assert (row.raw_x, row.raw_crs) == (116.0065, "gcj02")
    assert (row.lon, row.lat) == (asked["position"]["lon"], asked["position"]["lat"])
    assert (body["status"], body["grid"]) == (asked["status"], asked["grid"])


def test_a_report_outside_belongs_to_the_city_itself(squares, session, client, token):
    body = send(client, token, {**EAST, "lon": 117.0}).json
    assert (body["status"], body["grid"], body["edition"]) == ("outside", None, None)
    assert rows(session)[0].district_id == 0


def test_a_time_without_offset_is_the_citys(squares, session, client, token):
    assert send(client, token, {**EAST, "happened_at": "2026-03-01 08:00"}).status_code == 201
    assert rows(session)[0].happened_at.isoformat() == "2026-03-01T00:00:00+00:00"


def test_a_list_is_answered_row_for_row_and_equals_single_look_ups(squares, session, client, token):
    listed = [{**EAST, "lon": 116.0 + 0.00013 * step, "lat": 32.0003} for step in range(20)]
    answers = send(client, token, listed).json["reports"]
    for sent, answer in zip(listed, answers, strict=True):
        asked = client.get(
            "/api/v1/assign", query_string={"lon": sent["lon"], "lat": sent["lat"], "crs": "wgs84"}
        )
        assert (answer["status"], answer["grid"]) == (asked.json["status"], asked.json["grid"])
        assert answer["position"]["lon"] == sent["lon"]
    assert len(rows(session)) == 20


def test_the_same_key_and_body_give_the_first_answer_again(squares, session, client, token):
    first = send(client, token, EAST, **{"Idempotency-Key": "a"})
    again = send(client, token, EAST, **{"Idempotency-Key": "a"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json == first.json
    assert len(rows(session)) == 1
    assert rows(session)[0].idempotency_key == "a"
    send(client, token, EAST, **{"Idempotency-Key": "b"})
    assert len(rows(session)) == 2


def test_the_same_key_with_another_body_is_refused(squares, session, client, token):
    send(client, token, EAST, **{"Idempotency-Key": "a"})
    other = send(client, token, {**EAST, "text": "别的"}, **{"Idempotency-Key": "a"})
    assert (other.status_code, other.json["type"]) == (422, "/problems/key-reused")
    assert len(rows(session)) == 1


def test_a_key_whose_report_was_refused_is_free_again(squares, session, client, token):
    assert send(client, token, {**EAST, "category": "?"}, **{"Idempotency-Key": "a"}).status_code == 422
    assert send(client, token, EAST, **{"Idempotency-Key": "a"}).status_code == 201


def later() -> str:
    return (clock.now() + timedelta(hours=1)).isoformat()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"happened_at": later()}, "happened_at"),
        ({"happened_at": "yesterday"}, "happened_at"),
        ({"happened_at": 1_700_000_000}, "happened_at"),
        ({"happened_at": "0001-01-01T00:00:00+08:00"}, "happened_at"),
        ({"happened_at": "1815-06-18"}, "happened_at"),
        ({"category": "dragons"}, "category"),
        ({"category": ""}, "category"),
        ({"category": "lit\u0000ter"}, ""),
        ({"text": "a\u0000b"}, ""),
        ({"text": "x" * 10_001}, "text"),
        ({"lon": None}, "lon"),
        ({"lon": True}, "lon"),
        ({"lat": "north"}, "lat"),
        ({"lat": "nan"}, "lat"),
        ({"lat": 95.0}, "lon"),
        ({"lon": 1e308}, "lon"),
        ({"crs": "mars"}, "lon"),
        ({"crs": ""}, "crs"),
        ({"accuracy_m": -1}, "accuracy_m"),
        ({"accuracy_m": "inf"}, "accuracy_m"),
        ({"source": ""}, "source"),
    ],
)
def test_what_is_wrong_with_a_report_is_named(squares, session, client, token, change, field):
    alone = send(client, token, {**EAST, **change})
    assert alone.status_code == 422, alone.json
    assert alone.json["errors"][0]["pointer"] == f"/{field}"
    listed = send(client, token, [EAST, {**EAST, **change}, EAST])
    assert listed.status_code == 422
    assert [one["pointer"] for one in listed.json["errors"]] == [f"/1/{field}"]
    assert rows(session) == []


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"nan", b'{"lon": NaN}', b'"\\ud800"', b"\xff\xfe", b"[" * 100_000]
)
def test_a_body_that_is_not_json_is_400(squares, client, token, raw):
    answer = client.post("/api/v1/reports", data=raw, content_type="application/json", headers=token)
    assert answer.status_code == 400


@pytest.mark.parametrize("body", [None, 1, "x", [], [[]], ["x"], [None], {}, [{}]])
def test_a_body_of_another_shape_is_422(squares, client, token, body):
    assert send(client, token, body).status_code == 422


def test_who_may_not_send_is_refused(squares, client):
    assert send(client, {}, EAST).status_code == 401
