"""Rulings: who may decide, what is kept, when one counts, which of several wins."""

# ruff: noqa: F811 - fixtures are imported
from datetime import timedelta

import pytest
import shapely
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from service import clock
from service.assignment.in_force import IN_FORCE
from service.assignment.rulings import RULINGS
from service.audit import AuditEvent
from service.city import actions as city
from service.grids import publishing, queries
from tests.service.assignment.town import BY, SPOT, bearer, boss, decide, edition  # noqa: F401
from tests.service.grids.maps import EAST, WEST, box, bring, write


def now_at(lon=118.8095, lat=31.905):
    IN_FORCE.refresh()
    return RULINGS.at_point(1, lon, lat, IN_FORCE.now(), IN_FORCE.now())


def test_a_ruling_is_heard_and_decides_within_its_radius(client, boss):
    made = decide(client, boss)
    assert made.status_code == 201, made.json
    assert made.json["grid"]["code"] == EAST
    assert (made.json["decided_by"], made.json["reason"]) == (
        "None-ruling_decide-page_read-contact_read",
        "原属东社区",
    )
    found = now_at()
    assert (str(found.id), str(found.grid_id)) == (made.json["id"], made.json["grid"]["id"])
    assert now_at(lon=118.8095 - 0.0004) is None  # 38 m away


def test_the_deed_is_in_the_log_of_the_same_transaction(client, session, boss):
    made = decide(client, boss).json
    (event,) = session.scalars(select(AuditEvent).where(AuditEvent.thing_id == made["id"]))
    assert (event.verb, event.detail["reason"]) == ("ruled", "原属东社区")
    assert event.district_id is not None


def test_the_ruling_recorded_last_wins_and_old_moments_keep_their_answer(client, boss):
    first = decide(client, boss).json
    IN_FORCE.refresh()
    between = IN_FORCE.now()
    second = decide(client, boss, grid=WEST, radius_m=10).json
    assert str(now_at().id) == second["id"]
    assert str(now_at(lon=118.8095 + 0.0002).id) == first["id"]  # only the first reaches so far
    assert str(RULINGS.at_point(1, 118.8095, 31.905, between, between).id) == first["id"]


def test_a_revocation_is_a_row_and_counts_from_then_on(client, session, boss):
    made = decide(client, boss).json
    IN_FORCE.refresh()
    before = IN_FORCE.now()
    undone = client.post(f"/api/v1/rulings/{made['id']}/revoke", json={"reason": "误判"}, headers=boss)
    assert (undone.status_code, undone.json["is_in_force"]) == (200, False)
    assert now_at() is None
    assert str(RULINGS.at_point(1, 118.8095, 31.905, before, before).id) == made["id"]
    again = client.post(f"/api/v1/rulings/{made['id']}/revoke", json={"reason": "误判"}, headers=boss)
    assert again.status_code == 409
    verbs = session.scalars(
        select(AuditEvent.verb).where(AuditEvent.thing_id == made["id"]).order_by(AuditEvent.id)
    )
    assert list(verbs) == ["ruled", "revoked"]


def test_rows_are_never_changed(client, session, boss):
    decide(client, boss)
    for statement in ("update ruling set reason = 'x'", "delete from ruling"):
        with pytest.raises(DBAPIError, match="only ever added"), session.begin_nested():
            session.execute(text(statement))


def test_a_ruling_for_later_days_waits_and_ends(client, boss):
    made = decide(client, boss, from_on="2031-05-01", to_on="2031-06-01").json
    assert not made["is_in_force"]
    assert now_at() is None
    ruling = RULINGS._known[1][0]
    day, late = timedelta(days=1), ruling.counts_from + timedelta(days=999)
    assert not ruling.counts_at(1, ruling.counts_from - timedelta(microseconds=1), late)
    assert ruling.counts_at(1, ruling.counts_from, late)
    assert ruling.counts_at(1, ruling.counts_from + 30 * day, late)
    assert not ruling.counts_at(1, ruling.counts_from + 31 * day, late)
    assert not ruling.counts_at(2, ruling.counts_from, late)
    assert ruling.counts_from.isoformat() == "2031-04-30T16:00:00+00:00"  # midnight in the city


def test_what_was_answered_about_days_to_come_stays_as_it_was_known(client, boss):
    """Asked today about next year: what is decided and taken back later is no part of today's answer."""
    IN_FORCE.refresh()
    before = IN_FORCE.now()
    made = decide(client, boss).json
    IN_FORCE.refresh()
    between = IN_FORCE.now()
    client.post(f"/api/v1/rulings/{made['id']}/revoke", json={"reason": "误判"}, headers=boss)
    IN_FORCE.refresh()
    next_year = before + timedelta(days=365)
    found = [
        RULINGS.at_point(1, 118.8095, 31.905, next_year, as_of) is not None
        for as_of in (before, between, IN_FORCE.now())
    ]
    assert found == [False, True, False]


def test_an_area_can_be_drawn_and_is_met_exactly(client, boss):
    area = shapely.box(118.809, 31.904, 118.8095, 31.905)
    made = decide(client, boss, area=shapely.geometry.mapping(area), lon=None, lat=None)
    assert made.status_code == 201, made.json
    assert now_at(118.8095, 31.905) is not None  # its corner
    assert now_at(118.80950000000001, 31.905) is None  # one ulp beside


def test_coordinates_are_read_as_declared(client, boss):
    made = decide(client, boss, crs="gcj02").json
    assert made["spot"]["lon"] != SPOT["lon"]
    assert now_at() is None
    assert now_at(made["spot"]["lon"], made["spot"]["lat"]) is not None


