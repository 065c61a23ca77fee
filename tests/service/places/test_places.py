"""A city brings its lists, people type what they know of an address, and nothing is ever guessed."""

import time

import pytest
from sqlalchemy import select, text

from service import audit, clock
from service.audit import AuditEvent
from service.errors import Invalid, NotAllowed
from service.places.actions import remove_list
from service.places.finding import find
from service.places.models import Place
from tests.service.places.conftest import LIST

MOMENTARY = ("declared", "place", "answered_at", "evidence")  # the evidence names the moment


def names(session, asked, **more):
    return [one.name for one in find(session, asked, **more).candidates]


def ask(client, address, **more):
    return client.get("/api/v1/assign", query_string={"address": address, "locale": "en", **more})


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("锦绣花园", "锦绣花园"),
        ("棉纺院", "锦绣花园"),
        ("老棉纺厂家属院3号楼", "锦绣花园"),
        ("文昌路１２３号", "锦绣花园"),
        ("本区西社区文昌路123号锦绣花园3栋2单元501", "锦绣花园"),
        ("建设二路123号", "新村一区"),
        ("新村1区", "新村一区"),
        ("幸福街十二号", "阳光花园"),
        ("文昌社区", "文昌社区居委会"),
        ("张庄村", "张庄村村委会"),
    ],
)
def test_what_is_said_by_one_place_is_clear(listed, session, asked, name):
    found = find(session, asked)
    assert found.candidates[0].name == name
    assert found.clear is not None
    assert found.clear.name == name


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        ("锦绣花圆", "锦绣花园"),
        ("绵绣花园", "锦绣花园"),
        ("锦花园", "锦绣花园"),
        ("文昌路126号", "阳光小区"),
        ("文昌街123号", "锦绣花园"),
        ("建设三路13号", "新村二区"),
        ("锦绣花园对面", "锦绣花园"),
        ("锦绣", "锦绣花园"),
        ("锦", "锦绣花园"),
    ],
)
def test_what_is_only_like_a_place_lists_it_but_is_never_clear(listed, session, asked, first):
    found = find(session, asked)
    assert found.candidates[0].name == first
    assert found.clear is None


def test_what_two_places_say_is_not_clear(listed, session):
    found = find(session, "阳光")
    assert {one.name for one in found.candidates} == {"阳光小区", "阳光花园"}
    assert find(session, "zzz").candidates == ()
    assert find(session, "！？").candidates == ()


def test_nearness_orders_what_is_equally_likely(communities, take, session):
    take("名称,别名,地址,经度,纬度\n中心小学,,,118.801,31.905\n中心小学,,,118.819,31.905\n")
    for lon in (118.801, 118.819):
        found = find(session, "中心小学", near=(lon, 31.905))
        assert found.candidates[0].lon == lon
        assert found.clear is None


def test_the_look_up_by_address_answers_as_by_its_position(listed, client):
    by_address = ask(client, "文昌路123号锦绣花园3栋", accuracy_m=10).json
    by_position = client.get(
        "/api/v1/assign?lon=118.803&lat=31.905&crs=cgcs2000&accuracy_m=10&locale=en"
    ).json
    assert by_address["declared"] == {"address": "文昌路123号锦绣花园3栋"}
    place = by_address["place"]
    assert (place["name"], place["exact"]) == ("锦绣花园", True)
    assert place["not_in_list"] == [{"kind": "building", "value": "3"}]
    assert place["list"] == {"name": "测试", "edition": 1}
    rest = {name: one for name, one in by_address.items() if name not in MOMENTARY}
    assert rest == {name: by_position[name] for name in rest}
    assert by_address["grid"]["name"] == "西社区"


def test_an_unclear_address_gives_candidates_and_an_unknown_one_nothing(listed, client):
    answer = ask(client, "阳光")
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/ambiguous-address")
    shown = {one["name"]: one for one in answer.json["candidates"]}
    assert shown["阳光小区"]["grid"]["name"] == "西社区"
    assert shown["阳光花园"]["grid"]["name"] == "东社区"
    near = ask(client, "文昌路126号").json["candidates"]
    assert near[0]["address"] == "文昌路125号"
    assert "grid" not in ask(client, "文昌路126号").json
    answer = ask(client, "火星基地")
    assert (answer.status_code, answer.json["type"]) == (404, "/problems/address-not-found")
    assert ask(client, "").status_code == 422
    assert ask(client, "锦绣花园", lon=118.8).status_code == 422
    assert ask(client, "锦绣花园", accuracy_m=-1).status_code == 422


def test_the_search_over_http(listed, client):
    body = client.get("/api/v1/places", query_string={"q": "棉纺院", "near": "118.8,31.9"}).json
    [first, *_] = body["places"]
    assert body["clear"] == first["id"]
    assert first["matched"] == {"field": "alias", "text": "棉纺院"}
    assert first["grid"]["name"] == "西社区"
    assert first["position"]["crs"] == "EPSG:4490"
    assert 600 < first["distance_m"] < 640
    for wrong in (
        {"q": ""},
        {},
        {"q": "x" * 201},
        {"q": "a", "near": "1"},
        {"q": "a", "near": "nan,2"},
        {"q": "a", "limit": 0},
    ):
        assert client.get("/api/v1/places", query_string=wrong).status_code == 422, wrong


