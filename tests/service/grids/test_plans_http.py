"""The way of a plan over HTTP: make, upload, import, look, edit, publish; who may and who may not."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from service import audit, clock
from service.city import actions as city
from service.people import actions as people
from service.settings import Settings
from tests.service.grids import maps

OPTIONS = {"level": "community", "code_field": "code", "name_field": "name"}


@pytest.fixture
def client(app: Any, tmp_path: Path) -> Any:
    app.config["WANGGE"] = Settings(demo=False, data=tmp_path / "data")
    return app.test_client()


def bearer(
    session: Session,
    district: str | None = None,
    scopes: tuple[str, ...] = ("plan_read", "plan_edit", "plan_publish"),
) -> dict[str, str]:
    key = people.create_token(
        session, name="t", scopes=scopes, district=district, by=audit.SYSTEM, at=clock.now()
    )
    session.flush()
    return {"Authorization": f"Bearer {key}"}


def upload(client: Any, path: Path, headers: dict[str, str]) -> Any:
    assert client.post("/api/v1/plans", json={"name": "P"}, headers=headers).status_code == 201
    with path.open("rb") as stream:
        return client.post("/api/v1/plans/P/imports", data={"file": (stream, path.name)}, headers=headers)


def test_a_plan_goes_all_the_way(client: Any, session: Session, tmp_path: Path) -> None:
    headers = bearer(session)
    sent = upload(client, maps.communities(tmp_path), headers)
    assert sent.status_code == 201, sent.json
    layer = sent.json["inspection"]["layers"][0]
    assert layer["count"] == 2
    where = f"/api/v1/plans/P/imports/{sent.json['id']}"
    dry = client.post(where, json={**OPTIONS, "dry_run": True}, headers=headers)
    assert dry.status_code == 200, dry.json
    assert client.get("/api/v1/plans/P/faces", headers=headers).json["features"] == []
    done = client.post(where, json=OPTIONS, headers=headers)
    assert done.json["features"] == 2
    drawn = client.get("/api/v1/plans/P/faces", headers=headers)
    first, other = drawn.json["features"]
    edit = {"kind": "reassign", "face": first["id"], "grid": other["properties"]["grid_id"]}
    stale = client.post("/api/v1/plans/P/ops", json=edit, headers={**headers, "If-Match": '"0"'})
    assert stale.status_code == 412
    fresh = {**headers, "If-Match": drawn.headers["ETag"]}
    edited = client.post("/api/v1/plans/P/ops", json=edit, headers=fresh)
    assert edited.status_code == 200, edited.json
    fresh["If-Match"] = edited.headers["ETag"]
    assert client.post("/api/v1/plans/P/ops", json={"kind": "undo"}, headers=fresh).status_code == 200
    checked = client.get("/api/v1/plans/P/check", headers=headers).json
    assert checked["blocking"] == 0, checked
    assert client.post("/api/v1/plans/P/publish", json={}, headers=headers).status_code == 409
    assert client.post("/api/v1/plans/P/submit", headers=headers).json["state"] == "in_review"
    reviewer = bearer(session, scopes=("plan_read", "plan_review"))
    assert client.post("/api/v1/plans/P/approve", headers=reviewer).json["state"] == "approved"
    published = client.post("/api/v1/plans/P/publish", json={}, headers=headers)
    assert published.status_code == 201, published.json
    assert published.json["editions"][0]["number"] == 1
    again = client.post("/api/v1/plans/P/publish", json={}, headers=headers)
    assert again.status_code == 409
    assert client.post("/api/v1/editions/000000/1/rollback", headers=headers).status_code == 409


def test_a_wrong_field_is_a_sentence_and_leaves_nothing(
    client: Any, session: Session, tmp_path: Path
) -> None:
    headers = bearer(session)
    sent = upload(client, maps.communities(tmp_path), headers)
    where = f"/api/v1/plans/P/imports/{sent.json['id']}"
    wrong = client.post(where, json={**OPTIONS, "code_field": "id"}, headers=headers)
    assert wrong.status_code == 422
    assert wrong.json["fields"] == ["code", "name", "above"]
    assert client.get("/api/v1/plans/P", headers=headers).json["version"] == 0


def test_a_file_that_is_no_map_is_refused(client: Any, session: Session, tmp_path: Path) -> None:
    path = tmp_path / "map.zip"
    path.write_bytes(b"PK\x03\x04 not really")
    sent = upload(client, path, bearer(session))
    assert sent.status_code == 422
    assert not list((tmp_path / "data").rglob("*.zip"))


def test_another_districts_planner_is_refused(client: Any, session: Session, tmp_path: Path) -> None:
    city.add_district(session, code="990102", name="乙区", by=audit.SYSTEM, at=clock.now())
    headers = bearer(session, "990102")
    client.post("/api/v1/plans", json={"name": "P"}, headers=headers)
    with maps.communities(tmp_path).open("rb") as stream:
        form = {"file": (stream, "a.geojson"), "district": "000000"}
        assert client.post("/api/v1/plans/P/imports", data=form, headers=headers).status_code == 403


def test_nobody_sees_plans_without_a_token(client: Any) -> None:
    assert client.get("/api/v1/plans").status_code == 401
    assert client.post("/api/v1/plans/P/publish", json={}).status_code == 401
