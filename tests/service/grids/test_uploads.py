"""Files through the browser's way: looked into, previewed, imported by a job, refused in words, swept away."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import geopandas
import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from geo.synth import City, make_city, messy_zip
from service import audit, clock
from service.city import actions as city_actions
from service.city import queries as city_queries
from service.grids import queries, tasks, uploads
from service.grids.models import PlanImport
from service.settings import Settings
from tests.service.grids import maps
from tests.service.grids.test_plans_http import OPTIONS, bearer

MESSY = {
    "level": "community",
    "code_field": "网格编码",
    "name_field": "网格名称",
    "parent_field": "上级编码",
    "crs": "EPSG:4548",
}
ENGLISH = re.compile(r"[A-Za-z]{3,} [a-z]{2,} [a-z]{2,}")


@pytest.fixture
def client(app: Any, tmp_path: Path) -> Any:
    app.config["WANGGE"] = Settings(demo=False, data=tmp_path / "data")
    return app.test_client()


@pytest.fixture(scope="module")
def city() -> City:
    return make_city(seed=7, yards=300)


def send(client: Any, path: Path, headers: dict[str, str], name: str = "P") -> Any:
    client.post("/api/v1/plans", json={"name": name, "base": "empty"}, headers=headers)
    with path.open("rb") as stream:
        sent = client.post(
            f"/api/v1/plans/{name}/imports", data={"file": (stream, path.name)}, headers=headers
        )
    assert sent.status_code == 201, sent.json
    return f"/api/v1/plans/{name}/imports/{sent.json['id']}", sent.json


def work(session: Session) -> None:
    """Do what the job worker does with the waiting jobs."""
    rows = session.execute(
        text(
            "select id, args from procrastinate_jobs where status = 'todo' and task_name = :name order by id"
        ),
        {"name": uploads.JOB},
    ).all()
    for _, arguments in rows:
        tasks.import_upload(**arguments)
    session.execute(text("delete from procrastinate_jobs"))
    session.expire_all()


def test_a_job_imports_the_file_and_deletes_it(client: Any, session: Session, tmp_path: Path) -> None:
    headers = bearer(session)
    where, sent = send(client, maps.communities(tmp_path), headers)
    assert len(list((tmp_path / "data" / "uploads").rglob("*.geojson"))) == 1
    begun = client.post(where, json={**OPTIONS, "background": True}, headers=headers)
    assert (begun.status_code, begun.json["state"]) == (202, "running")
    assert begun.headers["Location"].endswith(where)
    assert client.post(where, json={**OPTIONS, "background": True}, headers=headers).status_code == 409
    work(session)
    done = client.get(where, headers=headers).json
    assert (done["state"], done["progress"], done["result"]["features"]) == ("done", 1.0, 2)
    assert not done["is_kept"]
    assert list((tmp_path / "data" / "uploads").rglob("*")) == []
    assert len(client.get("/api/v1/plans/P/faces", headers=headers).json["features"]) == 2
    assert sent["state"] == "uploaded"


def test_a_job_that_runs_again_changes_nothing(client: Any, session: Session, tmp_path: Path) -> None:
    headers = bearer(session)
    where, sent = send(client, maps.communities(tmp_path), headers)
    client.post(where, json={**OPTIONS, "background": True}, headers=headers)
    work(session)
    version = client.get("/api/v1/plans/P", headers=headers).json["version"]
    tasks.import_upload(1, sent["id"], {"kind": "person", "id": "1", "name": "甲"})
    session.expire_all()
    assert client.get("/api/v1/plans/P", headers=headers).json["version"] == version


def test_a_dry_run_as_a_job_tells_what_would_be_found(client: Any, session: Session, tmp_path: Path) -> None:
    headers = bearer(session)
    where, _ = send(client, maps.communities(tmp_path, border=118.812), headers)
    client.post(where, json={**OPTIONS, "background": True, "dry_run": True}, headers=headers)
    work(session)
    tried = client.get(where, headers=headers).json
    assert (tried["state"], tried["result"]["dry_run"], tried["result"]["counts"]["error"]) == (
        "done",
        True,
        1,
    )
    assert client.get("/api/v1/plans/P", headers=headers).json["version"] == 0
    assert client.get("/api/v1/plans/P/findings", headers=headers).json["findings"] == []
    assert tried["is_kept"]


def test_a_refused_import_says_why_and_can_be_tried_again(
    client: Any, session: Session, tmp_path: Path
) -> None:
    headers = bearer(session)
    where, _ = send(client, maps.communities(tmp_path), headers)
    client.post(where, json={**OPTIONS, "code_field": "id", "background": True}, headers=headers)
    work(session)
    refused = client.get(where, headers=headers).json
    assert refused["state"] == "refused"
    assert refused["problem"]["detail"] == "图层没有字段“id”。现有：code, name, above。"
    english = client.get(where, headers={**headers, "Accept-Language": "en"}).json
    assert english["problem"]["detail"].startswith("The layer has no field 'id'")
    assert client.get("/api/v1/plans/P", headers=headers).json["version"] == 0
    client.post(where, json={**OPTIONS, "background": True}, headers=headers)
    work(session)
    assert client.get(where, headers=headers).json["state"] == "done"


def test_a_fault_of_ours_is_told_and_leaves_the_plan(
    client: Any, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    headers = bearer(session)
    where, sent = send(client, maps.communities(tmp_path), headers)
    client.post(where, json={**OPTIONS, "background": True}, headers=headers)
    monkeypatch.setattr(tasks, "import_file", break_down)
    work(session)
    refused = client.get(where, headers=headers).json
    assert (refused["state"], refused["problem"]["request_id"]) == ("refused", sent["id"])
    assert "没有改动任何数据" in refused["problem"]["detail"]


def test_the_messy_file_shows_its_chinese_and_its_likeliest_system(
    client: Any, session: Session, tmp_path: Path, city: City
) -> None:
    messy_zip(city, tmp_path / "messy.zip")
    headers = bearer(session)
    where, sent = send(client, tmp_path / "messy.zip", headers)
    [layer] = sent["inspection"]["layers"]
    assert (layer["encoding"], layer["crs"]) == ("GBK", None)
    seen = client.get(where + "/preview?rows=3", headers=headers).json
    assert (len(seen["rows"]), seen["is_placed"], seen["encoding"]) == (3, False, "GBK")
    assert {one["name"]: one["empty"] for one in seen["columns"]}["网格名称"] == 1
    placed = client.get(where + "/preview?crs=EPSG:4548", headers=headers).json
    west, south, east, north = placed["outlines"]["bbox"]
    assert 115 < west < east < 117
    assert 34 < south < north < 35
    wrong = client.get(where + "/preview?encoding=UTF-8", headers=headers)
    assert wrong.status_code == 422
    assert ENGLISH.search(wrong.json["detail"]) is None
    levels = city_queries.levels(session, queries.get_plan(session, "P").scheme_id)
    [guess] = uploads.suggest(session, session.scalar(select(PlanImport)), levels)
    wanted = {key: MESSY[key] for key in ("level", "code_field", "name_field", "parent_field")}
    assert {key: guess[key] for key in wanted} == wanted
    assert "EPSG:4548" in [one["key"] for one in guess["crs_candidates"] if one["fits"]]


def test_every_finding_of_the_messy_file_is_said_in_chinese(
    client: Any, session: Session, tmp_path: Path, city: City
) -> None:
    messy_zip(city, tmp_path / "messy.zip")
    headers = bearer(session)
    where, _ = send(client, tmp_path / "messy.zip", headers)
    client.post(where, json={**MESSY, "background": True}, headers=headers)
    work(session)
    found = client.get("/api/v1/plans/P/check", headers=headers).json["findings"]
    assert {"overlap", "hole", "invalid-repaired", "joined-parts"} <= {one["rule"] for one in found}
    assert [one["detail"] for one in found if ENGLISH.search(one["detail"])] == []
    english = client.get("/api/v1/plans/P/findings", headers={**headers, "Accept-Language": "en"}).json
    assert [one["detail"] for one in english["findings"] if re.search("[一-鿿]", one["detail"])] == []
    assert any(one["names"] for one in found)


def test_another_districts_planner_sees_no_upload(client: Any, session: Session, tmp_path: Path) -> None:
    city_actions.add_district(session, code="990102", name="乙区", by=audit.SYSTEM, at=clock.now())
    headers, stranger = bearer(session, "000000"), bearer(session, "990102")
    client.post("/api/v1/plans", json={"name": "P"}, headers=headers)
    with maps.communities(tmp_path).open("rb") as stream:
        form = {"file": (stream, "a.geojson"), "district": "000000"}
        sent = client.post("/api/v1/plans/P/imports", data=form, headers=headers).json
    where = f"/api/v1/plans/P/imports/{sent['id']}"
    for path in (where, where + "/preview"):
        assert client.get(path, headers=headers).status_code == 200
        assert client.get(path, headers=stranger).status_code == 403
    assert client.post(where, json=OPTIONS, headers=stranger).status_code == 403
    assert client.delete(where, headers=stranger).status_code == 403
    assert client.delete(where, headers=headers).status_code == 204
    assert client.post(where, json=OPTIONS, headers=headers).status_code == 409


def test_files_nobody_came_back_for_are_swept_away(client: Any, session: Session, tmp_path: Path) -> None:
    headers = bearer(session)
    send(client, maps.communities(tmp_path), headers)
    folder = tmp_path / "data" / "uploads"
    tasks.sweep(folder, clock.now())
    assert len(list(folder.rglob("*.geojson"))) == 1
    tasks.sweep(folder, clock.now() + timedelta(hours=25))
    assert list(folder.rglob("*")) == []
    session.expire_all()
    assert session.scalar(select(PlanImport)).path == ""


def test_a_file_of_several_layers_stays_until_each_was_imported(
    client: Any, session: Session, tmp_path: Path
) -> None:
    path = tmp_path / "two.gpkg"
    towns = {"code": [maps.TOWN], "name": ["某街道"]}
    communities = {"code": [maps.WEST, maps.EAST], "name": ["西", "东"]}
    for layer, columns, shapes in (
        ("街道", towns, [maps.box(118.8, 118.82)]),
        ("社区", communities, [maps.box(118.8, 118.81), maps.box(118.81, 118.82)]),
    ):
        frame = geopandas.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4490")
        frame.to_file(path, layer=layer, driver="GPKG", engine="pyogrio")
    headers = bearer(session)
    where, sent = send(client, path, headers)
    assert [one["name"] for one in sent["inspection"]["layers"]] == ["街道", "社区"]
    levels = city_queries.levels(session, queries.get_plan(session, "P").scheme_id)
    guesses = uploads.suggest(session, session.scalar(select(PlanImport)), levels)
    assert [one["level"] for one in guesses] == ["subdistrict", "community"]
    unchosen = client.post(where, json=OPTIONS, headers=headers)
    assert (unchosen.status_code, unchosen.json["detail"][:8]) == (422, "文件有几个图层：")
    for level, layer, is_kept in (("community", "社区", True), ("subdistrict", "街道", False)):
        body = {**OPTIONS, "level": level, "layer": layer, "background": True}
        assert client.post(where, json=body, headers=headers).status_code == 202
        work(session)
        now = client.get(where, headers=headers).json
        assert (now["state"], now["is_kept"]) == ("done", is_kept)
    assert client.get("/api/v1/plans/P/check", headers=headers).json["blocking"] == 0
    grids = client.get("/api/v1/plans/P/grids", headers=headers).json["grids"]
    assert [one["level"] for one in grids] == ["community", "community", "subdistrict"]
