"""The demo city is loaded through the actions of a real one, once, and never over a real one."""

import stat
from collections import Counter

import numpy as np
import pytest
import shapely
from sqlalchemy import text

from geo.synth import CATEGORIES, make_city, places_of
from service import audit, clock, runtime
from service.assignment.in_force import IN_FORCE
from service.city import profile
from service.city import queries as city_queries
from service.demo import accounts, files, loading, places, reports, state
from service.errors import Conflict
from service.grids import queries
from service.people import actions as people
from service.places import ground
from service.places.finding import find
from service.settings import Settings

TOLD = {"by": audit.OPERATOR}


@pytest.fixture(scope="module")
def city():
    return make_city(yards=300, buildings=False)


@pytest.fixture
def loaded(session, city):
    loading.make_room(session, at=clock.now(), **TOLD)
    return loading.load_map(session, city, yards=300, at=clock.now(), tell=lambda stage, share: None, **TOLD)


def test_each_district_gets_an_edition_with_every_grid_gap_and_leader(session, city, loaded):
    assert [one.code for one in city_queries.list_districts(session)] == [one.code for one in city.districts]
    counts = Counter()
    for edition in loaded:
        grids = queries.grids_of(session, edition.district_id, edition.snapshot_id)
        counts.update(one.level for one in grids)
        counts.update(one.kind for one in grids if one.kind == "dedicated")
        counts.update(
            "gap"
            for one in queries.faces_of(session, edition.district_id, edition.snapshot_id)
            if one.kind == "gap"
        )
    assert {level: counts[level] for level in city.layers} == {
        level: len(grids) for level, grids in city.layers.items()
    }
    assert counts["dedicated"] == sum(one.kind == "dedicated" for one in city.layers["yard"]) > 0
    assert counts["gap"] >= len(city.gaps) > 0
    held = session.scalar(text("select count(*) from post"))
    assert held == len(city.leaders)
    assert state.made_with(session) == {"seed": city.seed, "yards": 300}
    assert city_queries.profile(session).demo


def test_its_ground_is_answered_and_its_reports_come_with_departments(
    session, city, loaded, client, monkeypatch
):
    IN_FORCE.refresh()
    moment = max(one.in_force_from for one in loaded)
    yard = city.layers["yard"][0]
    point = shapely.point_on_surface(yard.geometry)
    asked = {"lon": point.x, "lat": point.y, "crs": "cgcs2000", "at": moment.isoformat()}
    answer = client.get("/api/v1/assign", query_string=asked).json
    assert [one["code"] for one in answer["chain"]] == [
        yard.district,
        yard.parent[:9],
        yard.parent,
        yard.code,
    ]

    assert not state.has_reports(session)
    monkeypatch.setattr(IN_FORCE, "now", lambda: moment)
    assert reports.load(session, city, count=500, at=clock.now(), **TOLD) == 500
    assert state.has_reports(session)
    statuses = Counter(session.scalars(text("select status from report")))
    assert sum(statuses.values()) == 500
    assert statuses["inside"] > 450


@pytest.mark.parametrize("level", ["community", "yard"])
def test_neighbours_are_those_whose_ground_shares_a_line(session, city, loaded, client, level):
    session.execute(text("alter table edition disable trigger all"))
    session.execute(text("update edition set in_force_from = now() - interval '1 minute'"))
    grids = [one for one in city.layers[level] if one.district == city.districts[0].code]
    here = max(grids, key=lambda one: one.geometry.area)
    answer = client.get(f"/api/v1/grids/{here.code}/neighbours?level={level}").json
    found = {one["properties"]["code"]: one["properties"]["border_m"] for one in answer["features"]}
    gaps = shapely.union_all([one.geometry for one in city.gaps])
    expected = {
        other.code
        for other in grids
        if other.code != here.code
        and here.geometry.difference(gaps).intersection(other.geometry.difference(gaps)).length > 0
    }
    assert found.keys() == expected
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert expected or level == "yard"
    # A search takes its letters as they are: a percent sign is no wildcard.
    assert client.get("/api/v1/grids", query_string={"q": "%"}).json["features"] == []
    by_name = client.get("/api/v1/grids", query_string={"q": here.name[1:]}).json["features"]
    assert here.code in [one["properties"]["code"] for one in by_name]


def test_a_profile_with_other_levels_starts_empty_and_other_categories_are_joined(tmp_path):
    cn = profile.shipped("cn")
    two = cn.schemes[0].model_copy(update={"levels": cn.schemes[0].levels[:2]})
    path = tmp_path / "two.json"
    path.write_text(cn.model_copy(update={"schemes": [two]}).model_dump_json(), "utf-8")
    assert not runtime._first_profile(Settings(profile=str(path)), demo=True).demo
    own = cn.model_copy(update={"categories": [profile.Category(code="own", name={"en": "Own"})]})
    path.write_text(own.model_dump_json(), "utf-8")
    codes = [one.code for one in runtime._first_profile(Settings(profile=str(path)), demo=True).categories]
    assert codes == ["own", *(one.code for one in CATEGORIES)]


def test_a_city_with_maps_is_never_made_a_demo(session, loaded):
    with pytest.raises(Conflict, match="maps already"):
        loading.make_room(session, at=clock.now(), **TOLD)


def test_accounts_work_and_are_kept_for_the_operator_alone(session, loaded, city, tmp_path):
    codes = [one.code for one in city.districts]
    made = accounts.create(session, districts=codes, at=clock.now(), **TOLD)
    accounts.keep(made, tmp_path)
    assert accounts.read(tmp_path) == made
    assert stat.S_IMODE((tmp_path / accounts.FILE).stat().st_mode) == 0o600
    for name in made.names:
        assert people.log_in(session, name=name, password=made.password, at=clock.now())
    assert len([name for name, role in made.names.items() if role == "planner"]) == len(codes)
    assert accounts.read(tmp_path / "elsewhere") is None


def test_files_to_try_are_handed_out_and_nothing_else_is(city, client, app, tmp_path):
    app.config["WANGGE"] = app.config["WANGGE"].model_copy(update={"data": tmp_path})
    assert client.get(f"/demo/{files.MESSY}").status_code == 404
    files.write(city, app.config["WANGGE"].demo_folder)
    (app.config["WANGGE"].demo_folder / accounts.FILE).write_text("{}")
    for name in files.NAMES:
        answer = client.get(f"/demo/{name}", buffered=True)
        assert answer.status_code == 200
        assert answer.data[:2] == b"PK"
    assert client.get(f"/demo/{accounts.FILE}").status_code == 404


def test_its_places_are_found_by_what_people_call_them(session, city, loaded, tmp_path, monkeypatch):
    IN_FORCE.refresh()
    moment = max(one.in_force_from for one in loaded)
    monkeypatch.setattr(IN_FORCE, "now", lambda: moment)
    assert not places.are_there(session)
    files.write_places(city, tmp_path / files.PLACES)
    listed = places_of(city)
    assert places.load(session, tmp_path / files.PLACES, at=clock.now(), **TOLD) == len(listed)
    assert places.are_there(session)
    yards = {yard.name: yard for yard in city.layers["yard"]}
    for one in [place for place in listed if place.alias and place.address][:5]:
        for asked in (one.alias, f"{one.district}{one.address}3号楼2单元"):
            found = find(session, asked)
            assert found.clear is not None, asked
            assert found.clear.name == one.name
            assert found.clear.spot == pytest.approx(
                (one.lon, one.lat), abs=1e-9
            )  # a workbook keeps 16 digits
        [lies] = ground.lies_on(np.array([found.clear.spot]))
        assert lies.grid.name == one.name in yards