def ring(*corners):
    return {"type": "Polygon", "coordinates": [list(corners)]}


WRONG = [
    ({"grid": "nowhere"}, "/grid"),
    ({"reason": "  "}, "/reason"),
    ({"radius_m": 501}, "/radius_m"),
    ({"radius_m": 0}, "/radius_m"),
    ({"lon": None}, "/lon"),
    ({"lat": 91}, "/lon"),
    ({"crs": None}, "/crs"),
    ({"crs": "mars"}, "/crs"),
    ({"from_on": "2020-01-01"}, "/from_on"),
    ({"from_on": "2031-05-01", "to_on": "2031-05-01"}, "/to_on"),
    ({"area": {"type": "Point", "coordinates": [1, 2]}}, "/area"),
    ({"area": {"type": "Polygon", "coordinates": []}}, "/area"),
    ({"area": ring([1, 2], [1, 3], ["x", 4], [1, 2])}, "/area"),
    ({"area": ring([1, 2], [1.0001, 2], [1, 2])}, "/area"),
    ({"area": ring([1, 2], [1.001, 2.001], [1.001, 2], [1, 2.001], [1, 2])}, "/area"),
    ({"area": shapely.geometry.mapping(shapely.box(118.79, 31.9, 118.82, 31.92))}, "/area"),
    ({"area": shapely.geometry.mapping(shapely.box(118.79, 31.9, 118.99, 31.90001))}, "/area"),
]


def test_bad_rulings_are_refused_with_a_pointer(client, session, boss):
    for given, pointer in WRONG:
        answer = decide(client, boss, **given)
        assert answer.status_code == 422, (given, answer.json)
        assert answer.json["errors"][0]["pointer"] == pointer, given
    assert session.scalar(text("select count(*) from ruling")) == 0


def test_only_who_may_decide_here_does(client, session, edition, bearer):
    city.add_district(session, code="990102", name="乙区", **BY, at=clock.now())
    here = session.scalar(text("select code from district order by id limit 1"))
    assert decide(client, None).status_code == 401
    assert decide(client, bearer("page_read")).status_code == 403
    assert decide(client, bearer("ruling_decide", district="990102")).status_code == 403
    made = decide(client, bearer("ruling_decide", district=here))
    assert made.status_code == 201
    assert "reason" not in made.json  # contacts are another scope
    away = bearer("ruling_decide", "page_read", district="990102")
    undo = f"/api/v1/rulings/{made.json['id']}/revoke"
    assert client.post(undo, json={"reason": "x"}, headers=away).status_code == 403
    assert client.get("/api/v1/rulings", headers=away).json["rulings"] == []


def test_ground_of_two_districts_needs_the_right_in_both(client, session, boss, bearer, tmp_path):
    city.add_district(session, code="990102", name="乙区", **BY, at=clock.now())
    path = write(tmp_path / "other.geojson", [("990102001001", "丙社区", box(118.82, 118.83))])
    bring(session, path, base="empty", plan="Q", district="990102")
    plan = queries.get_plan(session, "Q", lock=True)
    publishing.waive(session, plan, ["all"], reason="test", **BY, at=clock.now())
    publishing.publish(session, plan, **BY, at=clock.now())
    session.flush()
    here = session.scalar(text("select code from district order by id limit 1"))
    mine = bearer("ruling_decide", district=here)
    assert decide(client, mine, lon=118.8199).status_code == 403  # 10 m from the neighbour's ground
    assert decide(client, mine, lon=118.8199, radius_m=5).status_code == 201
    assert decide(client, boss, lon=118.8199).status_code == 201
    away = decide(client, boss, grid="990102001001")
    assert (away.status_code, away.json["errors"][0]["pointer"]) == (422, "/grid")


def test_rulings_are_listed_page_by_page_without_persons_unless_told(client, boss, bearer):
    ids = [decide(client, boss).json["id"] for _ in range(3)]
    client.post(f"/api/v1/rulings/{ids[1]}/revoke", json={"reason": "x"}, headers=boss)
    first = client.get("/api/v1/rulings?limit=2", headers=bearer("page_read")).json
    assert [one["id"] for one in first["rulings"]] == ids[:0:-1]
    assert not {"reason", "decided_by", "revoked_by", "revoke_reason"} & set(first["rulings"][0])
    rest = client.get(first["links"][0]["href"], headers=boss).json
    assert [one["id"] for one in rest["rulings"]] == ids[:1]
    assert rest["links"] == []
    assert rest["rulings"][0]["reason"] == "原属东社区"
    counting = client.get("/api/v1/rulings?in_force=1", headers=boss).json["rulings"]
    assert [one["id"] for one in counting] == [ids[2], ids[0]]
    assert client.get("/api/v1/rulings?cursor=x", headers=boss).status_code == 422
    assert client.get("/api/v1/rulings?district=x", headers=boss).json["rulings"] == []


def test_a_ruling_that_would_be_heard_too_late_is_refused(client, session, boss, monkeypatch):
    """Else a process might answer without it about a moment at which it counted, and the evidence would differ."""
    made = decide(client, boss).json
    monkeypatch.setattr(publishing, "LEAD", publishing.NOTICE - timedelta(seconds=0.1))
    assert decide(client, boss).status_code == 409
    undone = client.post(f"/api/v1/rulings/{made['id']}/revoke", json={"reason": "误判"}, headers=boss)
    assert undone.status_code == 409