def test_an_import_says_what_is_odd_and_what_it_left_out(communities, take, session):
    lines = LIST + (
        "锦绣花园,,文昌路123号,118.803,31.905\n锦绣花园,,文昌路123号,118.813,31.905\n天边,,,117.0,31.0\n"
    )
    done = take(lines)
    assert done.places == 10
    assert done.counts == {"repeated": 1, "same-name": 1, "outside": 1}
    assert [one["row"] for one in done.rows] == [12, 10, 11]
    event = session.scalar(
        select(AuditEvent).where(AuditEvent.verb == "imported", AuditEvent.thing_kind == "places")
    )
    assert event.detail["places"] == 10
    with pytest.raises(
        Invalid, match=r"2 rows can't be taken, nothing was changed\. row 2: 经度 is not a number"
    ):
        take("名称,别名,地址,经度,纬度\n甲,,,x,31.9\n乙,,,118.81,31.9\n丙,,,118.81,95\n")
    done = take("名称,别名,地址,经度,纬度\n甲,,,x,31.9\n乙,,,118.81,31.905\n", skip_errors=True)
    assert (done.places, done.counts["error"]) == (1, 1)


def test_most_places_outside_of_the_city_is_a_wrong_coordinate_system(communities, take):
    lines = "名称,别名,地址,经度,纬度\n甲,,,31.905,118.803\n乙,,,31.905,118.805\n".replace("118.80", "88.80")
    with pytest.raises(Invalid, match="2 of 2 places lie outside of the city"):
        take(lines)
    assert take(lines, outside=True).places == 2


def test_a_list_is_added_to_replaced_and_forgotten(listed, take, session):
    assert take(LIST).counts == {"repeated": 8}
    again = take("名称,别名,地址,经度,纬度\n新华书店,,,118.803,31.905\n", replace=True)
    assert (again.places, again.removed, again.edition) == (1, 8, 3)
    assert names(session, "锦绣花园") == []
    assert names(session, "新华书店") == ["新华书店"]
    take(LIST, into="另一份")
    assert remove_list(session, "另一份", by=audit.OPERATOR, at=clock.now()) == 8
    assert names(session, "锦绣花园") == []
    assert session.scalar(text("select max(places) from place_gram")) == 1


def test_a_planner_of_one_district_takes_no_places_elsewhere(communities, take, session):
    district = communities[0].district_id
    with pytest.raises(NotAllowed):
        take(LIST, may=lambda one: one != district)
    assert session.scalar(select(Place)) is None


def test_the_import_over_http(communities, client, token, tmp_path):
    def send(fields, content=LIST, name="地名.csv"):
        path = tmp_path / "sent"
        path.write_bytes(content if isinstance(content, bytes) else content.encode("gb18030"))
        with path.open("rb") as file:
            data = {"file": (file, name), **fields}
            return client.post("/api/v1/places/imports", data=data, headers=token)

    fields = {
        "name_field": "名称", "alias_field": "别名", "address_field": "地址", "lon": "经度", "lat": "纬度",
        "crs": "wgs84", "encoding": "gb18030", "kind": "小区",
    }  # fmt: skip
    answer = send(fields)
    assert answer.status_code == 201, answer.json
    assert (answer.json["places"], answer.json["list"], answer.json["edition"]) == (8, "地名", 1)
    [kept] = client.get("/api/v1/places/lists").json["lists"]
    assert (kept["name"], kept["places"]) == ("地名", 8)
    for wrong in ({"name_field": ""}, {"crs": ""}, {"name_field": "无"}, {"lon": ""}, {"crs": "mars"}):
        assert send({**fields, **wrong}).status_code == 422, wrong
    assert send(fields, b"PK\x03\x04broken", "x.xlsx").status_code == 422
    assert send(fields, b"", "x.gpkg").status_code == 422
    assert client.delete("/api/v1/places/lists/地名", headers=token).status_code == 204
    assert client.delete("/api/v1/places/lists/地名", headers=token).status_code == 404


def test_who_changed_a_list_is_told_to_those_alone_who_may(listed, client, token):
    assert audit.OPERATOR.name not in client.get("/places").get_data(as_text=True)
    assert audit.OPERATOR.name in client.get("/places", headers=token).get_data(as_text=True)


@pytest.mark.parametrize(
    "asked",
    ["文昌路99999999999号", "文昌路" + "⒛" * 190 + "号", "文昌" + "路1号文昌" * 38, "锦绣花园" + "文" * 190],
)
def test_a_hostile_question_is_answered_quickly(listed, client, asked):
    begun = time.process_time()
    for address in ("/api/v1/places", "/places"):
        answer = client.get(address, query_string={"q": asked})
        assert answer.status_code == 200, answer.get_data(as_text=True)[:300]
    assert time.process_time() - begun < 2.0


def test_a_list_with_a_number_of_many_figures_is_taken(communities, take, session):
    done = take("名称,别名,地址,经度,纬度\n长号院,,文昌路99999999999号,118.803,31.905\n")
    assert done.places == 1
    assert find(session, "长号院").clear is not None
